"""Workers: the names under which machines wait for runs, and which process answers to a name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import extract, func, or_, select
from sqlalchemy.orm import Session

from lightly_nb.errors import BadRequestException, ConflictException, NotFoundException
from lightly_nb.processes import is_alive
from lightly_nb.states import END_STATES
from lightly_nb.workspace.data.datasets import checked_name
from lightly_nb.workspace.store.schema import ComputeRun, User, Worker, now_ms

LEASE_SECONDS = 30.0
"""How long a worker of another machine may be silent before it counts as dead."""


def store_time(session: Session) -> int:
    """Return the time in milliseconds by the store's clock: the server's, so that all machines agree."""
    if session.get_bind().dialect.name == "postgresql":
        return int(session.execute(select(extract("epoch", func.clock_timestamp()))).scalar_one() * 1000)
    return now_ms()


def register_worker(
    session: Session, user: User, name: str = "Default", labels: Iterable[str] | None = None
) -> Worker:
    """Return the worker of this name, made if there is none.

    Parameters
    ----------
    name : str
        Unique among this user's workers; the same characters as in a dataset's name.
    labels : iterable of str, optional
        The worker takes only runs whose `runs_on` are among them. Given for a worker that exists they replace
        its labels; None leaves them, and is no labels for a new one.
    """
    checked_name(name, what="worker")
    checked = None if labels is None else checked_labels(labels, "labels")
    worker = session.scalar(select(Worker).where(Worker.owner_id == user.id, Worker.name == name))
    if worker is None:
        worker = Worker(name=name, owner_id=user.id, labels=checked or [])
        session.add(worker)
    elif checked is not None and checked != worker.labels:
        worker.labels = checked
    session.flush()
    return worker


def get_workers(session: Session, user: User) -> Sequence[Worker]:
    """Return this user's workers, the oldest first."""
    mine = select(Worker).where(Worker.owner_id == user.id)
    return session.scalars(mine.order_by(Worker.created_at, Worker.id)).all()


def get_worker(session: Session, user: User, id_or_name: str) -> Worker:
    """Return a worker of this user by its id or its name.

    Raises
    ------
    NotFoundException
        If this user has none of that id or name.
    """
    named = or_(Worker.id == id_or_name, Worker.name == id_or_name)
    found = session.scalars(select(Worker).where(Worker.owner_id == user.id, named)).all()
    by_id = [worker for worker in found if worker.id == id_or_name]
    if not found:
        names = ", ".join(repr(worker.name) for worker in get_workers(session, user)) or "none yet"
        raise NotFoundException(
            f"there is no worker with the id or name {id_or_name!r} among yours ({names}); "
            "client.register_compute_worker(name=...) makes one and returns its id"
        )
    return (by_id or list(found))[0]


def delete_worker(session: Session, user: User, worker_id: str) -> None:
    """Remove a worker; a process that waits under its name ends by itself. Its runs keep their history.

    Raises
    ------
    ConflictException
        If a run of it is under way.
    """
    worker = get_worker(session, user, worker_id)
    under_way = select(ComputeRun.id).where(
        ComputeRun.worker_id == worker.id, ComputeRun.state.not_in(sorted(END_STATES))
    )
    if run_id := session.scalar(under_way.limit(1)):
        raise ConflictException(
            f"the worker {worker.name!r} is busy with the run {run_id}: abort that or wait for its end, then "
            "delete the worker"
        )
    session.delete(worker)
    session.flush()


def sign_on(session: Session, user: User, id_or_name: str, process: dict[str, Any], *, force: bool) -> Worker:
    """Let a process wait for runs under a worker's name.

    Parameters
    ----------
    process : dict
        `processes.this_process()`.
    force : bool
        Whether to take the name from another process that seems to live. That one ends after the run that it
        is at work on, if any.

    Raises
    ------
    ConflictException
        If another process seems to answer to this name, unless `force`.
    """
    worker, now = get_worker(session, user, id_or_name), store_time(session)
    other = worker.process if worker.process != process else None
    seconds = (now - (worker.last_seen_at or 0)) / 1000
    alive = is_alive(other)
    if not force and (alive or (alive is None and seconds < LEASE_SECONDS)):
        raise ConflictException(
            f"the worker {worker.name!r} seems to run already: process {other and other['pid']} on "
            f"{other and other['host']}, heard of {seconds:.0f} s ago. Stop that one, wait "
            f"{LEASE_SECONDS:.0f} s, use another name, or take over with worker.force_start=True"
        )
    worker.process, worker.state, worker.last_seen_at = process, "IDLE", now
    session.flush()
    return worker


def still_on(session: Session, worker_id: str, process: dict[str, Any], state: str) -> bool:
    """Note that a worker's process lives and is IDLE or BUSY; False if the name is no longer its own."""
    worker = session.get(Worker, worker_id)
    if worker is None or worker.process != process:
        return False
    worker.state, worker.last_seen_at = state, store_time(session)
    session.flush()
    return True


def sign_off(session: Session, worker_id: str, process: dict[str, Any]) -> None:
    """Give a worker's name back, unless another process has taken it over."""
    worker = session.get(Worker, worker_id)
    if worker is not None and worker.process == process:
        worker.process, worker.state, worker.last_seen_at = None, "OFFLINE", store_time(session)
        session.flush()


def checked_labels(labels: Iterable[str], what: str) -> list[str]:
    """Return labels as a list without repeats, or refuse them.

    Examples
    --------
    >>> checked_labels(["gpu", "gpu", "big"], "labels")
    ['gpu', 'big']
    """
    found = None if isinstance(labels, str | bytes) else list(labels)
    if found is None or not all(isinstance(label, str) and label.strip() for label in found):
        raise BadRequestException(f"{what}: got {labels!r}; give a list of texts, for example ['gpu']")
    return list(dict.fromkeys(found))
