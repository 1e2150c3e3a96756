"""Events: what a stage sends, how often, and how a listener stops it."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightly_nb import events
from lightly_nb.errors import RunCanceled
from lightly_nb.events import Event, ProgressBar, Stage, combined, say


class Clock:
    """Stands in for `time`: moves only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(events, "time", clock)
    return clock


def test_a_stage_sends_at_most_eight_events_a_second_and_always_the_first_and_last(clock: Clock) -> None:
    heard: list[Event] = []
    with Stage(heard.append, "EMBEDDING", total=1000, unit="image") as stage:
        for _ in range(1000):
            clock.now += 0.01
            stage.advance()
    assert heard[0]["done"] == 0
    assert heard[-1]["done"] == 1000
    times = [event["time"] for event in heard]
    assert all(later - earlier > 0.11 for earlier, later in pairwise(times[:-1]))
    assert 70 < len(heard) <= 85


@settings(deadline=None)
@given(st.lists(st.integers(1, 50)), st.booleans())
def test_counts_grow_to_the_sum_and_the_total_is_known_at_the_end(steps: list[int], known: bool) -> None:
    heard: list[Event] = []
    with Stage(heard.append, "X", total=sum(steps) if known else None) as stage:
        for n in steps:
            stage.advance(n)
    done = [event["done"] for event in heard]
    assert done == sorted(done)
    assert (heard[0]["done"], heard[-1]["done"], heard[-1]["total"]) == (0, sum(steps), sum(steps))
    assert heard[0]["total"] == (sum(steps) if known else None)
    assert json.loads(json.dumps(heard)) == heard


def test_metrics_are_the_newest_of_each_name_and_earlier_events_keep_theirs(clock: Clock) -> None:
    heard: list[Event] = []
    with Stage(heard.append, "TRAINING", total=3) as stage:
        for loss in (3.0, 2.0, 1.0):
            clock.now += 1
            stage.advance(loss=loss, **({"speed": 9.0} if loss == 3.0 else {}))
    assert [event["metrics"].get("loss") for event in heard] == [None, 3.0, 2.0, 1.0]
    assert heard[-1]["metrics"] == {"loss": 1.0, "speed": 9.0}


def test_a_listener_that_raises_stops_the_loop_and_hears_no_end(clock: Clock) -> None:
    heard: list[Event] = []

    def listen(event: Event) -> None:
        heard.append(event)
        if event["done"] == 3:
            raise RunCanceled("stopped")

    worked = 0

    def work() -> None:
        nonlocal worked
        with Stage(listen, "X", total=10) as stage:
            for _ in range(10):
                clock.now += 1
                worked += 1
                stage.advance()

    with pytest.raises(RunCanceled):
        work()
    assert worked == 3
    assert [event["done"] for event in heard] == [0, 1, 2, 3]


def test_an_error_inside_a_stage_sends_no_last_event() -> None:
    heard: list[Event] = []

    def work() -> None:
        with Stage(heard.append, "X", total=None) as stage:
            stage.advance()
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        work()
    assert heard[-1]["total"] is None


def test_combined_calls_all_in_order_and_skips_none() -> None:
    heard: list[str] = []
    listener = combined(lambda event: heard.append("a"), None, lambda event: heard.append("b"))
    say(listener, "X", "hello")
    assert heard == ["a", "b"]
    combined()(Event())


def test_say_sends_the_message_with_its_level() -> None:
    heard: list[Event] = []
    say(heard.append, "TRAINING", "no GPU", "warning")
    assert {**heard[0], "time": 0} == {"time": 0, "step": "TRAINING", "message": "no GPU", "level": "warning"}


def shown(*steps: tuple[str, int | None, int]) -> tuple[str, ProgressBar]:
    """Return what a progress bar shows of stages (step, total, done), and the bar."""
    out = io.StringIO()
    with redirect_stderr(out), redirect_stdout(out):
        bar = ProgressBar()
        for step, total, done in steps:
            with Stage(bar, step, total, "image") as stage:
                stage.advance(done, loss=0.123456)
        say(bar, "X", "look here", "warning")
        say(bar, "X", "not shown", "info")
    return out.getvalue(), bar


def test_a_progress_bar_shows_steps_counts_metrics_and_warnings() -> None:
    text, _ = shown(("TRAINING", 10, 10), ("EMBEDDING", 20, 20))
    for part in ("training", "10/10", "embedding", "20/20", "loss=0.123", "X: look here"):
        assert part in text
    assert "not shown" not in text


@pytest.mark.parametrize("total", [0, 5, None])
def test_a_bar_is_closed_at_its_end_also_when_the_total_was_unknown(total: int | None) -> None:
    _, bar = shown(("LOADING_DATASET", total, 5 if total is None else total))
    assert bar._bar is None


def test_a_step_that_starts_again_opens_a_new_bar() -> None:
    text, bar = shown(("TRAINING", 10, 4), ("TRAINING", 10, 2))
    assert "4/10" in text
    assert "2/10" in text
    bar.close()
    assert bar._bar is None
