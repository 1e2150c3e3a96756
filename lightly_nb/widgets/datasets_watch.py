"""One thread that looks again and again, cheaply, for as long as something is under way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lightly_nb.widgets.shared.errors import errors_shown

SECONDS_BETWEEN_LOOKS = 0.5
SHARE_OF_TIME = 0.1
"""A look that takes long makes the next one later: no more than this share of the time is spent looking."""
MOST_SECONDS = 10.0


class Watcher:
    """Calls `look` twice a second at most, until it says that nothing is under way.

    Parameters
    ----------
    look : callable
        Called from the thread; returns whether something is under way.
    on_error : callable
        Called with the text of an exception of `look`; the thread goes on, ever more slowly.
    """

    def __init__(self, look: Callable[[], bool], on_error: Callable[[str], None]):
        self._look, self._on_error = look, on_error
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._again = False
        self._thread: threading.Thread | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the thread is at work."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def start(self) -> None:
        """Look from now on; nothing if the thread looks already."""
        with self._lock:
            self._again = True
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, daemon=True, name="lightly_nb datasets")
                self._thread.start()

    def stop(self) -> None:
        """End the thread for good."""
        self._closed.set()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the thread has ended; return whether it has."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return not self.is_alive

    def _run(self) -> None:
        n_errors = 0
        while not self._closed.wait(min(MOST_SECONDS, SECONDS_BETWEEN_LOOKS * 2**n_errors)):
            began, is_under_way, n_errors = time.monotonic(), True, n_errors + 1
            self._again = False
            with errors_shown(self._on_error):
                is_under_way, n_errors = self._look(), 0
            with self._lock:
                if not is_under_way and not self._again:
                    self._thread = None
                    return
            self._closed.wait(min(MOST_SECONDS, (time.monotonic() - began) / SHARE_OF_TIME))
