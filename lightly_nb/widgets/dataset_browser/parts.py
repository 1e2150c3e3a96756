"""Small parts of the dataset browser. They share one layout and one style: less to send to the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from lightly_nb.widgets.config_editor.row import add_tooltip

GONE = "lnb-gone"


class Parts:
    """Makes the parts of one panel."""

    def __init__(self) -> None:
        plain, button = ipywidgets.HTML(), ipywidgets.Button()
        self._plain = {"layout": plain.layout, "style": plain.style}
        self._button = {"layout": plain.layout, "style": button.style}
        self._box = {"layout": plain.layout}

    def html(self, *classes: str) -> Any:
        """Return a place for text."""
        return _marked(ipywidgets.HTML(**self._plain), classes)

    def button(self, text: str, hint: str, work: Callable[[], Any], *classes: str) -> Any:
        """Return a button that calls `work`."""
        button = ipywidgets.Button(description=text, **self._button)
        if hint:
            add_tooltip(button, hint)
        button.on_click(lambda _button: work())
        return _marked(button, classes)

    def row(self, children: Sequence[Any], *classes: str) -> Any:
        """Return parts side by side."""
        return _marked(ipywidgets.HBox(list(children), **self._box), ("lnb-bar", *classes))

    def column(self, children: Sequence[Any], *classes: str) -> Any:
        """Return parts one below the other."""
        return _marked(ipywidgets.VBox(list(children), **self._box), classes)

    def field(self, label: str, hint: str, value: str = "") -> Any:
        """Return a field for text."""
        same = {"layout": self._box["layout"]}
        return ipywidgets.Text(value=value, description=label, placeholder=hint, **same)

    def menu(self, label: str, options: Sequence[Any]) -> Any:
        """Return a menu."""
        return ipywidgets.Dropdown(description=label, options=options, layout=self._box["layout"])


def show(widget: Any, is_shown: bool) -> None:
    """Show a widget, or take it out of sight and reach."""
    if (GONE in widget._dom_classes) == is_shown:
        (widget.remove_class if is_shown else widget.add_class)(GONE)


def mark(widget: Any, name: str, is_marked: bool) -> None:
    """Give a widget a class, or take it away."""
    if (name in widget._dom_classes) != is_marked:
        (widget.add_class if is_marked else widget.remove_class)(name)


def _marked(widget: Any, classes: Sequence[str]) -> Any:
    if classes:
        widget._dom_classes = tuple(classes)
    return widget
