"""The two small sets that the fast search works in, so that it need not look at every row."""

from __future__ import annotations

import numpy as np

from lightly_nb.vectors.distances import Floats, Rows

HOT = 16
"""The hot rows are this many times as many as a pool, so that choosing a pool rarely looks at all rows."""


def top_level(values: Floats, count: int) -> float:
    """Return a level that about `count` of `values` exceed; with many ties, fewer or more.

    Strictly above the level there is always at least one value; -inf when all may be taken.

    Examples
    --------
    >>> top_level(np.array([1.0, 5.0, 3.0, 4.0]), 2)
    3.0
    >>> top_level(np.array([2.0, 2.0, 1.0]), 1)
    1.0
    """
    if count >= len(values):
        return -np.inf
    level = float(np.partition(values, len(values) - count - 1)[len(values) - count - 1])
    highest = float(values.max())
    if level < highest:
        return level
    lower = values[values < highest]
    return float(lower.max()) if len(lower) else -np.inf


def cut_to(rows: Rows, values: Floats, count: int) -> tuple[np.ndarray, float, int]:
    """Return which of ascending `rows` are the `count` best by (value, lower row), and the best one cut away.

    The second and third results are its value and row, or (-inf, -1) when nothing was cut.
    """
    if len(rows) <= count:
        return np.arange(len(rows)), -np.inf, -1
    order = np.argsort(-values, kind="stable")
    best_cut = order[count]
    return np.sort(order[:count]), float(values[best_cut]), int(rows[best_cut])
