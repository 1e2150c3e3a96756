"""What the results viewer says of one file: a caption, the picture beside it, and the lines of its card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lightly_nb.samples import FOR_MACHINES, Samples
from lightly_nb.widgets.results_viewer.views import REMOVED, SELECTED, Entries, duplicates

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

Item = dict[str, Any]
"""`id`, `name`, `row` (-1 if not a sample), `role`, `lines`, and `mate`: another one or None."""
LONGEST = 500
"""Characters of a value on a card."""


class Facts:
    """What is known of every file, looked up by row or by name.

    Parameters
    ----------
    table : pandas.DataFrame or None
        `picks.table()`, None while it is being computed.
    """

    def __init__(self, samples: Samples, picks: Selection, table: pd.DataFrame | None = None):
        self.samples, self.picks = samples, picks
        self.table = None if table is None else table.reindex(samples.table.index)
        self.row_of = {name: row for row, name in enumerate(samples.filenames)}
        self.steps = {name: step for step, name in enumerate(picks.filenames, start=1)}
        self.before = set(picks.preselected)
        left_out = samples.quarantine
        self.left_out = {
            str(name): at for at, name in enumerate(left_out["filename"]) if name == name and name is not None
        }
        self.n_copies = duplicates(samples)["duplicate_of"].astype(str).value_counts().to_dict()

    @property
    def distances(self) -> np.ndarray | None:
        """Distance of every sample to its nearest selected one, float64; None while they are computed."""
        return None if self.table is None else self.table["distance"].to_numpy(dtype=np.float64)

    def items(self, view: str, entries: Entries) -> list[Item]:
        """Return what is shown of `entries`."""
        make = {SELECTED: self._selected, REMOVED: self._removed}.get(view)
        if make is not None:
            return [make(int(row)) for row in entries.rows]
        return [
            self._kept(int(row), str(name)) if row >= 0 else self._left_out(str(name))
            for row, name in zip(entries.rows, entries.names, strict=True)
        ]

    def card(self, name: str) -> list[tuple[str, str]]:
        """Return label and value of everything that is known of a file, the reason first."""
        if name not in self.row_of:
            if name not in self.left_out:
                return []
            entry = self.samples.quarantine.iloc[self.left_out[name]]
            labels = {"stage": "left out by", "reason": "reason", "what_to_do": "what to do"}
            lines = [(label, _text(entry[column])) for column, label in labels.items()]
            return [*lines, *self._duplicate_of(entry)]
        row = self.samples.table.iloc[self.row_of[name]]
        shown = [column for column in row.index if column not in FOR_MACHINES]
        values = [(str(column), _text(row[column])) for column in shown]
        return [("why", self.why(name)), *values]

    def why(self, name: str) -> str:
        """Return why a sample was selected or not: in full once the selection's table is there."""
        if self.table is not None and isinstance(self.table["reason"].iat[self.row_of[name]], str):
            return self.picks.explain(name).removeprefix(f"{name}: ")
        if name in self.steps:
            return f"selected at step {self.steps[name]:,}"
        if name in self.before:
            return "selected before"
        return "not selected" if self.table is None else "not among the samples that were selected from"

    def _selected(self, row: int) -> Item:
        name = self._name(row)
        step = self.steps.get(name)
        return self._sample(row, "selected", "selected before" if step is None else f"step {step:,}")

    def _removed(self, row: int) -> Item:
        if self.table is None:
            return self._sample(row, "removed", "")
        nearest: Any = self.table["nearest"].iat[row]
        distance: Any = self.table["distance"].iat[row]
        if nearest not in self.row_of:
            return self._sample(row, "removed", "no selected neighbour")
        mate = self._sample(self.row_of[nearest], "kept", "nearest selected")
        return {**self._sample(row, "removed", f"{distance:.3g} apart"), "mate": mate}

    def _kept(self, row: int, name: str) -> Item:
        copies = self.n_copies.get(name, 0)
        return self._sample(row, "kept", f"kept; {copies:,} exact {'copy' if copies == 1 else 'copies'}")

    def _left_out(self, name: str) -> Item:
        lines = ["kept, but not among these samples"]
        if name in self.left_out:
            entry = self.samples.quarantine.iloc[self.left_out[name]]
            lines = [_text(entry["reason"]), _text(entry["what_to_do"])]
            lines = [f"copy of {value}" for _, value in self._duplicate_of(entry)] or lines
        return _item(f"file:{name}", name, -1, "left out", lines)

    def _duplicate_of(self, entry: pd.Series) -> list[tuple[str, str]]:
        of = entry["duplicate_of"]
        return [("duplicate of", of)] if isinstance(of, str) and of else []

    def _sample(self, row: int, role: str, line: str) -> Item:
        return _item(f"row:{row}", self._name(row), row, role, [line] if line else [])

    def _name(self, row: int) -> str:
        return str(self.samples.table.index[row])


def _item(key: str, name: str, row: int, role: str, lines: list[str]) -> Item:
    return {"id": key, "name": name, "row": row, "role": role, "lines": lines, "mate": None}


def _text(value: Any) -> str:
    if isinstance(value, float):
        text = "–" if value != value else f"{value:.6g}"
    else:
        text = "–" if value is None or value is pd.NA else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
