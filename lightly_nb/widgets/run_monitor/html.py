"""The parts of the run monitor as HTML: pure functions of what is known about a run.

Everything that comes from a file, an event or a log is escaped here and nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from html import escape
from pathlib import Path

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


def duration(seconds: float) -> str:
    """Return a duration in words.

    >>> [duration(s) for s in (0.04, 3.21, 42.4, 65, 7380)]
    ['0.0 s', '3.2 s', '42 s', '1 min 05 s', '2 h 03 min']
    """
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes = round(seconds) // 60
    return (
        f"{minutes} min {round(seconds) % 60:02d} s"
        if minutes < 60
        else f"{minutes // 60} h {minutes % 60:02d} min"
    )


def bytes_text(size: float) -> str:
    """Return a size in words.

    >>> bytes_text(0), bytes_text(1536), bytes_text(3_400_000_000)
    ('0 B', '1.5 kB', '3.4 GB')
    """
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}" if size < 100 * scale else f"{size / scale:.0f} {unit}"
    return f"{size:.0f} B"


def head(story: RunStory, state: RunState, message: str, now: float) -> str:
    """Return state, message and how long the run has taken."""
    tone = TONES.get(state, "busy")
    until = story.time if state.in_end_state() else now
    took = ""
    if story.started is not None and until is not None:
        took = f'<span class="lnb-took">{duration(max(0.0, until - story.started))}</span>'
    said = "" if tone == "bad" else f'<span class="lnb-message">{escape(plain(message))}</span>'
    return (
        f'<div class="lnb-head" data-state="{state.value}" data-events="{story.n_events}" '
        f'data-time="{story.time or 0:.3f}"><span class="lnb-state lnb-{tone}">'
        f'<span aria-hidden="true">{SIGNS[tone]}</span> {state.value}</span>{said}{took}</div>'
    )


def announcement(state: RunState, message: str) -> str:
    """Return what a screen reader says when the state changes; nothing of it is seen."""
    said = f"Run: {state_words(state)}. {escape(plain(message))}"
    return f'<div class="lnb-unseen" role="status" aria-live="polite" aria-atomic="true">{said}</div>'


def steps(story: RunStory, now: float, is_running: bool) -> str:
    """Return the list of stages."""
    current = story.current if is_running else None
    rows = [_step(step, now, step is current) for step in story.steps]
    return f'<div class="lnb-steps" role="list" aria-label="Stages">{"".join(rows)}</div>' if rows else ""


def _step(step: Step, now: float, is_current: bool) -> str:
    name = escape(state_words(step.name))
    share, told = _share(step, is_current), counted(step)
    value = "" if share is None else f' aria-valuenow="{100 * share:.0f}"'
    bar = (
        f'<span class="lnb-track" role="progressbar" aria-label="{name}" aria-valuemin="0" '
        f'aria-valuemax="100"{value} aria-valuetext="{told or name}">'
        f'<span class="lnb-fill{"" if share is not None else " lnb-unknown"}" '
        f'style="width:{100 * (1 if share is None else share):.1f}%"></span></span>'
    )
    current = ' aria-current="step"' if is_current else ""
    return (
        f'<div class="lnb-step" role="listitem"{current}><span class="lnb-name">{name}</span> {bar} '
        f'<span class="lnb-counted">{told}</span> <span class="lnb-speed">{_speed(step)}</span> '
        f'<span class="lnb-left">{_time(step, now, is_current)}</span></div>'
    )


def counted(step: Step) -> str:
    """Return how far a step is, empty if it counts nothing; safe as HTML."""
    if not step.unit:
        return ""
    total = "" if step.total is None else f" of {step.total:,}"
    many = "" if (step.total if step.total is not None else step.done) == 1 else _plural(step.unit)
    return f"{step.done:,}{total} {escape(step.unit)}{many}"


def _plural(unit: str) -> str:
    return "es" if unit.endswith(("ch", "s", "x")) else "s"


def _share(step: Step, is_current: bool) -> float | None:
    """Return how much of a step is done, 0 to 1; None while nobody knows."""
    if step.total:
        return min(1.0, step.done / step.total)
    return None if is_current else float(step.ended is not None)


def _speed(step: Step) -> str:
    images = step.metrics.get("images_per_second")
    if images is not None:
        return f"{images:,.0f} images/s" if images >= 10 else f"{images:.1f} images/s"
    speed = step.per_second
    if speed is None or not step.unit:
        return ""
    return (
        f"{speed:,.0f} {escape(step.unit)}{_plural(step.unit)}/s"
        if speed >= 10
        else (f"{speed:.1f} {escape(step.unit)}{_plural(step.unit)}/s")
    )


def _time(step: Step, now: float, is_current: bool) -> str:
    took = duration(max(0.0, (step.ended or now) - step.started))
    left = step.seconds_left(now) if is_current else None
    if left is not None:
        return f"{left:.0f} s left" if left < 59.5 else f"{duration(left)} left"
    return took if is_current or step.ended is not None else ""


def notes(story: RunStory) -> str:
    """Return the collapse warning, whole, and the newest other warnings, in short."""
    told = (
        [f'<div class="lnb-warning" role="alert">⚠ {escape(plain(story.collapse))}</div>']
        if story.collapse
        else []
    )
    told += [_short("lnb-warning lnb-line", f"⚠ {text}") for text in story.warnings[-NEWEST_LEFT_OUT:]]
    return "".join(told)


def _short(name: str, text: str) -> str:
    """Return one line of text that is cut where the panel ends; all of it is its tooltip."""
    clean = escape(plain(text).replace("\n", " "))
    return f'<div class="{name}" title="{clean}">{clean}</div>'


def load(now: Load | None, n_cores: int | None) -> str:
    """Return what the run costs the machine."""
    if now is None:
        return ""
    parts = []
    if now.cores is not None:
        of = f" of {n_cores}" if n_cores else ""
        parts.append(f"<b>CPU</b> {now.cores:.1f}{of} cores")
    processes = f" in {now.processes} processes" if now.processes > 1 else ""
    parts.append(f"<b>memory</b> {bytes_text(now.memory)}{processes}")
    parts += [_gpu(number, gpu, len(now.gpus)) for number, gpu in enumerate(now.gpus)]
    return f'<div class="lnb-load">{"".join(f"<span>{part}</span>" for part in parts)}</div>'


def _gpu(number: int, gpu: Gpu, many: int) -> str:
    name = f"GPU {number}" if many > 1 else "GPU"
    return f"<b>{name}</b> {gpu.percent:.0f} %, {bytes_text(gpu.used)} of {bytes_text(gpu.total)}"


def left_out(count: int, newest: Iterable[tuple[str, str]]) -> str:
    """Return how many files are in quarantine, and the newest of them with why."""
    if not count:
        return ""
    lines = "".join(_short("lnb-line", f"{name}: {why}") for name, why in newest)
    files = "file" if count == 1 else "files"
    return f'<div class="lnb-quarantine"><b>{count:,} {files} left out</b>{lines}</div>'


def log(text: str) -> str:
    """Return the end of the log."""
    shown = escape(text) or "the log is empty"
    return f'<pre class="lnb-log" tabindex="0" aria-label="End of the log">{shown}</pre>'


def error(state: RunState, message: str) -> str:
    """Return the error of a run that ended badly, whole, and what to do next; empty for other states."""
    if state not in WHAT_NEXT:
        return ""
    advice = f'<div class="lnb-next">{WHAT_NEXT[state]}</div>'
    if state is RunState.ABORTED:
        return advice
    return f'<div class="lnb-error" role="alert"><pre>{escape(plain(message))}</pre></div>{advice}'


def failed_callback(text: str) -> str:
    """Return an exception of one of the panel's own buttons."""
    return f'<div class="lnb-error" role="alert"><pre>{escape(plain(text))}</pre></div>' if text else ""


def files(path: Path, found: Iterable[OutputFile]) -> str:
    """Return the list of output files."""
    rows = "".join(
        f'<div role="row"><span role="cell">{escape(plain(line.name))}</span>'
        f'<span role="cell">{bytes_text(line.bytes)}</span>'
        f'<span role="cell">{escape(plain(line.about))}</span></div>'
        for line in found
    )
    return (
        f'<div class="lnb-where">{escape(plain(str(path)))}</div>'
        f'<div class="lnb-files" role="table" aria-label="Output files">{rows}</div>'
    )


def whole(parts: Iterable[str], path: Path, as_of: float) -> str:
    """Return the parts as one static block, with when they were true and where the run is."""
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(as_of))
    foot = f'<div class="lnb-where">as of {clock} · {escape(plain(str(path)))}</div>'
    return f'<div class="lnb-panel lnb-monitor">{"".join(parts)}{foot}</div>'
