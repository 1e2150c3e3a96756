"""A run on objects: crops are its samples, and the images that hold a selected crop are told with them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import lightly_nb as lnb
from lightly_nb.datasource import open_datasource
from lightly_nb.embeddings_csv import read_embeddings_csv
from lightly_nb.errors import ConfigError, InputError, RunError, SelectionError
from lightly_nb.events import silent
from lightly_nb.lightly_source.written_task import write_task
from lightly_nb.pipeline import execute
from lightly_nb.samples import Task
from lightly_nb.samples.predictions import packed
from lightly_nb.states import DatasourcePurpose
from tests.conftest import TINY_MODEL
from tests.photos import photographs

THINGS = Task("things", "object-detection", ("left", "right"))
SMALL = {"input_size": 32, "dimensions": 8}
N_IMAGES, SIDE = 8, 160
UNIFORM = {
    "input": {"type": "PREDICTIONS", "task": "things", "name": "CLASS_DISTRIBUTION"},
    "strategy": {"type": "BALANCE", "target": {"left": 0.5, "right": 0.5}},
}

OF_OBJECTS = {"input": {"type": "EMBEDDINGS", "task": "things"}, "strategy": {"type": "DIVERSITY"}}


def write_images(folder: Path) -> list[str]:
    """Write photographs, a copy of the first and a cut one; return all names, sorted."""
    (folder / "sub").mkdir(parents=True)
    pictures = photographs()
    for number in range(N_IMAGES):
        picture = pictures[number % len(pictures)]
        cut = picture[number * 10 : number * 10 + SIDE, number * 12 : number * 12 + SIDE]
        Image.fromarray(cut).save(folder / f"sub/{number}.jpg" if number % 2 else folder / f"{number}.png")
    (folder / "copy.png").write_bytes((folder / "0.png").read_bytes())
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:9000])
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def write_things(folder: Path, names: list[str]) -> None:
    """Write three objects for each image: one on the left, two on the right, one of which is outside."""
    boxes = [
        {"category_id": 0, "score": 0.9, "bbox": [10, 20, 50, 60]},
        {"category_id": 1, "score": 0.7, "bbox": [80.5, 30, 60, 90]},
        {"category_id": 1, "score": 0.6, "bbox": [SIDE + 40, 0, 10, 10]},
    ]
    lightly = open_datasource(folder, purpose=DatasourcePurpose.LIGHTLY)
    rows = [boxes if name != "2.png" else [] for name in names]
    assert write_task(lightly, names, packed(THINGS, rows), step="PRETAGGING", on_event=silent) == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objects")
    (folder / "lightly").mkdir()
    write_things(folder / "lightly", write_images(folder / "photos"))
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> lnb.Run:
    return lnb.run(
        folder / "photos",
        folder / "out",
        n_samples=4,
        strategies=[UNIFORM, OF_OBJECTS],
        worker_config={**SMALL, "object_level": {"task_name": "things", "padding": 0.1}},
        lightly_source=folder / "lightly",
        on_event=silent,
    )


def test_the_states_come_in_their_order(run):
    states = [event["state"] for event in run.events() if "state" in event]
    expected = [
        *("LOADING_DATASET", "LOADING_PREDICTION", "CHECKING_CORRUPTNESS", "INITIALIZING_OBJECT_CROPS"),
        *("EMBEDDING_OBJECT_CROPS", "SAMPLING", "EMBEDDING_FULL_IMAGES", "SAVING_RESULTS", "COMPLETED"),
    ]
    assert [state for state in states if state in expected] == expected
    assert "EMBEDDING" not in states


def test_crops_are_embedded_and_selected_as_samples(run):
    samples = run.samples
    names = [name for name in samples.filenames if name.startswith("0-")]
    assert names == ["0-0-png.png", "0-1-png.png"]
    assert len(samples) == 2 * (N_IMAGES - 1)  # 2.png has no object
    left_out = run.quarantine.set_index("filename")["reason"]
    assert {"copy.png", "cut.png", "0-2-png.png"} <= set(left_out.index)
    assert "has no area" in left_out["0-2-png.png"]
    assert samples.embeddings.shape == (14, 8)
    assert (samples.predictions["things"].counts == 1).all()
    picked = run.selection.table()
    assert picked["selected"].sum() == 4
    rows = run.selection.rows
    assert set(samples.table["crop.category"].iloc[rows]) == {"left", "right"}
    share = samples.predictions["things"].class_distribution()[rows].mean(axis=0)  # by probability, not count
    assert np.abs(share - 0.5).max() < 0.1


def test_embeddings_of_a_task_are_those_of_its_crops(run):
    crops = run.samples
    without = {**OF_OBJECTS, "input": {"type": "EMBEDDINGS"}}
    picks = lnb.select(crops, 4, strategies=[OF_OBJECTS])
    assert picks.filenames == lnb.select(crops, 4, strategies=[without]).filenames
    other = {**OF_OBJECTS, "input": {"type": "EMBEDDINGS", "task": "thing"}}
    with pytest.raises(SelectionError, match=r"task \['thing'\] not known.*Did you mean 'things'"):
        lnb.select(crops, 4, strategies=[other])
    images = lnb.Samples(pd.DataFrame(index=list("ab")), {"embeddings": np.eye(2)})
    with pytest.raises(SelectionError, match=r"these samples are whole images.*crops\(samples, 'things'\)"):
        lnb.select(images, 1, strategies=[OF_OBJECTS])


def test_crops_show_themselves(run):
    row = run.samples.filenames.index("0-0-png.png")
    whole = photographs()[0][:SIDE, :SIDE]
    expected = whole[14:86, 5:65]  # [10, 20, 50, 60] grown by a tenth
    with Image.open(io.BytesIO(run.samples.source.read("0-0-png.png"))) as crop:
        np.testing.assert_array_equal(np.asarray(crop), expected)
    with Image.open(io.BytesIO(run.samples.thumbnail(row))) as thumbnail:
        assert thumbnail.size == (60, 72)
        assert np.abs(np.asarray(thumbnail, float) - expected).mean() < 12
    report = json.loads(run.folder.report_json.read_text(encoding="utf-8"))
    assert report["dataset"]["n_before"] == 14
    assert report["maps"]["sprites"] is not None


def test_images_with_a_selected_crop_are_told_and_embedded(run):
    table = run.samples.table
    expected = list(dict.fromkeys(table["crop.image"].iloc[run.selection.rows]))
    assert run.full_images == expected
    stored = read_embeddings_csv(run.folder.full_image_embeddings)
    assert list(stored.filenames) == expected
    assert stored.embeddings.shape == (len(expected), 8)
    kept = pd.read_parquet(run.folder.full_images)
    assert kept["lightly.width"].tolist() == [SIDE] * len(expected)


def test_no_file_is_written_for_a_crop(run, folder):
    below = [path for path in folder.rglob("*-0-*") if path.is_file()]
    assert below == []


def test_pretagging_and_objects_go_together(folder, tmp_path):
    def halves(images: list[np.ndarray]) -> Any:
        boxes = [[[0, 0, i.shape[1] / 2, i.shape[0]], [i.shape[1] / 2, 0, *i.shape[1::-1]]] for i in images]
        return boxes, [[0.9, 0.8]] * len(images), [["first", "second"]] * len(images)

    (tmp_path / "lightly").mkdir()
    run = lnb.run(
        folder / "photos",
        tmp_path / "out",
        n_samples=3,
        worker_config={
            **SMALL,
            "pretagging": True,
            "object_level.task_name": "lightly_pretagging",
            "generate_report": False,
            "crops.enable_upload": True,
        },
        lightly_source=tmp_path / "lightly",
        detector=halves,
        on_event=silent,
    )
    assert len(run.samples) == 2 * N_IMAGES
    assert run.samples.predictions["lightly_pretagging"].counts.tolist() == [1] * 2 * N_IMAGES
    crops = tmp_path / "lightly" / ".lightly" / "crops"
    written = sorted(str(path.relative_to(crops)) for path in crops.rglob("*.png"))
    assert written == sorted(run.selection.filenames)
    assert (crops / written[0]).read_bytes() == run.samples.source.read(written[0])
    stored = json.loads(run.folder.bounding_boxes.read_text(encoding="utf-8"))
    assert [one["filename"] for one in stored] == sorted({*run.samples.table["crop.image"]})


@pytest.mark.parametrize(
    ("worker", "error", "text"),
    [
        (
            {"object_level.task_name": "thing"},
            ConfigError,
            r"object_level.task_name: got 'thing'.*Did you mean 'things'",
        ),
        (
            {"object_level.task_name": "weather"},
            ConfigError,
            "got 'weather', which is one of classification; allowed",
        ),
        (
            {"object_level.task_name": "lightly_pretagging"},
            ConfigError,
            "got 'lightly_pretagging'.*set worker_config.pretagging to true",
        ),
        ({"crops.enable_upload": True}, ConfigError, r"name their task in object_level\.task_name"),
        (
            {"object_level.task_name": "things", "use_datapool": True},
            ConfigError,
            "a datapool keeps whole images",
        ),
        (
            {"object_level.task_name": "things", "embeddings": "a.csv"},
            ConfigError,
            "object_level embeds the crops",
        ),
        (
            {"object_level.task_name": "things"},
            InputError,
            "asked for 99 samples, but task 'things' has 21 objects",
        ),
    ],
)
def test_what_cannot_be_is_refused(folder, tmp_path, worker, error, text):
    lightly = open_datasource(folder / "lightly", purpose=DatasourcePurpose.LIGHTLY)
    weather = packed(Task("weather", "classification", ("sun",)), [[{"category_id": 0, "score": 1.0}]])
    write_task(lightly, ["0.png"], weather, step="PRETAGGING", on_event=silent)
    with pytest.raises(error, match=text):
        lnb.run(
            folder / "photos",
            tmp_path / "out",
            n_samples=99,
            worker_config={**SMALL, **worker},
            lightly_source=folder / "lightly",
            on_event=silent,
        )
    assert error is InputError or not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("key", "strategy", "text"),
    [
        (
            "crop.score",
            {"type": "BALANCE", "distribution": "UNIFORM"},
            "'crop.score' is a number; use WEIGHTS",
        ),
        ("crop.category", {"type": "WEIGHTS"}, "'crop.category' is a category; use BALANCE"),
        ("crop.scor", {"type": "WEIGHTS"}, "got 'crop.scor'.*Did you mean 'crop.score'"),
    ],
)
def test_metadata_of_a_crop_are_checked_before_any_work(folder, tmp_path, key, strategy, text):
    with pytest.raises(ConfigError, match=text):
        lnb.run(
            folder / "photos",
            tmp_path / "out",
            n_samples=2,
            strategies=[{"input": {"type": "METADATA", "key": key}, "strategy": strategy}],
            worker_config={**SMALL, "object_level.task_name": "things"},
            lightly_source=folder / "lightly",
            on_event=silent,
        )
    assert not (tmp_path / "out").exists()


def test_a_run_on_objects_trains_on_crops_and_goes_on_where_it_was(folder, tmp_path):
    best = {"type": "THRESHOLD", "threshold": 0.8, "operation": "BIGGER"}
    run = lnb.run(
        folder / "photos",
        tmp_path,
        n_samples=3,
        strategies=[
            {"input": {"type": "METADATA", "key": "crop.score"}, "strategy": best},
            {
                "input": {"type": "SCORES", "task": "things", "score": "uncertainty_margin"},
                "strategy": {"type": "WEIGHTS"},
            },
        ],
        worker_config={
            "enable_training": True,
            "object_level.task_name": "things",
            "generate_report": False,
            "dump_dataset": True,
        },
        lightly_config=TINY_MODEL,
        lightly_source=folder / "lightly",
        on_event=silent,
    )
    picks = run.selection.filenames
    assert {"-0-" in name for name in picks} == {True}
    assert sorted(p.name for p in run.folder.sampled.rglob("*.png")) == sorted(
        n.split("/")[-1] for n in picks
    )
    run.folder.selection.unlink()
    run.folder.full_image_filenames.unlink()
    execute(run.folder, on_event=silent)
    again = lnb.open_run(run.path)
    assert again.selection.filenames == picks
    assert again.full_images == [str(name) for name in again.samples.table.loc[picks, "crop.image"]]


def test_crops_that_are_handed_in_are_refused(run, tmp_path):
    with pytest.raises(RunError, match="are crops, which a run makes itself"):
        lnb.run(run.samples, tmp_path, n_samples=2, on_event=silent)
