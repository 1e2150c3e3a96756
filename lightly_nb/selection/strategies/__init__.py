"""The table of strategies: one file each. A notebook passes its own table to `select(strategy_table=…)`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lightly_nb.selection.strategies import (
    balance,
    diversity,
    facility_location,
    similarity,
    threshold,
    typicality,
    weights,
)
from lightly_nb.selection.strategy import Strategy

STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {
        "FACILITY_LOCATION": facility_location.STRATEGY,
        "DIVERSITY": diversity.STRATEGY,
        "WEIGHTS": weights.STRATEGY,
        "THRESHOLD": threshold.STRATEGY,
        "BALANCE": balance.STRATEGY,
        "SIMILARITY": similarity.STRATEGY,
        "TYPICALITY": typicality.STRATEGY,
    }
)
