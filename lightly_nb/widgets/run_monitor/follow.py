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
from lightly_nb.widgets.shared.background import Background
from lightly_nb.widgets.shared.errors import errors_shown

SECONDS_BETWEEN_LOOKS = 0.125
SECONDS_BETWEEN_SLOW_LOOKS = 1.0
"""How often it is looked whether the process lives, which takes many small reads."""
BYTES_AT_ONCE = 1_000_000


class Follower(Background):
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
        super().__init__("lightly_nb monitor", on_error)
        self.folder, self._on_change = run.folder, on_change
        self.story = RunStory()
        self.state = RunState.OPEN
        """As the story says, or CRASHED."""
        self._position = 0
        self._reading = threading.Lock()
        self._looked_at = 0.0

    @property
    def message(self) -> str:
        """What the run said last."""
        return crashed_message(self.folder) if self.state is RunState.CRASHED else self.story.message

    def catch_up(self, seconds: float = float("inf")) -> bool:
        """Read all events that there are, or as many as `seconds` allow; return whether that was all."""
        until = time.monotonic() + seconds
        while self._read():
            if time.monotonic() > until:
                return False
        self.state = true_state(self.folder, self._said)
        return True

    def follow(self) -> None:
        """Follow the run from now on, in a thread that does not keep the kernel from ending."""
        self.repeat(self._look)

    def _look(self) -> float | None:
        moved = self._read()
        if moved:
            self.state = self.story.state
        is_time = time.monotonic() - self._looked_at > SECONDS_BETWEEN_SLOW_LOOKS
        if is_time or self.story.state.in_end_state():
            _refuse_gone(self.folder.path)
            self.state = true_state(self.folder, self._said)
            self._looked_at, moved = time.monotonic(), True
        if moved:
            with errors_shown(self._on_error):
                self._on_change()
        return None if self.state.in_end_state() else SECONDS_BETWEEN_LOOKS

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
