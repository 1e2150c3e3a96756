"""Processes: to tell one from every other, whether it lives, to start one of its own, to end it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psutil

SECONDS_BETWEEN_LOOKS = 0.05
SECONDS_TO_DIE = 10.0
"""How long a killed process may take to be gone."""
SECONDS_UNTIL_FORGOTTEN = 7 * 86_400.0
"""After which a temporary folder of another machine, or of this one before a restart, is nobody's."""
_OWN_FOLDER = re.compile(r"lightly_nb-[a-z]+-(?:([0-9a-f]{8})-(\d+)-(\d+)-)?\w+")


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


def tree(process: dict[str, Any] | None) -> list[psutil.Process]:
    """Return a process of this machine and all that it has started; nothing if it does not live."""
    with suppress(psutil.Error):
        if process and is_alive(process):
            root = psutil.Process(process["pid"])
            return [root, *root.children(recursive=True)]
    return []


def spawn(
    command: Sequence[str],
    output: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    with_input: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a process with a session of its own: neither Ctrl-C here nor the end of this process ends it.

    Parameters
    ----------
    output : path
        File to which all that it says is appended.
    cwd, env
        As in `subprocess`.
    with_input : bool
        Whether it waits for what `send_input` gives it; else it has nothing to read.
    """
    with output.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=cwd,
            env=env,
        )
    threading.Thread(target=process.wait, daemon=True, name="wait for process").start()  # leaves no zombie
    return process


def send_input(process: subprocess.Popen[bytes], content: bytes) -> None:
    """Give a process all of its standard input, which no other process can read: it may hold secrets."""
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as stream:
        stream.write(content)


def end(process: dict[str, Any] | None, timeout: float = 0.0) -> None:
    """End a process of this machine: ask it to end, and kill it if it still lives `timeout` seconds later.

    One that has ended, or is of another machine, is left alone, whoever has its number now.

    Examples
    --------
    >>> end({**this_process(), "born": 0.0})  # had the number of this process before
    """
    for which, seconds in ((signal.SIGTERM, timeout), (signal.SIGKILL, SECONDS_TO_DIE)):
        until = time.monotonic() + seconds
        if process and is_alive(process):
            with suppress(ProcessLookupError):
                os.kill(process["pid"], which)
        while is_alive(process) and time.monotonic() < until:
            time.sleep(SECONDS_BETWEEN_LOOKS)


def own_temporary_folder(what: str) -> Path:
    """Make a folder in the system's temporary one whose name tells whose it is; delete those of the dead.

    Processes that were killed cannot clean up after themselves, so the next one does.
    """
    root = Path(tempfile.gettempdir())
    sweep_temporary_folders(root)
    owner = f"{_machine_digits()}-{os.getpid()}-{_ticks(os.getpid())}"
    return Path(tempfile.mkdtemp(prefix=f"lightly_nb-{what}-{owner}-", dir=root))


@contextmanager
def temporary_folder(what: str) -> Iterator[Path]:
    """Yield such a folder, and delete it afterwards."""
    folder = own_temporary_folder(what)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_temporary_folders(root: Path) -> list[str]:
    """Delete the temporary folders of this user whose process has ended; return their names."""
    swept = []
    with suppress(OSError), os.scandir(root) as found:
        for entry in found:
            match = _OWN_FOLDER.fullmatch(entry.name)
            if match is None or entry.is_symlink():
                continue
            with suppress(OSError):
                if _is_nobodys(entry.stat(), *match.groups()):
                    shutil.rmtree(entry.path, ignore_errors=True)
                    swept.append(entry.name)
    return swept


def _is_nobodys(info: os.stat_result, machine: str | None, pid: str | None, ticks: str | None) -> bool:
    if hasattr(os, "getuid") and info.st_uid != os.getuid():
        return False
    if machine == _machine_digits() and pid is not None:
        return _ticks(int(pid)) != ticks
    return time.time() - info.st_mtime > SECONDS_UNTIL_FORGOTTEN


def _ticks(pid: int) -> str:
    born = _born(pid)
    return "" if born is None else str(int(born))


def _machine_digits() -> str:
    return hashlib.sha256(this_machine().encode()).hexdigest()[:8]


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
