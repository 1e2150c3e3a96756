"""The live scatter: an anywidget whose points travel as binary messages and never as saved state.

Messages to the browser: `menu`, `points`, `colors`, `rows`, `items`, `status`, `error`. Messages from it:
`ready`, `rows`, `want`, `set`, `do`. See `scatter.js` for the other end.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np

from lightly_nb.errors import InputError
from lightly_nb.samples import Samples
from lightly_nb.vectors.layouts import UMAP_NEIGHBORS, fitted, projection_label, umap_name
from lightly_nb.widgets.scatter_plot.model import ScatterModel
from lightly_nb.widgets.scatter_plot.static import static_html
from lightly_nb.widgets.shared.background import Background
from lightly_nb.widgets.shared.errors import errors_shown
from lightly_nb.widgets.shared.rows import as_rows, pack_rows, unpack_rows
from lightly_nb.widgets.shared.showing import hiding_rule, live_class, show_panel, static_block
from lightly_nb.widgets.shared.theme import panel_css, panel_module

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

FAR_AWAY = 1e6
"""Where points without finite coordinates go: out of sight."""
PUSHED_UP_TO = 10_000
"""Samples up to which the browser fetches all thumbnails after the first paint."""
MOST_WANTED = 256
ROW_TRAITS = ("selected", "locked", "banned")


class ScatterPanel(ScatterModel, anywidget.AnyWidget):  # type: ignore[misc]
    """The panel that `lightly_nb.scatter` returns; its traits and methods are those of `ScatterModel`."""

    _esm = panel_module("scatter_plot/panel")
    _css = panel_css("scatter_plot/panel")

    def __init__(self, samples: Samples, selection: Selection | None = None, **kwargs: Any):
        self._panel_id = uuid.uuid4().hex[:12]
        self._explained: Any = None
        self._explaining = Background("explain", self._show_error)
        self._sender = ""
        super().__init__(samples, selection, **kwargs)
        self.on_msg(self._on_message)
        self.observe(lambda change: self._send_rows(change["name"]), list(ROW_TRAITS))
        self.observe(lambda change: self._send_points(), "projection")
        self.observe(lambda change: self._send_colors(), "color_by")
        self.observe(lambda change: self._send_menu(), "samples")
        self.observe(lambda change: self._show_picks(), "picks")
        self._explain_in_background()

    def close(self) -> None:
        """Take the panel off the page and end its background work."""
        self.stop_umap()
        self._explaining.close()
        super().close()

    def __repr__(self) -> str:
        picked = f", {len(self.picks):,} selected" if self.picks is not None else ""
        return f"ScatterPanel({len(self.samples):,} samples{picked}, {len(self.selected):,} in the lasso)"

    def _ipython_display_(self, **kwargs: Any) -> None:
        picture = static_html(self.samples, self.picks, self.coloring(), self.projection)
        show_panel(self, static_block(self._panel_id, picture), repr(self))

    # ---- to the browser ------------------------------------------------------------------------------------

    def _send_all(self, view: str) -> None:
        self._send_menu(view)
        self._send_colors(view)
        for name in (*ROW_TRAITS, "picks"):
            self._send_rows(name, view)
        self._send_points(view)

    def _send_menu(self, view: str = "") -> None:
        ready = self.projections
        waiting = [umap_name(k) for k in UMAP_NEIGHBORS if self.can_umap and umap_name(k) not in ready]
        states = {**dict.fromkeys(ready, "ready"), **dict.fromkeys(waiting, "on request")}
        states.update({name: "computing" for name in self.in_work if name not in ready})
        names = sorted(
            states, key=lambda name: (name != "pca", not name.startswith("umap_"), len(name), name)
        )
        self.send(
            {
                "type": "menu",
                "view": view,
                "projections": [[name, projection_label(name), states[name]] for name in names],
                "projection": self.projection,
                "colors": self.color_choices,
                "color": self.color_by,
                "n": len(self.samples),
                "picks": -1 if self.picks is None else len(self.picks),
                "push": len(self.samples) <= PUSHED_UP_TO,
                "hide": hiding_rule(self._panel_id),
                "live": live_class(self._panel_id),
            }
        )

    def _send_points(self, view: str = "") -> None:
        layout = fitted(self.samples.arrays[self.projection])
        shown = np.where(np.isfinite(layout).all(axis=1, keepdims=True), layout, np.float32(FAR_AWAY))
        content = {"type": "points", "view": view, "projection": self.projection}
        self.send(content, [np.ascontiguousarray(shown, dtype="<f4").data.cast("B")])

    def _send_colors(self, view: str = "") -> None:
        coloring = self.coloring()
        content = {"type": "colors", "view": view, "color": self.color_by, "legend": coloring.legend}
        self.send(content, [coloring.codes.data])

    def _send_rows(self, name: str, view: str = "") -> None:
        rows = self._picked_rows() if name == "picks" else getattr(self, name)
        content = {"type": "rows", "view": view, "name": name, "count": len(rows), "from": self._sender}
        self.send(content, [pack_rows(rows, len(self.samples))])

    def _picked_rows(self) -> np.ndarray:
        return as_rows(self.picks, self.samples)

    def _show_picks(self) -> None:
        self._explained = None
        self._send_menu()
        self._send_colors()
        self._send_rows("picks")
        self._explain_in_background()

    def _on_event(self, event: Any) -> None:
        if event.get("total"):
            self._say(f"selecting: {event['done']:,} of {event['total']:,}")

    def _say(self, text: str) -> None:
        self.send({"type": "status", "text": text})

    def _show_error(self, text: str) -> None:
        self.send({"type": "error", "text": text})

    def _umap_ready(self, name: str, layout: np.ndarray) -> None:
        super()._umap_ready(name, layout)
        self._say(f"{projection_label(name)} is ready")

    def _umap_failed(self, text: str) -> None:
        self._show_error(text)
        self._send_menu()

    # ---- from the browser ----------------------------------------------------------------------------------

    def _on_message(self, _widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        with errors_shown(self._show_error):
            kind = content.get("type")
            if kind == "ready":
                self._send_all(str(content["view"]))
            elif kind == "rows":
                self._take_lasso(str(content["view"]), buffers[0])
            elif kind == "want":
                self._send_items(content)
            elif kind == "set":
                self._set(str(content["name"]), str(content["value"]))
            elif kind == "do":
                self._do(str(content["what"]), content.get("n"))

    def _take_lasso(self, view: str, packed: Any) -> None:
        self._sender = view
        try:
            self.selected = unpack_rows(packed, len(self.samples))
        finally:
            self._sender = ""

    def _set(self, name: str, value: str) -> None:
        if name == "color":
            self.color_by = value
        elif name == "projection":
            self.show_projection(value)
            self._send_menu()

    def _do(self, what: str, n: Any) -> None:
        actions: dict[str, Callable[[], Any]] = {
            "lock": self.lock,
            "ban": self.ban,
            "release": self.release,
            "more": self.more_like_these,
            "reselect": lambda: self.reselect(int(n)),
        }
        if what not in actions:
            raise InputError(f"scatter: the browser asked for '{what}'; allowed are {sorted(actions)}")
        actions[what]()
        self._say(self._done_text(what))

    def _done_text(self, what: str) -> str:
        if what == "reselect":
            stopped = f"; stopped: {self.picks.stopped}" if self.picks.stopped else ""
            return f"{len(self.picks):,} samples selected around {len(self.selected):,}{stopped}"
        if what == "more":
            return f"{len(self.selected):,} samples in the lasso"
        return f"{len(self.locked):,} locked, {len(self.banned):,} banned"

    # ---- pictures and words of single samples --------------------------------------------------------------

    def _send_items(self, content: dict[str, Any]) -> None:
        """Answer with names and pictures of `rows`, and with why row `why` was picked or not."""
        table = self.samples.table
        rows = [int(row) for row in content["rows"][:MOST_WANTED] if 0 <= int(row) < len(self.samples)]
        items = [{"row": row, "name": str(table.index[row])} for row in rows]
        reply = {"type": "items", "view": content["view"], "ask": content["ask"], "items": items}
        if "why" in content:
            row = int(content["why"])
            lines = [*self._why(row), *self._value(row)]
            reply["why"] = {"row": row, "name": str(table.index[row]), "lines": lines}
        self.send(reply, [self.samples.thumbnail(row) for row in rows])

    def _why(self, row: int) -> list[str]:
        """Return why a sample was picked or not: in full once the selection's table is there."""
        if self.picks is None:
            return []
        name = str(self.samples.table.index[row])
        if self._explained is self.picks:
            with suppress(KeyError):  # the selection may have been made from fewer samples
                return [self.picks.explain(name).removeprefix(f"{name}: ")]
        if name in set(self.picks.filenames):
            return [f"selected at step {self.picks.filenames.index(name) + 1}"]
        return ["selected before" if name in set(self.picks.preselected) else "not selected"]

    def _value(self, row: int) -> list[str]:
        if self.color_by not in self.samples.table:
            return []
        value = self.samples.table[self.color_by].iat[row]
        text = f"{value:.6g}" if isinstance(value, float) else str(value)
        return [f"{self.color_by}: {text}"]

    def _explain_in_background(self) -> None:
        """Compute the selection's table, which can take seconds, while the panel is already there."""
        picks = self.picks
        if picks is None:
            return

        def compute(stop: threading.Event) -> None:
            picks.table()
            self._explained = picks

        self._explaining.start(compute)
