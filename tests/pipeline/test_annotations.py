"""A run reads predictions and metadata of LIGHTLY, scores, and selects by them; what cannot be is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightly.utils.io import check_embeddings, load_embeddings
from PIL import Image

import lightly_nb as lnb
from lightly_nb.embeddings_csv import write_embeddings_csv
from lightly_nb.errors import ConfigError, InputError
from lightly_nb.events import Event, silent
from lightly_nb.samples.predictions import Task, packed
from tests.photos import crops

N = 12
NAMES = [f"{'sub' if number % 2 else 'top'}/photo {number:02d}.jpg" for number in range(N)]
CARS = {
    "task_type": "object-detection",
    "categories": [{"id": 3, "name": "car"}, {"id": 7, "name": "bus"}, {"id": 9, "name": "bike"}],
}
WEATHER = {"task_type": "classification", "categories": [{"id": 0, "name": "sun"}, {"id": 1, "name": "rain"}]}
SCHEMA = [
    {"name": "Scene", "path": "scene.kind", "defaultValue": "road", "valueDataType": "CATEGORICAL_STRING"},
    {"name": "T", "path": "temperature", "defaultValue": 10.5, "valueDataType": "NUMERIC_FLOAT"},
    {"name": "Zone", "path": "zone", "defaultValue": 0, "valueDataType": "CATEGORICAL_INT"},
]


def write(path: Path, body: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body), encoding="utf-8")


def boxes(number: int) -> list[dict[str, Any]]:
    """Return what is predicted in photo `number`: none to three objects, the further ones less certain."""
    return [
        {"category_id": (3, 7, 9)[n], "score": 0.95 - 0.03 * number, "bbox": [1, 2, 10 + n, 5.5]}
        for n in range(number % 4)
    ]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Photographs, and a LIGHTLY folder with two tasks and metadata, some of it damaged."""
    base = tmp_path_factory.mktemp("annotated")
    for name, crop in zip(NAMES, crops(N, side=48), strict=True):
        (base / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(base / "photos" / name)
    lightly = base / "lightly" / ".lightly"
    write(lightly / "predictions/tasks.json", ["cars", "weather"])
    write(lightly / "predictions/cars/schema.json", CARS)
    write(lightly / "predictions/weather/schema.json", WEATHER)
    write(lightly / "metadata/schema.json", SCHEMA)
    for number, name in enumerate(NAMES):
        stem = name[:-4]
        if number != 11:
            write(
                lightly / f"predictions/cars/{stem}.json", {"file_name": name, "predictions": boxes(number)}
            )
        score = {"category_id": number % 2, "score": 0.5 + number / 24}
        write(lightly / f"predictions/weather/{stem}.json", {"file_name": name, "predictions": [score]})
        if number < 6:
            found = {"scene": {"kind": "town"}, "temperature": number, "zone": number % 3}
            body = {"file_name": name, "type": "image", "metadata": found}
            write(lightly / f"metadata/{stem}.json", body)
    write(lightly / f"predictions/cars/{NAMES[10][:-4]}.json", {"file_name": NAMES[10]})
    vectors = np.random.default_rng(0).normal(size=(N, 4))
    write_embeddings_csv(base / "own.csv", sorted(NAMES), vectors)
    return base / "photos", base / "lightly"


def run(folders: tuple[Path, Path], out: Path, strategies: Any, **options: Any) -> lnb.Run:
    photos, lightly = folders
    worker = {"generate_report": False, "embeddings": str(photos.parent / "own.csv")}
    worker |= options.pop("worker", {})
    options = {"n_samples": 4, "on_event": silent, "lightly_source": lightly, **options}
    return lnb.run(options.pop("source", photos), out, strategies=strategies, worker_config=worker, **options)


def scores(task: str, score: str) -> dict[str, Any]:
    return {"type": "SCORES", "task": task, "score": score}


MIX = [
    {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}},
    {"input": scores("cars", "object_frequency"), "strategy": {"type": "WEIGHTS"}},
    {
        "input": {"type": "PREDICTIONS", "task": "cars", "name": "CLASS_DISTRIBUTION"},
        "strategy": {"type": "BALANCE", "target": {"car": 0.4, "bike": 0.4}},
    },
    {
        "input": {"type": "METADATA", "key": "scene.kind"},
        "strategy": {"type": "BALANCE", "distribution": "UNIFORM"},
    },
    {
        "input": {"type": "METADATA", "key": "temperature"},
        "strategy": {"type": "THRESHOLD", "threshold": 1, "operation": "BIGGER"},
    },
    {"input": {"type": "METADATA", "key": "lightly.sharpness"}, "strategy": {"type": "WEIGHTS"}},
]


