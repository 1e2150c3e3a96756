"""The client behaves as the platform's: what it returns, what it refuses and how it says so."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from lightly_nb.api import (
    ApiException,
    ApiWorkflowClient,
    ArtifactNotExist,
    DatasetType,
    DatasourcePurpose,
    InvalidConfigurationError,
    SelectionConfigV4,
    SelectionConfigV4Entry,
    TagDoesNotExistError,
)
from tests.api.conftest import run_tag

SELECTION: dict[str, Any] = {
    "n_samples": 3,
    "strategies": [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}],
}
UNKNOWN = "0123456789abcdef01234567"


def test_a_wrong_token_is_refused_and_not_shown(client: ApiWorkflowClient) -> None:
    with pytest.raises(ApiException, match="this token is not one of the workspace") as caught:
        ApiWorkflowClient("lnb_wrong and secret")
    assert caught.value.status == 401
    assert "wrong and secret" not in str(caught.value)


def test_no_token_is_refused_where_users_have_some(client: ApiWorkflowClient) -> None:
    with pytest.raises(
        ApiException, match=r"needs a token: pass token=\.\.\. or set LIGHTLY_TOKEN"
    ) as caught:
        ApiWorkflowClient()
    assert (caught.value.status, caught.value.reason, caught.value.body) == (401, str(caught.value), None)


def test_the_token_comes_from_the_environment(
    client: ApiWorkflowClient, bob: ApiWorkflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob.create_dataset("of bob")
    monkeypatch.setenv("LIGHTLY_TOKEN", str(bob.token))
    assert [one.name for one in ApiWorkflowClient().get_datasets()] == ["of bob"]
    assert ApiWorkflowClient(client.token).get_datasets() == []


def test_alone_on_a_machine_no_token_is_needed(home: Path) -> None:
    ApiWorkflowClient().create_dataset("mine")
    assert [one.name for one in ApiWorkflowClient().get_datasets()] == ["mine"]
    assert (home / "workspace.sqlite3").exists()


def test_a_token_that_was_taken_back_stops_a_client_that_runs(client: ApiWorkflowClient) -> None:
    from lightly_nb.workspace import open_workspace, transact
    from lightly_nb.workspace.users.users import rotate_token

    transact(open_workspace(), rotate_token, "ada@example.com")
    with pytest.raises(ApiException, match="this token is not one of the workspace"):
        client.get_datasets()


def test_the_workspace_is_an_argument(client: ApiWorkflowClient, tmp_path: Path) -> None:
    other = ApiWorkflowClient(url=tmp_path / "other")
    other.create_dataset("elsewhere")
    assert client.get_datasets() == []
    assert (tmp_path / "other" / "workspace.sqlite3").exists()


def test_nothing_shows_the_token(client: ApiWorkflowClient) -> None:
    assert client.token
    for shown in (repr(client), str(client), str(vars(client)), repr([client])):
        assert client.token not in shown
    assert repr(client).startswith("ApiWorkflowClient(dataset_id=None, url='sqlite:///")


def test_a_client_is_picklable_with_its_token(filled: ApiWorkflowClient, tmp_path: Path) -> None:
    again = pickle.loads(pickle.dumps(filled))
    assert (again.token, again.dataset_id) == (filled.token, filled.dataset_id)
    assert again.get_all_tags() == filled.get_all_tags()


# datasets


def test_a_dataset_is_made_and_gone_on_with(client: ApiWorkflowClient) -> None:
    assert client.create_dataset("films", DatasetType.VIDEOS) is None
    made = client.get_dataset_by_id(client.dataset_id)
    assert (made.name, made.type, client.dataset_type) == ("films", "Videos", DatasetType.VIDEOS)
    assert (made.n_samples, made.datasources, made.img_type) == (0, [], "full")
    assert made.to_dict(by_alias=True)["nSamples"] == 0
    with pytest.raises(AttributeError):
        made.name = "other"  # type: ignore[misc]


def test_a_name_that_is_taken_is_a_value_error(client: ApiWorkflowClient) -> None:
    client.create_dataset("photos")
    with pytest.raises(ValueError, match="'photos' already exists! Use set_dataset_id_by_name"):
        client.create_dataset("photos")
    for expected in ("photos_1", "photos_2"):
        client.create_new_dataset_with_unique_name("photos")
        assert client.get_dataset_by_id(client.dataset_id).name == expected


def test_an_unknown_dataset_is_not_found(client: ApiWorkflowClient) -> None:
    assert not client.dataset_exists(UNKNOWN)
    assert not client.dataset_name_exists("photos")
    assert client.get_datasets_by_name("photos") == []
    with pytest.raises(ApiException, match=f"there is no dataset with the id '{UNKNOWN}'") as caught:
        client.get_dataset_by_id(UNKNOWN)
    assert caught.value.status == 404
    with pytest.raises(ValueError, match=UNKNOWN):
        client.dataset_id = UNKNOWN
    with pytest.raises(ValueError, match=r"with the name 'photos' does not exist\. Please create it"):
        client.set_dataset_id_by_name("photos")


def test_without_a_dataset_the_one_modified_last_is_taken(client: ApiWorkflowClient) -> None:
    with pytest.raises(ApiException, match=r"you have no dataset yet; make one with create_dataset\(name\)"):
        client.get_all_tags()
    client.create_dataset("older")
    client.create_dataset("newer")
    fresh = ApiWorkflowClient(client.token)
    with pytest.warns(UserWarning, match="taking the last modified dataset newer"):
        assert fresh.dataset_id == client.dataset_id


def test_a_deleted_dataset_is_gone(filled: ApiWorkflowClient) -> None:
    dataset_id = filled.dataset_id
    filled.delete_dataset_by_id(dataset_id)
    assert not filled.dataset_exists(dataset_id)
    assert filled.get_datasets() == []


def test_all_datasets_is_deprecated(client: ApiWorkflowClient) -> None:
    client.create_dataset("photos")
    with pytest.warns(DeprecationWarning, match=r"get_datasets\(shared=None\)"):
        assert (
            client.get_all_datasets() == client.get_datasets(shared=None) == list(client.get_datasets_iter())
        )


# sharing


def test_a_dataset_is_seen_by_those_it_is_shared_with(
    filled: ApiWorkflowClient, bob: ApiWorkflowClient
) -> None:
    assert not bob.dataset_exists(filled.dataset_id)
    filled.share_dataset_only_with(dataset_id=filled.dataset_id, user_emails=["Bob@example.com"])
    assert filled.get_shared_users(dataset_id=filled.dataset_id) == ["bob@example.com"]
    assert bob.get_datasets() == []
    assert [one.access_type for one in bob.get_datasets(shared=True)] == ["WRITE"]
    bob.set_dataset_id_by_name("photos", shared=True)
    assert bob.get_all_tags() == filled.get_all_tags()
    with pytest.raises(ApiException, match="is up to its owner") as caught:
        bob.share_dataset_only_with(bob.dataset_id, [])
    assert caught.value.status == 403
    filled.share_dataset_only_with(dataset_id=filled.dataset_id, user_emails=[])
    for ask in (bob.get_all_tags, bob.get_datasource, bob.get_filenames, bob.list_datasource_permissions):
        with pytest.raises(ApiException, match="there is no dataset with the id") as caught:
            ask()
        assert caught.value.status == 404


def test_a_malformed_email_is_refused_and_nothing_changes(filled: ApiWorkflowClient) -> None:
    filled.share_dataset_only_with(filled.dataset_id, ["bob@example.com"])
    with pytest.raises(ApiException, match=r"'bob' is not an e-mail address; write it like name@"):
        filled.share_dataset_only_with(filled.dataset_id, ["carol@example.com", "bob"])
    assert filled.get_shared_users(filled.dataset_id) == ["bob@example.com"]


# datasources


def test_a_datasource_is_shown_without_its_secrets(client: ApiWorkflowClient) -> None:
    client.create_dataset("photos")
    client.set_s3_config(
        "s3://bucket/in", "eu-central-1", "AKIA-KEY", "hush", purpose=DatasourcePurpose.INPUT
    )
    client.set_azure_config("container/x", "account", "sig=hush", None, DatasourcePurpose.LIGHTLY)
    config = client.get_datasource()
    assert (config.type, config.purpose, config.full_path) == ("S3", "INPUT", "s3://bucket/in")
    assert (config.s3_region, config.s3_secret_access_key) == ("eu-central-1", "**********")
    assert config.thumb_suffix == ".lightly/thumbnails/[filename]_thumb.[extension]"
    azure = client.get_datasource(DatasourcePurpose.LIGHTLY)
    assert (azure.full_path, azure.account_name, azure.thumb_suffix) == ("container/x", "account", None)
    for one in (config, azure):
        assert "hush" not in repr(one) + str(one.to_dict())
    with pytest.raises(AttributeError, match="config of type S3 has no 'gcs_project_id'"):
        _ = config.gcs_project_id
    assert len(client.get_dataset_by_id(client.dataset_id).datasources) == 2
    assert pickle.loads(pickle.dumps(config)) == config


def test_permissions_are_named(filled: ApiWorkflowClient, tmp_path: Path) -> None:
    assert filled.list_datasource_permissions() == dict.fromkeys(
        ("can_list", "can_read", "can_write", "can_overwrite"), True
    )
    filled.set_local_config(str(tmp_path / "gone"), purpose=DatasourcePurpose.LIGHTLY)
    found: Any = filled.list_datasource_permissions()
    assert not found["can_write"]
    assert "does not exist" in found["errors"]["can_write"]


def test_without_a_datasource_the_error_says_how_to_set_one(client: ApiWorkflowClient) -> None:
    client.create_dataset("photos")
    with pytest.raises(
        ApiException, match="has no INPUT datasource; set one with set_local_config"
    ) as caught:
        client.get_datasource()
    assert caught.value.status == 404
    with pytest.raises(
        ApiException, match="'BOTH' is not the purpose of a datasource; there are INPUT, LIGHTLY"
    ):
        client.set_local_config("x", purpose="BOTH")
    with pytest.raises(
        ApiException, match=r"the S3 datasource cannot be set: .*s3://bucket/folder"
    ) as caught:
        client.set_s3_config("bucket/x", "eu-central-1", "key", "hush hush")
    assert "hush hush" not in str(caught.value)


# tags


def test_tags_of_runs(filled: ApiWorkflowClient, names: list[str]) -> None:
    run_tag(filled, names[3:], "second run")
    second, initial = filled.get_all_tags()
    assert (initial.name, initial.prev_tag_id, initial.n_samples) == ("initial-tag", None, 10)
    assert (second.name, second.prev_tag_id, second.n_samples) == ("second run", initial.id, 9)
    assert second.tot_size == filled.get_dataset_by_id(filled.dataset_id).n_samples == 12
    assert filled.get_tag_by_id(second.id) == filled.get_tag_by_name("second run") == second
    on_server = filled.get_filenames()
    bits = int(second.bit_mask_data, 16)
    assert {name for n, name in enumerate(on_server) if bits >> n & 1} == set(names[3:])
    assert filled.get_filenames_in_tag(second) == names[3:]
    assert filled.get_filenames_in_tag(second, on_server, exclude_parent_tag=True) == names[10:]


def test_tags_from_filenames_and_from_tags(filled: ApiWorkflowClient, names: list[str]) -> None:
    made = filled.create_tag_from_filenames([names[4], names[1], names[4]], "two of them")
    assert filled.get_filenames_in_tag(made) == [names[4], names[1]]
    other = filled.create_tag_from_filenames(names[:2], "the first", parent_tag_id=made.id)
    assert other.prev_tag_id == made.id
    for operation, expected in {
        "UNION": [names[4], names[1], names[0]],
        "INTERSECTION": [names[1]],
        "DIFFERENCE": [names[4]],
    }.items():
        tag = filled.combine_tags(operation, [made.id, other.id], f"tag {operation}")
        assert filled.get_filenames_in_tag(tag) == expected
    with pytest.raises(ApiException, match=r"stand on the tag 'two of them': delete them first"):
        filled.delete_tag_by_name("two of them")
    filled.delete_tag_by_id(other.id)
    with pytest.raises(TagDoesNotExistError, match="Your tag_name does not exist: the first"):
        filled.delete_tag_by_name("the first")


def test_tags_that_cannot_be_are_refused_and_not_stored(filled: ApiWorkflowClient, names: list[str]) -> None:
    before = filled.get_all_tags()
    with pytest.raises(RuntimeError, match="There already exists a tag with tag_name 'initial-tag'"):
        filled.create_tag_from_filenames(names[:2], "initial-tag")
    with pytest.raises(
        RuntimeError, match=r"1 of 2 filenames are not in the dataset 'photos': 'nothere\.jpg'"
    ):
        filled.create_tag_from_filenames([names[0], "nothere.jpg"], "new tag")
    with pytest.raises(ApiException, match="no tag with the id") as caught:
        filled.get_tag_by_id(UNKNOWN)
    assert caught.value.status == 404
    with pytest.raises(ValueError, match=r"does not exist: typo\. .*its tags: 'initial-tag'"):
        filled.get_tag_by_name("typo")
    assert filled.get_all_tags() == before


def test_before_the_first_run_there_is_no_tag(client: ApiWorkflowClient) -> None:
    client.create_dataset("photos")
    assert client.get_all_tags() == []
    assert client.get_filenames() == []
    with pytest.raises(RuntimeError, match="There exists no initial-tag for the dataset 'photos'"):
        client.create_tag_from_filenames(["a.jpg"], "new tag")


# workers and runs


def test_workers(client: ApiWorkflowClient, bob: ApiWorkflowClient) -> None:
    worker_id = client.register_compute_worker("my worker", labels=["gpu"])
    assert client.register_compute_worker("my worker") == worker_id
    assert client.get_compute_worker_ids() == [worker_id]
    (worker,) = client.get_compute_workers()
    assert (worker.name, worker.labels, worker.state, worker.worker_type) == (
        "my worker",
        ["gpu"],
        "OFFLINE",
        "FULL",
    )
    assert bob.get_compute_worker_ids() == []
    with pytest.raises(ApiException, match="there is no worker with the id or name"):
        bob.delete_compute_worker(worker_id)
    client.delete_compute_worker(worker_id)
    assert client.get_compute_workers() == []


def test_a_run_is_scheduled_and_called_back(filled: ApiWorkflowClient) -> None:
    given: dict[str, Any] = {"worker_config": {"enable_training": True}, "selection_config": SELECTION}
    scheduled_id = filled.schedule_compute_worker_run(**given, priority="HIGH", runs_on=["gpu"])
    (scheduled,) = filled.get_scheduled_compute_worker_runs()
    assert (scheduled.id, scheduled.priority, scheduled.runs_on) == (scheduled_id, "HIGH", ["gpu"])
    assert (scheduled.state, scheduled.dataset_id) == ("OPEN", filled.dataset_id)
    assert scheduled.config_id == filled.create_compute_worker_config(**given)
    assert filled.get_scheduled_compute_worker_runs("OPEN") == [scheduled]
    assert filled.get_scheduled_compute_worker_runs("DONE") == []
    info = filled.get_compute_worker_run_info(scheduled_id)
    assert (info.state, info.in_end_state()) == ("OPEN", False)
    with pytest.raises(ValueError, match="still in progress"):
        info.ended_successfully()
    with pytest.raises(ApiException, match="no worker has taken") as caught:
        filled.get_compute_worker_run_from_scheduled_run(scheduled_id)
    assert caught.value.status == 404
    filled.cancel_scheduled_run(scheduled_id)
    (last,) = filled.compute_worker_run_info_generator(scheduled_id)
    assert (last.state, last.ended_successfully()) == ("CANCELED_OR_NOT_EXISTING", False)
    assert filled.get_compute_worker_runs() == []


def test_an_unknown_run_ends_the_generator(filled: ApiWorkflowClient) -> None:
    (info,) = filled.compute_worker_run_info_generator(UNKNOWN)
    assert info.state == "CANCELED_OR_NOT_EXISTING"
    assert UNKNOWN in info.message
    with pytest.raises(ApiException, match="there is no run with the id"):
        filled.get_compute_worker_run(UNKNOWN)
    with pytest.raises(ApiException, match="there is no run with the id"):
        filled.get_compute_worker_run_tags(UNKNOWN)


def test_the_classes_of_a_selection_are_dicts(filled: ApiWorkflowClient) -> None:
    (entry,) = SELECTION["strategies"]
    given = SelectionConfigV4(n_samples=3, strategies=[SelectionConfigV4Entry(**entry)])
    as_class = filled.create_compute_worker_config(selection_config=given)
    assert as_class == filled.create_compute_worker_config(selection_config=SELECTION)


@pytest.mark.parametrize(
    ("configs", "said"),
    [
        ({"worker_config": {"enable_trainin": True}}, r"enable_trainin.*Did you mean .*enable_training"),
        ({"lightly_config": {"trainer": {"max_epoch": 3}}}, r"trainer\.max_epoch.*Did you mean .*max_epochs"),
        ({"selection_config": {**SELECTION, "n_sample": 3}}, r"n_sample.*Did you mean .*n_samples"),
        ({"selection_config": {"n_samples": 3, "strategies": []}}, "strategies"),
        ({"selection_config": None}, "selection_config: got none"),
        ({"worker_config": {"pretagging_detector": "yolo"}}, "worker_config.pretagging_detector: .*'yolo'"),
        ({"worker_config": {"model": "efficientnet-light"}}, "worker_config.model: .*did you mean"),
        (
            {
                "selection_config": {
                    "n_samples": 1,
                    "strategies": [
                        {
                            "input": {"type": "METADATA", "key": "weather"},
                            "strategy": {"type": "BALANCE", "distribution": "UNIFORM"},
                        }
                    ],
                }
            },
            "got 'weather', but there are lightly",
        ),
    ],
)
def test_a_typo_is_refused_at_scheduling_and_nothing_is_stored(
    configs: dict[str, Any], said: str, filled: ApiWorkflowClient
) -> None:
    with pytest.raises(InvalidConfigurationError) as caught:
        filled.schedule_compute_worker_run(**{"selection_config": SELECTION, **configs})
    assert isinstance(caught.value, RuntimeError | ValueError)
    assert re.search(said, str(caught.value), re.DOTALL)
    assert [problem.key.partition(".")[0] for problem in caught.value.problems] == list(configs)
    assert filled.get_scheduled_compute_worker_runs() == []


def test_scheduling_without_a_datasource_is_refused(client: ApiWorkflowClient) -> None:
    client.create_dataset("photos")
    with pytest.raises(ApiException, match="has no INPUT datasource, so nothing was scheduled"):
        client.schedule_compute_worker_run(selection_config=SELECTION)
    client.set_local_config(".", purpose=DatasourcePurpose.INPUT)
    with pytest.raises(ApiException, match="has no LIGHTLY datasource, so nothing was scheduled"):
        client.schedule_compute_worker_run(selection_config=SELECTION)
    client.set_local_config(".")
    with pytest.raises(ApiException, match="there are LOW, MID, HIGH"):
        client.schedule_compute_worker_run(selection_config=SELECTION, priority="URGENT")
    assert client.get_scheduled_compute_worker_runs() == []


def test_a_run_without_an_artifact_says_what_it_has(filled: ApiWorkflowClient, tmp_path: Path) -> None:
    run = _ended_run(filled, tmp_path / "run")
    assert [(one.type, one.file_name) for one in run.artifacts] == [("LOG", "log.txt")]
    filled.download_compute_worker_run_log(run, str(tmp_path / "new" / "my log.txt"))
    assert (tmp_path / "new" / "my log.txt").read_text() == "all went well"
    filled.download_compute_worker_run_artifacts(run, str(tmp_path / "all"))
    assert [path.name for path in (tmp_path / "all").iterdir()] == ["log.txt"]
    with pytest.raises(ArtifactNotExist, match=r"No artifact with type 'REPORT_PDF' .*offers: LOG"):
        filled.download_compute_worker_run_report_pdf(run, str(tmp_path / "report.pdf"))
    with pytest.raises(ArtifactNotExist, match="CHECKPOINT"):
        filled.get_compute_worker_run_checkpoint_url(run)
    assert [one.id for one in filled.get_compute_worker_runs(filled.dataset_id)] == [run.id]
    assert filled.get_compute_worker_run(run.id) == run


def _ended_run(client: ApiWorkflowClient, folder: Path) -> Any:
    from lightly_nb.processes import this_process
    from lightly_nb.states import ArtifactType, RunState
    from lightly_nb.workspace.data.artifacts import register_artifacts
    from lightly_nb.workspace.work.queue import end_run, take_next

    folder.mkdir()
    (folder / "log.txt").write_text("all went well")
    scheduled_id = client.schedule_compute_worker_run(selection_config=SELECTION)
    worker_id = client.register_compute_worker()

    def whole(session: Any, user: Any) -> None:
        taken = take_next(session, worker_id, this_process())
        assert taken is not None
        taken.run.run_folder = str(folder)
        register_artifacts(session, taken.run, {ArtifactType.LOG: folder / "log.txt"})
        end_run(session, taken.run, RunState.COMPLETED, "done")

    client._write(whole)
    return client.get_compute_worker_run_from_scheduled_run(scheduled_id)


def test_the_example_of_the_documentation_runs(home: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["client"].get_datasource().full_path == str(Path("photos").absolute())
