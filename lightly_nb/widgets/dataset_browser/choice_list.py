"""A list to choose one from: a page of rows that are buttons, with a filter and how many more there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import ipywidgets

from lightly_nb.display.html import Html
from lightly_nb.widgets.dataset_browser.parts import Parts, mark, show
from lightly_nb.widgets.shared.showing import say

CHOSEN = "lnb-chosen"


class Choice(NamedTuple):
    """One row."""

    key: str
    title: str
    detail: str
    indent: str = ""


class ChoiceList(ipywidgets.VBox):  # type: ignore[misc]
    """Rows of which one is chosen; the same few buttons show whatever page there is.

    Parameters
    ----------
    parts : Parts
        Of the panel.
    what : str
        What is listed, in the plural.
    size : int
        Rows on a page.
    on_choose : callable
        Called with the key of the row that a person presses.
    empty : Html
        What is said when there is none.
    """

    def __init__(self, parts: Parts, what: str, size: int, on_choose: Callable[[str], Any], empty: Html):
        self._what, self._size, self._on_choose, self._empty = what, size, on_choose, empty
        self._choices: list[Choice] = []
        self._found: list[Choice] = []
        self.chosen, self.page = "", 1
        self.filter = parts.field(f"Find {what}", "part of the name")
        self.filter.observe(lambda _: self._refill(follow=True), "value")
        self.rows = [self._row(parts, number) for number in range(size)]
        self._said = parts.html()
        self._previous = parts.button("‹", f"{what} before these", lambda: self.turn(self.page - 1))
        self._next = parts.button("›", f"more {what}", lambda: self.turn(self.page + 1))
        self._bar = parts.row([self._previous, self._next, self._said])
        super().__init__([self.filter, *self.rows, self._bar], layout=self._bar.layout)
        self.add_class("lnb-list")
        self.show([], "")

    @property
    def n_pages(self) -> int:
        """How many pages there are, 1 or more."""
        return max(1, -(-len(self._found) // self._size))

    @property
    def shown(self) -> list[Choice]:
        """The rows of the page."""
        first = (self.page - 1) * self._size
        return self._found[first : first + self._size]

    def show(self, choices: Sequence[Choice], chosen: str) -> None:
        """Show other rows, and the page of the chosen one if another one is chosen now."""
        follow = chosen != self.chosen
        self._choices, self.chosen = list(choices), chosen
        show(self.filter, len(choices) > self._size)
        if follow and not any(choice.key == chosen for choice in self._matching()):
            self.filter.value = ""
        self._refill(follow=follow)

    def turn(self, page: int) -> None:
        """Show a page, the first being 1; one that is out of range counts as the nearest."""
        self.page = min(max(1, page), self.n_pages)
        self._fill()

    def _matching(self) -> list[Choice]:
        wanted = self.filter.value.strip().casefold()
        return [choice for choice in self._choices if wanted in choice.title.casefold()]

    def _refill(self, *, follow: bool) -> None:
        self._found = self._matching()
        at = next((at for at, choice in enumerate(self._found) if choice.key == self.chosen), 0)
        self.turn(at // self._size + 1 if follow else self.page)

    def _fill(self) -> None:
        for number, row in enumerate(self.rows):
            choice = self.shown[number] if number < len(self.shown) else None
            show(row, choice is not None)
            if choice is not None:
                row.description = f"{choice.indent}{choice.title}\n{choice.indent}{choice.detail}"
                mark(row, CHOSEN, choice.key == self.chosen)
        self._say()

    def _say(self) -> None:
        count, first = len(self._found), (self.page - 1) * self._size
        more = count > self._size
        for button, there in ((self._previous, self.page > 1), (self._next, self.page < self.n_pages)):
            show(button, more)
            button.disabled = not there
        said: str = self._empty if not self._choices else ""
        if more:
            said = f"{first + 1:,} to {first + len(self.shown):,} of {count:,} {self._what}"
        elif self._choices and not count:
            said = f"none of {len(self._choices):,} {self._what} has this in its name"
        say(self._said, said)
        show(self._bar, bool(said))

    def _row(self, parts: Parts, number: int) -> Any:
        def press() -> None:
            if number < len(self.shown):
                self._on_choose(self.shown[number].key)

        return parts.button("", "", press, "lnb-choice")
