"""Words for numbers, durations, sizes and counts: in one place, so that all that people read agrees."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
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
    if isinstance(value, Integral):
        return f"{int(value):,}"
    if not isinstance(value, Real):
        return str(value)
    value = float(value)
    if not math.isfinite(value):
        return MISSING if math.isnan(value) else str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def duration(seconds: float | None) -> str:
    """Return a duration: the two largest units that count, without those that are zero.

    Examples
    --------
    >>> duration(0.4), duration(42), duration(65), duration(3_725), duration(2 * 86_400)
    ('0.4 s', '42 s', '1 min 5 s', '1 h 2 min', '2 d')
    """
    if seconds is None:
        return MISSING
    if round(seconds) < 60:
        return f"{_short(seconds)} s"
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    at = next(at for at, (_, length) in enumerate(units) if round(seconds) >= length)
    (large, length), (small, part) = units[at : at + 2]
    many, rest = divmod(round(seconds), length)
    return f"{many} {large} {rest // part} {small}" if rest // part else f"{many} {large}"


def size(n_bytes: float) -> str:
    """Return a number of bytes.

    Examples
    --------
    >>> size(0), size(900), size(1_536), size(48_200_000), size(2.34e9)
    ('0 B', '900 B', '1.5 kB', '48 MB', '2.3 GB')
    """
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= 0.9995 * scale:
            return f"{_short(n_bytes / scale)} {unit}"
    return f"{n_bytes:.0f} B"


def counted(n: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> counted(1, "image"), counted(1200, "image"), counted(2, "batch"), counted(2, "copy", "copies")
    ('1 image', '1,200 images', '2 batches', '2 copies')
    """
    return f"{n:,} {one if n == 1 else many or plural(one)}"


def plural(noun: str) -> str:
    """Return the regular plural of a noun.

    Examples
    --------
    >>> plural("image"), plural("batch"), plural("epoch")
    ('images', 'batches', 'epochs')
    """
    return noun + ("es" if noun.endswith(("tch", "s", "x")) else "s")


def rate(per_second: float, noun: str) -> str:
    """Return how many things a second.

    Examples
    --------
    >>> rate(3.21, "image"), rate(1234.5, "batch")
    ('3.2 images/s', '1,234 batches/s')
    """
    return f"{_short(per_second)} {plural(noun)}/s"


def percent(share: float) -> str:
    """Return a share as a percentage that never rounds something to nothing or to all.

    Examples
    --------
    >>> percent(0.1), percent(0.0004), percent(0.9999), percent(1.0)
    ('10 %', '0.04 %', '99.99 %', '100 %')
    """
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f} %"
    digits = 0 if 1 <= value <= 99 else 2 if 0.01 <= value <= 99.99 else 4
    return f"{value:.{digits}f} %"


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
    if isinstance(mapping, Mapping):
        return ", ".join(
            f"{key} ({values(item)})" if isinstance(item, Mapping) else f"{key} {values(item)}"
            for key, item in mapping.items()
        )
    if isinstance(mapping, list | tuple):
        return ", ".join(values(item) for item in mapping)
    return number(mapping)


def basis(facts: dict[str, Any], what: str = "samples") -> str:
    """Return on how much a number rests: on all, or on how many that were drawn."""
    n, total = facts["n_samples"], facts["n_total"]
    if facts["exact"]:
        return f"all {total:,} {what}"
    return f"{n:,} of {total:,} {what}, drawn at random"


def _short(value: float) -> str:
    """Return a number with one decimal below 10, none above."""
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"
