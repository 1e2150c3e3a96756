"""COCO, after https://cocodataset.org/#format-data as of November 2026."""

from __future__ import annotations

from typing import Any

import numpy as np

from lightly_nb.exports.images import Images
from lightly_nb.exports.labels import Label, Labelled, labelled
from lightly_nb.exports.masks import box_of, coco_rle
from lightly_nb.samples.predictions import Task, short


def save(images: Images, *, scores: bool = False) -> dict[str, list[Any]]:
    """Return a COCO file: `images` with `id`, `file_name`, `width`, `height`; `annotations`; `categories`.

    `id` is the sample's number in the dataset plus one, so two exports of a dataset agree and their
    annotations can be merged. Sizes are of the upright image, as labelling tools show it. Categories keep the
    ids and the order of the schema, boxes are as predicted, masks are run lengths, and a classification is an
    annotation without a box.

    Parameters
    ----------
    scores : bool
        Whether annotations have a `score`, which COCO itself knows of results only.
    """
    entries: list[Any] = []
    annotations: list[Any] = []
    for image in labelled(images):
        number = image.number + 1
        entries.append(
            {"id": number, "file_name": image.filename, "width": image.width, "height": image.height}
        )
        for label in image.labels:
            body = _annotation(image, label)
            score = {"score": label.score} if scores else {}
            annotations.append({"id": len(annotations) + 1, "image_id": number, **body, **score})
    categories = [] if images.predictions is None else _categories(images.predictions.task)
    return {"images": entries, "annotations": annotations, "categories": categories}


def save_results(images: Images) -> list[dict[str, Any]]:
    """Return COCO results: what `COCO.loadRes` reads beside a file of `save`, with scores."""
    result = []
    for image in labelled(images):
        for label in image.labels:
            one = {"image_id": image.number + 1, **_annotation(image, label), "score": label.score}
            if label.keypoints is not None:  # of results the third number is that of the model
                one["keypoints"] = [short(value) for value in label.keypoints.ravel()]
            result.append({key: value for key, value in one.items() if key not in ("iscrowd", "area")})
    return result


def _categories(task: Task) -> list[dict[str, Any]]:
    names = {"keypoints": list(task.keypoint_names), "skeleton": []} if task.keypoint_names else {}
    return [
        {"id": number, "name": name, **names}
        for number, name in zip(task.category_ids, task.categories, strict=True)
    ]


def _annotation(image: Labelled, label: Label) -> dict[str, Any]:
    result: dict[str, Any] = {"category_id": label.category_id, "iscrowd": 0}
    box, area = label.bbox, None
    if label.runs is not None:
        mask = image.mask(label)
        result["segmentation"], area = coco_rle(mask), float(mask.sum())
        box = box or box_of(mask) or (0, 0, 0, 0)
    if label.keypoints is not None:
        points = label.keypoints
        seen = np.where(points[:, 2] > 0, 2, 0)
        rows = zip(points[:, 0], points[:, 1], seen, strict=True)
        result["keypoints"] = [part for x, y, v in rows for part in (short(x), short(y), int(v))]
        result["num_keypoints"] = int((seen > 0).sum())
        box = box or image.box(label)
    if box is not None:
        result |= {"bbox": list(box), "area": box[2] * box[3] if area is None else area}
    return result
