"""Exports with predictions say, to a reader of each tool's form, what was predicted."""

from __future__ import annotations

import base64
import io
import json
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

import lightly_nb as lnb
from lightly_nb.errors import InputError
from lightly_nb.exports import FORMATS
from lightly_nb.exports.label_studio import FROM_NAME, TO_NAME
from tests.exports.predicted import (
    CATEGORIES,
    IDS,
    NAMES,
    SIZES,
    TYPES,
    mask_from,
    quiet,
    rows,
    samples_of,
    write_images,
)
from tests.exports.test_masks import label_studio_mask

SEGMENTS = ("seg", "sem")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    write_images(folder)
    return folder


@pytest.fixture(scope="module")
def samples(photos: Path) -> lnb.Samples:
    return samples_of(photos)


def truth(task: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name of the image and singleton, one after the other."""
    for name, several in zip(NAMES, rows(task), strict=True):
        for one in several or ():
            yield name, one


def name_of(one: dict[str, Any]) -> str:
    return CATEGORIES[IDS.index(one["category_id"])]


def true_mask(name: str, one: dict[str, Any]) -> np.ndarray:
    return mask_from(one["segmentation"], *SIZES[name])


def export(samples: lnb.Samples, form: str, task: str, **options: Any) -> Any:
    return lnb.export(samples, None, form, task=task, on_event=quiet, **options)


@pytest.mark.parametrize("task", TYPES)
def test_coco_annotations_are_what_was_predicted(samples: lnb.Samples, task: str) -> None:
    whole = export(samples, "coco", task, scores=True)
    assert [(one["id"], one["name"]) for one in whole["categories"]] == list(
        zip(IDS, CATEGORIES, strict=True)
    )
    names = {image["id"]: image["file_name"] for image in whole["images"]}
    assert list(names.values()) == list(NAMES)
    assert [one["id"] for one in whole["annotations"]] == list(range(1, 1 + sum(1 for _ in truth(task))))
    for found, (name, one) in zip(whole["annotations"], truth(task), strict=True):
        assert (names[found["image_id"]], found["category_id"]) == (name, one["category_id"])
        assert found["score"] == one["score"]
        if task == "det":
            assert (found["bbox"], found["area"]) == (one["bbox"], one["bbox"][2] * one["bbox"][3])
        if task in SEGMENTS:
            mask = true_mask(name, one)
            height, width = mask.shape
            assert (mask == mask_from(found["segmentation"]["counts"], height, width).T).all()
            assert found["area"] == mask.sum()
        if task == "key":
            assert found["keypoints"][2::3] == [2, 2, 0]
            assert found["num_keypoints"] == 2
    assert "score" not in export(samples, "coco", task)["annotations"][0]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
@pytest.mark.parametrize("task", TYPES)
def test_coco_is_read_by_its_own_library(
    samples: lnb.Samples, task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coco = pytest.importorskip("pycocotools.coco", reason="pip install pycocotools")
    read = coco.COCO(str(export(samples, "coco", task, path=tmp_path / "coco.json")))
    for name, one in zip(read.imgs.values(), rows(task), strict=True):
        found = read.loadAnns(read.getAnnIds(imgIds=name["id"]))
        assert [each["category_id"] for each in found] == [each["category_id"] for each in one or ()]
        for annotation, each in zip(found, one or (), strict=True):
            if task in SEGMENTS:
                assert (read.annToMask(annotation) == true_mask(name["file_name"], each)).all()
    if task != "cls":
        results = read.loadRes(str(export(samples, "coco_results", task, path=tmp_path / "results.json")))
        assert [one["score"] for one in results.anns.values()] == [one["score"] for _, one in truth(task)]


@pytest.mark.parametrize("polygons", [False, True])
@pytest.mark.parametrize("task", TYPES)
def test_label_studio_predictions_fit_their_configuration(
    samples: lnb.Samples, task: str, polygons: bool
) -> None:
    options = {"polygons": polygons}
    config = ET.fromstring(export(samples, "label_studio_config", task, **options))
    image, control = list(config)
    assert (image.tag, image.attrib) == ("Image", {"name": TO_NAME, "value": "$image"})
    assert control.attrib == {"name": FROM_NAME, "toName": TO_NAME}
    labels = [one.attrib["value"] for one in control]
    assert labels == (["head", "tail", "paw"] if task == "key" else list(CATEGORIES))
    tasks = export(samples, "label_studio", task, **options)
    plain = lnb.export(samples, None, "label_studio", on_event=quiet)
    assert [{key: one[key] for key in ("id", "data")} for one in tasks] == plain
    ids = []
    for one, expected in zip(tasks, rows(task), strict=True):
        assert ("predictions" in one) == (expected is not None)
        for prediction in one.get("predictions", []):
            assert prediction["model_version"] == task
            scores = [each["score"] for each in expected or ()]
            assert prediction.get("score") == (pytest.approx(np.mean(scores)) if scores else None)
            for result in prediction["result"]:
                ids.append(result["id"])
                assert (result["from_name"], result["to_name"]) == (FROM_NAME, TO_NAME)
                assert result["type"] == control.tag.lower()
                assert set(result["value"][result["type"]]) <= set(labels)
                size = (result["original_width"], result["original_height"])
                assert size == SIZES[one["data"]["lightlyFileName"]]
                assert 0 <= result["score"] <= 1
    assert len(set(ids)) == len(ids) > 0
    assert json.loads(json.dumps(tasks)) == tasks


def test_label_studio_has_rectangles_in_percent_and_brushes_that_are_the_masks(samples: lnb.Samples) -> None:
    tasks = export(samples, "label_studio", "det", model_version="v 7")
    assert {one["model_version"] for task in tasks for one in task.get("predictions", [])} == {"v 7"}
    for result, (name, one) in zip(results_of(tasks), truth("det"), strict=True):
        width, height = SIZES[name]
        value = result["value"]
        scale = {"x": width, "y": height, "width": width, "height": height}
        box = [value[key] / 100 * size for key, size in scale.items()]
        assert box == pytest.approx(one["bbox"])
        assert value["rectanglelabels"] == [name_of(one)]
    for task in SEGMENTS:
        brushes = results_of(export(samples, "label_studio", task))
        for result, (name, one) in zip(brushes, truth(task), strict=True):
            assert (label_studio_mask(result["value"]["rle"], *SIZES[name]) == true_mask(name, one)).all()
    choices = results_of(export(samples, "label_studio", "cls"))
    assert [one["value"]["choices"] for one in choices] == [[name_of(one)] for _, one in truth("cls")]


def results_of(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [result for task in tasks for one in task.get("predictions", []) for result in one["result"]]


@pytest.mark.parametrize("task", TYPES)
def test_cvat_annotations_are_what_was_predicted(samples: lnb.Samples, task: str) -> None:
    root = ET.fromstring(export(samples, "cvat_xml", task, scores=True).encode())
    assert root.findtext("version") == "1.1"
    assert [one.findtext("name") for one in root.iter("label")] == list(CATEGORIES)
    images = root.findall("image")
    assert [image.get("name") for image in images] == list(NAMES)
    assert [int(image.get("id") or -1) for image in images] == list(range(len(NAMES)))
    found = [(str(image.get("name")), shape) for image in images for shape in image]
    for (name, shape), (expected, one) in zip(found, truth(task), strict=True):
        assert (name, shape.get("label")) == (expected, name_of(one))
        assert float(shape.findtext("attribute") or -1) == one["score"]
        numbers = {
            key: float(value) for key, value in shape.attrib.items() if key in ("xtl", "ytl", "xbr", "ybr")
        }
        if task == "det":
            x, y, w, h = one["bbox"]
            assert list(numbers.values()) == pytest.approx([x, y, x + w, y + h])
        if task in SEGMENTS:
            left, top, width, height = (int(shape.attrib[key]) for key in ("left", "top", "width", "height"))
            part = mask_from([int(run) for run in shape.attrib["rle"].split(",")], width, height)
            mask = np.zeros(SIZES[name][::-1], bool)
            mask[top : top + height, left : left + width] = part
            assert (mask == true_mask(name, one)).all()
        if task == "key":
            assert len(shape.attrib["points"].split(";")) == 2


def test_a_dataset_of_cvat_is_a_zip_of_annotations_and_images(
    samples: lnb.Samples, photos: Path, tmp_path: Path
) -> None:
    path = export(samples, "cvat_folder", "seg", path=tmp_path / "cvat.zip", polygons=True)
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {"annotations.xml", *(f"images/{name}" for name in NAMES)}
        assert archive.read(f"images/{NAMES[1]}") == (photos / NAMES[1]).read_bytes()
        root = ET.fromstring(archive.read("annotations.xml"))
    assert len(list(root.iter("polygon"))) == 2 * sum(1 for _ in truth("seg"))
    assert {one.findtext("type") for one in root.iter("label")} == {"polygon"}


@pytest.mark.parametrize("task", TYPES)
def test_labelbox_annotations_are_one_json_a_line(samples: lnb.Samples, task: str) -> None:
    lines = [json.loads(line) for line in export(samples, "label_box_annotations", task).splitlines()]
    assert len({line["uuid"] for line in lines}) == len(lines)
    if task == "key":
        assert len(lines) == 2 * sum(1 for _ in truth(task))
        assert [set(line) for line in lines] == [{"uuid", "dataRow", "name", "point", "confidence"}] * len(
            lines
        )
        return
    for line, (name, one) in zip(lines, truth(task), strict=True):
        assert line["dataRow"] == {"globalKey": name}
        assert line["confidence"] == one["score"]
        assert line["name"] == ("cls" if task == "cls" else name_of(one))
        if task == "cls":
            assert line["answer"] == {"name": name_of(one)}
        elif task == "det":
            assert [line["bbox"][key] for key in ("left", "top", "width", "height")] == one["bbox"]
        else:
            content = np.frombuffer(base64.b64decode(line["mask"]["png"]), np.uint8)
            picture = np.asarray(cv2.imdecode(content, cv2.IMREAD_UNCHANGED))
            assert ((picture > 0) == true_mask(name, one)).all()
    assert "confidence" not in export(samples, "label_box_annotations", task, scores=False)


def test_fiftyone_gets_labels_and_images(samples: lnb.Samples, photos: Path, tmp_path: Path) -> None:
    folder = export(samples, "fiftyone", "det", path=tmp_path / "det")
    assert json.loads((folder / "labels.json").read_text()) == export(samples, "coco", "det", scores=True)
    for name in NAMES:
        assert (folder / "data" / name).read_bytes() == (photos / name).read_bytes()
    folder = export(samples, "fiftyone", "cls", path=tmp_path / "cls", copy_images=False)
    assert [path.name for path in folder.iterdir()] == ["labels.json"]
    labels = json.loads((folder / "labels.json").read_text())["labels"]
    assert list(labels) == [name.rsplit(".", 1)[0] for name in NAMES]
    assert labels["nothing"] is None
    name, one = next(truth("cls"))
    assert labels[name[:-4]] == {"label": name_of(one), "confidence": one["score"], "attributes": {}}


def test_lightly_studio_reads_masks_of_crowds_only(samples: lnb.Samples) -> None:
    for task in ("det", *SEGMENTS):
        whole = export(samples, "lightly_studio", task)
        assert {one["iscrowd"] for one in whole["annotations"]} == {int(task in SEGMENTS)}
        same = [{**one, "iscrowd": 0} for one in whole["annotations"]]
        assert {**whole, "annotations": same} == export(samples, "coco", task, scores=True)
    with pytest.raises(InputError, match=r"'lightly_studio' does not hold classification, .*; use .*csv"):
        export(samples, "lightly_studio", "cls")


@pytest.mark.parametrize("task", TYPES)
def test_tables_have_a_row_for_each_prediction_and_one_for_an_image_without(
    samples: lnb.Samples, task: str
) -> None:
    table = pd.read_parquet(io.BytesIO(export(samples, "parquet", task)))
    as_text = pd.read_csv(io.StringIO(export(samples, "csv", task)))
    assert list(as_text) == list(table)
    expected: list[tuple[str, dict[str, Any] | None]] = []
    for name, several in zip(NAMES, rows(task), strict=True):
        expected += [(name, one) for one in several] if several else [(name, None)]
    assert table["filename"].tolist() == as_text["filename"].tolist() == [name for name, _ in expected]
    for at, (name, one) in enumerate(expected):
        row = table.iloc[at]
        assert bool(row["is_predicted"]) == (rows(task)[NAMES.index(name)] is not None)
        if one is None:
            assert pd.isna(row["category"])
            assert pd.isna(as_text["score"][at])
            continue
        assert (row["category"], row["category_id"]) == (name_of(one), one["category_id"])
        assert float(as_text["score"][at]) == one["score"]
        if task == "det":
            assert row[["x", "y", "width", "height"]].tolist() == one["bbox"]
        for key in ("segmentation", "keypoints"):
            if key in one:
                assert row[key].tolist() == one[key]
                assert json.loads(as_text[key][at]) == one[key]


@pytest.mark.parametrize("form", [name for name, one in FORMATS.items() if one.task_types])
def test_every_format_writes_predictions_of_nothing(form: str, samples: lnb.Samples, tmp_path: Path) -> None:
    lnb.export(samples, [], form, tmp_path / "x", task="det", on_event=quiet)
    assert (tmp_path / "x").exists()
    lnb.export(samples, ["nothing.jpg", "unseen.jpg"], form, tmp_path / "y", task="det", on_event=quiet)
