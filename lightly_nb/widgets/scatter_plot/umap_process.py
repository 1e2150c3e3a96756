"""UMAP layouts computed by another process, handed over one by one as they become ready."""

from __future__ import annotations

import atexit
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from lightly_nb.errors import LightlyNBError
from lightly_nb.vectors.layouts import umap_name

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
        Called from the thread with the exception, if the process ended without all layouts.
    """

    def __init__(
        self,
        embeddings: np.ndarray,
        wanted: Sequence[int],
        on_ready: Callable[[str, np.ndarray], None],
        on_error: Callable[[Exception], None],
        seed: int = 0,
    ):
        self.waiting_for = [umap_name(k) for k in wanted]
        self._on_ready, self._on_error = on_ready, on_error
        self._folder = tempfile.TemporaryDirectory(prefix="lightly_nb-umap-", ignore_cleanup_errors=True)
        self._path = Path(self._folder.name)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()
        command = [sys.executable, "-m", "lightly_nb.vectors.layouts", str(self._path), str(seed)]
        self._command = [*command, *map(str, wanted)]
        self._thread = threading.Thread(target=self._run, args=(embeddings,), daemon=True, name="umap")
        atexit.register(self.stop)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until every layout has been handed over or the process has ended; return whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """End the process; layouts that are ready stay."""
        self._stopped.set()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        atexit.unregister(self.stop)

    def _run(self, embeddings: np.ndarray) -> None:
        try:
            np.save(self._path / "embeddings.npy", embeddings)
            with open(self._path / "log.txt", "wb") as log:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            self._hand_over(self._process)
        except Exception as error:
            self.waiting_for = []
            self._on_error(error)
        finally:
            self.stop()
            with suppress(OSError):
                self._folder.cleanup()

    def _hand_over(self, process: subprocess.Popen[bytes]) -> None:
        while self.waiting_for and not self._stopped.is_set():
            ended = process.poll() is not None
            path = self._path / f"{self.waiting_for[0]}.npy"
            if path.exists():
                self._on_ready(self.waiting_for.pop(0), np.load(path))
            elif ended:
                said = (self._path / "log.txt").read_text(errors="replace").strip()
                raise LightlyNBError(f"UMAP ended early (exit {process.returncode}):\n{said[-2000:]}")
            else:
                self._stopped.wait(SECONDS_BETWEEN_LOOKS)
