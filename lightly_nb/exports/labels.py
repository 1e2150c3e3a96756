"""What is predicted for an image, as the formats write it: a `Label` an object, segment or classification."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lightly_nb.exports.images import Images
from lightly_nb.exports.masks import box_of, mask_of
from lightly_nb.exports.sizes import image_sizes
from lightly_nb.samples.predictions import Predictions, Task, short

OUTSIDE = "objects without any area in their image, left out"
UNPREDICTED = "samples without predictions of task '{}', exported without labels"

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Label:
    """One object, segment or classification.

    Parameters
    ----------
    number : int
        Its place among those of the image.
    category : int
        Row of the category in the schema: its order, from 0.
    category_id : int
        What the schema calls it.
    name : str
        Its name.
    score : float
        In [0, 1].
    bbox : tuple of float or None
        x, y, width, height in pixels of the upright image, as they were predicted.
    runs : numpy.ndarray or None
        Run lengths of the mask, row by row, beginning with the count of zeros.
    keypoints : numpy.ndarray or None
        Shape (n, 3): x, y, score.
    """

    number: int
    category: int
    category_id: int
    name: str
    score: float
    bbox: Box | None = None
    runs: np.ndarray | None = None
    keypoints: np.ndarray | None = None


@dataclass(frozen=True)
class Labelled:
    """An image with its size and what is predicted for it."""

    filename: str
    number: int
    width: int
    height: int
    labels: list[Label]
    is_predicted: bool

    def mask(self, label: Label) -> np.ndarray:
        """Return the mask of a label, bool of shape (height, width)."""
        assert label.runs is not None
        return mask_of(label.runs, self.width, self.height, repr(self.filename))

    def box(self, label: Label) -> Box | None:
        """Return the box of a label within the image: predicted, or around its mask or keypoints.

        None if nothing of it is in the image.
        """
        found = label.bbox
        if found is None and label.runs is not None:
            found = box_of(self.mask(label))
        if found is None and label.keypoints is not None:
            low, high = label.keypoints[:, :2].min(axis=0), label.keypoints[:, :2].max(axis=0)
            found = (*map(short, low), *map(short, high - low))  # type: ignore[assignment]
        return None if found is None else clipped(found, self.width, self.height)


def clipped(box: Box, width: int, height: int) -> Box | None:
    """Return the part of a box that is in the image, None if that has no area.

    Examples
    --------
    >>> clipped((-2, 1, 5, 5), 10, 4), clipped((20, 1, 5, 5), 10, 4)
    ((0, 1, 3, 3), None)
    """
    x, y, w, h = box
    left, top = min(max(x, 0), width), min(max(y, 0), height)
    right, bottom = min(max(x + w, 0), width), min(max(y + h, 0), height)
    if right <= left or bottom <= top:
        return None
    return (
        left,
        top,
        (w if left == x and right == x + w else right - left),
        (h if top == y and bottom == y + h else bottom - top),
    )


def labelled(images: Images) -> Iterator[Labelled]:
    """Yield each image with its size and labels; counts samples without predictions."""
    predictions = images.predictions
    for row, (width, height) in enumerate(image_sizes(images)):
        there = predictions is not None and bool(predictions.is_predicted[row])
        if predictions is not None and not there:
            images.left_out[UNPREDICTED.format(predictions.task.name)] += 1
        labels = [] if predictions is None else labels_of(predictions, row)
        yield Labelled(images.filenames[row], images.numbers[row], width, height, labels, there)


def labels_of(predictions: Predictions, row: int) -> list[Label]:
    """Return the labels of one sample; of a classification the best category with its share."""
    task = predictions.task
    if task.is_classification:
        return _classification(predictions, row)
    result = []
    start = int(predictions.offsets[row])
    for number, place in enumerate(range(start, int(predictions.offsets[row + 1]))):
        category = int(predictions.category[place])
        bbox = None if predictions.bbox is None else tuple(map(short, predictions.bbox[place]))
        runs = None if predictions.segmentation is None else predictions.segmentation.of(place)
        keypoints = None if predictions.keypoints is None else predictions.keypoints.of(place)
        result.append(
            Label(
                *_named(task, number, category, float(predictions.score[place])),
                None if bbox is None or any(map(math.isnan, bbox)) else bbox,  # type: ignore[arg-type]
                runs if runs is not None and len(runs) else None,
                keypoints.reshape(-1, 3) if keypoints is not None and len(keypoints) else None,
            )
        )
    return result


def _classification(predictions: Predictions, row: int) -> list[Label]:
    one = predictions.take(np.array([row]))
    if not one.n_singletons:
        return []
    vector = one.classifications()[0]
    return [Label(*_named(predictions.task, 0, int(vector.argmax()), float(vector.max())))]


def _named(task: Task, number: int, category: int, score: float) -> tuple[int, int, int, str, float]:
    return number, category, task.category_ids[category], task.categories[category], short(score)
