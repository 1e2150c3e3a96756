"""Outputs of detectors and classifiers as they come: torchvision's dicts, ultralytics' results, arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lightly_nb.errors import InputError
from lightly_nb.reading.annotations.found import (
    Form,
    Found,
    Request,
    as_numpy,
    corner_boxes,
    run_lengths,
    singletons_of,
)

MASK_FROM = 0.5
"""What a pixel of a soft mask must have to be in it."""


def torchvision_outputs(request: Request) -> Form:
    """Dicts with boxes (corners), labels, scores and, if there are, masks and keypoints.

    `{filename: dict}`, or a list with one for each sample, in the order of the samples.
    """
    return Form(Found(name, torchvision_singletons(one)) for name, one in by_sample(request))


def torchvision_singletons(output: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the singletons of one output of a torchvision detector."""
    masks, keypoints = output.get("masks"), output.get("keypoints")
    if masks is not None:
        soft = as_numpy(masks)
        soft = soft[:, 0] if soft.ndim == 4 else soft
        masks = [run_lengths(mask >= MASK_FROM if mask.dtype.kind == "f" else mask) for mask in soft]
    if keypoints is not None:
        points = as_numpy(keypoints)
        keypoints = points.reshape(len(points), -1).astype(float).tolist()
    labels = as_numpy(output["labels"]).astype(int).tolist()
    scores = output.get("scores")
    return singletons_of(
        labels,
        [1.0] * len(labels) if scores is None else as_numpy(scores).astype(float).tolist(),
        bbox=corner_boxes(output["boxes"]),
        segmentation=masks,
        keypoints=keypoints,
    )


def by_sample(request: Request) -> Iterable[tuple[Any, Any]]:
    """Yield names and values of a mapping, or rows and values of a list as long as the samples."""
    given = request.predictions
    if isinstance(given, Mapping):
        return given.items()
    given = list(given)
    if len(given) != len(request.samples):
        raise InputError(
            f"{request.where}: got {len(given)} outputs for {len(request.samples)} samples; give one for "
            "each, in the order of the samples, or a dict by file name"
        )
    return enumerate(given)


def ultralytics_results(request: Request) -> Form:
    """Results of ultralytics' models, each with `path`, `names` and boxes, masks, keypoints or probs."""
    results = list(request.predictions)
    names = results[0].names if results else {}
    names = names if isinstance(names, Mapping) else dict(enumerate(names))
    found = (Found(one.path, _of_result(one, request.where)) for one in results)
    return Form(found, {int(number): str(name) for number, name in sorted(names.items())})


def _of_result(result: Any, where: str) -> list[dict[str, Any]]:
    if getattr(result, "obb", None) is not None:
        raise InputError(f"{where}: '{result.path}' has oriented boxes; give upright ones, such as obb.xyxy")
    probs = getattr(result, "probs", None)
    if probs is not None:
        vector = as_numpy(probs.data).astype(float)
        vector = vector / vector.sum()
        best = (
            sorted(result.names)[int(vector.argmax())]
            if isinstance(result.names, Mapping)
            else vector.argmax()
        )
        return [{"category_id": int(best), "score": float(vector.max()), "probabilities": vector.tolist()}]
    if result.boxes is None:
        return []
    masks, keypoints = getattr(result, "masks", None), getattr(result, "keypoints", None)
    return singletons_of(
        as_numpy(result.boxes.cls).astype(int).tolist(),
        as_numpy(result.boxes.conf).astype(float).tolist(),
        bbox=corner_boxes(result.boxes.xyxy),
        segmentation=None if masks is None else _masks(masks, result, where),
        keypoints=None if keypoints is None else _keypoints(keypoints),
    )


def _masks(masks: Any, result: Any, where: str) -> list[list[int]]:
    array = as_numpy(masks.data)
    if array.shape[1:] != tuple(result.orig_shape):
        raise InputError(
            f"{where}: the masks of '{result.path}' are {array.shape[1:]}, its image is {result.orig_shape}; "
            "predict with retina_masks=True"
        )
    return [run_lengths(mask > MASK_FROM) for mask in array]


def _keypoints(keypoints: Any) -> list[list[float]]:
    points = as_numpy(keypoints.data).astype(float)
    if points.shape[-1] == 2:
        points = np.concatenate([points, np.ones((*points.shape[:-1], 1))], axis=-1)
    return list(points.reshape(len(points), -1).tolist())


def probability_array(request: Request) -> Form:
    """An array or tensor of class probabilities, a row for each sample and a column for each category."""
    matrix = as_numpy(request.predictions)
    if matrix.ndim != 2 or len(matrix) != len(request.samples):
        raise InputError(
            f"{request.where}: got an array of shape {matrix.shape} for {len(request.samples)} samples; give "
            "class probabilities, a row for each sample and a column for each category"
        )
    categories = request.categories or {number: str(number) for number in range(matrix.shape[1])}
    if len(categories) != matrix.shape[1]:
        raise InputError(
            f"{request.where}: got {matrix.shape[1]} columns for {len(categories)} categories; name each"
        )
    ids = list(categories)
    return Form((Found(row, classification(vector, ids)) for row, vector in enumerate(matrix)), categories)


def classification(vector: Any, ids: list[Any], key: str = "category_id") -> list[dict[str, Any]]:
    """Return the singleton of a vector of class probabilities; none where it is NaN."""
    array = as_numpy(vector).astype(np.float64).reshape(-1)
    if np.isnan(array).all():
        return []
    best = int(np.nan_to_num(array, nan=-1).argmax())
    score = float(np.clip(array[best], 0, 1)) if np.isfinite(array[best]) else float(array[best])
    return [{key: ids[best] if best < len(ids) else best, "score": score, "probabilities": array.tolist()}]
