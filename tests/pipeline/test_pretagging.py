"""Pretagging in a run: its state, its files, selection by what was found, and what goes to LIGHTLY."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lightly_nb as lnb
from lightly_nb.datasource import open_datasource
from lightly_nb.errors import ConfigError
from lightly_nb.events import silent
from lightly_nb.lightly_source.predictions import read_predictions, read_tasks, write_task_schema
from lightly_nb.pipeline.detector import importable_name, imported_detector
from lightly_nb.samples import Task
from lightly_nb.samples.predictions import packed
from lightly_nb.states import DatasourcePurpose, RunState
from tests.conftest import fill_with_photographs
from tests.photos import crops

BALANCE = {
    "input": {"type": "PREDICTIONS", "task": "lightly_pretagging", "name": "CATEGORY_COUNT"},
    "strategy": {"type": "BALANCE", "target": {"bright": 1.0}},
}
PRETAG = {"pretagging": True, "input_size": 32, "dimensions": 8}
MEAN = 110


def by_brightness(images: list[np.ndarray]) -> Any:
    """A detector that tells bright from dark pictures, and sees two things in a bright one."""
    boxes, scores, labels = [], [], []
    for image in images:
        height, width = image.shape[:2]
        n = 2 if image.mean() > MEAN else 1
        boxes.append([[0, 0, width / 2, height], [width / 2, 0, width, height / 2]][:n])
        scores.append([0.9, 0.6][:n])
        labels.append(["bright" if n == 2 else "dark"] * n)
    return boxes, scores, labels


by_brightness.categories = ("bright", "dark")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> lnb.Run:
    folder = tmp_path_factory.mktemp("pretagged")
    return lnb.run(
        fill_with_photographs(folder / "photos"),
        folder / "out",
        n_samples=4,
        strategies=[BALANCE],
        worker_config={**PRETAG, "pretagging_debug": True, "pretagging_upload": True},
        lightly_source=lightly_folder(folder),
        detector=by_brightness,
        on_event=silent,
    )


def lightly_folder(folder: Path) -> Path:
    (folder / "lightly").mkdir()
    return folder / "lightly"


def test_a_run_has_the_state_and_selects_by_what_was_found(run):
    states = [event["state"] for event in run.events() if "state" in event]
    assert (
        states.index(RunState.EMBEDDING) < states.index(RunState.PRETAGGING) < states.index(RunState.SAMPLING)
    )
    assert states[-1] == RunState.COMPLETED
    counted = run.samples.predictions["lightly_pretagging"].category_count()
    rows = run.selection.rows
    assert (counted[:, 0] > 0).sum() >= 4
    assert (counted[rows, 0] == 2).all()
    assert (counted[rows, 1] == 0).all()


def test_a_run_leaves_the_documented_files(run):
    stored = json.loads((run.path / "data" / "bounding_boxes.json").read_text(encoding="utf-8"))
    assert [one["filename"] for one in stored] == run.samples.filenames
    bright = next(one for one in stored if "bright" in one["labels"])
    assert bright["boxes"] == [[0, 0, 0.5, 1], [0.5, 0, 1, 0.5]]
    assert bright["scores"] == [0.9, 0.6]
    assert len(os.listdir(run.path / "data" / "bounding_boxes_examples")) == 10
    assert not run.folder.pretagging_progress.exists()
    plots = {path.name for path in run.folder.plots.iterdir()}
    assert {"pretagging_histogram_before.png", "pretagging_histogram_after.png"} <= plots


def test_the_report_counts_objects(run):
    (entry,) = json.loads(run.folder.report_json.read_text(encoding="utf-8"))["dataset"]["classes"]
    counted = run.samples.predictions["lightly_pretagging"].category_count()
    assert entry["unit"] == "objects"
    assert {v["value"]: (v["before"], v["after"]) for v in entry["values"]} == {
        "bright": (counted[:, 0].sum(), 8.0),
        "dark": (counted[:, 1].sum(), 0.0),
    }


def test_the_detections_are_written_to_lightly_where_the_next_run_can_read_them(run):
    lightly = open_datasource(Path(run.job.lightly_source))
    task = read_tasks(lightly)["lightly_pretagging"]
    assert task.categories == ("bright", "dark")
    read, bad = read_predictions(lightly, run.samples.filenames, task)
    kept = lnb.open_run(run.path).samples.predictions["lightly_pretagging"]
    assert not bad
    np.testing.assert_array_equal(read.bbox, kept.bbox)
    np.testing.assert_array_equal(read.score, kept.score)
    assert not (Path(run.job.input) / ".lightly").exists()


def test_a_write_that_fails_is_a_warning_with_a_count_and_the_run_completes(photo_folder, tmp_path):
    folder = lightly_folder(tmp_path)
    other = {
        "name": "lightly_pretagging",
        "type": "OBJECT_DETECTION",
        "categories": [{"id": 0, "name": "cow"}],
    }
    write_task_schema(open_datasource(folder, purpose=DatasourcePurpose.LIGHTLY), other)
    heard: list[str] = []
    run = lnb.run(
        photo_folder,
        tmp_path / "out",
        n_samples=2,
        worker_config={**PRETAG, "pretagging_upload": True, "generate_report": False},
        lightly_source=folder,
        detector=by_brightness,
        on_event=lambda event: heard.append(event.get("message", "")),
    )
    assert run.state is RunState.COMPLETED
    (said,) = [text for text in heard if "not written" in text]
    assert "24 samples" in said
    assert "with other categories (cow); delete .lightly/predictions/lightly_pretagging" in said
    assert run.job.detector == f"{__name__}:by_brightness"  # so it can be repeated by its folder alone
    again = lnb.rerun(run.path, tmp_path / "out", lightly_storage_options=None, on_event=silent)
    assert again.selection.filenames == run.selection.filenames


def test_files_that_cannot_be_written_are_counted(tmp_path):
    from lightly_nb.lightly_source.written_task import write_task

    lightly = open_datasource(tmp_path, purpose=DatasourcePurpose.LIGHTLY)
    task = Task("cars", "object-detection", ("car",))
    box = [{"category_id": 0, "score": 0.5, "bbox": [0, 0, 1, 1]}]
    (tmp_path / ".lightly" / "predictions" / "cars").mkdir(parents=True)
    (tmp_path / ".lightly" / "predictions" / "cars" / "folder").write_text("a file where a folder should be")
    heard: list[str] = []
    n_failed = write_task(
        lightly,
        ["a.jpg", "a.png", "b.jpg", "folder/c.jpg"],
        packed(task, [box, box, None, box]),
        step="PRETAGGING",
        on_event=lambda event: heard.append(event.get("message", "")),
    )
    assert n_failed == 2
    (said,) = [text for text in heard if text]
    assert "2 of 3 files of task 'cars' are not written" in said
    assert "'a.png': its file .lightly/predictions/cars/a.json is that of 'a.jpg' too" in said


@pytest.mark.parametrize(
    ("worker", "options", "text"),
    [
        ({"pretagging_upload": True}, {}, "pretagging_upload.*pretagging is false"),
        ({"pretagging_debug": True}, {}, "pretagging_debug.*pretagging is false"),
        ({"pretagging": True, "pretagging_upload": True}, {}, "no LIGHTLY datasource.*give lightly_source="),
        (
            {"pretagging": True, "pretagging_detector": "fasterrcn"},
            {},
            "pretagging_detector.*fasterrcnn_resnet50_fpn",
        ),
        ({}, {"detector": by_brightness}, "pretagging: a detector is given, but this is false"),
        ({"pretagging": True}, {"detector": "yolo"}, "detector: got a str; allowed is a callable"),
        (
            {"pretagging": True, "pretagging_detector": "ssdlite320_mobilenet_v3_large"},
            {"detector": by_brightness},
            "pretagging_detector: given together with detector=",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_there_is_a_run_folder(
    photo_folder, tmp_path, worker, options, text
):
    with pytest.raises(ConfigError, match=text):
        lnb.run(photo_folder, tmp_path / "out", n_samples=2, worker_config=worker, on_event=silent, **options)
    assert not list((tmp_path / "out").rglob("*")) if (tmp_path / "out").exists() else True


def test_a_run_in_the_background_needs_a_detector_that_can_be_imported(photo_folder, tmp_path):
    for detector in (lambda images: ([], [], []), type("D", (), {"__call__": by_brightness})()):
        with pytest.raises(ConfigError, match=r"detector: .*cannot be imported here.*at the top of a module"):
            lnb.start(
                photo_folder, tmp_path, n_samples=2, worker_config={"pretagging": True}, detector=detector
            )
    assert imported_detector(importable_name(by_brightness)) is by_brightness


def test_a_detector_beside_the_notebook_works_in_the_background(photo_folder, tmp_path, monkeypatch):
    (tmp_path / "beside_the_notebook.py").write_text(
        "def detector(images):\n"
        "    return [[[0, 0, 9, 9]]] * len(images), [[0.9]] * len(images), [['thing']] * len(images)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    from beside_the_notebook import detector  # type: ignore[import-not-found]

    run = lnb.start(
        photo_folder,
        tmp_path / "out",
        n_samples=2,
        worker_config={**PRETAG, "generate_report": False},
        detector=detector,
    ).wait(timeout=120, progress=False)
    assert run.state is RunState.COMPLETED
    assert run.samples.predictions["lightly_pretagging"].task.categories == ("thing",)


def test_a_datapool_is_pretagged_with_what_is_new(tmp_path):
    from PIL import Image

    def go(n_pictures: int, seed: int) -> lnb.Run:
        for number, picture in enumerate(crops(n_pictures, seed)):
            path = tmp_path / "in" / f"{seed}-{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(picture).save(path)
        worker = {**PRETAG, "generate_report": False, "datapool.name": "pool"}
        return lnb.run(
            *(tmp_path / "in", tmp_path / "out"),
            n_samples=3,
            strategies=[BALANCE],
            worker_config=worker,
            shared_dir=tmp_path,
            detector=by_brightness,
            on_event=silent,
        )

    go(8, seed=1)
    second = go(8, seed=2)
    assert len(second.samples) == 3 + 8
    assert second.samples.predictions["lightly_pretagging"].is_predicted.all()


@pytest.mark.parametrize(
    ("given", "strategy", "text"),
    [
        ({"task": "lightly_pretaging"}, None, "got 'lightly_pretaging'"),
        ({"categories": ["brigth"]}, None, r"input.categories: got 'brigth'.*bright"),
        ({}, {"target": {"car": 1.0}}, r"strategy.target: got 'car'.*bright, dark"),
        ({"type": "SCORES", "score": "uncertainty_margn"}, {"type": "WEIGHTS"}, "uncertainty_margin"),
    ],
)
def test_strategies_on_what_a_detector_cannot_find_are_refused_at_once(
    photo_folder, tmp_path, given, strategy, text
):
    source = {"type": "PREDICTIONS", "task": "lightly_pretagging", "name": "CATEGORY_COUNT"}
    source = {**source, **given} if "type" not in given else {"task": source["task"], **given}
    how = strategy if strategy and "type" in strategy else {"type": "BALANCE", "target": {"bright": 1.0}}
    asked = [{"input": source, "strategy": {**how, **(strategy or {})}}]
    with pytest.raises(ConfigError, match=text):
        lnb.run(
            photo_folder,
            tmp_path / "out",
            n_samples=2,
            worker_config=PRETAG,
            strategies=asked,
            detector=by_brightness,
            on_event=silent,
        )
    assert not (tmp_path / "out").exists()


def test_scores_of_what_was_found_can_be_selected_by(run):
    scores = [name for name in run.samples.table if name.startswith("score.lightly_pretagging.")]
    assert "score.lightly_pretagging.object_frequency" in scores
    states = [event["state"] for event in run.events() if "state" in event]
    assert states.index("PRETAGGING") < states.index("COMPUTING_ACTIVE_LEARNING_SCORES")


def test_the_old_form_scores_what_pretagging_finds(photo_folder, tmp_path):
    worker = {**PRETAG, "method": "coral", "stopping_condition.n_samples": 3, "generate_report": False}
    run = lnb.run(photo_folder, tmp_path, worker_config=worker, detector=by_brightness, on_event=silent)
    assert len(run.selection) == 3
    assert {entry["input"]["type"] for entry in run.selection.strategies} == {"EMBEDDINGS", "SCORES"}
