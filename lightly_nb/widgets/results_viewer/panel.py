"""The live results viewer: an anywidget that gets one page at a time, and its pictures when it asks for them.

Messages to the browser: `menu`, `page`, `pictures`, `card`, `marked`, `status`, `error`. Messages from it:
`ready`, `set`, `want`, `look`, `mark`, `clear`. See `results.js` for the other end.

An anywidget and not a grid of ipywidgets, because the arrow keys move the focus from picture to picture, and
because pictures that travel as messages do not end in the notebook file as widget state.
"""

from __future__ import annotations

import threading
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

import anywidget

from lightly_nb.errors import InputError
from lightly_nb.samples import Samples
from lightly_nb.widgets.results_viewer.model import PAGE_SIZES, ResultsModel
from lightly_nb.widgets.results_viewer.views import ORDERS, REMOVED
from lightly_nb.widgets.shared.background import Background
from lightly_nb.widgets.shared.errors import errors_shown
from lightly_nb.widgets.shared.showing import hiding_rule, live_class, show_panel, static_block
from lightly_nb.widgets.shared.theme import panel_css, panel_module

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

SETTABLE = {"view": str, "page": int, "page_size": int, "order": str, "filter": str}
MOST_WANTED = 2 * max(PAGE_SIZES)


class ResultsPanel(ResultsModel, anywidget.AnyWidget):  # type: ignore[misc]
    """What `lightly_nb.show_results` returns; its traits and methods are those of `ResultsModel`."""

    _esm = panel_module("results_viewer/gallery", "results_viewer/panel")
    _css = panel_css("results_viewer/gallery", "results_viewer/panel")

    def __init__(self, samples: Samples, selection: Selection, **kwargs: Any):
        self._panel_id = uuid.uuid4().hex[:12]
        self._sent: Any = None
        self._pictures = Background("pictures", self._show_error)
        super().__init__(samples, selection, **kwargs)
        self.on_msg(self._on_message)
        listing = ["view", "page", "page_size", "order", "filter", "rows"]
        self.observe(lambda change: self._send_page(), listing)
        self.observe(lambda change: self._send_marked(), "selected")
        self.observe(lambda change: self._send_card(), "current")

    def close(self) -> None:
        """Take the panel off the page."""
        self._neighbors.close()
        self._pictures.close()
        super().close()

    def __repr__(self) -> str:
        return (
            f"ResultsPanel({len(self.picks):,} of {len(self.samples):,} samples selected, "
            f"{len(self.samples.quarantine):,} files in quarantine)"
        )

    def _ipython_display_(self, **kwargs: Any) -> None:
        show_panel(self, static_block(self._panel_id, self.still_html()), repr(self))

    # ---- to the browser ------------------------------------------------------------------------------------

    def _send_menu(self, client: str) -> None:
        self.send(
            {
                "type": "menu",
                "client": client,
                "sizes": list(PAGE_SIZES),
                "size": self.page_size,
                "orders": list(ORDERS),
                "order": self.order,
                "hide": hiding_rule(self._panel_id),
                "live": live_class(self._panel_id),
            }
        )

    def _send_page(self, client: str = "") -> None:
        items = self.items()
        is_last = self.page == self.n_pages
        self.send(
            {
                "type": "page",
                "client": client,
                "name": self.view,
                "page": self.page,
                "pages": self.n_pages,
                "size": self.page_size,
                "order": self.order,
                "filter": self.filter,
                "restricted": bool(len(self.rows)),
                "first": (self.page - 1) * self.page_size + 1,
                "total": len(self.entries),
                "counts": self.counts,
                "items": items,
                "ahead": [] if is_last else self.items(self.page + 1),
                "busy": self._busy(),
                "near": self.is_ready,
                "marked": self._marked_keys(),
                "n_marked": len(self.selected),
            }
        )

    def _busy(self) -> str:
        if self.is_ready or self._neighbors.error is not None or self.view != REMOVED:
            return ""
        n = self.counts[REMOVED]
        return f"looking for the nearest selected neighbour of {n:,} samples; until then in file order"

    def _marked_keys(self) -> list[str]:
        here = set(self.selected.tolist())
        keys = {int(row): f"row:{row}" for row in self._entries_on(self.page).rows if int(row) in here}
        current = self._row_of(self.current)
        return [*keys.values(), *([f"row:{current}"] if current in here and current not in keys else [])]

    def _send_marked(self) -> None:
        self.send({"type": "marked", "marked": self._marked_keys(), "n_marked": len(self.selected)})

    def _send_card(self, client: str = "") -> None:
        row = self._row_of(self.current)
        content = {"type": "card", "client": client, "name": self.current, "row": row, "lines": self.card()}
        key = f"row:{row}" if row >= 0 else f"file:{self.current}"
        self.send({**content, "id": key, "is_marked": row in self.selected})

    def _row_of(self, name: str) -> int:
        return self.facts.row_of.get(name, -1)

    def _send_pictures(self, keys: list[str], client: str) -> None:
        content = {"type": "pictures", "client": client, "keys": keys}
        self.send(content, [self.picture(key) for key in keys])

    def _send_pictures_of_files(self, keys: list[str], client: str, stop: threading.Event) -> None:
        """Send pictures that have to be read from the source, one by one, beside the kernel's other work."""
        for key in keys:
            if not stop.is_set():
                self._send_pictures([key], client)

    def _neighbors_found(self) -> None:
        self._send_page()
        self._send_card()

    def _show_error(self, text: str) -> None:
        self.send({"type": "error", "text": text})

    # ---- from the browser ----------------------------------------------------------------------------------

    def _on_message(self, _widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        with errors_shown(self._show_error):
            kind, client = content.get("type"), str(content.get("client", ""))
            if kind == "ready":
                self._send_menu(client)
                self._send_page(client)
                self._send_card(client)
            elif kind == "set":
                self._set(str(content["name"]), content["value"])
            elif kind == "want":
                self._answer([str(key) for key in content["keys"]][:MOST_WANTED], client)
            elif kind == "look":
                self.current = str(content["name"])
            elif kind == "mark":
                self.mark(int(content["row"]))
            elif kind == "clear":
                self.selected = []

    def _set(self, name: str, value: Any) -> None:
        if name not in SETTABLE:
            raise InputError(f"show_results: the browser asked for '{name}'; allowed are {sorted(SETTABLE)}")
        value = SETTABLE[name](value)
        setattr(self, name, min(value, self.n_pages) if name == "page" else value)

    def _answer(self, keys: list[str], client: str) -> None:
        of_files = [key for key in keys if not key.startswith("row:")]
        self._send_pictures([key for key in keys if key.startswith("row:")], client)
        if of_files:
            self._pictures.add(partial(self._send_pictures_of_files, of_files, client))
