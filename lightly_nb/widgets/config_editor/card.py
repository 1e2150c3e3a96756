"""One strategy of a selection as a card: which input, which strategy, and the fields of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ipywidgets
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lightly_nb.config import describe
from lightly_nb.config.selection import ALLOWED_INPUTS, OF_COUNTS, StrategyConfig
from lightly_nb.display.html import Html, tag
from lightly_nb.widgets.config_editor.checking import fields_of, held_by, values_of
from lightly_nb.widgets.config_editor.inputs import unset
from lightly_nb.widgets.config_editor.row import Make, Row, add_tooltip, differs

Pair = tuple[str, str]

PAIRS: Mapping[str, Pair] = {
    f"{strategy} of {kind}": (kind, strategy) for strategy, kinds in ALLOWED_INPUTS.items() for kind in kinds
}
"""Every pair of input and strategy that makes sense, by the name that a menu shows."""
NAMES: Mapping[Pair, str] = {pair: name for name, pair in PAIRS.items()}
PARTS = ("input", "strategy")
QUERY = ("input.dataset_id", "input.tag_name")
"""Fields of EMBEDDINGS that only SIMILARITY takes."""


def models_of(pair: Pair) -> dict[str, type[BaseModel]]:
    """Return the model of the input and that of the strategy."""
    models = {}
    for part, kind in zip(PARTS, pair, strict=True):
        candidates = describe.sections(StrategyConfig.model_fields[part].annotation)
        models[part] = next(model for model in candidates if describe.tag(model) == kind)
    return models


class Card:
    """A strategy on the page.

    Parameters
    ----------
    pair : tuple of str
        The types of the input and of the strategy.
    held : mapping
        What the fields hold, by key (`input.task`); fields that are not in it are at their default.
    on_change : callable
        Called after a person has changed something in it.
    on_move : callable
        Called with the card and -1 (up), 1 (down) or 0 (away).
    make : callable
        Makes the widgets.
    """

    def __init__(
        self,
        pair: Pair,
        held: Mapping[str, Any],
        on_change: Callable[[], None],
        on_move: Callable[[Card, int], None],
        make: Make,
    ):
        self.pair, self.held = pair, dict(held)
        self._on_change, self._make = on_change, make
        self.fields: dict[str, FieldInfo] = {}
        self.rows: dict[str, Row] = {}
        self.menu = make(ipywidgets.Dropdown, options=list(PAIRS), value=NAMES[pair], description="strategy")
        self.menu.observe(lambda change: self._choose(PAIRS[change["new"]]), "value")
        self.up, self.down, self.away = (
            _button(make, text, hint, partial(on_move, self, step))
            for text, hint, step in (
                ("↑", "Move this strategy up", -1),
                ("↓", "Move this strategy down", 1),
                ("Remove", "Remove this strategy", 0),
            )
        )
        self._about = make(ipywidgets.HTML)
        head = make(ipywidgets.HBox, children=[self.menu, self._about, self.up, self.down, self.away])
        head.add_class("lnb-card-head")
        self._inside = make(ipywidgets.VBox)
        self._message = make(ipywidgets.HTML)
        self.box = make(ipywidgets.VBox, children=[head, self._inside, self._message])
        self.box.add_class("lnb-strategy")
        self._build()

    @classmethod
    def of(
        cls,
        config: StrategyConfig,
        on_change: Callable[[], None],
        on_move: Callable[[Card, int], None],
        make: Make,
    ) -> Card:
        """Return the card of a strategy's configuration."""
        held = {
            f"{part}.{key}": value for part in PARTS for key, value in held_by(getattr(config, part)).items()
        }
        return cls((config.input.type, config.strategy.type), held, on_change, on_move, make)

    def values(self, where: str) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the values, nested, and what is wrong with those that cannot be read, by key of the card."""
        values: dict[str, Any] = {}
        wrong: dict[str, str] = {}
        for (part, model), kind in zip(models_of(self.pair).items(), self.pair, strict=True):
            own = {key.removeprefix(f"{part}."): held for key, held in self._all_held().items()}
            read, unreadable = values_of(model, own, f"{where}.{part}")
            values[part] = {"type": kind, **read}
            wrong.update({f"{part}.{key}": said for key, said in unreadable.items()})
        return values, wrong

    def place(self, number: int, is_first: bool, is_last: bool) -> None:
        """Say the number of the card, from 1, and where it can move."""
        self.menu.description = f"strategy {number}"
        self.up.disabled, self.down.disabled = is_first, is_last

    def mark(self, wrong: Mapping[str, str]) -> None:
        """Mark what is wrong, by key of the card; '' is the card as a whole."""
        for key, row in self.rows.items():
            row.mark(wrong.get(key), differs(self.held[key], self.fields[key]))
        loose = [said for key, said in wrong.items() if key not in self.rows]
        said = tag("div", " ".join(loose), role="alert", class_="lnb-message") if loose else Html()
        if self._message.value != said:
            self._message.value = said

    def close(self) -> None:
        """Take the card off the page for good."""
        for row in self.rows.values():
            row.close()
        head = self.box.children[0]
        for widget in (*head.children, *self.box.children, self.box):
            widget.close()

    def _all_held(self) -> dict[str, Any]:
        return {**{key: unset(field) for key, field in _fields(self.pair).items()}, **self.held}

    def _choose(self, pair: Pair) -> None:
        self.pair = pair
        self._build()
        self._on_change()

    def _build(self) -> None:
        """Make the fields of the pair; what was given for a key of the same name stays."""
        hidden = () if self.pair[1] == "SIMILARITY" else QUERY
        self.fields = {key: field for key, field in _fields(self.pair).items() if key not in hidden}
        given = {key: held for key, held in self.held.items() if key in self.fields}
        if self.pair[0] == "PREDICTIONS" and self.pair[1] in OF_COUNTS:
            given.setdefault("input.name", "CATEGORY_COUNT")
        self.held = {**{key: unset(field) for key, field in self.fields.items()}, **given}
        before = self.rows
        self.rows = {
            key: Row(key.partition(".")[2], field, self.held[key], partial(self._take, key), self._make)
            for key, field in self.fields.items()
        }
        self._inside.children = [row.box for row in self.rows.values()]
        for row in before.values():
            row.close()
        about = models_of(self.pair)["strategy"].model_fields["type"].description or ""
        self._about.value = tag("div", about, class_="lnb-hint")

    def _take(self, key: str, held: Any) -> None:
        self.held[key] = held
        self._on_change()


def _fields(pair: Pair) -> dict[str, FieldInfo]:
    """Return the fields of a pair by key: those without a default first, `strength` last."""
    fields = {
        f"{part}.{key}": field
        for part, model in models_of(pair).items()
        for key, field in fields_of(model).items()
    }
    order = sorted(fields, key=lambda key: (not fields[key].is_required(), key == "strategy.strength"))
    return {key: fields[key] for key in order}


def _button(make: Make, text: str, hint: str, work: Callable[[], None]) -> Any:
    button = make(ipywidgets.Button, description=text)
    add_tooltip(button, hint)
    button.on_click(lambda _button: work())
    return button
