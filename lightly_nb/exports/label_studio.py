"""Label Studio, after https://labelstud.io/guide/tasks and /guide/predictions as of November 2026."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain
from typing import Any
from xml.sax.saxutils import quoteattr

from lightly_nb.errors import InputError
from lightly_nb.exports.images import Images
from lightly_nb.exports.labels import OUTSIDE, Label, Labelled, labelled
from lightly_nb.exports.masks import label_studio_rle, polygons_of
from lightly_nb.samples.predictions import Task

FROM_NAME, TO_NAME = "label", "image"
"""Names of the control and of the image in a labelling configuration, which results have to name."""

_CONTROLS = {
    "classification": ("Choices", "Choice", "choices"),
    "object-detection": ("RectangleLabels", "Label", "rectanglelabels"),
    "semantic-segmentation": ("BrushLabels", "Label", "brushlabels"),
    "instance-segmentation": ("BrushLabels", "Label", "brushlabels"),
    "keypoint-detection": ("KeyPointLabels", "Label", "keypointlabels"),
}
_POLYGONS = ("PolygonLabels", "Label", "polygonlabels")


def save(images: Images, *, model_version: str | None = None, polygons: bool = False) -> list[dict[str, Any]]:
    """Return tasks of Label Studio: `id` and `data` with `image`, a URL, and what is known of the sample.

    `id` is the sample's number in the dataset. Label Studio gives its own ids at the import. With predictions
    each task has `predictions`, for a project with the configuration of `save_config`.

    Parameters
    ----------
    model_version : str, optional
        What the predictions are called there; None: the name of the task.
    polygons : bool
        Segments as polygons instead of brushes, one for each part.
    """
    if images.predictions is None:
        return [_task(images, row) for row in range(len(images))]
    return _with_predictions(images, images.predictions.task, model_version, polygons)


def save_config(images: Images, *, polygons: bool = False) -> str:
    """Return the labelling configuration, XML, of a project that takes the predictions of `save`."""
    task = images.needed_predictions().task
    control, entry, _ = _control(task, polygons)
    names = task.keypoint_names or task.categories if task.type == "keypoint-detection" else task.categories
    lines = [
        "<View>",
        f'  <Image name="{TO_NAME}" value="$image"/>',
        f'  <{control} name="{FROM_NAME}" toName="{TO_NAME}">',
        *(f"    <{entry} value={quoteattr(name)}/>" for name in names),
        f"  </{control}>",
        "</View>",
    ]
    return "\n".join(lines)


def _task(images: Images, row: int) -> dict[str, Any]:
    name, number = images.filenames[row], images.numbers[row]
    meta = {"fileName": name, "index": number, "metaData": dict(images.metadata(number))}
    data = {"image": images.read_url(name), "lightlyFileName": name, "lightlyMetaInfo": meta}
    return {"id": number, "data": data}


def _with_predictions(
    images: Images, task: Task, model_version: str | None, polygons: bool
) -> list[dict[str, Any]]:
    if not isinstance(model_version, str | None) or model_version == "":
        raise InputError(f"model_version is {model_version!r}; give a text, or None for the task's name")
    result = []
    for row, image in enumerate(labelled(images)):
        one = _task(images, row)
        if image.is_predicted:
            results = [_results(image, label, task, polygons) for label in image.labels]
            images.left_out[OUTSIDE] += sum(not found for found in results)
            prediction: dict[str, Any] = {"model_version": model_version or task.name}
            if image.labels:
                prediction["score"] = sum(label.score for label in image.labels) / len(image.labels)
            one["predictions"] = [{**prediction, "result": list(chain.from_iterable(results))}]
        result.append(one)
    return result


def _results(image: Labelled, label: Label, task: Task, polygons: bool) -> list[dict[str, Any]]:
    """Return the results of one label: several if it has several parts or points."""
    kind = _control(task, polygons)[2]
    found = []
    for number, (value, name) in enumerate(_values(image, label, task, kind)):
        seed = f"{task.name}\0{image.filename}\0{label.number}\0{number}"
        found.append(
            {
                "id": hashlib.sha256(seed.encode()).hexdigest()[:10],
                "from_name": FROM_NAME,
                "to_name": TO_NAME,
                "type": kind,
                "original_width": image.width,
                "original_height": image.height,
                "image_rotation": 0,
                "value": {**value, kind: [name]},
                "score": label.score,
            }
        )
    return found


def _values(image: Labelled, label: Label, task: Task, kind: str) -> Iterator[tuple[dict[str, Any], str]]:
    across, down = 100 / image.width, 100 / image.height
    if kind == "rectanglelabels":
        if (box := image.box(label)) is not None:
            x, y, width, height = box
            place = {"x": x * across, "y": y * down, "width": width * across, "height": height * down}
            yield {**place, "rotation": 0}, label.name
    elif kind == "brushlabels" and label.runs is not None:
        image.mask(label)  # refuses runs of another size
        yield {"format": "rle", "rle": label_studio_rle(label.runs)}, label.name
    elif kind == "polygonlabels":
        for outline in polygons_of(image.mask(label)):
            points = [[(x + 0.5) * across, (y + 0.5) * down] for x, y in outline.tolist()]
            yield {"points": points, "closed": True}, label.name
    elif kind == "keypointlabels" and label.keypoints is not None:
        names = task.keypoint_names or (label.name,) * len(label.keypoints)
        for (x, y, score), name in zip(label.keypoints.tolist(), names, strict=True):
            if score > 0:
                yield {"x": x * across, "y": y * down, "width": 0.5}, name
    elif kind == "choices":
        yield {}, label.name


def _control(task: Task, polygons: bool) -> tuple[str, str, str]:
    return _POLYGONS if polygons and task.type.endswith("segmentation") else _CONTROLS[task.type]
