"""Inputs of a selection: what a strategy reads from the samples, checked before any work.

Where the numbers lie on `Samples`:

====================================  ==================================================================
input                                 place
====================================  ==================================================================
EMBEDDINGS, of crops also with task   `samples.arrays["embeddings"]`
SCORES, task T, score S               column (or array) `score.T.S`; else `samples.predictions[T]`
PREDICTIONS, CLASS_DISTRIBUTION of T  array `class_distribution.T`, a column per category; else the same
PREDICTIONS, CATEGORY_COUNT of T      array `category_count.T`, a column per category; else the same
METADATA, key K                       column `K`
RANDOM                                nothing: a number in [0, 1) drawn from the seed and the file name
====================================  ==================================================================

The categories' names are those of `samples.predictions[T]`; of an array without predictions they are in
`samples.table.attrs["categories"][T]`, in the order of its columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lightly_nb.errors import InputError, SelectionError, did_you_mean
from lightly_nb.samples import Samples
from lightly_nb.samples.predictions import Predictions, predictions_of
from lightly_nb.scoring import SCORES, ScoreSettings
from lightly_nb.scoring.score import check_score
from lightly_nb.vectors.distances import Floats

SHOWN = 3
"""Offending samples named in an error."""


def numbers(samples: Samples, source: Mapping[str, Any], where: str, seed: int) -> Floats:
    """Return the input as one finite number per sample, float64, or raise `SelectionError`."""
    kind = source["type"]
    if kind == "RANDOM":
        chosen = source.get("random_seed")
        return random_numbers(samples.filenames, seed if chosen is None else int(chosen))
    if kind == "PREDICTIONS":
        counts: Floats = class_matrix(samples, source, where)[0].sum(axis=1)
        return counts
    if kind == "SCORES":
        return finite(_scores(samples, str(source["task"]), str(source["score"]), where), samples, where)
    name = str(source["key"])
    return finite(_number_column(samples, name, where), samples, where)


def check_objects(samples: Samples, source: Mapping[str, Any], where: str) -> None:
    """Raise `SelectionError` where EMBEDDINGS of a task's objects are asked for and samples are others."""
    from lightly_nb.reading.crops import IMAGE

    task = source.get("task")
    if source["type"] != "EMBEDDINGS" or not task:
        return
    if IMAGE not in samples.table:
        raise SelectionError(
            f"{where}: got task '{task}', but these samples are whole images; leave the task out, or select "
            f"among its objects: lightly_nb.embed(lightly_nb.crops(samples, '{task}'))"
        )
    there = [name for name, one in samples.predictions.items() if _is_of_crops(one)]
    known([task], there, where, "task")


def _is_of_crops(predictions: Predictions) -> bool:
    """Whether each sample has one box: in other tasks a crop has all predictions of its image."""
    return predictions.bbox is not None and bool((predictions.counts == 1).all())


def _scores(samples: Samples, task: str, score: str, where: str) -> Floats:
    """Return the scores that are there, or compute them of the predictions with the default settings."""
    name = f"score.{task}.{score}"
    if name in samples.arrays or name in samples.table or not _has_predictions(samples, task):
        return _number_column(samples, name, where)
    try:
        check_score(score, task, predictions_of(samples.predictions, task).task.type)
    except InputError as error:
        raise SelectionError(f"{where}: {error}") from None
    return SCORES[score].compute(samples.predictions[task], ScoreSettings())


def _has_predictions(samples: Samples, task: str) -> bool:
    """Whether there are predictions to look into; a task that is not among them is refused there."""
    made_by_hand = any(str(name).startswith(f"score.{task}.") for name in samples.table)
    return task in samples.predictions or not made_by_hand


def random_numbers(filenames: Sequence[str], seed: int) -> Floats:
    """Return a uniform number in [0, 1) per name; it depends on the name and the seed alone.

    Examples
    --------
    >>> a, b = random_numbers(["a.jpg", "b.jpg"], 1), random_numbers(["b.jpg", "a.jpg"], 1)
    >>> bool(a[0] == b[1] and a[0] != a[1])
    True
    """
    key = str(int(seed)).encode()[:64]
    digests = (hashlib.blake2b(name.encode(), digest_size=8, key=key).digest() for name in filenames)
    whole: np.ndarray = np.frombuffer(b"".join(digests), dtype="<u8")
    return (whole >> np.uint64(11)).astype(np.float64) * 2.0**-53


