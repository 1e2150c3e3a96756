"""Two-dimensional layouts of embeddings: PCA at once, UMAP in a process of its own.

Importing UMAP and compiling its kernels takes ten seconds and more, and a thread in a busy kernel keeps a
fifth of its speed, so `python -m lightly_nb.vectors.layouts` does that work beside the kernel.

McInnes, Healy, Melville, "UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction"
(2018).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from lightly_nb.errors import InputError

UMAP_NEIGHBORS = (5, 15, 50)
ROWS_FOR_PCA_BASIS = 200_000
EXACT_NEIGHBORS_UP_TO = 50_000


def umap_name(n_neighbors: int) -> str:
    """Return the name of the array that holds a UMAP layout.

    >>> umap_name(15)
    'umap_15'
    """
    return f"umap_{n_neighbors}"


def projection_label(name: str) -> str:
    """Return how the menu calls a layout.

    >>> projection_label("umap_15"), projection_label("pca"), projection_label("tsne")
    ('UMAP, 15 neighbors', 'PCA', 'tsne')
    """
    if name.startswith("umap_") and name.removeprefix("umap_").isdigit():
        return f"UMAP, {name.removeprefix('umap_')} neighbors"
    return "PCA" if name == "pca" else name


def pca_layout(vectors: np.ndarray) -> np.ndarray:
    """Return the first two principal components, float32 of shape (n_samples, 2).

    The signs are such that the largest loading of each component is positive. Above 200,000 rows the
    directions come from that many evenly spaced rows; all rows are projected.

    Parameters
    ----------
    vectors : numpy.ndarray
        float of shape (n_samples, n_features). Rows that are not finite get NaN.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # it takes a tenth of a second; on a busy machine a second thread only waits
        return _pca(vectors)


def _pca(vectors: np.ndarray) -> np.ndarray:
    step = max(1, -(-len(vectors) // ROWS_FOR_PCA_BASIS))
    basis_rows = vectors[::step]
    basis_rows = basis_rows[np.isfinite(basis_rows).all(axis=1)]
    mean = basis_rows.mean(axis=0, dtype=np.float64) if len(basis_rows) else np.zeros(vectors.shape[1])
    centered = basis_rows - mean.astype(np.float32)
    _, axes = np.linalg.eigh((centered.T @ centered).astype(np.float64))
    axes = axes[:, ::-1][:, :2]
    axes = np.pad(axes, ((0, 0), (0, 2 - axes.shape[1])))
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.where(axes[largest, np.arange(2)] < 0, -1, 1)
    with np.errstate(invalid="ignore"):
        placed = vectors @ axes.astype(np.float32) - (mean @ axes).astype(np.float32)
    return np.asarray(placed, dtype=np.float32)


def fitted(layout: np.ndarray) -> np.ndarray:
    """Return a layout moved and scaled (both axes alike) into [-1, 1]; rows not finite stay NaN."""
    if not np.isfinite(layout).any():
        return np.asarray(layout, dtype=np.float32)
    low, high = np.nanmin(layout, axis=0), np.nanmax(layout, axis=0)
    half = max(float((high - low).max()) / 2, 1e-12)
    return np.asarray((layout - (low + high) / 2) / half, dtype=np.float32)


def nearest_neighbors(vectors: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the `k` nearest rows of every row (itself first) and their distances, for UMAP."""
    if len(vectors) <= EXACT_NEIGHBORS_UP_TO:
        import faiss

        index = faiss.IndexFlatL2(vectors.shape[1])
        index.add(vectors)
        squared, rows = index.search(vectors, k)
        return rows, np.sqrt(np.maximum(squared, 0))
    from umap.umap_ import nearest_neighbors as approximate

    state = np.random.RandomState(seed)
    rows, distances, _ = approximate(vectors, k, "euclidean", {}, False, state)
    return rows, distances


def umap_layout(
    vectors: np.ndarray,
    n_neighbors: int,
    *,
    neighbors: tuple[np.ndarray, np.ndarray] | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Return a UMAP layout, float32 of shape (n_samples, 2); the same for the same seed.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32 of shape (n_samples, n_features), finite.
    n_neighbors : int
        Small shows local structure, large global; cut to n_samples - 1.
    neighbors : tuple or None
        What `nearest_neighbors` returned for at least `n_neighbors`; None computes it.

    Raises
    ------
    InputError
        If there are fewer than 4 samples or a value is not finite.
    """
    if len(vectors) < 4 or not np.isfinite(vectors).all():
        raise InputError(f"UMAP needs at least 4 samples and finite embeddings, got {len(vectors)} samples")
    import warnings

    import umap

    k = max(2, min(n_neighbors, len(vectors) - 1))
    rows, distances = neighbors or nearest_neighbors(vectors, k, seed)
    start = fitted(pca_layout(vectors)) * 10
    with warnings.catch_warnings():  # about one thread, which the seed asks for, and about new data
        warnings.simplefilter("ignore")
        reducer = umap.UMAP(
            n_neighbors=k,
            random_state=seed,
            init=start,
            precomputed_knn=(rows[:, :k].astype(np.int32), distances[:, :k].astype(np.float32), None),
        )
        return np.asarray(reducer.fit_transform(vectors), dtype=np.float32)


def main(folder: Path, seed: int, wanted: list[int]) -> None:
    """Write `umap_K.npy` into `folder` for every K wanted, aside and renamed, from its `embeddings.npy`.

    Ends early when the process that asked is gone.
    """
    parent = os.getppid()
    vectors = np.load(folder / "embeddings.npy")
    most = max(2, min(max(wanted), len(vectors) - 1))
    neighbors = nearest_neighbors(vectors, most, seed)
    for k in wanted:
        if os.getppid() != parent:
            return
        aside = folder / f"{k}.part.npy"
        np.save(aside, umap_layout(vectors, k, neighbors=neighbors, seed=seed))
        aside.rename(folder / f"{umap_name(k)}.npy")


if __name__ == "__main__":
    os.nice(10)
    main(Path(sys.argv[1]), int(sys.argv[2]), [int(k) for k in sys.argv[3:]])
