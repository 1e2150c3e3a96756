"""Prediction and metadata files of LIGHTLY: what is read and refused, and that writing refuses the same."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from lightly_nb.datasource import WritableDatasource, open_datasource
from lightly_nb.errors import BadRequestException, InputError
from lightly_nb.events import Event
from lightly_nb.lightly_source.metadata_schema import read_metadata, read_metadata_schema
from lightly_nb.lightly_source.predictions import (
    read_predictions,
    read_tasks,
    write_predictions,
    write_task_schema,
)
from lightly_nb.samples.predictions import Task
from lightly_nb.samples.predictions_file import read_predictions_file, write_predictions_file
from lightly_nb.states import DatasourcePurpose

NAN = float("nan")
CATEGORIES = [{"id": 2, "name": "cat"}, {"id": 5, "name": "dog"}]
BOX = {"category_id": 5, "score": 0.5, "bbox": [1, 2, 3, 4]}
MASK = {"category_id": 5, "score": 0.5, "segmentation": [3, 4]}
POINTS = {"category_id": 5, "score": 0.5, "keypoints": [1, 2, 0.5, 3, 4, 1]}
KIND = {"category_id": 5, "score": 0.5}


@pytest.fixture
def lightly(tmp_path: Path) -> WritableDatasource:
    return open_datasource(tmp_path, purpose=DatasourcePurpose.LIGHTLY)


def put(lightly: WritableDatasource, name: str, body: Any) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    lightly.write(f".lightly/{name}", text.encode())


def task(lightly: WritableDatasource, task_type: str = "object-detection", name: str = "pets") -> Task:
    put(lightly, "predictions/tasks.json", [name])
    put(lightly, f"predictions/{name}/schema.json", {"task_type": task_type, "categories": CATEGORIES})
    return read_tasks(lightly)[name]


VALID = [
    ("object-detection", BOX),
    ("object-detection", {**BOX, "bbox": [-1.5, 0, 0, 0], "probabilities": [0.4, 0.601]}),
    ("classification", KIND),
    ("classification", {**KIND, "score": 1, "probabilities": [0, 1]}),
    ("semantic-segmentation", MASK),
    ("instance-segmentation", {**MASK, "bbox": [0, 0, 1, 1]}),
    ("keypoint-detection", POINTS),
]

WRONG = [
    ("object-detection", {**BOX, "category_id": 3}, r"category_id 3 is not in the schema.*\[2, 5\]"),
    ("object-detection", {**BOX, "category_id": True}, "category_id True is not in the schema"),
    ("object-detection", {**BOX, "category_id": 5.0}, r"category_id 5\.0 is not"),
    ("object-detection", {**BOX, "category_id": "5"}, "category_id '5' is not"),
    ("object-detection", {**BOX, "score": 1.01}, r"score is 1\.01, which is not from 0 to 1"),
    ("object-detection", {**BOX, "score": NAN}, "score is nan"),
    ("object-detection", {**BOX, "score": True}, "score is True"),
    ("object-detection", {**BOX, "score": "0.5"}, r"score is '0\.5'"),
    ("object-detection", KIND, "bbox is missing, which a singleton of object-detection needs"),
    (
        "object-detection",
        {**BOX, "bbox": [1, 2, 3]},
        r"bbox is \[1, 2, 3\]; allowed is \[x, y, width, height\]",
    ),
    ("object-detection", {**BOX, "bbox": [1, 2, -3, 4]}, "width and height at least 0"),
    ("object-detection", {**BOX, "bbox": [1, 2, 3, NAN]}, "bbox is"),
    ("object-detection", {**BOX, "bbox": [1, 2, 3, True]}, "bbox is"),
    ("object-detection", {**BOX, "bbox": 7}, "bbox is 7"),
    ("object-detection", {**BOX, "probabilities": [1.0]}, "allowed are 2 numbers"),
    ("object-detection", {**BOX, "probabilities": [0.5, 0.4]}, r"of sum 1, here it is 0\.9"),
    ("object-detection", {**BOX, "probabilities": [1.5, -0.5]}, "numbers from 0 to 1"),
    ("object-detection", {**BOX, "probabilities": [NAN, 1]}, "allowed are 2 numbers"),
    ("semantic-segmentation", {**MASK, "segmentation": []}, "run lengths"),
    ("semantic-segmentation", {**MASK, "segmentation": [1, -2]}, "run lengths"),
    ("semantic-segmentation", {**MASK, "segmentation": [1.5]}, "run lengths"),
    ("instance-segmentation", BOX, "segmentation is missing"),
    ("keypoint-detection", {**POINTS, "keypoints": [1, 2]}, "a multiple of 3 numbers"),
    ("keypoint-detection", KIND, "keypoints is missing"),
]


@pytest.mark.parametrize(("task_type", "one"), VALID)
def test_what_is_valid_is_read_as_it_was_written(
    task_type: str, one: dict[str, Any], lightly: WritableDatasource, tmp_path: Path
) -> None:
    pets = task(lightly, task_type)
    write_predictions(lightly, "a/b.jpg", [{"task_name": "pets", **one}])
    put(lightly, "predictions/pets/c.json", {"file_name": "c.jpg", "predictions": [], "extra": 1})
    found, bad = read_predictions(lightly, ["a/b.jpg", "c.jpg", "d.jpg"], pets)
    assert bad == []
    assert found.singletons(0) == [one]
    assert found.is_predicted.tolist() == [True, True, False]
    write_predictions_file(tmp_path / "kept.arrow", found)
    kept = read_predictions_file(tmp_path / "kept.arrow")
    assert kept.task == pets
    assert [kept.singletons(row) for row in range(3)] == [found.singletons(row) for row in range(3)]


@pytest.mark.parametrize(("task_type", "one", "said"), WRONG)
def test_what_is_wrong_is_named_by_reading_and_refused_by_writing(
    task_type: str, one: dict[str, Any], said: str, lightly: WritableDatasource
) -> None:
    pets = task(lightly, task_type)
    with pytest.raises(BadRequestException, match=said):
        write_predictions(lightly, "b.jpg", [{"task_name": "pets", **one}])
    put(lightly, "predictions/pets/b.json", {"file_name": "b.jpg", "predictions": [one]})
    heard: list[Event] = []
    found, bad = read_predictions(lightly, ["a.jpg", "b.jpg"], pets, heard.append)
    assert not found.is_predicted.any()
    ((path, problem),) = bad
    assert path == ".lightly/predictions/pets/b.json"
    assert problem.startswith("predictions[0].")
    assert re.search(said, problem)
    told = [event["message"] for event in heard if event.get("level") == "warning"]
    assert told == [
        f"{path}: {problem}",
        "predictions of task 'pets': 1 files (100.0%) cannot be used as they are; their sample has no "
        "predictions; mend the files and run again",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "it is no JSON"),
        ("[" * 100_000, "nested too deeply|no JSON"),
        ("[]", "file_name is missing"),
        ('{"file_name": "b.jpg"}', "predictions is None; allowed is a list"),
        ('{"file_name": "x.jpg", "predictions": []}', "file_name is 'x.jpg'; allowed is .*'b.jpg'"),
        ('{"file_name": "b.png", "predictions": []}', "file_name is 'b.png'"),
        ('{"file_name": "b.jpg", "predictions": [7]}', r"predictions\[0\]\.it is 7"),
        (
            '{"file_name": "b.jpg", "predictions": [{"category_id": 2, "score": 1, "bbox": [0,0,1e999,1]}]}',
            "bbox",
        ),
    ],
)
def test_files_that_are_no_predictions_are_named(text: str, said: str, lightly: WritableDatasource) -> None:
    pets = task(lightly)
    put(lightly, "predictions/pets/b.json", text)
    found, bad = read_predictions(lightly, ["b.jpg"], pets)
    assert not found.is_predicted.any()
    assert re.search(said, bad[0].problem)


def test_a_classification_names_a_category_once(lightly: WritableDatasource) -> None:
    pets = task(lightly, "classification")
    for several, said in (
        ([KIND, KIND], "category_id 5 comes twice"),
        ([KIND, {"category_id": 2, "score": 0.5, "probabilities": [0.5, 0.5]}], "2 with probabilities"),
    ):
        with pytest.raises(BadRequestException, match=said):
            write_predictions(lightly, "a.jpg", [{"task_name": "pets", **one} for one in several])
    write_predictions(
        lightly,
        "a.jpg",
        [{"task_name": "pets", "category_id": n, "score": s} for n, s in ((5, 0.3), (2, 0.6))],
    )
    found, _ = read_predictions(lightly, ["a.jpg"], pets)
    np.testing.assert_allclose(found.class_distribution(), [[2 / 3, 1 / 3]], atol=1e-6)
    assert found.category_count().tolist() == [[1, 0]]


def test_images_that_share_a_file_name_and_frames_that_share_their_video_s(
    lightly: WritableDatasource,
) -> None:
    pets = task(lightly, "classification")
    put(lightly, "predictions/pets/a.json", {"file_name": "a.png", "predictions": [KIND]})
    put(lightly, "predictions/pets/v/film.json", {"file_name": "v/film.mp4", "predictions": [KIND]})
    own = {"file_name": "v/film-1-mp4.png", "predictions": []}
    put(lightly, "predictions/pets/v/film-1-mp4.json", own)
    put(lightly, "predictions/pets/gone.json", {"file_name": "gone.jpg", "predictions": [KIND]})
    names = ["a.jpg", "a.png", "v/film-0-mp4.png", "v/film-1-mp4.png", "v/film-2-avi.png"]
    heard: list[Event] = []
    found, bad = read_predictions(lightly, names, pets, heard.append)
    assert found.counts.tolist() == [0, 1, 1, 0, 0]
    assert found.is_predicted.tolist() == [False, True, True, True, False]
    assert bad == []
    other = "1 files are of no sample and not read, such as '.lightly/predictions/pets/gone.json'"
    assert other in heard[-1]["message"]
    _, bad = read_predictions(lightly, ["v/film-0-avi.png", "v/film-2-avi.png"], pets)
    allowed = "allowed is the name of its sample, 'v/film-0-avi.png'"
    assert bad[0].problem == f"file_name is 'v/film.mp4'; {allowed}"


def test_keys_that_nothing_reads_are_told(lightly: WritableDatasource) -> None:
    pets = task(lightly)
    put(
        lightly,
        "predictions/pets/a.json",
        {"file_name": "a.jpg", "predictions": [{**BOX, "probabilites": [1]}]},
    )
    heard: list[Event] = []
    found, _ = read_predictions(lightly, ["a.jpg"], pets, heard.append)
    assert found.n_singletons == 1
    assert (
        "nothing reads the keys 'probabilites' (1 times, did you mean 'probabilities'?)"
        in heard[-1]["message"]
    )
    write_task_schema(lightly, {"name": "kind", "type": "classification", "categories": CATEGORIES})
    with pytest.raises(BadRequestException, match="bbox means nothing in a task of classification"):
        write_predictions(lightly, "a.jpg", [{"task_name": "kind", **BOX}])
    with pytest.raises(
        BadRequestException, match="type is 'CLASSIFICATION', but the task 'pets' is one of obj"
    ):
        write_predictions(lightly, "a.jpg", [{"task_name": "pets", "type": "CLASSIFICATION", **BOX}])


@pytest.mark.parametrize(
    ("tasks", "schema", "said"),
    [
        ({"pets": 1}, None, "allowed is a list of the tasks' names"),
        (["../pets"], None, r"'\.\./pets' cannot be the name of a task"),
        (["pets"], None, r"pets/schema\.json .*no such file, but tasks\.json names the task 'pets'"),
        (["pets"], "{", "it is no JSON"),
        (["pets"], {"task_type": "boxes", "categories": CATEGORIES}, "task_type is 'boxes'; there are class"),
        (["pets"], {"task_type": "classification", "categories": []}, "one entry or more"),
        (
            ["pets"],
            {"task_type": "classification", "categories": [{"id": True, "name": "a"}]},
            r"categories\[0\]",
        ),
        (
            ["pets"],
            {"task_type": "classification", "categories": [*CATEGORIES, {"id": 9, "name": "cat"}]},
            "name",
        ),
    ],
)
def test_tasks_that_cannot_be_stop_the_work(tasks: Any, schema: Any, said: str, lightly: Any) -> None:
    put(lightly, "predictions/tasks.json", tasks)
    if schema is not None:
        put(lightly, "predictions/pets/schema.json", schema)
    with pytest.raises(InputError, match=said):
        read_tasks(lightly)


def test_only_tasks_on_the_list_are_read(lightly: WritableDatasource) -> None:
    assert read_tasks(lightly) == {}
    task(lightly)
    put(lightly, "predictions/old/schema.json", "broken")
    assert list(read_tasks(lightly)) == ["pets"]


def test_a_bucket_is_listed_once_and_read_by_several_threads() -> None:
    memory = MemoryFileSystem()
    lightly = open_datasource("memory://annotated", purpose=DatasourcePurpose.LIGHTLY)
    pets = task(lightly)
    names = [f"d{number % 3}/{number:03d}.jpg" for number in range(100)]
    for name in names:
        put(lightly, f"predictions/pets/{name[:-4]}.json", {"file_name": name, "predictions": [BOX]})
    threads, listed = set(), []
    original_read, original_ls = MemoryFileSystem.cat_file, MemoryFileSystem.ls
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            MemoryFileSystem,
            "cat_file",
            lambda self, *a, **k: threads.add(threading.get_ident()) or original_read(self, *a, **k),
        )
        patch.setattr(
            MemoryFileSystem, "ls", lambda self, p, *a, **k: listed.append(p) or original_ls(self, p, *a, **k)
        )
        found, bad = read_predictions(lightly, sorted(names), pets)
    memory.rm("/annotated", recursive=True)
    assert (found.n_singletons, bad) == (100, [])
    assert len(threads) > 1
    assert len(listed) == 4


# metadata

SCHEMA = [
    {"name": "Kind", "path": "scene.kind", "defaultValue": "none", "valueDataType": "CATEGORICAL_STRING"},
    {"name": "T", "path": "t", "defaultValue": -1.5, "valueDataType": "NUMERIC_FLOAT"},
    {"name": "N", "path": "n", "defaultValue": 7, "valueDataType": "NUMERIC_INT"},
    {"name": "Zone", "path": "zone", "defaultValue": 0, "valueDataType": "CATEGORICAL_INT"},
    {"name": "Night", "path": "night", "defaultValue": False, "valueDataType": "CATEGORICAL_BOOLEAN"},
    {"name": "Empty", "path": "empty", "defaultValue": None, "valueDataType": "NUMERIC_INT"},
]


def test_metadata_have_the_schema_s_types_and_defaults(lightly: WritableDatasource) -> None:
    put(lightly, "metadata/schema.json", SCHEMA)
    values = {"scene": {"kind": "town"}, "t": 3, "n": 4, "zone": 2, "night": True, "empty": 1}
    put(lightly, "metadata/a.json", {"file_name": "a.jpg", "type": "image", "metadata": values})
    wrong = {"scene": {"kind": 3}, "t": NAN, "n": 4.5, "zone": True, "night": 1, "empty": None}
    put(lightly, "metadata/b.json", {"file_name": "b.jpg", "metadata": wrong})
    put(lightly, "metadata/c.json", {"file_name": "c.jpg", "type": "film", "metadata": {}})
    put(lightly, "metadata/v.json", {"file_name": "v.mp4", "type": "video", "metadata": {"n": 9}})
    names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "v-00-mp4.png"]
    schema = read_metadata_schema(lightly)
    heard: list[Event] = []
    columns, bad = read_metadata(lightly, names, schema, heard.append)
    assert columns["scene.kind"].tolist() == ["town", "none", "none", "none", "none"]
    assert columns["t"].tolist() == [3, -1.5, -1.5, -1.5, -1.5]
    assert columns["n"].tolist() == [4, 7, 7, 7, 9]
    assert columns["zone"].tolist() == [2, 0, 0, 0, 0]
    assert columns["night"].tolist() == [True, False, False, False, False]
    assert columns["empty"].isna().tolist() == [False, True, True, True, True]
    assert [str(columns[key].dtype) for key in ("t", "n", "zone", "night")] == [
        "float64",
        "int64",
        "category",
        "bool",
    ]
    problems = [one.problem for one in bad]
    assert "metadata.t is nan; allowed is a finite number" in problems
    assert "metadata.zone is True; allowed is a whole number" in problems
    assert "type is 'film'; there are image, video, frame" in problems
    assert len(problems) == 6
    assert (
        "2 files (50.0%) cannot be used as they are; their sample keeps the defaults" in heard[-1]["message"]
    )


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({}, "allowed is a list of entries"),
        ([{**SCHEMA[0], "valueDataType": "TEXT"}], "entry 0: valueDataType is 'TEXT'; there are"),
        ([{**SCHEMA[0], "defaultValue": 3}], "defaultValue is 3; allowed is a text"),
        ([{**SCHEMA[1], "defaultValue": True}], "defaultValue is True; allowed is a finite number"),
        ([{**SCHEMA[0], "path": ""}], "path is ''; allowed is a text"),
        ([{**SCHEMA[1], "path": "lightly.snr"}], r"begins with 'lightly\.' is computed from the image"),
        ([{**SCHEMA[1], "path": "version"}], "a name that the package uses itself"),
        ([SCHEMA[0], SCHEMA[0]], "path 'scene.kind' comes more than once"),
    ],
)
def test_a_metadata_schema_that_cannot_be_stops_the_work(schema: Any, said: str, lightly: Any) -> None:
    put(lightly, "metadata/schema.json", schema)
    with pytest.raises(InputError, match=said):
        read_metadata_schema(lightly)
