"""Which process it is, whether it lives, and that no other one is ended in its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lightly_nb import processes
from lightly_nb.errors import RunError
from lightly_nb.pipeline.process import lock
from lightly_nb.processes import end, is_alive, process_of, send_input, spawn, this_process, tree
from lightly_nb.runfolder import RunFolder

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
DEAF = [sys.executable, "-c", f"import signal; signal.signal(15, signal.SIG_IGN); {SLEEP[2]}"]


def started(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    output = folder / "output.txt"
    process = spawn(command, output)
    until = time.monotonic() + 30
    while not output.read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    return process


def test_this_process_lives_and_is_told_from_others():
    assert is_alive(this_process())
    assert this_process() == json.loads(json.dumps(process_of(os.getpid())))
    assert this_process() != process_of(os.getppid())
    assert is_alive(None) is False


def test_a_number_that_another_process_has_now_is_not_alive():
    assert is_alive({**this_process(), "born": this_process()["born"] - 1}) is False


def test_of_another_machine_nobody_can_tell():
    elsewhere = {**this_process(), "machine": "another since another start"}
    assert is_alive(elsewhere) is None
    assert tree(elsewhere) == []


def test_a_process_that_has_ended_does_not_live_even_before_it_is_waited_for():
    child = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL)
    record = process_of(child.pid)
    until = time.monotonic() + 30
    while is_alive(record):
        assert time.monotonic() < until
    assert child.wait() == 0
    assert is_alive(record) is False
    assert process_of(child.pid)["born"] is None
    assert is_alive(process_of(child.pid)) is False


def test_spawn_starts_a_session_of_its_own_that_says_all_to_a_file(tmp_path):
    said = (
        "import os, sys; print(os.getsid(0), os.getcwd(), sys.stdin.read()); print('wrong', file=sys.stderr)"
    )
    process = spawn([sys.executable, "-c", said], tmp_path / "said.txt", cwd=tmp_path, with_input=True)
    send_input(process, b"secret")
    assert process.wait(30) == 0
    assert sorted((tmp_path / "said.txt").read_text().splitlines()) == sorted(
        [f"{process.pid} {tmp_path} secret", "wrong"]
    )


def test_input_for_a_process_that_has_ended_is_not_an_error(tmp_path):
    process = spawn([sys.executable, "-c", ""], tmp_path / "said.txt", with_input=True)
    assert process.wait(30) == 0
    send_input(process, b"x" * 1_000_000)


def test_end_asks_first_and_then_kills(tmp_path):
    for command, timeout, code in ((SLEEP, 30.0, -15), (DEAF, 0.2, -9)):
        process = started(command, tmp_path)
        record = process_of(process.pid)
        assert [one.pid for one in tree(record)] == [process.pid]
        end(record, timeout)
        assert is_alive(record) is False
        assert process.wait(30) == code
        (tmp_path / "output.txt").unlink()
        end(record, timeout)


@pytest.mark.parametrize("changed", [{"born": 1.0}, {"machine": "another"}, {"born": None}])
def test_end_never_signals_a_process_that_is_not_the_same(tmp_path, changed, monkeypatch):
    process = started(SLEEP, tmp_path)
    record = process_of(process.pid)
    kill, signaled = os.kill, []
    monkeypatch.setattr(processes.os, "kill", lambda *what: signaled.append(what) or kill(*what))
    end({**record, **changed})
    end(None)
    assert not signaled
    assert is_alive(record)
    end(record)
    assert {pid for pid, _ in signaled} == {process.pid}


# ---- the lock on a run folder ------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def test_a_run_is_held_by_one_process_until_it_has_ended(tmp_path, folder):
    assert lock.is_alive(folder) is False
    process = started(SLEEP, tmp_path)
    lock.lock_for(folder, process.pid, background=True)
    assert lock.is_alive(folder)
    assert lock.holder(folder) == {**process_of(process.pid), "background": True}
    message = f"by process {process.pid}; nothing was changed: wait for it, or cancel it first"
    with pytest.raises(RunError, match=message), lock.locked(folder):
        pass
    end(lock.holder(folder))
    assert (lock.is_alive(folder), lock.holder(folder)) == (False, None)
    with lock.locked(folder):
        assert lock.holder(folder) == {**this_process(), "background": False}
    assert not folder.process.exists()


def test_a_process_started_for_a_run_stays_one_of_the_background(folder):
    lock.lock_for(folder, os.getpid(), background=True)
    with lock.locked(folder):
        assert lock.holder(folder)["background"]


@pytest.mark.parametrize(
    ("recorded", "alive"),
    [
        (
            {"pid": os.getpid(), "host": processes.socket.gethostname(), "started": 0.0},
            False,
        ),  # an old folder
        ({**this_process(), "machine": "before the last boot"}, False),
        ({**this_process(), "machine": "another", "host": "another"}, None),
        ({**this_process(), "born": 1.0}, False),
        ([], False),
    ],
)
def test_what_is_recorded_tells_whether_a_run_is_worked_on(folder, recorded, alive):
    folder.process.write_text(json.dumps(recorded))
    assert lock.is_alive(folder) is alive
    assert lock.holder(folder) is None
