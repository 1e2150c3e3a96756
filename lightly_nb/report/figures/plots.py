"""Which plots a report has, by file name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lightly_nb.report.figures import charts, maps
from lightly_nb.report.figures.style import as_png, style

PRETAGGING = "lightly_pretagging"


@dataclass(frozen=True)
class Plot:
    """One plot: the section that it shows, its file name without `.png`, and how it is drawn."""

    section: str
    name: str
    draw: Callable[[], Any]


def plots_of(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> list[Plot]:
    """Return the plots that `facts` have the numbers for, in the order of the report."""
    return [
        *_baseline(facts),
        *_coverage(facts, arrays),
        *_distances(facts),
        *_maps(facts, arrays),
        *_dataset(facts),
        *_training(facts),
    ]


def png(plot: Plot) -> bytes:
    """Return one plot as a PNG."""
    with style():
        return as_png(plot.draw())


def present(facts: dict[str, Any], section: str) -> dict[str, Any] | None:
    """Return the facts of a section, None where it is left out or has nothing to say."""
    found: dict[str, Any] | None = facts.get(section)
    return None if found is None or found.get("skipped") else found


def _baseline(facts: dict[str, Any]) -> list[Plot]:
    found = present(facts, "baseline")
    if not found or all(entry["median"] is None for entry in found["measures"]):
        return []
    return [Plot("baseline", "selection_against_random", partial(charts.against_random, found))]


def _coverage(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> list[Plot]:
    found = present(facts, "coverage")
    if not found:
        return []
    pairs = [
        Plot("coverage", f"filter_decision_{p}", partial(maps.pair, found, arrays, p))
        for p in (entry["percentile"] for entry in found["pairs"])
    ]
    return [Plot("coverage", "coverage", partial(charts.coverage, found)), *pairs]


def _distances(facts: dict[str, Any]) -> list[Plot]:
    found = present(facts, "distances")
    if not found:
        return []
    return [
        Plot("distances", f"{name}_{which}", partial(draw, found, which))
        for name, draw in (("distance_distr", charts.pairwise), ("nearest_neighbor_distr", charts.neighbors))
        for which in ("before", "after")
    ]


def _maps(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> list[Plot]:
    found = present(facts, "maps")
    if not found:
        return []
    names = {"pca": "scatter_pca"} | {k: f"scatter_umap_k_{k}" for k in found["umap"]["coordinates"]}
    return [
        Plot("maps", name + suffix, partial(maps.scatter, found, arrays, which, overlay))
        for which, name in names.items()
        for suffix, overlay in (("", True), ("_no_overlay", False))
    ]


def _dataset(facts: dict[str, Any]) -> list[Plot]:
    found = present(facts, "dataset")
    if not found:
        return []
    plots = [Plot("dataset", "metadata", partial(charts.numbers_grid, found))] if found["metadata"] else []
    for number, entry in enumerate(found["categories"]):
        title = f"{entry['n_values']:,} values of {entry['name']}"
        plots.append(Plot("dataset", f"categories_{number}", partial(charts.bars, entry, title)))
    for number, entry in enumerate(found["classes"]):
        title = f"{entry['n_values']:,} classes of {entry['name']}"
        plots.append(Plot("dataset", f"classes_{number}", partial(charts.bars, entry, title)))
        if entry["name"] == PRETAGGING:
            plots += [
                Plot(
                    "dataset",
                    f"pretagging_histogram_{which}",
                    partial(charts.category_counts, entry, which, found[f"n_{which}"]),
                )
                for which in ("before", "after")
            ]
    return plots


def _training(facts: dict[str, Any]) -> list[Plot]:
    found = present(facts, "training")
    return [Plot("training", "training_loss", partial(charts.losses, found))] if found else []
