"""`Worker`: a worker in the background, from a notebook."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from lightly_nb.display.html import Html, join, tag
from lightly_nb.errors import RunError
from lightly_nb.pipeline import Run, open_run
from lightly_nb.processes import end, is_alive, spawn
from lightly_nb.workspace.data.datasets import get_datasets
from lightly_nb.workspace.store import schema
from lightly_nb.workspace.store.store import open_workspace, reading, transact
from lightly_nb.workspace.users.users import authenticate
from lightly_nb.workspace.work.queue import look_after
from lightly_nb.workspace.work.runs import get_runs
from lightly_nb.workspace.work.workers import get_worker, register_worker

if TYPE_CHECKING:
    import pandas as pd

SECONDS_TO_START = 120.0
SECONDS_TO_STOP = 60.0
LINES_OF_LOG = 20


class Worker:
    """A worker that does scheduled runs in a background process.

    It goes on when a cell is interrupted and when the kernel ends; the same name finds it again:
    `Worker(name="Default").stop()`.

    Parameters
    ----------
    token : str, optional
        Of the user whose runs it does. None: LIGHTLY_TOKEN; without that, the user of this login.
    name : str
        Under which it is registered; it is if it was not.
    labels : iterable of str
        It takes only runs whose `runs_on` are among them. None given: those that it has.
    output_dir : path
        Run folders are made below it.
    shared_dir : path, optional
        Folder that `worker_config.checkpoint` and `.embeddings` are relative to; None is the current one.
    url : str or path, optional
        The workspace, as `open_workspace` takes it.

    Examples
    --------
    >>> worker = Worker(name="Default").start()  # doctest: +SKIP
    >>> client.schedule_compute_worker_run(selection_config={"n_samples": 50, ...})  # doctest: +SKIP
    >>> worker.run()  # doctest: +SKIP
    >>> worker.stop()  # doctest: +SKIP
    """

    def __init__(
        self,
        token: str | None = None,
        name: str = "Default",
        labels: Iterable[str] = (),
        output_dir: str | os.PathLike[str] = "lightly_outputs",
        shared_dir: str | os.PathLike[str] | None = None,
        url: str | os.PathLike[str] | None = None,
    ):
        self.name = name
        self.output_dir = Path(output_dir).expanduser().absolute()
        self.shared_dir = Path(shared_dir or os.getcwd()).expanduser().absolute()
        self._workspace = open_workspace(url)
        self._token = SecretStr(token or os.environ.get("LIGHTLY_TOKEN", ""))
        self._user = authenticate(self._workspace, self._token)
        self.id = transact(self._workspace, register_worker, self._user, name, list(labels) or None).id

    @property
    def state(self) -> str:
        """OFFLINE, IDLE, BUSY or CRASHED, now."""
        look_after(self._workspace)
        return self._row().state

    def start(self) -> Worker:
        """Start the process and wait until it waits for runs. One that runs already is left alone.

        Raises
        ------
        RunError
            If it ends at once; with the last lines of its log.
        """
        look_after(self._workspace)
        if is_alive(self._row().process) is not False:
            return self
        self._log.parent.mkdir(parents=True, exist_ok=True)
        process = spawn(self._command(), self._log, env=self._environment())
        until = time.monotonic() + SECONDS_TO_START
        while not is_alive(self._row().process):
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                raise RunError(f"{self!r} did not start:\n{self.log()}")
            time.sleep(0.1)
        return self

    def stop(self, timeout: float = SECONDS_TO_STOP) -> Worker:
        """End the process; a run under way is aborted and what it had finished is kept.

        After `timeout` seconds the process is ended at once, and its run is CRASHED.

        Raises
        ------
        RunError
            If it runs on another machine.
        """
        process = self._row().process
        alive = is_alive(process)
        if alive is None and process:
            raise RunError(f"{self!r} runs as process {process['pid']} on {process['host']}: stop it there")
        if alive:
            end(process, timeout)
            look_after(self._workspace)
        return self

    def log(self, lines: int | None = LINES_OF_LOG) -> str:
        """Return the last lines of what it has said; None: all."""
        if not self._log.is_file():
            return ""
        said = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(said if lines is None else said[-lines:])

    def runs(self) -> pd.DataFrame:
        """Return the runs that it has taken, the oldest first: one row each."""
        import pandas as pd

        look_after(self._workspace)
        with reading(self._workspace) as session:
            names = {one.id: one.name for one in get_datasets(session, self._user, shared=None)}
            taken = [run for run in get_runs(session, self._user) if run.worker_id == self.id]
        rows = [
            (run.id, names[run.dataset_id], run.state, run.message, run.created_at, run.run_folder)
            for run in taken
        ]
        columns = ["run_id", "dataset", "state", "message", "started", "run_folder"]
        table = pd.DataFrame(rows, columns=columns)
        return table.assign(started=pd.to_datetime(table["started"], unit="ms", utc=True))

    def run(self) -> Run:
        """Return the run under way, or else the last one; `lightly_nb.monitor(worker)` shows it.

        Raises
        ------
        RunError
            If it has begun none yet.
        """
        folders = self.runs()["run_folder"].dropna()
        if folders.empty:
            raise RunError(f"{self!r} has begun no run yet; schedule one, or look at .log()")
        return open_run(folders.iloc[-1])

    def __repr__(self) -> str:
        return f"Worker({self.name!r}, {self.state}, {self._workspace.url!r})"

    def _repr_html_(self) -> Html:
        named, url = (tag("b", self.name), tag("b", self.state)), tag("code", self._workspace.url)
        return tag("p", join("Worker", *named, url, by=" "))

    @property
    def _log(self) -> Path:
        return self._workspace.folder / "workers" / f"{self.id}.log"

    def _row(self) -> schema.Worker:
        with reading(self._workspace) as session:
            return get_worker(session, self._user, self.id)

    def _command(self) -> list[str]:
        given = {
            "worker.worker_id": self.id,
            "worker.force_start": False,
            "output_dir": self.output_dir,
            "shared_dir": self.shared_dir,
        }
        words = [f"{key}={value}" for key, value in given.items()]
        return [sys.executable, "-m", "lightly_nb.cli", "worker", *words]

    def _environment(self) -> dict[str, str]:
        token = self._token.get_secret_value()
        return {**os.environ, **self._workspace.environment(), "LIGHTLY_TOKEN": token}
