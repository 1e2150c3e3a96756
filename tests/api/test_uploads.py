"""What a user adds through the client lies where a run reads it, and comes back as it was given."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightly_nb.api import (
    ApiException,
    ApiWorkflowClient,
    ConfigurationEntry,
    EmbeddingDoesNotExistError,
    InvalidCustomMetadataWarning,
    PredictionSingletonClassification,
    PredictionSingletonObjectDetection,
    PredictionTaskSchema,
    PredictionTaskSchemaCategory,
    TaskType,
)
from lightly_nb.embeddings_csv import read_embeddings_csv, write_embeddings_csv
from lightly_nb.errors import DatasourceError, InputError
from tests.api.conftest import run_tag
from tests.api.test_client import UNKNOWN, _ended_run

SCHEMA = PredictionTaskSchema(
    "animals",
    TaskType.OBJECT_DETECTION,
    [PredictionTaskSchemaCategory(0, "dog"), PredictionTaskSchemaCategory(7, "cat")],
)


@pytest.fixture
def lightly(tmp_path: Path) -> Path:
    """The folder of the LIGHTLY datasource."""
    return tmp_path / "lightly" / ".lightly"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_predictions_lie_where_a_run_reads_them(
    filled: ApiWorkflowClient, names: list[str], lightly: Path
) -> None:
    filled.create_or_update_prediction_task_schema(SCHEMA)
    filled.create_or_update_prediction_task_schema(
        {"name": "weather", "type": "classification", "categories": [{"id": 0, "name": "☀"}]}
    )
    filled.create_or_update_prediction_task_schema(SCHEMA)
    assert read(lightly / "predictions" / "tasks.json") == ["animals", "weather"]
    assert read(lightly / "predictions" / "animals" / "schema.json") == {
        "task_type": "object-detection",
        "categories": [{"id": 0, "name": "dog"}, {"id": 7, "name": "cat"}],
    }
    filled.create_or_update_prediction(
        names[0],
        [
            PredictionSingletonObjectDetection("animals", 7, 0.5, [1, 2, 3, 4]),
            PredictionSingletonClassification("weather", 0, 1.0, probabilities=[1.0]),
            {"taskName": "animals", "categoryId": 0, "score": 1, "bbox": np.array([0, 0, 5, 5])},
        ],
    )
    written = (lightly / "predictions" / "animals" / names[0]).with_suffix(".json")
    assert read(written) == {
        "file_name": names[0],
        "predictions": [
            {"category_id": 7, "score": 0.5, "bbox": [1, 2, 3, 4]},
            {"category_id": 0, "score": 1, "bbox": [0, 0, 5, 5]},
        ],
    }
    listed = dict(filled.download_raw_predictions("animals"))
    assert list(listed) == [f".lightly/predictions/animals/{names[0][:-4]}.json"]
    (name,) = listed
    assert filled.get_prediction_read_url(name) == listed[name]
    with urllib.request.urlopen(listed[name]) as opened:
        assert json.load(opened) == read(written)


@pytest.mark.parametrize(
    ("singleton", "said"),
    [
        ({"task_name": "animals", "score": 0.5}, r"prediction_singletons\[0\] of '.*' has no category_id"),
        ({"task_name": "animals", "category_id": 0, "score": 1.5}, "score is 1.5, which is not from 0 to 1"),
        ({"task_name": "animals", "category_id": 3, "score": 1}, r"category_id 3 is not in .*\[0, 7\]"),
        ({"task_name": "plants", "category_id": 0, "score": 1}, "the task 'plants' has no schema yet"),
        ({"task_name": "../x", "category_id": 0, "score": 1}, r"'\.\./x' cannot be the name of a task"),
    ],
)
def test_a_prediction_that_cannot_be_is_refused_and_not_written(
    singleton: dict[str, Any], said: str, filled: ApiWorkflowClient, names: list[str], lightly: Path
) -> None:
    filled.create_or_update_prediction_task_schema(SCHEMA)
    before = sorted(lightly.rglob("*"))
    with pytest.raises(ApiException, match=said):
        filled.create_or_update_prediction(names[0], [singleton])
    assert sorted(lightly.rglob("*")) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "boxes"}, "schema.type is 'boxes'; there are classification, object-detection"),
        ({"categories": []}, "schema.categories needs one entry or more"),
        ({"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "each with its own whole number"),
        ({"name": "a/b"}, "'a/b' cannot be the name of a task"),
    ],
)
def test_a_schema_that_cannot_be_is_refused(
    change: dict[str, Any], said: str, filled: ApiWorkflowClient, lightly: Path
) -> None:
    with pytest.raises(ApiException, match=said):
        filled.create_or_update_prediction_task_schema({**SCHEMA.to_dict(), **change})
    assert not lightly.exists()


def coco_like(names: list[str]) -> dict[str, Any]:
    return {
        "images": [
            {"id": number, "file_name": name} for number, name in enumerate([*names, "elsewhere.jpg"])
        ],
        "metadata": [
            {"image_id": 0, "people": 3, "weather": {"scenario": "cloudy", "temperature": 20}},
            {
                "image_id": 1,
                "people": 1,
                "weather": {"scenario": "rainy", "temperature": 15.5},
                "night": True,
            },
            {"image_id": len(names), "people": 9},
            {"image_id": 999, "people": 9},
        ],
    }


def test_custom_metadata_lies_where_a_run_reads_it(
    filled: ApiWorkflowClient, names: list[str], lightly: Path
) -> None:
    known = filled.get_filenames()
    with pytest.warns(InvalidCustomMetadataWarning) as caught:
        filled.upload_custom_metadata(coco_like(known))
    assert sorted(str(one.message) for one in caught if one.category is InvalidCustomMetadataWarning) == [
        "No image found for custom metadata with image_id 999. It is left out.",
        "The dataset has no sample 'elsewhere.jpg', for which there is custom metadata. It is left out.",
    ]
    files = sorted(path for path in (lightly / "metadata").rglob("*.json") if path.name != "schema.json")
    assert len(files) == 2
    assert read((lightly / "metadata" / known[0]).with_suffix(".json")) == {
        "file_name": known[0],
        "type": "image",
        "metadata": {"people": 3, "weather": {"scenario": "cloudy", "temperature": 20}},
    }
    entries = {entry["path"]: entry for entry in read(lightly / "metadata" / "schema.json")}
    assert {path: entry["valueDataType"] for path, entry in entries.items()} == {
        "night": "CATEGORICAL_BOOLEAN",
        "people": "NUMERIC_INT",
        "weather.scenario": "CATEGORICAL_STRING",
        "weather.temperature": "NUMERIC_FLOAT",
    }
    assert {name for name, _ in filled.download_raw_metadata()} == {
        f".lightly/metadata/{name[:-4]}.json" for name in known[:2]
    }


def test_a_schema_that_a_user_wrote_stays(filled: ApiWorkflowClient, lightly: Path) -> None:
    entry = ConfigurationEntry("Weather", "weather.scenario", "sunny", "CATEGORICAL_STRING")
    filled.create_custom_metadata_config("my metadata", [entry])
    known = filled.get_filenames()
    filled.upload_custom_metadata({**coco_like(known), "metadata": coco_like(known)["metadata"][:1]})
    entries = {entry["path"]: entry for entry in read(lightly / "metadata" / "schema.json")}
    assert set(entries) == {"weather.scenario", "weather.temperature", "people"}
    assert entries["weather.scenario"] == {
        "name": "Weather",
        "path": "weather.scenario",
        "defaultValue": "sunny",
        "valueDataType": "CATEGORICAL_STRING",
    }
    with pytest.raises(ApiException, match=r"configs\[0\]: value_data_type is 'TEXT'; there are"):
        filled.create_custom_metadata_config("x", [{"name": "a", "path": "a", "valueDataType": "TEXT"}])


def test_metadata_of_another_form_is_a_key_error(filled: ApiWorkflowClient) -> None:
    for missing in ("images", "metadata"):
        given: dict[str, Any] = {key: [] for key in ("images", "metadata") if key != missing}
        for method in (filled.upload_custom_metadata, filled.verify_custom_metadata_format):
            with pytest.raises(KeyError, match=f"Key {missing} not found in custom metadata"):
                method(given)
    index = filled.index_custom_metadata_by_filename(coco_like(["a.jpg", "b.jpg", "c.jpg"]))
    assert index["a.jpg"] is not None
    assert (index["a.jpg"]["people"], index["c.jpg"]) == (3, None)


def test_scores_are_metadata_beside_what_there_is(filled: ApiWorkflowClient, lightly: Path) -> None:
    known = filled.get_filenames()
    filled.upload_custom_metadata({**coco_like(known), "metadata": coco_like(known)["metadata"][:1]})
    tag = filled.get_tag_by_name("initial-tag")
    scores = np.linspace(0, 1, tag.n_samples)
    filled.upload_scores({"uncertainty": scores}, tag.id)
    filled.upload_scores({"margin": list(scores)}, tag.id)
    found = read((lightly / "metadata" / known[0]).with_suffix(".json"))["metadata"]
    assert found["people"] == 3
    assert found["al_scores"] == {"uncertainty": 0.0, "margin": 0.0}
    paths = [entry["path"] for entry in read(lightly / "metadata" / "schema.json")]
    assert {"al_scores.uncertainty", "al_scores.margin"} < set(paths)
    with pytest.raises(ApiException, match=r"has the shape \(3,\), the tag has 10 samples"):
        filled.upload_scores({"short": [1, 2, 3]}, tag.id)
    with pytest.raises(ApiException, match=f"of '{known[1]}' is nan; give finite numbers"):
        filled.upload_scores({"nan": [0, np.nan, *range(8)]}, tag.id)


def test_a_lightly_source_that_cannot_be_written_says_so(filled: ApiWorkflowClient, tmp_path: Path) -> None:
    (tmp_path / "lightly" / ".lightly").write_text("a file where the folder must be")
    with pytest.raises(DatasourceError, match=r"cannot write '\.lightly/predictions/animals/schema\.json'"):
        filled.create_or_update_prediction_task_schema(SCHEMA)


def test_raw_samples_are_all_images_of_the_input_or_the_relevant_ones(
    filled: ApiWorkflowClient, names: list[str], photos: Path, lightly: Path
) -> None:
    found = filled.download_raw_samples()
    assert [name for name, _ in found] == names
    with urllib.request.urlopen(found[0][1]) as opened:
        assert opened.read() == (photos / names[0]).read_bytes()
    lightly.mkdir()
    (lightly / "relevant.txt").write_text("garden/*", encoding="utf-8")
    found = filled.download_raw_samples(relevant_filenames_file_name=".lightly/relevant.txt")
    assert [name for name, _ in found] == [name for name in names if name.startswith("garden/")]
    with pytest.raises(ApiException, match="files are not chosen by time here"):
        filled.download_raw_samples(from_=1, to=2)


# embeddings


def written(path: Path, names: list[str], seed: int = 0, width: int = 4) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(len(names), width)).astype(np.float32)
    write_embeddings_csv(path, names, vectors)
    return vectors


def test_uploaded_embeddings_come_back_in_the_order_of_the_dataset(
    filled: ApiWorkflowClient, tmp_path: Path
) -> None:
    known = filled.get_filenames()
    vectors = written(tmp_path / "mine.csv", known[::-1])
    filled.upload_embeddings(str(tmp_path / "mine.csv"), "mine")
    (found,) = filled.get_all_embedding_data()
    assert (found.id, found.name) == (filled.embedding_id, "mine")
    assert filled.get_embedding_by_name("mi") == filled.get_embedding_data_by_name("mine") == found
    filled.download_embeddings_csv_by_id(found.id, str(tmp_path / "new" / "back.csv"))
    table = read_embeddings_csv(tmp_path / "new" / "back.csv")
    assert table.filenames == known
    np.testing.assert_array_equal(table.embeddings, vectors[::-1])
    with pytest.raises(
        RuntimeError, match="Could not find embeddings"
    ):  # the platform's default ones, of runs
        filled.download_embeddings_csv(str(tmp_path / "default.csv"))
    with pytest.raises(EmbeddingDoesNotExistError, match="does not exist: theirs"):
        filled.get_embedding_by_name("theirs")
    with pytest.raises(ValueError, match=UNKNOWN):
        filled.download_embeddings_csv_by_id(UNKNOWN, "x.csv")


def test_embeddings_of_a_name_that_is_there_are_added_to(
    filled: ApiWorkflowClient, names: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "mine.csv"
    first = written(path, names[:10])
    filled.upload_embeddings(str(path), "mine")
    run_tag(filled, names[8:], "second run")
    second = written(path, names[9:], seed=1)
    filled.upload_embeddings(str(path), "mine")
    newest, oldest = filled.get_all_embedding_data()
    assert (newest.id, oldest.name) == (filled.embedding_id, "mine")
    assert newest.name.startswith("mine_2")
    table = read_embeddings_csv(path)
    assert table.filenames == names
    np.testing.assert_array_equal(table.embeddings, np.concatenate([first[:9], second]))


def test_embeddings_that_do_not_fit_are_refused_and_not_kept(
    filled: ApiWorkflowClient, tmp_path: Path
) -> None:
    known, path = filled.get_filenames(), tmp_path / "mine.csv"
    written(path, known[1:])
    with pytest.raises(ValueError, match="its 9 names are not the dataset's 10: 1 are missing and 0 unknown"):
        filled.upload_embeddings(str(path), "mine")
    path.write_text("filenames,embedding_0\na.jpg,1\n")
    with pytest.raises(InputError, match="not an embeddings CSV: there is no column 'labels'"):
        filled.upload_embeddings(str(path), "mine")
    assert filled.get_all_embedding_data() == []
    with pytest.raises(ValueError, match="no known embeddings for dataset_id"):
        filled.set_embedding_id_to_latest()
    written(path, known)
    filled.upload_embeddings(str(path), "mine")
    written(path, known, width=5)
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match=r"Column mismatch! .* of 5 numbers, 'mine' of 4"):
        filled.append_embeddings(str(path), str(filled.embedding_id))
    assert path.read_bytes() == before


def test_the_embeddings_of_a_run_are_the_default_ones(filled: ApiWorkflowClient, tmp_path: Path) -> None:
    run = _ended_run(filled, tmp_path / "run")
    (tmp_path / "run" / "data").mkdir()
    written(tmp_path / "run" / "data" / "embeddings.csv", ["a.jpg"])
    (found,) = filled.get_all_embedding_data()
    assert found.id == run.id
    assert found.name.startswith("default_20")
    filled.download_embeddings_csv(str(tmp_path / "back.csv"))
    assert (tmp_path / "back.csv").read_bytes() == (tmp_path / "run" / "data" / "embeddings.csv").read_bytes()


def test_a_deleted_dataset_takes_its_uploaded_embeddings_with_it(
    filled: ApiWorkflowClient, home: Path, tmp_path: Path
) -> None:
    written(tmp_path / "mine.csv", filled.get_filenames())
    filled.upload_embeddings(str(tmp_path / "mine.csv"), "mine")
    assert list((home / "embeddings").rglob("*.csv"))
    filled.delete_dataset_by_id(filled.dataset_id)
    assert not list((home / "embeddings").rglob("*.*"))
