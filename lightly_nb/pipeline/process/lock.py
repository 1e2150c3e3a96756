"""The lock on a run folder: one process at a time works on it, and a dead one is noticed."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightly_nb import processes
from lightly_nb.errors import RunError
from lightly_nb.runfolder import RunFolder, write_text


@contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold the run of `folder` for this process.

    Raises
    ------
    RunError
        If another living process holds it.
    """
    process = holder(folder)
    if process is None:
        lock_for(folder, os.getpid(), background=False)
    elif process["pid"] != os.getpid():
        raise RunError(
            f"the run in '{folder.path}' is being worked on by process {process['pid']}; "
            "wait for it, or cancel it first: lightly-nb cancel"
        )
    try:
        yield
    finally:
        folder.process.unlink(missing_ok=True)


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
