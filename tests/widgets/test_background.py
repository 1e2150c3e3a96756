"""Work in the background of a panel: the newest counts, none beside another, no error is lost."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import pytest

from lightly_nb.errors import RunCanceled, RunError
from lightly_nb.events import Event
from lightly_nb.widgets.shared import background as module
from lightly_nb.widgets.shared.background import Background, stopping


class Scene:
    """A background, what it did, and what went wrong."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.errors: list[str] = []
        self.background = Background("test", self.errors.append)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def job(self, name: str) -> Any:
        return lambda stop: self.done.append(name)

    def busy(self, stop: threading.Event) -> None:
        self.begun.set()
        assert self.go_on.wait(30)
        self.done.append("canceled" if stop.is_set() else "busy")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_job_is_done_in_a_daemon_thread_of_that_name(scene: Scene) -> None:
    seen: list[threading.Thread] = []
    scene.background.start(lambda stop: seen.append(threading.current_thread()))
    assert scene.background.wait(30)
    assert (seen[0].name, seen[0].daemon, scene.background.is_alive) == ("test", True, False)


def test_the_newest_job_cancels_those_before_and_never_runs_beside_them(scene: Scene) -> None:
    scene.background.start(scene.busy)
    assert scene.begun.wait(30)
    for name in ("second", "third"):
        scene.background.start(scene.job(name))
    assert not scene.background.wait(0.1)
    assert scene.done == []
    scene.go_on.set()
    assert scene.background.wait(30)
    assert scene.done == ["canceled", "third"]


def test_a_job_that_is_to_wait_is_not_begun_once_a_newer_one_came(scene: Scene) -> None:
    scene.background.start(scene.job("moved away"), after=60)
    scene.background.start(scene.job("settled"), after=0.01)
    assert scene.background.wait(30)
    assert scene.done == ["settled"]


def test_added_jobs_are_done_in_turn_and_canceled_together(scene: Scene) -> None:
    scene.background.add(scene.busy)
    for name in ("second", "third"):
        scene.background.add(scene.job(name))
    scene.go_on.set()
    assert scene.background.wait(30)
    assert scene.done == ["busy", "second", "third"]
    scene.go_on.clear()
    scene.begun.clear()
    scene.background.add(scene.busy)
    scene.background.add(scene.job("never"))
    assert scene.begun.wait(30)
    scene.background.cancel()
    assert scene.background.is_canceled
    scene.background.add(scene.job("afterwards"))
    scene.go_on.set()
    assert scene.background.wait(30)
    assert scene.done[3:] == ["canceled", "afterwards"]


def test_after_close_nothing_is_begun(scene: Scene) -> None:
    scene.background.start(scene.busy)
    assert scene.begun.wait(30)
    scene.background.close()
    scene.background.start(scene.job("late"))
    scene.background.add(scene.job("later"))
    scene.go_on.set()
    assert scene.background.wait(30)
    assert scene.done == ["canceled"]


def test_an_error_is_told_and_kept_until_the_next_job(scene: Scene) -> None:
    def fail(stop: threading.Event) -> None:
        raise RunError("nothing is left to select from")

    scene.background.start(fail)
    assert scene.background.wait(30)
    assert scene.errors == ["nothing is left to select from"]
    with pytest.raises(RunError, match="nothing is left"):
        raise scene.background.error
    scene.background.start(lambda stop: 1 / 0)
    assert scene.background.wait(30)
    assert scene.errors[1].startswith("Traceback")
    assert "ZeroDivisionError" in scene.errors[1]
    scene.background.start(scene.job("well"))
    assert scene.background.wait(30)
    assert (scene.background.error, scene.done) == (None, ["well"])


def test_a_canceled_job_is_no_error(scene: Scene) -> None:
    heard: list[Event] = []

    def job(stop: threading.Event) -> None:
        listen = stopping(stop, heard.append, "canceled; the files stay")
        listen(Event(time=0.0, step="FIRST"))
        scene.busy(stop)
        with pytest.raises(RunCanceled, match="canceled; the files stay"):
            listen(Event(time=0.0, step="SECOND"))
        listen(Event(time=0.0, step="THIRD"))

    scene.background.start(job)
    assert scene.begun.wait(30)
    scene.background.cancel()
    scene.go_on.set()
    assert scene.background.wait(30)
    assert [event["step"] for event in heard] == ["FIRST"]
    assert (scene.errors, scene.background.error) == ([], None)


def test_a_look_that_fails_is_shown_and_looking_goes_on_ever_more_slowly(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS_AFTER_ERROR", 0.1)
    times: list[float] = []

    def look() -> float | None:
        times.append(time.monotonic())
        if len(times) < 4:
            raise RunError("the database is locked")
        return None if len(times) == 6 else 0.0

    scene.background.repeat(look, after=0.01)
    assert scene.background.wait(30)
    assert scene.errors == ["the database is locked"] * 3
    assert len(times) == 6
    pauses = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert pauses[0] >= 0.1
    assert pauses[1] >= 0.2
    assert pauses[2] >= 0.4


def test_a_look_that_starts_to_look_anew_is_not_its_own_end(scene: Scene) -> None:
    looks: list[str] = []

    def first() -> float | None:
        looks.append("first")
        scene.background.repeat(second)
        return 0.0

    def second() -> float | None:
        looks.append("second")
        return None

    scene.background.repeat(first)
    assert scene.background.wait(30)
    assert looks == ["first", "second"]


def test_looking_ends_with_cancel(scene: Scene) -> None:
    scene.background.repeat(lambda: scene.begun.set() or 60.0)
    assert scene.begun.wait(30)
    scene.background.cancel()
    assert scene.background.wait(30)
