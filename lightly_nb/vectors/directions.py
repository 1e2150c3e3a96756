"""Vectors at unit length: only their direction is left."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from lightly_nb.vectors.distances import Floats


def unit_length(vectors: np.ndarray, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Return each row divided by its Euclidean length, of `dtype`; rows of zeros stay as they are.

    Examples
    --------
    >>> unit_length(np.array([[3, 4], [0, 0]], dtype=np.float32)).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    return np.asarray(directions(vectors)[0], dtype=dtype)


def directions(vectors: np.ndarray) -> tuple[Floats, Floats]:
    """Return the rows of `unit_length`, and their lengths before: float64 of shape (n, d) and (n, 1)."""
    lengths: Floats = np.linalg.norm(vectors.astype(np.float64, copy=False), axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0), lengths
