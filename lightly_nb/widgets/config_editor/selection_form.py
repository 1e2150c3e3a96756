"""The form of a selection: its size, and its strategies as cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ipywidgets

from lightly_nb.config import SelectionConfig
from lightly_nb.display.html import Html, tag
from lightly_nb.errors import InputError
from lightly_nb.widgets.config_editor.card import PAIRS, Card
from lightly_nb.widgets.config_editor.checking import fields_of, held_by
from lightly_nb.widgets.config_editor.inputs import as_value
from lightly_nb.widgets.config_editor.row import Row, add_tooltip, maker

LIST = "strategies"


class SelectionForm:
    """Sizes and cards; `on_change` is called after a person has changed something."""

    folds: tuple[Any, ...] = ()

    def __init__(self, on_change: Callable[[], None]):
        self._on_change, self._make = on_change, maker()
        self._sizes = fields_of(SelectionConfig)
        self._rows: dict[str, Row] = {}
        self.held: dict[str, Any] = {}
        self.cards: list[Card] = []
        self._list = ipywidgets.VBox()
        self.menu = ipywidgets.Dropdown(options=list(PAIRS), description="add")
        self.add = ipywidgets.Button(description="Add strategy")
        self.add.on_click(lambda _button: self.add_card(PAIRS[self.menu.value]))
        add_tooltip(self.menu, "A strategy and the input that it works on")
        self._message = ipywidgets.HTML()
        self._message.add_class("lnb-message")

    def boxes(self) -> list[Any]:
        """Return the widgets of the form."""
        for key, field in self._sizes.items():
            self._rows[key] = Row(key, field, self.held[key], partial(self._take_size, key), self._make)
        adding = ipywidgets.HBox([self.menu, self.add])
        adding.add_class("lnb-adding")
        return [*(row.box for row in self._rows.values()), self._list, self._message, adding]

    def show(self, config: SelectionConfig) -> None:
        """Show a selection, without telling anyone."""
        self.held = held_by(config)
        for key, row in self._rows.items():
            row.show(self.held[key])
        before = self.cards
        self.cards = [Card.of(each, self._on_change, self._move, self._make) for each in config.strategies]
        self._arrange()
        for card in before:
            card.close()

    def values(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the values, and what is wrong with those that cannot be read."""
        where = SelectionConfig.WHERE
        sizes = {key: as_value(self.held[key], field, where) for key, field in self._sizes.items()}
        strategies, wrong = [], {}
        for at, card in enumerate(self.cards):
            values, unreadable = card.values(f"{where}.{LIST}[{at}]")
            strategies.append(values)
            wrong.update({f"{LIST}[{at}].{key}": said for key, said in unreadable.items()})
        return {**sizes, LIST: strategies}, wrong

    def mark(self, wrong: Mapping[str, str]) -> None:
        """Mark what is wrong, in the fields, on the cards, and under them for their list."""
        for key, row in self._rows.items():
            row.mark(wrong.get(key), False)
        for at, card in enumerate(self.cards):
            start = f"{LIST}[{at}]"
            own = {
                key.removeprefix(start).lstrip("."): said
                for key, said in wrong.items()
                if key == start or key.startswith(f"{start}.")
            }
            card.mark(own)
        said = tag("div", f"{LIST}: {wrong[LIST]}", role="alert") if LIST in wrong else Html()
        if self._message.value != said:
            self._message.value = said

    def control(self, key: str) -> Any:
        """Return the control of a key, for example `strategies[0].strategy.strength`.

        Raises
        ------
        InputError
            If there is no field for it.
        """
        controls = {name: row.control for name, row in self._rows.items()}
        for at, card in enumerate(self.cards):
            controls.update({f"{LIST}[{at}].{name}": row.control for name, row in card.rows.items()})
            controls[f"{LIST}[{at}]"] = card.menu
        if key not in controls:
            raise InputError(f"no field for {key!r}; there are {', '.join(controls)}")
        return controls[key]

    def add_card(self, pair: tuple[str, str]) -> None:
        """Add a strategy with its defaults at the end."""
        self.cards.append(Card(pair, {}, self._on_change, self._move, self._make))
        self._arrange()
        self._on_change()

    def _move(self, card: Card, step: int) -> None:
        at = self.cards.index(card)
        others = [other for other in self.cards if other is not card]
        self.cards = others if not step else [*others[: at + step], card, *others[at + step :]]
        self._arrange()
        if not step:
            card.close()
        self._on_change()

    def _arrange(self) -> None:
        for at, card in enumerate(self.cards):  # before they move: the page keeps the focus on a live button
            card.place(at + 1, at == 0, at == len(self.cards) - 1)
        self._list.children = [card.box for card in self.cards]

    def _take_size(self, key: str, held: Any) -> None:
        """Take one size and empty the other: a selection has exactly one."""
        self.held[key] = held
        for other, row in self._rows.items():
            if other != key and held.strip():
                self.held[other] = ""
                row.show("")
        self._on_change()
