"""UMAP layouts computed by another process, handed over one by one as they become ready."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from lightly_nb.errors import LightlyNBError
from lightly_nb.processes import own_temporary_folder, spawn
from lightly_nb.vectors.layouts import umap_name
from lightly_nb.widgets.shared.background import Background

SECONDS_BETWEEN_LOOKS = 0.1


class UmapProcess:
    """A running process that writes UMAP layouts, and the thread that waits for them.

    Parameters
    ----------
    embeddings : numpy.ndarray
        float32 of shape (n_samples, n_features).
    wanted : sequence of int
        Numbers of neighbours, in the order in which they are computed.
    on_ready : callable
        Called from the thread with the name (`umap_15`) and the layout.
    on_error : callable
        Called from the thread with the text of the error, if the process ended without all layouts.
    """

    def __init__(
        self,
        embeddings: np.ndarray,
        wanted: Sequence[int],
        on_ready: Callable[[str, np.ndarray], None],
        on_error: Callable[[str], None],
        seed: int = 0,
    ):
        self.waiting_for = [umap_name(k) for k in wanted]
        self._on_ready = on_ready
        self._path = own_temporary_folder("umap")
        self._process: subprocess.Popen[bytes] | None = None
        command = [sys.executable, "-m", "lightly_nb.vectors.layouts", str(self._path), str(seed)]
        self._command = [*command, *map(str, wanted)]
        self._background = Background("umap", on_error)
        atexit.register(self.stop)
        self._background.start(partial(self._run, embeddings))

    @property
    def error(self) -> Exception | None:
        """Why the process ended without all layouts."""
        return self._background.error

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until every layout has been handed over or the process has ended; return whether it has."""
        return self._background.wait(timeout)

    def stop(self) -> None:
        """End the process; layouts that are ready stay."""
        self._background.close()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        atexit.unregister(self.stop)

    def _run(self, embeddings: np.ndarray, stop: threading.Event) -> None:
        try:
            np.save(self._path / "embeddings.npy", embeddings)
            self._process = spawn(self._command, self._path / "log.txt")
            self._hand_over(self._process, stop)
        finally:
            self.waiting_for = []
            self.stop()
            shutil.rmtree(self._path, ignore_errors=True)

    def _hand_over(self, process: subprocess.Popen[bytes], stop: threading.Event) -> None:
        while self.waiting_for and not stop.is_set():
            ended = process.poll() is not None
            path = self._path / f"{self.waiting_for[0]}.npy"
            if path.exists():
                self._on_ready(self.waiting_for.pop(0), np.load(path))
            elif ended:
                said = (self._path / "log.txt").read_text(errors="replace").strip()
                raise LightlyNBError(f"UMAP ended early (exit {process.returncode}):\n{said[-2000:]}")
            else:
                stop.wait(SECONDS_BETWEEN_LOOKS)
