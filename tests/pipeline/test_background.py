"""Runs in a process of their own: start, follow, cancel, kill, resume, open again."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

import lightly_nb as lnb
from lightly_nb.errors import RunError
from lightly_nb.events import silent
from lightly_nb.pipeline.process import lock
from lightly_nb.states import RunState

LONG = {"trainer.max_epochs": 500}


def start(photo_folder: Path, out: Path, tiny_model: dict[str, object], **changes: object) -> lnb.Run:
    return lnb.start(
        photo_folder,
        out,
        n_samples=4,
        worker_config={"enable_training": True, "generate_report": False},
        lightly_config={**tiny_model, **changes},
    )


def wait_for(condition, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.05)


def test_a_background_run_is_the_run_inline(photo_folder, tmp_path, tiny_model):
    run = start(photo_folder, tmp_path, tiny_model)
    assert not run.state.in_end_state()
    messages = [event["message"] for event in run.follow() if "message" in event]
    assert run.state is RunState.COMPLETED
    assert messages[-1] == run.message
    assert run.message == "4 of 24 samples selected; embedding check: NOT WORTH SELECTING FROM"
    assert lnb.open_run(run.path).selection.filenames == run.selection.filenames
    inline = lnb.rerun(run.path, on_event=silent)
    assert inline.selection.filenames == run.selection.filenames


def test_cancel_stops_the_process_and_resume_goes_on(photo_folder, tmp_path, tiny_model):
    run = start(photo_folder, tmp_path, tiny_model, **LONG)
    wait_for(lambda: run.progress.get("step") == "TRAINING" and run.progress["done"] > 0)
    run.cancel()
    assert run.state is RunState.ABORTED
    assert "kept" in run.message
    wait_for(lambda: not lock.is_alive(run.folder), 10)
    assert run.resume().state is not RunState.ABORTED
    run.cancel()
    assert run.state is RunState.ABORTED


def test_a_killed_run_is_crashed_and_can_be_opened_and_resumed(photo_folder, tmp_path, tiny_model):
    run = start(photo_folder, tmp_path, tiny_model, **{"trainer.max_epochs": 12})
    wait_for(lambda: run.checkpoint is not None)
    os.kill(lock.holder(run.folder)["pid"], signal.SIGKILL)
    reopened = lnb.open_run(run.path)
    wait_for(lambda: reopened.state is RunState.CRASHED, 10)
    with pytest.raises(RunError, match="resume"):
        reopened.wait(progress=False)
    reopened.resume().wait(timeout=200, progress=False)
    assert reopened.state is RunState.COMPLETED
    assert reopened.checkpoint.name == "lightly_epoch_12.ckpt"


def test_two_processes_never_work_on_one_run(photo_folder, tmp_path, tiny_model):
    run = start(photo_folder, tmp_path, tiny_model, **LONG)
    wait_for(lambda: run.state is RunState.TRAINING)
    with pytest.raises(RunError, match="still being worked on"):
        run.resume()
    with pytest.raises(RunError, match=r"by process \d+"):
        lnb.pipeline.execute(run.folder)
    assert run.state is RunState.TRAINING
    run.cancel()


def test_a_failing_background_run_tells_why(photo_folder, tmp_path):
    (tmp_path / "bad.ckpt").write_bytes(b"no")
    run = lnb.start(
        photo_folder, tmp_path, n_samples=4, worker_config={"checkpoint": str(tmp_path / "bad.ckpt")}
    )
    with pytest.raises(RunError, match=r"bad\.ckpt"):
        run.wait(timeout=60, progress=False)
    assert run.state is RunState.FAILED


def test_secrets_of_the_storage_reach_the_process_but_no_file(photo_folder, tmp_path, tiny_model):
    run = lnb.start(
        lnb.list_samples(photo_folder, on_event=silent),
        tmp_path,
        n_samples=4,
        worker_config={"enable_training": True, "generate_report": False},
        lightly_config=tiny_model,
        storage_options={"secret_key": "hunter2"},
    )
    with pytest.raises(RunError, match="storage_options"):  # a local folder takes none: they did arrive
        run.wait(timeout=120, progress=False)
    for path in run.path.rglob("*"):
        assert path.is_dir() or b"hunter2" not in path.read_bytes(), path
