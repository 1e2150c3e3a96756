"""Widgets that share their layout and style: a form has hundreds, each an object on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Make = Callable[..., Any]
"""Called with a class of ipywidgets and its settings; returns a widget."""


def maker() -> Make:
    """Return a function that makes widgets; those of one class share layout and style."""
    looks: dict[Any, dict[str, Any]] = {}

    def make(kind: Any, **settings: Any) -> Any:
        widget = kind(**looks.get(kind, {}), **settings)
        looks.setdefault(kind, {name: getattr(widget, name) for name in _look_of(widget)})
        return widget

    return make


def _look_of(widget: Any) -> list[str]:
    return [name for name in ("layout", "style") if widget.has_trait(name)]
