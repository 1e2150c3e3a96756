"""Nearest neighbours among many vectors, in a bounded amount of memory.

faiss proposes a neighbour in float32 (`faiss.knn`, exhaustive), and its distance is then computed again in
float64 from the two vectors, so that a distance of 0 is 0. Where two candidates are nearer to each other in
distance than float32 can tell, either may be the one that is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
Tick = Callable[[], None]

QUERIES_AT_ONCE = 8192
"""Queries between two looks at the progress: a second or so against 100,000 vectors."""


def no_tick() -> None:
    """Do nothing between two chunks."""


def nearest(
    vectors: np.ndarray,
    queries: Rows,
    base: Rows,
    *,
    memory: float = 1e9,
    tick: Tick = no_tick,
) -> tuple[Rows, Floats]:
    """Return for every query row its nearest row among `base`, other than itself, and the distance.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32 of shape (n, d); may be a memory map, which is read in chunks.
    queries, base : numpy.ndarray
        int64 row numbers of `vectors`.
    memory : float
        Bytes that copies of `base` may take at a time.
    tick : callable
        Called between chunks; it may raise to stop the work.

    Returns
    -------
    rows : numpy.ndarray
        int64, -1 where `base` holds nothing but the query itself.
    distances : numpy.ndarray
        Euclidean, float64; NaN where there is no neighbour.

    Examples
    --------
    >>> points = np.array([[0, 0], [1, 0], [5, 0]], dtype=np.float32)
    >>> nearest(points, np.arange(3), np.arange(3))[0].tolist()
    [1, 0, 1]
    """
    rows = np.full(len(queries), -1, dtype=np.int64)
    best = np.full(len(queries), np.inf)
    if not len(queries) or not len(base):
        return rows, np.full(len(queries), np.nan)
    may_meet_itself = bool(np.isin(queries, base, assume_unique=False).any())
    middle = vectors[base[: min(len(base), 10_000)]].mean(axis=0)
    for part in _chunks(base, max(1024, int(memory / (12 * vectors.shape[1])))):
        target = np.ascontiguousarray(vectors[part] - middle, dtype=np.float32)
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            asked = slice(start, start + QUERIES_AT_ONCE)
            found, distances = _search(vectors, queries[asked], part, target, middle, may_meet_itself)
            nearer = distances < best[asked]
            rows[asked] = np.where(nearer, found, rows[asked])
            best[asked] = np.where(nearer, distances, best[asked])
            tick()
    return rows, np.where(rows >= 0, np.sqrt(best), np.nan)


def neighbor_lists(
    vectors: np.ndarray, queries: Rows, base: Rows, n_neighbors: int, *, tick: Tick = no_tick
) -> tuple[Rows, Floats]:
    """Return for every query row its `n_neighbors` nearest positions in `base` and the distances, ascending.

    Positions count within `base`; a query that is in `base` finds itself first. Both results have the shape
    (len(queries), n_neighbors), positions int64, distances float64 from float32 arithmetic.
    """
    import faiss

    middle = vectors[base].mean(axis=0)
    target = np.ascontiguousarray(vectors[base] - middle, dtype=np.float32)
    positions = np.empty((len(queries), n_neighbors), dtype=np.int64)
    distances = np.empty((len(queries), n_neighbors))
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        asked = slice(start, start + QUERIES_AT_ONCE)
        query = np.ascontiguousarray(vectors[queries[asked]] - middle, dtype=np.float32)
        squared, positions[asked] = faiss.knn(query, target, n_neighbors)
        distances[asked] = np.sqrt(np.maximum(squared, 0))
        tick()
    return positions, distances


def _search(
    vectors: np.ndarray,
    queries: Rows,
    base: Rows,
    target: np.ndarray,
    middle: np.ndarray,
    may_meet_itself: bool,
) -> tuple[Rows, Floats]:
    """Return nearest rows and squared distances within one chunk of the base; (-1, inf) for none."""
    import faiss

    k = min(2 if may_meet_itself else 1, len(base))
    query = np.ascontiguousarray(vectors[queries] - middle, dtype=np.float32)
    found = base[faiss.knn(query, target, k)[1]]
    point = vectors[queries].astype(np.float64)
    best, which = np.full(len(queries), np.inf), np.full(len(queries), -1, dtype=np.int64)
    for column in range(k):
        candidate = found[:, column]
        distances = np.square(point - vectors[candidate]).sum(axis=1)
        nearer = (distances < best) & (candidate != queries)
        which[nearer], best[nearer] = candidate[nearer], distances[nearer]
    return which, best


def _chunks(rows: Rows, size: int) -> Iterator[Rows]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
