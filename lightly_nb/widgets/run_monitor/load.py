"""What a run costs its machine right now: CPU and memory of its process tree, and NVIDIA GPUs."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass

import psutil

from lightly_nb.pipeline.process import lock
from lightly_nb.processes import tree
from lightly_nb.runfolder import RunFolder

SECONDS_BETWEEN_MEASURES = 2.0
MOST_MEASURED_WHOLE = 16
"""Processes up to which shared memory is divided among them, which takes longer to find out."""
GPU_QUERY = "--query-gpu=utilization.gpu,memory.used,memory.total"
MIB = 1024**2


@dataclass(frozen=True)
class Gpu:
    """One GPU, whoever uses it."""

    percent: float
    """Share of the time in which it computed, 0 to 100."""
    used: int
    """Bytes of its memory."""
    total: int


@dataclass(frozen=True)
class Load:
    """One measurement."""

    cores: float | None
    """CPUs kept busy since the last measurement; None at the first one."""
    memory: int
    """Bytes."""
    processes: int
    gpus: tuple[Gpu, ...] = ()


class LoadMeter:
    """Measures the processes of a run and of everything that they started.

    Parameters
    ----------
    folder : RunFolder
        Of the run. Its process may come, go, or live on another machine.
    """

    def __init__(self, folder: RunFolder):
        self._folder = folder
        self._known: dict[psutil.Process, psutil.Process] = {}
        self._has_gpu = shutil.which("nvidia-smi") is not None
        self.latest: Load | None = None

    def measure(self) -> Load | None:
        """Return the load now; None if no process of the run lives here."""
        before = self._known  # which know how busy they were until now
        self._known = {found: before.get(found, found) for found in tree(lock.holder(self._folder))}
        if not self._known:
            return None
        whole = len(self._known) <= MOST_MEASURED_WHOLE
        each = [_one(process, whole) for process in self._known.values()]
        cores = sum(busy for busy, _ in each) / 100 if before else None
        return Load(cores, sum(memory for _, memory in each), len(each), self._gpus())

    def look(self) -> float:
        """Measure into `latest`; return the seconds until the next measurement."""
        self.latest = self.measure()
        has_cores = self.latest is not None and self.latest.cores is not None
        # CPU use is a difference: the second measurement comes soon, so that there is one
        return SECONDS_BETWEEN_MEASURES if has_cores else 0.5

    def _gpus(self) -> tuple[Gpu, ...]:
        if not self._has_gpu:
            return ()
        found = gpus()
        self._has_gpu = bool(found)
        return found


def gpus() -> tuple[Gpu, ...]:
    """Return what `nvidia-smi` says of each GPU; nothing without it or when it fails."""
    command = ["nvidia-smi", GPU_QUERY, "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=True
        )
        rows = [line.split(",") for line in said.stdout.splitlines() if line.strip()]
        return tuple(Gpu(_number(p), int(_number(u) * MIB), int(_number(t) * MIB)) for p, u, t in rows)
    except (OSError, subprocess.SubprocessError, ValueError):
        return ()


def _number(text: str) -> float:
    return 0.0 if "N/A" in text else float(text)  # GPUs cut in parts do not say how busy they are


def _one(process: psutil.Process, whole: bool) -> tuple[float, int]:
    """Return percent of a CPU and bytes of one process, zeros if it has just ended."""
    try:
        busy = process.cpu_percent()
        with suppress(psutil.AccessDenied, AttributeError):
            if whole:
                return busy, int(process.memory_full_info().pss)
        return busy, int(process.memory_info().rss)
    except psutil.Error:
        return 0.0, 0
