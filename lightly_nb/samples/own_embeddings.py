"""Embeddings that people bring along: arrays, tensors, tables, files, HuggingFace datasets -> their parts.

A table has its embeddings in one column of lists (`embedding`, `embeddings`, `vector`, `features`, or the
only column of lists), or in numbered columns (`embedding_0`, `embedding_1`, …), or it is all numbers. Its
names are the column `path`, `filename`, … if it has one, else its index if that is text, else row numbers.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lightly_nb.errors import InputError
from lightly_nb.samples.numbers import as_vectors
from lightly_nb.samples.rows import described

PATH_COLUMNS = ("path", "filename", "file_name", "filepath")
"""Columns that hold the paths of files, the first that a table has."""
MORE_PATH_COLUMNS = ("filenames", "file", "image_path", "img_path", "image")
VECTOR_COLUMNS = ("embedding", "embeddings", "vector", "features")
"""Columns that hold an embedding in each row."""
INDEX = "index"
"""Column with the index of a table, where that has no name."""
SUFFIXES = ".npy, .npz, .parquet, .csv, .pt"
_ROWS_AT_ONCE = 1000


class Parts(NamedTuple):
    """Embeddings, and what they are of."""

    embeddings: np.ndarray
    """float32 of shape (n, d)."""
    names: list[str]
    """One per row, unique."""
    table: pd.DataFrame
    """One row per row of the embeddings, without names; the columns that came along."""


def parts_of(value: Any, filenames: Any = None, table: pd.DataFrame | None = None) -> Parts:
    """Return embeddings, names and table of whatever holds them; `Samples.from_embeddings` explains each.

    Raises
    ------
    InputError
        If there are no embeddings in it, or lengths differ, or names repeat.
    """
    value = _read(value) if isinstance(value, str | os.PathLike) else value
    value = _as_table(value)
    beside: pd.DataFrame | None = None
    if isinstance(value, pd.DataFrame):
        matrix, used = _embeddings_of(value)
        beside = value.drop(columns=used)
    else:
        matrix = as_vectors(value)
    beside = _joined(beside, table, len(matrix))
    names = _names(filenames, beside, len(matrix))
    kept = pd.DataFrame(index=range(len(matrix))) if beside is None else with_index_as_column(beside)
    return Parts(matrix, names, kept)


def with_index_as_column(table: pd.DataFrame, always: bool = False) -> pd.DataFrame:
    """Return a table with its index as a column, unless it only counts the rows; so it survives sorting.

    Examples
    --------
    >>> with_index_as_column(pd.DataFrame({"a": [1]}, index=["x"])).columns.tolist()
    ['index', 'a']
    """
    counts = isinstance(table.index, pd.RangeIndex) and table.index.name is None
    if counts and not always and table.index.equals(pd.RangeIndex(len(table))):
        return table.reset_index(drop=True)
    try:
        return table.reset_index(names=None if table.index.nlevels > 1 else (table.index.name or INDEX))
    except ValueError:  # there is a column of that name: if it says the same, nothing is lost
        name = table.index.name or INDEX
        if table.index.nlevels == 1 and (counts or list(table[name]) == list(table.index)):
            return table.reset_index(drop=True)
        raise InputError(
            f"table: its index and a column are both named {name!r} and differ; rename one of them"
        ) from None


def path_column(table: pd.DataFrame) -> Any:
    """Return the column that holds the paths of files, None without one."""
    known = [*PATH_COLUMNS, *MORE_PATH_COLUMNS]
    return next((name for name in known if name in table.columns and _is_text(table[name])), None)


def vector_column(table: pd.DataFrame) -> Any:
    """Return the column that holds embeddings by its name and what is in it, None without one."""
    return next((name for name in VECTOR_COLUMNS if name in table.columns and _is_lists(table[name])), None)


def _is_lists(column: pd.Series[Any]) -> bool:
    return len(column) > 0 and not isinstance(column.iloc[0], str) and _holds_vectors(column)


def posix_name(path: str) -> str:
    r"""Return the text of a path with '/' between folders, if it is one of Windows.

    Examples
    --------
    >>> posix_name("cats\\1.jpg"), posix_name("./cats/1.jpg")
    ('cats/1.jpg', 'cats/1.jpg')
    """
    if "\\" in path and ("/" not in path or re.match(r"[A-Za-z]:\\|\\\\", path)):
        path = path.replace("\\", "/")
    while path.startswith("./"):
        path = path[2:]
    return path


def _read(location: str | os.PathLike[str]) -> Any:
    path = Path(location).expanduser()
    suffix = path.suffix.lower()
    if not path.is_file():
        raise InputError(
            f"embeddings: there is no file '{path}'; give an array, a table or a file: {SUFFIXES}"
        )
    try:
        if suffix in (".npy", ".npz"):
            read = np.load(path, allow_pickle=False)
            return dict(read) if suffix == ".npz" else read
        if suffix in (".parquet", ".pq"):
            return pd.read_parquet(path)
        if suffix in (".csv", ".tsv"):
            return pd.read_csv(path, sep="\t" if suffix == ".tsv" else ",", encoding="utf-8-sig")
        if suffix in (".pt", ".pth"):
            import torch

            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # numpy, Arrow, pandas and torch raise anything on a file of another kind
        said = (str(error).splitlines() or [""])[0][:150]
        raise InputError(
            f"embeddings: '{path}' cannot be read ({type(error).__name__}: {said}); write it again"
        ) from error
    raise InputError(
        f"embeddings: '{path}' ends in {suffix or 'nothing'!r}; files that are read are {SUFFIXES}"
    )


def _as_table(value: Any) -> Any:
    """Return the table that Arrow, a HuggingFace dataset or a dict of columns is; anything else as it is."""
    if isinstance(value, Mapping) and all(hasattr(one, "column_names") for one in value.values()) and value:
        splits = ", ".join(map(str, value))
        raise InputError(
            f"embeddings: got a dictionary of splits ({splits}); give one, such as ds[{next(iter(value))!r}]"
        )
    if isinstance(value, Mapping):
        return _of_columns(value)
    if hasattr(value, "column_names") and hasattr(value, "with_format"):
        return _of_dataset(value)
    if hasattr(value, "column_names") and hasattr(value, "to_pandas"):
        return value.to_pandas()
    if hasattr(value, "to_pandas") and hasattr(value, "columns") and not isinstance(value, pd.DataFrame):
        return value.to_pandas()  # polars
    return value


def _of_columns(columns: Mapping[Any, Any]) -> Any:
    if len(columns) == 1:
        return next(iter(columns.values()))
    lengths = {str(name): len(one) for name, one in columns.items() if hasattr(one, "__len__")}
    if len(lengths) < len(columns) or len(set(lengths.values())) != 1:
        raise InputError(f"embeddings: the entries {list(map(str, columns))} are not columns of one length")
    plain = {}
    for name, one in columns.items():
        if hasattr(one, "detach") or getattr(one, "ndim", 1) > 1:
            one = list(as_vectors(one, str(name))) if getattr(one, "ndim", 1) > 1 else one.tolist()
        plain[str(name)] = one
    return pd.DataFrame(plain)


def _of_dataset(dataset: Any) -> pd.DataFrame:
    """Return the columns of a HuggingFace dataset; of pictures only their paths."""
    arrow = dataset.with_format("arrow")
    found = []
    for start in range(0, len(dataset), _ROWS_AT_ONCE):
        batch = arrow[start : start + _ROWS_AT_ONCE]
        found.append(pd.DataFrame({name: _values(batch[name]) for name in batch.column_names}))
    if not found:
        raise InputError("embeddings: the dataset has no rows")
    return pd.concat(found, ignore_index=True)


def _values(column: Any) -> list[Any]:
    """Return the values of an Arrow column; of {bytes, path} the path."""
    if "path" in [field.name for field in getattr(column.type, "fields", ())]:
        column = column.combine_chunks() if hasattr(column, "combine_chunks") else column
        return list(column.field("path").to_pylist())
    return list(column.to_pylist())


def _embeddings_of(table: pd.DataFrame) -> tuple[np.ndarray, list[Any]]:
    """Return the embeddings of a table, and the columns that they are."""
    lists = [name for name in table.columns if _holds_vectors(table[name])]
    named = [name for name in VECTOR_COLUMNS if name in lists]
    if named or len(lists) == 1:
        column = (named or lists)[0]
        return as_vectors(table[column], f"column {column!r}"), [column]
    if lists:
        raise InputError(
            f"embeddings: the columns {lists} all hold lists of numbers; "
            "name the one that is meant 'embedding'"
        )
    numbered = _numbered(table)
    if numbered:
        return as_vectors(
            table[numbered].to_numpy(), f"columns {numbered[0]!r} to {numbered[-1]!r}"
        ), numbered
    numeric = [name for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
    if numeric and len(numeric) == len(table.columns):
        return as_vectors(table.to_numpy()), numeric
    raise InputError(
        f"embeddings: no column of embeddings among {[str(name) for name in table.columns[:12]]}; allowed "
        f"are a column of lists named {' or '.join(map(repr, VECTOR_COLUMNS))}, or columns embedding_0, "
        "embedding_1, …"
    )


def _holds_vectors(column: pd.Series[Any]) -> bool:
    filled = column.dropna() if column.dtype == object or str(column.dtype).startswith("list") else column
    if not len(filled) or pd.api.types.is_numeric_dtype(column):
        return False
    first = filled.iloc[0]
    if isinstance(first, str):
        return column.name in VECTOR_COLUMNS
    if isinstance(first, Mapping | bytes) or not isinstance(first, Iterable):
        return False
    shape = getattr(first, "shape", None)
    if shape is not None:
        return len(shape) == 1
    return len(first) > 0 and all(isinstance(one, int | float | np.number) for one in first)  # type: ignore[arg-type]


def _numbered(table: pd.DataFrame) -> list[Any]:
    """Return the columns of the longest run `name0, name1, …` (or from 1), in order of their numbers."""
    found: dict[str, dict[int, Any]] = {}
    for name in table.columns:
        match = re.fullmatch(r"(.*?)(\d+)", str(name))
        if match and pd.api.types.is_numeric_dtype(table[name]):
            found.setdefault(match[1], {})[int(match[2])] = name
    whole = {
        start: columns
        for start, columns in found.items()
        if len(columns) > 1
        and sorted(columns) in (list(range(len(columns))), list(range(1, len(columns) + 1)))
    }
    if not whole:
        return []
    longest = max(whole.values(), key=len)
    return [longest[number] for number in sorted(longest)]


def _joined(beside: pd.DataFrame | None, table: Any, n_rows: int) -> pd.DataFrame | None:
    """Return the columns that came with the embeddings and those of `table`, side by side."""
    if table is None:
        return beside
    if not isinstance(table, pd.DataFrame):
        raise InputError(f"table: got {described(table)}; give a pandas.DataFrame, a row per embedding")
    if len(table) != n_rows:
        raise InputError(
            f"table: it has {len(table):,} rows, but there are {n_rows:,} embeddings; give one row for "
            "each, in their order"
        )
    if beside is None or not len(beside.columns):
        return table
    both = [str(name) for name in table.columns if name in beside.columns]
    if both:
        raise InputError(f"table: the columns {both} come with the embeddings too; rename or drop them")
    return pd.concat([table.reset_index(drop=True), beside.reset_index(drop=True)], axis=1).set_axis(
        table.index
    )


def _names(filenames: Any, table: pd.DataFrame | None, n_rows: int) -> list[str]:
    if filenames is not None:
        return _checked_names(filenames, n_rows, "filenames")
    column = None if table is None else path_column(table)
    if table is not None and column is not None:
        return _checked_names(table[column], n_rows, f"column {column!r}")
    if table is not None and not isinstance(table.index, pd.RangeIndex) and _is_text(table.index.to_series()):
        return _checked_names(table.index, n_rows, "the table's index")
    width = len(str(max(n_rows - 1, 0)))
    return [f"{number:0{width}d}" for number in range(n_rows)]


def _checked_names(values: Any, n_rows: int, what: str) -> list[str]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InputError(f"{what}: got {described(values)}; give a list with one name per embedding")
    given = list(getattr(values, "filenames", values))
    if len(given) != n_rows:
        raise InputError(f"{what}: {len(given):,} names for {n_rows:,} embeddings; give one for each")
    wrong = next(
        (at for at, one in enumerate(given) if not isinstance(one, str | os.PathLike) or not str(one)), None
    )
    if wrong is not None:
        raise InputError(f"{what}: entry {wrong} is {given[wrong]!r}, not a name; drop or mend such rows")
    names = [posix_name(str(one)) for one in given]
    if len(set(names)) != len(names):
        counts = Counter(names)
        repeated = [name for name, count in counts.items() if count > 1]
        first = [at for at, name in enumerate(names) if name == repeated[0]]
        raise InputError(
            f"{what}: {len(repeated):,} names come more than once, first {repeated[0]!r} in the rows "
            f"{first[:5]}; keep one row for each"
        )
    return names


def _is_text(column: pd.Series[Any]) -> bool:
    return bool(len(column)) and all(isinstance(one, str | os.PathLike) for one in column)
