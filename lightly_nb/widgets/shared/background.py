"""A panel's work beside the cells of the kernel: in a daemon thread, whose errors are always shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from lightly_nb.errors import RunCanceled
from lightly_nb.events import Event, Listener
from lightly_nb.widgets.shared.errors import error_text

Job = Callable[[threading.Event], object]
"""Gets the event that is set once the job shall stop; it may raise `RunCanceled` then."""
SECONDS_AFTER_ERROR = 1.0
MOST_SECONDS_AFTER_ERROR = 10.0


class Background:
    """Does one job at a time in a daemon thread: the newest, or each in turn.

    Parameters
    ----------
    name : str
        Of the thread.
    on_error : callable
        Gets the text of what a job raised, in its thread.

    Attributes
    ----------
    error : Exception or None
        What ended the newest job that was begun.
    """

    def __init__(self, name: str, on_error: Callable[[str], None]):
        self.name, self._on_error = name, on_error
        self.error: Exception | None = None
        self._lock, self._stop, self._is_closed = threading.Lock(), threading.Event(), False
        self._thread: threading.Thread | None = None

    @property
    def is_alive(self) -> bool:
        """Whether a job is under way, or is to be."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_canceled(self) -> bool:
        """Whether the job under way was asked to stop."""
        return self._stop.is_set()

    def start(self, job: Job, *, after: float = 0.0) -> None:
        """Cancel what is under way and, once it has ended, do `job`; not before `after` seconds are over."""
        with self._lock:
            self._stop.set()
            self._begin(job, threading.Event(), after)

    def add(self, job: Job) -> None:
        """Do `job` after those that were given before."""
        with self._lock:
            self._begin(job, threading.Event() if self._stop.is_set() else self._stop, 0.0)

    def repeat(self, look: Callable[[], float | None], *, after: float = 0.0) -> None:
        """Cancel what is under way, and call `look` again and again.

        Parameters
        ----------
        look : callable
            Returns the seconds until the next call, or None to end. After an exception it is called again,
            ever more slowly.
        after : float
            Seconds until the first call.
        """

        def job(stop: threading.Event) -> None:
            pause: float | None = 0.0
            pause_after_error = SECONDS_AFTER_ERROR
            while pause is not None and not stop.wait(pause):
                try:
                    pause, pause_after_error = look(), SECONDS_AFTER_ERROR
                except Exception as error:
                    self._on_error(error_text(error))
                    pause = pause_after_error
                    pause_after_error = min(2 * pause, MOST_SECONDS_AFTER_ERROR)

        self.start(job, after=after)

    def cancel(self) -> None:
        """Ask the job under way, and those after it, to stop."""
        self._stop.set()

    def close(self) -> None:
        """Cancel, and begin nothing any more."""
        with self._lock:
            self._is_closed = True
            self._stop.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is under way; return whether that is so."""
        until = None if timeout is None else time.monotonic() + timeout
        while (thread := self._thread) is not None and thread.is_alive():
            if until is not None and time.monotonic() > until:
                return False
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
        return True

    def _begin(self, job: Job, stop: threading.Event, after: float) -> None:
        if self._is_closed:
            return
        arguments = (job, stop, after, self._thread)
        self._stop = stop
        self._thread = threading.Thread(target=self._run, args=arguments, daemon=True, name=self.name)
        self._thread.start()

    def _run(self, job: Job, stop: threading.Event, after: float, before: threading.Thread | None) -> None:
        stop.wait(after)
        if before is not None:
            before.join()  # never two at once
        if stop.is_set():
            return
        self.error = None
        try:
            with suppress(RunCanceled):
                job(stop)
        except Exception as error:
            self.error = error
            self._on_error(error_text(error))


def stopping(stop: threading.Event, on_event: Listener, message: str) -> Listener:
    """Return a listener that raises `RunCanceled(message)` once `stop` is set, and else hands events on."""

    def listen(event: Event) -> None:
        if stop.is_set():
            raise RunCanceled(message)
        on_event(event)

    return listen
