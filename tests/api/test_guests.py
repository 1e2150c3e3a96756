"""What a guest may do on a shared dataset, and what is up to its owner: all that the owner's runs read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightly_nb.api import ApiException, ApiWorkflowClient, PredictionTaskSchema, PredictionTaskSchemaCategory
from lightly_nb.processes import this_process
from lightly_nb.states import RunState
from lightly_nb.workspace.data.datasets import get_dataset
from lightly_nb.workspace.data.tags import create_run_tag
from lightly_nb.workspace.work.queue import end_run, take_next
from tests.api.conftest import run_tag
from tests.api.test_client import SELECTION

SCHEMA = PredictionTaskSchema("cars", "CLASSIFICATION", [PredictionTaskSchemaCategory(0, "car")])


@pytest.fixture
def guest(filled: ApiWorkflowClient, bob: ApiWorkflowClient) -> ApiWorkflowClient:
    """Bob's client, on Ada's dataset."""
    filled.share_dataset_only_with(filled.dataset_id, ["bob@example.com"])
    bob.dataset_id = filled.dataset_id
    return bob


def embeddings_csv(folder: Path, names: list[str]) -> str:
    rows = [f"{name},{number}.0,1.0,0" for number, name in enumerate(names)]
    path = folder / "mine.csv"
    path.write_text("\n".join(["filenames,embedding_0,embedding_1,labels", *rows]) + "\n", encoding="utf-8")
    return str(path)


WRITES: dict[str, Callable[[ApiWorkflowClient, Path], Any]] = {
    "set_local_config": lambda client, folder: client.set_local_config(str(folder)),
    "set_s3_config": lambda client, folder: client.set_s3_config(
        "s3://mine/x", "eu-central-1", "key", "hush"
    ),
    "set_gcs_config": lambda client, folder: client.set_gcs_config("gs://mine/x", "project", "{}"),
    "schema": lambda client, folder: client.create_or_update_prediction_task_schema(SCHEMA),
    "prediction": lambda client, folder: client.create_or_update_prediction(client.get_filenames()[0], []),
    "metadata": lambda client, folder: client.upload_custom_metadata({"images": [], "metadata": []}),
    "metadata_config": lambda client, folder: client.create_custom_metadata_config("mine", []),
    "scores": lambda client, folder: client.upload_scores(
        {"mine": [0.5] * 10}, client.get_tag_by_name("initial-tag").id
    ),
    "embeddings": lambda client, folder: client.upload_embeddings(
        embeddings_csv(folder, client.get_filenames()), "mine"
    ),
    "delete": lambda client, folder: client.delete_dataset_by_id(client.dataset_id),
    "share": lambda client, folder: client.share_dataset_only_with(client.dataset_id, ["eve@example.com"]),
}


def test_a_guest_changes_nothing_that_the_owners_runs_read(
    filled: ApiWorkflowClient, guest: ApiWorkflowClient, tmp_path: Path
) -> None:
    before = files_of(tmp_path), filled.get_datasource(), filled.get_all_embedding_data()
    (tmp_path / "guest").mkdir()
    said = r"is shared with you; .*up to its owner: ask ada@example\.com"
    for what, write in WRITES.items():
        with pytest.raises(ApiException, match=said) as no:
            write(guest, tmp_path / "guest")
        assert no.value.status == 403, what
    assert (files_of(tmp_path), filled.get_datasource(), filled.get_all_embedding_data()) == before


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of Ada's datasources and what is kept beside the database."""
    places = [folder / "photos", folder / "lightly", folder / "home" / "embeddings"]
    return {str(path): path.read_bytes() for place in places for path in place.rglob("*") if path.is_file()}


def test_a_guest_reads_and_makes_tags(filled: ApiWorkflowClient, guest: ApiWorkflowClient) -> None:
    names = guest.get_filenames()
    assert names == filled.get_filenames()
    made = guest.create_tag_from_filenames(names[:2], "of the guest")
    assert guest.export_filenames_by_tag_name("of the guest").split("\n") == names[:2]
    guest.delete_tag_by_id(made.id)
    assert guest.list_datasource_permissions()["can_read"] is True


