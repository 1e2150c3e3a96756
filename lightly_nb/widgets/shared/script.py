"""The script of a panel that is made of ipywidgets, which themselves bring no script to the page."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from lightly_nb.widgets.shared.theme import panel_module


def panel_script(module: str, root: str) -> list[Any]:
    """Return the widget that runs a panel's module; place it in the panel's box.

    Parameters
    ----------
    module : str
        `FOLDER/NAME` of the file. Its function `start` gets the element of the panel once for every view of
        it, and returns what is to be called after every change in it.
    root : str
        The CSS selector of that element.

    Returns
    -------
    list of Widget
        One; none without anywidget, where the panel works with less comfort by keyboard.
    """
    if find_spec("anywidget") is None:
        return []
    import anywidget
    import traitlets

    class PanelScript(anywidget.AnyWidget):  # type: ignore[misc]
        _esm = panel_module("shared/script", module)
        root = traitlets.Unicode().tag(sync=True)

    return [PanelScript(root=root, layout={"display": "none"})]
