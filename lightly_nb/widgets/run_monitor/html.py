"""The parts of the run monitor as HTML: pure functions of what is known about a run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from lightly_nb.display.html import Html, join, tag
from lightly_nb.display.text import counted, duration, rate, size
from lightly_nb.events import Event
from lightly_nb.states import RunState
from lightly_nb.widgets.run_monitor.files import OutputFile, plain
from lightly_nb.widgets.run_monitor.load import Gpu, Load
from lightly_nb.widgets.run_monitor.story import RunStory, Step

NEWEST_LEFT_OUT = 3
TONES = {
    RunState.COMPLETED: "good",
    RunState.FAILED: "bad",
    RunState.CRASHED: "bad",
    RunState.ABORTED: "ended",
    RunState.CANCELED_OR_NOT_EXISTING: "ended",
}
SIGNS = {"good": "✓", "bad": "✕", "ended": "■", "busy": "●"}
WHAT_NEXT = {
    RunState.FAILED: "Mend what the message says, then resume: what was finished is kept and not done again. "
    "A change of the configuration needs a new run.",
    RunState.CRASHED: "The process ended without a word, for example because memory ran out (then lower "
    "loader.batch_size or num_threads) or the machine was restarted. Resume goes on from what was finished.",
    RunState.ABORTED: "What was finished is kept: checkpoints of whole epochs, embedded chunks, selection. "
    "Resume goes on from it.",
}


def state_words(state: RunState | str) -> str:
    """Return a state or step in words.

    >>> state_words("COMPUTING_ACTIVE_LEARNING_SCORES")
    'Computing active learning scores'
    """
    return str(state).replace("_", " ").capitalize()


def head(story: RunStory, state: RunState, message: str, now: float) -> Html:
    """Return state, message and how long the run has taken."""
    tone = TONES.get(state, "busy")
    until = story.time if state.in_end_state() else now
    took = None
    if story.started is not None and until is not None:
        took = tag("span", duration(max(0.0, until - story.started)), class_="lnb-took")
    sign = tag("span", SIGNS[tone], aria_hidden="true")
    return tag(
        "div",
        tag("span", sign, f" {state.value}", class_=f"lnb-state lnb-{tone}"),
        None if tone == "bad" else tag("span", plain(message), class_="lnb-message"),
        took,
        class_="lnb-head",
        data_state=state.value,
        data_events=story.n_events,
        data_time=f"{story.time or 0:.3f}",
    )


def announcement(state: RunState, message: str) -> Html:
    """Return what a screen reader says when the state changes; nothing of it is seen."""
    said = f"Run: {state_words(state)}. {plain(message)}"
    return tag("div", said, class_="lnb-unseen", role="status", aria_live="polite", aria_atomic="true")


def steps(story: RunStory, now: float, is_running: bool) -> Html:
    """Return the list of stages."""
    current = story.current if is_running else None
    rows = [_step(step, now, step is current) for step in story.steps]
    return tag("div", rows, class_="lnb-steps", role="list", aria_label="Stages") if rows else Html()


def _step(step: Step, now: float, is_current: bool) -> Html:
    name, how_far = state_words(step.name), step_counted(step)
    cells = (
        tag("span", name, class_="lnb-name"),
        _bar(name, how_far, _share(step, is_current)),
        tag("span", how_far, class_="lnb-counted"),
        tag("span", _speed(step), class_="lnb-speed"),
        tag("span", _time(step, now, is_current), class_="lnb-left"),
    )
    current = "step" if is_current else None
    return tag("div", join(*cells, by=" "), class_="lnb-step", role="listitem", aria_current=current)


def _bar(name: str, how_far: str, share: float | None) -> Html:
    filled = 100 * (1 if share is None else share)
    return tag(
        "span",
        tag(
            "span",
            class_=f"lnb-fill{'' if share is not None else ' lnb-unknown'}",
            style=f"width:{filled:.1f}%",
        ),
        class_="lnb-track",
        role="progressbar",
        aria_label=name,
        aria_valuemin=0,
        aria_valuemax=100,
        aria_valuenow=None if share is None else f"{filled:.0f}",
        aria_valuetext=how_far or name,
    )


def step_counted(step: Step) -> str:
    """Return how far a step is, empty if it counts nothing."""
    if not step.unit:
        return ""
    if step.total is None:
        return counted(step.done, step.unit)
    return f"{step.done:,} of {counted(step.total, step.unit)}"


def _share(step: Step, is_current: bool) -> float | None:
    """Return how much of a step is done, 0 to 1; None while nobody knows."""
    if step.total:
        return min(1.0, step.done / step.total)
    return None if is_current else float(step.ended is not None)


def _speed(step: Step) -> str:
    images = step.metrics.get("images_per_second")
    if images is not None:
        return rate(images, "image")
    speed = step.per_second
    return "" if speed is None or not step.unit else rate(speed, step.unit)


def _time(step: Step, now: float, is_current: bool) -> str:
    left = step.seconds_left(now) if is_current else None
    if left is not None:
        return f"{duration(left)} left"
    took = duration(max(0.0, (step.ended or now) - step.started))
    return took if is_current or step.ended is not None else ""


def notes(story: RunStory) -> Html:
    """Return collapse warning and embedding check, whole, and the newest other warnings, in short."""
    warnings = [f"⚠ {text}" for text in story.warnings[-NEWEST_LEFT_OUT:]]
    return join(
        _embedding_check(story.check),
        tag("div", f"⚠ {plain(story.collapse)}", class_="lnb-warning", role="alert")
        if story.collapse
        else None,
        (_short("lnb-warning lnb-line", text) for text in warnings),
    )


def _embedding_check(event: Event | None) -> Html | None:
    """Return the verdict on the embeddings: a warning unless all is well."""
    if event is None:
        return None
    if event.get("level") == "warning":
        return tag("div", f"⚠ {plain(event['message'])}", class_="lnb-warning", role="alert")
    return tag("div", plain(event["message"]), class_="lnb-check")


def _short(name: str, text: str) -> Html:
    """Return one line of text that is cut where the panel ends; all of it is its tooltip."""
    clean = plain(text).replace("\n", " ")
    return tag("div", clean, class_=name, title=clean)


def load(now: Load | None, n_cores: int | None) -> Html:
    """Return what the run costs the machine."""
    if now is None:
        return Html()
    parts = []
    if now.cores is not None:
        of = f" of {n_cores}" if n_cores else ""
        parts.append(_named("CPU", f"{now.cores:.1f}{of} cores"))
    processes = f" in {now.processes} processes" if now.processes > 1 else ""
    parts.append(_named("memory", f"{size(now.memory)}{processes}"))
    parts += [_gpu(number, gpu, len(now.gpus)) for number, gpu in enumerate(now.gpus)]
    return tag("div", parts, class_="lnb-load")


def _gpu(number: int, gpu: Gpu, many: int) -> Html:
    name = f"GPU {number}" if many > 1 else "GPU"
    return _named(name, f"{gpu.percent:.0f} %, {size(gpu.used)} of {size(gpu.total)}")


def _named(name: str, text: str) -> Html:
    return tag("span", tag("b", name), f" {text}")


def left_out(count: int, newest: Iterable[tuple[str, str]]) -> Html:
    """Return how many files are in quarantine, and the newest of them with why."""
    if not count:
        return Html()
    lines = (_short("lnb-line", f"{name}: {why}") for name, why in newest)
    return tag("div", tag("b", f"{counted(count, 'file')} left out"), lines, class_="lnb-quarantine")


def log(text: str) -> Html:
    """Return the end of the log."""
    shown = text or "the log is empty"
    return tag("pre", shown, class_="lnb-log", tabindex=0, aria_label="End of the log")


def error(state: RunState, message: str) -> Html:
    """Return the error of a run that ended badly, whole, and what to do next; empty for other states."""
    if state not in WHAT_NEXT:
        return Html()
    advice = tag("div", WHAT_NEXT[state], class_="lnb-next")
    return advice if state is RunState.ABORTED else join(_failed(message), advice)


def failed_callback(text: str) -> Html:
    """Return an exception of one of the panel's own buttons."""
    return _failed(text) if text else Html()


def _failed(text: str) -> Html:
    return tag("div", tag("pre", plain(text)), class_="lnb-error", role="alert")


def files(path: Path, found: Iterable[OutputFile]) -> Html:
    """Return the list of output files."""
    lines = ((plain(line.name), size(line.bytes), plain(line.about)) for line in found)
    rows = (tag("div", (tag("span", cell, role="cell") for cell in line), role="row") for line in lines)
    return join(
        tag("div", plain(str(path)), class_="lnb-where"),
        tag("div", rows, class_="lnb-files", role="table", aria_label="Output files"),
    )


def whole(parts: Iterable[Html], path: Path, as_of: float) -> Html:
    """Return the parts as one static block, with when they were true and where the run is."""
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(as_of))
    foot = tag("div", f"as of {clock} · {plain(str(path))}", class_="lnb-where")
    return tag("div", parts, foot, class_="lnb-panel lnb-monitor")