def categories_of(samples: Samples, source: Mapping[str, Any], where: str) -> tuple[Floats, list[str]]:
    """Return class counts or probabilities, float64 (n_samples, n_categories), and the categories' names."""
    if source["type"] == "PREDICTIONS":
        return class_matrix(samples, source, where)
    key = str(source["key"])
    column = _column(samples, key, where)
    is_number = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    if pd.api.types.is_float_dtype(column.dtype) or (is_number and key.startswith("lightly.")):
        raise SelectionError(
            f"{where}: metadata '{key}' holds {column.dtype} numbers, but BALANCE needs categories "
            "(strings, booleans or integers); bin the numbers first, e.g. with pandas.cut"
        )
    missing = column.isna().to_numpy()
    if missing.any():
        raise SelectionError(f"{where}: metadata '{key}' is missing for {_named(samples, missing)}")
    codes, values = pd.factorize(column.astype(str), sort=True)
    return np.eye(len(values))[codes], [str(value) for value in values]


def class_matrix(samples: Samples, source: Mapping[str, Any], where: str) -> tuple[Floats, list[str]]:
    """Return the columns of a task's array, those of `categories` if asked for, and their names."""
    array_name = ".".join([source["name"].lower(), source["task"]])
    matrix = _class_array(samples, source, array_name, where)
    finite(matrix, samples, where)
    negative: np.ndarray = np.less(matrix, 0).max(axis=1, initial=False)
    if negative.any():
        raise SelectionError(f"{where}: '{array_name}' is negative for {_named(samples, negative)}")
    names = samples.table.attrs.get("categories", {}).get(source["task"])
    if source["task"] in samples.predictions:
        names = samples.predictions[source["task"]].task.categories
    names = [str(number) for number in range(matrix.shape[1])] if names is None else list(names)
    if len(names) != matrix.shape[1]:
        raise SelectionError(
            f"{where}: task '{source['task']}' has {len(names)} categories but '{array_name}' has "
            f"{matrix.shape[1]} columns"
        )
    chosen = source.get("categories")
    if not chosen:
        return matrix, names
    known(chosen, names, where, "categories")
    return matrix[:, [names.index(name) for name in chosen]], list(chosen)


def _class_array(samples: Samples, source: Mapping[str, Any], array_name: str, where: str) -> Floats:
    if array_name in samples.arrays:
        return np.asarray(samples.arrays[array_name], dtype=np.float64)
    try:
        predictions: Predictions = predictions_of(samples.predictions, source["task"])
    except InputError as error:
        raise SelectionError(f"{where}: {error}") from None
    is_count = source["name"] == "CATEGORY_COUNT"
    array = predictions.category_count() if is_count else predictions.class_distribution()
    return np.asarray(array, dtype=np.float64)


def known(asked: Sequence[str], there: Sequence[str], where: str, what: str) -> None:
    """Raise `SelectionError` when a name of `asked` is not `there`, naming the nearest one."""
    unknown = [name for name in asked if name not in there]
    if unknown:
        hint = did_you_mean(unknown[0], there)
        raise SelectionError(
            f"{where}: {what} {unknown[:SHOWN]} not known; there are {sorted(map(str, there))[:20]}.{hint}"
        )


def finite(values: np.ndarray, samples: Samples, where: str) -> np.ndarray:
    """Return `values`, or raise `SelectionError` naming the first samples with NaN or infinity."""
    if not np.isfinite(values.sum(dtype=np.float64)):
        bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        if bad.any():
            raise SelectionError(
                f"{where}: NaN or infinity for {_named(samples, bad)}; mend or leave out these"
            )
    return values


def _number_column(samples: Samples, name: str, where: str) -> Floats:
    if name in samples.arrays and samples.arrays[name].ndim == 1:
        return np.asarray(samples.arrays[name], dtype=np.float64)
    column = _column(samples, name, where)
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        raise SelectionError(
            f"{where}: '{name}' holds {column.dtype} values such as {column.iloc[0]!r}, but numbers are "
            f"needed; "
            "use BALANCE for categories"
        )
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _column(samples: Samples, name: str, where: str) -> pd.Series[Any]:
    if name not in samples.table.columns:
        there = [str(column) for column in samples.table.columns]
        hint = did_you_mean(name, there)
        raise SelectionError(f"{where}: the samples have no column '{name}'; they have {there[:20]}.{hint}")
    return samples.table[name]


def _named(samples: Samples, bad: np.ndarray) -> str:
    rows = np.flatnonzero(bad)
    more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
    return f"{samples.table.index[rows[:SHOWN]].tolist()}{more}"
