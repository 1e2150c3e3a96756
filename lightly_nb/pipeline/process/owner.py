"""Which process works on a run folder: so that a run has one at a time, and a dead one is noticed."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from lightly_nb.errors import RunError
from lightly_nb.runfolder import RunFolder, write_text


@contextmanager
def owned(folder: RunFolder) -> Iterator[None]:
    """Hold the run of `folder` for this process.

    Raises
    ------
    RunError
        If another living process holds it.
    """
    if is_alive(folder) and _owner(folder).get("pid") != os.getpid():
        raise RunError(
            f"the run in '{folder.path}' is being worked on by process {_owner(folder)['pid']}; "
            "wait for it, or cancel it first: lightly-nb cancel"
        )
    write_text(folder.process, json.dumps(_describe(os.getpid())))
    try:
        yield
    finally:
        folder.process.unlink(missing_ok=True)


def claim_for(folder: RunFolder, pid: int) -> None:
    """Note that process `pid` will hold the run, before it has started to."""
    write_text(folder.process, json.dumps(_describe(pid)))


def is_alive(folder: RunFolder) -> bool | None:
    """Tell whether the process of the run lives; None if it belongs to another machine."""
    owner = _owner(folder)
    if not owner:
        return False
    if owner["host"] != socket.gethostname():
        return None
    try:
        process = psutil.Process(owner["pid"])
        same = abs(process.create_time() - owner["started"]) < 1.0
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def owner_pid(folder: RunFolder) -> int | None:
    """Return the process id of the living owner on this machine, None without one."""
    return int(_owner(folder)["pid"]) if is_alive(folder) else None


def is_background(folder: RunFolder) -> bool:
    """Tell whether the living owner is a process that does only this run, and ends well when told to."""
    pid = owner_pid(folder)
    try:
        return pid is not None and "lightly_nb.pipeline" in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _owner(folder: RunFolder) -> dict[str, Any]:
    try:
        content = json.loads(folder.process.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _describe(pid: int) -> dict[str, Any]:
    return {"pid": pid, "host": socket.gethostname(), "started": psutil.Process(pid).create_time()}
