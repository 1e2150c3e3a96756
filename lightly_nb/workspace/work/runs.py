"""Runs that workers have taken: their states and how to abort them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lightly_nb.errors import ConflictException, ForbiddenException, NotFoundException
from lightly_nb.states import RunState
from lightly_nb.workspace.data.datasets import get_dataset, get_datasets
from lightly_nb.workspace.store.schema import ComputeRun, Dataset, RunStateChange, User

_ORDER = {state: number for number, state in enumerate(RunState)}


def record_state(session: Session, run: ComputeRun, state: RunState, message: str | None) -> bool:
    """Note that a run has entered a state; False, and nothing noted, if it is not further on than before.

    So the history of a run is in the order of `RunState`, whoever reports.
    """
    before = RunState(run.state)
    if before.in_end_state() or _ORDER[state] <= _ORDER[before]:
        return False
    number = session.scalar(
        select(func.count()).select_from(RunStateChange).where(RunStateChange.run_id == run.id)
    )
    session.add(RunStateChange(run_id=run.id, number=number or 0, state=state.value, message=message))
    run.state, run.message = state.value, message
    session.flush()
    return True


def get_runs(session: Session, user: User, dataset_id: str | None = None) -> Sequence[ComputeRun]:
    """Return the runs that workers have taken, the oldest first.

    `dataset_id` None: those on all datasets that this user owns or that are shared with this user.
    """
    if dataset_id is not None:
        ids = [get_dataset(session, user, dataset_id).id]
    else:
        ids = [dataset.id for dataset in get_datasets(session, user, shared=None)]
    chosen = select(ComputeRun).where(ComputeRun.dataset_id.in_(ids))
    return session.scalars(chosen.order_by(ComputeRun.created_at, ComputeRun.id)).all()


def get_run(session: Session, user: User, run_id: str) -> ComputeRun:
    """Return a run.

    Raises
    ------
    NotFoundException
        If there is none, or it is on a dataset that this user may not see.
    """
    return _seen(session, user, session.get(ComputeRun, run_id), f"there is no run with the id {run_id!r}")


def get_run_of_scheduled(session: Session, user: User, scheduled_run_id: str) -> ComputeRun:
    """Return the run of what was asked for.

    Raises
    ------
    NotFoundException
        If nothing such was asked for, or no worker has taken it (yet).
    """
    run = session.scalar(select(ComputeRun).where(ComputeRun.scheduled_run_id == scheduled_run_id))
    said = f"no worker has taken a scheduled run with the id {scheduled_run_id!r}, if there is one"
    return _seen(session, user, run, said)


def get_state_changes(session: Session, run: ComputeRun) -> Sequence[RunStateChange]:
    """Return the history of a run, in order."""
    history = select(RunStateChange).where(RunStateChange.run_id == run.id)
    return session.scalars(history.order_by(RunStateChange.number)).all()


def abort_run(session: Session, user: User, run_id: str) -> None:
    """Ask the worker to stop a run: within about a second it ends ABORTED; what it had finished is kept.

    Raises
    ------
    ConflictException
        If the run has ended.
    ForbiddenException
        If neither the run nor the dataset is this user's.
    """
    run = get_run(session, user, run_id)
    if RunState(run.state).in_end_state():
        raise ConflictException(f"the run {run.id} has ended as {run.state}; there is nothing to abort")
    if user.id not in (run.owner_id, session.get_one(Dataset, run.dataset_id).owner_id):
        raise ForbiddenException(
            f"the run {run.id} was started by another user on a dataset that is shared with you: ask that "
            "user, or the owner of the dataset, to abort it"
        )
    run.abort_requested = True
    session.flush()


def _seen(session: Session, user: User, run: ComputeRun | None, said: str) -> ComputeRun:
    try:
        if run is not None:
            get_dataset(session, user, run.dataset_id)
            return run
    except NotFoundException:
        pass
    raise NotFoundException(f"{said} on datasets that you see; get_compute_worker_runs() lists the runs")
