"""Selection against random: whether it is better than picking as many images blindly."""

from __future__ import annotations

from typing import Any

import numpy as np

from lightly_nb.display.text import counted
from lightly_nb.report.sections.common import (
    Facts,
    Job,
    chosen,
    generator,
    memory_of,
    no_embeddings,
    option,
    refused,
    sampled_rows,
    tick_of,
)
from lightly_nb.samples import Samples
from lightly_nb.samples.categories import CLASSES, balance, category_codes, class_names
from lightly_nb.samples.selected import (
    BALANCE,
    CATEGORIES,
    COVERAGE_MAX,
    COVERAGE_MEAN,
    COVERAGE_P95,
    NEIGHBOR_MEAN,
    NEIGHBOR_MIN,
    Selection,
    optimizers,
)
from lightly_nb.vectors.coverage import DRAWS, band, coverage, random_draws
from lightly_nb.vectors.neighbors import Rows, nearest

BASELINE_BUDGET = 1.5e12
"""Multiply-adds over all draws; above, coverage and neighbours are asked for a drawn part of the samples."""

MEASURES = (
    (COVERAGE_MEAN, "Mean distance to the nearest selected image", "lower"),
    (COVERAGE_P95, "Distance that covers 95 % of the images", "lower"),
    (COVERAGE_MAX, "Largest distance to the nearest selected image", "lower"),
    (NEIGHBOR_MEAN, "Mean distance between selected neighbours", "higher"),
    (NEIGHBOR_MIN, "Smallest distance between two selected images", "higher"),
)
DESCRIBING = (NEIGHBOR_MEAN, NEIGHBOR_MIN)
"""Measures that describe the picks alone, and so judge nothing."""


def baseline_section(samples: Samples, selection: Selection, job: Job) -> Facts:
    """The selection and at least 20 random draws of the same size, on the same measures."""
    if refused(samples):
        return {"skipped": f"better or worse than random draws by distances says nothing: {refused(samples)}"}
    rows = chosen(samples, selection)
    n_draws = max(DRAWS, int(option(job, "n_random_draws", DRAWS)))
    candidates = np.setdiff1d(np.arange(len(samples)), rows.preselected)
    if not len(rows.picks) or len(rows.picks) == len(candidates):
        why = "nothing was selected" if not len(rows.picks) else "everything was selected"
        return {"skipped": f"{why}, so a random selection is the same"}
    seed = int(option(job, "seed", 0))
    draws = random_draws(len(samples), rows.preselected, len(rows.picks), seed=seed, n_draws=n_draws)
    picks = [rows.picks, *draws]
    measured, how = _distances(samples, rows.preselected, picks, job)
    measured += _balances(samples, [np.union1d(rows.preselected, some) for some in picks])
    measures = [
        {**_against_random(*entry), "optimized_by": optimizers(selection.strategies, entry[0])}
        for entry in measured
    ]
    measures.sort(key=lambda entry: not _judges(entry))
    return {"finding": _finding(measures, n_draws), "n_draws": n_draws, **how, "measures": measures}


def _distances(
    samples: Samples, before: Rows, picks: list[Rows], job: Job
) -> tuple[list[tuple[str, str, str, list[Any]]], Facts]:
    if no_embeddings(samples):
        return [], {"n_asked": 0, "exact": True}
    vectors, rng, n = samples.embeddings, generator(job, 5), len(before) + len(picks[0])
    cost = max(1, len(picks) * n * vectors.shape[1])
    most = max(100, int(option(job, "baseline_budget", BASELINE_BUDGET) / 2 / cost))
    asked, exact = sampled_rows(np.arange(len(samples)), most, rng)
    sizes = np.array([len(picks[0])])
    values: list[list[float | None]] = []
    for some in picks:
        covered = coverage(vectors, before, some, sizes, judges=asked, tick=tick_of(job))
        largest, mean, p95 = covered[:, 0].tolist()
        members = np.union1d(before, some)
        between = nearest(
            vectors, sampled_rows(members, most, rng)[0], members, memory=memory_of(job), tick=tick_of(job)
        )[1]
        apart = [None, None] if n < 2 else [float(between.mean()), float(between.min())]
        values.append([mean, p95, largest, *apart])
    columns = zip(MEASURES, zip(*values, strict=True), strict=True)
    return [(*measure, list(column)) for measure, column in columns], {"n_asked": len(asked), "exact": exact}


def _balances(samples: Samples, sets: list[Rows]) -> list[tuple[str, str, str, list[Any]]]:
    entries: list[tuple[str, str, str, list[Any]]] = []
    for name, (codes, names) in category_codes(samples).items():
        values = [balance(np.bincount(codes[rows], minlength=len(names)).astype(float)) for rows in sets]
        entries.append((f"{BALANCE}.{name}", f"Evenness over {name}", "higher", values))
        n_found = [float(len(np.unique(codes[rows]))) for rows in sets]
        entries.append((f"{CATEGORIES}.{name}", f"Number of different {name} values", "higher", n_found))
    for task in class_names(samples):
        matrix = samples.arrays[CLASSES + task]
        values = [balance(matrix[rows].sum(axis=0, dtype=np.float64)) for rows in sets]
        entries.append((f"{BALANCE}.{task}", f"Evenness over classes of {task}", "higher", values))
    return entries


def _against_random(key: str, title: str, better: str, values: list[float | None]) -> Facts:
    got, draws = values[0], [value for value in values[1:] if value is not None]
    facts: Facts = {"name": key, "title": title, "better": better, "selection": got, "random": draws}
    if got is None or not draws:
        return {**facts, "median": None, "p5": None, "p95": None, "n_beaten": None, "verdict": "not defined"}
    p5, median, p95 = band(draws).tolist()
    sign = 1 if better == "higher" else -1
    n_beaten = sum(sign * (got - draw) > 0 for draw in draws)
    n_beaten_by = sum(sign * (got - draw) < 0 for draw in draws)
    verdict = "better" if n_beaten == len(draws) else "worse" if n_beaten_by == len(draws) else "as random"
    return {**facts, "median": median, "p5": p5, "p95": p95, "n_beaten": int(n_beaten), "verdict": verdict}


def _judges(entry: Facts) -> bool:
    """Whether a measure can say if the selection is better than random: no strategy optimises it."""
    return not entry["optimized_by"] and entry["name"] not in DESCRIBING


def _finding(measures: list[Facts], n_draws: int) -> str:
    defined = [entry for entry in measures if entry["verdict"] != "not defined"]
    if not defined:
        return "Nothing to compare with random selections"
    judging = [entry for entry in defined if _judges(entry)]
    if not judging:
        return "No measure here is free of what the strategies optimise, so none can say if random is worse"
    better, worse = (sum(entry["verdict"] == verdict for entry in judging) for verdict in ("better", "worse"))
    of = f"{counted(len(judging), 'measure')} that no strategy optimises"
    if better == 0 and worse == 0:
        return f"Like {n_draws} random selections on {of}"
    tail = f", worse on {worse}" if worse else ""
    return f"Better than {n_draws} random selections on {better} of {of}{tail}"
