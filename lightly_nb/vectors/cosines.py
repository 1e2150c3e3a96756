"""Cosines as whole numbers, so that sums of them are exact and ties are real ties.

The vectors of unit length are scaled and rounded to whole numbers, of a length of at most 4,096. A product
of two, and every partial sum on the way to it, is then a whole number of at most 2^24, which float32 holds
exactly: whatever the order of the rows, the number of threads or the blocks of a matrix product, the result
is the same. Rounding changes a cosine of d numbers by about 2e-4, and by no more than about sqrt(d) / 4,096.
"""

from __future__ import annotations

import math

import numpy as np

from lightly_nb.vectors.directions import directions, unit_length
from lightly_nb.vectors.distances import CHUNK, Floats

LARGEST_LENGTH = 4096
STRIP = 2048
"""Points in one product of all similarities."""
ROUNDING = 1e-5
"""A direction of unit length that is no farther from the centre lies there: the rest is rounding."""


def length_of(n_features: int) -> float:
    """Return the length to which vectors are scaled before rounding, which adds at most the rest to 4,096."""
    return max(1.0, LARGEST_LENGTH - math.sqrt(n_features) / 2)


def whole_directions(
    vectors: np.ndarray, dtype: type = np.float32, centre: Floats | None = None
) -> np.ndarray:
    """Return the directions of `vectors`, seen from `centre`, as whole numbers of the same shape.

    Zeros stay zeros, and so does what lies at the centre: what rounding leaves of it has no direction.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32, shape (n, d), finite.
    dtype : type
        float32, of which products are exact, or int16, which takes half the memory.
    centre : numpy.ndarray or None
        float64, shape (d,): what is subtracted from the vectors at unit length; None is 0.

    Examples
    --------
    >>> whole_directions(np.array([[3, 4], [0, 0]], dtype=np.float32)).tolist()
    [[2457.0, 3276.0], [0.0, 0.0]]
    """
    result: np.ndarray = np.empty(vectors.shape, dtype=dtype)
    length = length_of(vectors.shape[1])
    for start in range(0, len(vectors), CHUNK):
        part, lengths = directions(vectors[start : start + CHUNK])
        if centre is not None:
            is_zero = lengths == 0
            part, lengths = directions(part - centre)
            part[np.ravel((lengths <= ROUNDING) | is_zero)] = 0
        part *= length
        result[start : start + CHUNK] = np.rint(part, out=part)
    return result


def centre_of_directions(vectors: np.ndarray) -> Floats:
    """Return the mean of the directions of `vectors` at unit length, zeros included: float64, shape (d,)."""
    total = np.zeros(vectors.shape[1])
    for start in range(0, len(vectors), CHUNK):
        total += unit_length(vectors[start : start + CHUNK]).sum(axis=0)
    return total / max(1, len(vectors))


def similarities(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the products of whole `points` and `others`, at least 0: float32 of shape (n, m), exact."""
    products: np.ndarray = points @ others.T
    np.maximum(products, 0, out=products)
    return products


def symmetric_similarities(points: np.ndarray) -> np.ndarray:
    """Return the `similarities` of `points` to themselves; every product is computed once for both places."""
    result = np.empty((len(points), len(points)), dtype=np.float32)
    for start in range(0, len(points), STRIP):
        rows = slice(start, start + STRIP)
        for first in range(start, len(points), STRIP):
            columns = slice(first, first + STRIP)
            result[rows, columns] = similarities(points[rows], points[columns])
            if first > start:
                result[columns, rows] = result[rows, columns].T
    return result
