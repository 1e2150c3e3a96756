"""The lock on a run folder: one process, and one thread of it, at a time works on it; a dead one is noticed.

`process.json` says who, for those who look on; the lock itself is the operating system's, so that two who
come at once do not both get it.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightly_nb import processes
from lightly_nb.errors import RunError
from lightly_nb.files import exclusive
from lightly_nb.runfolder import RunFolder, write_text

SECONDS_TO_HAND_OVER = 5.0
"""So long a background run waits for the process that starts it to let go of the folder."""


@contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold the run of `folder` for this process.

    Raises
    ------
    RunError
        If another living process, or another thread of this one, holds it; nothing was changed.
    """
    with claimed(folder):
        process = _recorded(folder)
        is_own = process is not None and process["pid"] == os.getpid()
        lock_for(folder, os.getpid(), background=is_own and bool(process and process["background"]))
        try:
            yield
        finally:
            folder.process.unlink(missing_ok=True)


@contextmanager
def claimed(folder: RunFolder) -> Iterator[None]:
    """Keep everybody else from beginning to work on the run of `folder`; raise as `locked` does."""
    until = time.monotonic() + SECONDS_TO_HAND_OVER

    def wait() -> None:
        _refuse_held(folder)
        if time.monotonic() >= until:
            raise RunError(_held(folder, "another thread of this process, or a process that says nothing"))

    _refuse_held(folder)
    with exclusive(folder.path, wait):
        _refuse_held(folder)
        yield


def _refuse_held(folder: RunFolder) -> None:
    process = holder(folder)
    if process is not None and process["pid"] != os.getpid():
        raise RunError(_held(folder, f"process {process['pid']}"))


def _held(folder: RunFolder, who: str) -> str:
    return (
        f"the run in '{folder.path}' is still being worked on by {who}; nothing was changed: "
        f"wait for it, or cancel it first: lightly-nb cancel '{folder.path}'"
    )


def lock_for(folder: RunFolder, pid: int, *, background: bool) -> None:
    """Note that a process holds the run, or will.

    Parameters
    ----------
    background : bool
        Whether it does only this run, and ends well when it is told to.
    """
    write_text(folder.process, json.dumps({**processes.process_of(pid), "background": background}))


def holder(folder: RunFolder) -> dict[str, Any] | None:
    """Return the process of this machine that holds the run and lives, None without one."""
    process = _recorded(folder)
    return process if processes.is_alive(process) else None


def is_alive(folder: RunFolder) -> bool | None:
    """Tell whether the process of the run lives; None if it belongs to another machine."""
    process = _recorded(folder)
    alive = processes.is_alive(process)
    if alive is None and process and process["host"] == socket.gethostname():
        return False  # of this machine before it was started anew: no lease tells, as that of a worker does
    return alive


def _recorded(folder: RunFolder) -> dict[str, Any] | None:
    try:
        content = json.loads(folder.process.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return content if isinstance(content, dict) and "born" in content else None
