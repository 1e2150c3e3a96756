"""Two-dimensional layouts of embeddings: PCA at once, UMAP in a process of its own.

Importing UMAP and compiling its kernels takes ten seconds and more, and a thread in a busy kernel keeps a
fifth of its speed, so `python -m lightly_nb.vectors.layouts` does that work beside the kernel.

McInnes, Healy, Melville, "UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction"
(2018).
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from lightly_nb.errors import InputError
from lightly_nb.files import written_aside
from lightly_nb.vectors.neighbors import Floats, Tick, neighbors, no_tick
from lightly_nb.vectors.threads import threads_for

UMAP_NEIGHBORS = (5, 15, 50)
ROWS_FOR_AXES = 200_000
"""Rows that the directions of PCA are computed from, at most."""
FITTED_UP_TO = 4000
"""Samples that UMAP runs on; the others are placed between their nearest neighbours among these."""
PLACED_BY = 5
"""Neighbours by which a sample is placed that UMAP did not run on."""


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


def pca_layout(vectors: np.ndarray, rows_at_once: int = 65_536) -> tuple[np.ndarray, list[float]]:
    """Return the two principal components, float32 (n, 2), and the share of the variance that each holds.

    The sign is such that the largest weight of a component is positive. Above 200,000 rows the directions and
    shares are those of that many evenly spaced ones; all rows are projected, in chunks, so that a memory map
    may be larger than the memory. Float32; means and sums of chunks in float64.

    Parameters
    ----------
    vectors : numpy.ndarray
        float of shape (n_samples, n_features). Rows that are not finite count for nothing and get NaN.
    """
    with threads_for(vectors.size):
        middle, axes, explained = _components(
            vectors[:: -(-len(vectors) // ROWS_FOR_AXES) or 1], rows_at_once
        )
        coordinates = np.empty((len(vectors), 2), dtype=np.float32)
        for start in range(0, len(vectors), rows_at_once):
            part = vectors[start : start + rows_at_once] - middle.astype(np.float32)
            with np.errstate(invalid="ignore"):
                placed = part @ axes.astype(np.float32)
            placed[~np.isfinite(part).all(axis=1)] = np.nan
            coordinates[start : start + rows_at_once] = placed
    return coordinates, explained


def _components(vectors: np.ndarray, rows_at_once: int) -> tuple[Floats, Floats, list[float]]:
    """Return the mean, the two axes as columns and the share of the variance along each."""
    d = vectors.shape[1]
    count, total, product = 0, np.zeros(d), np.zeros((d, d))
    for part in _finite_parts(vectors, rows_at_once):
        count += len(part)
        total += part.sum(axis=0, dtype=np.float64)
    middle = total / max(count, 1)
    for part in _finite_parts(vectors, rows_at_once):
        centered = part - middle.astype(np.float32)
        product += centered.T @ centered
    values, axes = np.linalg.eigh(product)
    values = np.pad(values[::-1], (0, 1))[:2].clip(min=0)  # there may be one feature only
    axes = np.pad(axes[:, ::-1], ((0, 0), (0, 1)))[:, :2]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    variance = float(np.trace(product))
    return middle, axes, (values / variance if variance > 0 else np.zeros(2)).tolist()


def _finite_parts(vectors: np.ndarray, rows_at_once: int) -> Iterator[np.ndarray]:
    for start in range(0, len(vectors), rows_at_once):
        part = np.asarray(vectors[start : start + rows_at_once], dtype=np.float32)
        yield part[np.isfinite(part).all(axis=1)]


def fitted(layout: np.ndarray) -> np.ndarray:
    """Return a layout moved and scaled (both axes alike) into [-1, 1]; rows not finite stay NaN."""
    if not np.isfinite(layout).any():
        return np.asarray(layout, dtype=np.float32)
    low, high = np.nanmin(layout, axis=0), np.nanmax(layout, axis=0)
    half = max(float((high - low).max()) / 2, 1e-12)
    return np.asarray((layout - (low + high) / 2) / half, dtype=np.float32)


def umap_layouts(
    vectors: np.ndarray,
    n_neighbors: Sequence[int] = UMAP_NEIGHBORS,
    *,
    seed: int = 0,
    most: int = FITTED_UP_TO,
    tick: Tick = no_tick,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield every number of neighbours with its UMAP layout, float32 of shape (n_samples, 2).

    The same seed gives the same layouts. Above `most` samples UMAP runs on as many, drawn, and each other one
    is placed at the mean of its 5 nearest among them, weighted by 1 / distance.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32 of shape (n_samples, n_features), finite; may be a memory map.
    n_neighbors : sequence of int
        Small shows local structure, large global; cut to what UMAP runs on, less one.
    tick : callable
        Called before each layout and between chunks; it may raise to stop the work.

    Raises
    ------
    InputError
        If there are fewer than 4 samples or a value is not finite.
    """
    if len(vectors) < 4 or not np.isfinite(vectors).all():
        raise InputError(f"UMAP needs at least 4 samples and finite embeddings, got {len(vectors)} samples")
    everything = np.arange(len(vectors))
    drawn = everything
    if len(vectors) > most:
        drawn = np.sort(np.random.default_rng(seed).choice(len(vectors), max(most, 4), replace=False))
    fit = _fit_of(np.ascontiguousarray(vectors[drawn]), max(n_neighbors), seed % 2**32, tick)
    others = np.setdiff1d(everything, drawn)
    nearest, distances = neighbors(vectors, others, drawn, min(PLACED_BY, len(drawn)), tick=tick)
    weights = 1.0 / np.maximum(distances, 1e-6)
    weights /= weights.sum(axis=1, keepdims=True)
    for k in n_neighbors:
        tick()
        layout = np.empty((len(vectors), 2), dtype=np.float32)
        layout[drawn] = mapped = fit(k)
        layout[others] = np.einsum("ij,ijk->ik", weights, mapped[np.searchsorted(drawn, nearest)])
        yield k, layout


