"""What scripts rely on and no signature says: the order of lists, the worker Default, what they are told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lightly_nb.api import ApiException, ApiWorkflowClient, InvalidConfigurationError
from lightly_nb.processes import this_process
from lightly_nb.workspace import open_workspace, transact
from lightly_nb.workspace.data import tags as data_tags
from lightly_nb.workspace.store import clock
from lightly_nb.workspace.users.users import authenticate
from lightly_nb.workspace.work.workers import sign_off, sign_on
from tests.api.conftest import run_tag
from tests.api.test_client import SELECTION


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything happens in one millisecond, and ids tell nothing about the order either."""
    monkeypatch.setattr(clock, "now_ms", lambda: 1_700_000_000_000)


def test_lists_have_the_platforms_order(
    stopped_clock: None, filled: ApiWorkflowClient, names: list[str]
) -> None:
    made = [run_tag(filled, names[:count]) for count in (3, 2, 1)]
    newest_first = filled.get_all_tags()
    assert [tag.id for tag in newest_first[:-1]] == made[::-1]
    assert newest_first[-1].name == "initial-tag"
    newest = filled.create_tag_from_filenames(names[:1], "by hand")
    assert filled.get_all_tags()[0].id == newest.id
    asked = [filled.schedule_compute_worker_run(selection_config=SELECTION) for _ in range(3)]
    assert [one.id for one in filled.get_scheduled_compute_worker_runs()] == asked
    workers = [filled.register_compute_worker(f"worker {number}") for number in range(4)]
    assert filled.get_compute_worker_ids() == workers
    for number in range(4):
        filled.create_dataset(f"dataset {number}")
    assert [one.name for one in filled.get_datasets()][1:] == [f"dataset {number}" for number in range(4)]
    assert filled.get_filenames() == []


def test_initial_tag_is_the_last_even_where_clocks_disagree(
    filled: ApiWorkflowClient, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now_ms", lambda: 1_000)  # set back by decades
    later = run_tag(filled, names[:2])
    monkeypatch.setattr(data_tags, "later_than_all", lambda *of: 1)
    oldest = run_tag(filled, names[:1])
    assert [tag.id for tag in filled.get_all_tags()][:2] == [later, oldest]
    assert filled.get_all_tags()[-1].name == "initial-tag"


def test_every_method_of_the_documentation_is_one_of_the_client() -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text.partition("## Methods")[2], flags=re.MULTILINE)
    words = [word for row in rows for word in re.findall(r"`([\w…]+)`", row)]
    names = [word.replace("…", "download_compute_worker_run") for word in words]
    found = {name if not name.startswith("export_") else f"{name}_by_tag_id" for name in names}
    assert len(found) > 80
    assert [name for name in sorted(found) if not hasattr(ApiWorkflowClient, name)] == []


def test_the_worker_default_registers_itself(client: ApiWorkflowClient) -> None:
    workspace = open_workspace()
    user = authenticate(workspace, client.token)
    assert client.get_compute_workers() == []
    worker = transact(workspace, sign_on, user, "Default", this_process(), force=False)
    assert client.get_compute_worker_ids() == [worker.id] == [client.register_compute_worker()]
    transact(workspace, sign_off, worker.id, this_process())
    for name in ("default", "other", "0123456789abcdef01234567"):
        with pytest.raises(ApiException, match="'Default' registers itself when it is started"):
            transact(workspace, sign_on, user, name, this_process(), force=True)


def test_who_waits_for_a_run_is_told_that_no_worker_can_take_it(filled: ApiWorkflowClient) -> None:
    asked = filled.schedule_compute_worker_run(selection_config=SELECTION, runs_on=["gpu"])

    def said() -> str:
        info = filled.get_compute_worker_run_info(asked)
        assert info.state == "OPEN"
        assert info.message.startswith("Waiting for pickup by Lightly Worker. Make sure to start a Lightly")
        return info.message

    start = "start one: lightly-nb worker worker.worker_id="
    assert f"No worker is registered; {start}Default, or lightly_nb.Worker().start()." in said()
    filled.register_compute_worker("slow")
    assert "No worker has all the labels ['gpu'] of the run" in said()
    filled.register_compute_worker("fast", labels=["gpu", "big"])
    assert (
        "No worker is running ('fast' is OFFLINE); start one: lightly-nb worker worker.worker_id=fast"
        in said()
    )
    workspace = open_workspace()
    user = authenticate(workspace, filled.token)
    process: dict[str, Any] = this_process()
    worker = transact(workspace, sign_on, user, "fast", process, force=False)
    assert "worker is" not in said()
    transact(workspace, sign_off, worker.id, process)
    assert "'fast' is OFFLINE" in said()
    assert "'fast' is OFFLINE" in next(filled.compute_worker_run_info_generator(asked)).message


def test_embeddings_of_a_task_are_taken_where_the_run_is_on_its_objects(filled: ApiWorkflowClient) -> None:
    source = {"type": "EMBEDDINGS", "task": "cars"}
    selection = {"nSamples": 3, "strategies": [{"input": source, "strategy": {"type": "DIVERSITY"}}]}
    objects = {"objectLevel": {"taskName": "cars"}}
    assert len(filled.create_compute_worker_config(objects, selection_config=selection)) == 24
    said = r"\[0\]\.input\.task: got 'cars', but this run embeds whole images"
    for refuse in (filled.create_compute_worker_config, filled.schedule_compute_worker_run):
        with pytest.raises(InvalidConfigurationError, match=said):
            refuse(selection_config=selection)
    assert filled.get_scheduled_compute_worker_runs() == []
