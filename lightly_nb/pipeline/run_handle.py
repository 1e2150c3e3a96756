"""`Run`: the handle on a run folder. It holds nothing that the folder does not say.

So a run in this process, in another one or on another machine looks the same, and `open_run` works
after the kernel that started the run has died.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightly_nb.display.html import Html, tag
from lightly_nb.errors import RunError
from lightly_nb.events import Event, ProgressBar
from lightly_nb.pipeline import results
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.job_file import load_job
from lightly_nb.pipeline.options import STORAGE, as_path
from lightly_nb.pipeline.process import lock
from lightly_nb.pipeline.process.ending import reopen
from lightly_nb.pipeline.starting_model import newest_checkpoint
from lightly_nb.processes import end, send_input, spawn
from lightly_nb.runfolder import RunFolder, append_event, read_events
from lightly_nb.samples.arguments import PATH, accepts
from lightly_nb.states import RunState

if TYPE_CHECKING:
    import pandas as pd

    from lightly_nb.report import Report
    from lightly_nb.samples import Samples
    from lightly_nb.selection import Selection

SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_TO_NOTICE_CANCEL = 0.5
"""A run looks for the cancel file at every event, which come eight times a second if it can be."""


class Run:
    """A run, by its folder.

    Parameters
    ----------
    path : str or path
        The run folder.
    storage_options : mapping or None
        What fsspec needs to reach the INPUT datasource, for `samples`; never stored.
    lightly_storage_options : mapping or None
        What it needs to reach the LIGHTLY datasource, for `resume`; never stored.

    Raises
    ------
    RunError
        If the folder is not one of a run.
    """

    @accepts(path=PATH, **STORAGE)
    def __init__(
        self, path: str | os.PathLike[str], storage_options: Any = None, lightly_storage_options: Any = None
    ):
        self.folder = RunFolder(Path(as_path(path, "path")))
        self.job: Job = load_job(self.folder)
        self._storage_options = storage_options
        self._lightly_storage_options = lightly_storage_options
        self._latest: dict[str, Event] = {}
        self._position = 0

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def state(self) -> RunState:
        """The state now; CRASHED when the process died without saying how the run ended."""
        return true_state(self.folder, self._said_state)

    @property
    def is_whole(self) -> bool:
        """Whether the run is complete, and no file of its results is gone or was cut."""
        from lightly_nb.pipeline.restoring import is_whole

        return self.state is RunState.COMPLETED and is_whole(self.folder, self.job.configs)

    @property
    def message(self) -> str:
        """What the run said last."""
        if self.state is RunState.CRASHED:
            return crashed_message(self.folder)
        said = self._last("message")
        return said["message"] if said else "the run has not started yet"

    @property
    def progress(self) -> dict[str, Any]:
        """The newest count: `step`, `done`, `total`, `unit`, `metrics`; empty before the first one."""
        counted = self._last("done")
        return {key: counted[key] for key in ("step", "done", "total", "unit", "metrics")} if counted else {}

    def events(self) -> list[Event]:
        """Return all events so far."""
        return read_events(self.folder)[0]

    def follow(self, timeout: float | None = None) -> Iterator[Event]:
        """Yield events, old and new, until the run has ended or `timeout` seconds are over."""
        position, until = 0, None if timeout is None else time.monotonic() + timeout
        while True:
            ended = self.state.in_end_state()
            events, position = read_events(self.folder, position)
            yield from events
            if ended or (until is not None and time.monotonic() >= until):
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def wait(self, timeout: float | None = None, *, progress: bool = True) -> Run:
        """Wait until the run has ended, with progress bars if `progress`; return this handle.

        Interrupting the wait does not stop the run.

        Raises
        ------
        RunError
            If the run failed or crashed, or has not ended after `timeout` seconds.
        """
        bar = ProgressBar()
        for event in self.follow(timeout):
            if progress:
                bar(event)
        bar.close()
        state = self.state
        if not state.in_end_state():
            raise RunError(f"the run in '{self.path}' is still {state} after {timeout:g} s; wait longer")
        if state in (RunState.FAILED, RunState.CRASHED):
            raise RunError(f"the run in '{self.path}' {state.lower()}: {self.message}")
        return self

    def cancel(self, timeout: float = 30.0) -> Run:
        """Ask the run to stop and wait until it has; what it had finished stays in the folder.

        A background run that is busy with something long, such as a large batch, is interrupted in it after
        half a second; after `timeout` seconds the process is ended. A run that has ended is left as it is.
        """
        if self.state.in_end_state():
            return self
        self.folder.cancel.touch()
        process = lock.holder(self.folder)
        is_here = process is not None and process["pid"] == os.getpid()
        if is_here or self._ends_within(min(timeout, SECONDS_TO_NOTICE_CANCEL)):
            return self
        if process and process["background"]:
            end(process, timeout - SECONDS_TO_NOTICE_CANCEL)
        elif not self._ends_within(timeout - SECONDS_TO_NOTICE_CANCEL):
            end(process)
        if self.state is RunState.CRASHED:  # it was ended before it could say so itself
            said = f"run canceled; what was finished is kept in '{self.path}'"
            append_event(self.folder, _state_event(RunState.ABORTED, said))
        return self

    @property
    def checkpoint(self) -> Path | None:
        """The newest checkpoint that the run has trained, None without one."""
        return newest_checkpoint(self.folder)

    @cached_property
    def samples(self) -> Samples:
        """The embedded samples, with quarantine and thumbnails."""
        return results.load_samples(self.folder, self.job.input, self._storage_options)

    @cached_property
    def selection(self) -> Selection:
        """The selection."""
        return results.load_selection(self.folder)

    @property
    def full_images(self) -> list[str]:
        """The names of the images that hold a selected crop; [] of a run on whole images."""
        path = self.folder.full_image_filenames
        return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []

    def report(self) -> Report:
        """Return the report, which shows itself in a notebook.

        Raises
        ------
        RunError
            If there is none (yet).
        """
        from lightly_nb.report import load_report

        return load_report(self.folder)

    @property
    def quarantine(self) -> pd.DataFrame:
        """The files left out and why."""
        return results.load_quarantine(self.folder)

    def log(self) -> str:
        """Return the text of `log.txt`."""
        return self.folder.log.read_text(encoding="utf-8") if self.folder.log.is_file() else ""

    def resume(self) -> Run:
        """Go on with a run that was canceled, failed or crashed, in a background process.

        A run that is complete is left as it is, unless files of its results are gone or damaged: those are
        made again.

        Raises
        ------
        RunError
            If the run is being worked on; nothing was changed.
        """
        with lock.claimed(self.folder):
            if lock.is_alive(self.folder):
                raise RunError(f"the run in '{self.path}' is still being worked on; wait for it or cancel it")
            if not self.is_whole:
                reopen(self.folder)
                start_process(
                    self.folder,
                    self._storage_options,
                    self._lightly_storage_options,
                    imports_like_here=self.job.detector is not None,
                )
        return self

    def __repr__(self) -> str:
        return f"Run('{self.path}', {self.state})"

    def _repr_html_(self) -> Html:
        return tag("p", tag("b", self.state), f" {self.message}", tag("br"), tag("code", self.path))

    def _said_state(self) -> RunState:
        said = self._last("state")
        return RunState(said["state"]) if said else RunState.OPEN

    def _last(self, key: str) -> Event | None:
        events, self._position = read_events(self.folder, self._position)
        for event in events:
            self._latest.update(dict.fromkeys(event, event))
        return self._latest.get(key)

    def _ends_within(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.state.in_end_state():
                return True
            time.sleep(SECONDS_BETWEEN_LOOKS / 2)
        return False


def true_state(folder: RunFolder, said: Callable[[], RunState]) -> RunState:
    """Return the state that `said` reads from the events; CRASHED if the process is gone without an end."""
    state = said()
    if state.in_end_state() or lock.is_alive(folder) is not False:
        return state
    state = said()  # it may have ended between the two looks
    not_started = state is RunState.OPEN and not folder.process.exists()
    return state if state.in_end_state() or not_started else RunState.CRASHED


def crashed_message(folder: RunFolder) -> str:
    """Return what is said of a run whose process is gone without an end state."""
    return (
        f"the process of the run died without a word; see '{folder.log}', "
        f"then go on with it: lightly-nb resume '{folder.path}'"
    )


def _state_event(state: RunState, message: str) -> Event:
    return Event(time=time.time(), state=state.value, step=state.value, message=message)


def start_process(
    folder: RunFolder,
    storage_options: Any = None,
    lightly_storage_options: Any = None,
    imports_like_here: bool = False,
) -> None:
    """Start a process of its own that does the run of `folder`, and return at once.

    With `imports_like_here` it finds the modules that this one does, such as those beside a notebook.

    The storage options reach it through its standard input. Its threads wait without
    spinning, which on a machine that is busy otherwise makes training several times as fast.
    """
    command = [sys.executable, "-m", "lightly_nb.pipeline", str(folder.path)]
    env = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
    if imports_like_here:
        env["PYTHONPATH"] = os.pathsep.join(os.path.abspath(path) for path in sys.path)
    process = spawn(command, folder.log, cwd=folder.path, env=env, with_input=True)
    lock.lock_for(folder, process.pid, background=True)
    options = {"storage_options": storage_options, "lightly_storage_options": lightly_storage_options}
    send_input(process, json.dumps({name: dict(value) for name, value in options.items() if value}).encode())
