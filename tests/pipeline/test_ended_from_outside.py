"""SIGTERM and its like, and exits of any kind: a run says how it ended, and its process with what code."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lightly_nb as lnb
from lightly_nb.errors import RunCanceled
from lightly_nb.events import silent
from lightly_nb.pipeline.runs import prepare
from lightly_nb.runfolder import append_event
from lightly_nb.signals import RunTerminated, ending_signals
from lightly_nb.states import RunState
from tests.conftest import TINY_MODEL
from tests.photos import write_photographs


@pytest.fixture
def quick(tiny_checkpoint: str) -> dict[str, object]:
    """A worker_config that embeds in no time."""
    return {"generate_report": False, "checkpoint": tiny_checkpoint}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a few photographs."""
    folder = tmp_path_factory.mktemp("photos")
    write_photographs(folder, 12)
    return folder


def only_run(root: Path) -> lnb.Run:
    """Return the one run below a folder."""
    (events,) = root.rglob("events.jsonl")
    return lnb.open_run(events.parent)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SystemExit(0), "run ended by SystemExit; what was finished is kept"),
        (asyncio.CancelledError(), "run ended by CancelledError"),
        (GeneratorExit(), "run ended by GeneratorExit"),
        (KeyboardInterrupt(), "interrupted from the keyboard"),
        (RunCanceled("enough"), "enough"),
    ],
)
def test_whatever_ends_a_run_its_folder_says_aborted(quick, photos, tmp_path, error, said):
    def end(event):
        if event.get("state") == "LOADING_DATASET":
            raise error

    with pytest.raises(type(error)):
        lnb.run(photos, tmp_path, n_samples=3, worker_config=quick, on_event=end)
    run = only_run(tmp_path)
    assert run.state is RunState.ABORTED
    assert said in run.message
    assert not run.folder.process.exists()


@pytest.fixture
def signals():
    """What the process does on signals, as it was, once the test is over."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("state", ["LOADING_DATASET", "SAMPLING"])
def test_a_signal_ends_a_run_in_this_process_with_its_code(quick, photos, tmp_path, state, name, signals):
    number = getattr(signal, name)
    signal.signal(number, signal.SIG_DFL)  # under nohup a process ignores SIGHUP

    def end(event):
        if event.get("state") == state:
            os.kill(os.getpid(), number)

    handler = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended:
        lnb.run(photos, tmp_path, n_samples=3, worker_config=quick, on_event=end)
    assert ended.value.code == 128 + number
    assert signal.getsignal(number) is handler
    run = only_run(tmp_path)
    assert run.state is RunState.ABORTED
    assert f"run ended by signal {name}; what was finished is kept" in run.message
    lnb.pipeline.execute(run.folder, on_event=silent)
    assert len(run.selection) == 3


def test_sigterm_in_training_whoever_holds_the_handler(photos, tmp_path):
    """Lightning's handler is called as well, and so is the caller's."""
    called = []

    def end(event):
        if event.get("metrics", {}).get("epoch_loss"):
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda number, frame: called.append(number))
    try:
        with pytest.raises(SystemExit) as ended:
            lnb.run(
                photos,
                tmp_path / "out",
                n_samples=3,
                worker_config={"enable_training": True, "generate_report": False},
                lightly_config={**TINY_MODEL, "trainer.max_epochs": 50},
                on_event=end,
            )
        assert called == [signal.SIGTERM]
        assert ended.value.code == 143
        run = only_run(tmp_path)
        assert run.state is RunState.ABORTED
        assert "lightly_epoch_1.ckpt is kept" in run.message
        samples = lnb.list_samples(photos, on_event=silent)
        config = {**TINY_MODEL, "trainer.max_epochs": 50}
        with pytest.raises(SystemExit, match=r"SIGTERM; training stopped in epoch .*is kept") as ended:
            lnb.train(samples, lightly_config=config, output_dir=tmp_path / "alone", on_event=end)
        assert ended.value.code == 143
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending_signals(str):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_once_is_enough_on_the_way_out():
    def twice():
        with ending_signals(str), ending_signals(lambda name: f"inner {name}"):
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(RunTerminated, match="inner SIGTERM"):
        twice()


def test_sigterm_of_the_command_line_is_143(photos, tmp_path):
    """A real process, as a container ends it, in its training."""
    training = ["enable_training=true", *(f"lightly.{key}={value}" for key, value in TINY_MODEL.items())]
    command = [sys.executable, "-m", "lightly_nb.cli", "run", photos, "--output", tmp_path, "n_samples=3"]
    said = tmp_path / "said.txt"
    with said.open("w") as output:
        process = subprocess.Popen(
            [*map(str, command), *training, "lightly.trainer.max_epochs=5000"], stdout=output, stderr=output
        )
    until = time.monotonic() + 300
    while not list(tmp_path.rglob("lightly_epoch_*.ckpt")):
        assert time.monotonic() < until
        assert process.poll() is None, said.read_text()
        time.sleep(0.05)
    process.terminate()
    assert process.wait(120) == 143, said.read_text()
    assert "lightly-nb: run ended by signal SIGTERM" in said.read_text()
    run = only_run(tmp_path)
    assert run.state is RunState.ABORTED
    assert json.loads(run.folder.events.read_text().splitlines()[-1])["state"] == "ABORTED"


# Effects come after checks


def test_a_refused_resume_touches_nothing_of_the_run_that_lives(quick, photos, tmp_path, capsys):
    from lightly_nb.cli import main

    folder = prepare(photos, tmp_path, n_samples=3, worker_config=quick)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        from lightly_nb.pipeline.process import lock

        append_event(folder, {"time": 0.0, "step": "TRAINING", "state": "TRAINING", "message": "training"})
        lock.lock_for(folder, sleeper.pid, background=True)
        folder.cancel.touch()
        before = folder.events.read_bytes()
        assert main(["resume", str(folder.path)]) == 2
        assert (
            f"still being worked on by process {sleeper.pid}; nothing was changed" in capsys.readouterr().err
        )
        assert folder.cancel.exists()
        assert folder.events.read_bytes() == before
        assert lnb.open_run(folder.path).state is RunState.TRAINING
    finally:
        sleeper.kill()
        sleeper.wait()


def test_what_was_canceled_before_it_began_does_not_begin(quick, photos, tmp_path):
    folder = prepare(photos, tmp_path, n_samples=3, worker_config=quick)
    folder.cancel.touch()
    with pytest.raises(RunCanceled):
        lnb.pipeline.execute(folder, on_event=silent)
    lnb.pipeline.execute(folder, on_event=silent)  # that is to resume it
    assert lnb.open_run(folder.path).state is RunState.COMPLETED
