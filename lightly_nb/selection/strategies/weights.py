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
        unmet=lambda rows, n_before: _unmet(
            values, rows[n_before:], request.settings.get("target_range") or {}
        ),
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


def _unmet(values: Floats, chosen: Rows, target: Mapping[str, Any]) -> str:
    """Return how the sum of the picks misses a target range, '' if it does not."""
    total = float(values[chosen].sum())
    low, high = target.get("min_sum"), target.get("max_sum")
    slack = 1e-9 * max(1.0, abs(total))
    if low is not None and total < float(low) - slack:
        return f"target_range not met: the sum of the picks is {total:.6g}, below min_sum {float(low):g}"
    if high is not None and total > float(high) + slack:
        return f"target_range not met: the sum of the picks is {total:.6g}, above max_sum {float(high):g}"
    return ""


def _got(values: Floats, rows: Rows) -> dict[str, float]:
    if not len(rows):
        return {"sum": 0.0}
    chosen = values[rows]
    return {"sum": float(chosen.sum()), "mean": float(chosen.mean()), "mean_of_all": float(values.mean())}


STRATEGY = Strategy(accepts=frozenset({"SCORES", "METADATA", "RANDOM", "PREDICTIONS"}), prepare=prepare)
