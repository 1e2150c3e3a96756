"""A YOLO folder, read as Ultralytics reads it: images, labels where it looks for them, numbers of classes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import lightly_nb as lnb
from lightly_nb.errors import InputError
from lightly_nb.events import Event
from lightly_nb.exports.splits import split_by_shares
from lightly_nb.samples.predictions import Task, packed
from tests.exports.predicted import (
    CATEGORIES,
    IDS,
    NAMES,
    SIZES,
    mask_from,
    quiet,
    rows,
    samples_of,
    write_images,
)

DETECTION = Task("det", "object-detection", CATEGORIES, IDS)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    write_images(folder)
    return folder


@pytest.fixture(scope="module")
def samples(photos: Path) -> lnb.Samples:
    return samples_of(photos)


def read(folder: Path) -> tuple[dict[str, Any], dict[str, list[Path]], dict[Path, list[list[float]] | None]]:
    """Return data.yaml, the images by split, and the lines of each image, None without a file.

    Labels are looked for as Ultralytics does: the last `images` of the path is `labels`.
    """
    data = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))
    images, lines = {}, {}
    for split in ("train", "val", "test"):
        if split not in data:
            continue
        found = sorted(path for path in (folder / data[split]).rglob("*") if path.is_file())
        images[split] = found
        for path in found:
            before, _, after = str(path).rpartition("/images/")
            label = Path(f"{before}/labels/{after.rpartition('.')[0]}.txt")
            text = label.read_text() if label.exists() else None
            lines[path] = (
                None if text is None else [[float(x) for x in line.split()] for line in text.splitlines()]
            )
    return data, images, lines


def numbers(path: Path) -> list[list[float]]:
    return [[float(value) for value in line.split()] for line in path.read_text().splitlines()]


def original(path: Path, folder: Path) -> str:
    return path.relative_to(folder / "images").as_posix().partition("/")[2].replace("images_/", "images/")


@pytest.mark.parametrize("task", ["det", "seg", "sem", "key"])
def test_objects_are_read_as_they_were_predicted(
    samples: lnb.Samples, photos: Path, task: str, tmp_path: Path
) -> None:
    folder = lnb.export(samples, None, "yolo_folder", tmp_path / "yolo", task=task, on_event=quiet)
    data, images, lines = read(folder)
    assert data["names"] == dict(enumerate(CATEGORIES))
    assert data.get("kpt_shape") == ([3, 3] if task == "key" else None)
    assert "path" not in data
    assert {split: len(paths) for split, paths in images.items()} == {"train": 5, "val": 1}
    predicted = dict(zip(NAMES, rows(task), strict=True))
    assert sorted(original(path, folder) for path in lines) == sorted(NAMES)
    for path, found in lines.items():
        name = original(path, folder)
        assert path.read_bytes() == (photos / name).read_bytes()
        if predicted[name] is None:
            assert found is None
            continue
        for line, one in zip(found or (), predicted[name] or (), strict=True):
            assert line[0] == IDS.index(one["category_id"])
            check(task, line[1:], one, *SIZES[name])


def check(task: str, values: list[float], one: dict[str, Any], width: int, height: int) -> None:
    found = np.array(values)
    assert (found >= 0).all()
    assert (found <= (2 if task == "key" else 1)).all()
    x, y, w, h = found[:4] * [width, height, width, height]
    if task == "det":
        assert [x - w / 2, y - h / 2, w, h] == pytest.approx(one["bbox"], abs=1e-5)
    elif task == "key":
        points = found[4:].reshape(3, 3) * [width, height, 1]
        assert points[:2, :2].ravel() == pytest.approx(
            [*one["keypoints"][:2], *one["keypoints"][3:5]], abs=1e-5
        )
        assert points[:, 2].tolist() == [2, 2, 0]
    else:
        filled = np.zeros((height, width), np.uint8)
        polygon = (found.reshape(-1, 2) * [width, height]).astype(np.int32)
        cv2.fillPoly(filled, [polygon], 1)
        mask = mask_from(one["segmentation"], width, height)
        assert filled.astype(bool)[mask].all()
        assert (filled.astype(bool) & ~mask).sum() <= 30  # the line between the two parts


def test_a_classification_is_a_folder_for_each_class_in_each_split(
    samples: lnb.Samples, tmp_path: Path
) -> None:
    heard: list[Event] = []
    folder = lnb.export(samples, None, "yolo_folder", tmp_path / "y", task="cls", on_event=heard.append)
    classes = ["zebra", "car & _bus_", "ape 猿"]
    assert (folder / "classes.txt").read_text(encoding="utf-8").splitlines() == list(CATEGORIES)
    for split in ("train", "val"):
        assert sorted(path.name for path in (folder / split).iterdir()) == sorted(classes)
    predicted = dict(zip(NAMES, rows("cls"), strict=True))
    found = [path.relative_to(folder) for path in folder.rglob("*.*") if path.name != "classes.txt"]
    for path in found:
        name = "/".join(path.parts[2:]).replace("images_/", "images/")
        (one,) = predicted.pop(name) or []
        assert path.parts[1] == classes[IDS.index(one["category_id"])]
    assert set(predicted) == {"nothing.jpg", "unseen.jpg"}
    told = [event["message"] for event in heard if event.get("level") == "warning"]
    assert told == ["samples without a prediction of task 'cls', left out for want of a class: 2"]


def test_splits_are_shares_or_a_column_and_may_be_any(samples: lnb.Samples, tmp_path: Path) -> None:
    halves = {"train": 0.5, "val": 0.25, "test": 0.25}
    folder = lnb.export(
        samples, None, "yolo_folder", tmp_path / "a", task="det", splits=halves, on_event=quiet
    )
    counts = {split: len(paths) for split, paths in read(folder)[1].items()}
    assert sum(counts.values()) == len(NAMES)
    assert set(counts) == set(halves)
    column = ["val", "train", "train", "train", "val", "test"]
    named = samples.with_columns({"split": column})
    folder = lnb.export(
        named, None, "yolo_folder", tmp_path / "b", task="det", splits="split", on_event=quiet
    )
    for split, paths in read(folder)[1].items():
        wanted = [name for name, one in zip(NAMES, column, strict=True) if one == split]
        assert sorted(original(path, folder) for path in paths) == sorted(wanted)


@pytest.mark.parametrize(
    "splits", [{"train": 0.5}, {"train": 1.5, "val": -0.5}, {}, 0.8, {"a/b": 1.0}, "weather"]
)
def test_splits_that_are_none_are_refused(samples: lnb.Samples, splits: Any, tmp_path: Path) -> None:
    what = (
        "such column"
        if splits == "weather"
        else "cannot be called 'a/b'"
        if "a/b" in str(splits)
        else "shares"
    )
    with pytest.raises(InputError, match=what):
        lnb.export(samples, None, "yolo_folder", tmp_path / "y", task="det", splits=splits, on_event=quiet)
    assert not (tmp_path / "y").exists()


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 10**6), min_size=2, max_size=60), st.floats(0.05, 0.95))
def test_a_split_hangs_on_the_names_alone_and_none_is_empty(numbers: set[int], share: float) -> None:
    names = [f"{number}.jpg" for number in numbers]
    shares = {"train": share, "val": 1 - share}
    split_of = dict(zip(names, split_by_shares(names, shares), strict=True))
    back = names[::-1]
    assert dict(zip(back, split_by_shares(back, shares), strict=True)) == split_of
    counts = Counter(split_of.values())
    assert set(counts) == {"train", "val"}
    assert abs(counts["train"] - share * len(names)) <= 1


def test_frames_of_a_video_go_together() -> None:
    names = [f"videos/{video}-{frame:03d}-mp4.png" for video in "abcdefghij" for frame in range(20)]
    split_of = split_by_shares(names, {"train": 0.8, "val": 0.2})
    assert Counter(split_of) == {"train": 160, "val": 40}
    assert len({(name.split("-")[0], split) for name, split in zip(names, split_of, strict=True)}) == 10


def test_boxes_are_cut_at_the_edge_and_those_outside_are_counted(tmp_path: Path) -> None:
    boxes = [[-5, -5, 15, 10], [30, 20, 100, 100], [50, 5, 5, 5], [5, 5, 0, 5]]
    found = [{"category_id": 7, "score": 0.5, "bbox": box} for box in boxes]
    table = pd.DataFrame({"lightly.width": [40], "lightly.height": [30]}, index=["a.jpg"])
    samples = lnb.Samples(table).with_predictions(packed(DETECTION, [found]))
    heard: list[Event] = []
    options: dict[str, Any] = {"task": "det", "copy_images": False, "scores": True, "on_event": heard.append}
    folder = lnb.export(samples, None, "yolo_folder", tmp_path / "y", **options)
    (label,) = folder.rglob("a.txt")
    assert numbers(label) == [
        pytest.approx([0, 5 / 40, 2.5 / 30, 10 / 40, 5 / 30, 0.5]),
        pytest.approx([0, 35 / 40, 25 / 30, 10 / 40, 10 / 30, 0.5]),
    ]
    told = [event["message"] for event in heard if event.get("level") == "warning"]
    assert told == ["objects without any area in their image, left out: 2"]


def test_images_that_would_share_their_labels_get_names_of_their_own(tmp_path: Path) -> None:
    names = ["a.jpg", "a.png", "b/c.jpg", "b__c.jpg", "a_jpg.tif"]
    table = pd.DataFrame({"lightly.width": 4, "lightly.height": 3}, index=names)
    one = {"category_id": 3, "score": 0.5, "bbox": [0, 0, 2, 2]}
    samples = lnb.Samples(table).with_predictions(packed(DETECTION, [[one]] * 5))
    for flat in (False, True):
        options: dict[str, Any] = {"task": "det", "copy_images": False, "flat": flat, "on_event": quiet}
        folder = lnb.export(samples, None, "yolo_folder", tmp_path / str(flat), **options)
        labels = {path.relative_to(folder).as_posix().split("/", 2)[2] for path in folder.rglob("*.txt")}
        assert len(labels) == len(names)
        assert any("/" in name for name in labels) != flat


def test_objects_of_different_numbers_of_keypoints_are_refused(tmp_path: Path) -> None:
    task = Task("key", "keypoint-detection", ("a",))
    found = [{"category_id": 0, "score": 1, "keypoints": [1, 1, 1] * n} for n in (2, 3)]
    table = pd.DataFrame({"lightly.width": [4], "lightly.height": [3]}, index=["a.jpg"])
    samples = lnb.Samples(table).with_predictions(packed(task, [found]))
    with pytest.raises(InputError, match=r"objects have \[2, 3\] keypoints, but YOLO needs as many of each"):
        lnb.export(samples, None, "yolo_folder", tmp_path / "y", copy_images=False, on_event=quiet)
    assert list(tmp_path.iterdir()) == []
