"""The results viewer without a browser: its traits, and every button as a method."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import traitlets

from lightly_nb.display.html import Html
from lightly_nb.errors import InputError, LightlyNBError
from lightly_nb.samples import Samples
from lightly_nb.widgets.results_viewer.items import Facts, Item
from lightly_nb.widgets.results_viewer.static import results_html, results_page, written
from lightly_nb.widgets.results_viewer.views import (
    DUPLICATES,
    NEAREST,
    ORDERS,
    QUARANTINE,
    REMOVED,
    SELECTED,
    VIEWS,
    Entries,
    duplicate_entries,
    matching,
    quarantine_entries,
    removed_entries,
    selected_entries,
)
from lightly_nb.widgets.scatter_plot.actions import described
from lightly_nb.widgets.shared.background import Background
from lightly_nb.widgets.shared.rows import Rows, as_rows

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

PAGE_SIZES = (12, 24, 48, 96)
PICTURE_SIDE = 128
"""Longer side in pixels of a picture that is read from its file, as those in quarantine are."""
KEPT_PICTURES = 512
"""Pictures of files in quarantine that are remembered."""


class ResultsModel(traitlets.HasTraits):
    """What a selection took and what it left, page by page; see `lightly_nb.show_results`.

    Attributes
    ----------
    samples, picks : Samples, Selection
        What is shown.
    view : str
        'selected', 'removed', 'duplicates' or 'quarantine'.
    page : int
        From 1 to `n_pages`.
    page_size : int
        Figures on a page: 12, 24, 48 or 96.
    order : str
        'nearest first' or 'farthest first', of the removed.
    filter : str
        Only files whose name contains this, in any case, are listed.
    rows : numpy.ndarray
        int64: only these samples are listed; empty lists all. Accepts what `selected` accepts.
    selected : numpy.ndarray
        int64: rows of the samples that are marked. Observable; accepts rows, a mask, file names, a
        `Selection` or a DataFrame.
    current : str
        Name of the file whose card is open, empty for none.
    """

    samples = traitlets.Any()
    picks = traitlets.Any()
    view = traitlets.Unicode(SELECTED)
    page = traitlets.Int(1)
    page_size = traitlets.Int(24)
    order = traitlets.Unicode(NEAREST)
    filter = traitlets.Unicode("")
    rows = Rows()
    selected = Rows()
    current = traitlets.Unicode("")

    def __init__(self, samples: Samples, selection: Selection, **kwargs: Any):
        self._neighbors = Background("results", self._show_error)
        if not isinstance(samples, Samples) or not len(samples):
            raise InputError(f"show_results: give Samples with at least one sample, got {samples!r}")
        if not hasattr(selection, "filenames"):
            raise InputError(
                f"show_results: give a Selection beside the samples, got {type(selection).__name__}"
            )
        self.facts = Facts(samples, selection)
        self._all: dict[Any, Entries] = {}
        self._listed: tuple[Any, Entries] = ((), selected_entries(samples, selection))
        self._read: dict[str, bytes] = {}
        super().__init__(samples=samples, picks=selection, rows=None, selected=None, **kwargs)
        self.observe(lambda change: setattr(self, "current", ""), "view")
        self.observe(self._to_first_page, ["view", "page_size", "order", "filter", "rows"])
        self._neighbors.start(self._look_for_neighbors)

    # ---- what is listed ------------------------------------------------------------------------------------

    @property
    def entries(self) -> Entries:
        """What the view lists, on all its pages."""
        key = (self.view, self.order, self.filter, self.rows.tobytes(), self.facts.table is None)
        if self._listed[0] != key:
            self._listed = (key, matching(self._entries_of(self.view), self.filter, self.rows))
        return self._listed[1]

    @property
    def n_pages(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-len(self.entries) // self.page_size))

    @property
    def counts(self) -> dict[str, int]:
        """Number of figures in every view, whatever is filtered."""
        return {view: len(self._entries_of(view)) for view in VIEWS}

    @property
    def shown(self) -> list[str]:
        """Names of the files on the page, in order."""
        return [str(name) for name in self._entries_on(self.page).names]

    def items(self, page: int | None = None) -> list[Item]:
        """Return what the figures of a page say; None is the current one. Pictures are not in it."""
        return self.facts.items(self.view, self._entries_on(self.page if page is None else page))

    def next_page(self) -> None:
        """Turn to the next page, if there is one."""
        self.page = min(self.page + 1, self.n_pages)

    def previous_page(self) -> None:
        """Turn to the page before, if there is one."""
        self.page = max(self.page - 1, 1)

    def card(self, name: str | None = None) -> list[tuple[str, str]]:
        """Return label and value of all that is known of a file; None is `current`."""
        return self.facts.card(self.current if name is None else name)

    def mark(self, files: Any) -> None:
        """Mark samples (rows or names), or unmark those that are marked already."""
        rows = as_rows(files, self.samples)
        kept = self.selected[~np.isin(self.selected, rows)]
        self.selected = np.concatenate([kept, rows[~np.isin(rows, self.selected)]])

    def selection(self) -> pd.DataFrame:
        """Return the table of the marked samples, with `row`, `selected`, `step` and `reason`."""
        return described(self.samples, self.selected, self.picks)

    def to_html(self, path: str | Path | None = None, *, most_pictures: int = 100) -> str:
        """Return, and write to `path` if given, one HTML file that opens without a kernel or a network.

        It has the first `most_pictures` figures of every view, whatever is filtered.
        """
        views = {}
        for view in VIEWS:
            entries = self._entries_of(view)
            first = np.arange(min(most_pictures, len(entries)))
            views[view] = len(entries), self.facts.items(view, entries.take(first))
        title = f"{len(self.picks):,} of {len(self.samples):,} samples selected"
        return written(results_page(title, views, self.picture), path)

    def still_html(self) -> Html:
        """Return what a saved notebook shows: self-contained HTML, true without a kernel."""
        start = (self.page - 1) * self.page_size
        return results_html(self.counts, self.view, start, self.items(), self.picture)

    def picture(self, key: str) -> bytes:
        """Return the JPEG of one figure by its `id`, empty if there is none.

        A sample has its thumbnail. A file in quarantine has that of the file it is a copy of, or else what
        can be decoded of the file itself.
        """
        kind, _, what = key.partition(":")
        if kind == "row":
            return bytes(self.samples.thumbnail(int(as_rows(int(what), self.samples)[0])))
        if what not in self.facts.left_out:
            raise InputError(f"show_results: '{what}' is neither a sample nor in quarantine")
        if what not in self._read:
            if len(self._read) >= KEPT_PICTURES:
                self._read.pop(next(iter(self._read)))
            self._read[what] = self._picture_in_quarantine(what)
        return self._read[what]

    # ---- in the background ---------------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        """Whether the nearest selected neighbours are known."""
        return self.facts.table is not None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the nearest selected neighbours; return whether they are there. A failure is raised."""
        self._neighbors.wait(timeout)
        if self._neighbors.error is not None:
            raise self._neighbors.error
        return self.is_ready

    def _look_for_neighbors(self, stop: threading.Event) -> None:
        """Have the selection's table computed, which holds them, with the exact search of the selection."""
        table = self.picks.table()
        if not stop.is_set():
            self.facts = Facts(self.samples, self.picks, table)
            self._all.pop((REMOVED, NEAREST), None)
            self._neighbors_found()

    def _neighbors_found(self) -> None:
        """Show what came; the panel does."""

    def _show_error(self, text: str) -> None:
        """Show what went wrong; the panel does."""

    # ---- traits --------------------------------------------------------------------------------------------

    @traitlets.validate("view", "order", "page_size")
    def _known_choice(self, proposal: Any) -> Any:
        name = proposal["trait"].name
        allowed = {"view": VIEWS, "order": ORDERS, "page_size": PAGE_SIZES}[name]
        if proposal["value"] not in allowed:
            raise InputError(f"{name}: got {proposal['value']!r}; allowed are {list(allowed)}")
        return proposal["value"]

    @traitlets.validate("page")
    def _page_that_is(self, proposal: Any) -> int:
        if not 1 <= proposal["value"] <= self.n_pages:
            raise InputError(f"page: got {proposal['value']}; allowed are 1 to {self.n_pages}")
        return int(proposal["value"])

    @traitlets.validate("current")
    def _file_that_is(self, proposal: Any) -> str:
        name = proposal["value"]
        if name and name not in self.facts.left_out and name not in self.facts.row_of:
            raise InputError(f"current: '{name}' is neither a sample nor in quarantine")
        return str(name)

    def _to_first_page(self, change: Any) -> None:
        self.page = 1

    # ---- lookups -------------------------------------------------------------------------------------------

    def _entries_on(self, page: int) -> Entries:
        entries = self.entries
        start = (page - 1) * self.page_size
        return entries.take(np.arange(start, max(start, min(start + self.page_size, len(entries)))))

    def _entries_of(self, view: str) -> Entries:
        order = self.order if self.is_ready and view == REMOVED else NEAREST
        make = {
            SELECTED: partial(selected_entries, self.samples, self.picks),
            REMOVED: partial(removed_entries, self.samples, self.picks, self.facts.distances, order),
            DUPLICATES: partial(duplicate_entries, self.samples),
            QUARANTINE: partial(quarantine_entries, self.samples),
        }[view]
        if (view, order) not in self._all:
            self._all[view, order] = make()
        return self._all[view, order]

    def _picture_in_quarantine(self, name: str) -> bytes:
        from lightly_nb.report.sections.common import picture

        of = self.samples.quarantine["duplicate_of"].iat[self.facts.left_out[name]]
        if of in self.facts.row_of:
            copied = bytes(self.samples.thumbnail(self.facts.row_of[of]))
            if copied:
                return copied
        try:
            found = picture(self.samples, name, side=PICTURE_SIDE)
        except LightlyNBError:
            return b""
        return b"" if found is None else bytes(found)
