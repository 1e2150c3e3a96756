"""Any array, tensor or table of numbers as one contiguous float32 array."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from lightly_nb.errors import InputError
from lightly_nb.samples.rows import described

LARGEST = float(np.finfo(np.float32).max)


def as_float32(value: Any, what: str) -> np.ndarray:
    """Return numbers of any kind (float16, bfloat16, float64, integers, torch, Arrow) as float32, C-ordered.

    Raises
    ------
    InputError
        If they are no numbers, or rows have different lengths, or one is too large for float32.

    Examples
    --------
    >>> as_float32(np.eye(2, dtype=np.float16), "embeddings").dtype
    dtype('float32')
    """
    array = _plain(value, what)
    if array.dtype == np.float32:
        return np.asarray(array, order="C")  # ascontiguousarray would make 1-d of 0-d
    if array.dtype.kind == "O":
        array = _stacked(array, what)
    if array.dtype.kind not in "fiubV" or array.dtype.names:
        raise InputError(f"{what}: got {_named(value, array)}; give real numbers, float16 to float64")
    with np.errstate(over="ignore"):
        try:
            result = array.astype(np.float32, order="C")
        except (TypeError, ValueError) as error:
            raise InputError(f"{what}: got {_named(value, array)}, which are no numbers") from error
    if array.dtype.kind in "fiu" and array.dtype.itemsize > 4 and array.size:
        over = np.isinf(result) & np.isfinite(array)
        if over.any():
            row = int(np.argwhere(over)[0][0]) if array.ndim else 0
            raise InputError(
                f"{what}: row {row} holds a number above {LARGEST:.3g} in size, which float32 cannot; "
                "scale the numbers, for example to unit length"
            )
    return result


def as_vectors(value: Any, what: str = "embeddings") -> np.ndarray:
    """Return embeddings as float32 of shape (n, d).

    Raises
    ------
    InputError
        If they are of another shape, or no numbers.
    """
    array = as_float32(value, what)
    if array.ndim == 1 and array.size:
        raise InputError(
            f"{what}: got one dimension, shape {array.shape}; give one row per sample, (n, d): "
            "x.reshape(1, -1) is one sample, x.reshape(-1, 1) are samples of one number each"
        )
    if array.ndim != 2 or array.shape[1] < 1:
        raise InputError(
            f"{what}: got shape {array.shape}; give one row per sample and one column per feature, (n, d)"
        )
    return array


def _named(value: Any, array: np.ndarray) -> str:
    return described(value if hasattr(value, "dtype") else array)


def _plain(value: Any, what: str) -> np.ndarray:
    """Return `value` as a numpy array of whatever type it has."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise InputError(f"{what}: {int(value.mask.sum()):,} values are masked; fill or leave them out")
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, str | bytes | Mapping) or value is None:
        raise InputError(f"{what}: got {described(value)}; give an array, (n, d), one row per sample")
    if hasattr(value, "detach"):  # torch: bfloat16 has no counterpart in numpy
        tensor = value.detach().cpu()
        if "complex" in str(tensor.dtype):
            raise InputError(f"{what}: got {described(value)}; give real numbers")
        return np.asarray(tensor.float().numpy())
    if hasattr(value, "toarray"):  # scipy, sparse
        return np.asarray(value.toarray())
    if hasattr(value, "to_pylist"):  # Arrow
        value = value.to_pylist()
    try:
        return np.asarray(value if hasattr(value, "__array__") else list(value))
    except (TypeError, ValueError, RuntimeError):
        pass
    try:
        rows = list(value)
    except TypeError:
        raise InputError(f"{what}: got {described(value)}; give an array, (n, d)") from None
    whole = np.empty(len(rows), dtype=object)
    whole[:] = rows
    return whole


def _stacked(rows: np.ndarray, what: str) -> np.ndarray:
    """Return an array of arrays as one: a column of lists, tensors, or the text of lists."""
    if rows.ndim != 1:
        try:
            return rows.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"{what}: some values are no numbers ({error})") from error
    read: list[np.ndarray] = []
    for number, row in enumerate(rows):
        if row is None or (isinstance(row, float) and np.isnan(row)):
            raise InputError(f"{what}: row {number} has no value; leave such rows out or fill them")
        one = _plain(_of_text(row, number, what) if isinstance(row, str) else row, f"{what}: row {number}")
        if one.dtype.kind not in "fiubV":
            raise InputError(f"{what}: row {number} is {described(row)}; give numbers")
        if read and one.shape != read[0].shape:
            raise InputError(
                f"{what}: row {number} has shape {one.shape}, the rows before have {read[0].shape}; all rows "
                "need the same number of values"
            )
        read.append(one)
    return np.stack([as_float32(one, what) for one in read])


def _of_text(text: str, number: int, what: str) -> Any:
    try:
        value = json.loads(text)
        if isinstance(value, list):
            return value
    except ValueError:
        pass
    raise InputError(
        f"{what}: row {number} is the text {text[:40]!r}, not a list of numbers as JSON has it; keep "
        "embeddings in .npy or .parquet, where they stay numbers"
    )
