"""WEIGHTS: prefer samples with high values. Alone it is exactly the top of the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lightly_nb.selection.inputs import numbers
from lightly_nb.selection.strategy import Budget, Part, Request, Strategy, prefix_means
from lightly_nb.selection.terms import Weights
from lightly_nb.vectors.distances import Floats, Rows


def prepare(request: Request) -> Part:
    """Return the input's numbers as weights, shifted to at least 0, and the bounds on their sum."""
    values = numbers(request.samples, request.source, request.label, request.seed)
    lowest = float(values.min())
    note = f"values shifted by {-lowest:.6g}, since weights must be at least 0" if lowest < 0 else ""
    asked: dict[str, Any] = {"prefer": "high values" if request.strength > 0 else "low values"}
    budget = _budget(request, values)
    if budget is not None:
        asked |= {"min_sum": budget.minimum, "max_sum": budget.maximum}
    return Part(
        term=Weights(values - min(lowest, 0.0), request.strength),
        budget=budget,
        asked=asked,
        got=lambda rows: _got(values, rows),
        measure=("mean value", prefix_means(values)),
        note=note,
    )


def _budget(request: Request, values: Floats) -> Budget | None:
    limit = request.settings.get("stopping_condition_max_sum")
    target: Mapping[str, Any] = request.settings.get("target_range") or {}
    if limit is None and not target:
        return None
    highest = min(
        np.inf if limit is None else float(limit),
        np.inf if target.get("max_sum") is None else float(target["max_sum"]),
    )
    lowest = -np.inf if target.get("min_sum") is None else float(target["min_sum"])
    return Budget(values, maximum=highest, minimum=lowest)


def _got(values: Floats, rows: Rows) -> dict[str, float]:
    if not len(rows):
        return {"sum": 0.0}
    chosen = values[rows]
    return {"sum": float(chosen.sum()), "mean": float(chosen.mean()), "mean_of_all": float(values.mean())}


STRATEGY = Strategy(accepts=frozenset({"SCORES", "METADATA", "RANDOM", "PREDICTIONS"}), prepare=prepare)
