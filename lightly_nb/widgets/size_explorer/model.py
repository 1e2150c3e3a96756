"""The panel "how many do I need?" without a browser: its traits, and every control as a method."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from lightly_nb.display.html import Html
from lightly_nb.display.text import counted
from lightly_nb.errors import InputError
from lightly_nb.events import Event
from lightly_nb.samples import Samples
from lightly_nb.vectors.coverage import DRAWS, random_coverage
from lightly_nb.widgets.results_viewer.items import Facts, Item
from lightly_nb.widgets.results_viewer.static import document, written
from lightly_nb.widgets.results_viewer.views import SELECTED, selected_entries
from lightly_nb.widgets.shared.background import Background, stopping
from lightly_nb.widgets.size_explorer.balance import Groups, bars, coded_groupings, groupings
from lightly_nb.widgets.size_explorer.code import python_code
from lightly_nb.widgets.size_explorer.curve import (
    LARGEST,
    MEASURES,
    Curve,
    categories_measure,
    category_curve,
    curves,
    fairest,
    finding,
)
from lightly_nb.widgets.size_explorer.orders import (
    SECONDS_TO_SETTLE,
    is_live,
    longest_order,
    looks_ahead,
    steering,
    with_strengths,
)
from lightly_nb.widgets.size_explorer.static import how_many_html

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

FEWEST_COMPUTED = 100
TIMES_AS_MANY = 2
"""Picks that are computed up front: so many times those of the selection, and at least so many."""
KEPT_ORDERS = 8
FEWEST_VALUES = 5
"""A grouping with fewer different values has them all after a few picks, random ones too: no measure."""
LARGEST_STRENGTH = 1e9
PAGE_SIZE = 12
COMPUTED_AGAIN = (
    "This selection was loaded from a file, so its order is computed again from the samples and the "
    "strategies it names."
)
DIFFERS = (
    "Computed again, the picks are not those of the loaded selection: it was made with options that it does "
    "not remember. Give them to how_many (seed, lock, ban, query, minimum_distance)."
)
CANCELED = "canceled in the panel; what was shown before is shown still"
NOT_FINITE = "Some embeddings hold NaN or infinity, so there is no curve; embed the samples again."
LOOKS_AHEAD = (
    "A strategy has a target_range, which looks ahead: select() with a smaller n may pick other samples than "
    "the first n shown here."
)


class HowManyModel(traitlets.HasTraits):
    """A selection at any size and strength, beside random draws; see `lightly_nb.how_many`.

    Attributes
    ----------
    samples : Samples
        What is selected from.
    n : int
        Number of samples selected, from 1 to `n_max`. Observable; a change computes nothing.
    strengths : dict
        Strength of every strategy that steers, by label. Observable; a change selects again in the
        background.
    measure : str
        One of `measures`: 'largest distance' or 'mean distance' of the samples to their nearest selected
        one, or 'different values of GROUPING'. To start with, one that no strategy optimises.
    group_by : str
        One of `group_choices`, empty where there is none.
    page : int
        Page of pictures, newest picks first.
    """

    samples = traitlets.Any()
    n = traitlets.Int(1)
    strengths = traitlets.Dict()
    measure = traitlets.Unicode(LARGEST)
    group_by = traitlets.Unicode("")
    page = traitlets.Int(1)

    def __init__(
        self,
        samples: Samples,
        selection: Selection,
        *,
        most: int | None = None,
        options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ):
        self.work = Background("how many", self._failed)
        if not isinstance(samples, Samples) or not len(samples):
            raise InputError(f"how_many: give Samples with at least one sample, got {samples!r}")
        if not len(selection):
            raise InputError("how_many: nothing is selected, so there is no order to look at")
        if most is not None and most < 1:
            raise InputError(f"how_many: most is {most}; allowed are 1 and more")
        self.first, self.options = selection, dict(options or {})
        self.order = selection
        self._before = samples.rows_of(selection.preselected)
        self.most = self._most(samples, most)
        check = samples.embedding_check
        self.notes = [check.text] if check is not None and check.level == "warning" else []
        self.notes += [LOOKS_AHEAD] if looks_ahead(selection) else []
        self._is_measure_chosen = "measure" in kwargs
        self._coded: dict[str, np.ndarray] = {}
        self._live = is_live(selection)
        if not self._live:
            self.notes.append(COMPUTED_AGAIN)
        self._facts = Facts(samples, selection)
        self._entries = selected_entries(samples, selection)
        self._orders: dict[tuple[float, ...], Selection] = {}
        self._drawn: Any = None
        self._curves: dict[str, Curve] = {}
        self._groups: dict[str, Groups] = {}
        strengths = steering(selection)
        self._shown_strengths = strengths
        super().__init__(samples=samples, n=len(selection), strengths=strengths, **kwargs)
        self.observe(self._follow_strengths, "strengths")
        self.observe(lambda change: setattr(self, "page", 1), "n")
        self.work.start(self._compute_first)

    # ---- what is shown -------------------------------------------------------------------------------------

    @property
    def n_max(self) -> int:
        """Number of picks in the order that is shown."""
        return len(self.order)

    @property
    def rows(self) -> np.ndarray:
        """Rows of the first `n` picks, int64."""
        return self._entries.rows[: self.n]

    @property
    def selection(self) -> Selection:
        """The selection of `n` samples; for one that was loaded this waits until it is computed."""
        if not self._live:
            self.wait()
        return self.order if self.n == len(self.order) else self.order.resized(self.n)

    @property
    def curve(self) -> Curve | None:
        """The curve of `measure`, None while it is computed or without embeddings."""
        return self._curves.get(self.measure)

    @property
    def finding(self) -> str:
        """What the curve says of `n`, in a sentence; empty without one.

        Of embeddings that the embedding check has refused it says that and nothing else.
        """
        check = self.samples.embedding_check
        if check is not None and check.is_refused:
            return f"{check.short}: how many samples are enough cannot be told from them."
        return finding(self.curve, self.n) if self.curve is not None else ""

    @property
    def measures(self) -> list[str]:
        """What the curve can be shown of."""
        return [*MEASURES, *(categories_measure(name) for name in self._coded)]

    @property
    def group_choices(self) -> list[str]:
        """What the class balance can be shown of."""
        return list(self._groups)

    def balance(self) -> list[dict[str, Any]]:
        """Return name, shares and count of every category of the first `n` picks; empty without any."""
        return bars(self._groups[self.group_by], self.rows) if self.group_by in self._groups else []

    @property
    def code(self) -> str:
        """The lines of Python that make this selection again."""
        entries = with_strengths(self.first, self._changed_strengths())
        return python_code(self.n, entries, self.first.preselected, self.options)

    @property
    def n_pages(self) -> int:
        """Number of pages of pictures."""
        return -(-self.n // PAGE_SIZE)

    def items(self, page: int | None = None) -> list[Item]:
        """Return what the figures of a page say, newest pick first; None is the current page."""
        start = ((self.page if page is None else page) - 1) * PAGE_SIZE
        newest = np.arange(self.n)[::-1][start : start + PAGE_SIZE]
        return self._facts.items(SELECTED, self._entries.take(newest))

    def to_html(self, path: str | Path | None = None, *, most_pictures: int = 500) -> str:
        """Return, and write to `path` if given, one HTML file that opens without a kernel or a network.

        It has the curve, the class balance and the newest `most_pictures` picks.
        """
        pages = range(1, 1 + min(self.n_pages, -(-most_pictures // PAGE_SIZE)))
        items = [item for page in pages for item in self.items(page)][:most_pictures]
        return written(document("How many samples are needed?", self.still_html(items)), path)

    def still_html(self, items: list[Item] | None = None) -> Html:
        """Return what a saved notebook shows, with the pictures of `items`; None is those of the page."""
        said = f"{self.n:,} of {counted(len(self.samples), 'sample')} selected. {self.finding}"
        jpegs = {one["name"]: self.picture(one["id"]) for one in (self.items() if items is None else items)}
        balance = (self.group_by, self.balance())
        return how_many_html(said, self.n, self.curve, balance, self.notes, jpegs)

    def picture(self, key: str) -> bytes:
        """Return the thumbnail of one figure by its `id`, empty if there is none."""
        row = int(key.removeprefix("row:"))
        return self.samples.thumbnail(row) if 0 <= row < len(self.samples) else b""

    @property
    def is_working(self) -> bool:
        """Whether something is being computed."""
        return self.work.is_alive and not self.work.is_canceled

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for what is being computed; return whether all is there. A failure is raised here."""
        done = self.work.wait(timeout)
        if self.work.error is not None:
            raise self.work.error
        return done

    def cancel(self) -> None:
        """Stop computing: what was shown before stays, and its strengths come back."""
        self.work.cancel()
        self._show_strengths(self._shown_strengths)
        self._say("canceled")

    # ---- traits --------------------------------------------------------------------------------------------

    @traitlets.validate("n")
    def _size_that_is(self, proposal: Any) -> int:
        if not 1 <= proposal["value"] <= self.n_max:
            raise InputError(
                f"n: got {proposal['value']}; allowed are 1 to {self.n_max}, the picks that are computed; "
                "how_many(…, most=…) computes more"
            )
        return int(proposal["value"])

    @traitlets.validate("strengths")
    def _known_strengths(self, proposal: Any) -> dict[str, float]:
        known = steering(self.first)
        given = dict(proposal["value"])
        unknown = [name for name in given if name not in known]
        if unknown:
            raise InputError(f"strengths: '{unknown[0]}' is not there; allowed are {list(known)}")
        for name, value in given.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not abs(value) <= LARGEST_STRENGTH:
                raise InputError(f"strengths['{name}']: got {value!r}; allowed are numbers from -1e9 to 1e9")
        return {name: float(given.get(name, value)) for name, value in known.items()}

    @traitlets.validate("measure")
    def _known_measure(self, proposal: Any) -> str:
        if proposal["value"] not in self.measures:
            raise InputError(f"measure: got {proposal['value']!r}; allowed are {self.measures}")
        self._is_measure_chosen = True
        return str(proposal["value"])

    @traitlets.validate("group_by")
    def _known_group(self, proposal: Any) -> str:
        if proposal["value"] and proposal["value"] not in self._groups:
            raise InputError(f"group_by: got {proposal['value']!r}; allowed are {self.group_choices}")
        return str(proposal["value"])

    @traitlets.validate("page")
    def _page_that_is(self, proposal: Any) -> int:
        if not 1 <= proposal["value"] <= self.n_pages:
            raise InputError(f"page: got {proposal['value']}; allowed are 1 to {self.n_pages}")
        return int(proposal["value"])

    # ---- in the background ---------------------------------------------------------------------------------

    def _follow_strengths(self, change: Any) -> None:
        if change["new"] == self._shown_strengths:
            self.work.cancel()
            self._shown()
            return
        wanted = dict(change["new"])
        self.work.start(lambda cancel: self._compute(cancel, wanted), after=SECONDS_TO_SETTLE)
        self._say("selecting again with these strengths")

    def _compute_first(self, cancel: threading.Event) -> None:
        self._groups, coded = groupings(self.samples), coded_groupings(self.samples)
        self._coded = {name: codes for name, (codes, values) in coded.items() if len(values) >= FEWEST_VALUES}
        if not self.group_by and self._groups:
            self.group_by = next(iter(self._groups))
        self._shown()
        self._compute(cancel, steering(self.first))
        is_same = self.order.filenames[: len(self.first)] == self.first.filenames
        if not self._live and not is_same and self._shown_strengths == steering(self.first):
            self.notes.append(DIFFERS)
            self._shown()
        self._live = True

    def _compute(self, cancel: threading.Event, strengths: dict[str, float]) -> None:
        """Compute the order of these strengths, or take it from those kept, and its curves; show both."""
        listen = stopping(cancel, self._on_event, CANCELED)
        key = tuple(strengths.values())
        order = self._orders.get(key)
        if order is None:
            changed = None if strengths == steering(self.first) else strengths
            order = longest_order(self.samples, self.first, changed, self.most, self.options, listen)
        rows = self.samples.rows_of(order.filenames)
        found = self._curves_of(rows, order, cancel)
        if cancel.is_set():
            return
        self._orders = dict([*self._orders.items(), (key, order)][-KEPT_ORDERS:])
        self.order, self._curves, self._shown_strengths = order, found, strengths
        self._facts, self._entries = Facts(self.samples, order), selected_entries(self.samples, order)
        self.n = min(self.n, len(order))
        if not self._is_measure_chosen and (measure := fairest(found)):
            self.measure = measure
        self._order_changed()

    def _curves_of(self, rows: np.ndarray, order: Selection, cancel: threading.Event) -> dict[str, Curve]:
        if "embeddings" not in self.samples.arrays:
            return {}
        vectors = self.samples.embeddings
        if not np.isfinite(vectors).all():
            self.notes = [*(note for note in self.notes if note != NOT_FINITE), NOT_FINITE]
            return {}
        if self._drawn is None:
            listen = stopping(cancel, self._on_event, CANCELED)

            def tick(done: int) -> None:
                listen(Event(time=0.0, step="RANDOM", done=done, total=DRAWS, unit="draw"))

            most = max(len(rows), self.most)
            self._drawn = random_coverage(vectors, self._before, most, seed=self._seed, tick=tick)
        found = curves(vectors, self._before, rows, self._drawn, order.strategies)
        sizes = self._drawn[0]
        for name, codes in self._coded.items():
            curve = category_curve(
                name, codes, self._before, rows, sizes, seed=self._seed, strategies=order.strategies
            )
            found[curve.measure] = curve
        return found

    @property
    def _seed(self) -> int:
        return int(self.options.get("seed", 0))

    def _on_event(self, event: Event) -> None:
        if event.get("total"):
            what = "drawing at random" if event["step"] == "RANDOM" else "selecting"
            self._say(f"{what}: {event['done']:,} of {event['total']:,}")

    def _failed(self, text: str) -> None:
        self._show_strengths(self._shown_strengths)

    def _show_strengths(self, strengths: dict[str, float]) -> None:
        """Set the strengths to those of the order that is shown, which computes nothing."""
        self.strengths = dict(strengths)

    # ---- hooks of the panel --------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        """Show a line of progress."""

    def _shown(self) -> None:
        """Show what has changed beside the order."""

    def _order_changed(self) -> None:
        """Show another order."""

    # ---- lookups -------------------------------------------------------------------------------------------

    def _changed_strengths(self) -> dict[str, float]:
        was = steering(self.first)
        return {name: value for name, value in self._shown_strengths.items() if value != was[name]}

    def _most(self, samples: Samples, most: int | None) -> int:
        available = len(samples) - len(self._before)
        if looks_ahead(self.first):
            return len(self.first)
        wanted = max(FEWEST_COMPUTED, TIMES_AS_MANY * len(self.first)) if most is None else most
        return max(len(self.first), min(wanted, available))
