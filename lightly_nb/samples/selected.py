"""What any room needs to know of a selection, and which measures its strategies optimise.

A measure that a strategy optimises says nothing about whether the selection is any good: on it the strategy
is better than random draws by construction. So no sentence compares with random draws by such a measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np


class Selection(Protocol):
    """The chosen samples in the order chosen, and per strategy what was asked and what was got."""

    @property
    def filenames(self) -> Sequence[str]:
        """Newly selected samples, first pick first."""

    @property
    def rows(self) -> np.ndarray:
        """int64: their rows in the samples."""

    @property
    def preselected(self) -> Sequence[str]:
        """Samples that counted as selected before."""

    @property
    def strategies(self) -> Sequence[dict[str, Any]]:
        """Per strategy `label`, `input`, `strategy`, `strength`, `asked`, `got`, `note`."""

    @property
    def stopped(self) -> str:
        """Why there are fewer than asked for; empty if there are not."""

    @property
    def n_asked(self) -> int | None:
        """Number asked for; None for a stopping condition alone."""


COVERAGE_MAX, COVERAGE_MEAN, COVERAGE_P95 = "coverage_max", "coverage_mean", "coverage_p95"
"""Largest, mean and 95th percentile of the distance of all samples to their nearest selected one."""
NEIGHBOR_MEAN, NEIGHBOR_MIN = "neighbor_mean", "neighbor_min"
"""Mean and smallest distance of a selected sample to the nearest other one."""
BALANCE, CATEGORIES = "balance", "categories"
"""Evenness over the categories of a grouping, and how many of them are there; the grouping follows a dot."""

APART = frozenset({COVERAGE_P95, NEIGHBOR_MEAN, NEIGHBOR_MIN})
"""Close to the objective of both: picks that stand for different samples lie apart."""
OPTIMIZES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "DIVERSITY": APART | {COVERAGE_MAX},
        "FACILITY_LOCATION": APART | {COVERAGE_MEAN},
        "SIMILARITY": frozenset(),
        "TYPICALITY": frozenset(),
        "WEIGHTS": frozenset(),
        "THRESHOLD": frozenset(),
        "BALANCE": frozenset(),
    }
)
"""Measures of distances by the strategies that optimise them; BALANCE optimises those of its own grouping."""


def optimizers(strategies: Sequence[Mapping[str, Any]], measure: str) -> list[str]:
    """Return the labels of the strategies that optimise a measure, or may, as a home-made one does.

    Examples
    --------
    >>> entry = {"label": "D", "input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
    >>> optimizers([entry], "coverage_max"), optimizers([entry], "coverage_mean")
    (['D'], [])
    """
    return [str(entry["label"]) for entry in strategies if _optimizes(entry, measure)]


def _optimizes(entry: Mapping[str, Any], measure: str) -> bool:
    source, strategy = entry["input"], entry["strategy"]
    if entry.get("strength", strategy.get("strength", 1.0)) == 0:
        return False
    kind, _, grouping = measure.partition(".")
    if kind in (BALANCE, CATEGORIES):
        return strategy["type"] == "BALANCE" and grouping in (source.get("key"), source.get("task"))
    known = OPTIMIZES.get(strategy["type"])
    return source.get("type") == "EMBEDDINGS" if known is None else measure in known
