"""Distances between samples, before and after: all pairs, and nearest neighbours."""

from __future__ import annotations

import numpy as np

from lightly_nb.report.histograms import (
    coarse,
    distance_bound,
    histogram,
    pair_counts,
    shared_edges,
    statistics,
)
from lightly_nb.report.sections.common import (
    Facts,
    Job,
    chosen,
    distance_unit,
    generator,
    memory_of,
    no_embeddings,
    option,
    sampled_rows,
    tick_of,
)
from lightly_nb.samples import Samples
from lightly_nb.samples.selected import Selection
from lightly_nb.vectors.neighbors import Floats, Rows, nearest

MOST_PAIRWISE = 10_000
"""Samples up to which all their pairs are counted; above, as many are drawn and all of *their* pairs
counted.
"""
NEIGHBOR_BUDGET = 1.5e12
"""Multiply-adds up to which every sample is asked for its nearest neighbour; above, as many as that
allows.
"""


def distances_section(samples: Samples, selection: Selection, job: Job) -> Facts:
    """Pairwise and nearest-neighbour distances of all samples and of the selected ones."""
    skipped = no_embeddings(samples) or ({"skipped": "there are no two images"} if len(samples) < 2 else None)
    if skipped:
        return skipped
    rows = chosen(samples, selection)
    everything = np.arange(len(samples))
    pairwise = _pairwise(samples, everything, rows.after, job)
    neighbors = _neighbors(samples, everything, rows.after, job)
    return {
        "finding": _finding(pairwise, neighbors),
        "unit": distance_unit(samples),
        "pairwise": pairwise,
        "nearest_neighbor": neighbors,
    }


def _pairwise(samples: Samples, before: Rows, after: Rows, job: Job) -> Facts:
    most = int(option(job, "most_pairwise_samples", MOST_PAIRWISE))
    rng, tick, vectors = generator(job, 1), tick_of(job), samples.embeddings
    totals = (len(before), len(after))
    drawn = [sampled_rows(rows, most, rng) for rows in (before, after)]
    bound = max(distance_bound(vectors, rows) for rows, _ in drawn) if len(before) else 0.0
    counted = [pair_counts(vectors, rows, bound, tick) for rows, _ in drawn]
    largest = max(numbers["max"] or 0.0 for _, numbers in counted)
    parts = [
        {
            "n_total": n_total,
            "n_samples": len(rows),
            "exact": exact,
            **numbers,
            "histogram": coarse(counts, bound, largest),
        }
        for n_total, (rows, exact), (counts, numbers) in zip(totals, drawn, counted, strict=True)
    ]
    return {"before": parts[0], "after": parts[1]}


def _neighbors(samples: Samples, before: Rows, after: Rows, job: Job) -> Facts:
    rng = generator(job, 2)
    parts = []
    for rows in (before, after):
        most = int(
            option(job, "neighbor_budget", NEIGHBOR_BUDGET) / max(1, len(rows) * samples.embeddings.shape[1])
        )
        asked, exact = sampled_rows(rows, most, rng)
        values = nearest(samples.embeddings, asked, rows, memory=memory_of(job), tick=tick_of(job))[1]
        parts.append((len(rows), exact, values))
    edges = shared_edges(*(values for _, _, values in parts), start=0.0)
    return {
        name: _neighbor_facts(n_total, exact, values, edges)
        for name, (n_total, exact, values) in zip(("before", "after"), parts, strict=True)
    }


def _neighbor_facts(n_total: int, exact: bool, values: Floats, edges: Floats) -> Facts:
    return {
        "n_total": n_total,
        "n_samples": len(values),
        "exact": exact,
        **statistics(values),
        "histogram": histogram(values, edges),
    }


def _finding(pairwise: Facts, neighbors: Facts) -> str:
    before, after = neighbors["before"]["median"], neighbors["after"]["median"]
    if before is None or after is None:
        return "Too few samples for distances between them"
    if before <= 0 < after:
        return f"Half of all samples have an identical twin; selected ones are {after:.3g} apart (median)"
    ratio = after / before if before > 0 else 1.0
    if abs(ratio - 1) < 0.02:
        return f"Selected samples are as far apart as all samples (median nearest neighbour {after:.3g})"
    how = f"{ratio:.1f}× as far apart" if ratio < 10 else f"{ratio:.0f}× as far apart"
    return f"Selected samples are {how} as all samples (median nearest neighbour {before:.3g} to {after:.3g})"
