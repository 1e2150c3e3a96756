"""Squared Euclidean distances by direct differences in float64: the numbers that decide every pick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

CHUNK = 4096
"""Rows at a time, so that the float64 copies stay a few megabytes."""


def squared_distances(vectors: np.ndarray, rows: Rows, point: Floats) -> Floats:
    """Return the squared distances of `vectors[rows]` to one `point`, float64, one per row.

    The sum runs over the squared differences of one row alone, so a value depends on the two points and on
    nothing else: not on which other rows are asked for, nor on their order, nor on threads.
    """
    result = np.empty(len(rows))
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        difference = vectors[part].astype(np.float64)
        difference -= point
        np.square(difference, out=difference)
        result[start : start + CHUNK] = difference.sum(axis=1)
    return result


def paired_distances(vectors: np.ndarray, left: Rows, right: Rows) -> Floats:
    """Return the squared distance of every pair `left[i]`, `right[i]`, as `squared_distances` does."""
    result = np.empty(len(left))
    for start in range(0, len(left), CHUNK):
        difference = vectors[left[start : start + CHUNK]].astype(np.float64)
        difference -= vectors[right[start : start + CHUNK]]
        np.square(difference, out=difference)
        result[start : start + CHUNK] = difference.sum(axis=1)
    return result


def mean_point(vectors: np.ndarray, rows: Rows) -> Floats:
    """Return the mean of `vectors[rows]`, float64."""
    total = np.zeros(vectors.shape[1])
    for start in range(0, len(rows), CHUNK):
        total += vectors[rows[start : start + CHUNK]].sum(axis=0, dtype=np.float64)
    return total / len(rows)
