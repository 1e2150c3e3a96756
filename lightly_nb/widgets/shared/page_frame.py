"""A whole HTML page inside a panel, in a frame of its own that cannot reach the notebook."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from lightly_nb.widgets.shared.theme import panel_module


class PageFrame(anywidget.AnyWidget):  # type: ignore[misc]
    """Shows a page. The page travels as a message, so it is in no saved notebook.

    Parameters
    ----------
    page : str
        An HTML document; its scripts run, without access to anything outside it.
    title : str
        What a screen reader calls the frame.
    """

    _esm = panel_module("shared/page_frame")
    title = traitlets.Unicode().tag(sync=True)

    def __init__(self, page: str, title: str):
        super().__init__(title=title)
        self._page = page.encode()
        self.on_msg(self._send_page)

    def _send_page(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        self.send({"view": str(content.get("view", ""))}, [self._page])
