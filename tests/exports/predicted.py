"""Samples with predictions of every type of task, on small images with blanks and Unicode in their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import lightly_nb as lnb
from lightly_nb.events import Event
from lightly_nb.samples.predictions import Predictions, Task, packed

NAMES = ("a b/été 1.jpg", "a b/日本.png", "images/c.jpg", "d & <e>.jpg", "nothing.jpg", "unseen.jpg")
CATEGORIES = ("zebra", "car & <bus>", "ape 猿")
IDS = (7, 3, 11)
"""Neither from 0 nor in order: what a format calls a category and where it stands are two things."""
TYPES = {
    "cls": "classification",
    "det": "object-detection",
    "seg": "instance-segmentation",
    "sem": "semantic-segmentation",
    "key": "keypoint-detection",
}
SIZES = {name: (40 + 3 * row, 30 + 2 * row) for row, name in enumerate(NAMES)}


def quiet(event: Event) -> None:
    """Hear nothing."""


def write_images(folder: Path) -> None:
    """Write the images."""
    rng = np.random.default_rng(5)
    for name, (width, height) in SIZES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)


def rows(task: str) -> list[list[dict[str, Any]] | None]:
    """Return what is predicted for each image: up to three objects, nothing for one, None for the last."""
    rng = np.random.default_rng(6)
    result: list[list[dict[str, Any]] | None] = []
    for name in NAMES[:-2]:
        n = 1 if task == "cls" else int(rng.integers(1, 4))
        result.append([singleton(task, *SIZES[name], rng) for _ in range(n)])
    return [*result, None if task == "cls" else [], None]


def singleton(task: str, width: int, height: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return one prediction."""
    one: dict[str, Any] = {"category_id": IDS[rng.integers(3)], "score": float(rng.integers(51, 99)) / 100}
    x, y = float(rng.integers(0, width // 2)), float(rng.integers(0, height // 2))
    w, h = float(rng.integers(3, width // 2)), float(rng.integers(3, height // 2))
    if task == "det":
        one["bbox"] = [x + 0.25, y, w, h + 0.5]
    if task in ("seg", "sem"):
        one["segmentation"] = runs(blob(width, height, rng))
    if task == "key":
        one["keypoints"] = [x, y, 0.9, x + w, y + h, 0.5, 0, 0, 0]
    return one


def blob(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """Return a mask of two parts, one with a hole."""
    mask = np.zeros((height, width), bool)
    x, y = int(rng.integers(0, 5)), int(rng.integers(0, 5))
    mask[y : y + 12, x : x + 14] = True
    mask[y + 4 : y + 7, x + 4 : x + 8] = False
    mask[height - 6 :, width - 9 : width - 2] = True
    return mask


def runs(mask: np.ndarray) -> list[int]:
    """Return run lengths row by row, counted one pixel after the other."""
    result, value = [0], False
    for pixel in mask.ravel().tolist():
        if pixel != value:
            result.append(0)
            value = pixel
        result[-1] += 1
    return result


def mask_from(runs: list[int], width: int, height: int) -> np.ndarray:
    """Return the mask of run lengths."""
    flat: list[bool] = []
    for number, length in enumerate(runs):
        flat += [number % 2 == 1] * length
    return np.array(flat, bool).reshape(height, width)


def predictions_of(task: str) -> Predictions:
    """Return the predictions of a task, by its short name."""
    keypoints = ("head", "tail", "paw") if task == "key" else ()
    return packed(Task(task, TYPES[task], CATEGORIES, IDS, keypoints), rows(task))


def samples_of(folder: Path) -> lnb.Samples:
    """Return the samples of the folder with the predictions of all tasks."""
    listed = lnb.list_samples(folder, on_event=quiet)
    samples = listed.take(listed.rows_of(list(NAMES)))
    for task in TYPES:
        samples = samples.with_predictions(predictions_of(task))
    return samples
