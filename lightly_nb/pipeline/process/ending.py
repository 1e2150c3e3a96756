"""How a run ends, and how one that has ended goes on: the words, and the marks in its folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from lightly_nb.errors import LightlyNBError, RunCanceled, RunError, system_error_of
from lightly_nb.events import Event, Listener, say
from lightly_nb.runfolder import RunFolder, append_event, read_events
from lightly_nb.signals import RunTerminated
from lightly_nb.states import RunState

SECONDS_BETWEEN_CANCEL_CHECKS = 0.1
BEFORE_WORK = {RunState.OPEN, RunState.STARTED, RunState.INITIALIZING, RunState.LOADING_DATASET}


def stopped_by(folder: RunFolder, signal_name: str) -> str:
    """Return what is said of a run that a signal has ended."""
    what = "run canceled" if folder.cancel.exists() else f"run ended by signal {signal_name}"
    return f"{what}; {_kept(folder)}"


def ended_with(folder: RunFolder, error: BaseException) -> str:
    """Return what is said of a run that something has ended which is no error."""
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted from the keyboard"
    if isinstance(error, RunTerminated):
        return str(error)
    return f"run ended by {type(error).__name__}; {_kept(folder)}"


def _kept(folder: RunFolder) -> str:
    return f"what was finished is kept in '{folder.path}'. Go on with it with: lightly-nb resume"


def mark_failed(error: Exception, folder: RunFolder) -> None:
    """Note on an error which run has failed with it, if it was not refused before any image was read."""
    states = {RunState(event["state"]) for event in read_events(folder)[0] if "state" in event}
    has_worked = any(state not in BEFORE_WORK and not state.in_end_state() for state in states)
    if has_worked or not isinstance(error, LightlyNBError):
        error.failed_run = folder.path  # type: ignore[attr-defined]


def reopen_if_ended(folder: RunFolder) -> None:
    """Make a run that has ended, or died, one that goes on; one that was only asked for stays as it is."""
    states = [event["state"] for event in read_events(folder)[0] if "state" in event]
    if states and states[-1] != RunState.OPEN:
        reopen(folder)


def reopen(folder: RunFolder) -> None:
    """Make the run of `folder` one that has not ended, so that it can be gone on with; for who holds it."""
    state, said = RunState.OPEN.value, "the run will go on"
    append_event(folder, Event(time=time.time(), state=state, step=state, message=said))
    folder.cancel.unlink(missing_ok=True)


def waiting(emit: Listener, stop: Listener, step: str, said: str) -> Callable[[], None]:
    """Return what says, once, that a run waits, and lets it be canceled meanwhile."""
    has_said = False

    def wait() -> None:
        nonlocal has_said
        if not has_said:
            say(emit, step, said)
        has_said = True
        stop(Event(time=time.time(), step=step))

    return wait


def stop_when_asked(folder: RunFolder) -> Listener:
    """Return a listener that raises `RunCanceled` once the cancel file of a run is there."""
    checked_at = 0.0

    def check(event: Event) -> None:
        nonlocal checked_at
        now = time.monotonic()
        if now - checked_at < SECONDS_BETWEEN_CANCEL_CHECKS or event.get("state") == RunState.COMPLETED:
            return
        checked_at = now
        if folder.cancel.exists():
            raise RunCanceled(
                f"run canceled during {event['step']}; what was finished is kept in '{folder.path}'. "
                "Go on with it with: lightly-nb resume"
            )

    return check


def end(
    folder: RunFolder,
    on_event: Listener | None,
    state: RunState,
    message: str,
    error: BaseException | None = None,
) -> None:
    """Tell the end state of a run, in its events and to `on_event`, and the system's error that ended it."""
    event = Event(time=time.time(), state=state.value, step=state.value, message=message, level="error")
    if (number := system_error_of(error)) is not None:
        event["errno"] = number
    with suppress(RunError):  # a full disk: the handle sees a dead process without an end state, CRASHED
        append_event(folder, event)
    if on_event is not None:
        on_event(event)
