"""Other ways to choose, for `label_budget.py`: k-medoids (k-means, nearest to each centre) and TypiClust."""

from __future__ import annotations

import faiss
import numpy as np


def k_medoids(x: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Return for each of n centres of k-means the row nearest to it."""
    labels, distances = _clusters(x, n, seed)
    return np.array([rows[np.argmin(distances[rows])] for rows in _rows_of(labels)])


def typiclust(x: np.ndarray, n: int, seed: int, n_neighbors: int = 20) -> np.ndarray:
    """Return the most typical row of each of n clusters (Hacohen, Dekel and Weinshall, 2022)."""
    labels, _ = _clusters(x, n, seed)
    picks = []
    for rows in _rows_of(labels):
        part = x[rows]
        squared = np.maximum(2 - 2 * part @ part.T, 0)
        k = min(n_neighbors, len(rows) - 1)
        mean = np.sqrt(np.sort(squared, axis=1)[:, 1 : k + 1]).mean(axis=1) if k else np.zeros(len(rows))
        picks.append(rows[np.argmin(mean)])
    return np.array(picks)


def _clusters(x: np.ndarray, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    means = faiss.Kmeans(x.shape[1], n, niter=25, seed=seed, min_points_per_centroid=1, spherical=False)
    means.train(x)
    distances, labels = means.index.search(x, 1)
    return labels.ravel(), distances.ravel()


def _rows_of(labels: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]
