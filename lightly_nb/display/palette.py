"""The colours of every panel and figure, so that the same thing has the same colour everywhere.

The categorical colours are those of M. Okabe and K. Ito, "Color Universal Design" (2008), which people with
any common form of colour blindness can tell apart; `viridis` is made for the same and prints well in gray.
Colours of meaning are never the only sign: selected points are also larger and drawn on top.
"""

from __future__ import annotations

SELECTED = "#D55E00"
"""Newly selected samples, and every statistic after the selection."""
PRESELECTED = "#009E73"
"""Samples that were selected before this run, for example those of the datapool."""
REMOVED = "#9AA5B1"
"""Samples that were not selected."""
INPUT = "#0072B2"
"""All samples, and every statistic before the selection."""
RANDOM = "#56B4E9"
"""A random selection, where it is the yardstick."""
QUERY = "#CC79A7"
"""Query samples of a similarity search."""
HIGHLIGHT = "#000000"
"""The sample under the pointer, a line that marks a value."""

TEXT = "#1F2933"
MUTED = "#616E7C"
GRID = "#D9DEE4"

CATEGORICAL = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""Eight colours for categories."""

SEQUENTIAL_STOPS = (
    "#440154",
    "#472D7B",
    "#3B528B",
    "#2C728E",
    "#21918C",
    "#28AE80",
    "#5EC962",
    "#ADDC30",
    "#FDE725",
)
"""The same map as evenly spaced stops, for code without a colour map of that name."""
