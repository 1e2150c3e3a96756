"""Following a run that was asked for: how it stands, and every change at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from lightly_nb.errors import NotFoundException
from lightly_nb.states import RunState
from lightly_nb.workspace.data.datasets import get_dataset
from lightly_nb.workspace.store.engine import PassingError
from lightly_nb.workspace.store.schema import ScheduledRun, User
from lightly_nb.workspace.store.store import Workspace, changes_of, reading
from lightly_nb.workspace.work.queue import look_after
from lightly_nb.workspace.work.runs import get_run_of_scheduled, get_state_changes
from lightly_nb.workspace.work.workers import get_workers, lacking

SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_TO_NOTICE_A_DEATH = 1.0
"""Between two looks after workers of this machine that have died."""
SECONDS_OF_PATIENCE = 600.0
"""How long a store that was well may be locked, or its disk full or server away, before one gives up."""

OPEN_MESSAGE = (
    "Waiting for pickup by Lightly Worker. Make sure to start a Lightly Worker connected to your "
    "user token to process the job."
)
NOT_EXISTING_MESSAGE = (
    "Could not find a job for the given run_id: '{}'. The scheduled run does not exist or was canceled "
    "before being picked up by a Lightly Worker."
)


@dataclass(frozen=True)
class RunInfo:
    """How a run stands.

    Attributes
    ----------
    state : RunState
        OPEN before a worker takes it, CANCELED_OR_NOT_EXISTING if there is none.
    message : str
        What was said last.
    """

    state: RunState
    message: str

    def in_end_state(self) -> bool:
        """Whether the run has ended, well or not."""
        return self.state.in_end_state()

    def ended_successfully(self) -> bool:
        """Whether the run has ended well.

        Raises
        ------
        ValueError
            If it has not ended.
        """
        if not self.in_end_state():
            raise ValueError("Lightly Worker run is still in progress.")
        return self.state is RunState.COMPLETED


def get_run_info(session: Session, user: User, scheduled_run_id: str) -> RunInfo:
    """Return how a run that was asked for stands; never fails for an id that is none."""
    return _news(session, user, scheduled_run_id, None)[0][-1]


def run_info_generator(
    workspace: Workspace, user: User, scheduled_run_id: str, *, seconds: float = SECONDS_BETWEEN_LOOKS
) -> Iterator[RunInfo]:
    """Yield how a run stands, then every change at once, until the run has ended.

    Parameters
    ----------
    seconds : float
        Between two looks into the store. No state is missed, however many come between two looks.
    """
    last: RunInfo | None = None
    seen: int | None = None
    looked_after_at = well_at = float("-inf")
    before: tuple[int, ...] | None = None
    while True:
        now, changes = time.monotonic(), changes_of(workspace)
        is_time = now - looked_after_at >= SECONDS_TO_NOTICE_A_DEATH
        if changes is not None and changes == before and not is_time:
            time.sleep(seconds)
            continue
        try:
            if is_time:
                look_after(workspace)
                looked_after_at = now
            with reading(workspace) as session:
                news, seen = _news(session, user, scheduled_run_id, seen)
            well_at, before = time.monotonic(), changes
        except PassingError:  # the run goes on, and so does who follows it
            if time.monotonic() - well_at > SECONDS_OF_PATIENCE:
                raise
            time.sleep(SECONDS_TO_NOTICE_A_DEATH)
            continue
        for info in news:
            if info != last:
                yield info
                last = info
            if info.in_end_state():
                return
        time.sleep(seconds)


def _news(
    session: Session, user: User, scheduled_run_id: str, seen: int | None
) -> tuple[list[RunInfo], int | None]:
    """Return what happened since `seen` changes (None: only how it stands), and how many are seen."""
    scheduled = session.get(ScheduledRun, scheduled_run_id)
    try:
        run = get_run_of_scheduled(session, user, scheduled_run_id)
    except NotFoundException:
        is_open = scheduled is not None and scheduled.state == "OPEN" and _sees(session, user, scheduled)
        if scheduled is not None and is_open:
            workers = get_workers(session, session.get_one(User, scheduled.owner_id))
            why = lacking(workers, scheduled.runs_on)
            return [RunInfo(RunState.OPEN, f"{OPEN_MESSAGE} {why}".rstrip())], 0
        missing = NOT_EXISTING_MESSAGE.format(scheduled_run_id)
        return [RunInfo(RunState.CANCELED_OR_NOT_EXISTING, missing)], seen
    changes = get_state_changes(session, run)
    new = changes[-1:] if seen is None else changes[seen:]
    return [RunInfo(RunState(one.state), one.message or "") for one in new], len(changes)


def _sees(session: Session, user: User, scheduled: ScheduledRun) -> bool:
    try:
        get_dataset(session, user, scheduled.dataset_id)
    except NotFoundException:
        return False
    return True
