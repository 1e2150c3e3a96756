"""The live "how many do I need?": an anywidget of sliders, the curve, the class balance and the pictures.

Messages to the browser: `scene` (what one order of picks has), `state` (what changes with n), `pictures`,
`code`, `status`, `error`. Messages from it: `ready`, `set`, `strength`, `want`, `code`, `cancel`. See
`how_many.js` for the other end. An anywidget, so that the marker follows the slider while the kernel is busy.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import anywidget

from lightly_nb.errors import InputError
from lightly_nb.samples import Samples
from lightly_nb.widgets.shared.errors import errors_shown
from lightly_nb.widgets.shared.showing import hiding_rule, live_class, show_panel, static_block
from lightly_nb.widgets.shared.theme import panel_css, panel_module
from lightly_nb.widgets.size_explorer.balance import bars_html
from lightly_nb.widgets.size_explorer.curve_svg import curve_svg, marker_svg
from lightly_nb.widgets.size_explorer.model import PAGE_SIZE, HowManyModel

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

SETTABLE = {"n": int, "measure": str, "group_by": str, "page": int}
HIGHEST_STRENGTH = 3.0
"""Where a strength's slider ends, unless the strength is larger; its number box takes any."""
SECONDS_FOR_THE_STATIC_OUTPUT = 1.0
"""So long the cell waits for the curve, so that its static output has it."""


class HowManyPanel(HowManyModel, anywidget.AnyWidget):  # type: ignore[misc]
    """The panel that `lightly_nb.how_many` returns; its traits and methods are those of `HowManyModel`."""

    _esm = panel_module("results_viewer/gallery", "size_explorer/panel")
    _css = panel_css("results_viewer/gallery", "size_explorer/panel")

    def __init__(self, samples: Samples, selection: Selection, **kwargs: Any):
        self._panel_id = uuid.uuid4().hex[:12]
        self._busy = "computing the picks and the curve"
        super().__init__(samples, selection, **kwargs)
        self.on_msg(self._on_message)
        self.observe(lambda change: self._send_state(), ["n", "page"])
        self.observe(lambda change: self._send_scene(), ["measure", "group_by", "strengths"])

    def close(self) -> None:
        """Take the panel off the page and end its background work."""
        self.work.cancel()
        super().close()

    def __repr__(self) -> str:
        return f"HowManyPanel({self.n:,} of {len(self.samples):,} samples, {self.n_max:,} picks computed)"

    def _ipython_display_(self, **kwargs: Any) -> None:
        self.work.wait(SECONDS_FOR_THE_STATIC_OUTPUT)
        show_panel(self, static_block(self._panel_id, self.still_html()), repr(self))

    # ---- to the browser ------------------------------------------------------------------------------------

    def _send_scene(self, client: str = "") -> None:
        highest = {name: max(HIGHEST_STRENGTH, 2 * abs(value)) for name, value in self.strengths.items()}
        self.send(
            {
                "type": "scene",
                "client": client,
                "n_max": self.n_max,
                "n_samples": len(self.samples),
                "svg": curve_svg(self.curve, self.n) if self.curve is not None else "",
                "measures": self.measures if self.curve is not None else [],
                "measure": self.measure,
                "groups": self.group_choices,
                "group": self.group_by,
                "strengths": [[name, value, highest[name]] for name, value in self.strengths.items()],
                "notes": self.notes,
                "busy": self._busy,
                "stopped": self.order.stopped,
                "hide": hiding_rule(self._panel_id),
                "live": live_class(self._panel_id),
            }
        )
        self._send_state(client)

    def _send_state(self, client: str = "") -> None:
        self.send(
            {
                "type": "state",
                "client": client,
                "n": self.n,
                "share": self.n / len(self.samples),
                "finding": self.finding,
                "marker": marker_svg(self.curve, self.n) if self.curve is not None else "",
                "bars": bars_html(self.balance()) if self.group_by else "",
                "items": self.items(),
                "ahead": self.items(self.page + 1),
                "first": (self.page - 1) * PAGE_SIZE + 1,
                "page": self.page,
                "pages": self.n_pages,
            }
        )

    def _say(self, text: str) -> None:
        self._busy = text if text != "canceled" else ""
        self.send({"type": "status", "text": text, "busy": bool(self._busy)})

    def _shown(self) -> None:
        self._busy = self._busy if self.is_working else ""
        self._send_scene()

    def _order_changed(self) -> None:
        self._busy = ""
        self._send_scene()

    def _failed(self, text: str) -> None:
        self._busy = ""
        super()._failed(text)
        self._send_scene()
        self._show_error(text)

    def _show_error(self, text: str) -> None:
        self.send({"type": "error", "text": text})

    # ---- from the browser ----------------------------------------------------------------------------------

    def _on_message(self, _widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        with errors_shown(self._show_error):
            kind, client = content.get("type"), str(content.get("client", ""))
            if kind == "ready":
                self._send_scene(client)
            elif kind == "set":
                self._set(str(content["name"]), content["value"], client)
            elif kind == "strength":
                self.strengths = {**self.strengths, str(content["name"]): float(content["value"])}
            elif kind == "want":
                keys = [str(key) for key in content["keys"]][: 4 * PAGE_SIZE]
                pictures = [self.picture(key) for key in keys]
                self.send({"type": "pictures", "client": client, "keys": keys}, pictures)
            elif kind == "code":
                self.send({"type": "code", "client": client, "text": self.code})
            elif kind == "cancel":
                self.cancel()

    def _set(self, name: str, value: Any, client: str) -> None:
        if name not in SETTABLE:
            raise InputError(f"how_many: the browser asked for '{name}'; allowed are {sorted(SETTABLE)}")
        value = SETTABLE[name](value)
        limit = {"n": self.n_max, "page": self.n_pages}.get(name)
        value = value if limit is None else max(1, min(value, limit))
        if getattr(self, name) == value:
            self._send_state(client)  # the slider waits for an answer
        else:
            setattr(self, name, value)
