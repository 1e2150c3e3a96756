"""THRESHOLD: keep only samples on one side of a number. Applied before anything is picked."""

from __future__ import annotations

import operator

from lightly_nb.errors import SelectionError
from lightly_nb.selection.inputs import numbers
from lightly_nb.selection.strategy import Part, Request, Strategy

OPERATIONS = {
    "SMALLER": (operator.lt, "<"),
    "SMALLER_EQUAL": (operator.le, "<="),
    "BIGGER": (operator.gt, ">"),
    "BIGGER_EQUAL": (operator.ge, ">="),
}


def prepare(request: Request) -> Part:
    """Return which samples pass the threshold."""
    compare, sign = OPERATIONS[request.settings["operation"]]
    threshold = float(request.settings["threshold"])
    values = numbers(request.samples, request.source, request.label, request.seed)
    allowed = compare(values, threshold)
    if not allowed.any():
        raise SelectionError(
            f"{request.label}: no sample has a value {sign} {threshold:g}; the values go from "
            f"{values.min():.6g} "
            f"to {values.max():.6g}"
        )
    return Part(
        allowed=allowed,
        constraint=f"{request.label}: not {sign} {threshold:g}",
        asked={"keep": f"{sign} {threshold:g}"},
        got=lambda rows: {"passed": int(allowed.sum()), "of": len(allowed)},
    )


STRATEGY = Strategy(accepts=frozenset({"SCORES", "METADATA", "PREDICTIONS"}), prepare=prepare)
