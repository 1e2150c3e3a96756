"""Exact nearest neighbours: faiss proposes in float32, direct differences in float64 decide."""

from __future__ import annotations

import numpy as np

from lightly_nb.vectors.distances import Floats, mean_point, paired_distances, squared_distances

SPARE = 6
"""More neighbours than asked for that faiss proposes, so that float32 rarely leaves a doubt."""


def neighbor_distances(vectors: np.ndarray, n_neighbors: int) -> Floats:
    """Return the squared distances to the `n_neighbors` nearest other rows, ascending, float64 (n,
    n_neighbors).
    """
    everything = np.arange(len(vectors))
    n_proposed = min(len(vectors), n_neighbors + 1 + SPARE)
    proposed, doubtful = _proposals(vectors, vectors, n_proposed)
    left = np.repeat(everything, n_proposed)
    exact = paired_distances(vectors, left, proposed.ravel()).reshape(proposed.shape)
    exact[proposed == everything[:, None]] = np.inf
    exact = np.sort(exact, axis=1)[:, :n_neighbors]
    for row in np.flatnonzero(exact[:, -1] > doubtful):
        distances = squared_distances(vectors, everything, vectors[row].astype(np.float64))
        distances[row] = np.inf
        exact[row] = np.sort(distances)[:n_neighbors]
    return exact


def nearest_distances(vectors: np.ndarray, query: np.ndarray) -> Floats:
    """Return the squared distance of every row to its nearest query vector, float64 (n,)."""
    both = np.concatenate([np.asarray(query, dtype=np.float32), vectors])
    rows = np.arange(len(query), len(both))
    n_proposed = min(len(query), 1 + SPARE)
    proposed, doubtful = _proposals(vectors, np.asarray(query, dtype=np.float32), n_proposed)
    exact = paired_distances(both, np.repeat(rows, n_proposed), proposed.ravel())
    nearest: Floats = exact.reshape(proposed.shape).min(axis=1)
    for row in np.flatnonzero(nearest > doubtful):
        point = vectors[row].astype(np.float64)
        nearest[row] = squared_distances(both, np.arange(len(query)), point).min()
    return nearest


def _proposals(vectors: np.ndarray, base: np.ndarray, count: int) -> tuple[np.ndarray, Floats]:
    """Return the `count` nearest rows of `base` for every vector, and below which squared distance they
    are sure.

    Both are shifted to the mean and scaled to a largest length of about 1, where float32 is at its best.
    Below the second result no row of `base` was left out, whatever the rounding.
    """
    import faiss

    middle = mean_point(base, np.arange(len(base)))
    shifted, target = (vectors - middle).astype(np.float64), (base - middle).astype(np.float64)
    largest = max(float(np.abs(shifted).max(initial=0.0)), float(np.abs(target).max(initial=0.0)))
    scale = 2.0 ** -np.ceil(np.log2(largest)) if largest > 0 else 1.0
    shifted32 = np.ascontiguousarray(shifted * scale, dtype=np.float32)
    target32 = np.ascontiguousarray(target * scale, dtype=np.float32)
    index = faiss.IndexFlatL2(target32.shape[1])
    index.add(target32)
    distances, rows = index.search(shifted32, count)
    lengths = np.square(shifted32).sum(axis=1).max() + np.square(target32).sum(axis=1).max()
    error = 4.0 * (target32.shape[1] + 8) * 2.0**-24 * float(lengths)
    doubtful = (distances[:, -1].astype(np.float64) - error) / scale**2
    if count == len(base):
        doubtful[:] = np.inf
    return rows, doubtful
