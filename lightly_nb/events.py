"""Events: the one stream that progress bars, the run monitor and the run handle read.

A function that takes longer than two seconds accepts `on_event`, a callable that gets plain dicts.
A listener may raise (`RunCanceled`) to stop the work: that is how cancel reaches every loop.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypedDict

SECONDS_BETWEEN_EVENTS = 0.12
"""Events of one stage are at most this often (8 Hz), the first and the last always sent."""


class Event(TypedDict, total=False):
    """One thing that happened. Only `time` and `step` are always there."""

    time: float
    """Seconds since the epoch."""
    state: str
    """The run's new `RunState`, on a change of state."""
    step: str
    """Name of the step, in the words of `RunState`: TRAINING, EMBEDDING, …"""
    done: int
    total: int | None
    unit: str
    metrics: dict[str, float]
    """For example `loss`, `images_per_second`."""
    message: str
    filename: str
    """The file that was left out, if that is what the message says."""
    level: str
    """`info`, `warning` or `error`."""
    errno: int
    """Number of the system's error that ended a run, if one did: `errno.ENOSPC` is a full disk."""
    check: dict[str, Any]
    """What the embedding check has found: `EmbeddingCheck.to_dict`."""


Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """Hear an event and do nothing: the listener of those who want to see no progress."""


def combined(*listeners: Listener | None) -> Listener:
    """Return one listener that calls all of `listeners` in order, None left out."""
    present = [listener for listener in listeners if listener is not None]

    def call_all(event: Event) -> None:
        for listener in present:
            listener(event)

    return call_all


def say(
    on_event: Listener, step: str, message: str, level: str = "info", filename: str | None = None
) -> None:
    """Send one message event; `filename` is a file that was left out, if that is what it says."""
    event = Event(time=time.time(), step=step, message=message, level=level)
    if filename is not None:
        event["filename"] = filename
    on_event(event)


class Stage:
    """Counts the work of one step and sends its events, throttled.

    Examples
    --------
    >>> heard = []
    >>> with Stage(heard.append, "EMBEDDING", total=2, unit="image") as stage:
    ...     stage.advance(1)
    ...     stage.advance(1, loss=0.5)
    >>> heard[0]["done"], heard[-1]["done"], heard[-1]["metrics"]
    (0, 2, {'loss': 0.5})
    """

    def __init__(self, on_event: Listener, step: str, total: int | None, unit: str = "it"):
        self.on_event, self.step, self.total, self.unit = on_event, step, total, unit
        self.done = 0
        self.metrics: dict[str, float] = {}
        self._sent_at = 0.0
        self._sent_done = -1

    def __enter__(self) -> Stage:
        self._send()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if kind is not None:
            return
        was_unknown, self.total = self.total is None, self.done if self.total is None else self.total
        if was_unknown or self._sent_done != self.done:
            self._send()

    def advance(self, n: int = 1, **metrics: float) -> None:
        """Count `n` more units done; `metrics` replace those of the same name."""
        self.done += n
        self.metrics = {**self.metrics, **metrics}
        if time.monotonic() - self._sent_at >= SECONDS_BETWEEN_EVENTS:
            self._send()

    def _send(self) -> None:
        self._sent_at, self._sent_done = time.monotonic(), self.done
        self.on_event(
            Event(
                time=time.time(),
                step=self.step,
                done=self.done,
                total=self.total,
                unit=self.unit,
                metrics=self.metrics,
            )
        )


class ProgressBar:
    """A listener that shows `tqdm.auto` bars, one a step, and prints warnings and verdicts beside them."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._step = ""

    def __call__(self, event: Event) -> None:
        if event.get("level") in ("warning", "error") or "check" in event:
            self._write(f"{event['step']}: {event['message']}")
        if "done" not in event:
            return
        if self._bar is None or event["step"] != self._step or event["done"] < self._bar.n:
            self._open(event)
        self._bar.set_postfix(
            {name: f"{value:.4g}" for name, value in event.get("metrics", {}).items()}, refresh=False
        )
        self._bar.update(event["done"] - self._bar.n)
        if event["done"] == event["total"]:
            self.close()

    def close(self) -> None:
        """Leave the open bar, if any, as it stands."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _open(self, event: Event) -> None:
        from tqdm.auto import tqdm

        self.close()
        self._step = event["step"]
        self._bar = tqdm(total=event.get("total"), desc=self._step.lower(), unit=event.get("unit", "it"))

    def _write(self, text: str) -> None:
        from tqdm.auto import tqdm

        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        tqdm.write(text.encode(encoding, "backslashreplace").decode(encoding))
