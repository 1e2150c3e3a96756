"""Shapes of public scripts: each scheduled by the client, all of them done by one worker."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightly_nb.api import ApiWorkflowClient, DatasourcePurpose
from lightly_nb.embeddings_csv import write_embeddings_csv
from lightly_nb.workspace import open_workspace
from lightly_nb.workspace.work.worker import run_worker
from tests.api.conftest import new_token
from tests.photos import crops

N, SIDE = 12, 96
DETECTOR = "ssdlite320_mobilenet_v3_large"
COCO_CAR = 3
WEATHER = {"task_type": "classification", "categories": [{"id": 0, "name": "sun"}, {"id": 1, "name": "rain"}]}
THINGS = {
    "task_type": "object-detection",
    "categories": [{"id": 3, "name": "car"}, {"id": 7, "name": "bus"}],
}
SPEED = [
    {"name": "Speed", "path": "vehicle.speed", "defaultValue": 0, "valueDataType": "NUMERIC_INT"},
    {"name": "Road", "path": "road", "defaultValue": "town", "valueDataType": "CATEGORICAL_STRING"},
]
NAMES = [f"{'day' if number % 2 else 'night'}/{number:02d}.png" for number in range(N)]
CARS = dict(zip(NAMES, (number % 3 for number in range(N)), strict=True))
"""How many cars are in each image; those without have a bus instead."""


def strategy(source: dict[str, Any], kind: str = "DIVERSITY", **settings: Any) -> dict[str, Any]:
    return {"input": source, "strategy": {"type": kind, **settings}}


def predictions(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "PREDICTIONS", "task": "things", "name": name, **more}


EMBEDDED = {"embeddings": "own.csv"}
SMALL = {"input_size": 32, "dimensions": 8}
OBJECTS = {"task_name": "things", "crop_dataset_name": "", "padding": 0.1}
SCRIPTS: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "predictions BALANCE": (
        EMBEDDED,
        {
            "n_samples": 4,
            "strategies": [
                strategy(predictions("CLASS_DISTRIBUTION"), "BALANCE", target={"car": 0.5, "bus": 0.5})
            ],
        },
    ),
    "SCORES WEIGHTS": (
        EMBEDDED,
        {
            "proportion_samples": 0.25,
            "strategies": [
                strategy({"type": "SCORES", "task": "weather", "score": "uncertainty_entropy"}, "WEIGHTS")
            ],
        },
    ),
    "coral": (
        {
            **EMBEDDED,
            "method": "coral",
            "active_learning": {"task_name": "things", "score_name": "object_frequency"},
            "scorer": "object-frequency",
            "scorer_config": {"frequency_penalty": 0.25, "min_score": 0.9},
            "stopping_condition": {"n_samples": 0.25, "min_distance": -1},
        },
        None,
    ),
    "object level": (
        {**SMALL, "object_level": OBJECTS},
        {"n_samples": 4, "strategies": [strategy({"type": "EMBEDDINGS"})]},
    ),
    "pretagging": (
        {**EMBEDDED, "pretagging": True, "pretagging_detector": DETECTOR, "pretagging_debug": True},
        {
            "n_samples": 4,
            "strategies": [
                strategy(
                    predictions("CLASS_DISTRIBUTION", task="lightly_pretagging"),
                    "BALANCE",
                    target={"car": 0.6, "person": 0.4},
                )
            ],
        },
    ),
    "metadata BALANCE": (
        EMBEDDED,
        {
            "n_samples": 4,
            "strategies": [
                strategy({"type": "METADATA", "key": "road"}, "BALANCE", target={"town": 0.25, "land": 0.75})
            ],
        },
    ),
    "CATEGORY_COUNT with target_range": (
        EMBEDDED,
        {
            "n_samples": 4,
            "strategies": [
                strategy(
                    predictions("CATEGORY_COUNT", categories=["car"]),
                    "WEIGHTS",
                    target_range={"min_sum": 5, "max_sum": 6},
                )
            ],
        },
    ),
    "EMBEDDINGS of objects": (
        {**SMALL, "object_level": OBJECTS},
        {"n_samples": 4, "strategies": [strategy({"type": "EMBEDDINGS", "task": "things"})]},
    ),
}


SIZES = {"SCORES WEIGHTS": 3, "coral": 3}


def write_files(folder: Path) -> None:
    """Write images, predictions and metadata as scripts do: JSON files of their own, not by the client."""
    for name, crop in zip(NAMES, crops(N, side=SIDE), strict=True):
        (folder / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(folder / "photos" / name)
    lightly = folder / "lightly" / ".lightly"
    write_json(lightly / "predictions/tasks.json", ["weather", "things"])
    write_json(lightly / "predictions/weather/schema.json", WEATHER)
    write_json(lightly / "predictions/things/schema.json", THINGS)
    write_json(lightly / "metadata/schema.json", SPEED)
    for number, name in enumerate(NAMES):
        said = Path(name).with_suffix(".json")
        sun = 0.5 + number / 2 / N
        one = {"category_id": 0, "score": sun, "probabilities": [sun, 1 - sun]}
        write_json(lightly / "predictions/weather" / said, {"file_name": name, "predictions": [one]})
        boxes = [
            {"category_id": 3 if CARS[name] else 7, "score": 0.9, "bbox": [8 * place, 10 + number, 40, 30]}
            for place in range(CARS[name] or 1)
        ]
        write_json(lightly / "predictions/things" / said, {"file_name": name, "predictions": boxes})
        metadata = {"vehicle": {"speed": 10 * number}, "road": "land" if number % 3 else "town"}
        if number != 4:  # has the defaults
            write_json(
                lightly / "metadata" / said, {"file_name": name, "type": "image", "metadata": metadata}
            )


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def write_detector(folder: Path) -> None:
    """Write weights of a detector into torch's hub folder: untrained, and sure of cars wherever it looks."""
    import torch
    from torchvision import models

    torch.manual_seed(0)
    module = models.get_model(DETECTOR, weights=None, weights_backbone=None)
    n_classes = 91
    for head in module.head.classification_head.module_list:
        bias = head[-1].bias.data.view(-1, n_classes)
        bias[:, COCO_CAR] = 6.0
    (folder / "hub" / "checkpoints").mkdir(parents=True)
    name = models.get_model_weights(DETECTOR).DEFAULT.url.rsplit("/", 1)[-1]
    torch.save(module.state_dict(), folder / "hub" / "checkpoints" / name)


