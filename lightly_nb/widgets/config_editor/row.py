"""One field of a form: label, control, what it is for, and under it what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from lightly_nb.display.html import Html, join, tag
from lightly_nb.widgets.config_editor.inputs import choices_of, hint_of, is_set, kind_of

LINES_SHOWN = 3
SECRET_GIVEN, SECRET_MISSING = "given; type to replace it", "none"


class Row:
    """A labelled control and its words.

    Parameters
    ----------
    label : str
        The key, as the configuration spells it.
    field : pydantic.fields.FieldInfo
        Of the configuration.
    held : object
        What the field holds at first.
    on_change : callable
        Called with what the field holds, whenever a person (or a script) changes the control.
    make : callable
        Makes the widgets.

    Attributes
    ----------
    control : ipywidgets.Widget
        The part that takes input.
    box : ipywidgets.Widget
        All of it.
    """

    def __init__(self, label: str, field: FieldInfo, held: Any, on_change: Callable[[Any], None], make: Make):
        self.field, self._on_change, self._is_quiet = field, on_change, False
        self._make = make
        self._secret = SecretStr("")
        self.control = _control(label, field, make)
        description, terms = hint_of(field)
        add_tooltip(self.control, f"{description} {terms}".strip())
        hint = make(ipywidgets.HTML, value=_hint_html(description, terms))
        self._message: Any = None
        controls = [self.control, hint]
        if kind_of(field) == "secret":
            remove = make(ipywidgets.Button, description="Remove")
            remove.on_click(lambda _button: self._take_secret(SecretStr("")))
            controls.insert(1, remove)
        self.box = make(ipywidgets.HBox, children=controls)
        self.box.add_class("lnb-row")
        self.show(held)
        self.control.observe(self._changed, "value")

    def show(self, held: Any) -> None:
        """Show what the field holds, without telling anyone."""
        self._is_quiet = True
        try:
            if kind_of(self.field) == "secret":
                self._secret = held
                self.control.value = ""
                self.control.placeholder = SECRET_GIVEN if held.get_secret_value() else SECRET_MISSING
            else:
                self._offer(held)
                self.control.value = held
        finally:
            self._is_quiet = False

    def _offer(self, held: Any) -> None:
        """Add a value to a menu that does not have it: some fields take more than they offer."""
        if kind_of(self.field) == "choice" and held not in [value for _, value in self.control.options]:
            self.control.options = [*self.control.options, (str(held), held)]

    def mark(self, wrong: str | None, is_changed: bool) -> None:
        """Outline the field and say what is wrong, or show that it differs from its default."""
        _toggle(self.box, "lnb-wrong", wrong is not None)
        _toggle(self.box, "lnb-changed", is_changed)
        said = _message_html(wrong)
        if self._message is None and wrong is not None:
            self._message = self._make(ipywidgets.HTML)
            self._message.add_class("lnb-message")
            self.box.children = (*self.box.children, self._message)
        if self._message is not None and self._message.value != said:
            self._message.value = said

    def close(self) -> None:
        """Take the row off the page for good."""
        for widget in (*self.box.children, self.box):
            widget.close()

    def _changed(self, change: Any) -> None:
        if self._is_quiet:
            return
        if kind_of(self.field) != "secret":
            self._on_change(change["new"])
        elif change["new"]:
            self._take_secret(SecretStr(change["new"]))

    def _take_secret(self, secret: SecretStr) -> None:
        """Keep a secret in the kernel alone: a saved notebook holds what its controls show."""
        self.show(secret)
        self._on_change(secret)


def differs(held: Any, field: FieldInfo) -> bool:
    """Whether a field is marked as changed: it has a default and holds something else."""
    return not field.is_required() and is_set(held, field)


def add_tooltip(widget: Any, text: str) -> None:
    """Set a widget's tooltip, under ipywidgets 7 and 8 alike."""
    setattr(widget, "tooltip" if widget.has_trait("tooltip") else "description_tooltip", text)


def _control(label: str, field: FieldInfo, make: Make) -> Any:
    kind = kind_of(field)
    if kind == "flag":
        return make(ipywidgets.Checkbox, description=label, indent=False)
    if kind == "choice":
        return make(ipywidgets.Dropdown, description=label, options=choices_of(field))
    if kind == "secret":
        return make(ipywidgets.Password, description=label, continuous_update=False)
    if kind in ("lines", "mapping"):
        shown = "one a line" if kind == "lines" else "category: share, one a line"
        return make(ipywidgets.Textarea, description=label, rows=LINES_SHOWN, placeholder=shown)
    empty = "" if field.is_required() or kind == "text" else "not given"
    return make(ipywidgets.Text, description=label, placeholder=empty or "\u200b")


def _hint_html(description: str, terms: str) -> Html:
    shown = tag("i", terms) if terms else None
    return tag("div", description, " ", shown, class_="lnb-hint", title=f"{description} {terms}".strip())


def _message_html(wrong: str | None) -> Html:
    if wrong is None:
        return Html()
    return tag("div", join(*wrong.splitlines(), by=tag("br")), role="alert")


def _toggle(widget: Any, name: str, is_on: bool) -> None:
    if is_on:
        widget.add_class(name)
    else:
        widget.remove_class(name)


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
