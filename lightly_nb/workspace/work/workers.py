"""Workers: the names under which machines wait for runs, and which process answers to a name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lightly_nb.errors import BadRequestException, ConflictException, NotFoundException
from lightly_nb.processes import is_alive
from lightly_nb.states import END_STATES
from lightly_nb.workspace.data.datasets import checked_name
from lightly_nb.workspace.store.clock import later_than_all, store_time
from lightly_nb.workspace.store.schema import ComputeRun, User, Worker

DEFAULT_NAME = "Default"
"""Of the worker that registers itself when it is started."""
LEASE_SECONDS = 30.0
"""How long a worker of another machine may be silent before it counts as dead."""


def register_worker(
    session: Session, user: User, name: str = DEFAULT_NAME, labels: Iterable[str] | None = None
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
        now = later_than_all(session, Worker.created_at, Worker.owner_id == user.id)
        worker = Worker(name=name, owner_id=user.id, labels=checked or [], created_at=now)
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
            f"client.register_compute_worker(name=...) makes one and returns its id; {DEFAULT_NAME!r} "
            "registers itself when it is started"
        )
    return (by_id or list(found))[0]


def get_or_register(session: Session, user: User, id_or_name: str) -> Worker:
    """Return a worker by its id or name; `Default` needs no registration.

    Raises
    ------
    NotFoundException
        If this user has none of that id or name.
    """
    if id_or_name == DEFAULT_NAME:
        return register_worker(session, user)
    return get_worker(session, user, id_or_name)


def lacking(workers: Sequence[Worker], runs_on: Sequence[str]) -> str:
    """Return why no worker takes a run that waits; '' if one is there that can.

    Parameters
    ----------
    workers : sequence of Worker
        All of the user who asked for the run.
    runs_on : sequence of str
        The labels that the run asks for.
    """
    how = f"start one: lightly-nb worker worker.worker_id={DEFAULT_NAME}, or lightly_nb.Worker().start()"
    if not workers:
        return f"No worker is registered; {how}."
    able = [worker for worker in workers if set(worker.labels).issuperset(runs_on)]
    if not able:
        return (
            f"No worker has all the labels {list(runs_on)} of the run; give them to one with "
            "register_compute_worker(name, labels=[...])."
        )
    if not any(worker.process for worker in able):
        names = ", ".join(f"{worker.name!r} is {worker.state}" for worker in able[:5])
        return f"No worker is running ({names}); {how.replace(DEFAULT_NAME, able[0].name)}."
    return ""


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
    worker, now = get_or_register(session, user, id_or_name), store_time(session)
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
