"""Which process of which machine holds something, and whether it still lives."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path
from typing import Any

import psutil


def this_process() -> dict[str, Any]:
    """Return what tells this process from every other one, of this machine or another, as JSON."""
    return process_of(os.getpid())


def process_of(pid: int) -> dict[str, Any]:
    """Return the same for another process of this machine."""
    return {"machine": this_machine(), "host": socket.gethostname(), "pid": pid, "born": _born(pid)}


def is_alive(process: dict[str, Any] | None) -> bool | None:
    """Tell whether a process lives; None if it is of another machine, where this one cannot look.

    Examples
    --------
    >>> is_alive(this_process()), is_alive({**this_process(), "born": 0.0}), is_alive({"machine": "another"})
    (True, False, None)
    """
    if not process:
        return False
    if process["machine"] != this_machine():
        return None
    return process["born"] is not None and _born(process["pid"]) == process["born"]


@cache
def this_machine() -> str:
    """Return what tells this machine, since it was started, from others; each container is one of its own."""
    parts = [socket.gethostname()]
    for path, read in (("/proc/sys/kernel/random/boot_id", _text), ("/proc/self/ns/pid", os.readlink)):
        try:
            parts.append(str(read(path)).strip())
        except OSError:  # not a Linux
            continue
    return " ".join(parts)


def _born(pid: int) -> float | None:
    """Return when a process was started, None once it has ended. Setting the clock does not change it."""
    if Path("/proc/self/stat").exists():
        try:
            fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else float(fields[19])
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace")
