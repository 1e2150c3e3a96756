"""What passes by itself fails no run and stops no follower; an idle worker costs next to nothing."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lightly_nb.errors import RunError, WorkspaceError
from lightly_nb.events import Event
from lightly_nb.runfolder import RunFolder, append_event
from lightly_nb.states import RunState
from lightly_nb.workspace import Workspace, open_workspace, transact
from lightly_nb.workspace.data import pools
from lightly_nb.workspace.store import store
from lightly_nb.workspace.store.engine import PassingError
from lightly_nb.workspace.users.users import authenticate
from lightly_nb.workspace.work import active_run, following, job, worker
from lightly_nb.workspace.work.active_run import Ended, is_passing, patiently
from lightly_nb.workspace.work.following import run_info_generator
from lightly_nb.workspace.work.worker import run_worker
from lightly_nb.workspace.work.workers import register_worker
from tests.workspace.queues import asked_for, with_datasources


@pytest.fixture
def home(tmp_path) -> Workspace:
    return open_workspace(tmp_path / "home", wait=0.05)


def active(said: list[str]) -> Any:
    return SimpleNamespace(stop=threading.Event(), say=said.append)


def test_a_locked_store_is_a_passing_thing_and_a_damaged_one_is_not(home):
    file = home.folder / "workspace.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(PassingError, match="locked; another process has been writing for long"):
            transact(home, register_worker, authenticate_quietly(home))
    home.engine.dispose()
    file.write_bytes(b"no database" * 100)
    with pytest.raises(WorkspaceError) as caught:
        open_workspace(home.folder)
    assert not isinstance(caught.value, PassingError)


def authenticate_quietly(home: Workspace) -> Any:
    return SimpleNamespace(id="0" * 24)


def test_patience_with_what_passes(monkeypatch):
    monkeypatch.setattr(active_run, "SECONDS_BETWEEN_TRIES", 0.0)
    full = OSError(28, "No space left on device")
    of_full = RunError("could not be written")
    of_full.__cause__ = full
    errors: list[Exception] = [PassingError("is locked"), full, of_full]
    said: list[str] = []

    def work(number: int, *, more: int) -> int:
        if errors:
            raise errors.pop(0)
        return number + more

    assert patiently(active(said), work, 1, more=2) == 3
    assert said == ["is locked Trying again every 0 s"]
    for error in (WorkspaceError("damaged"), RunError("no"), OSError(13, "Permission denied")):
        errors.append(error)
        assert not is_passing(error)
        with pytest.raises(type(error)):
            patiently(active(said), work, 1, more=2)
    to_stop = active(said)
    to_stop.stop.set()
    errors.append(PassingError("is locked"))
    with pytest.raises(PassingError):
        patiently(to_stop, work, 1, more=2)


def test_a_datapool_that_a_full_disk_stops_is_tried_again(tmp_path, monkeypatch):
    def full(*paths: object, **how: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "pool.csv").write_text("kept")
    monkeypatch.setattr(pools.shutil, "copytree", full)
    with pytest.raises(PassingError, match="free some space"):
        pools.copy_pool(tmp_path / "before", tmp_path / "out", "dataset", "run")
    monkeypatch.undo()
    folder = pools.copy_pool(tmp_path / "before", tmp_path / "out", "dataset", "run")
    assert (folder / "pool.csv").read_text() == "kept"


class RunOnAFullDisk:
    """A run that a full disk stops twice; when resumed the third time it ends well."""

    def __init__(self, path: Path, errno: int | None):
        self.path, self.folder, self.errno, self.n_resumed = path, RunFolder(path), errno, 0
        self.end(RunState.FAILED)

    def end(self, state: RunState) -> None:
        event = Event(time=0.0, step=state.value, state=state.value, message="ended")
        if self.errno is not None and state is RunState.FAILED:
            event["errno"] = self.errno
        append_event(self.folder, event)
        self.state = state

    def resume(self) -> None:
        self.n_resumed += 1
        append_event(self.folder, Event(time=0.0, step="OPEN", state="OPEN"))
        append_event(self.folder, Event(time=0.0, step="EMBEDDING", state="EMBEDDING", message="again"))
        self.end(RunState.COMPLETED if self.n_resumed == 3 else RunState.FAILED)

    def cancel(self, timeout: float) -> None:
        raise AssertionError("nothing to cancel")


@pytest.mark.parametrize(("errno", "n_resumed"), [(28, 3), (122, 3), (13, 0), (None, 0)])
def test_a_run_that_a_full_disk_stops_goes_on_when_there_is_space(tmp_path, monkeypatch, errno, n_resumed):
    (tmp_path / "run").mkdir()
    run, said, seen, free = RunOnAFullDisk(tmp_path / "run", errno), [], [], [0, 0, *[10**9] * 9]
    monkeypatch.setattr(job, "_start", lambda *arguments: run)
    monkeypatch.setattr(job, "_datapool", lambda *arguments: None)
    monkeypatch.setattr(job, "parse_configs", lambda *arguments: None)
    monkeypatch.setattr(job, "SECONDS_BETWEEN_TRIES", 0.0)
    monkeypatch.setattr(job, "_free_bytes", lambda run: free.pop(0))
    monkeypatch.setattr(job, "upload_thumbnails", lambda *arguments: "")
    monkeypatch.setattr(job, "completed", lambda *arguments: "completed")
    monkeypatch.setattr(job, "ended_early", lambda *arguments: "ended early")
    work = active(said)
    work.taken = SimpleNamespace(
        scheduled=SimpleNamespace(worker_config={}, lightly_config={}, selection_config={}),
        run=SimpleNamespace(id="1"),
    )
    work.note_run_folder, work.report = lambda path: None, lambda state, message: seen.append(state)
    assert job.do_run(work) == ("completed" if n_resumed else "ended early")
    assert run.n_resumed == n_resumed
    assert seen.count(RunState.EMBEDDING) == n_resumed
    assert RunState.OPEN not in seen
    assert len(said) == n_resumed
    assert all("is full; going on when there is space" in line for line in said)


def test_who_follows_a_run_outlasts_a_lock(home, tmp_path, monkeypatch):
    monkeypatch.setattr(following, "SECONDS_TO_NOTICE_A_DEATH", 0.01)
    user = authenticate(home)
    asked = asked_for(home, user, transact(home, with_datasources, user, "cats", tmp_path / "cats"))
    infos = run_info_generator(home, user, asked, seconds=0.01)
    assert next(infos).state == RunState.OPEN
    failures = [PassingError("is locked")] * 3
    look = following.look_after

    def sometimes(workspace: Workspace) -> list[str]:
        if failures:
            raise failures.pop()
        return look(workspace)

    monkeypatch.setattr(following, "look_after", sometimes)
    transact(home, register_worker, user)
    assert "'Default' is OFFLINE" in next(infos).message
    assert failures == []
    failures += [PassingError("is locked")] * 3
    monkeypatch.setattr(following, "SECONDS_OF_PATIENCE", -1.0)
    with pytest.raises(PassingError):
        next(infos)


def test_an_idle_worker_looks_only_when_something_has_changed(home, tmp_path, monkeypatch):
    looks: list[float] = []
    take = worker._take
    monkeypatch.setattr(worker, "SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(worker, "_take", lambda *given: looks.append(time.monotonic()) or take(*given))
    user = authenticate(home)
    dataset = transact(home, with_datasources, user, "cats", tmp_path / "cats")
    stop, n_done = threading.Event(), []
    thread = threading.Thread(
        target=lambda: n_done.append(
            run_worker(
                home,
                "Default",
                do=lambda active: Ended(RunState.COMPLETED, "done"),
                say=lambda text: None,
                stop=stop,
            )
        )
    )
    thread.start()
    until = time.monotonic() + 20
    while not looks and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.3)
    idle = len(looks)
    assert idle <= 4, "a worker that looks 15 times would cost 2 % of a CPU at its usual pace"
    asked = asked_for(home, user, dataset)
    *_, last = run_info_generator(home, user, asked, seconds=0.01)
    assert last.state == RunState.COMPLETED
    stop.set()
    thread.join(20)
    assert n_done == [1]


def test_changes_of_a_store(home):
    before = store.changes_of(home)
    user = authenticate(home)
    after = store.changes_of(home)
    assert before != after
    with store.reading(home):
        pass
    assert store.changes_of(home) == after
    assert user.id
    assert store.changes_of(SimpleNamespace(is_local=False)) is None  # type: ignore[arg-type]


@pytest.mark.slow
def test_an_idle_worker_costs_less_than_a_hundredth_of_a_cpu(home):
    stop = threading.Event()
    costs: list[float] = []

    def measure() -> None:
        time.sleep(3)
        began, spent = time.monotonic(), os.times()
        time.sleep(20)
        used = sum(os.times()[:2]) - sum(spent[:2])
        costs.append(used / (time.monotonic() - began))
        stop.set()

    threading.Thread(target=measure).start()
    run_worker(home, "Default", do=lambda active: Ended(RunState.COMPLETED, ""), say=print, stop=stop)
    assert costs[0] < 0.01
