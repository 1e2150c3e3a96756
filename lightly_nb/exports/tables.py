"""Plain tables, CSV and Parquet: a row a sample, or a row for each prediction of one task."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pandas as pd

from lightly_nb.exports.images import Images
from lightly_nb.samples.predictions import Predictions, Ragged, short

LISTS = ("segmentation", "keypoints", "probabilities")
"""Columns of predictions that hold a list in each row."""


def save_csv(images: Images) -> str:
    """Return a CSV file: `filename` and what is known of the samples.

    With predictions instead a row for each of them: `filename`, `number` within the image, `category`,
    `category_id`, `score`, `x`, `y`, `width`, `height`, and lists as JSON: `segmentation`, `keypoints` and
    `probabilities`, as far as the task has them. A sample without any has one row with nothing but its name,
    and `is_predicted` says whether a model looked at it.
    """
    table = _table(images)
    for name in LISTS:
        if images.predictions is not None and name in table:
            table[name] = [None if one is None else json.dumps(one) for one in table[name]]
    return str(table.to_csv(index=False, lineterminator="\n"))


def save_parquet(images: Images) -> bytes:
    """Return a Parquet file with the rows and columns of `save_csv`; lists are lists."""
    buffer = io.BytesIO()
    _table(images).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _table(images: Images) -> pd.DataFrame:
    if images.predictions is not None:
        return _of_predictions(images, images.predictions)
    rows = [images.metadata(number) for number in images.numbers]
    everywhere = images.all_numbers or images.numbers
    names = dict.fromkeys(key for number in everywhere for key in images.metadata(number))
    columns: dict[str, Any] = {"filename": list(images.filenames)}
    columns |= {name: [_flat(row.get(name)) for row in rows] for name in names if name != "filename"}
    return pd.DataFrame(columns)


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _of_predictions(images: Images, predictions: Predictions) -> pd.DataFrame:
    """Return a row a singleton, and one for each sample that has none."""
    counts = predictions.counts
    shown = np.maximum(counts, 1)
    sample = np.repeat(np.arange(len(images)), shown)
    starts = np.cumsum(shown) - shown
    number = np.arange(len(sample)) - np.repeat(starts, shown)
    there = np.repeat(counts > 0, shown)
    place = (np.repeat(predictions.offsets[:-1], shown) + number)[there]
    task = predictions.task

    def column(values: Any, dtype: str) -> pd.Series[Any]:
        result = pd.Series([None] * len(sample), dtype=dtype)
        result[there] = values
        return result

    categories = predictions.category[place]
    names = np.array(images.filenames, dtype=object)
    columns: dict[str, Any] = {
        "filename": names[sample],
        "is_predicted": predictions.is_predicted[sample],
        "number": column(number[there], "Int64"),
        "category": column(np.array(task.categories, dtype=object)[categories], "object"),
        "category_id": column(np.array(task.category_ids)[categories], "Int64"),
        "score": column(predictions.score[place], "float32"),
    }
    if predictions.bbox is not None:
        for axis, name in enumerate(("x", "y", "width", "height")):
            columns[name] = column(predictions.bbox[place, axis], "float32")
    for name in LISTS:
        values = getattr(predictions, name)
        if values is not None:
            rows = (values.of(one) if isinstance(values, Ragged) else values[one] for one in place)
            cells = np.full(len(sample), None, dtype=object)
            for at, row in zip(np.flatnonzero(there).tolist(), rows, strict=True):
                cells[at] = _numbers(row)
            columns[name] = cells
    return pd.DataFrame(columns)


def _numbers(values: np.ndarray) -> list[Any] | None:
    """Return the numbers of a singleton, None if it has none."""
    if values.dtype.kind != "f":
        return values.tolist() or None
    return None if not len(values) or np.isnan(values).any() else [short(value) for value in values]
