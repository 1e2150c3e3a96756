"""What the tests of the queue share: a dataset ready to be run on, and workers in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from lightly_nb.workspace import Workspace, transact
from lightly_nb.workspace.data.datasets import create_dataset
from lightly_nb.workspace.data.datasource_kinds import LocalDatasource
from lightly_nb.workspace.data.datasources import set_datasource
from lightly_nb.workspace.store.schema import Dataset, User
from lightly_nb.workspace.store.store import reading
from lightly_nb.workspace.work.following import get_run_info
from lightly_nb.workspace.work.scheduling import schedule_run

PICK_THREE = {
    "n_samples": 3,
    "strategies": [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}],
}
QUICK = {"shutdown_when_job_finished": False, "generate_report": False}


def with_datasources(session: Session, user: User, name: str, folder: Path) -> Dataset:
    """Make a dataset whose INPUT and LIGHTLY are one folder."""
    folder.mkdir(exist_ok=True)
    dataset = create_dataset(session, user, name)
    set_datasource(session, dataset, LocalDatasource(relative_path=str(folder)), "INPUT_OUTPUT")
    return dataset


def asked_for(workspace: Workspace, user: User, dataset: Dataset, **options: Any) -> str:
    """Schedule a small run; return its id."""
    given = {"selection_config": PICK_THREE, "worker_config": QUICK, **options}
    return transact(workspace, schedule_run, user, dataset.id, **given).id


def state_of(workspace: Workspace, user: User, scheduled_run_id: str) -> str:
    with reading(workspace) as session:
        return get_run_info(session, user, scheduled_run_id).state


def wait_for(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.03)


WORKER = """
import sys
from pathlib import Path
from lightly_nb.states import RunState
from lightly_nb.workspace import open_workspace
from lightly_nb.workspace.work.worker import Ended, run_worker

def note(work):
    with Path(sys.argv[3]).open("a") as stream:
        stream.write(f"{work.taken.scheduled.id}\\n")
    return Ended(RunState.COMPLETED, "noted")

def hang(work):
    work.report(RunState.EMBEDDING, "hanging")
    work.stop.wait()
    return Ended(RunState.ABORTED, "stopped")

run_worker(open_workspace(), sys.argv[1], token=sys.stdin.read(), do=globals()[sys.argv[2]])
"""
"""A worker whose runs are a line in a file, or a long wait."""


def start_worker(
    workspace: Workspace, token: str, worker_id: str, do: str, file: Path
) -> subprocess.Popen[str]:
    """Start a worker in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, worker_id, do, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **workspace.environment()},
    )
    assert process.stdin is not None
    with process.stdin as stream:
        stream.write(token)
    process.stdin = None  # or communicate() would write to it once more
    return process
