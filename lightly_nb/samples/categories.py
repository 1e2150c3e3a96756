"""Categories: the folder of a sample, the columns that put samples into groups, and how even groups are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lightly_nb.samples.samples import FOR_MACHINES, Samples

FOLDER = "sub-folder"
"""Name of the grouping by folder."""
TOP = "(top)"
NO_VALUE = "no value"
CLASSES = "class_distribution."
"""What the name of an array of class probabilities begins with; the task follows."""
MOST_DISTINCT = 1000
"""A text column with more different values is no category."""


def folders_of(filenames: Iterable[Any]) -> pd.Series:
    """Return the sub-folder of every name, '(top)' for none.

    Examples
    --------
    >>> folders_of(["cats/old/1.jpg", "2.jpg"]).tolist()
    ['cats/old', '(top)']
    """
    names = pd.Series(list(filenames), dtype="object").astype(str)
    folders = names.str.rpartition("/")[0] if len(names) else names
    return folders.where(folders != "", TOP)


def is_number(column: pd.Series) -> bool:
    """Whether the values of a column are numbers; truth values are categories."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def is_categorical(column: pd.Series) -> bool:
    """Whether a column puts samples into groups: truth values, categories, text that repeats itself."""
    if pd.api.types.is_bool_dtype(column) or isinstance(column.dtype, pd.CategoricalDtype):
        return True
    if is_number(column) or pd.api.types.is_datetime64_any_dtype(column):
        return False
    try:
        distinct = column.nunique()
    except TypeError:  # lists or dicts: nothing to count
        return False
    return bool(1 < distinct <= min(MOST_DISTINCT, max(2, len(column) // 2)))


def codes_of(column: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    """Return the category of every value, -1 for a missing one, and the categories' names, sorted.

    Examples
    --------
    >>> codes, names = codes_of(pd.Series(["sun", None, "rain", "sun"]))
    >>> codes.tolist(), names
    ([1, -1, 0, 1], ['rain', 'sun'])
    """
    texts = column.astype(str).astype("object").where(column.notna(), None)
    codes, names = pd.factorize(texts.to_numpy(), sort=True)
    return codes.astype(np.int64), [str(name) or "(empty)" for name in names]


def groups_of(column: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    """Return what `codes_of` does, with a category of its own, the last one, for missing values."""
    codes, names = codes_of(column)
    if (codes < 0).any():
        codes, names = np.where(codes < 0, len(names), codes), [*names, NO_VALUE]
    return codes, names


def category_codes(samples: Samples) -> dict[str, tuple[NDArray[np.int64], list[str]]]:
    """Return per grouping with at least two values the code of every sample, and the values' names."""
    table = samples.table
    groups = {FOLDER: folders_of(table.index)}
    groups |= {str(name): table[name] for name in metadata_columns(samples) if is_categorical(table[name])}
    coded = {name: groups_of(values) for name, values in groups.items()}
    return {name: (codes, names) for name, (codes, names) in coded.items() if len(names) > 1}


def metadata_columns(samples: Samples) -> list[Any]:
    """Return the names of the columns that say something to a person."""
    return [name for name in samples.table if name not in FOR_MACHINES]


def class_names(samples: Samples) -> dict[str, list[str]]:
    """Return the names of the classes of every task with class probabilities, in the order of the columns."""
    known = samples.table.attrs.get("categories", {})
    found = {}
    for name, matrix in samples.arrays.items():
        if name.startswith(CLASSES) and matrix.ndim == 2:
            task = name.removeprefix(CLASSES)
            if task in samples.predictions:
                known = {**known, task: samples.predictions[task].task.categories}
            names = known.get(task) or [f"class {number}" for number in range(matrix.shape[1])]
            found[task] = [str(one) for one in names]
    return found


def balance(counts: NDArray[np.float64]) -> float | None:
    """Return how even `counts` are: entropy over its largest possible value, 0 to 1; None for under 2 counts.

    This is Pielou's evenness (1966) over all categories of the input, absent ones included.

    Examples
    --------
    >>> balance(np.array([5.0, 5.0])), balance(np.array([10.0, 0.0]))
    (1.0, 0.0)
    """
    total = counts.sum()
    if len(counts) < 2 or total <= 0:
        return None
    shares = counts[counts > 0] / total
    return float(max(0.0, -(shares * np.log(shares)).sum() / np.log(len(counts))))
