"""How well vectors find what belongs together: a changed copy its own image, a sample those of its label."""

from __future__ import annotations

import math

import numpy as np

from lightly_nb.vectors.directions import directions, unit_length
from lightly_nb.vectors.distances import Floats, Rows

TIE = 1e-6
"""Cosines that differ by less count as equal."""
COLLAPSED_BELOW = 0.02
"""`spread` below which a model has collapsed: it gives all images nearly the same embedding. A larger one
says only that it has not: at 0.2 to 1 a model may be worth nothing (`lightly_nb.check_embeddings` looks)."""


def reciprocal_ranks(queries: np.ndarray, candidates: np.ndarray, own: Rows, n_candidates: int) -> Floats:
    """Return for each query the reciprocal rank of its own candidate among `n_candidates`, float64.

    Both sets are centred, each by its own mean, and compared by cosine. A tie counts against: who is as near
    as the own candidate stands before it, so vectors that are all alike find nothing. With more than
    `n_candidates` candidates the result is the mean over all ways to draw the others.

    Parameters
    ----------
    queries, candidates : numpy.ndarray
        Of shape (n_queries, d) and (n, d), finite.
    own : numpy.ndarray
        int64: the row of `candidates` that each query should find.
    n_candidates : int
        How many candidates a query looks among, its own included; at most all.

    Examples
    --------
    >>> points = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    >>> reciprocal_ranks(points, points, np.arange(3), 3).tolist()
    [1.0, 1.0, 1.0]
    >>> reciprocal_ranks(np.ones((3, 2)), np.ones((3, 2)), np.arange(3), 3).tolist()
    [0.3333333333333333, 0.3333333333333333, 0.3333333333333333]
    """
    cosines = centered(queries) @ centered(candidates).T
    of_own = cosines[np.arange(len(queries)), own]
    before = (cosines >= of_own[:, None] - TIE).sum(axis=1) - 1
    return np.array([_mean_reciprocal(int(n), len(candidates), n_candidates) for n in before])


def _mean_reciprocal(before: int, n: int, drawn: int) -> float:
    """Return the mean of 1 / rank when `drawn` of `n` candidates, the own one among them, are drawn.

    `before` of all stand before the own one; the number of them that is drawn is hypergeometric.
    """
    if drawn >= n:
        return 1.0 / (before + 1)
    after = n - 1 - before
    log_none = _log_choose(after, drawn) - _log_choose(n, drawn) if after >= drawn else -math.inf
    return n / (drawn * (before + 1)) * -math.expm1(log_none)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def centered(vectors: np.ndarray) -> Floats:
    """Return vectors without their mean at unit length, float64; one that equals the mean stays zero."""
    shifted = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    unit, lengths = directions(shifted)
    rounding = 1e-6 * float(np.abs(vectors).max(initial=0.0))  # of float32: no direction in that
    return np.where(lengths > rounding, unit, 0.0)


def neighbor_accuracy(vectors: np.ndarray, codes: Rows, n_neighbors: int = 5) -> float:
    """Return the share of rows whose nearest other rows vote for their own code.

    Neighbours are those of the highest cosine after centring. Where votes are equal the code of the nearest
    of them wins; a neighbour that is tied with the last one does not vote if its row comes later.

    Parameters
    ----------
    vectors : numpy.ndarray
        Of shape (n, d), finite.
    codes : numpy.ndarray
        int64 of shape (n,), from 0.
    n_neighbors : int
        Neighbours that vote.

    Examples
    --------
    >>> points = np.array([[1.0, 0.1], [1.0, 0.2], [-1.0, 0.1], [-1.0, 0.2]])
    >>> neighbor_accuracy(points, np.array([0, 0, 1, 1]), 1)
    1.0
    """
    unit = centered(vectors)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, : min(n_neighbors, len(codes) - 1)]
    earlier = 1e-3 / (1 + np.arange(nearest.shape[1]))  # less than a vote in all: settles equal votes
    votes = np.zeros((len(codes), int(codes.max(initial=0)) + 1))
    for at in range(nearest.shape[1]):
        votes[np.arange(len(codes)), codes[nearest[:, at]]] += 1 + earlier[at]
    return float((votes.argmax(axis=1) == codes).mean())


def spread(vectors: np.ndarray) -> float:
    """Return the root mean square distance of rows at unit length to their mean: 0 all alike, 1 even.

    NaN if a value is not finite. Rows of zeros stay zero.

    Examples
    --------
    >>> spread(np.ones((4, 8))), round(spread(np.eye(4)), 3)
    (0.0, 0.866)
    """
    return float(np.sqrt(unit_length(vectors).var(axis=0).sum()))
