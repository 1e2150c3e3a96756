"""What is exported is read again by `add_predictions`, and is what it was."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lightly_nb as lnb
from lightly_nb.samples.predictions import Predictions
from tests.exports.predicted import CATEGORIES, IDS, TYPES, quiet, samples_of, write_images

BY_ID = dict(zip(IDS, CATEGORIES, strict=True))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> lnb.Samples:
    folder = tmp_path_factory.mktemp("photos")
    write_images(folder)
    return samples_of(folder)


def read_back(samples: lnb.Samples, task: str, predictions: Any, **options: Any) -> Predictions:
    bare = lnb.Samples(samples.table, source=samples.source)
    kind = {"task_type": TYPES[task], "on_event": quiet, **options}
    return lnb.add_predictions(bare, task, predictions, **kind).predictions[task]


def same(found: Predictions, wanted: Predictions, tolerance: float = 0.0) -> None:
    """Check that the same is predicted for each sample; of one that nothing is predicted for, nothing."""
    assert found.task.categories == wanted.task.categories
    assert found.counts.tolist() == wanted.counts.tolist()
    for row in range(len(wanted)):
        for one, other in zip(found.singletons(row), wanted.singletons(row), strict=True):
            assert {key: one[key] for key in ("category_id", "score")} == {
                key: other[key] for key in ("category_id", "score")
            }
            for key in ("segmentation", "keypoints"):
                assert one.get(key) == other.get(key)
            if "bbox" in other:
                assert np.allclose(one["bbox"], other["bbox"], atol=tolerance)


@pytest.mark.parametrize("task", ["cls", "det", "seg", "sem"])
def test_coco_with_scores(samples: lnb.Samples, task: str, tmp_path: Path) -> None:
    path = lnb.export(samples, None, "coco", tmp_path / "coco.json", task=task, scores=True, on_event=quiet)
    same(read_back(samples, task, path), samples.predictions[task])


@pytest.mark.parametrize("task", ["det", "seg", "sem", "key"])
def test_coco_results(samples: lnb.Samples, task: str) -> None:
    dataset = lnb.export(samples, None, "coco", task=task, on_event=quiet)
    results = lnb.export(samples, None, "coco_results", task=task, on_event=quiet)
    same(read_back(samples, task, results, images=dataset, categories=BY_ID), samples.predictions[task])


@pytest.mark.parametrize("task", TYPES)
def test_tables(samples: lnb.Samples, task: str) -> None:
    content = lnb.export(samples, None, "parquet", task=task, on_event=quiet)
    table = pd.read_parquet(io.BytesIO(content))
    same(read_back(samples, task, table, categories=BY_ID), samples.predictions[task])
    looked_at = table[table["is_predicted"]]
    found = read_back(samples, task, looked_at, categories=BY_ID)
    assert found.is_predicted.tolist() == samples.predictions[task].is_predicted.tolist()
    text = lnb.export(samples, None, "csv", task=task, on_event=quiet)
    table = pd.read_csv(io.StringIO(text))
    for name in {"segmentation", "keypoints"} & set(table):
        table[name] = [json.loads(one) if isinstance(one, str) else None for one in table[name]]
    same(read_back(samples, task, table, categories=BY_ID), samples.predictions[task])


def test_yolo_with_scores(samples: lnb.Samples, tmp_path: Path) -> None:
    options: dict[str, Any] = {"task": "det", "scores": True, "splits": {"train": 1.0}, "on_event": quiet}
    folder = lnb.export(samples, None, "yolo_folder", tmp_path / "yolo", **options)
    labels = folder / "labels" / "train"
    shutil.move(labels / "images_", labels / "images")
    found = read_back(samples, "det", labels, categories=list(CATEGORIES))
    wanted = samples.predictions["det"]
    assert found.counts.tolist() == wanted.counts.tolist()
    assert found.is_predicted.tolist() == wanted.is_predicted.tolist()
    assert found.category.tolist() == wanted.category.tolist()
    assert found.score.tolist() == wanted.score.tolist()
    assert found.bbox is not None
    assert wanted.bbox is not None
    assert np.allclose(found.bbox, wanted.bbox, atol=1e-4)
