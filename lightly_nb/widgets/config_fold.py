"""A group of fields that is folded away behind a button, and built when it is first opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets


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
