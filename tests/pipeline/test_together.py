"""Two at once: on one datapool, one run directory, one run, one process; and who comes after a kill."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lightly_nb as lnb
from lightly_nb.embeddings_csv import read_embeddings_csv
from lightly_nb.errors import DatasourceError, RunCanceled, RunError
from lightly_nb.events import silent
from lightly_nb.files import exclusive
from lightly_nb.pipeline.datapool.files import held
from lightly_nb.pipeline.runs import prepare
from lightly_nb.states import RunState
from lightly_nb.turns import in_turn
from tests.conftest import TINY_MODEL
from tests.photos import write_photographs

TRAIN = {"generate_report": False, "enable_training": True}


@pytest.fixture
def quick(tiny_checkpoint: str) -> dict[str, object]:
    """A worker_config that embeds in no time."""
    return {"generate_report": False, "checkpoint": tiny_checkpoint}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a few photographs."""
    folder = tmp_path_factory.mktemp("photos")
    write_photographs(folder, 24)
    return folder


def at_once(*functions: Callable[[], Any]) -> list[Any]:
    """Call functions in threads; return what they return or raise."""
    results: list[Any] = [None] * len(functions)

    def call(number: int) -> None:
        try:
            results[number] = functions[number]()
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=call, args=(number,)) for number in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    return results


def test_two_runs_on_one_datapool_lose_no_update(quick, photos, tmp_path):
    def one(number: int) -> Callable[[], lnb.Run]:
        return lambda: lnb.run(
            photos,
            tmp_path / f"out {number}",
            n_samples=3,
            worker_config={**quick, "datasource": {"process_all": True}},
            datapool=tmp_path / "pool",
            on_event=silent,
        )

    runs = at_once(one(1), one(2))
    first, second = sorted(runs, key=lambda run: len(run.selection.preselected))
    assert sorted(second.selection.preselected) == sorted(first.selection.filenames)
    latest = read_embeddings_csv(tmp_path / "pool" / "datapool_latest.csv").filenames
    assert latest == [*first.selection.filenames, *second.selection.filenames]
    assert not (tmp_path / "pool" / ".lock").exists()


def test_a_run_waits_for_the_datapool_says_so_and_can_be_canceled(quick, photos, tmp_path):
    heard = []
    folder = prepare(photos, tmp_path, n_samples=3, worker_config=quick, datapool=tmp_path / "pool")

    def hear(event):
        heard.append(event.get("message", ""))
        if "waiting for the run that works with the datapool" in heard[-1]:
            folder.cancel.touch()

    with held(tmp_path / "pool"), pytest.raises(RunCanceled):
        lnb.pipeline.execute(folder, on_event=hear)
    assert sum("waiting for the run that works" in text for text in heard) == 1
    assert not (tmp_path / "pool").exists()  # nothing was ever put there


def test_of_two_runs_on_one_run_directory_one_is_refused(quick, photos, tmp_path):
    options = {"worker_config": {**quick, "run_directory": "mine"}}
    results = at_once(
        *(lambda n=n: prepare(photos, tmp_path, n_samples=n, **options) for n in (3, 5, 7)),
    )
    refused = [result for result in results if isinstance(result, DatasourceError)]
    assert len(refused) == 2
    assert all("is not empty" in str(error) for error in refused)
    number = next(n for n, result in zip((3, 5, 7), results, strict=True) if result not in refused)
    assert lnb.open_run(tmp_path / "mine").job.configs.selection.n_samples == number
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_two_runs_in_the_same_second_get_a_folder_each(photos, tmp_path):
    made = at_once(*([lambda: prepare(photos, tmp_path, n_samples=3)] * 4))
    assert len({folder.path for folder in made}) == 4


def test_two_threads_never_work_on_one_run(quick, photos, tmp_path, monkeypatch):
    monkeypatch.setattr("lightly_nb.pipeline.process.lock.SECONDS_TO_HAND_OVER", 0.2)
    folder = prepare(photos, tmp_path, n_samples=3, worker_config=quick)
    with exclusive(folder.path), pytest.raises(RunError, match="still being worked on by another thread"):
        lnb.pipeline.execute(folder, on_event=silent)
    assert lnb.open_run(folder.path).state is RunState.OPEN
    assert not folder.events.exists()


def test_runs_in_two_threads_take_turns_and_give_what_they_give_alone(quick, photos, tmp_path):
    train = {
        "worker_config": {"generate_report": False, "enable_training": True},
        "lightly_config": TINY_MODEL,
    }
    heard: list[str] = []

    def one(name: str, options: Any) -> Callable[[], lnb.Run]:
        hear = lambda event: heard.append(event.get("message", ""))  # noqa: E731
        return lambda: lnb.run(photos, tmp_path / name, n_samples=3, on_event=hear, **options)

    together = at_once(one("a", train), one("b", {"worker_config": quick}), one("c", train))
    assert any("waiting for other work of this process" in text for text in heard)
    alone = [one("d", train)(), one("e", {"worker_config": quick})()]
    for run, expected in zip(together, (alone[0], alone[1], alone[0]), strict=True):
        np.testing.assert_array_equal(run.samples.embeddings, expected.samples.embeddings)
        others = [other for other in together if other.path != run.path]
        assert not any(str(other.path) in run.log() for other in others)


def test_a_process_forked_after_work_computes(photos):
    """Without care it waits for ever for threads of OpenMP that are not in it."""
    import torch

    with in_turn():
        torch.ones(600, 600) @ torch.ones(600, 600)
    child = os.fork()
    if child == 0:
        try:
            torch.nn.Conv2d(3, 64, 3)(torch.ones(8, 3, 64, 64))
            with in_turn():
                os._exit(0 if torch.get_num_threads() == 1 else 2)
        finally:
            os._exit(3)
    until = time.monotonic() + 30
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > until:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("it hangs")
        time.sleep(0.02)
    assert os.waitstatus_to_exitcode(ended[1]) == 0


def test_two_trainings_in_one_folder_are_refused(photos, tmp_path):
    samples = lnb.list_samples(photos, on_event=silent)
    with exclusive(tmp_path), pytest.raises(RunError, match=r"another process or thread is training there"):
        lnb.train(samples, lightly_config=dict(TINY_MODEL), output_dir=tmp_path, on_event=silent)
    (tmp_path / ".writing-0123456789abcdef").write_bytes(b"half")
    lnb.train(samples, lightly_config=dict(TINY_MODEL), output_dir=tmp_path, on_event=silent)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.ckpt", "lightly_epoch_1.ckpt"]


def test_threads_are_recorded_and_held_on_a_rerun_and_last_is_the_same_file(photos, tmp_path):
    import torch

    before = torch.get_num_threads()
    options = {
        "worker_config": {"generate_report": False, "enable_training": True},
        "lightly_config": TINY_MODEL,
    }
    try:
        torch.set_num_threads(2)
        first = lnb.run(photos, tmp_path / "a", n_samples=3, on_event=silent, **options)
        torch.set_num_threads(1)
        again = lnb.rerun(first.path, tmp_path / "b", on_event=silent)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    for name in ("lightly_epoch_1.ckpt", "last.ckpt", "data/embeddings.csv"):
        assert (first.path / name).read_bytes() == (again.path / name).read_bytes()
