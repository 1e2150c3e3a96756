"""What a run says of itself while it works."""

from __future__ import annotations

import time

from lightly_nb.events import Event, Listener
from lightly_nb.states import RunState


def enter(emit: Listener, state: RunState, message: str) -> None:
    """Tell that the run is in a new state."""
    emit(Event(time=time.time(), state=state.value, step=state.value, message=message, level="info"))


def renamed(emit: Listener, step: str) -> Listener:
    """Return a listener that passes events on as those of `step`."""

    def call(event: Event) -> None:
        emit({**event, "step": step})

    return call
