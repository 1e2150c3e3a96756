"""Predictions in tables and dicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lightly_nb.errors import InputError
from lightly_nb.reading.annotations.found import Form, Found, Request, corner_boxes, singletons_of
from lightly_nb.reading.annotations.outputs import classification, torchvision_singletons

NAMES = ("filename", "file_name", "path", "filepath", "image")
CATEGORIES = ("category_id", "category", "label", "class", "class_name")
SCORES = ("score", "confidence", "conf")
CORNERS = (("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"))
SIDES = (("x", "y", "width", "height"), ("x", "y", "w", "h"))
WHOLE = ("bbox", "probabilities", "segmentation", "keypoints")


def name_column(table: pd.DataFrame) -> pd.Series[Any]:
    """Return the names of the samples: of a column, else of the index."""
    column = next((name for name in NAMES if name in table), None)
    return table.index.to_series() if column is None else table[column]


def predictions_table(request: Request) -> Form:
    """A DataFrame: one row a prediction, or one row an image and a column of probabilities a category.

    Names are in the index or in a column such as `filename`; categories in `category` or `label` (names or
    ids), scores in `score` or `confidence`, boxes in x, y, width, height or xmin, ymin, xmax, ymax or `bbox`.
    """
    table = request.predictions
    names = name_column(table)
    category = next((name for name in CATEGORIES if name in table), None)
    if category is None:
        return _wide(request, table, names)
    columns = _columns(table, request.where)
    categories = table[category].tolist()
    missing = pd.isna(table[category]).to_numpy(dtype=bool)  # a row that says: nothing is in this image
    key = "category" if any(isinstance(one, str) for one in categories) else "category_id"
    singletons = singletons_of([_whole(one) for one in categories], columns.pop("score"), key, **columns)
    found: dict[Any, list[dict[str, Any]]] = {}
    for name, one, is_none in zip(names, singletons, missing, strict=True):
        there = found.setdefault(name, [])
        if not is_none:
            there.append(one)
    return Form(Found(name, several) for name, several in found.items())


def _columns(table: pd.DataFrame, where: str) -> dict[str, Any]:
    score = next((name for name in SCORES if name in table), None)
    columns: dict[str, Any] = {"score": [1.0] * len(table) if score is None else table[score].tolist()}
    columns |= {name: [_plain(one) for one in table[name]] for name in WHOLE if name in table}
    for names, to_box in [(one, None) for one in SIDES] + [(one, corner_boxes) for one in CORNERS]:
        if "bbox" not in columns and set(names) <= set(table):
            numbers = table[list(names)].to_numpy(dtype=np.float64)
            columns["bbox"] = numbers.tolist() if to_box is None else to_box(numbers)
    return columns


def _wide(request: Request, table: pd.DataFrame, names: pd.Series[Any]) -> Form:
    columns = [name for name in table if name not in NAMES]
    if not columns or not all(pd.api.types.is_numeric_dtype(table[name]) for name in columns):
        raise InputError(
            f"{request.where}: the table has the columns {list(table)}; give one of {', '.join(CATEGORIES)} "
            "with a row a prediction, or a row an image with a column of probabilities a category"
        )
    categories = {number: str(name) for number, name in enumerate(columns)}
    ids = list(categories)
    matrix = table[columns].to_numpy(dtype=np.float64)
    pairs = zip(names, matrix, strict=True)
    return Form((Found(name, classification(vector, ids)) for name, vector in pairs), categories)


def predictions_dict(request: Request) -> Form:
    """A dict by file name: of lists of singletons, of probabilities (a list, or by category), or outputs.

    A singleton is a dict with `category` (a name) or `category_id`, `score`, and `bbox`, `segmentation`,
    `keypoints` or `probabilities`.
    """
    given: Mapping[Any, Any] = request.predictions
    first: Any = next((one for one in given.values() if len(one)), ())
    if isinstance(first, Mapping) and {"boxes", "labels"} <= set(first):
        return Form(Found(name, torchvision_singletons(one)) for name, one in given.items())
    if isinstance(first, Mapping):
        return _by_category(request, given, first)
    if len(first) and not isinstance(first[0], Mapping):
        categories = request.categories or {number: str(number) for number in range(len(first))}
        found = (Found(name, classification(one, list(categories))) for name, one in given.items())
        return Form(found, categories)
    return Form(Found(name, list(_singletons(one))) for name, one in given.items())


def _by_category(request: Request, given: Mapping[Any, Any], first: Mapping[str, Any]) -> Form:
    names = list(request.categories.values()) if request.categories else [str(name) for name in first]
    categories = request.categories or dict(enumerate(names))
    for image, one in given.items():
        if unknown := sorted(set(map(str, one)) - set(names)):
            raise InputError(f"{request.where}: '{image}' has the category {unknown[0]!r}; there are {names}")
    vectors = ((image, [one.get(name, 0.0) for name in names]) for image, one in given.items())
    return Form((Found(image, classification(one, list(categories))) for image, one in vectors), categories)


def _singletons(value: Sequence[Any]) -> Iterator[Any]:
    for one in value:
        is_singleton = isinstance(one, Mapping)
        yield {key: _listed(part) for key, part in one.items()} if is_singleton else one


def _listed(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def _whole(value: Any) -> Any:
    """Return an id that pandas has made a float of, as it was."""
    value = _plain(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plain(value: Any) -> Any:
    value = _listed(value)
    return None if isinstance(value, float) and np.isnan(value) else value
