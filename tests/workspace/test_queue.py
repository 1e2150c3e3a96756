"""The queue: who may ask for what, and which run is whose turn."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from lightly_nb.errors import (
    BadRequestException,
    ConfigError,
    ConflictException,
    ForbiddenException,
    NotFoundException,
)
from lightly_nb.processes import this_process
from lightly_nb.states import RunState
from lightly_nb.workspace import reading, transact
from lightly_nb.workspace.data.datasets import create_dataset, delete_dataset
from lightly_nb.workspace.data.datasource_kinds import LocalDatasource
from lightly_nb.workspace.data.datasources import set_datasource
from lightly_nb.workspace.data.sharing import share_dataset_only_with
from lightly_nb.workspace.store.schema import ComputeRun, Dataset, ScheduledRun, Worker
from lightly_nb.workspace.work.following import get_run_info, run_info_generator
from lightly_nb.workspace.work.queue import (
    LockLostError,
    end_run,
    expire_locks,
    heartbeat,
    locked,
    look_after,
    take_next,
)
from lightly_nb.workspace.work.runs import abort_run, get_run, get_runs, get_state_changes, record_state
from lightly_nb.workspace.work.scheduling import (
    cancel_scheduled_run,
    get_scheduled_runs,
    priority_name,
    schedule_run,
)
from lightly_nb.workspace.work.workers import (
    delete_worker,
    get_worker,
    get_workers,
    register_worker,
    sign_off,
    sign_on,
    still_on,
)
from tests.workspace.queues import PICK_THREE, asked_for, state_of, with_datasources

ELSEWHERE = {"machine": "another one", "host": "far", "pid": 7, "born": 1.0}


@pytest.fixture
def cats(workspace, ada, tmp_path) -> Dataset:
    return transact(workspace, with_datasources, ada, "cats", tmp_path / "cats")


@pytest.fixture
def dogs(workspace, ada, tmp_path) -> Dataset:
    return transact(workspace, with_datasources, ada, "dogs", tmp_path / "dogs")


@pytest.fixture
def worker(workspace, ada) -> Worker:
    return transact(workspace, register_worker, ada)


def take(workspace, worker, process=None, **options):
    return transact(workspace, take_next, worker.id, process or this_process(), **options)


def end(workspace, taken, state=RunState.COMPLETED):
    def finish(session):
        end_run(session, locked(session, taken.run.id, taken.lock_token)[0], state, "well")

    transact(workspace, finish)


def n_scheduled(workspace) -> int:
    with reading(workspace) as session:
        return session.scalar(select(func.count()).select_from(ScheduledRun))


# Workers


def test_a_name_is_one_worker_of_its_user(workspace, ada, bob):
    first = transact(workspace, register_worker, ada, "gpu box", ["gpu"])
    assert transact(workspace, register_worker, ada, "gpu box").id == first.id
    assert transact(workspace, register_worker, bob, "gpu box").id != first.id
    with reading(workspace) as session:
        assert [(one.name, one.labels) for one in get_workers(session, ada)] == [("gpu box", ["gpu"])]
        assert get_worker(session, ada, "gpu box").id == first.id
    assert transact(workspace, register_worker, ada, "gpu box", ["gpu", "big"]).labels == ["gpu", "big"]
    assert transact(workspace, register_worker, ada, "gpu box", []).labels == []


@pytest.mark.parametrize("labels", ["gpu", [""], [1]])
def test_labels_are_texts(workspace, ada, labels):
    with pytest.raises(BadRequestException, match="list of texts"):
        transact(workspace, register_worker, ada, "gpu box", labels)


def test_unknown_workers_and_those_of_others_are_alike(workspace, ada, bob, worker):
    for name in ("5f0000000000000000000000", worker.id, "Default"):
        with pytest.raises(NotFoundException, match="register_compute_worker"):
            transact(workspace, delete_worker, bob, name)


def test_a_busy_worker_is_not_deleted(workspace, ada, cats, worker):
    asked_for(workspace, ada, cats)
    taken = take(workspace, worker)
    with pytest.raises(ConflictException, match=f"busy with the run {taken.run.id}"):
        transact(workspace, delete_worker, ada, worker.id)
    end(workspace, taken)
    transact(workspace, delete_worker, ada, worker.id)
    with reading(workspace) as session:
        assert get_workers(session, ada) == []
        assert get_run(session, ada, taken.run.id).state == RunState.COMPLETED


def test_one_process_holds_a_name_unless_another_takes_it_over(workspace, ada, worker):
    transact(workspace, sign_on, ada, "Default", ELSEWHERE, force=False)
    with pytest.raises(ConflictException, match=r"process 7 on far, heard of \d s ago.*force_start=True"):
        transact(workspace, sign_on, ada, "Default", this_process(), force=False)
    transact(workspace, sign_on, ada, "Default", this_process(), force=True)
    assert not transact(workspace, still_on, worker.id, ELSEWHERE, "IDLE")
    transact(workspace, sign_off, worker.id, ELSEWHERE)
    assert transact(workspace, still_on, worker.id, this_process(), "IDLE")
    with pytest.raises(ConflictException, match="seems to run already"):
        transact(workspace, sign_on, ada, "Default", ELSEWHERE, force=False)
    transact(workspace, sign_off, worker.id, this_process())
    transact(workspace, sign_on, ada, "Default", ELSEWHERE, force=False)


def test_a_name_of_a_process_that_has_died_here_is_free_at_once(workspace, ada, worker):
    transact(workspace, sign_on, ada, "Default", {**this_process(), "born": 0.0}, force=False)
    transact(workspace, sign_on, ada, "Default", this_process(), force=False)


# Asking for a run


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"worker_config": {"enable_trainig": True}}, "Did you mean 'enable_training'"),
        ({"lightly_config": {"trainer": {"max_epoch": 3}}}, "Did you mean 'max_epochs'"),
        ({"selection_config": {**PICK_THREE, "n_sample": 3}}, "Did you mean 'n_samples'"),
        ({"selection_config": {}}, "exactly one of n_samples and proportion_samples"),
    ],
)
def test_a_typo_is_told_at_once_and_nothing_is_stored(workspace, ada, cats, options, said):
    with pytest.raises(ConfigError, match=said):
        asked_for(workspace, ada, cats, **options)
    assert n_scheduled(workspace) == 0


def test_without_strategies_it_is_the_platforms_diversity(workspace, ada, cats):
    asked = transact(workspace, schedule_run, ada, cats.id, selection_config={"n_samples": 3})
    entry = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY", "strength": 1.0}}
    assert asked.selection_config["strategies"] == [entry]


@pytest.mark.parametrize(
    ("there", "missing"), [([], "INPUT"), (["INPUT"], "LIGHTLY"), (["LIGHTLY"], "INPUT")]
)
def test_a_dataset_needs_both_datasources(workspace, ada, photos, tmp_path, there, missing):
    for purpose in there:
        transact(workspace, set_datasource, photos, LocalDatasource(relative_path=str(tmp_path)), purpose)
    with pytest.raises(BadRequestException, match=f"'photos' has no {missing} datasource, so nothing"):
        asked_for(workspace, ada, photos)
    assert n_scheduled(workspace) == 0
    for purpose in ("INPUT", "LIGHTLY"):
        transact(workspace, set_datasource, photos, LocalDatasource(relative_path=str(tmp_path)), purpose)
    asked_for(workspace, ada, photos)
    assert n_scheduled(workspace) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"priority": "URGENT"}, "LOW, MID, HIGH, CRITICAL"),
        ({"runs_on": "gpu"}, "list of texts"),
        ({"worker_config": {"checkpoint_run_id": "5f" * 12}}, "no run with the id"),
        (
            {
                "selection_config": {
                    "n_samples": 3,
                    "strategies": [
                        {
                            "input": {"type": "EMBEDDINGS", "tag_name": "good ones"},
                            "strategy": {"type": "SIMILARITY"},
                        }
                    ],
                }
            },
            "has no tag 'good ones'",
        ),
    ],
)
def test_what_cannot_be_is_told_at_once(workspace, ada, cats, options, said):
    with pytest.raises((BadRequestException, NotFoundException), match=said):
        asked_for(workspace, ada, cats, **options)
    assert n_scheduled(workspace) == 0


def test_a_stranger_asks_for_a_dataset_that_is_not_there(workspace, bob, cats):
    with pytest.raises(NotFoundException, match="there is no dataset"):
        asked_for(workspace, bob, cats)


def test_no_token_is_stored(workspace, ada, cats):
    asked_for(workspace, ada, cats, worker_config={"token": "lnb_verysecret", "generate_report": False})
    with reading(workspace) as session:
        stored = session.scalars(select(ScheduledRun)).one()
    assert stored.worker_config["token"] == ""
    assert stored.worker_config["generate_report"] is False
    if workspace.is_local:
        for path in Path(workspace.folder).iterdir():
            assert b"verysecret" not in path.read_bytes()


def test_runs_are_listed_by_state(workspace, ada, bob, cats, worker):
    first, second, third = (asked_for(workspace, ada, cats, priority=p) for p in ("LOW", "MID", "HIGH"))
    taken = take(workspace, worker)
    assert taken.scheduled.id == third
    transact(workspace, cancel_scheduled_run, ada, second)
    with reading(workspace) as session:
        listed = {
            state: [one.id for one in get_scheduled_runs(session, ada, cats.id, state)]
            for state in (None, "OPEN", "LOCKED", "DONE", "CANCELED")
        }
        assert priority_name(get_scheduled_runs(session, ada, cats.id, "OPEN")[0]) == "LOW"
        with pytest.raises(BadRequestException, match="OPEN, LOCKED, DONE, CANCELED"):
            get_scheduled_runs(session, ada, cats.id, "open")
        with pytest.raises(NotFoundException):
            get_scheduled_runs(session, bob, cats.id)
    assert listed == {
        None: [first, third],
        "OPEN": [first],
        "LOCKED": [third],
        "DONE": [],
        "CANCELED": [second],
    }


# Whose turn it is


def test_the_highest_priority_then_the_oldest(workspace, ada, worker, tmp_path):
    asked = {}
    for number, priority in enumerate(["MID", "LOW", "CRITICAL", "HIGH", "HIGH", "MID"]):
        dataset = transact(workspace, with_datasources, ada, f"set {number}", tmp_path / "all")
        asked[asked_for(workspace, ada, dataset, priority=priority)] = number
    order = []
    while taken := take(workspace, worker):
        order.append(asked[taken.scheduled.id])
        end(workspace, taken)
    assert order == [2, 3, 4, 0, 5, 1]


def test_a_worker_takes_only_what_its_labels_allow(workspace, ada, cats, dogs):
    plain = transact(workspace, register_worker, ada, "plain")
    big = transact(workspace, register_worker, ada, "big one", ["gpu", "big"])
    on_gpu = asked_for(workspace, ada, cats, runs_on=["gpu"], priority="HIGH")
    anywhere = asked_for(workspace, ada, dogs)
    asked_for(workspace, ada, dogs, runs_on=["tpu"], priority="HIGH")
    assert take(workspace, plain).scheduled.id == anywhere
    assert take(workspace, plain) is None
    assert take(workspace, big).scheduled.id == on_gpu
    assert take(workspace, big) is None


def test_a_worker_serves_the_runs_of_its_own_user(workspace, ada, bob, cats, worker):
    transact(workspace, share_dataset_only_with, ada, cats.id, ["bob@example.com"])
    his = asked_for(workspace, bob, cats)
    assert take(workspace, worker) is None
    his_worker = transact(workspace, register_worker, bob)
    transact(workspace, share_dataset_only_with, ada, cats.id, [])
    assert take(workspace, his_worker) is None
    transact(workspace, share_dataset_only_with, ada, cats.id, ["bob@example.com"])
    assert take(workspace, his_worker).scheduled.id == his


def test_two_runs_on_one_dataset_run_one_after_the_other(workspace, ada, cats, dogs, worker):
    first, second = asked_for(workspace, ada, cats), asked_for(workspace, ada, cats)
    other = asked_for(workspace, ada, dogs, priority="LOW")
    another_worker = transact(workspace, register_worker, ada, "another")
    taken = take(workspace, worker)
    assert taken.scheduled.id == first
    assert take(workspace, another_worker).scheduled.id == other
    assert take(workspace, another_worker) is None
    end(workspace, taken, RunState.FAILED)
    assert take(workspace, another_worker).scheduled.id == second


# Calling back and aborting


def test_a_canceled_run_is_never_started(workspace, ada, bob, cats, worker):
    asked = asked_for(workspace, ada, cats)
    with pytest.raises(NotFoundException, match="No scheduled run found"):
        transact(workspace, cancel_scheduled_run, bob, asked)
    assert state_of(workspace, ada, asked) == "OPEN"
    transact(workspace, cancel_scheduled_run, ada, asked)
    transact(workspace, cancel_scheduled_run, ada, asked)
    assert take(workspace, worker) is None
    with reading(workspace) as session:
        info = get_run_info(session, ada, asked)
        assert get_runs(session, ada, cats.id) == []
    assert info.state == "CANCELED_OR_NOT_EXISTING"
    assert info.message.startswith(f"Could not find a job for the given run_id: '{asked}'.")
    assert not info.ended_successfully()


def test_a_run_under_way_is_aborted_not_canceled(workspace, ada, bob, cats, worker):
    asked = asked_for(workspace, ada, cats)
    taken = take(workspace, worker)
    with pytest.raises(ConflictException, match=f"abort its run {taken.run.id}"):
        transact(workspace, cancel_scheduled_run, ada, asked)
    assert transact(workspace, heartbeat, taken.run.id, taken.lock_token) is False
    with pytest.raises(NotFoundException):
        transact(workspace, abort_run, bob, taken.run.id)
    transact(workspace, share_dataset_only_with, ada, cats.id, ["bob@example.com"])
    with pytest.raises(ForbiddenException, match="ask that user"):
        transact(workspace, abort_run, bob, taken.run.id)
    transact(workspace, abort_run, ada, taken.run.id)
    assert transact(workspace, heartbeat, taken.run.id, taken.lock_token) is True
    end(workspace, taken, RunState.ABORTED)
    with pytest.raises(ConflictException, match="has ended as ABORTED"):
        transact(workspace, abort_run, ada, taken.run.id)
    with pytest.raises(ConflictException, match="nothing to cancel"):
        transact(workspace, cancel_scheduled_run, ada, asked)


# Dying


def test_a_worker_elsewhere_that_is_silent_for_its_lease_is_dead(workspace, ada, cats, worker):
    asked = asked_for(workspace, ada, cats)
    transact(workspace, sign_on, ada, worker.id, ELSEWHERE, force=False)
    taken = take(workspace, worker, ELSEWHERE, lease=0.3)
    assert look_after(workspace) == []
    transact(workspace, heartbeat, taken.run.id, taken.lock_token, lease=0.6)
    time.sleep(0.35)
    assert look_after(workspace) == []
    time.sleep(0.35)
    assert look_after(workspace) == [taken.run.id]
    assert look_after(workspace) == []
    assert state_of(workspace, ada, asked) == "CRASHED"
    with pytest.raises(LockLostError, match="ended as CRASHED"):
        transact(workspace, heartbeat, taken.run.id, taken.lock_token)
    with pytest.raises(LockLostError):
        end(workspace, taken)
    with reading(workspace) as session:
        assert session.get(ScheduledRun, asked).state == "DONE"
        assert "process 7 on far" in get_run(session, ada, taken.run.id).message
        assert get_worker(session, ada, worker.id).state == "CRASHED"
    assert take(workspace, worker) is None


def test_a_worker_of_this_machine_is_dead_when_its_process_is(workspace, ada, cats, dogs, worker):
    asked_for(workspace, ada, cats)
    asked_for(workspace, ada, dogs)
    living = take(workspace, worker, lease=-10)
    dead = take(workspace, worker, {**this_process(), "born": 0.0}, lease=1000)
    assert transact(workspace, expire_locks) == [dead.run.id]
    end(workspace, living)


def test_a_dataset_that_is_deleted_takes_its_runs_along(workspace, ada, cats, worker):
    asked = asked_for(workspace, ada, cats)
    transact(workspace, delete_dataset, ada, cats.id)
    assert state_of(workspace, ada, asked) == "CANCELED_OR_NOT_EXISTING"
    assert take(workspace, worker) is None


# Following


def test_states_are_kept_in_the_documented_order(workspace, ada, cats, worker):
    asked_for(workspace, ada, cats)
    taken = take(workspace, worker)

    def record(session, state):
        run = session.get(ComputeRun, taken.run.id)
        return record_state(session, run, RunState(state), state.lower())

    told = ["STARTED", "EMBEDDING", "TRAINING", "SAMPLING", "EMBEDDING", "COMPLETED", "FAILED"]
    assert [transact(workspace, record, state) for state in told] == [
        *(False, True, False, True, False, True, False)
    ]
    with reading(workspace) as session:
        run = get_run(session, ada, taken.run.id)
        assert [(one.number, one.state) for one in get_state_changes(session, run)] == [
            *((0, "STARTED"), (1, "EMBEDDING"), (2, "SAMPLING"), (3, "COMPLETED"))
        ]
        assert (run.state, run.message) == ("COMPLETED", "completed")


def test_followers_see_every_state_at_once_and_none_twice(workspace, ada, cats, worker):
    asked = asked_for(workspace, ada, cats)
    seen, times = [], {}

    def follow():
        for info in run_info_generator(workspace, ada, asked, seconds=0.02):
            seen.append(info)
            times[info.state] = time.monotonic()

    follower = threading.Thread(target=follow)
    follower.start()
    while not seen:
        time.sleep(0.01)
    assert not seen[0].in_end_state()
    with pytest.raises(ValueError, match="still in progress"):
        seen[0].ended_successfully()
    taken = take(workspace, worker)

    def several(session):
        run, _ = locked(session, taken.run.id, taken.lock_token)
        for state in (RunState.EMBEDDING, RunState.SAMPLING, RunState.SAVING_RESULTS):
            record_state(session, run, state, f"{state} it")
        end_run(session, run, RunState.COMPLETED, "3 of 9 samples selected")

    transact(workspace, several)
    follower.join(30)
    assert [info.state for info in seen] == [
        *("OPEN", "STARTED", "EMBEDDING", "SAMPLING", "SAVING_RESULTS", "COMPLETED")
    ]
    assert seen[0].message.startswith("Waiting for pickup by Lightly Worker.")
    assert seen[-1].message == "3 of 9 samples selected"
    assert seen[-1].ended_successfully()
    assert [info.state for info in run_info_generator(workspace, ada, asked)] == ["COMPLETED"]


def test_strangers_follow_a_run_that_does_not_exist(workspace, ada, bob, cats, worker):
    asked = asked_for(workspace, ada, cats)
    assert state_of(workspace, bob, asked) == "CANCELED_OR_NOT_EXISTING"
    taken = take(workspace, worker)
    assert state_of(workspace, bob, asked) == "CANCELED_OR_NOT_EXISTING"
    (info,) = run_info_generator(workspace, bob, asked)
    assert info.state == "CANCELED_OR_NOT_EXISTING"
    with reading(workspace) as session, pytest.raises(NotFoundException, match="no run with the id"):
        get_run(session, bob, taken.run.id)


def test_unknown_datasets_and_unnamed_ones(workspace, ada, bob):
    his = transact(workspace, create_dataset, bob, "his own")
    with pytest.raises(NotFoundException):
        transact(workspace, schedule_run, ada, his.id, selection_config=PICK_THREE)
    with reading(workspace) as session:
        assert get_runs(session, ada) == []
