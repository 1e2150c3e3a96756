"""The worker: waits for runs, does one at a time, and tells the store how they go.

What a run means is one function, `do_run` of `job`; everything here is about doing it once and saying so.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lightly_nb.errors import LightlyNBError, UnauthorizedException, WorkspaceError
from lightly_nb.processes import this_process
from lightly_nb.states import RunState
from lightly_nb.workspace.store.engine import failures_of
from lightly_nb.workspace.store.schema import ComputeRun, ScheduledRun
from lightly_nb.workspace.store.store import Workspace, changes_of, reading, transact
from lightly_nb.workspace.users.users import authenticate
from lightly_nb.workspace.work.active_run import (
    SECONDS_BETWEEN_TRIES,
    ActiveRun,
    Do,
    Ended,
    Say,
    write_locked,
)
from lightly_nb.workspace.work.queue import (
    LockLostError,
    Taken,
    end_run,
    heartbeat,
    is_work_waiting,
    locked,
    look_after,
    take_next,
)
from lightly_nb.workspace.work.workers import LEASE_SECONDS, sign_off, sign_on, still_on

SECONDS_BETWEEN_LOOKS = 0.5
"""Whether the store has changed when idle, and for a request to abort when at work."""
SECONDS_BETWEEN_BEATS = 7.5
"""Also between two looks at a store that has not changed."""


def run_worker(
    workspace: Workspace,
    worker: str,
    *,
    token: str | SecretStr | None = None,
    output_dir: Path | str = "lightly_outputs",
    shared_dir: Path | str | None = None,
    input_mount: Path | str | None = None,
    force_start: bool = True,
    shutdown_when_job_finished: bool = False,
    do: Do | None = None,
    say: Say | None = None,
    stop: threading.Event | None = None,
    lease: float = LEASE_SECONDS,
) -> int:
    """Wait for runs and do them, one after the other, until told to stop; return how many were done.

    SIGTERM or Ctrl-C stops it: the run under way is aborted, and what it had finished is kept.

    Parameters
    ----------
    worker : str
        Id or name of a registered worker of the token's user; `Default` registers itself.
    token : str, optional
        Whose runs to do. None: as `authenticate` says.
    output_dir : path
        Run folders are made below it.
    shared_dir : path, optional
        Folder that `worker_config.checkpoint` and `.embeddings` are relative to; None is the current one.
    input_mount : path, optional
        Folder that local datasources with a relative path are below; None is the current one.
    force_start : bool
        Whether to take over from another process that seems to run under this worker's name.
    shutdown_when_job_finished : bool
        Whether to end after one run. A run's own `shutdown_when_job_finished` does the same.
    do : callable, optional
        What to do for a run; None is the pipeline.
    say : callable, optional
        Gets a line of text for each thing that happens; None prints it with the time.
    stop : threading.Event, optional
        Once set, the worker stops as on SIGTERM.
    lease : float
        Seconds of silence after which other machines take this worker for dead.

    Raises
    ------
    UnauthorizedException
        If the token is not known.
    NotFoundException, ConflictException
        If there is no such worker, or another process runs under its name (unless `force_start`).
    """
    say, stop, process = say or print_line, stop or threading.Event(), this_process()
    user = authenticate(workspace, token)
    signed_on = transact(workspace, sign_on, user, worker, process, force=force_start)
    output = Path(output_dir).expanduser().absolute()
    n_done = 0
    say(f"worker {signed_on.name!r} ({signed_on.id}) waits for runs of {user.email}; {workspace.url}")
    with _stopped_by_signals(stop):
        try:
            for taken in _taken_runs(workspace, signed_on.id, process, token, stop, say, lease):
                say(f"run {taken.run.id} on dataset {taken.dataset.name!r}: started")
                with _held(workspace, taken, stop, lease) as stop_run:
                    mounted = (_absolute(shared_dir), _absolute(input_mount))
                    active = ActiveRun(workspace, user, taken, output, *mounted, stop_run, say)
                    ended = _done(active, do or _pipeline())
                    is_stored = _finish(active, ended)
                n_done += 1
                if is_stored:
                    say(f"run {taken.run.id} {ended.state}: {ended.message}")
                if shutdown_when_job_finished or taken.scheduled.worker_config["shutdown_when_job_finished"]:
                    break
        finally:
            with suppress(LightlyNBError):
                transact(workspace, sign_off, signed_on.id, process)
    say(f"worker {signed_on.name!r} has stopped after {n_done} runs")
    return n_done


def print_line(text: str) -> None:
    """Print a line with the time, at once."""
    print(f"{datetime.now():%Y-%m-%d %H:%M:%S} {text}", flush=True)


def _taken_runs(
    workspace: Workspace,
    worker_id: str,
    process: dict[str, Any],
    token: str | SecretStr | None,
    stop: threading.Event,
    say: Say,
    lease: float,
) -> Iterator[Taken]:
    """Yield runs as they come, until told to stop, or name or token are not this process's any more.

    An idle worker looks into the store only when that has changed, and with each beat.
    """
    beaten_at, complained, seen = float("-inf"), False, None
    while not stop.is_set():
        rested = time.monotonic() - beaten_at
        try:
            if seen is not None and rested < _beat(lease) and seen == _changes(workspace):
                stop.wait(SECONDS_BETWEEN_LOOKS)
                continue
            if rested >= _beat(lease):  # not with each change: two idle workers would wake each other
                authenticate(workspace, token)
                if not transact(workspace, still_on, worker_id, process, "IDLE"):
                    return say("this worker was deleted, or another process has taken over its name; it ends")
                beaten_at = time.monotonic()
            look_after(workspace)
            seen = _changes(workspace)  # before the look: what comes after it is another change
            taken = _take(workspace, worker_id, process, lease)
            complained = False
        except UnauthorizedException:
            return say("the token is not valid any more (a new one was made, or the user removed); it ends")
        except WorkspaceError as error:
            if not complained:
                say(f"{error} Trying again every {SECONDS_BETWEEN_TRIES:g} s")
            complained, seen = True, None
            stop.wait(SECONDS_BETWEEN_TRIES)
            continue
        if taken is None:
            stop.wait(SECONDS_BETWEEN_LOOKS)
        else:
            yield taken
            beaten_at, seen = float("-inf"), None
    return None


def _changes(workspace: Workspace) -> tuple[Any, ...]:
    """Return what is another after each change to the queue, at little cost."""
    local = changes_of(workspace)
    if local is not None:
        return local
    with failures_of(workspace.engine), workspace.engine.connect() as connection:
        asked = select(func.count(), func.max(ScheduledRun.last_modified_at))
        return tuple(connection.execute(asked).one())


def _beat(lease: float) -> float:
    """Return the seconds between two signs of life."""
    return min(SECONDS_BETWEEN_BEATS, lease / 4)


def _take(workspace: Workspace, worker_id: str, process: dict[str, Any], lease: float) -> Taken | None:
    with reading(workspace) as session:
        if not is_work_waiting(session, worker_id):
            return None
    return transact(workspace, take_next, worker_id, process, lease=lease)


@contextmanager
def _held(
    workspace: Workspace, taken: Taken, stop: threading.Event, lease: float
) -> Iterator[threading.Event]:
    """Hold the lock of a run; yield the event that is set when the run shall stop."""
    over, stop_run = threading.Event(), threading.Event()

    def hold() -> None:
        beaten_at = time.monotonic()
        while not over.wait(SECONDS_BETWEEN_LOOKS):
            if stop.is_set():
                stop_run.set()
            try:
                if time.monotonic() - beaten_at >= _beat(lease):
                    transact(workspace, heartbeat, taken.run.id, taken.lock_token, lease=lease)
                    beaten_at = time.monotonic()
                with reading(workspace) as session:
                    if locked(session, taken.run.id, taken.lock_token)[0].abort_requested:
                        stop_run.set()
            except LockLostError:
                stop_run.set()
                return
            except WorkspaceError:  # the next look may find it well again
                continue

    thread = threading.Thread(target=hold, name="lightly_nb-heartbeat", daemon=True)
    thread.start()
    try:
        yield stop_run
    finally:
        over.set()
        thread.join()


def _done(active: ActiveRun, do: Do) -> Ended:
    try:
        return do(active)
    except LockLostError as error:
        return Ended(RunState.CRASHED, str(error))
    except LightlyNBError as error:
        return Ended(RunState.FAILED, f"{type(error).__name__}: {error}")
    except Exception as error:
        return Ended(RunState.FAILED, f"unexpected {type(error).__name__}: {error}; please report it")


def _finish(active: ActiveRun, ended: Ended) -> bool:
    """Store the end of a run with all that it brings, at once or not at all; False if it was not ours to."""
    try:
        write_locked(active, _end, ended)
    except LockLostError as error:
        active.say(str(error))
        return False
    except WorkspaceError:
        raise
    except Exception as error:
        failed = Ended(RunState.FAILED, f"the results could not be stored: {type(error).__name__}: {error}")
        active.say(failed.message)
        write_locked(active, _end, failed)
    return True


def _end(session: Session, run: ComputeRun, ended: Ended) -> None:
    ended.store(session, run)
    end_run(session, run, ended.state, ended.message)


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Stop on SIGTERM and Ctrl-C: take no further run and abort that under way. A second one interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        threading.Thread(target=stop.set).start()  # set() here could wait for the wait() that it interrupted

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _absolute(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path).expanduser().absolute()


def _pipeline() -> Do:
    from lightly_nb.workspace.work.job import do_run  # loads torch

    return do_run
