"""Nearest neighbours among many vectors, in a bounded amount of memory: the one use of faiss.

faiss proposes neighbours in float32 (`faiss.knn`, exhaustive), and their distances are then computed again
in float64 from the two vectors, so that a distance of 0 is 0. Where two candidates are nearer to each other
in distance than float32 can tell, either may be the one that is named, unless the answer must be `certain`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from lightly_nb.turns import threads_were_started
from lightly_nb.vectors.distances import mean_point, paired_distances, squared_distances

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
Tick = Callable[[], None]

QUERIES_AT_ONCE = 8192
"""Queries between two looks at the progress: a second or so against 100,000 vectors."""
SPARE = 6
"""More neighbours than asked for that faiss proposes, so that float32 rarely leaves a doubt."""


def no_tick() -> None:
    """Do nothing between two chunks."""


def nearest(
    vectors: np.ndarray,
    queries: Rows,
    base: Rows,
    *,
    certain: bool = False,
    memory: float = 1e9,
    tick: Tick = no_tick,
) -> tuple[Rows, Floats]:
    """Return for every query row its nearest row among `base`, other than itself, and the distance.

    As `neighbors` with one neighbour; both results have the shape (len(queries),).

    Examples
    --------
    >>> points = np.array([[0, 0], [1, 0], [5, 0]], dtype=np.float32)
    >>> nearest(points, np.arange(3), np.arange(3))[0].tolist()
    [1, 0, 1]
    """
    rows, distances = neighbors(vectors, queries, base, 1, certain=certain, memory=memory, tick=tick)
    return rows[:, 0], distances[:, 0]


def neighbors(
    vectors: np.ndarray,
    queries: Rows,
    base: Rows,
    n_neighbors: int,
    *,
    certain: bool = False,
    memory: float = 1e9,
    tick: Tick = no_tick,
) -> tuple[Rows, Floats]:
    """Return for every query row its nearest rows among `base`, other than itself, and the distances.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32 of shape (n, d); may be a memory map, which is read in chunks.
    queries, base : numpy.ndarray
        int64 row numbers of `vectors`.
    n_neighbors : int
        Neighbours of each query.
    certain : bool
        Whether distances equal those of a float64 search through everything, whatever the rounding of
        float32; it takes longer, much longer where many rows are the same.
    memory : float
        Bytes that copies of `base` may take at a time.
    tick : callable
        Called between chunks; it may raise to stop the work.

    Returns
    -------
    rows : numpy.ndarray
        int64 of shape (len(queries), n_neighbors), nearest first; -1 where `base` has no more.
    distances : numpy.ndarray
        Euclidean, float64 of the same shape; NaN where there is no neighbour.
    """
    rows = np.full((len(queries), n_neighbors), -1, dtype=np.int64)
    squared = np.full(rows.shape, np.inf)
    if not len(queries) or not len(base):
        return rows, np.full(rows.shape, np.nan)
    spare = int(np.isin(queries, base).any()) + (SPARE if certain else 0)
    middle = mean_point(vectors, base[:10_000])
    for part in _chunks(base, max(1024, int(memory / (12 * vectors.shape[1])))):
        target = vectors[part] - middle
        scale = _scale(target)
        target = np.ascontiguousarray(target * scale, dtype=np.float32)
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            at = slice(start, start + QUERIES_AT_ONCE)
            points = np.ascontiguousarray((vectors[queries[at]] - middle) * scale, dtype=np.float32)
            count = min(len(part), n_neighbors + spare)
            proposed, sure_below = _proposed(points, target, count)
            found = part[proposed]
            exact = _distances(vectors, queries[at], found)
            if certain:
                kth = np.partition(exact, min(n_neighbors, count) - 1)[:, min(n_neighbors, count) - 1]
                doubtful = np.flatnonzero(~(kth <= sure_below / scale**2))
                found[doubtful], exact[doubtful] = _looked_through(
                    vectors, queries[at][doubtful], part, count
                )
            rows[at], squared[at] = _nearest_of(rows[at], squared[at], found, exact)
            tick()
    rows[np.isinf(squared)] = -1
    return rows, np.where(rows >= 0, np.sqrt(squared), np.nan)


def _proposed(points: np.ndarray, target: np.ndarray, count: int) -> tuple[Rows, Floats]:
    """Return the `count` nearest positions in `target`, and below which squared distance no other one is.

    Below the second result no row of `target` was left out, whatever the rounding.
    """
    import faiss

    threads_were_started()
    distances, positions = faiss.knn(points, target, count)
    if count == len(target):
        return positions, np.full(len(points), np.inf)
    lengths = np.square(points).sum(axis=1).max() + np.square(target).sum(axis=1).max()
    error = 4.0 * (target.shape[1] + 8) * 2.0**-24 * float(lengths)
    return positions, distances[:, -1].astype(np.float64) - error


def _scale(shifted: np.ndarray) -> float:
    """Return the power of two that brings the largest number to about 1, where float32 is at its best."""
    largest = float(np.abs(shifted).max(initial=0.0))
    return float(2.0 ** -np.ceil(np.log2(largest))) if largest > 0 else 1.0


def _distances(vectors: np.ndarray, queries: Rows, found: Rows) -> Floats:
    """Return the squared distance of every query to what was found for it; infinity to itself."""
    exact = paired_distances(vectors, np.repeat(queries, found.shape[1]), found.ravel()).reshape(found.shape)
    exact[found == queries[:, None]] = np.inf
    return exact


def _looked_through(vectors: np.ndarray, queries: Rows, base: Rows, count: int) -> tuple[Rows, Floats]:
    """Return the `count` nearest rows of `base` and their squared distances by looking at all of them."""
    rows, squared = np.empty((len(queries), count), dtype=np.int64), np.empty((len(queries), count))
    for number, query in enumerate(queries):
        distances = squared_distances(vectors, base, vectors[query].astype(np.float64))
        distances[base == query] = np.inf
        order = np.argsort(distances, kind="stable")[:count]
        rows[number], squared[number] = base[order], distances[order]
    return rows, squared


def _nearest_of(rows: Rows, squared: Floats, found: Rows, exact: Floats) -> tuple[Rows, Floats]:
    """Return the nearest of those known so far and those found now, as many as are known."""
    all_rows, all_squared = np.hstack([rows, found]), np.hstack([squared, exact])
    order = np.argsort(all_squared, axis=1, kind="stable")[:, : rows.shape[1]]
    return np.take_along_axis(all_rows, order, axis=1), np.take_along_axis(all_squared, order, axis=1)


def _chunks(rows: Rows, size: int) -> Iterator[Rows]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
