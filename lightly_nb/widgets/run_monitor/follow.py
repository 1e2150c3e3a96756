"""Follows a run from a thread: reads on in its events, a few times a second, until it has ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from lightly_nb.errors import RunError
from lightly_nb.pipeline.run_handle import Run, crashed_message, true_state
from lightly_nb.runfolder import read_events
from lightly_nb.states import RunState
from lightly_nb.widgets.run_monitor.story import RunStory
from lightly_nb.widgets.shared.errors import errors_shown

SECONDS_BETWEEN_LOOKS = 0.125
SECONDS_BETWEEN_SLOW_LOOKS = 1.0
"""How often it is looked whether the process lives, which takes many small reads."""
BYTES_AT_ONCE = 1_000_000


class Follower:
    """What a run has told so far, and a thread that keeps it up to date.

    Parameters
    ----------
    run : Run
        Alive or ended.
    on_change : callable
        Called from the thread whenever something may have changed, about eight times a second at most, once
        more when the run has ended. What it raises goes to `on_error`, and the thread goes on.
    on_error : callable
        Called with the text of an exception.
    """

    def __init__(self, run: Run, on_change: Callable[[], None], on_error: Callable[[str], None]):
        self.folder, self._on_change, self._on_error = run.folder, on_change, on_error
        self.story = RunStory()
        self.state = RunState.OPEN
        """As the story says, or CRASHED."""
        self._position = 0
        self._reading = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def message(self) -> str:
        """What the run said last."""
        return crashed_message(self.folder) if self.state is RunState.CRASHED else self.story.message

    @property
    def is_alive(self) -> bool:
        """Whether the thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def catch_up(self, seconds: float = float("inf")) -> bool:
        """Read all events that there are, or as many as `seconds` allow; return whether that was all."""
        until = time.monotonic() + seconds
        while self._read():
            if time.monotonic() > until:
                return False
        self.state = true_state(self.folder, self._said)
        return True

    def start(self) -> None:
        """Follow the run from now on, in a thread that does not keep the kernel from ending."""
        if self.is_alive or self._closed:
            return
        self._thread = threading.Thread(target=self._follow, daemon=True, name="lightly_nb monitor")
        self._thread.start()

    def stop(self) -> None:
        """End the thread for good."""
        self._closed = True
        self._wake.set()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the thread has ended; return whether it has."""
        if self._thread is not None:
            self._thread.join(timeout)
        return not self.is_alive

    def _follow(self) -> None:
        looked_at = 0.0
        while not self._closed:
            with errors_shown(self._on_error):
                moved = self._read()
                if moved:
                    self.state = self.story.state
                if (
                    self.story.state.in_end_state()
                    or time.monotonic() - looked_at > SECONDS_BETWEEN_SLOW_LOOKS
                ):
                    _refuse_gone(self.folder.path)
                    self.state = true_state(self.folder, self._said)
                    looked_at, moved = time.monotonic(), True
                if moved:
                    self._on_change()
            if self.state.in_end_state():
                return
            self._wake.wait(SECONDS_BETWEEN_LOOKS)

    def _said(self) -> RunState:
        self._read()
        return self.story.state

    def _read(self) -> bool:
        """Read on; return whether there was anything new."""
        with self._reading:
            events, position = read_events(self.folder, self._position, BYTES_AT_ONCE)
            moved, self._position = position > self._position, position
            for event in events:
                self.story.add(event)
        return moved


def _refuse_gone(path: Path) -> None:
    if not path.is_dir():
        raise RunError(f"the run folder '{path}' is gone; if it was moved, open it where it is now")
