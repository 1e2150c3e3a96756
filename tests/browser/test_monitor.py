"""The run monitor as a person sees it: in JupyterLab, in a real browser, on real background runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import lightly_nb as lnb
from lightly_nb.pipeline.process import lock
from lightly_nb.states import RunState
from tests.browser.lab import Lab, Notebook
from tests.browser.seeing import text_contrasts
from tests.conftest import TINY_MODEL, fill_with_photographs

LONG = {**TINY_MODEL, "trainer.max_epochs": 2000}
PANEL = ".jupyter-widgets.lnb-monitor"
WORKER = {"enable_training": True, "generate_report": False}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_with_photographs(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="module")
def long_run(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[lnb.Run]:
    """A run that trains for minutes, started by nobody's kernel."""
    out = tmp_path_factory.mktemp("runs")
    run = lnb.start(photographs, out, n_samples=4, worker_config=WORKER, lightly_config=LONG)
    yield run
    run.cancel()


class Seen:
    """The last monitor on the page."""

    def __init__(self, book: Notebook):
        self.page = book.page
        self.root = self.page.locator(PANEL).last

    def wait(self, condition: str, value: Any = None) -> None:
        """Wait until a JavaScript expression of `head`, the line of the state, and `value` is true."""
        script = f"""value => {{
          const head = [...document.querySelectorAll('{PANEL} .lnb-head')].at(-1);
          return head && ({condition});
        }}"""
        self.page.wait_for_function(script, arg=value)

    def n_events(self) -> int:
        """Return how many events the page has been told of."""
        return int(self.root.locator(".lnb-head").get_attribute("data-events"))

    def moves_on(self) -> None:
        """Wait until more events have come."""
        self.wait("Number(head.dataset.events) > value + 3", self.n_events())

    def press(self, name: str) -> None:
        """Press a button."""
        self.root.get_by_role("button", name=name, exact=True).click()


def in_kernel(lab: Lab, script: str) -> None:
    lab.page.evaluate(f"async () => {{ const session = lnbNotebook.context.sessionContext; {script} }}")


def test_it_moves_while_cells_compute_and_survives_interrupt_and_restart_until_cancel(
    lab: Lab, long_run: lnb.Run
) -> None:
    attach = f"import lightly_nb as lnb\npanel = lnb.monitor({str(long_run.path)!r})\npanel"
    book = lab.open(attach, "computing = True\nwhile computing: pass", run=1)  # the cell has come back
    seen = Seen(book)
    seen.wait("head.dataset.state === 'TRAINING'")
    seen.root.locator(".lnb-step[aria-current] [role=progressbar][aria-valuenow]").wait_for()
    assert not lab.page.locator("[class^=lnb-static]").first.is_visible()

    lab.page.evaluate(
        """() => { lnbNotebook.content.activeCellIndex = 1;
                   jupyterapp.commands.execute('notebook:run-cell'); }"""
    )
    busy = "lnbNotebook.context.sessionContext.session.kernel.status === 'busy'"
    lab.page.wait_for_function(busy)
    seen.moves_on()
    seen.moves_on()
    assert lab.page.evaluate(busy)
    in_kernel(lab, "await session.session.kernel.interrupt();")
    lab.page.wait_for_function(f"!({busy})")
    seen.moves_on()
    assert long_run.state is RunState.TRAINING, "an interrupted cell leaves the run alone"

    in_kernel(lab, "await session.session.kernel.restart(); lnbNotebook.content.model.cells.get(0)")
    lab.page.evaluate(
        """async () => { lnbNotebook.content.activeCellIndex = 0;
                         await jupyterapp.commands.execute('notebook:run-cell'); }"""
    )
    seen.wait("head.dataset.state === 'TRAINING'")
    book.until("panel.follower.is_alive")
    seen.moves_on()
    seen.root.locator("svg.lnb-curve path.lnb-epochs").wait_for()

    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.theme(theme)
        ratios = text_contrasts(seen.root)
        assert len(ratios) > 8
        assert min(ratios.values()) >= 4.5, {text: ratio for text, ratio in ratios.items() if ratio < 4.5}

    pid = lock.holder(long_run.folder)["pid"]
    assert pid is not None
    seen.press("Cancel run")
    seen.wait("head.dataset.state === 'ABORTED'")
    assert long_run.state is RunState.ABORTED
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=20)
    assert lock.is_alive(long_run.folder) is False
    assert long_run.checkpoint is not None, "finished epochs are kept"
    assert "kept" in seen.root.locator("[role=status]").text_content()
    seen.root.get_by_role("button", name="Resume run").wait_for()
    assert not seen.root.get_by_role("button", name="Cancel run").is_visible()
    saved = {state: book.save(widget_state=state).stat().st_size for state in (False, True)}
    assert max(saved.values()) < 150_000, saved


def test_an_error_is_shown_whole_by_keyboard_too_and_names_are_only_text(
    lab: Lab, photographs: Path, tmp_path: Path
) -> None:
    bad = tmp_path / '<img src=x onerror="console.error(1)">.ckpt'
    bad.write_bytes(b"no")
    run = lnb.start(photographs, tmp_path, n_samples=4, worker_config={"checkpoint": str(bad)})
    book = lab.open(f"import lightly_nb as lnb\nlnb.monitor({str(run.path)!r})")
    seen = Seen(book)
    seen.wait("head.dataset.state === 'FAILED'")
    error = seen.root.get_by_role("alert").first
    assert error.text_content() == run.message
    assert '<img src=x onerror="console.error(1)">.ckpt' in run.message
    assert seen.root.locator("img").count() == 0
    assert not seen.root.locator("pre.lnb-log").is_visible()
    seen.root.get_by_role("button", name="Traceback").focus()
    lab.page.keyboard.press("Enter")
    trace = seen.root.locator("pre.lnb-log")
    trace.wait_for()
    assert "Traceback (most recent call last)" in trace.text_content()
    assert "CheckpointError" in trace.text_content()
    lab.theme("JupyterLab Dark")
    ratios = text_contrasts(seen.root)
    assert min(ratios.values()) >= 4.5, {text: ratio for text, ratio in ratios.items() if ratio < 4.5}
    seen.press("Files")
    seen.root.locator(".lnb-files").get_by_text("log.txt").wait_for()
