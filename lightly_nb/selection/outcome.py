"""From a plan and its picks to the `Selection` that the user gets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from lightly_nb.selection import plan as planning
from lightly_nb.selection.curve import selection_curve
from lightly_nb.selection.engine import gains_of, steering_terms
from lightly_nb.selection.explain import nearest_selected, numbers_served, selection_table
from lightly_nb.selection.greedy import Picks
from lightly_nb.selection.notes import joined
from lightly_nb.selection.plan import Plan
from lightly_nb.selection.result import Selection


def selection_of(plan: Plan, picks: Picks, n_asked: int, extend: Callable[..., Selection]) -> Selection:
    """Return the selection of `picks`; its tables are computed when they are first asked for."""
    names = plan.samples.table.index
    counted = np.array([*plan.preselected, *picks.rows], dtype=np.int64)
    strategies = [
        {
            "label": entry["label"],
            "input": entry["input"],
            "strategy": entry["strategy"],
            "strength": 1.0 if entry["strategy"].get("strength") is None else entry["strategy"]["strength"],
            "asked": dict(part.asked),
            "got": dict(part.got(counted)) if part.got else {},
            "note": joined(part.note, part.unmet(counted, len(plan.preselected)) if part.unmet else ""),
        }
        for entry, part in zip(plan.entries, plan.parts, strict=True)
    ]
    return Selection(
        filenames=[str(name) for name in names[picks.rows]],
        rows=plan.order[np.array(picks.rows, dtype=np.int64)],
        preselected=[str(name) for name in names[plan.preselected]],
        strategies=strategies,
        stopped=picks.stopped if len(picks.rows) < n_asked else "",
        n_asked=n_asked,
        _compute={
            "table": lambda: _table(plan, picks),
            "curve": lambda: selection_curve(plan, picks, [entry["label"] for entry in plan.entries]),
            "extend": lambda: extend,
        },
    )


def _table(plan: Plan, picks: Picks) -> pd.DataFrame:
    labels = [
        entry["label"]
        for entry, part in zip(plan.entries, plan.parts, strict=True)
        if part.term is not None and part.term.strength != 0
    ]
    gains = dict(zip(labels, gains_of(picks, steering_terms(plan)).T, strict=True))
    nearest = n_served = None
    if "embeddings" in plan.samples.arrays:
        nearest = nearest_selected(plan.samples.embeddings, plan.preselected, picks)
        n_served = numbers_served(plan.samples.embeddings, plan.preselected, picks)
    distances = nearest[1] if nearest else None
    reasons = planning.reasons_of(plan, len(picks.rows), picks.stopped, distances)
    table = selection_table(
        plan.samples.filenames, picks, plan.preselected, reasons, gains, nearest, n_served
    )
    return table.iloc[np.argsort(plan.order)]