@pytest.fixture(scope="module")
def done(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[lnb.Run, list[Event]]:
    heard: list[Event] = []
    finished = run(folders, tmp_path_factory.mktemp("out"), MIX, on_event=heard.append)
    return finished, heard


def test_a_run_reads_scores_and_selects_by_all_inputs_at_once(done: tuple[lnb.Run, list[Event]]) -> None:
    finished, heard = done
    samples = finished.samples
    assert len(finished.selection) == 4
    states = [event["state"] for event in heard if "state" in event]
    wanted = ["LOADING_DATASET", "LOADING_METADATA", "LOADING_PREDICTION", "CHECKING_CORRUPTNESS"]
    wanted += ["COMPUTING_ACTIVE_LEARNING_SCORES", "SAMPLING"]
    assert [state for state in states if state in wanted] == wanted
    cars = samples.predictions["cars"]
    assert cars.task == Task("cars", "object-detection", ("car", "bus", "bike"), (3, 7, 9))
    for row, name in enumerate(samples.filenames):
        number = NAMES.index(name)
        expected = [] if number in (10, 11) else boxes(number)
        assert [one["bbox"] for one in cars.singletons(row)] == [one["bbox"] for one in expected]
        assert cars.is_predicted[row] == (number not in (10, 11))
        assert samples.table["scene.kind"].iloc[row] == ("town" if number < 6 else "road")
        assert samples.table["temperature"].iloc[row] == (number if number < 6 else 10.5)
    assert samples.arrays["class_distribution.cars"].shape == (N, 3)
    assert set(finished.selection.filenames) <= set(NAMES[2:])
    again = lnb.select(samples, 4, strategies=MIX, seed=1, on_event=silent)
    assert again.filenames == finished.selection.filenames


def test_what_cannot_be_used_is_named_counted_and_listed(done: tuple[lnb.Run, list[Event]]) -> None:
    finished, heard = done
    said = [event["message"] for event in heard if event.get("level") == "warning"]
    path = f".lightly/predictions/cars/{NAMES[10][:-4]}.json"
    assert f"{path}: predictions is None; allowed is a list, [] for nothing in the image" in said
    assert any("predictions of task 'cars': 1 files (9.1%) cannot be used" in one for one in said)
    table = pd.read_csv(finished.folder.unusable_annotations)
    assert table["path"].tolist() == [path]
    assert any("'cars': 11 of 12 samples have a file" in event.get("message", "") for event in heard)


def test_scores_are_columns_and_a_csv_of_their_own(done: tuple[lnb.Run, list[Event]]) -> None:
    finished, _ = done
    table = finished.samples.table
    names = [name for name in table if name.startswith("score.")]
    assert len(names) == 8  # five of the detections, three of the classification
    assert table[names].to_numpy().min() >= 0
    assert table[names].to_numpy().max() <= 1
    path = str(finished.folder.al_score_embeddings)
    check_embeddings(path)
    vectors, _, filenames = load_embeddings(path)
    assert (vectors.shape, list(filenames)) == ((N, 4 + 8), finished.samples.filenames)
    np.testing.assert_allclose(vectors[:, 4:], table[names], atol=1e-6)
    header = pd.read_csv(path, nrows=0).columns
    assert list(header[5:-1]) == [f"embedding_{4 + number}_{name}" for number, name in enumerate(names)]


def test_a_run_repeated_selects_the_same(done: tuple[lnb.Run, list[Event]], tmp_path: Path) -> None:
    first, _ = done
    assert lnb.rerun(first.path, tmp_path, on_event=silent).selection.filenames == first.selection.filenames


def strategy(source: dict[str, Any], kind: str = "WEIGHTS", **settings: Any) -> list[dict[str, Any]]:
    return [{"input": source, "strategy": {"type": kind, **settings}}]


BALANCED = {"kind": "BALANCE", "distribution": "UNIFORM"}


@pytest.mark.parametrize(
    ("source", "settings", "key", "said"),
    [
        (
            scores("car", "uncertainty_margin"),
            {},
            "input.task",
            r"cars, weather\. Did you mean 'cars'",
        ),
        (scores("cars", "uncertainty_margins"), {}, "input.score", "Did you mean 'uncertainty_margin'"),
        (
            scores("weather", "object_frequency"),
            {},
            "input.score",
            "which is one of classification",
        ),
        (
            {"type": "PREDICTIONS", "task": "cars", "name": "CATEGORY_COUNT", "categories": ["cart"]},
            BALANCED,
            "input.categories",
            "got 'cart'.*car, bus, bike.*Did you mean 'car'",
        ),
        (
            {"type": "PREDICTIONS", "task": "cars", "name": "CATEGORY_COUNT", "categories": ["car", "bus"]},
            {"kind": "BALANCE", "target": {"bike": 0.5}},
            "strategy.target",
            "got 'bike'.*car, bus",
        ),
        ({"type": "METADATA", "key": "scene"}, {}, "input.key", r"got 'scene'.*Did you mean 'scene\.kind'"),
        (
            {"type": "METADATA", "key": "lightly.sharpnes"},
            {},
            "input.key",
            r"Did you mean 'lightly\.sharpness'",
        ),
        ({"type": "METADATA", "key": "lightly.snr"}, BALANCED, "input.key", "BALANCE needs categories"),
        ({"type": "METADATA", "key": "temperature"}, BALANCED, "input.key", "NUMERIC_FLOAT in the schema"),
        ({"type": "METADATA", "key": "zone"}, {}, "input.key", "WEIGHTS needs numbers.*CATEGORICAL_INT"),
    ],
)
def test_what_cannot_work_is_refused_before_a_run_folder_is_made(
    source: dict[str, Any], settings: dict[str, Any], key: str, said: str, folders: Any, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=f"(?s){said}") as caught:
        run(folders, tmp_path / "out", strategy(source, **settings))
    assert [problem.key for problem in caught.value.problems] == [f"selection_config.strategies[0].{key}"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("strategies", "said"),
    [
        (
            strategy({"type": "METADATA", "key": "scene.kind"}, "BALANCE", target={"twon": 1}),
            r"strategies\[0\].*twon.*Did you mean 'town'",
        ),
        (
            strategy(
                {"type": "METADATA", "key": "temperature"}, "THRESHOLD", threshold=99, operation="BIGGER"
            ),
            "no sample has a value > 99",
        ),
    ],
)
def test_what_the_values_do_not_allow_is_refused_after_listing(
    strategies: Any, said: str, folders: Any, tmp_path: Path
) -> None:
    heard: list[Event] = []
    with pytest.raises(ConfigError, match=f"(?s){said}"):
        run(folders, tmp_path, strategies, on_event=heard.append)
    assert "CHECKING_CORRUPTNESS" not in [event.get("state") for event in heard]


def test_without_predictions_the_error_says_where_they_belong(folders: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no predictions at all.*tasks\.json.*add_predictions"):
        run(folders, tmp_path, strategy(scores("cars", "uncertainty_margin")), lightly_source=None)


@pytest.mark.parametrize("metadata", [[], [{"name": "x"}]])
def test_a_broken_schema_stops_a_run_before_its_work(
    metadata: Any, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    lightly = tmp_path / "lightly"
    write(lightly / ".lightly/metadata/schema.json", metadata)
    write(lightly / ".lightly/predictions/tasks.json", ["cars"])
    wrong = r"metadata/schema\.json .*entry 0: path is None" if metadata else "no such file.*the task 'cars'"
    with pytest.raises(InputError, match=wrong):
        run(folders, tmp_path, None, lightly_source=lightly)


COUNT = {"type": "PREDICTIONS", "task": "cars", "name": "CATEGORY_COUNT", "categories": ["car", "bus"]}


@pytest.mark.parametrize(
    "strategies",
    [
        strategy(scores("weather", "uncertainty_entropy")),
        strategy(
            scores("cars", "objectness_least_confidence"), "THRESHOLD", threshold=0.01, operation="BIGGER"
        ),
        strategy({**COUNT, "name": "CLASS_DISTRIBUTION"}, "BALANCE", distribution="INPUT"),
        strategy(COUNT, "BALANCE", target={"car": 0.5}),
        strategy(COUNT, target_range={"min_sum": 3, "max_sum": 6}),
        strategy(COUNT, "THRESHOLD", threshold=2, operation="SMALLER"),
        strategy({"type": "METADATA", "key": "zone"}, "BALANCE", target={"1": 0.5, "2": 0.5}),
        strategy({"type": "METADATA", "key": "temperature"}, strength=-1.0),
    ],
)
def test_each_input_alone_selects(strategies: Any, folders: Any, tmp_path: Path) -> None:
    finished = run(folders, tmp_path, strategies, n_samples=3)
    assert len(finished.selection) == 3
    if "target_range" in strategies[0]["strategy"]:
        got = finished.selection.strategies[0]["got"]
        rows = finished.selection.rows
        counts = finished.samples.predictions["cars"].category_count()[rows, :2].sum()
        assert got["sum"] == counts
        assert 3 <= counts <= 6


def test_the_old_form_works(folders: Any, tmp_path: Path) -> None:
    old = {"method": "coral", "stopping_condition.n_samples": 3, "active_learning.task_name": "weather"}
    finished = run(folders, tmp_path, None, n_samples=None, worker=old)
    assert len(finished.selection) == 3
    assert [one.type for one in (s.strategy for s in finished.job.configs.selection.strategies)] == [
        "DIVERSITY",
        "WEIGHTS",
    ]


def test_predictions_of_samples_that_are_handed_in_go_into_the_run(folders: Any, tmp_path: Path) -> None:
    samples = lnb.list_samples(folders[0], on_event=silent)
    task = Task("mine", "classification", ("a", "b"))
    rows = [[{"category_id": 0, "score": 1 - n / 30}] for n in range(N)]
    samples = samples.with_predictions(packed(task, rows)).take(np.arange(N)[::-1])
    strategies = strategy(scores("mine", "uncertainty_margin"))
    finished = run(folders, tmp_path, strategies, source=samples, lightly_source=None)
    assert finished.selection.filenames == samples.filenames[:4]
    again = lnb.rerun(finished.path, on_event=silent)
    assert again.selection.filenames == finished.selection.filenames


def test_a_table_that_is_handed_in_comes_before_the_files(
    done: tuple[lnb.Run, list[Event]], folders: Any, tmp_path: Path
) -> None:
    samples = done[0].samples.with_columns({"temperature": np.arange(N) * 1.0})
    heard: list[Event] = []
    finished = run(folders, tmp_path, MIX, source=samples, on_event=heard.append)
    assert finished.samples.table["temperature"].tolist() == list(range(N))
    told = "has columns of its own for scene.kind, temperature, zone: files are not read"
    assert any(told in event.get("message", "") for event in heard)
