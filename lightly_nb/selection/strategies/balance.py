"""BALANCE: bring the classes of the selection near a target distribution."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lightly_nb.display.text import percent
from lightly_nb.errors import SelectionError
from lightly_nb.selection.inputs import categories_of, known
from lightly_nb.selection.strategy import Part, Request, Strategy
from lightly_nb.selection.terms import Balance
from lightly_nb.vectors.distances import Floats, Rows

OTHER = "other"
LEAST_GAP = 0.01
"""A share that is off by no more is met."""
SHOWN = 3


def prepare(request: Request) -> Part:
    """Return the balance of the input's categories against TARGET, UNIFORM or INPUT shares."""
    matrix, names = categories_of(request.samples, request.source, request.label)
    target = _target(request, matrix, names)
    classes = np.column_stack(
        [
            matrix[:, [names.index(name) for name in target]],
            matrix[:, [n not in target for n in names]].sum(axis=1),
        ]
    )
    shares = np.array([*target.values(), max(0.0, 1.0 - sum(target.values()))])
    labels = [*target, OTHER]
    return Part(
        term=Balance(classes, shares / shares.sum(), request.strength),
        asked=dict(zip(labels, shares.tolist(), strict=True)),
        measure=("distance to target", lambda rows: _target_distances(classes, rows, shares)),
        got=lambda rows: _shares(classes, rows, labels),
        unmet=lambda rows, _before: _unmet(classes, rows, dict(zip(labels, shares.tolist(), strict=True))),
    )


def _target(request: Request, matrix: Floats, names: list[str]) -> dict[str, float]:
    distribution = request.settings.get("distribution") or "TARGET"
    if distribution == "UNIFORM":
        return dict.fromkeys(names, 1.0 / len(names))
    if distribution == "INPUT":
        total = matrix.sum()
        if total <= 0:
            raise SelectionError(
                f"{request.label}: the input has no categories at all, so INPUT has no shares"
            )
        return dict(zip(names, (matrix.sum(axis=0) / total).tolist(), strict=True))
    return _asked_target(request.settings["target"], names, request.label)


def _asked_target(target: Mapping[str, float], names: list[str], label: str) -> dict[str, float]:
    known(list(target), names, label, "target categories")
    return {str(name): float(share) for name, share in target.items()}


def _target_distances(classes: Floats, rows: Rows, target: Floats) -> Floats:
    """Return for every prefix of `rows` how far its shares are from the target, 0 the same to 1 apart."""
    counts = np.cumsum(classes[rows], axis=0)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    result: Floats = np.abs(shares - target / target.sum()).sum(axis=1) / 2
    return result


def _unmet(classes: Floats, rows: Rows, asked: Mapping[str, float]) -> str:
    """Return which shares are off by more than one sample can mend, and what there was to pick from."""
    if not len(rows) or not sum(asked.values()):
        return ""
    got = _shares(classes, rows, list(asked))
    wanted = {name: share / sum(asked.values()) for name, share in asked.items()}
    room = max(LEAST_GAP, 1.0 / len(rows)) + 1e-9
    gaps = {name: got[name] - share for name, share in wanted.items() if abs(got[name] - share) > room}
    if not gaps:
        return ""
    there = dict(zip(asked, classes.sum(axis=0).tolist(), strict=True))
    first = sorted(gaps, key=lambda name: -abs(gaps[name]))[:SHOWN]
    said = [
        f"{name} {percent(wanted[name])} asked, {percent(got[name])} got "
        f"({there[name]:g} of it among all samples)"
        for name in first
    ]
    more = f", and {len(gaps) - SHOWN} more" if len(gaps) > SHOWN else ""
    return f"target not met: {', '.join(said)}{more}"


def _shares(classes: Floats, rows: Rows, labels: list[str]) -> dict[str, float]:
    counts = classes[rows].sum(axis=0)
    total = float(counts.sum())
    return {name: float(count) / total if total else 0.0 for name, count in zip(labels, counts, strict=True)}


STRATEGY = Strategy(accepts=frozenset({"PREDICTIONS", "METADATA"}), prepare=prepare)
