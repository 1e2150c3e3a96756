"""The run that a worker is at work on: how it is spoken of meanwhile, and how it ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy.orm import Session

from lightly_nb.errors import RunError, WorkspaceError
from lightly_nb.files import DISK_IS_FULL
from lightly_nb.states import RunState
from lightly_nb.workspace.store.engine import PassingError
from lightly_nb.workspace.store.schema import ComputeRun, User
from lightly_nb.workspace.store.store import Workspace, transact
from lightly_nb.workspace.work.queue import Taken, locked
from lightly_nb.workspace.work.runs import record_state

SECONDS_BETWEEN_TRIES = 2.0
"""To write to a store that cannot be written."""

Say = Callable[[str], None]
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Ended:
    """How a run ended, and what of it goes into the store together with that."""

    state: RunState
    message: str
    store: Callable[[Session, ComputeRun], None] = lambda session, run: None
    """Called in the transaction that ends the run; it may be called again, after its changes were undone."""


@dataclass(frozen=True)
class ActiveRun:
    """A run to be done, and how to speak of it while it is."""

    workspace: Workspace
    user: User
    taken: Taken
    output_dir: Path
    shared_dir: Path | None
    input_mount: Path | None
    stop: threading.Event
    """Set when the run shall be aborted, or is not this worker's any more."""
    say: Say

    def report(self, state: RunState, message: str) -> None:
        """Store that the run has entered a state."""
        write_locked(self, _record, state, message)

    def note_run_folder(self, folder: Path) -> None:
        """Store where the run's files are."""
        write_locked(self, _note_run_folder, str(folder))


def patiently(active: ActiveRun, function: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
    """Return `function(…)`, called again until no lock, full disk or server that is away stops it.

    Only for what may be done twice. When the run shall stop, what stopped it is raised.
    """
    complained = False
    while True:
        try:
            return function(*arguments, **options)
        except (PassingError, OSError, RunError) as error:
            if not is_passing(error) or active.stop.is_set():
                raise
            if not complained:
                active.say(f"{error} Trying again every {SECONDS_BETWEEN_TRIES:g} s")
            complained = True
            active.stop.wait(SECONDS_BETWEEN_TRIES)


def is_passing(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is one that passes by itself or when somebody frees some space."""
    while error is not None:
        if isinstance(error, PassingError) or getattr(error, "errno", None) in DISK_IS_FULL:
            return True
        error = error.__cause__
    return False


Do = Callable[[ActiveRun], Ended]


def write_locked(active: ActiveRun, function: Callable[..., None], *arguments: Any) -> None:
    """Write about a run under its lock. A store that cannot be written now is tried again until it can.

    Nobody else can take this worker's place as long as it lives, and it could not take another run either.
    """
    complained = False
    while True:
        try:
            return transact(active.workspace, _under_lock, active.taken, function, *arguments)
        except WorkspaceError as error:
            if not complained:
                active.say(f"{error} Trying again every {SECONDS_BETWEEN_TRIES:g} s")
            if complained and active.stop.is_set():
                raise
            complained = True
            time.sleep(SECONDS_BETWEEN_TRIES)


def _under_lock(session: Session, taken: Taken, function: Callable[..., None], *arguments: Any) -> None:
    run, _ = locked(session, taken.run.id, taken.lock_token)
    function(session, run, *arguments)


def _record(session: Session, run: ComputeRun, state: RunState, message: str) -> None:
    record_state(session, run, state, message)


def _note_run_folder(session: Session, run: ComputeRun, path: str) -> None:
    run.run_folder = path
    session.flush()
