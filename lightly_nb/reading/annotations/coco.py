"""COCO: results of a detector, or a whole dataset with annotations."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lightly_nb.errors import InputError
from lightly_nb.reading.annotations.found import Form, Found, Request, run_lengths


def coco_results(request: Request) -> Form:
    """COCO results (`[{image_id, category_id, bbox, score}, …]`), a dataset with `annotations`, or its file.

    Results need `images`: the dataset that the ids are of (a dict or file), or a dict of id to file name. An
    annotation without a score counts as certain: 1. Crowds are passed over.
    """
    given = _loaded(request.predictions, request.where)
    dataset: Any = given if isinstance(given, Mapping) else _loaded(request.images, request.where)
    entries = given["annotations"] if isinstance(given, Mapping) else given
    images, categories = _images(dataset), None
    if isinstance(dataset, Mapping) and "categories" in dataset:
        categories = {int(one["id"]): str(one["name"]) for one in dataset["categories"]}
    found: dict[Any, list[dict[str, Any]]] = {one["file_name"]: [] for one in images.values()}
    if not isinstance(given, Mapping):
        found = {}
    for number, one in enumerate(entries):
        if not isinstance(one, Mapping) or "image_id" not in one:
            raise InputError(
                f"{request.where}: entry {number} of the COCO results has no image_id: {one!r:.80}"
            )
        if one.get("iscrowd"):
            continue
        image = images.get(one["image_id"], {})
        name = image.get("file_name", one["image_id"])
        if not image and not isinstance(name, str):
            raise InputError(
                f"{request.where}: image_id {name!r} of entry {number} is none of the {len(images):,} "
                "images; give images=: the COCO dataset that they are of, or a dict of id to file name"
            )
        found.setdefault(name, []).append(_singleton(one, image))
    return Form((Found(name, several) for name, several in found.items()), categories)


def _loaded(value: Any, where: str) -> Any:
    if not isinstance(value, str | os.PathLike):
        return value
    try:
        return json.loads(Path(value).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"{where}: '{value}' cannot be read as JSON: {error}") from None


def _images(dataset: Any) -> dict[Any, dict[str, Any]]:
    if dataset is None:
        return {}
    if isinstance(dataset, Mapping) and "images" in dataset:
        return {one["id"]: dict(one) for one in dataset["images"]}
    return {number: {"file_name": str(name)} for number, name in dict(dataset).items()}


def _singleton(entry: Mapping[str, Any], image: Mapping[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = {"category_id": entry.get("category_id"), "score": entry.get("score", 1.0)}
    if (bbox := entry.get("bbox")) is not None and len(bbox):
        one["bbox"] = list(bbox)
    if segmentation := entry.get("segmentation"):
        one["segmentation"] = run_lengths(coco_mask(segmentation, image.get("height"), image.get("width")))
    if keypoints := entry.get("keypoints"):
        one["keypoints"] = list(keypoints)
    return one


def coco_mask(segmentation: Any, height: int | None, width: int | None) -> np.ndarray:
    """Return the mask of a COCO segmentation: polygons, or run lengths down the columns, packed or not.

    Examples
    --------
    >>> coco_mask({"counts": [1, 2, 1], "size": [2, 2]}, None, None).astype(int).tolist()
    [[0, 1], [1, 0]]
    """
    if isinstance(segmentation, Mapping):
        height, width = segmentation["size"]
        counts = segmentation["counts"]
        counts = _unpacked(counts) if isinstance(counts, str | bytes) else counts
        values = np.arange(len(counts)) % 2 == 1
        return np.repeat(values, counts).reshape(width, height).T
    if height is None or width is None:
        raise InputError("add_predictions: polygons need the height and width of their image, in images=")
    mask = np.zeros((height, width), np.uint8)
    polygons: Sequence[Any] = segmentation
    cv2.fillPoly(
        mask, [np.asarray(one, float).reshape(-1, 2).round().astype(np.int32) for one in polygons], 1
    )
    return mask.astype(bool)


def _unpacked(text: str | bytes) -> list[int]:
    """Return the counts of COCO's packed run lengths: six bits a character, differences from the third on."""
    codes = text.encode() if isinstance(text, str) else text
    counts: list[int] = []
    at = 0
    while at < len(codes):
        value, shift, more = 0, 0, True
        while more:
            code = codes[at] - 48
            value |= (code & 0x1F) << shift
            more, shift, at = bool(code & 0x20), shift + 5, at + 1
            if not more and code & 0x10:
                value |= -1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
    return counts
