"""Real SIGKILLs at random moments: what was reported done is there, and the store is whole."""

from __future__ import annotations

import multiprocessing
import random
import time
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from lightly_nb.workspace import Workspace, open_workspace, reading, transact
from lightly_nb.workspace.data.datasets import create_dataset
from lightly_nb.workspace.data.tags import create_run_tag
from lightly_nb.workspace.store.schema import ComputeRun, Dataset, RunStateChange, Sample, Tag
from lightly_nb.workspace.users.users import add_user
from tests.workspace import killed
from tests.workspace.killed import Report

KILLS = {"sqlite": 55, "postgresql": 10}
LONGEST_SECONDS = 0.03

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.workspace.killed"])


def killed_after(reports_first: int, seconds: float, *arguments: Any) -> list[Report]:
    """Start a writer, kill it so long after so many reports, and return all that it reported."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=killed.write_and_report, args=(*arguments, sender))
    process.start()
    sender.close()
    reports = [receiver.recv() for _ in range(reports_first)]
    time.sleep(seconds)
    process.kill()
    process.join()
    assert process.exitcode == -9
    try:
        while True:
            reports.append(receiver.recv())
    except EOFError:
        return reports


def check_store_is_whole(workspace: Workspace) -> None:
    with reading(workspace) as session:
        if workspace.is_local:
            assert session.connection().exec_driver_sql("PRAGMA integrity_check").all() == [("ok",)]
            assert session.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []
        counts = session.execute(
            select(Sample.dataset_id, func.count(), func.max(Sample.number)).group_by(Sample.dataset_id)
        ).all()
        n_samples = {dataset_id: count for dataset_id, count, _ in counts}
        assert [count for _, count, last in counts if count != last + 1] == []
        for dataset_id, total, members in session.execute(select(Tag.dataset_id, Tag.total, Tag.members)):
            numbers = np.frombuffer(members, "<u4")
            assert len(np.unique(numbers)) == len(numbers) == total
            assert numbers.max() < n_samples[dataset_id]
        changes = select(RunStateChange.run_id, func.count()).group_by(RunStateChange.run_id)
        runs = session.scalars(select(ComputeRun)).all()
        assert {run.state for run in runs} <= {"COMPLETED"}
        assert sorted(session.execute(changes)) == sorted((run.id, 3) for run in runs)
        assert session.scalar(select(func.count()).select_from(Tag)) == len(runs)


def check_reported_is_there(workspace: Workspace, reports: list[Report]) -> None:
    with reading(workspace) as session:
        for what, dataset_id, name, *rest in reports:
            if what == "dataset":
                assert session.get_one(Dataset, dataset_id).name == name
            else:
                mine = select(Tag.total).where(Tag.dataset_id == dataset_id, Tag.name == name)
                assert session.scalar(mine) == int(rest[0])


def test_a_kill_at_any_moment_loses_nothing_that_was_reported(store_url):
    workspace = open_workspace(store_url)
    _, token = transact(workspace, add_user, "ada@example.com")
    rng = random.Random(20_261_122)
    kills = KILLS["sqlite" if workspace.is_local else "postgresql"]
    reported: list[Report] = []
    for seed in range(kills):
        moment = (rng.randrange(4), rng.uniform(0, LONGEST_SECONDS))
        new = killed_after(*moment, store_url, token.get_secret_value(), seed)
        check_reported_is_there(workspace, new)
        check_store_is_whole(workspace)
        reported += new
    check_reported_is_there(workspace, reported)
    assert len({report[0] for report in reported}) == 2, "the writers wrote too little to be tested"
    assert len(reported) > kills
    transact(workspace, killed_writers_left_no_lock)
    workspace.engine.dispose()


def killed_writers_left_no_lock(session: Any) -> None:
    user, _ = add_user(session, "bob@example.com")
    create_run_tag(session, create_dataset(session, user, "his photos"), ["a.jpg"])


@pytest.mark.parametrize("writers", [4])
def test_several_processes_make_names_that_are_all_different(store_url, writers):
    workspace = open_workspace(store_url)
    _, token = transact(workspace, add_user, "ada@example.com")
    made = in_processes(killed.make_many, writers, store_url, token.get_secret_value())
    names = [name for some in made for name in some]
    assert sorted(names) == sorted(["photos", *(f"photos_{number}" for number in range(1, 5 * writers))])
    workspace.engine.dispose()


def in_processes(target: Any, count: int, *arguments: Any) -> list[Any]:
    """Run `target` in several processes at the same moment; return what each reported."""
    receivers, processes = [], []
    for _ in range(count):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=target, args=(*arguments, sender))
        process.start()
        sender.close()
        receivers.append(receiver)
        processes.append(process)
    results = [receiver.recv() for receiver in receivers]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return results
