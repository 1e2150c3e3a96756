"""The run monitor as text: a line for every change of state, finished stage and warning."""

from __future__ import annotations

import time
from collections.abc import Callable

from lightly_nb.display.text import counted, duration
from lightly_nb.pipeline.run_handle import Run
from lightly_nb.states import RunState
from lightly_nb.widgets.run_monitor.files import plain
from lightly_nb.widgets.run_monitor.html import WHAT_NEXT, state_words, step_counted
from lightly_nb.widgets.run_monitor.story import RunStory, Step


def print_run(run: Run, write: Callable[[str], object] = print) -> None:
    """Print how a run goes, until it has ended; one line each, no control characters.

    Interrupting this leaves the run alone.
    """
    story, told = RunStory(), 0
    for event in run.follow():
        before = story.state
        story.add(event)
        if "state" in event and event["state"] == RunState.OPEN:
            told = 0
        for step in story.steps[told:]:
            if step.ended is None:
                break
            told += 1
            if step.unit:
                write(_line(step.ended, step.name, finished(step)))
        if "check" in event:
            write(_line(event["time"], event["step"], event["message"]))
        elif event.get("level") == "warning" and "filename" not in event:
            write(_line(event["time"], event["step"], f"warning: {event['message']}"))
        elif "state" in event and (story.state is not before or story.n_events == 1):
            write(_line(event["time"], event["state"], event.get("message", "")))
    for line in last_lines(run):
        write(line)


def last_lines(run: Run) -> list[str]:
    """Return what a person should know in the end."""
    state = run.state
    lines = [_line(time.time(), state, run.message)] if state is RunState.CRASHED else []
    if state in WHAT_NEXT:
        lines.append(WHAT_NEXT[state])
    return [*lines, f"run folder: {plain(str(run.path))}"]


def finished(step: Step) -> str:
    """Return what a step did and how long it took."""
    took = (step.ended or step.started) - step.started
    return f"{step_counted(step)} in {duration(took)}"


def summary(story: RunStory, state: RunState, message: str, now: float) -> str:
    """Return a few lines on a run as it stands, for outputs that show text only."""
    lines = [f"{state.value}: {plain(message)}"]
    for step in story.steps:
        took = duration(max(0.0, (step.ended or now) - step.started))
        lines.append(f"  {state_words(step.name)}: {step_counted(step) or '-'}, {took}")
    if story.check is not None:
        lines.append(f"  {plain(story.check['message'])}")
    lines += [f"  warning: {plain(text)}" for text in (story.collapse, *story.warnings) if text]
    if story.left_out:
        lines.append(f"  {counted(len(story.left_out), 'file')} left out")
    return "\n".join(lines)


def _line(at: float, name: str, text: str) -> str:
    said = plain(text).replace("\n", " ")
    return f"{time.strftime('%H:%M:%S', time.localtime(at))} {name}: {said}"
