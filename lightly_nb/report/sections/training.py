"""Training: the loss, epoch by epoch, and whether the model has collapsed."""

from __future__ import annotations

import math
from typing import Any

from lightly_nb.display.text import counted
from lightly_nb.report.sections.common import Facts, Job
from lightly_nb.samples import Samples
from lightly_nb.samples.selected import Selection
from lightly_nb.vectors.retrieval import COLLAPSED_BELOW

AT_CHANCE_WITHIN = math.log(1.1)
"""How far below the loss of guessing a loss still counts as at chance, as in `training.chance`."""
MOST_STEPS = 500
"""Points of the loss curve over steps; a longer one is thinned evenly."""


def training_section(samples: Samples, selection: Selection, job: Job) -> Facts:
    """Loss and spread of the representations, from the events of the run."""
    metrics = [
        event["metrics"]
        for event in job.get("events") or []
        if event.get("step") == "TRAINING" and event.get("metrics")
    ]
    epochs = _epochs(metrics)
    if not epochs:
        return {"skipped": "no model was trained in this run"}
    steps = [entry for entry in metrics if "epoch_loss" not in entry and _finite(entry.get("loss"))]
    spread = epochs[-1]["representation_std"]
    collapsed = None if spread is None else spread < COLLAPSED_BELOW
    chance = epochs[-1]["chance_loss"]
    at_chance = None if chance is None else epochs[-1]["loss"] >= chance - AT_CHANCE_WITHIN
    return {
        "finding": _finding(epochs, collapsed, at_chance),
        "n_epochs": epochs[-1]["epoch"],
        "epochs": epochs,
        "steps": [
            {"epoch": int(entry.get("epoch", 0)), "loss": float(entry["loss"])}
            for entry in steps[:: max(1, -(-len(steps) // MOST_STEPS))]
        ],
        "first_loss": epochs[0]["loss"],
        "last_loss": epochs[-1]["loss"],
        "representation_std": spread,
        "collapsed_below": COLLAPSED_BELOW,
        "collapsed": collapsed,
        "chance_loss": chance,
        "at_chance": at_chance,
    }


def _epochs(metrics: list[dict[str, Any]]) -> list[Facts]:
    """Return one entry an epoch, in order; the last said of an epoch counts (a run that was resumed)."""
    found: dict[int, Facts] = {}
    for entry in metrics:
        if _finite(entry.get("epoch_loss")) and _finite(entry.get("epoch")):
            found[int(entry["epoch"])] = {
                "epoch": int(entry["epoch"]),
                "loss": float(entry["epoch_loss"]),
                "representation_std": _number(entry.get("representation_std")),
                "images_per_second": _number(entry.get("images_per_second")),
                "chance_loss": _number(entry.get("chance_loss")),
            }
    return [found[epoch] for epoch in sorted(found)]


def _finding(epochs: list[Facts], collapsed: bool | None, at_chance: bool | None) -> str:
    first, last = epochs[0]["loss"], epochs[-1]["loss"]
    if collapsed:
        return "The model has collapsed: it represents all images alike, so do not trust this selection"
    if at_chance:
        chance = epochs[-1]["chance_loss"]
        return (
            f"The loss is at chance, {last:.3g} (guessing gives {chance:.3g}): this training taught nothing"
        )
    if len(epochs) == 1:
        return f"{counted(1, 'epoch')}: loss {last:.3g}"
    moved = "fell" if last < first else "rose" if last > first else "stayed"
    tail = "" if collapsed is None else "; not collapsed, which alone does not make it good"
    return f"Loss {moved} from {first:.3g} to {last:.3g} in {counted(len(epochs), 'epoch')}{tail}"


def _number(value: Any) -> float | None:
    return float(value) if _finite(value) else None


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
