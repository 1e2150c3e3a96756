"""The form of a configuration that is a tree of keys: worker_config and lightly_config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ipywidgets

from lightly_nb.config import LightlyConfig, parse
from lightly_nb.config.lightly import FINE_TUNING
from lightly_nb.config.section import Config
from lightly_nb.display.html import tag
from lightly_nb.errors import InputError
from lightly_nb.widgets.config_editor.checking import fields_of, held_by, values_of
from lightly_nb.widgets.config_editor.groups import grouped
from lightly_nb.widgets.config_editor.row import Row, differs, maker

MODEL_NAME = "model.name"


class KeyForm:
    """Rows in groups. What they hold is kept here, so that a group can be built when it is first opened.

    Parameters
    ----------
    model : type
        Of the configuration.
    on_change : callable
        Called after a person has changed something.
    """

    def __init__(self, model: type[Config], on_change: Callable[[], None]):
        self.model, self._on_change, self._make = model, on_change, maker()
        self.fields = fields_of(model)
        self.held: dict[str, Any] = {}
        self._rows: dict[str, Row] = {}
        self._wrong: Mapping[str, str] = {}
        in_sight, self._groups = grouped(model.WHERE, list(self.fields))
        self._in_sight = in_sight
        self._folds = {title: Fold(title, partial(self._boxes, keys)) for title, keys in self._groups.items()}

    @property
    def folds(self) -> list[Fold]:
        """The groups that can be folded away."""
        return list(self._folds.values())

    def boxes(self) -> list[Any]:
        """Return the widgets of the form."""
        more = ipywidgets.HTML(tag("div", "More options", class_="lnb-more"))
        return [*self._boxes(self._in_sight), more, *(fold.box for fold in self.folds)]

    def show(self, config: Config) -> None:
        """Show a configuration, without telling anyone."""
        self.held = held_by(config)
        for key, row in self._rows.items():
            row.show(self.held[key])

    def values(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the values, and what is wrong with those that cannot be read."""
        return values_of(self.model, self.held, self.model.WHERE)

    def mark(self, wrong: Mapping[str, str]) -> None:
        """Mark what is wrong and what differs from its default."""
        self._wrong = wrong
        for key, row in self._rows.items():
            self._mark(key, row)
        for title, keys in self._groups.items():
            n_changed = sum(differs(self.held[key], self.fields[key]) for key in keys)
            self._folds[title].mark(sum(key in wrong for key in keys), n_changed)

    def control(self, key: str) -> Any:
        """Return the control of a key; its group is opened.

        Raises
        ------
        InputError
            If there is no field for it.
        """
        if key not in self.fields:
            raise InputError(f"no field for {key!r}; there are {', '.join(self.fields)}")
        for title, keys in self._groups.items():
            if key in keys:
                self._folds[title].open()
        return self._rows[key].control

    def _boxes(self, keys: list[str]) -> list[Any]:
        for key in keys:
            row = Row(key, self.fields[key], self.held[key], partial(self._take, key), self._make)
            self._rows[key] = row
            self._mark(key, row)
        return [self._rows[key].box for key in keys]

    def _mark(self, key: str, row: Row) -> None:
        row.mark(self._wrong.get(key), differs(self.held[key], self.fields[key]))

    def _take(self, key: str, held: Any) -> None:
        before, self.held[key] = self.held.get(key), held
        if key == MODEL_NAME and self.model is LightlyConfig:
            self._follow_the_model(str(before), str(held))
        self._on_change()

    def _follow_the_model(self, before: str, now: str) -> None:
        """Show other defaults where another kind of backbone has them and nothing else was asked for."""
        old, new = (parse(LightlyConfig, {"model.name": name}) for name in (before, now))
        shown, wanted = held_by(old), held_by(new)
        for key in FINE_TUNING:
            if self.held[key] == shown[key] != wanted[key]:
                self.held[key] = wanted[key]
                if key in self._rows:
                    self._rows[key].show(wanted[key])


class Fold:
    """A button and what it shows and hides. ipywidgets' own Accordion cannot be reached by keyboard.

    Parameters
    ----------
    title : str
        Of the group.
    fill : callable
        Called once, when it is first opened; returns the widgets inside.
    """

    def __init__(self, title: str, fill: Callable[[], list[Any]]):
        self.title, self._fill, self._note = title, fill, ""
        self._inside = ipywidgets.VBox()
        self._inside.add_class("lnb-inside")
        self._inside.layout.display = "none"
        self.button = ipywidgets.Button()
        self.button.add_class("lnb-fold")
        self.button.on_click(lambda _button: self.open(not self.is_open))
        self.box = ipywidgets.VBox([self.button, self._inside])
        self._label()

    @property
    def is_open(self) -> bool:
        """Whether the group is shown."""
        return self._inside.layout.display is None

    def open(self, is_open: bool = True) -> None:
        """Show or hide the group."""
        if is_open and not self._inside.children:
            self._inside.children = self._fill()
        self._inside.layout.display = None if is_open else "none"
        self._label()

    def mark(self, n_wrong: int, n_changed: int) -> None:
        """Say on the button how many values inside are wrong and how many differ from their default."""
        parts = [f"{n_wrong} wrong" if n_wrong else "", f"{n_changed} changed" if n_changed else ""]
        self._note = ", ".join(filter(None, parts))
        if n_wrong:
            self.button.add_class("lnb-wrong")
        else:
            self.button.remove_class("lnb-wrong")
        self._label()

    def _label(self) -> None:
        note = f" ({self._note})" if self._note else ""
        self.button.description = f"{'▾' if self.is_open else '▸'} {self.title}{note}"
