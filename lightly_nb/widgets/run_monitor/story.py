"""What the events of a run tell, put together one event at a time; no files, no clocks, no widgets."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from lightly_nb.events import Event
from lightly_nb.states import RunState

COLLAPSED = "the model has collapsed"
"""How the training's warning of a collapse begins; see `training.collapse`."""
AT_CHANCE = "the loss is at chance"
"""How its warning of a loss no better than guessing begins; see `training.chance`."""
SECONDS_OF_RATE = 20.0
"""How far back the speed looks from which the time that is left is computed."""
MOST_POINTS = 300
MOST_WARNINGS = 20
NO_STEP = (RunState.OPEN, RunState.STARTED)


@dataclass
class Step:
    """One line of the list of stages."""

    name: str
    """In the words of `RunState`."""
    started: float
    """Seconds since the epoch, as all times here."""
    ended: float | None = None
    unit: str = ""
    """Empty until the step has counted something."""
    done: int = 0
    total: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    recent: deque[tuple[float, int]] = field(default_factory=deque)
    """Time and count of the last `SECONDS_OF_RATE`."""

    def count(self, event: Event) -> None:
        """Take over what an event has counted."""
        self.unit, self.done = event.get("unit") or "step", event["done"]
        self.total, self.metrics = event.get("total"), dict(event.get("metrics") or {})
        self.recent.append((event["time"], self.done))
        while len(self.recent) > 2 and self.recent[0][0] < event["time"] - SECONDS_OF_RATE:
            self.recent.popleft()

    @property
    def per_second(self) -> float | None:
        """Units a second lately; None until that can be said."""
        if len(self.recent) < 2:
            return None
        (before, first), (now, last) = self.recent[0], self.recent[-1]
        return (last - first) / (now - before) if now > before and last > first else None

    def seconds_left(self, now: float) -> float | None:
        """How long the step will go on if it keeps its speed; None if nobody can know."""
        speed = self.per_second
        if self.ended is not None or speed is None or self.total is None:
            return None
        return max(0.0, (self.total - self.done) / speed - max(0.0, now - self.recent[-1][0]))


@dataclass
class Losses:
    """The loss of a training: over its batches, thinned out to at most `MOST_POINTS`, and over its epochs."""

    batches: list[tuple[float, float]] = field(default_factory=list)
    """Finished batches, loss."""
    epochs: list[tuple[float, float]] = field(default_factory=list)
    """Finished epochs, mean loss of the last one."""
    n_batches: int | None = None
    """How many batches the whole training has."""
    per_point: int = 1
    _waiting: list[tuple[float, float]] = field(default_factory=list)

    def add(self, batch: float, loss: float) -> None:
        """Add one value; neighbours share a point, their mean, once there are many."""
        if self.batches and batch < self.batches[-1][0]:  # resumed from the last whole epoch
            self.batches, self._waiting = [point for point in self.batches if point[0] < batch], []
        self._waiting.append((batch, loss))
        if len(self._waiting) < self.per_point:
            return
        self.batches.append(_mean(self._waiting))
        self._waiting = []
        if len(self.batches) > MOST_POINTS:
            pairs = zip(self.batches[::2], self.batches[1::2], strict=False)
            self.batches, self.per_point = [_mean(list(pair)) for pair in pairs], 2 * self.per_point


class RunStory:
    """A run as far as its events tell it.

    Examples
    --------
    >>> story = RunStory()
    >>> story.add({"time": 1.0, "state": "EMBEDDING", "step": "EMBEDDING", "message": "one pass"})
    >>> story.add({"time": 2.0, "step": "EMBEDDING", "done": 0, "total": 9, "unit": "image"})
    >>> story.add({"time": 3.0, "step": "EMBEDDING", "done": 3, "total": 9, "unit": "image"})
    >>> story.state.value, story.steps[0].per_second, story.steps[0].seconds_left(now=4.0)
    ('EMBEDDING', 3.0, 1.0)
    """

    def __init__(self) -> None:
        self.state = RunState.OPEN
        self.message = "the run has not started yet"
        self.n_events = 0
        self.started: float | None = None
        self.time: float | None = None
        """When the newest event was sent."""
        self.steps: list[Step] = []
        self.losses = Losses()
        self.collapse = ""
        """The warning that the training has collapsed, or that its loss is at chance; empty without one."""
        self.check: Event | None = None
        """The event of the embedding check, which has `check` and its `message`; None before it."""
        self.warnings: list[str] = []
        self.left_out: dict[str, str] = {}
        """Why a file was left out, by its name, in the order in which that was found."""

    @property
    def current(self) -> Step | None:
        """The step that is worked on; None between steps and after the end."""
        return next((step for step in self.steps if step.ended is None), None)

    def add(self, event: Event) -> None:
        """Go on with the next event."""
        self.n_events += 1
        self.time = event["time"]
        if "state" in event:
            self._enter(RunState(event["state"]), event)
        if "done" in event:
            self._count(event)
        self._hear(event)
        if event.get("step") == RunState.TRAINING:
            self._learn(event)

    def _enter(self, state: RunState, event: Event) -> None:
        if state is RunState.OPEN or self.started is None:  # resumed, or begun
            self.started, self.steps = event["time"], []
        self._end_steps(event["time"])
        self.state = state
        if state not in NO_STEP and not state.in_end_state():
            self.steps.append(Step(state.value, event["time"]))

    def _count(self, event: Event) -> None:
        name, unit = event["step"], event.get("unit") or "step"
        last = self.steps[-1] if self.steps else None
        if last is not None and last.ended is None and not last.unit and last.name != name:
            self._count_before(last, event)  # work before the step itself, such as reading images
            return
        same = last is not None and last.ended is None and last.name == name and last.unit in ("", unit)
        if last is None or not same or event["done"] < last.done:
            self._end_steps(event["time"])
            last = Step(name, event["time"])
            self.steps.append(last)
        elif self.current is not last:  # what came before it is done
            self._end_steps(event["time"], but=last)
            last.started = event["time"]
        last.count(event)

    def _end_steps(self, at: float, but: Step | None = None) -> None:
        for step in self.steps:
            if step.ended is None and step is not but:
                step.ended = at

    def _count_before(self, pending: Step, event: Event) -> None:
        """Count in a line above `pending`, a step that was entered and has not counted anything yet."""
        before = self.steps[-2] if len(self.steps) > 1 else None
        fits = before is not None and (before.name, before.unit) == (event["step"], event.get("unit"))
        if before is None or before.ended is not None or not fits or event["done"] < before.done:
            self._end_steps(event["time"], but=pending)
            before = Step(event["step"], event["time"])
            self.steps.insert(-1, before)
        before.count(event)

    def _hear(self, event: Event) -> None:
        message = event.get("message")
        if message is None:
            return
        if "check" in event:
            self.check = event
            return
        if "filename" in event:
            self.left_out[event["filename"]] = message.removeprefix(event["filename"]).partition(": ")[2]
            return
        if event.get("level") != "warning":
            self.message = message
            return
        if message.startswith(COLLAPSED) or (message.startswith(AT_CHANCE) and not self.collapse):
            self.collapse = message
        elif message not in self.warnings:
            self.warnings = [*self.warnings, message][-MOST_WARNINGS:]

    def _learn(self, event: Event) -> None:
        metrics = event.get("metrics") or {}
        if "epoch_loss" in metrics:
            self.losses.epochs.append((metrics["epoch"], metrics["epoch_loss"]))
        elif "done" in event and "loss" in metrics:
            self.losses.add(event["done"], metrics["loss"])
            self.losses.n_batches = event.get("total")


def _mean(points: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)
