"""The run monitor without a browser: what its parts hold, from made-up events and from a real run."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import nbclient
import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lightly_nb as lnb
from lightly_nb.display.svg import ticks
from lightly_nb.errors import InputError, RunError
from lightly_nb.pipeline.process import lock
from lightly_nb.runfolder import RunFolder, append_event
from lightly_nb.states import RunState
from lightly_nb.widgets.run_monitor import follow as monitor_follow
from lightly_nb.widgets.run_monitor.files import last_traceback, log_tail, output_files
from lightly_nb.widgets.run_monitor.load import LoadMeter, gpus
from lightly_nb.widgets.run_monitor.loss_svg import loss_curve
from lightly_nb.widgets.run_monitor.panel import MonitorPanel
from lightly_nb.widgets.run_monitor.static import print_run
from lightly_nb.widgets.run_monitor.story import MOST_POINTS, Losses, RunStory
from tests.conftest import TINY_MODEL, fill_with_photographs

HOSTILE = "<script>alert(1)</script>"


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    stop = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < stop, "it did not come to pass"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_with_photographs(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="module")
def real_run(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> lnb.Run:
    """A run that has ended."""
    return start(photographs, tmp_path_factory.mktemp("runs")).wait(120, progress=False)


def start(photographs: Path, out: Path, **changes: object) -> lnb.Run:
    return lnb.start(
        photographs,
        out,
        n_samples=4,
        worker_config={"enable_training": True, "generate_report": False},
        lightly_config={**TINY_MODEL, **changes},
    )


@pytest.fixture
def folder(real_run: lnb.Run, tmp_path: Path) -> RunFolder:
    """The folder of a run that has not begun: configuration and nothing else."""
    path = tmp_path / "run <b>"
    (path / "config").mkdir(parents=True)
    for file in (real_run.path / "config").iterdir():
        (path / "config" / file.name).write_bytes(file.read_bytes())
    return RunFolder(path)


def tell(folder: RunFolder, *events: dict) -> None:
    """Append events, a second apart."""
    for number, event in enumerate(events):
        step = event.get("step") or event.get("state") or "TRAINING"
        append_event(folder, {"time": 1e9 + number, "step": step, **event})


def entered(state: str, message: str = "…") -> dict:
    return {"state": state, "message": message}


def counted(step: str, done: int, total: int | None, unit: str = "image", **metrics: float) -> dict:
    return {"step": step, "done": done, "total": total, "unit": unit, "metrics": metrics}


def shown(folder: RunFolder) -> MonitorPanel:
    """Return the panel of a run that has ended, when it shows the end."""
    panel = MonitorPanel(lnb.open_run(folder.path))
    assert panel.wait(20)
    return panel


def names_of_shown_buttons(panel: MonitorPanel) -> set[str]:
    return {name for name, button in panel.buttons.items() if button.layout.display != "none"}


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).strip()


# ---- what events tell --------------------------------------------------------------------------------------


def test_work_before_a_step_gets_its_own_line_and_a_resumed_run_starts_its_list_again() -> None:
    story = RunStory()
    events = [
        entered("STARTED"),
        entered("TRAINING", "training on 9 images"),
        counted("LOADING_DATASET", 0, 9),
        counted("LOADING_DATASET", 9, 9),
        counted("TRAINING", 0, 4, "batch"),
        counted("TRAINING", 2, 4, "batch", loss=1.0),
    ]
    for number, event in enumerate(events):
        story.add({"time": 100.0 + number, "step": event.get("state", "TRAINING"), **event})
    assert [(step.name, step.done, step.total, step.unit) for step in story.steps] == [
        ("LOADING_DATASET", 9, 9, "image"),
        ("TRAINING", 2, 4, "batch"),
    ]
    assert story.current is story.steps[1]
    assert [step.ended for step in story.steps] == [104.0, None]
    assert story.steps[1].seconds_left(now=106.0) == 0.0
    story.add({"time": 200.0, "step": "OPEN", "state": "OPEN", "message": "the run will go on"})
    assert story.steps == []
    assert story.started == 200.0
    assert story.losses.batches == [(2, 1.0)]


@given(st.lists(st.floats(0, 10), min_size=1, max_size=3000))
def test_a_long_loss_curve_is_thinned_out_and_keeps_its_mean(losses: list[float]) -> None:
    curve = Losses()
    for number, loss in enumerate(losses):
        curve.add(number, loss)
    assert len(curve.batches) <= MOST_POINTS
    whole = len(curve.batches) * curve.per_point
    mean = sum(loss for _, loss in curve.batches) / max(1, len(curve.batches))
    assert abs(mean - sum(losses[:whole]) / max(1, whole)) < 1e-6 or whole > len(losses)
    assert [x for x, _ in curve.batches] == sorted(x for x, _ in curve.batches)


def test_losses_after_the_last_whole_epoch_are_forgotten_when_training_goes_on_from_there() -> None:
    curve = Losses()
    for batch, loss in ((1, 5.0), (2, 4.0), (3, 9.0), (2, 3.0), (3, 2.0)):
        curve.add(batch, loss)
    assert curve.batches == [(1, 5.0), (2, 3.0), (3, 2.0)]


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.integers(2, 8))
def test_ticks_are_round_few_and_rise(low: float, span: float, most: int) -> None:
    found = ticks(low, low + span, most)
    assert 1 <= len(found) <= most + 2
    assert found == sorted(found)


def test_the_loss_curve_has_axes_a_line_of_epochs_and_says_in_words_what_it_shows() -> None:
    losses = Losses([(1, 5.0), (2, 4.0), (3, float("nan")), (4, 3.0)], [(1, 4.5), (2, 3.0)], n_batches=8)
    svg = loss_curve(losses, max_epochs=4)
    assert 'aria-label="Loss by epoch: 4.5 after epoch 1, 3 after epoch 2"' in svg
    assert ">loss</text>" in svg
    assert ">epoch</text>" in svg
    assert "nan" not in svg
    lines = {name: d for d, name in re.findall(r'<path d="M([^"]+)" class="(lnb-\w+)"', svg)}
    assert [len(lines[name].split("L")) for name in ("lnb-batches", "lnb-epochs")] == [3, 2]
    right = [points.split("L")[-1].split()[0] for points in lines.values()]
    assert right[0] == right[1]  # batch 4 of 8 in 4 epochs is the end of epoch 2
    assert loss_curve(Losses(), 4) == ""


# ---- what the panel shows ----------------------------------------------------------------------------------


def test_a_panel_on_a_real_run_that_has_ended_shows_everything_at_once(real_run: lnb.Run) -> None:
    panel = MonitorPanel(lnb.open_run(real_run.path))
    now = panel.parts["now"].value
    assert 'data-state="COMPLETED"' in now
    assert "4 of 24 samples selected" in text_of(now)
    assert "27 of 27 images" in text_of(now)
    assert re.search(r'role="progressbar" aria-label="Embedding"[^>]*aria-valuenow="100"', now)
    assert "<svg" in panel.parts["learning"].value
    assert text_of(panel.parts["left_out"].value).startswith("3 files left out")
    assert "aria-live" in panel.parts["announced"].value
    assert names_of_shown_buttons(panel) == {"open_scatter", "show_files", "show_log"}
    scatter = panel.open_scatter()
    assert len(scatter.samples) == 24
    assert not scatter.in_work, "no second process unasked"
    panel.show_files()
    assert len(panel.below.children) == 2
    listed = text_of(panel.below.children[1].value)
    assert "lightly_epoch_1.ckpt" in listed
    assert "The trained model." in listed
    assert panel.open_scatter() is None
    assert len(panel.below.children) == 1
    with pytest.raises(RunError, match="no report"):
        panel.open_report()
    panel.buttons["open_report"].click()
    assert "no report" in panel.parts["failed"].value
    (real_run.path / "report.html").write_text("<p>the report")
    try:
        panel.open_report()
        assert panel.below.children[1]._page == b"<p>the report"
        assert "the report" not in str(panel.below.children[1].get_state())
    finally:
        (real_run.path / "report.html").unlink()
    panel.close()


def test_cancel_returns_at_once_keeps_what_is_finished_and_resume_is_followed(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(photographs, tmp_path, **{"trainer.max_epochs": 500})
    panel, other = MonitorPanel(run), MonitorPanel(lnb.open_run(run.path))
    until(lambda: "lightly_epoch" in str(run.checkpoint) and "Training" in panel.parts["now"].value)
    until(lambda: "memory" in panel.parts["load"].value)
    assert names_of_shown_buttons(panel) == {"cancel", "show_log"}
    go_on = threading.Event()
    cancel = panel._cancel
    monkeypatch.setattr(panel, "_cancel", lambda: go_on.wait(30) and cancel())
    panel.buttons["cancel"].click()  # it comes back although the run cannot end yet
    assert not run.state.in_end_state()
    assert "What is finished stays" in panel.parts["now"].value
    assert panel.buttons["cancel"].disabled
    go_on.set()
    assert panel.wait(60)
    assert other.wait(60)
    until(lambda: lock.is_alive(run.folder) is False)
    assert run.state is RunState.ABORTED
    assert run.checkpoint is not None
    for each in (panel, other):
        assert 'data-state="ABORTED"' in each.parts["now"].value
        assert names_of_shown_buttons(each) == {"resume", "show_files", "show_log"}
    assert "kept" in panel.parts["error"].value
    other.resume()
    assert other.follower.is_alive
    until(lambda: 'data-state="TRAINING"' in other.parts["now"].value)
    assert other.parts["error"].value == ""
    other.close()
    until(lambda: not other.follower.is_alive)
    assert not run.state.in_end_state(), "closing a panel leaves the run alone"
    run.cancel()
    assert run.state is RunState.ABORTED


def test_a_run_is_canceled_while_it_still_loads_its_libraries(photographs: Path, tmp_path: Path) -> None:
    run = start(photographs, tmp_path)
    run.cancel()
    assert run.state is RunState.ABORTED
    assert "kept" in run.message
    until(lambda: lock.is_alive(run.folder) is False)


def test_a_failed_run_is_told_whole_and_escaped_with_its_traceback_folded(folder: RunFolder) -> None:
    message = f"InputError: {HOSTILE} is too long: " + "x" * 5000
    tell(folder, entered("STARTED"), entered("TRAINING"), entered("FAILED", message))
    folder.log.write_text(
        "2026-11-22 17:01:02,835 INFO lightly_nb: STARTED\n"
        "2026-11-22 17:01:03,000 ERROR lightly_nb: the run ended with InputError\n"
        f'Traceback (most recent call last):\n  File "steps.py", line 7, in go\nInputError: {HOSTILE}\n'
        "\nDuring handling of the above exception\n\nTraceback (most recent call last):\nlast line\n"
    )
    panel = shown(folder)
    error = panel.parts["error"].value
    assert "x" * 5000 in error
    assert "<script" not in error
    assert "&lt;script&gt;" in error
    assert 'role="alert"' in error
    assert "resume" in error
    assert panel.parts["traceback"].value == ""
    assert names_of_shown_buttons(panel) == {"resume", "show_files", "show_log", "show_traceback"}
    panel.show_traceback()
    trace = panel.parts["traceback"].value
    assert "line 7, in go" in trace
    assert "last line" in trace
    assert "<script" not in trace
    assert "INFO" not in trace
    panel.show_traceback()
    assert panel.parts["traceback"].value == ""


def test_a_run_whose_process_died_is_crashed(folder: RunFolder) -> None:
    died = subprocess.Popen([sys.executable, "-c", ""])
    died.wait()
    tell(folder, entered("STARTED"), entered("EMBEDDING"), counted("EMBEDDING", 3, 9))
    lock.lock_for(folder, died.pid, background=True)
    panel = shown(folder)
    assert panel.follower.state is RunState.CRASHED
    assert 'data-state="CRASHED"' in panel.parts["now"].value
    assert "died without a word" in panel.parts["error"].value
    assert "memory ran out" in panel.parts["error"].value
    assert "resume" in names_of_shown_buttons(panel)


def test_the_collapse_warning_of_the_training_is_told_whole(folder: RunFolder) -> None:
    from lightly_nb.training.collapse import collapse_warning

    said = collapse_warning(0.001)
    tell(folder, entered("TRAINING"), {"message": said, "level": "warning"}, entered("COMPLETED"))
    notes = shown(folder).parts["notes"].value
    assert said in notes
    assert 'role="alert"' in notes


def test_a_loss_at_chance_is_told_whole(folder: RunFolder) -> None:
    from lightly_nb.training.chance import chance_warning

    said = chance_warning(3.41, 3.43, False)
    tell(folder, entered("TRAINING"), {"message": said, "level": "warning"}, entered("COMPLETED"))
    notes = shown(folder).parts["notes"].value
    assert said in notes
    assert 'role="alert"' in notes


def test_quarantine_grows_with_the_events_and_names_are_only_text(folder: RunFolder) -> None:
    lock.lock_for(folder, os.getpid(), background=False)
    tell(folder, entered("EMBEDDING"), counted("EMBEDDING", 0, 99))
    panel = MonitorPanel(lnb.open_run(folder.path))
    assert panel.parts["left_out"].value == ""
    names = [f"{HOSTILE}.jpg", "空 \u202egpj.\x1b[31m.png", "c: d.jpg", "d.jpg"]
    told = "{} is left out: truncated; take it out"
    for count, part in ((1, names[:1]), (4, names[1:])):
        tell(folder, *({"step": "EMBEDDING", "message": told.format(n), "filename": n} for n in part))
        until(lambda n=count: text_of(panel.parts["left_out"].value).startswith(f"{n} file"))
    html = panel.parts["left_out"].value
    assert re.findall(r">([^<>]*): truncated; take it out</div>", html) == [
        "d.jpg",
        "c: d.jpg",
        "空 gpj..png",
    ]
    assert "<script" not in html
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", html)
    folder.data.mkdir()
    folder.quarantine.write_text(
        "filename,stage,reason,what_to_do,duplicate_of\n"
        + f"{HOSTILE},s,r,w,\n" * 2
        + "copy.jpg,s,r,w,d.jpg\n"
    )
    tell(folder, entered("COMPLETED"))
    assert panel.wait(20)
    assert text_of(panel.parts["left_out"].value).startswith("3 files left out copy.jpg: r")


def test_events_are_read_on_and_never_again_and_an_unfinished_line_waits(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock.lock_for(folder, os.getpid(), background=False)
    read: list[tuple[int, int]] = []
    plain = monitor_follow.read_events

    def noting(of: RunFolder, start: int, most: int) -> object:
        events, position = plain(of, start, most)
        if of == folder:
            read.append((start, position))
        return events, position

    monkeypatch.setattr(monitor_follow, "read_events", noting)
    monkeypatch.setattr(monitor_follow, "BYTES_AT_ONCE", 3000)
    tell(folder, entered("EMBEDDING"), *(counted("EMBEDDING", done, 200) for done in range(100)))
    panel = MonitorPanel(lnb.open_run(folder.path))
    assert "99 of 200 images" in panel.parts["now"].value
    with folder.events.open("a") as stream:
        stream.write('{"time": 1.0, "step": "EMBEDDING", "done": 150, ')
        stream.flush()
        before = len(read)
        until(lambda: len(read) > before + 2)
        assert "99 of 200 images" in panel.parts["now"].value
        stream.write('"total": 200, "unit": "image"}\n')
    until(lambda: "150 of 200 images" in panel.parts["now"].value)
    tell(folder, entered("COMPLETED"))
    assert panel.wait(20)
    moved = [(start, end) for start, end in read if end > start]
    assert [start for start, _ in moved[1:]] == [end for _, end in moved[:-1]], "bytes were read twice"
    assert moved[-1][1] == folder.events.stat().st_size


def test_a_panel_whose_run_folder_goes_away_says_so(folder: RunFolder) -> None:
    panel = MonitorPanel(lnb.open_run(folder.path))
    assert 'data-state="OPEN"' in panel.parts["now"].value
    folder.path.rename(folder.path.with_name("moved"))
    until(lambda: "is gone" in panel.parts["failed"].value)
    assert "&lt;b&gt;" in panel.parts["failed"].value
    panel.close()
    until(lambda: not panel.follower.is_alive)


def test_the_state_that_a_notebook_saves_is_small(real_run: lnb.Run) -> None:
    panel = MonitorPanel(lnb.open_run(real_run.path))
    panel.show_log()
    panel.show_files()
    assert sum(len(str(part.value)) for part in panel.parts.values()) < 40_000
    html, text = panel._static()
    assert len(html) < 40_000
    assert "COMPLETED: 4 of 24 samples selected" in text


# ---- log and files -----------------------------------------------------------------------------------------


def test_of_a_huge_log_only_the_end_is_read(folder: RunFolder) -> None:
    line = "2026-11-22 17:01:02,835 INFO lightly_nb: \x1b[31m<i>number</i>\x1b[0m "
    with folder.log.open("w") as stream:
        stream.writelines(f"{line}{number}\n" for number in range(200_000))
        stream.write("é" * 10)
    tail = log_tail(folder).splitlines()
    assert len(tail) == 12
    assert tail[-2].endswith("<i>number</i> 199999")
    assert tail[-1] == "é" * 10
    assert "\x1b" not in "".join(tail)
    assert last_traceback(folder).splitlines() == tail
    tell(folder, entered("FAILED", "no"))
    panel = shown(folder)
    panel.show_log()
    assert "&lt;i&gt;number&lt;/i&gt; 199999" in panel.parts["log"].value
    assert len(panel.parts["log"].value) < 5000


def test_files_are_listed_once_with_what_they_are(real_run: lnb.Run) -> None:
    found = {line.name: line for line in output_files(real_run.folder)}
    sizes = sum(path.stat().st_size for path in real_run.path.rglob("*") if path.is_file())
    assert sum(line.bytes for line in found.values()) == sizes
    assert found["data/quarantine.csv"].about == "The files left out and why, CSV."
    assert "data/arrays/" in found
    assert next(iter(found)) == "filenames/sampled_filenames_excluding_datapool.txt"


# ---- the machine -------------------------------------------------------------------------------------------


def test_load_counts_the_processes_that_a_run_has_started(folder: RunFolder) -> None:
    burn = "import time; block = bytearray(80_000_000)\nwhile True: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent], start_new_session=True)
    try:
        lock.lock_for(folder, process.pid, background=True)
        meter = LoadMeter(folder)
        until(lambda: (load := meter.measure()) and load.processes == 2 and load.memory > 80e6)
        until(lambda: (meter.measure().cores or 0) > 0.1)
    finally:
        os.killpg(process.pid, 9)
        process.wait()
    assert LoadMeter(folder).measure() is None


def test_gpus_are_asked_for_only_where_there_are_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == ()
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '63, 5120, 143771'\necho '[N/A], 0, 143771'\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    found = gpus()
    assert [(gpu.percent, gpu.used) for gpu in found] == [(63, 5120 * 1024**2), (0, 0)]
    tool.write_text("#!/bin/sh\necho 'no devices were found'; exit 6\n")
    assert gpus() == ()


# ---- without a front-end -----------------------------------------------------------------------------------


def test_in_plain_python_it_prints_sober_lines_until_the_end(folder: RunFolder) -> None:
    tell(
        folder,
        entered("STARTED", "run started"),
        entered("EMBEDDING", "one \x1b[31mpass\r\n of it"),
        counted("EMBEDDING", 0, 9),
        {"step": "EMBEDDING", "message": "a.jpg is left out: empty", "level": "warning", "filename": "a.jpg"},
        {"step": "EMBEDDING", "message": "slow disk", "level": "warning"},
        counted("EMBEDDING", 9, 9),
        entered("FAILED", "RunError: no space"),
    )
    lines: list[str] = []
    print_run(lnb.open_run(folder.path), lines.append)
    assert [line[9:] for line in lines[:5]] == [
        "STARTED: run started",
        "EMBEDDING: one pass  of it",
        "EMBEDDING: warning: slow disk",
        "EMBEDDING: 9 of 9 images in 5.0 s",
        "FAILED: RunError: no space",
    ]
    assert "resume" in lines[5]
    assert lines[6] == f"run folder: {folder.path}"
    assert not any(ord(char) < 32 for line in lines for char in line)


def test_run_monitor_outside_a_notebook_prints_and_returns(
    real_run: lnb.Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lnb.monitor(real_run.path) is None
    said = capsys.readouterr().out
    assert "COMPLETED: 4 of 24 samples selected" in said
    assert said.count("TRAINING: training on") == 1


def test_what_is_neither_run_nor_folder_nor_worker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give a Run, the path of a run folder or a Worker, got int"):
        lnb.monitor(3)  # type: ignore[arg-type]
    with pytest.raises(RunError, match="run"):
        lnb.monitor(tmp_path)
    worker = lnb.Worker(url=tmp_path / "workspace")
    with pytest.raises(RunError, match="has begun no run yet; schedule one, or look at"):
        lnb.monitor(worker)


def test_a_notebook_run_without_a_browser_holds_the_end_of_the_run(folder: RunFolder) -> None:
    cells = [
        "import lightly_nb as lnb\nfrom lightly_nb.pipeline.process import lock\n"
        "from lightly_nb.runfolder import append_event\nimport os\n"
        f"run = lnb.open_run({str(folder.path)!r})\n"
        "lock.lock_for(run.folder, os.getpid(), background=False)\n"
        "append_event(run.folder, {'time': 1e9, 'step': 'EMBEDDING', 'state': 'EMBEDDING', 'message': 'go'})",
        "panel = lnb.monitor(run)\npanel",
        "end = {'time': 1e9, 'step': 'COMPLETED', 'state': 'COMPLETED', 'message': '4 of 24 selected'}\n"
        "append_event(run.folder, end)\nassert panel.wait(20)",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    static, live = book.cells[1].outputs
    assert set(static["data"]) == {"text/html", "text/plain"}
    assert "application/vnd.jupyter.widget-view+json" in live["data"]
    assert "COMPLETED: 4 of 24 selected" in static["data"]["text/plain"]
    assert 'data-state="COMPLETED"' in static["data"]["text/html"]
    assert "lnb-static-" in static["data"]["text/html"]