def test_a_guest_cancels_its_own_runs_alone(filled: ApiWorkflowClient, guest: ApiWorkflowClient) -> None:
    of_ada = filled.schedule_compute_worker_run(selection_config=SELECTION)
    of_bob = guest.schedule_compute_worker_run(selection_config=SELECTION)
    with pytest.raises(ApiException, match="ask that user, or the owner of the dataset, to cancel it") as no:
        guest.cancel_scheduled_run(of_ada)
    assert no.value.status == 403
    assert {one.id for one in filled.get_scheduled_compute_worker_runs("OPEN")} == {of_ada, of_bob}
    guest.cancel_scheduled_run(of_bob)
    again = guest.schedule_compute_worker_run(selection_config=SELECTION)
    filled.cancel_scheduled_run(again)
    assert [one.id for one in filled.get_scheduled_compute_worker_runs("OPEN")] == [of_ada]


def test_a_guest_adds_nothing_to_the_datapool(filled: ApiWorkflowClient, guest: ApiWorkflowClient) -> None:
    pooled: dict[str, Any] = {"use_datapool": True}
    with pytest.raises(ApiException, match=r"enable_datapool_update to false") as no:
        guest.schedule_compute_worker_run(pooled, selection_config=SELECTION)
    assert no.value.status == 403
    guest.schedule_compute_worker_run(
        {**pooled, "datasource.enable_datapool_update": False}, selection_config=SELECTION
    )
    filled.schedule_compute_worker_run(pooled, selection_config=SELECTION)


def test_a_tag_of_another_users_run_is_not_a_guests_to_delete(
    filled: ApiWorkflowClient, guest: ApiWorkflowClient, names: list[str]
) -> None:
    made = _tag_of_a_run(filled, names[:3])
    with pytest.raises(ApiException, match="ask that user, or the owner of the dataset, to delete it") as no:
        guest.delete_tag_by_id(made)
    assert no.value.status == 403
    of_bob = _tag_of_a_run(guest, names[:2])
    guest.delete_tag_by_id(of_bob)
    filled.delete_tag_by_id(made)


def _tag_of_a_run(client: ApiWorkflowClient, names: list[str]) -> str:
    client.schedule_compute_worker_run(selection_config=SELECTION)
    worker_id = client.register_compute_worker()

    def whole(session: Any, user: Any) -> str:
        taken = take_next(session, worker_id, this_process())
        assert taken is not None
        dataset = get_dataset(session, user, client.dataset_id)
        tag = create_run_tag(session, dataset, names, run_id=taken.run.id)
        end_run(session, taken.run, RunState.COMPLETED, "done")
        return tag.id

    return client._write(whole)


@pytest.mark.parametrize("of_another", [False, True])
def test_a_tag_that_a_waiting_run_compares_with_stays(
    of_another: bool, filled: ApiWorkflowClient, guest: ApiWorkflowClient, names: list[str]
) -> None:
    query = filled.create_tag_from_filenames(names[:2], "query")
    compared: dict[str, Any] = {"type": "EMBEDDINGS", "tag_name": "query"}
    if of_another:
        compared["dataset_id"] = filled.dataset_id
        filled.create_dataset("another")
        filled.set_local_config(".")
    waiting = filled.schedule_compute_worker_run(
        selection_config={
            "n_samples": 2,
            "strategies": [{"input": compared, "strategy": {"type": "SIMILARITY"}}],
        }
    )
    for client in (guest, filled):
        client.dataset_id = guest.dataset_id
        with pytest.raises(ApiException, match=rf"the scheduled run {waiting} compares with the tag 'query'"):
            client.delete_tag_by_id(query.id)
    filled.cancel_scheduled_run(waiting)
    guest.delete_tag_by_id(query.id)


def test_who_is_not_a_guest_any_more_sees_nothing(
    filled: ApiWorkflowClient, guest: ApiWorkflowClient
) -> None:
    own = guest.schedule_compute_worker_run(selection_config=SELECTION)
    filled.share_dataset_only_with(filled.dataset_id, [])
    with pytest.raises(ApiException, match="No scheduled run found") as no:
        guest.cancel_scheduled_run(own)
    assert no.value.status == 404
    run_tag(filled, filled.get_filenames()[:1], "after")
    with pytest.raises(ApiException, match="there is no dataset with the id"):
        guest.get_all_tags()
