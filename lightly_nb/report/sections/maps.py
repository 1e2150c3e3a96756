"""Maps: the embeddings in two dimensions, by PCA and by UMAP with three sizes of neighbourhood."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from lightly_nb.display.text import percent
from lightly_nb.report.sections.common import (
    Facts,
    Job,
    chosen,
    generator,
    no_embeddings,
    option,
    sampled_rows,
    thumbnail_bytes,
    tick_of,
)
from lightly_nb.samples import Samples
from lightly_nb.samples.selected import Selection
from lightly_nb.vectors.neighbors import Floats, Rows, neighbor_lists

UMAP_NEIGHBORS = (5, 15, 50)
UMAP_POINTS = 4000
"""Samples that UMAP runs on; the others are placed between their nearest neighbours among these."""
PLACED_BY = 5
"""Neighbours by which a sample is placed that UMAP did not run on."""
SHOWN_POINTS = 10_000
"""Points drawn; above, all selected ones up to half of that and a drawn part of the others."""
TILE = 40
"""Pixels of the pictures that a pointer over the map shows."""


def maps_section(samples: Samples, selection: Selection, job: Job) -> Facts:
    """Coordinates of every sample on four maps, and which points are drawn."""
    skipped = no_embeddings(samples)
    if skipped:
        return skipped
    rows = chosen(samples, selection)
    coordinates, explained = pca(samples.embeddings)
    state = np.zeros(len(samples), dtype=np.uint8)
    state[rows.after], state[rows.preselected] = 1, 2
    shown = _shown(rows.after, rows.removed, job)
    umap_facts = _umaps(samples, job)
    return {
        "finding": f"Two principal components hold {percent(sum(explained))} of the variance"
        if sum(explained) > 0
        else "All images have the same embedding",
        "state": state,
        "states": ["removed", "selected", "preselected"],
        "shown": shown.astype(np.int32),
        "n_shown": len(shown),
        "n_samples": len(samples),
        "pca": {"coordinates": coordinates, "explained": explained},
        "umap": umap_facts,
        "filenames": [str(samples.table.index[row]) for row in shown],
        "sprites": sprites(samples, shown),
    }


def pca(vectors: np.ndarray, rows_at_once: int = 65_536) -> tuple[np.ndarray, list[float]]:
    """Return the two principal components, float32 (n, 2), and the share of the variance that each holds.

    The sign is such that the largest weight of a component is positive. The covariance is summed in float64
    over chunks, so a memory map may be larger than the memory.
    """
    n, d = vectors.shape
    middle, product = np.zeros(d), np.zeros((d, d))
    for start in range(0, n, rows_at_once):
        middle += vectors[start : start + rows_at_once].sum(axis=0, dtype=np.float64) / n
    for start in range(0, n, rows_at_once):
        part = vectors[start : start + rows_at_once].astype(np.float64) - middle
        product += part.T @ part
    values, axes = np.linalg.eigh(product)
    order = np.argsort(values)[::-1][:2]
    axes = axes[:, order] * np.where(axes[np.abs(axes[:, order]).argmax(axis=0), order] < 0, -1.0, 1.0)
    total = float(values.clip(min=0).sum())
    coordinates = np.zeros((n, 2), dtype=np.float32)
    for start in range(0, n, rows_at_once):
        part = vectors[start : start + rows_at_once].astype(np.float64) - middle
        coordinates[start : start + rows_at_once, : len(order)] = part @ axes
    explained = [float(max(0.0, values[row])) / total if total > 0 else 0.0 for row in order]
    return coordinates, [*explained, 0.0][:2]


def sprites(samples: Samples, shown: Rows) -> Facts | None:
    """Return one picture that holds a small tile of every shown sample, row by row; None without thumbnails.

    `picture` is a WebP as a uint8 array; sample i has its tile at column i % columns, row i // columns.
    """
    from PIL import Image

    if samples.thumbnails is None or "thumbnail" not in samples.table or not len(shown):
        return None
    columns = int(np.ceil(np.sqrt(len(shown))))
    sheet = Image.new("RGB", (columns * TILE, -(-len(shown) // columns) * TILE), "white")
    for number, row in enumerate(shown):
        content = thumbnail_bytes(samples, int(row))
        if content is None:
            continue
        with Image.open(io.BytesIO(content)) as image:
            image.thumbnail((TILE, TILE))
            corner = (TILE - image.width) // 2, (TILE - image.height) // 2
            sheet.paste(image, (number % columns * TILE + corner[0], number // columns * TILE + corner[1]))
    buffer = io.BytesIO()
    sheet.save(buffer, "WEBP", quality=45, method=4)
    return {"tile": TILE, "columns": columns, "picture": np.frombuffer(buffer.getvalue(), np.uint8)}


def _shown(after: Rows, removed: Rows, job: Job) -> Rows:
    most, rng = int(option(job, "most_shown_points", SHOWN_POINTS)), generator(job, 6)
    if len(after) + len(removed) <= most:
        return np.sort(np.concatenate([after, removed]))
    kept = sampled_rows(after, max(most // 2, most - len(removed)), rng)[0]
    return np.sort(np.concatenate([kept, sampled_rows(removed, most - len(kept), rng)[0]]))


def _umaps(samples: Samples, job: Job) -> Facts:
    facts: Facts = {"skipped": None, "n_fitted": 0, "neighbors": list(UMAP_NEIGHBORS), "coordinates": {}}
    if len(samples) <= max(UMAP_NEIGHBORS):
        return {**facts, "skipped": f"{max(UMAP_NEIGHBORS)} neighbours need more images than that"}
    if not option(job, "umap", True):
        return {**facts, "skipped": "not asked for"}
    try:
        import umap
    except ImportError:
        return {**facts, "skipped": "umap-learn is not installed; install it with: pip install umap-learn"}
    vectors, tick = samples.embeddings, tick_of(job)
    fitted, all_fitted = sampled_rows(
        np.arange(len(samples)), int(option(job, "most_umap_points", UMAP_POINTS)), generator(job, 7)
    )
    rest = None if all_fitted else _placing(vectors, fitted, job)
    seed = int(option(job, "seed", 0)) % 2**32
    for k in UMAP_NEIGHBORS:
        tick()
        mapped = _umap(umap, np.ascontiguousarray(vectors[fitted]), k, seed)
        facts["coordinates"][str(k)] = mapped if rest is None else _placed(mapped, *rest)
    return {**facts, "n_fitted": len(fitted)}


def _umap(umap: Any, vectors: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Return UMAP's coordinates (McInnes, Healy and Melville 2018), float32 (n, 2), repeatable."""
    few = len(vectors) < 3 * k
    reducer = umap.UMAP(
        n_neighbors=min(k, len(vectors) - 1),
        init="random" if few else "spectral",
        random_state=seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.nan_to_num(np.asarray(reducer.fit_transform(vectors), dtype=np.float32))


def _placing(vectors: np.ndarray, fitted: Rows, job: Job) -> tuple[Rows, Floats]:
    """Return per sample its nearest fitted ones and their weights: 1 / distance, 1 for itself."""
    everything = np.arange(len(vectors))
    positions, distances = neighbor_lists(vectors, everything, fitted, PLACED_BY, tick=tick_of(job))
    weights = 1.0 / np.maximum(distances, 1e-6)
    own = np.searchsorted(fitted, everything)
    own = np.where(own < len(fitted), own, 0)
    is_fitted = fitted[own] == everything
    positions[is_fitted, 0] = own[is_fitted]
    weights[is_fitted] = 0.0
    weights[is_fitted, 0] = 1.0
    return positions, weights / weights.sum(axis=1, keepdims=True)


def _placed(mapped: np.ndarray, positions: Rows, weights: Floats) -> np.ndarray:
    result = np.zeros((len(positions), 2), dtype=np.float32)
    for column in range(positions.shape[1]):
        result += mapped[positions[:, column]] * weights[:, column : column + 1].astype(np.float32)
    return result
