"""Predictions of one task in one Arrow file, a row a sample: written once, mapped into memory when read."""

from __future__ import annotations

import json
import mmap
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lightly_nb.errors import InputError, RunError
from lightly_nb.files import written_aside
from lightly_nb.samples.predictions import Predictions, Ragged, Task

_TASK = b"lightly_nb.task"
_FLAT = ("category", "score", "bbox", "probabilities", "segmentation", "keypoints")


def write_predictions_file(path: Path, predictions: Predictions) -> None:
    """Write predictions as an Arrow IPC file, aside and renamed.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    columns: dict[str, pa.Array] = {"is_predicted": pa.array(predictions.is_predicted)}
    for name in _FLAT:
        if (value := getattr(predictions, name)) is not None:
            columns[name] = pa.LargeListArray.from_arrays(pa.array(predictions.offsets), _array(value))
    task = predictions.task
    said = {
        "name": task.name,
        "type": task.type,
        "categories": task.categories,
        "category_ids": task.category_ids,
        "keypoint_names": task.keypoint_names,
    }
    table = pa.table(columns).replace_schema_metadata({_TASK: json.dumps(said).encode()})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            written_aside(path) as aside,
            open(aside, "wb") as stream,
            pa.ipc.new_file(stream, table.schema) as file,
        ):
            file.write_table(table)
    except OSError as error:
        why = error.strerror or error
        raise RunError(f"'{path}' could not be written ({why}); free some space, then go on") from error


def _array(value: np.ndarray | Ragged) -> pa.Array:
    if isinstance(value, Ragged):
        return pa.LargeListArray.from_arrays(pa.array(value.offsets), pa.array(value.values))
    if value.ndim == 2:
        return pa.FixedSizeListArray.from_arrays(pa.array(value.reshape(-1)), value.shape[1])
    return pa.array(value)


def read_predictions_file(path: Path) -> Predictions:
    """Read what `write_predictions_file` wrote; the arrays stay on the disk until they are looked at.

    Raises
    ------
    InputError
        If it is missing, damaged or of another kind.
    """
    try:
        with path.open("rb") as stream:
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        with pa.ipc.open_file(pa.py_buffer(content)) as reader:
            table = reader.read_all().combine_chunks()
        table.validate(full=True)
        said = json.loads(table.schema.metadata[_TASK])
        lists = (tuple(said[key]) for key in ("categories", "category_ids", "keypoint_names"))
        task = Task(said["name"], said["type"], *lists)
        parts = {name: table.column(name).combine_chunks() for name in table.column_names}
        offsets = np.zeros(1, np.int64)
        if len(table):
            offsets = parts["category"].offsets.to_numpy()
        values = {name: _value(parts[name].values) for name in _FLAT if name in parts}
        predicted = parts["is_predicted"].to_numpy(zero_copy_only=False)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise InputError(f"predictions {path}: cannot be read ({error}); read them again") from error
    return Predictions(task, offsets, is_predicted=predicted, **values)


def _value(column: Any) -> Any:
    if pa.types.is_large_list(column.type):
        return Ragged(column.offsets.to_numpy(), column.values.to_numpy())
    if pa.types.is_fixed_size_list(column.type):
        return column.values.to_numpy().reshape(-1, column.type.list_size)
    return column.to_numpy()
