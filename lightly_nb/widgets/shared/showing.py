"""How a panel reaches the page: a static picture first, then the live widget that hides it.

A saved notebook keeps the static output, so it shows something true without a kernel, with or without saved
widget state. The live panel carries one style rule that hides its static output above it.
"""

from __future__ import annotations

from typing import Any

from lightly_nb.display.html import Child, Html, join, tag

WITHOUT_ANYWIDGET = tag(
    "p",
    "anywidget is not installed, so this view sends nothing back to Python: for the live panel run ",
    tag("code", "pip install anywidget ipywidgets"),
    " and restart the kernel.",
)

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"


def static_class(panel_id: str) -> str:
    """Return the class of the static output of one panel.

    >>> static_class("4f")
    'lnb-static-4f'
    """
    return f"lnb-static-{panel_id}"


def live_class(panel_id: str) -> str:
    """Return the class that a live panel takes once it shows what it has to show."""
    return f"lnb-live-{panel_id}"


def hiding_rule(panel_id: str) -> str:
    """Return the style rule that hides the static output above a live panel, in whatever front-end.

    A panel of ipywidgets carries it in an `ipywidgets.HTML` and takes `live_class` with `add_class`; the
    scatter does both in its module.
    """
    live, static = live_class(panel_id), static_class(panel_id)
    return f"div:has(~ div .{live}) .{static} {{ display: none !important; }}"


def static_block(panel_id: str, html: Html) -> Html:
    """Return `html` inside the element that `hiding_rule` hides."""
    return tag("div", html, class_=static_class(panel_id))


def say(place: Any, *children: Child) -> None:
    """Set the text of an `ipywidgets.HTML` if it is another one, so that nothing is announced twice."""
    html = join(*children)
    if place.value != html:
        place.value = html


def widget_bundle(widget: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the MIME bundle and its metadata that show `widget`, under ipywidgets 7 and 8 alike."""
    if hasattr(widget, "_repr_mimebundle_"):  # ipywidgets 8, and anywidget under both
        bundle = widget._repr_mimebundle_()
        return bundle if isinstance(bundle, tuple) else (bundle or {}, {})
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"text/plain": repr(widget), WIDGET_MIME: view}, {}


def show_panel(widget: Any, static_html: str, static_text: str, display_id: str | None = None) -> None:
    """Show the static output and then the widget, as two outputs of the running cell.

    Call it from `_ipython_display_`, which ipywidgets 7 and 8 both honour. With a `display_id` the static
    output can be replaced later, by `update_static`.
    """
    from IPython import display as ipython

    display: Any = ipython.display

    display({"text/html": static_html, "text/plain": static_text}, raw=True, display_id=display_id)
    bundle, metadata = widget_bundle(widget)
    display(bundle, metadata=metadata, raw=True)


def update_static(display_id: str, static_html: str, static_text: str) -> None:
    """Replace the static output that `show_panel` has shown with this `display_id`, from any thread."""
    from IPython import display as ipython

    display: Any = ipython.display
    bundle = {"text/html": static_html, "text/plain": static_text}
    display(bundle, raw=True, display_id=display_id, update=True)
