"""The selection of the panel as the lines of Python that make it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pprint import pformat
from typing import Any

FEW_NAMES = 20
"""So many file names are written out; more are left to a variable."""


def python_code(
    n: int, strategies: Sequence[Mapping[str, Any]], preselected: Sequence[str], options: Mapping[str, Any]
) -> str:
    """Return the call of `select`; what cannot be written down is a variable, and a comment says which.

    Examples
    --------
    >>> entry = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
    >>> print(python_code(3, [entry], [], {"seed": 1}))
    import lightly_nb as lnb
    <BLANKLINE>
    picks = lnb.select(
        samples,
        n_samples=3,
        strategies=[
            {'input': {'type': 'EMBEDDINGS'}, 'strategy': {'type': 'DIVERSITY'}},
        ],
        seed=1,
    )
    """
    plain = [{"input": dict(one["input"]), "strategy": dict(one["strategy"])} for one in strategies]
    each = [f"    {_written(entry)},".replace("\n", "\n    ") for entry in plain]
    lines = ["samples,", f"n_samples={n},", "strategies=[", *each, "],"]
    given = {**({"preselected": list(preselected)} if preselected else {}), **options}
    lines += [_option(name, value) for name, value in given.items()]
    body = "\n".join("    " + line.replace("\n", "\n    ") for line in lines)
    return f"import lightly_nb as lnb\n\npicks = lnb.select(\n{body}\n)"


def _option(name: str, value: Any) -> str:
    if isinstance(value, int | float | str | type(None)):
        return f"{name}={value!r},"
    if isinstance(value, list | tuple) and len(value) <= FEW_NAMES:
        return f"{name}={_written(list(value))},"
    what = f"{len(value):,} names" if isinstance(value, Sequence) else type(value).__name__
    return f"{name}={name},  # {what}, as given to the panel"


def _written(value: Any) -> str:
    return pformat(value, width=96, sort_dicts=False)
