"""Maps: the embeddings in two dimensions, by PCA and by UMAP with three sizes of neighbourhood."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib.util import find_spec

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
    tick_of,
)
from lightly_nb.runfolder import RunFolder, write_aside
from lightly_nb.samples import Samples
from lightly_nb.samples.selected import Selection
from lightly_nb.vectors.layout_file import read_layouts, write_layouts
from lightly_nb.vectors.layouts import FITTED_UP_TO, UMAP_NEIGHBORS, pca_layout, umap_layouts, umap_name
from lightly_nb.vectors.neighbors import Rows

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
    coordinates, explained = pca_layout(samples.embeddings)
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


def keep_layouts(samples: Samples, job: Job, arrays: Mapping[str, np.ndarray], folder: RunFolder) -> None:
    """Write the maps among the `arrays` of a report of `samples` to where panels find them."""
    places = {"pca": "maps.pca.coordinates"}
    places |= {umap_name(k): f"maps.umap.coordinates.{k}" for k in UMAP_NEIGHBORS}
    layouts = {name: arrays[place] for name, place in places.items() if place in arrays}
    if not layouts:
        return
    vectors, seed, most = samples.embeddings, option(job, "seed", None), _most_fitted(job)
    if layouts.keys() - read_layouts(folder.layouts, vectors, seed=seed, most=most).keys():
        write_aside(folder.layouts, lambda path: write_layouts(path, vectors, layouts, int(seed or 0), most))


def sprites(samples: Samples, shown: Rows) -> Facts | None:
    """Return one picture that holds a small tile of every shown sample, row by row; None without thumbnails.

    `picture` is a WebP as a uint8 array; sample i has its tile at column i % columns, row i // columns.
    """
    from PIL import Image

    if not samples.has_thumbnails or not len(shown):
        return None
    columns = int(np.ceil(np.sqrt(len(shown))))
    sheet = Image.new("RGB", (columns * TILE, -(-len(shown) // columns) * TILE), "white")
    for number, row in enumerate(shown):
        content = samples.thumbnail(int(row))
        if not content:
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
    if find_spec("umap") is None:
        return {**facts, "skipped": "umap-learn is not installed; install it with: pip install umap-learn"}
    vectors, most = samples.embeddings, _most_fitted(job)
    known = read_layouts(samples.layouts, vectors, seed=option(job, "seed", None), most=most)
    if all(umap_name(k) in known for k in UMAP_NEIGHBORS):
        found = {k: known[umap_name(k)] for k in UMAP_NEIGHBORS}
    else:
        seed = int(option(job, "seed", 0))
        found = dict(umap_layouts(vectors, seed=seed, most=most, tick=tick_of(job)))
    coordinates = {str(k): layout for k, layout in found.items()}
    return {**facts, "coordinates": coordinates, "n_fitted": min(len(samples), most)}


def _most_fitted(job: Job) -> int:
    return int(option(job, "most_umap_points", FITTED_UP_TO))
