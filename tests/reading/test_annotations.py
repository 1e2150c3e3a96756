"""Predictions and metadata that are handed in: every form says the same, and what cannot be is named."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import lightly_nb as lnb
from lightly_nb.datasource import open_datasource
from lightly_nb.errors import InputError
from lightly_nb.events import Event, silent
from lightly_nb.lightly_source.predictions import read_predictions, read_tasks
from lightly_nb.reading.annotations.coco import coco_mask
from lightly_nb.reading.annotations.found import run_lengths
from lightly_nb.samples import Samples

NAMES = ["a/one.jpg", "a/two.jpg", "three.png"]
BOXES = {
    "a/one.jpg": [("bus", 0.9, [10.0, 20.0, 30.0, 40.0]), ("car", 0.5, [0.0, 0.0, 5.0, 5.0])],
    "three.png": [("car", 0.25, [1.0, 2.0, 50.0, 8.0])],
}
IDS = {"bus": 0, "car": 1}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    folder = tmp_path_factory.mktemp("photos")
    (folder / "a").mkdir()
    for name in NAMES:
        Image.new("RGB", (100, 50), "teal").save(folder / name)
    return lnb.list_samples(folder, on_event=silent)


def corners(box: list[float]) -> list[float]:
    return [box[0], box[1], box[0] + box[2], box[1] + box[3]]


def flat() -> list[tuple[str, str, float, list[float]]]:
    return [(image, *one) for image, several in BOXES.items() for one in several]


def as_table() -> pd.DataFrame:
    rows = [(image, name, score, *box) for image, name, score, box in flat()]
    return pd.DataFrame(rows, columns=["filename", "label", "confidence", "x", "y", "w", "h"])


def as_corner_table() -> pd.DataFrame:
    rows = [(name, score, *corners(box)) for _, name, score, box in flat()]
    columns = ["category", "score", "xmin", "ymin", "xmax", "ymax"]
    return pd.DataFrame(rows, columns=columns, index=[image for image, *_ in flat()])


def as_dict() -> dict[str, Any]:
    return {
        image: [{"category": name, "score": score, "bbox": box} for name, score, box in several]
        for image, several in BOXES.items()
    }


COCO = {
    "images": [{"id": n, "file_name": name, "width": 100, "height": 50} for n, name in enumerate(NAMES)],
    "categories": [{"id": number, "name": name} for name, number in IDS.items()],
}


def as_coco() -> list[dict[str, Any]]:
    return [
        {"image_id": NAMES.index(image), "category_id": IDS[name], "score": score, "bbox": box}
        for image, name, score, box in flat()
    ]


def as_torchvision() -> dict[str, Any]:
    return {
        image: {
            "boxes": torch.tensor([corners(box) for _, _, box in several]),
            "labels": torch.tensor([IDS[name] for name, _, _ in several]),
            "scores": torch.tensor([score for _, score, _ in several]),
        }
        for image, several in BOXES.items()
    }


def as_ultralytics(folder: Path) -> list[Any]:
    results = []
    for image, one in as_torchvision().items():
        boxes = SimpleNamespace(cls=one["labels"].float(), conf=one["scores"], xyxy=one["boxes"])
        names = {number: name for name, number in IDS.items()}
        results.append(SimpleNamespace(path=str(folder / image), names=names, boxes=boxes, probs=None))
    return results


def as_yolo(folder: Path) -> Path:
    for image, several in BOXES.items():
        path = (folder / image).with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        shares = [
            (IDS[name], (x + w / 2) / 100, (y + h / 2) / 50, w / 100, h / 50, score)
            for name, score, (x, y, w, h) in several
        ]
        path.write_text("\n".join(" ".join(map(str, one)) for one in shares) + "\n")
    (folder / "data.yaml").write_text("names: {0: bus, 1: car}\n")
    return folder


def as_voc(folder: Path) -> Path:
    for image, several in BOXES.items():
        path = (folder / image).with_suffix(".xml")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(
            f"<object><name>{name}</name><confidence>{score}</confidence><bndbox><xmin>{x + 1}</xmin>"
            f"<ymin>{y + 1}</ymin><xmax>{x + 1 + w}</xmax><ymax>{y + 1 + h}</ymax></bndbox></object>"
            for name, score, (x, y, w, h) in several
        )
        path.write_text(f"<annotation>{text}</annotation>")
    return folder


@pytest.mark.parametrize(
    "form",
    ["table", "corners", "dict", "coco", "coco file", "torchvision", "ultralytics", "yolo", "voc"],
)
def test_every_form_says_the_same(form: str, samples: Samples, tmp_path: Path) -> None:
    options: dict[str, Any] = {}
    if form in ("coco", "coco file"):
        options = {"images": COCO}
    if form == "torchvision":
        options = {"categories": ["bus", "car"]}
    (tmp_path / "results.json").write_text(json.dumps(as_coco()))
    given = {
        "table": as_table,
        "corners": as_corner_table,
        "dict": as_dict,
        "coco": as_coco,
        "coco file": lambda: tmp_path / "results.json",
        "torchvision": as_torchvision,
        "ultralytics": lambda: as_ultralytics(samples.source.folder),  # type: ignore[union-attr]
        "yolo": lambda: as_yolo(tmp_path / "labels"),
        "voc": lambda: as_voc(tmp_path / "labels"),
    }[form]()
    added = lnb.add_predictions(samples, "traffic", given, on_event=silent, **options)
    traffic = added.predictions["traffic"]
    assert (traffic.task.type, traffic.task.categories) == ("object-detection", ("bus", "car"))
    assert traffic.is_predicted.tolist() == [True, False, True]
    for row, name in enumerate(samples.filenames):
        expected = BOXES.get(name, [])
        found = traffic.singletons(row)
        assert [one["category_id"] for one in found] == [IDS[name] for name, _, _ in expected]
        for one, (_, score, box) in zip(found, expected, strict=True):
            np.testing.assert_allclose([one["score"], *one["bbox"]], [score, *box], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(added.arrays["class_distribution.traffic"].sum(axis=1), [2, 0, 1], atol=1e-6)


PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [1 / 3, 1 / 3, 1 / 3]])
KINDS = ["cat", "dog", "fox"]


@pytest.mark.parametrize("form", ["array", "tensor", "table", "dict of lists", "dict of dicts"])
def test_class_probabilities_come_in_many_forms(form: str, samples: Samples) -> None:
    given: Any = {
        "array": PROBABILITIES,
        "tensor": torch.tensor(PROBABILITIES, dtype=torch.float32, requires_grad=True),
        "table": pd.DataFrame(PROBABILITIES, columns=KINDS, index=NAMES),
        "dict of lists": dict(zip(NAMES, PROBABILITIES.tolist(), strict=True)),
        "dict of dicts": {
            n: dict(zip(KINDS, p, strict=True)) for n, p in zip(NAMES, PROBABILITIES, strict=True)
        },
    }[form]
    added = lnb.add_predictions(samples, "kind", given, categories=KINDS)
    assert added.predictions["kind"].task.type == "classification"
    np.testing.assert_allclose(added.arrays["class_distribution.kind"], PROBABILITIES, atol=1e-6)
    assert lnb.score(added, "kind").table["score.kind.uncertainty_margin"].round(5).tolist() == [
        0.5,
        0.3,
        1.0,
    ]


def test_predictions_go_where_their_samples_go(samples: Samples) -> None:
    added = lnb.add_predictions(samples, "traffic", as_dict())
    moved = added.take([2, 0])
    assert moved.predictions["traffic"].singletons(1) == added.predictions["traffic"].singletons(0)
    assert moved.take(np.array([True, False])).predictions["traffic"].n_singletons == 1
    other = lnb.add_predictions(lnb.score(added, "traffic"), "traffic", as_dict())
    assert not [name for name in other.table if name.startswith("score.")]  # they were of other predictions


def test_predictions_stay_beside_their_samples_when_a_check_takes_some_out(tmp_path: Path) -> None:
    for number, color in enumerate(("red", "lime", "blue")):
        Image.new("RGB", (40, 40), color).save(tmp_path / f"{number}.png")
    (tmp_path / "1.png").write_bytes(b"broken")
    listed = lnb.list_samples(tmp_path, on_event=silent)
    vectors = np.array([[1, 0], [0.5, 0.5], [0, 1]])
    added = lnb.add_predictions(listed, "kind", vectors, categories=["a", "b"])
    sound = lnb.check(added, on_event=silent)
    assert sound.filenames == ["0.png", "2.png"]
    assert sound.predictions["kind"].classifications().tolist() == [[1, 0], [0, 1]]


def test_saved_predictions_are_read_back_by_a_run_s_reader(samples: Samples, tmp_path: Path) -> None:
    added = lnb.add_predictions(samples, "traffic", as_dict())
    lnb.save_predictions(added, "traffic", tmp_path, on_event=silent)
    lightly = open_datasource(tmp_path)
    task = read_tasks(lightly)["traffic"]
    read, bad = read_predictions(lightly, samples.filenames, task)
    assert bad == []
    assert read.is_predicted.tolist() == [True, False, True]
    for row in range(3):
        assert read.singletons(row) == added.predictions["traffic"].singletons(row)


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        (
            {"one.jpg": [{"category": "car", "score": 1.5}]},
            {},
            r"'a/one\.jpg': predictions\[0\]\.score is 1\.5",
        ),
        ({"a/one.jpg": [{"category": "car", "score": 0.5, "bbox": [1, 2, 3]}]}, {}, r"bbox is \[1, 2, 3\]"),
        ({"a/one.jpg": [{"category": "car", "score": 0.5, "bbox": [1, 2, -3, 4]}]}, {}, "at least 0"),
        ({"a/one.jpg": [{"category": "car", "score": float("nan")}]}, {}, "score is nan"),
        (
            {"a/one.jpg": [{"category_id": True, "score": 1.0}]},
            {"categories": ["a", "b"]},
            "category_id True",
        ),
        ({"a/one.jpg": [{"category": "ca", "score": 1.0}]}, {"categories": ["car"]}, "Did you mean 'car'"),
        ({"a/one.jpg": [{"category_id": 7, "score": 1.0}]}, {"categories": ["car"]}, r"7 is not in .* \[0\]"),
        ({"a/one.jpg": [0.5, 0.4]}, {}, r"sum 1, here it is 0\.9"),
        ({"elsewhere.jpg": [0.5, 0.5]}, {}, r"1 of 1 names are of no sample, such as 'elsewhere\.jpg'"),
        ({}, {}, "no categories, as there are no predictions"),
        (np.ones((2, 2)), {}, r"shape \(2, 2\) for 3 samples"),
        ([{"image_id": 9, "category_id": 0, "score": 1}], {"images": COCO}, "image_id 9 of entry 0"),
        ([{"boxes": [], "labels": []}], {}, "1 outputs for 3 samples"),
        (pd.DataFrame({"text": ["a"]}), {}, "give one of category_id, category"),
        ({"a/one.jpg": [0.5, 0.5]}, {"form": "dct"}, "Did you mean 'dict'"),
        ({"a/one.jpg": [0.5, 0.5]}, {"task_type": "boxes"}, "there are classification, object-detection"),
        ({"a/one.jpg": [0.5, 0.5]}, {"categories": ["a", "a"]}, "the name 'a' of one before it"),
        (7, {}, "got int; give a DataFrame"),
    ],
)
def test_what_cannot_be_is_refused(given: Any, options: Any, said: str, samples: Samples) -> None:
    with pytest.raises(InputError, match=f"(?s){said}"):
        lnb.add_predictions(samples, "traffic", given, on_event=silent, **options)


def test_bad_label_files_are_named_and_the_others_count(samples: Samples, tmp_path: Path) -> None:
    for folder, bad in ((as_yolo(tmp_path / "y"), "a/two.txt"), (as_voc(tmp_path / "v"), "a/two.xml")):
        (folder / bad).write_text("0 0.5 0.5\n" if bad.endswith("txt") else "<!DOCTYPE x><annotation/>")
        heard: list[Event] = []
        added = lnb.add_predictions(samples, "traffic", folder, on_event=heard.append)
        assert added.predictions["traffic"].is_predicted.tolist() == [True, False, True]
        said = [event["message"] for event in heard]
        assert any(str(folder / bad) in one and ("5 or 6 numbers" in one or "DOCTYPE" in one) for one in said)
        assert any("1 files cannot be used" in one for one in said)


def test_masks_are_row_major_run_lengths() -> None:
    mask = np.zeros((4, 5), bool)
    mask[1:3, 2:4] = True
    assert run_lengths(mask) == [7, 2, 3, 2, 6]
    columns = {"size": [4, 5], "counts": [9, 2, 2, 2, 5]}
    np.testing.assert_array_equal(coco_mask(columns, None, None), mask)
    mask = np.zeros((40, 6), bool)
    mask[5:33, 1:4] = mask[7, 0] = mask[39, 5] = True
    packed = {"size": [40, 6], "counts": "71U1k0WO000Z2UO"}  # as pycocotools writes it
    np.testing.assert_array_equal(coco_mask(packed, None, None), mask)


def test_masks_keypoints_and_probs_come_along(samples: Samples) -> None:
    mask = np.zeros((50, 100), bool)
    mask[10:20, 30:60] = True
    output = {
        "boxes": torch.tensor([[30.0, 10, 60, 20]]),
        "labels": torch.tensor([1]),
        "scores": torch.tensor([0.5]),
    }
    masks = {**output, "masks": torch.tensor(mask[None, None]).float()}
    points = {**output, "keypoints": torch.tensor([[[1.0, 2, 1], [3, 4, 0]]])}
    polygon = {"image_id": 0, "category_id": 1, "segmentation": [[30, 10, 59, 10, 59, 19, 30, 19]]}
    for given, options, key, kind in (
        ({"a/one.jpg": masks}, {}, "segmentation", "instance-segmentation"),
        ([polygon], {"images": COCO}, "segmentation", "semantic-segmentation"),
        ({"a/one.jpg": points}, {}, "keypoints", "keypoint-detection"),
    ):
        added = lnb.add_predictions(samples, "t", given, categories=["bus", "car"], **options)
        assert added.predictions["t"].task.type == kind
        (one,) = added.predictions["t"].singletons(0)
        assert one[key] == (run_lengths(mask) if key == "segmentation" else [1, 2, 1, 3, 4, 0])
    names = {1: "b", 0: "a"}
    probs = SimpleNamespace(data=torch.tensor([0.25, 0.75]))
    result = SimpleNamespace(path="three.png", names=names, boxes=None, probs=probs)
    kinds = lnb.add_predictions(samples, "t", [result]).predictions["t"]
    row = samples.filenames.index("three.png")
    assert kinds.task.categories == ("a", "b")
    assert kinds.singletons(row) == [{"category_id": 1, "score": 0.75, "probabilities": [0.25, 0.75]}]


# metadata


def test_metadata_come_as_table_dict_and_the_old_form(samples: Samples, tmp_path: Path) -> None:
    values = {"a/one.jpg": {"scene": {"kind": "town"}, "people": 3}, "three.png": {"scene": {"kind": "road"}}}
    old = {
        "images": [{"id": n, "file_name": name} for n, name in enumerate(NAMES)],
        "metadata": [{"image_id": NAMES.index(name), **one} for name, one in values.items()],
    }
    (tmp_path / "old.json").write_text(json.dumps(old))
    table = pd.DataFrame({"file_name": list(values), "scene.kind": ["town", "road"], "people": [3, None]})
    for form in (values, old, tmp_path / "old.json", table):
        added = lnb.add_metadata(samples, form, defaults={"scene.kind": "none"})
        assert added.table["scene.kind"].tolist() == ["town", "none", "road"]
        assert added.table["people"].isna().tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        ({"x.jpg": {"a": 1}}, {}, r"1 of 1 names are of no sample, such as 'x\.jpg'"),
        (pd.DataFrame({"a": [1, 2]}, index=["three.png", "three.png"]), {}, "comes more than once"),
        ({"three.png": {"lightly.snr": 1}}, {}, r"'lightly\.snr' is used by the package"),
        ({"three.png": {"a": 1}}, {"defaults": {"b": 1}}, r"defaults name \['b'\]"),
        ([1], {}, "got list; give a DataFrame"),
    ],
)
def test_metadata_that_cannot_be_are_refused(table: Any, options: Any, said: str, samples: Samples) -> None:
    with pytest.raises(InputError, match=said):
        lnb.add_metadata(samples, table, **options)
