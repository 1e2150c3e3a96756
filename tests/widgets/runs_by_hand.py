"""Runs that a test leads through their states itself, in the place of a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightly_nb.api import ApiWorkflowClient
from lightly_nb.processes import this_process
from lightly_nb.states import RunState
from lightly_nb.workspace.store.schema import ComputeRun
from lightly_nb.workspace.work.queue import end_run, take_next
from lightly_nb.workspace.work.runs import record_state
from tests.workspace.queues import PICK_THREE, QUICK


def schedule(client: ApiWorkflowClient) -> str:
    """Ask for a small run on the client's dataset; return the id of what was asked for."""
    return client.schedule_compute_worker_run(selection_config=PICK_THREE, worker_config=QUICK)


def take(client: ApiWorkflowClient, scheduled_id: str, folder: Path | None = None) -> str:
    """Do what a worker does that takes a run; return the id of the run."""
    worker_id = client.register_compute_worker()

    def taken(session: Any, user: Any) -> str:
        found = take_next(session, worker_id, this_process())
        assert found is not None
        assert found.scheduled.id == scheduled_id
        found.run.run_folder = folder and str(folder)
        return found.run.id

    return client._write(taken)


def enter(client: ApiWorkflowClient, run_id: str, state: RunState, message: str) -> None:
    """Let a run enter a state."""

    def report(session: Any, user: Any) -> None:
        run = session.get_one(ComputeRun, run_id)
        (end_run if state.in_end_state() else record_state)(session, run, state, message)

    client._write(report)
