"""Numbers and names as a report shows them: in one place, so that PDF, HTML and pictures agree."""

from __future__ import annotations

from typing import Any

MISSING = "–"
LONGEST_NAME = 60


def number(value: Any, digits: int = 3) -> str:
    """Return a number for people: thousands separated, `digits` significant figures.

    Examples
    --------
    >>> number(1234567), number(0.123456), number(1234.5), number(None), number(1e-7), number(True)
    ('1,234,567', '0.123', '1,234', '–', '1e-07', 'yes')
    """
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def seconds(value: float | None) -> str:
    """Return a duration.

    Examples
    --------
    >>> seconds(0.25), seconds(75), seconds(7322)
    ('0.2 s', '1 min 15 s', '2 h 2 min')
    """
    if value is None:
        return MISSING
    if value < 60:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a name that is not longer than `longest`: the middle gives way, its end stays.

    Examples
    --------
    >>> shortened("a/very/long/folder/photo.jpg", 16)
    'a/ver…/photo.jpg'
    """
    if len(name) <= longest:
        return name
    tail = max(1, longest * 5 // 8)
    return f"{name[: longest - tail - 1]}…{name[-tail:]}"


def values(mapping: Any) -> str:
    """Return the items of a dict in one line; nested ones in brackets."""
    if isinstance(mapping, dict):
        return ", ".join(
            f"{key} ({values(item)})" if isinstance(item, dict) else f"{key} {values(item)}"
            for key, item in mapping.items()
        )
    if isinstance(mapping, list):
        return ", ".join(values(item) for item in mapping)
    return number(mapping)


def basis(facts: dict[str, Any], what: str = "samples") -> str:
    """Return on how much a number rests: on all, or on how many that were drawn."""
    n, total = facts["n_samples"], facts["n_total"]
    if facts["exact"]:
        return f"all {total:,} {what}"
    return f"{n:,} of {total:,} {what}, drawn at random"
