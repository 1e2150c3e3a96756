"""Coverage: how far every sample is from the nearest selected one, and pairs of both as pictures."""

from __future__ import annotations

import numpy as np

from lightly_nb.report.histograms import histogram, shared_edges, statistics
from lightly_nb.report.sections.common import (
    Facts,
    Job,
    chosen,
    distance_unit,
    generator,
    memory_of,
    no_embeddings,
    option,
    picture,
    refused,
    sampled_rows,
    tick_of,
)
from lightly_nb.samples import Samples
from lightly_nb.samples.selected import Selection
from lightly_nb.vectors.neighbors import Floats, Rows, nearest

COVERAGE_BUDGET = 1.4e13
"""Multiply-adds up to which every sample is asked: 1,000,000 × 128 against 100,000 selected."""
PERCENTILE_STEP = 11
"""The pairs shown are those at the 0th, 11th, 22nd, … percentile of the distance."""


def coverage_section(samples: Samples, selection: Selection, job: Job) -> Facts:
    """Distance of every sample to its nearest selected one; selected samples are at distance 0."""
    skipped = no_embeddings(samples)
    if skipped:
        return skipped
    rows = chosen(samples, selection)
    if not len(rows.after):
        return {"skipped": "nothing is selected"}
    size = len(rows.after) * samples.embeddings.shape[1]
    most = int(option(job, "coverage_budget", COVERAGE_BUDGET) / size)
    asked, exact = sampled_rows(rows.removed, most, generator(job, 3))
    found, distances = nearest(
        samples.embeddings, asked, rows.after, memory=memory_of(job), tick=tick_of(job)
    )
    # a sample of the removed stands for all of them, so as many selected ones are counted beside it
    n_zero = round(len(rows.after) * len(asked) / len(rows.removed)) if not exact else len(rows.after)
    covered = np.concatenate([np.zeros(n_zero), distances])
    numbers = statistics(covered)
    return {
        "finding": f"Distances say nothing here: {refused(samples)}"
        if refused(samples)
        else _finding(numbers, exact, len(rows.removed)),
        "unit": distance_unit(samples),
        "exact": exact,
        "n_total": len(samples),
        "n_samples": len(asked) + n_zero,
        **numbers,
        "histogram": histogram(covered, shared_edges(covered, start=0.0)),
        "removed": statistics(distances),
        "pairs": _pairs(samples, asked, found, distances, int(option(job, "n_example_images", 6))),
    }


def _finding(numbers: Facts, exact: bool, n_removed: int) -> str:
    if not n_removed:
        return "Every image is selected"
    if not exact:
        return f"95 % of the images have a selected one within {numbers['p95']:.3g}"
    return (
        f"Every image has a selected one within {numbers['max']:.3g}, half of them within "
        f"{numbers['median']:.3g}"
    )


def percentiles(n: int) -> list[int]:
    """Return the percentiles of `n` example pairs: 0, 11, 22, … up to 10 of them, evenly spaced above.

    Examples
    --------
    >>> percentiles(6)
    [0, 11, 22, 33, 44, 55]
    """
    if n <= 1 + 99 // PERCENTILE_STEP:
        return [number * PERCENTILE_STEP for number in range(n)]
    return sorted({round(100 * number / (n - 1)) for number in range(n)})


def _pairs(samples: Samples, asked: Rows, found: Rows, distances: Floats, n: int) -> list[Facts]:
    order = np.argsort(distances, kind="stable")
    if not len(order):
        return []
    pairs, seen = [], set()
    for share in percentiles(n):
        position = int(order[round(share / 100 * (len(order) - 1))])
        if position in seen:  # fewer removed images than pairs asked for
            continue
        seen.add(position)
        removed, kept = int(asked[position]), int(found[position])
        names = str(samples.table.index[removed]), str(samples.table.index[kept])
        pairs.append(
            {
                "percentile": share,
                "distance": float(distances[position]),
                "removed": names[0],
                "selected": names[1],
                "removed_picture": picture(samples, names[0], removed),
                "selected_picture": picture(samples, names[1], kept),
            }
        )
    return pairs
