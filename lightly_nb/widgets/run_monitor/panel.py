"""The live run monitor: ipywidgets parts, filled by the thread that follows the run."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import ipywidgets
import psutil

from lightly_nb.display.html import Html, join, style_sheet, tag
from lightly_nb.errors import RunError
from lightly_nb.pipeline.run_handle import Run
from lightly_nb.states import RunState
from lightly_nb.widgets.run_monitor import html
from lightly_nb.widgets.run_monitor.files import last_traceback, log_tail, output_files
from lightly_nb.widgets.run_monitor.follow import Follower
from lightly_nb.widgets.run_monitor.load import LoadMeter
from lightly_nb.widgets.run_monitor.loss_svg import loss_curve, loss_image
from lightly_nb.widgets.run_monitor.static import summary
from lightly_nb.widgets.shared.background import Background
from lightly_nb.widgets.shared.errors import errors_shown
from lightly_nb.widgets.shared.report_page import report_page
from lightly_nb.widgets.shared.showing import hiding_rule, live_class, show_panel, static_block, update_static
from lightly_nb.widgets.shared.theme import panel_css

PARTS = ("announced", "now", "learning", "load", "notes", "left_out", "error", "log", "traceback", "failed")
SECONDS_FOR_THE_PAST = 0.3
"""How long a cell waits for the events that are there; of a very long run the thread reads the rest."""
SECONDS_BETWEEN_SLOW_PARTS = 1.0
KEPT = "What is finished stays: checkpoints of whole epochs, embedded chunks. Resume goes on from there."
BUTTONS = {
    "cancel": ("Cancel run", f"Stop the run. {KEPT}"),
    "resume": ("Resume run", "Go on with the run in a background process; finished work is not done again"),
    "open_report": ("Open report", "Show the report below"),
    "open_scatter": ("Open scatter", "Show all samples and the selection as points below"),
    "show_files": ("Files", "List the output files below"),
    "show_log": ("Log", "Show the last lines of log.txt"),
    "show_traceback": ("Traceback", "Show where in the program the error was raised"),
}


class MonitorPanel(ipywidgets.VBox):  # type: ignore[misc]
    """The panel that `lightly_nb.monitor` returns.

    Parameters
    ----------
    run : Run
        Alive or ended; the panel starts to follow it at once.
    """

    def __init__(self, run: Run):
        self.run = run
        self._panel_id = uuid.uuid4().hex[:12]
        self._writing = threading.RLock()
        self._slow_at, self._displayed = 0.0, False
        self._shown_state: RunState | None = None
        self._canceling = ""
        self._open: dict[str, Any] = {}
        self._folded = {"show_log": True, "show_traceback": True}
        self._quarantine: list[tuple[str, str]] | None = None
        self._n_cores = psutil.cpu_count()
        css = style_sheet(hiding_rule(self._panel_id) + panel_css("run_monitor/panel"))
        self._style = ipywidgets.HTML(css)
        same = {"layout": self._style.layout, "style": self._style.style}  # for all: less to send
        self._plain = self._style.layout
        self.parts: dict[str, Any] = {name: ipywidgets.HTML(**same) for name in PARTS}
        self.buttons = {name: self._button(name) for name in BUTTONS}
        self.below = ipywidgets.VBox(layout=self._plain)
        super().__init__(self._layout())
        for name in ("lnb-panel", "lnb-monitor", live_class(self._panel_id)):
            self.add_class(name)
        self.meter = LoadMeter(run.folder)
        self._metering = Background("lightly_nb monitor: load", self._show_error)
        self._canceler = Background("lightly_nb cancel", self._show_error)
        self.follower = Follower(run, self._told, self._show_error)
        self._begin()

    # ---- what the buttons do -------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Stop the run and return at once; what it had finished is kept."""
        if not self.follower.state.in_end_state():
            self._canceling = f"canceling … {KEPT}"
            self.buttons["cancel"].disabled = True
            self._told(slow=True)
            self._canceler.start(lambda _stop: self._cancel())

    def resume(self) -> None:
        """Go on with a run that was canceled, failed or crashed, in a background process, and follow it."""
        self.run.resume()
        self._quarantine = None
        self.follower.wait(5)
        self._begin()

    def open_report(self) -> None:
        """Show the report below the buttons, or take it away again.

        Raises
        ------
        RunError
            If there is none (yet).
        """
        self._toggle("open_report", lambda: report_page(self.run))

    def open_scatter(self) -> Any:
        """Show the scatter of the run's samples below the buttons, or take it away; return it.

        Raises
        ------
        RunError
            If the samples are not embedded (yet).
        """
        return self._toggle("open_scatter", self._scatter)

    def show_files(self) -> None:
        """List the output files with their sizes below the buttons, or take the list away again."""
        self._toggle("show_files", self._files)

    def show_log(self) -> None:
        """Show the end of the log, or fold it again."""
        self._fold("show_log")

    def show_traceback(self) -> None:
        """Show the traceback of the error, or fold it again."""
        self._fold("show_traceback")

    def close(self) -> None:
        """Take the panel off the page and end its threads; the run goes on."""
        self.follower.close()
        self._metering.close()
        super().close()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the panel shows the end of the run; return whether it does."""
        return self.follower.wait(timeout)

    def __repr__(self) -> str:
        return f"MonitorPanel('{self.run.path}', {self.follower.state})"

    # ---- on the page ---------------------------------------------------------------------------------------

    def _ipython_display_(self, **kwargs: Any) -> None:
        with self._writing:
            self._displayed = True
            show_panel(self, *self._static(), display_id=f"lnb-{self._panel_id}")

    def _static(self) -> tuple[str, str]:
        """Return the static output as HTML and as text."""
        follower, now = self.follower, time.time()
        slow = self._slow_parts()
        noted = tag("div", slow["load"], slow["notes"], slow["left_out"], class_="lnb-noted")
        learning = tag("div", loss_image(follower.story.losses, self._max_epochs))
        sides = tag("div", learning, noted, class_="lnb-sides")
        content = [style_sheet(panel_css("run_monitor/panel")), *self._live_parts(now), sides, slow["error"]]
        text = summary(follower.story, follower.state, follower.message, now)
        return static_block(self._panel_id, html.whole(content, self.run.path, now)), text

    def _begin(self) -> None:
        self.follower.catch_up(SECONDS_FOR_THE_PAST)
        self._told(slow=True)
        self._metering.repeat(self.meter.look)
        self.follower.follow()

    def _told(self, slow: bool = False) -> None:
        """Show what is known now. Called by the follower's thread and by the buttons."""
        with self._writing:
            now, state = time.time(), self.follower.state
            changed, self._shown_state = state is not self._shown_state, state
            self.parts["now"].value = join(*self._live_parts(now))
            if not (slow or changed or time.monotonic() - self._slow_at > SECONDS_BETWEEN_SLOW_PARTS):
                return
            self._slow_at = time.monotonic()
            for name, value in self._slow_parts().items():
                self.parts[name].value = value
            if state.in_end_state():
                self._metering.cancel()
            if changed:
                self.parts["announced"].value = html.announcement(state, self.follower.message)
                self._show_buttons(state)
                if self._displayed:
                    update_static(f"lnb-{self._panel_id}", *self._static())

    def _live_parts(self, now: float) -> list[Html]:
        story, state = self.follower.story, self.follower.state
        ended = state.in_end_state()
        message = self._canceling if self._canceling and not ended else self.follower.message
        now = (story.time or now) if ended else now
        return [html.head(story, state, message, now), html.steps(story, now, not ended)]

    def _slow_parts(self) -> dict[str, Html]:
        story, state = self.follower.story, self.follower.state
        load = None if state.in_end_state() else self.meter.latest
        left_out = self._left_out(state)
        log, traceback = (not self._folded[name] for name in ("show_log", "show_traceback"))
        return {
            "learning": loss_curve(story.losses, self._max_epochs),
            "load": html.load(load, self._n_cores),
            "notes": html.notes(story),
            "left_out": html.left_out(len(left_out), left_out[: -html.NEWEST_LEFT_OUT - 1 : -1]),
            "error": html.error(state, self.follower.message),
            "log": html.log(log_tail(self.run.folder)) if log else Html(),
            "traceback": html.log(last_traceback(self.run.folder)) if traceback else Html(),
        }

    @property
    def _max_epochs(self) -> int:
        return self.run.job.configs.lightly.trainer.max_epochs

    def _left_out(self, state: RunState) -> list[tuple[str, str]]:
        """Return files and why: as the events tell while the run looks at them, then as its table does."""
        if self._quarantine is None and self.run.folder.quarantine.is_file():
            table = self.run.quarantine
            self._quarantine = list(zip(table["filename"], table["reason"], strict=True))
        return list(self.follower.story.left_out.items()) if self._quarantine is None else self._quarantine

    def _layout(self) -> list[Any]:
        """Return the parts as they stand on the page: what is learnt beside what there is to note."""
        parts = self.parts
        noted = ipywidgets.VBox([parts["load"], parts["notes"], parts["left_out"]], layout=self._plain)
        sides = ipywidgets.HBox([parts["learning"], noted], layout=self._plain)
        buttons = ipywidgets.HBox(list(self.buttons.values()), layout=self._plain)
        for box, name in ((noted, "lnb-noted"), (sides, "lnb-sides"), (buttons, "lnb-buttons")):
            box.add_class(name)
        above, folded = ("announced", "now"), ("failed", "log", "traceback")
        return [
            self._style, *(parts[name] for name in above), sides, parts["error"], buttons,
            *(parts[name] for name in folded), self.below,
        ]  # fmt: skip

    # ---- buttons -------------------------------------------------------------------------------------------

    def _button(self, name: str) -> Any:
        label, tooltip = BUTTONS[name]
        button = ipywidgets.Button(description=label, tooltip=tooltip)
        button.on_click(lambda _: self._press(getattr(self, name)))
        return button

    def _press(self, action: Callable[[], Any]) -> None:
        self._show_error("")
        with errors_shown(self._show_error):
            action()

    def _show_error(self, text: str) -> None:
        with self._writing:
            self.parts["failed"].value = html.failed_callback(text)

    def _show_buttons(self, state: RunState) -> None:
        folder, ended = self.run.folder, state.in_end_state()
        wanted = {
            "cancel": not ended,
            "resume": ended and state is not RunState.COMPLETED,
            "open_report": ended and folder.report_html.is_file(),
            "open_scatter": ended and folder.samples.is_file(),
            "show_files": ended,
            "show_log": True,
            "show_traceback": state in (RunState.FAILED, RunState.CRASHED),
        }
        for name, is_shown in wanted.items():
            self.buttons[name].layout.display = None if is_shown else "none"
            if not is_shown and name in self._folded:
                self._folded[name] = True
        self.buttons["cancel"].disabled = False

    def _cancel(self) -> None:
        try:
            Run(self.run.path).cancel()
        finally:
            self._canceling = ""
            self.buttons["cancel"].disabled = False

    def _fold(self, name: str) -> None:
        self._folded[name] = not self._folded[name]
        self._name(name, is_open=not self._folded[name])
        self._told(slow=True)

    def _toggle(self, name: str, make: Callable[[], Any]) -> Any:
        made = None if name in self._open else make()
        with self._writing:
            before = self._open.pop(name, None)
            if made is not None:
                self._open[name] = made
            self.below.children = tuple(_as_widget(shown) for shown in self._open.values())
            self._name(name, is_open=made is not None)
        if before is not None and hasattr(before, "close"):
            before.close()
        return made

    def _name(self, name: str, *, is_open: bool) -> None:
        label = BUTTONS[name][0]
        self.buttons[name].description = f"Close {label.removeprefix('Open ').lower()}" if is_open else label

    def _scatter(self) -> Any:
        from lightly_nb.widgets.scatter_plot.call import scatter

        selection = None
        with suppress(RunError):
            selection = self.run.selection
        return scatter(self.run.samples, selection, umap=False)

    def _files(self) -> Any:
        return ipywidgets.HTML(html.files(self.run.path, output_files(self.run.folder)))


def _as_widget(shown: Any) -> Any:
    """Return what can stand in a box: without anywidget the scatter is no widget but HTML."""
    return shown if isinstance(shown, ipywidgets.Widget) else ipywidgets.HTML(shown._repr_html_())