def _fit_of(vectors: np.ndarray, most_neighbors: int, seed: int, tick: Tick) -> Callable[[int], np.ndarray]:
    """Return a function from a number of neighbours to UMAP's layout of `vectors`, which starts from PCA."""
    import umap

    everything = np.arange(len(vectors))
    most = max(2, min(most_neighbors, len(vectors) - 1))
    rows, distances = neighbors(vectors, everything, everything, most - 1, tick=tick)
    rows = np.column_stack([everything, rows]).astype(np.int32)
    distances = np.column_stack([np.zeros(len(vectors)), distances]).astype(np.float32)
    start = fitted(pca_layout(vectors)[0]) * 10

    def fit(n_neighbors: int) -> np.ndarray:
        k = max(2, min(n_neighbors, most))
        known = (rows[:, :k], distances[:, :k], None)
        with warnings.catch_warnings():  # about one thread, which the seed asks for, and about new data
            warnings.simplefilter("ignore")
            reducer = umap.UMAP(n_neighbors=k, random_state=seed, init=start, precomputed_knn=known)
            return np.nan_to_num(np.asarray(reducer.fit_transform(vectors), dtype=np.float32))

    return fit


def main(folder: Path, seed: int, wanted: list[int]) -> None:
    """Write `umap_K.npy` into `folder` for every K wanted, aside and renamed, from its `embeddings.npy`.

    Ends early when the process that asked is gone.
    """
    parent = os.getppid()

    def tick() -> None:
        if os.getppid() != parent:
            sys.exit()

    for k, layout in umap_layouts(np.load(folder / "embeddings.npy"), wanted, seed=seed, tick=tick):
        with written_aside(folder / f"{umap_name(k)}.npy") as aside, aside.open("wb") as stream:
            np.save(stream, layout)


if __name__ == "__main__":
    os.nice(10)
    main(Path(sys.argv[1]), int(sys.argv[2]), [int(k) for k in sys.argv[3:]])
