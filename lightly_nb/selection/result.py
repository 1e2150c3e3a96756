"""`Selection`: which samples were chosen, in which order, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd

from lightly_nb.display.html import Html, join, table, tag
from lightly_nb.display.text import counted, number, values
from lightly_nb.errors import SelectionError
from lightly_nb.events import Listener, ProgressBar

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Selection:
    """The chosen samples in the order chosen: a sequence of file names that knows why.

    It iterates over its file names and is indexed like a list of them. `preselected=`, `lock=` and `ban=` of
    `lightly_nb.select`, and `samples.take`, take it as it is.

    Parameters
    ----------
    filenames : list of str
        Newly selected samples, first pick first.
    rows : numpy.ndarray
        int64: their rows in the samples that were given to `select`.
    preselected : list of str
        Samples that counted as selected before the first pick; not among `filenames`.
    strategies : list of dict
        Per strategy `label`, `input`, `strategy`, `strength`, `asked`, `got`, `note`: plain values.
    stopped : str
        Why there are fewer picks than asked for; empty if there are not.
    n_asked : int or None
        Number of samples asked for; None if only a stopping condition was given.
    """

    filenames: list[str]
    rows: np.ndarray
    preselected: list[str]
    strategies: list[dict[str, Any]]
    stopped: str = ""
    n_asked: int | None = None
    _tables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    _compute: Mapping[str, Callable[[], Any]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.filenames)

    def __iter__(self) -> Iterator[str]:
        return iter(self.filenames)

    def __contains__(self, filename: object) -> bool:
        return filename in self.filenames

    @overload
    def __getitem__(self, step: int) -> str: ...
    @overload
    def __getitem__(self, step: slice) -> list[str]: ...
    def __getitem__(self, step: int | slice) -> str | list[str]:
        if not isinstance(step, slice) and (isinstance(step, bool) or not hasattr(step, "__index__")):
            raise SelectionError(
                f"selection[{step!r}]: give the number of a pick, from 0, or a slice; "
                "selection.explain(filename) and selection.table().loc[filename] look one up by name"
            )
        try:
            return self.filenames[step]
        except (IndexError, TypeError):
            raise IndexError(
                f"selection[{step!r}]: there are {len(self):,} picks, 0 to {len(self) - 1}"
            ) from None

    def table(self) -> pd.DataFrame:
        """Return one row per sample of the input, indexed by file name, in the input's order.

        Columns: `selected`, `preselected` (bool), `step` (from 1; missing if not selected), `nearest`
        (name of the nearest sample that was selected before it or, if it was left out, of all selected),
        `distance` to that, `served` (of a pick: how many samples had no selected one as near before it;
        missing where there are too many pairs to look at), `reason`, and for the picks `gain LABEL` of every
        strategy.
        """
        table: pd.DataFrame = self._get("table")
        return table.copy()

    def explain(self, filename: str) -> str:
        """Return in a sentence or two why `filename` was selected or left out."""
        table = self._get("table")
        if not isinstance(filename, str) or filename not in table.index:
            raise SelectionError(
                f"explain: {filename!r} is not among the {len(table):,} samples that were selected from; "
                f"names are "
                "relative to the source, with '/' between folders"
            )
        row = table.loc[filename]
        parts = [f"{filename}: {row['reason']}."]
        gains = [
            f"{name.removeprefix('gain ')} {row[name]:.4g}"
            for name in table.columns
            if str(name).startswith("gain ") and pd.notna(row[name])
        ]
        if gains:
            parts.append(f"Gains at that step: {', '.join(gains)}.")
        if pd.notna(row["distance"]):
            kind = "already selected" if row["selected"] else "selected"
            parts.append(f"Nearest {kind} sample: {row['nearest']} at distance {row['distance']:.4g}.")
        if row["selected"] and table["distance"].notna().any():
            served = table.loc[(table["nearest"] == filename) & ~table["selected"], "distance"]
            parts.append(_stands_for(served))
            if pd.notna(row.get("served")):
                others = counted(int(row["served"]), "sample")
                parts.append(f"Before it was picked, no selected sample was as near to {others}.")
        return " ".join(parts)

    def curve(self) -> pd.DataFrame:
        """Return how well any smaller number of samples would have done, beside random picks.

        One row per size, indexed by `n`. Columns: `coverage max` and `coverage mean` (distance of the
        samples to the nearest selected one; of 4,000 evenly spaced samples where there are more), and the
        measure of every strategy; for each also `… random` (median of 20 random selections among all samples
        that were not preselected), `… random
        low` and `… random high` (5 and 95 %). `knee` marks the size where the first column bends most.
        `curve().attrs["optimized_by"]` names the strategies that optimise a column: by it the selection is
        better than random by construction. Sizes up to the selection's own cost no new selection.
        """
        curve: pd.DataFrame = self._get("curve")
        return curve.copy()

    def plot_curve(self, measure: str | None = None) -> Figure:
        """Return a matplotlib figure of one column of `curve` (None = the first)."""
        from lightly_nb.selection.curve import draw_curve

        return draw_curve(self.curve(), measure)

    def resized(self, n_samples: int, on_event: Listener | None = None) -> Selection:
        """Return the selection of `n_samples` by the same strategies: a prefix of this one, or more of it.

        A smaller number costs nothing; a larger one goes on where this one stopped.

        Raises
        ------
        SelectionError
            If the number is below 1, or the selection was loaded and so has no samples to go on with.
        """
        if isinstance(n_samples, bool) or not isinstance(n_samples, int | np.integer) or n_samples < 1:
            raise SelectionError(f"resized: got {n_samples!r}; allowed is a whole number of at least 1")
        if "extend" not in self._compute:
            raise SelectionError(
                "resized: this selection was loaded from a file and no longer holds its samples; call "
                "select() with "
                f"them and n_samples={n_samples} (the picks it has in common come out the same)"
            )
        resized: Selection = self._compute["extend"]()(n_samples, on_event or ProgressBar())
        return resized

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold; `from_dict` is the way back."""
        table = self.table().reset_index()
        records = table.astype(object).where(table.notna(), None).to_dict(orient="list")
        return {
            "filenames": list(self.filenames),
            "rows": [int(row) for row in self.rows],
            "preselected": list(self.preselected),
            "strategies": self.strategies,
            "stopped": self.stopped,
            "n_asked": self.n_asked,
            "table": records,
            "curve": self.curve().reset_index().to_dict(orient="list"),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Selection:
        """Return the selection that `to_dict` wrote."""
        table = pd.DataFrame(content["table"]).set_index("filename")
        for name in {"step", "served"} & {*table.columns}:
            table[name] = table[name].astype("Int64")
        for name in table.columns:
            if name == "distance" or str(name).startswith("gain "):
                table[name] = table[name].astype(np.float64)
        tables = {"table": table}
        if content.get("curve") is not None:
            tables["curve"] = pd.DataFrame(content["curve"]).set_index("n")
        return cls(
            filenames=list(content["filenames"]),
            rows=np.asarray(content["rows"], dtype=np.int64),
            preselected=list(content["preselected"]),
            strategies=list(content["strategies"]),
            stopped=content["stopped"],
            n_asked=content["n_asked"],
            _tables=tables,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return (Selection.from_dict, (self.to_dict(),))

    def _get(self, name: str) -> Any:
        if name not in self._tables and name not in self._compute:
            raise SelectionError(
                f"this selection was loaded from a file that does not hold its {name}; call select() "
                f"again to have it"
            )
        if name not in self._tables:
            object.__setattr__(self, "_tables", {**self._tables, name: self._compute[name]()})
        return self._tables[name]

    def __repr__(self) -> str:
        beside = f", {len(self.preselected):,} preselected" if self.preselected else ""
        labels = ", ".join(entry["label"] for entry in self.strategies)
        notes = "".join(f"; {entry['label']}: {entry['note']}" for entry in self.strategies if entry["note"])
        stopped = f"; stopped: {self.stopped}" if self.stopped else ""
        return f"Selection({len(self):,} samples{beside}, {labels}{stopped}{notes})"

    def _repr_html_(self) -> Html:
        rows = (
            (entry["label"], number(entry["strength"]), values(entry["asked"]), values(entry["got"]))
            for entry in self.strategies
        )
        names = ", ".join(self.filenames[:5]) + (", …" if len(self) > 5 else "")
        beside = f" beside {len(self.preselected):,} preselected" if self.preselected else ""
        stopped = f"; stopped: {self.stopped}" if self.stopped else ""
        return join(
            tag("p", tag("b", f"{counted(len(self), 'sample')} selected"), beside, stopped),
            table(("strategy", "strength", "asked", "got"), rows),
            *(tag("p", f"{entry['label']}: {entry['note']}") for entry in self.strategies if entry["note"]),
            tag("p", names),
        )


def _stands_for(distances: pd.Series[Any]) -> str:
    """Return for how many samples a pick stands; `distances` are of those nearer to it than to others."""
    if not len(distances):
        return "It stands for itself alone: it is the nearest selected one of no sample that was left out."
    others = counted(len(distances), "sample that was left out", "samples that were left out")
    return (
        f"It stands for {len(distances) + 1:,} samples: itself and {others}, whose nearest selected sample "
        f"it is (mean distance {distances.mean():.4g})."
    )
