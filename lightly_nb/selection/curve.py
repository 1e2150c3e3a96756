"""How coverage and every strategy's measure change with the number of samples, beside random picks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lightly_nb.errors import SelectionError
from lightly_nb.samples.rows import described
from lightly_nb.samples.selected import COVERAGE_MAX, COVERAGE_MEAN, optimizers
from lightly_nb.selection.greedy import Picks
from lightly_nb.selection.plan import Plan
from lightly_nb.vectors.coverage import DRAWS, band, coverage, evenly_spaced, random_draws
from lightly_nb.vectors.distances import Floats, Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 40
"""Sizes at which the curve is drawn, at most."""

DISTANCES = {"coverage max": COVERAGE_MAX, "coverage mean": COVERAGE_MEAN}
"""Columns of the curve, and what `samples.selected` calls the measures."""
OPTIMIZED_BY = "optimized_by"

Measure = tuple[tuple[str, ...], Callable[[Rows, Rows], Floats]]
"""Names of numbers, and a function of (rows in the order selected, sizes) to them, (n_names, n_sizes)."""


def selection_curve(plan: Plan, picks: Picks, labels: Sequence[str]) -> pd.DataFrame:
    """Return the table that `Selection.curve` describes."""
    n = len(picks.rows)
    if not n:
        return pd.DataFrame(index=pd.Index([], name="n", dtype=np.int64), columns=["knee"], dtype=bool)
    sizes = np.unique(np.linspace(1, n, min(POINTS, n)).astype(np.int64))
    before = np.array(plan.preselected, dtype=np.int64)
    row_of = np.argsort(plan.order)  # here, of a row of the caller, whose draws are those of report and panel
    drawn = random_draws(len(plan.samples), plan.order[before], n, seed=plan.seed)
    draws = [row_of[draw] for draw in drawn]
    judges = row_of[evenly_spaced(len(plan.samples))]
    columns: dict[str, Floats] = {}
    for names, measure in _measures(plan, before, judges, labels):
        ours = measure(np.array(picks.rows), sizes)
        low, median, high = band([measure(draw, sizes) for draw in draws])
        for at, name in enumerate(names):
            columns[name] = ours[at]
            columns[f"{name} random"] = median[at]
            columns[f"{name} random low"] = low[at]
            columns[f"{name} random high"] = high[at]
    table = pd.DataFrame(columns, index=pd.Index(sizes, name="n"))
    table.attrs[OPTIMIZED_BY] = _optimized_by(plan, labels)
    table["knee"] = False
    if columns:
        table.loc[sizes[knee(sizes, next(iter(columns.values())))], "knee"] = True
    return table


def _measures(plan: Plan, before: Rows, judges: Rows, labels: Sequence[str]) -> list[Measure]:
    measures: list[Measure] = []
    if "embeddings" in plan.samples.arrays:
        of_sizes = partial(coverage, plan.samples.embeddings, before, judges=judges)
        measures.append((tuple(DISTANCES), of_sizes))
    for part, label in zip(plan.parts, labels, strict=True):
        if part.measure is not None:
            name, of_prefixes = part.measure
            measures.append(((f"{label}: {name}",), partial(_at_sizes, of_prefixes, before)))
    return measures


def _optimized_by(plan: Plan, labels: Sequence[str]) -> dict[str, list[str]]:
    """Return which strategies optimise each measure that some do, by its column."""
    entries = [{**entry, "label": label} for entry, label in zip(plan.entries, labels, strict=True)]
    found = {column: optimizers(entries, measure) for column, measure in DISTANCES.items()}
    own = {
        f"{label}: {part.measure[0]}": [label]
        for part, label in zip(plan.parts, labels, strict=True)
        if part.measure is not None
    }
    return {column: names for column, names in {**found, **own}.items() if names}


def _at_sizes(of_prefixes: Callable[[Rows], Floats], before: Rows, rows: Rows, sizes: Rows) -> Floats:
    return of_prefixes(np.concatenate([before, rows]))[None, len(before) + sizes - 1]


def knee(sizes: np.ndarray, values: Floats) -> int:
    """Return where the curve lies farthest from the line between its ends ("Kneedle", Satopää et al. 2011).

    Examples
    --------
    >>> knee(np.array([1, 2, 3, 4]), np.array([10.0, 2.0, 1.0, 0.0]))
    1
    """
    x = (sizes - sizes[0]) / max(sizes[-1] - sizes[0], 1)
    y = values - values[0] - x * (values[-1] - values[0])
    return int(np.abs(y).argmax())


def draw_curve(curve: pd.DataFrame, measure: str | None = None) -> Figure:
    """Return a figure of one measure by number of samples, beside random picks, with the knee marked."""
    from matplotlib.figure import Figure

    drawn = [str(column) for column in curve.columns if f"{column} random low" in curve.columns]
    if measure is not None and (not isinstance(measure, str) or measure not in drawn):
        raise SelectionError(f"plot_curve: got {described(measure)}; measures are {', '.join(drawn)}")
    name = measure or drawn[0]
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    low, high = curve[f"{name} random low"], curve[f"{name} random high"]
    axes.fill_between(curve.index, low, high, color="0.85", label=f"random, 5-95 % of {DRAWS}")
    axes.plot(curve.index, curve[f"{name} random"], color="0.5", label="random, median")
    axes.plot(curve.index, curve[name], label="this selection")
    for n in curve.index[curve["knee"]]:
        axes.axvline(n, color="black", linestyle=":", label=f"knee at {n:,}")
    axes.set(xlabel="samples selected", ylabel=name)
    if by := curve.attrs.get(OPTIMIZED_BY, {}).get(name):
        axes.set_title(f"What {' and '.join(by)} optimises: better than random by construction", fontsize=9)
    axes.legend()
    return figure
