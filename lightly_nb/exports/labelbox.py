"""Labelbox: rows that labelbox-python accepts in `create_data_rows`, and annotations, as of November 2026."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np

from lightly_nb.exports.images import Images
from lightly_nb.exports.labels import OUTSIDE, Label, Labelled, labelled


def save_v3(images: Images) -> list[dict[str, str]]:
    """Return rows of Labelbox version 3: `externalId` and `imageUrl`."""
    return [{"externalId": name, "imageUrl": images.read_url(name)} for name in images.filenames]


def save_v4(images: Images) -> list[dict[str, str]]:
    """Return rows of Labelbox version 4: `row_data`, `global_key` and `media_type`.

    Labelbox refuses a `global_key` that it has seen already: delete the old rows, or rename the key.
    """
    return [
        {"row_data": images.read_url(name), "global_key": name, "media_type": "IMAGE"}
        for name in images.filenames
    ]


def save_annotations(images: Images, *, scores: bool = True, polygons: bool = False) -> str:
    """Return annotations of Labelbox, one JSON a line, for the data rows of `save_v4`.

    The ontology needs a tool of each category's name (bounding box, segmentation mask, polygon, point), or
    for a classification a radio question of the task's name with the categories as its answers.
    Whether they are model-assisted labelling or ground truth is said by the import, not by the file.

    Parameters
    ----------
    scores : bool
        Whether annotations have a `confidence`.
    polygons : bool
        Segments as polygons instead of masks, one for each part.
    """
    task, lines = images.needed_predictions().task, []
    for image in labelled(images):
        for label in image.labels:
            found = list(_annotations(image, label, task.name, polygons))
            images.left_out[OUTSIDE] += not found
            for number, body in enumerate(found):
                seed = f"{task.name}\0{image.filename}\0{label.number}\0{number}"
                one = {
                    "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, seed)),
                    "dataRow": {"globalKey": image.filename},
                    **body,
                }
                if scores:
                    one["confidence"] = label.score
                lines.append(json.dumps(one, ensure_ascii=False) + "\n")
    return "".join(lines)


def _annotations(image: Labelled, label: Label, task: str, polygons: bool) -> Iterator[dict[str, Any]]:
    from lightly_nb.exports.masks import polygons_of

    if label.keypoints is not None:
        for x, y, score in label.keypoints.tolist():
            if score > 0:
                yield {"name": label.name, "point": {"x": x, "y": y}}
    elif label.runs is not None and polygons:
        for outline in polygons_of(image.mask(label)):
            yield {"name": label.name, "polygon": [{"x": x, "y": y} for x, y in (outline + 0.5).tolist()]}
    elif label.runs is not None:
        yield {"name": label.name, "mask": {"png": _png(image.mask(label))}}
    elif label.bbox is not None:
        if (box := image.box(label)) is not None:
            left, top, width, height = box
            yield {
                "name": label.name,
                "bbox": {"top": top, "left": left, "height": height, "width": width},
            }
    else:
        yield {"name": task, "answer": {"name": label.name}}


def _png(mask: np.ndarray) -> str:
    import cv2

    content = cv2.imencode(".png", mask.astype(np.uint8) * 255)[1]
    return base64.b64encode(content.tobytes()).decode()