@dataclass(frozen=True)
class Done:
    """What one worker has done of all scripts."""

    client: ApiWorkflowClient
    scheduled: dict[str, str]
    out: Path

    def picks(self, script: str, dataset: str = "") -> list[str]:
        self.client.set_dataset_id_by_name(dataset or script)
        return self.client.get_filenames_in_tag(self.client.get_tag_by_name("initial-tag"))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("scripts")
    write_files(folder)
    write_detector(folder / "torch")
    write_embeddings_csv(folder / "own.csv", NAMES, np.random.default_rng(0).normal(size=(N, 4)))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LIGHTLY_NB_URL", "LIGHTLY_NB_KEY", "LIGHTLY_TOKEN"):
            patch.delenv(name, raising=False)
        patch.setenv("LIGHTLY_NB_HOME", str(folder / "home"))
        patch.setenv("LIGHTLY_NB_KEYRING", "off")
        patch.setenv("TORCH_HOME", str(folder / "torch"))
        client = ApiWorkflowClient(new_token("ada@example.com"))
        client.register_compute_worker("Default")
        scheduled = {}
        for script, (worker, selection) in SCRIPTS.items():
            is_last = script == list(SCRIPTS)[-1]
            client.create_dataset(script)
            client.set_local_config(str(folder / "photos"), purpose=DatasourcePurpose.INPUT)
            client.set_local_config(str(folder / "lightly"), purpose=DatasourcePurpose.LIGHTLY)
            scheduled[script] = client.schedule_compute_worker_run(
                {**worker, "generate_report": False, "shutdown_when_job_finished": is_last}, {}, selection
            )
        run_worker(
            open_workspace(),
            "Default",
            token=client.token,
            output_dir=folder / "out",
            shared_dir=folder,
            say=print,
        )
        yield Done(client, scheduled, folder / "out")


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_completes(done: Done, script: str) -> None:
    run = done.client.get_compute_worker_run_from_scheduled_run(done.scheduled[script])
    assert run.state == "COMPLETED", run.message
    assert str(run.message).startswith(f"{SIZES.get(script, 4)} of ")
    assert len(done.picks(script)) <= SIZES.get(script, 4)


def test_predictions_are_balanced(done: Done) -> None:
    n_cars = [CARS[name] for name in done.picks("predictions BALANCE")]
    share = sum(0.9 * n or 0.1 for n in n_cars) / sum(n or 1 for n in n_cars)
    assert abs(share - 0.5) < 0.1


def test_uncertain_images_come_first(done: Done) -> None:
    assert sorted(done.picks("SCORES WEIGHTS")) == sorted(NAMES[:3])


def test_metadata_are_balanced_with_their_defaults(done: Done) -> None:
    roads = [
        "town" if NAMES.index(name) % 3 == 0 or name == NAMES[4] else "land"
        for name in done.picks("metadata BALANCE")
    ]
    assert Counter(roads) == {"town": 1, "land": 3}


def test_numbers_of_objects_are_in_their_range(done: Done) -> None:
    assert 5 <= sum(CARS[name] for name in done.picks("CATEGORY_COUNT with target_range")) <= 6


def test_objects_are_selected_with_or_without_the_name_of_their_task(done: Done) -> None:
    crops = done.picks("object level", "object level-crops")
    assert len(crops) == 4
    assert crops == done.picks("EMBEDDINGS of objects", "EMBEDDINGS of objects-crops")
    assert done.picks("object level") == done.picks("EMBEDDINGS of objects")
    assert {name.rpartition("-")[0].rpartition("-")[0] for name in crops} == {
        name.removesuffix(".png") for name in done.picks("object level")
    }


def test_what_pretagging_finds_is_there(done: Done) -> None:
    (stored,) = done.out.rglob("bounding_boxes.json")
    found = json.loads(stored.read_text(encoding="utf-8"))
    assert [one["filename"] for one in found] == sorted(NAMES)
    assert "car" in {label for one in found for label in one["labels"]}
    assert list(stored.parent.joinpath("bounding_boxes_examples").iterdir())
