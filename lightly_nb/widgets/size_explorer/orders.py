"""The computations behind "how many do I need?": one order of picks, and random draws to compare it with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lightly_nb.errors import SelectionError
from lightly_nb.events import Event, Listener
from lightly_nb.samples import Samples

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

SECONDS_TO_SETTLE = 0.3
"""A strength that is still being moved is not computed."""


def is_live(selection: Selection) -> bool:
    """Whether a selection still holds its samples, so that it can be made larger and smaller."""
    try:
        selection.resized(max(1, len(selection)), on_event=_silent)
    except SelectionError:
        return False
    return True


def looks_ahead(selection: Selection) -> bool:
    """Whether a strategy has a `target_range`: then the first picks are not those of a smaller selection."""
    return any(entry["strategy"].get("target_range") for entry in selection.strategies)


def steering(selection: Selection) -> dict[str, float]:
    """Return the strength of every strategy that steers the picks, by label."""
    return {
        str(entry["label"]): float(entry["strength"])
        for entry in selection.strategies
        if entry["strategy"]["type"] != "THRESHOLD"
    }


def with_strengths(selection: Selection, strengths: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the strategies of `selection` with other strengths, by label."""
    return [
        {
            "input": dict(entry["input"]),
            "strategy": dict(entry["strategy"])
            | ({"strength": strengths[entry["label"]]} if entry["label"] in strengths else {}),
        }
        for entry in selection.strategies
    ]


def longest_order(
    samples: Samples,
    selection: Selection,
    strengths: Mapping[str, float] | None,
    most: int,
    options: Mapping[str, Any],
    on_event: Listener,
) -> Selection:
    """Return the selection of `most` samples, or of as many as can be had, that begins with `selection`.

    Parameters
    ----------
    strengths : mapping or None
        By label, for another selection than that one; None continues it, if it is live.
    options : mapping
        Of `select`, which a selection does not remember: `seed`, `lock`, `ban`, `query`, ….
    """
    from lightly_nb.selection import select

    order = selection
    if strengths is not None or not is_live(selection):
        order = select(
            samples,
            max(1, len(selection)),
            strategies=with_strengths(selection, strengths or {}),
            preselected=selection.preselected,
            on_event=on_event,
            **options,
        )
    return order if most <= len(order) else order.resized(most, on_event=on_event)


def _silent(event: Event) -> None:
    """Hear nothing."""
