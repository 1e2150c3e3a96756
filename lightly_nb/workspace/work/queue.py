"""The queue: runs that were asked for, taken by one worker each, once.

A run that was asked for is OPEN until a worker takes it, LOCKED while that worker is at work, and DONE when
its run has ended, well or not; CANCELED if it was called back while OPEN. No run is ever started a second
time: the worker that takes it gets a lock token, and everything that it writes about the run later is refused
unless the lock is still its own. When a worker dies, the next look at the queue, of whoever, ends its run as
CRASHED.

Two runs on one dataset never run at the same time: the second one waits, so that tags keep their order and
the datapool is what the run before left.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lightly_nb.errors import ConflictException
from lightly_nb.processes import is_alive
from lightly_nb.states import RunState
from lightly_nb.workspace.data.datasets import get_datasets
from lightly_nb.workspace.store.clock import store_time
from lightly_nb.workspace.store.schema import ComputeRun, Dataset, ScheduledRun, User, Worker, now_ms
from lightly_nb.workspace.store.store import Workspace, reading, transact
from lightly_nb.workspace.work.runs import record_state
from lightly_nb.workspace.work.workers import LEASE_SECONDS


class LockLostError(ConflictException):
    """The run was ended by others, who took this worker for dead; nothing more can be written about it."""


@dataclass(frozen=True)
class Taken:
    """A run that a worker has taken, and what it needs to know of it."""

    run: ComputeRun
    scheduled: ScheduledRun
    dataset: Dataset
    lock_token: str


def is_work_waiting(session: Session, worker_id: str) -> bool:
    """Whether there is a run that this worker may take now. A cheap look, before `take_next`."""
    return _next_for(session, session.get(Worker, worker_id)) is not None


def take_next(
    session: Session, worker_id: str, process: dict[str, Any], *, lease: float = LEASE_SECONDS
) -> Taken | None:
    """Take the run that is this worker's turn and lock it; None if there is none.

    That is, of the runs that the worker's owner asked for, whose labels the worker has and on whose dataset
    no other run is under way: the one of the highest priority, and of these the oldest.

    Parameters
    ----------
    process : dict
        `processes.this_process()` of the worker.
    lease : float
        Seconds for which the lock holds without a `heartbeat`.
    """
    worker = session.get(Worker, worker_id)
    scheduled = _next_for(session, worker)
    if scheduled is None or worker is None:
        return None
    token = secrets.token_hex(16)
    scheduled.state, scheduled.worker_id, scheduled.lock_token = "LOCKED", worker.id, token
    scheduled.locked_until = store_time(session) + round(lease * 1000)
    run = ComputeRun(
        dataset_id=scheduled.dataset_id,
        scheduled_run_id=scheduled.id,
        worker_id=worker.id,
        owner_id=scheduled.owner_id,
        state=RunState.OPEN.value,
        process=process,
    )
    session.add(run)
    session.flush()
    record_state(session, run, RunState.STARTED, f"taken by the worker {worker.name!r}")
    worker.state = "BUSY"
    session.flush()
    dataset = session.get_one(Dataset, scheduled.dataset_id)
    return Taken(run, scheduled, dataset, token)


def heartbeat(session: Session, run_id: str, lock_token: str, *, lease: float = LEASE_SECONDS) -> bool:
    """Hold the lock for another `lease` seconds; return whether somebody asked to abort the run.

    Raises
    ------
    LockLostError
        If the lock is not this worker's any more.
    """
    run, scheduled = locked(session, run_id, lock_token)
    scheduled.locked_until = now = store_time(session) + round(lease * 1000)
    if scheduled.worker_id and (worker := session.get(Worker, scheduled.worker_id)):
        worker.last_seen_at = now - round(lease * 1000)
    session.flush()
    return run.abort_requested


def locked(session: Session, run_id: str, lock_token: str) -> tuple[ComputeRun, ScheduledRun]:
    """Return a run and what asked for it, if the lock is still this worker's.

    Raises
    ------
    LockLostError
        If it is not, or the dataset was deleted with its runs.
    """
    run = session.get(ComputeRun, run_id)
    scheduled = None if run is None else session.get(ScheduledRun, run.scheduled_run_id)
    if run is None or scheduled is None:
        raise LockLostError(f"the run {run_id} is not in the workspace any more; its dataset was deleted")
    if scheduled.state != "LOCKED" or not secrets.compare_digest(scheduled.lock_token or "", lock_token):
        raise LockLostError(
            f"the run {run_id} was ended as {run.state} ({run.message}); what this worker has of it is "
            "in its run folder, and nothing more of it is stored"
        )
    return run, scheduled


def end_run(session: Session, run: ComputeRun, state: RunState, message: str) -> None:
    """End a run and what asked for it: the last thing that is ever written about them."""
    record_state(session, run, state, message)
    run.ended_at = now_ms()
    scheduled = session.get(ScheduledRun, run.scheduled_run_id)
    if scheduled is not None:
        scheduled.state, scheduled.lock_token, scheduled.locked_until = "DONE", None, None
    worker = session.get(Worker, run.worker_id) if run.worker_id else None
    if worker is not None and worker.state == "BUSY" and worker.process == run.process:
        worker.state = "CRASHED" if state is RunState.CRASHED else "IDLE"
    session.flush()


def expire_locks(session: Session) -> list[str]:
    """End as CRASHED the runs whose worker has died, and return their ids; dead workers are noted too.

    On this machine a worker is dead when its process is; on another one when nothing was heard of it for the
    length of its lease. No run of a dead worker is started again.
    """
    dead_runs = _dead_runs(session)
    for run, scheduled in dead_runs:
        end_run(session, run, RunState.CRASHED, _obituary(run, scheduled))
    for worker in _dead_workers(session):
        worker.state, worker.process = ("OFFLINE" if worker.state == "IDLE" else "CRASHED"), None
    session.flush()
    return [run.id for run, _ in dead_runs]


def look_after(workspace: Workspace) -> list[str]:
    """Do what `expire_locks` says, writing only if there is something to write."""
    with reading(workspace) as session:
        if not _dead_runs(session) and not _dead_workers(session):
            return []
    return transact(workspace, expire_locks)


def _next_for(session: Session, worker: Worker | None) -> ScheduledRun | None:
    if worker is None:
        return None
    owner = session.get_one(User, worker.owner_id)
    under_way = select(ScheduledRun.dataset_id).where(ScheduledRun.state == "LOCKED")
    waiting = select(ScheduledRun).where(
        ScheduledRun.state == "OPEN",
        ScheduledRun.owner_id == worker.owner_id,
        ScheduledRun.dataset_id.not_in(under_way),
        ScheduledRun.dataset_id.in_([one.id for one in get_datasets(session, owner, shared=None)]),
    )
    in_turn = waiting.order_by(ScheduledRun.priority.desc(), ScheduledRun.created_at, ScheduledRun.id)
    labels = set(worker.labels)
    return next((one for one in session.scalars(in_turn) if labels.issuperset(one.runs_on)), None)


def _dead_runs(session: Session) -> list[tuple[ComputeRun, ScheduledRun]]:
    now = store_time(session)
    locked_runs = session.execute(
        select(ComputeRun, ScheduledRun)
        .join(ScheduledRun, ComputeRun.scheduled_run_id == ScheduledRun.id)
        .where(ScheduledRun.state == "LOCKED")
    )
    return [(run, one) for run, one in locked_runs if not _lives(run.process, now <= (one.locked_until or 0))]


def _dead_workers(session: Session) -> list[Worker]:
    now = store_time(session)
    on = session.scalars(select(Worker).where(Worker.process.is_not(None)))
    return [
        one for one in on if not _lives(one.process, now <= (one.last_seen_at or 0) + LEASE_SECONDS * 1000)
    ]


def _lives(process: dict[str, Any] | None, heard_of_lately: bool) -> bool:
    alive = is_alive(process)
    return heard_of_lately if alive is None else alive


def _obituary(run: ComputeRun, scheduled: ScheduledRun) -> str:
    process = run.process or {}
    kept = f"what it had finished is in {run.run_folder} there" if run.run_folder else "it had not begun"
    return (
        f"the worker (process {process.get('pid')} on {process.get('host')}) died during {run.state}; {kept}"
        ". The run is not started again by itself: schedule it once more"
    )
