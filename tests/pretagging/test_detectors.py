"""The detectors by name: their weights, or a clear early error."""

from __future__ import annotations

import time
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torchvision import models

import lightly_nb as lnb
from lightly_nb.config.worker import PretaggingDetector
from lightly_nb.errors import CheckpointError
from lightly_nb.events import silent
from lightly_nb.pretagging import DEFAULT, DETECTORS, detectors, resolve_detector
from lightly_nb.states import RunState

SMALL = "ssdlite320_mobilenet_v3_large"


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A torch hub folder without weights, and nothing that answers."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(detectors, "reachable", lambda url: False)
    return tmp_path / "hub" / "checkpoints"


def test_the_configuration_knows_the_names_of_the_table():
    assert set(get_args(PretaggingDetector)) == set(DETECTORS)
    assert get_args(PretaggingDetector)[0] == DEFAULT


@pytest.mark.parametrize("name", DETECTORS)
def test_offline_every_name_says_where_to_put_which_file(offline, name):
    with pytest.raises(CheckpointError, match=f"{name}.*cannot be reached.*put the file there as {offline}"):
        resolve_detector(name)


def test_offline_a_run_ends_before_any_work(offline, photo_folder, tmp_path):
    began = time.monotonic()
    with pytest.raises(CheckpointError, match=r"fasterrcnn_resnet50_fpn_coco-258fb6c6\.pth"):
        lnb.run(
            photo_folder, tmp_path / "out", n_samples=3, worker_config={"pretagging": True}, on_event=silent
        )
    assert time.monotonic() - began < 5
    (path,) = [events.parent for events in (tmp_path / "out").rglob("events.jsonl")]
    states = [event["state"] for event in lnb.open_run(path).events() if "state" in event]
    assert states == [RunState.STARTED, RunState.INITIALIZING, RunState.FAILED]


def test_weights_put_there_by_hand_are_used_and_mapped_to_seven_categories(offline):
    torch.manual_seed(0)
    module = models.get_model(SMALL, weights=None, weights_backbone=None)
    offline.mkdir(parents=True)
    path = offline / models.get_model_weights(SMALL).DEFAULT.url.rsplit("/", 1)[-1]
    torch.save(module.state_dict(), path)
    name, detector = resolve_detector(SMALL)
    image = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    boxes, scores, labels = detector([image, image[:50]])
    assert name == SMALL
    assert len(boxes) == len(scores) == len(labels) == 2
    assert set(labels[0]) <= {"bicycle", "bus", "car", "motorcycle", "person", "train", "truck"}
    assert detector.categories == ("bicycle", "bus", "car", "motorcycle", "person", "train", "truck")


def test_labels_are_those_of_torchvision():
    names = models.get_weight("FasterRCNN_ResNet50_FPN_Weights.COCO_V1").meta["categories"]
    assert {number: names[number] for number in detectors.COCO_LABELS} == detectors.COCO_LABELS
    assert sorted(detectors.COCO_LABELS.values()) == list(detectors.CATEGORIES)


class Evil:
    def __reduce__(self):
        return (Path.write_text, (Path("was-here"), "code of a weights file ran"))


@pytest.mark.parametrize("content", ["code", "text", "another model"])
def test_a_file_that_is_no_weights_is_refused_and_runs_no_code(offline, tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    offline.mkdir(parents=True)
    path = offline / models.get_model_weights(SMALL).DEFAULT.url.rsplit("/", 1)[-1]
    if content == "text":
        path.write_text("<html>not found</html>")
    else:
        torch.save({"a": Evil()} if content == "code" else {"a": torch.zeros(1)}, path)
    with pytest.raises(
        CheckpointError, match=f"{SMALL}.*{path.name} cannot be used.*delete it, then go online"
    ):
        resolve_detector(SMALL)
    assert not (tmp_path / "was-here").exists()
