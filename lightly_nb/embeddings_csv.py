"""Embeddings in the platform's CSV form.

The CSV has the header `filenames,embedding_0,…,embedding_{d-1},labels`, UTF-8, and passes
`lightly.utils.io.check_embeddings`; numbers have as many digits as bring the same float32 back. On input it
may also have the columns `masked` and `selected`.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lightly_nb.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

FLAGS = ("masked", "selected")
"""Columns that an input file may have: not considered at all; pre-selected."""
_ROWS_AT_ONCE = 8192
_YES_AND_NO = (["1", "True", "true", "TRUE"], ["0", "False", "false", "FALSE", ""])
_FORM = "expected 'filenames,embedding_0,…,embedding_{d-1},labels', optionally with 'masked' and 'selected'"


@dataclass(frozen=True, eq=False)
class EmbeddingsTable:
    """What an embeddings CSV holds, row by row.

    Parameters
    ----------
    filenames : list of str
        Unique names.
    embeddings : numpy.ndarray
        float32 of shape (n, d).
    labels : numpy.ndarray
        int64 of shape (n,).
    masked, selected : numpy.ndarray
        bool of shape (n,); all False when the file has no such column.
    """

    filenames: list[str]
    embeddings: np.ndarray
    labels: np.ndarray
    masked: np.ndarray
    selected: np.ndarray


def folder_labels(filenames: Sequence[str]) -> np.ndarray:
    """Return the index of each name's top sub-folder, in sorted order, int64; 0 if there are none.

    Names outside of any sub-folder, if there are both, come first.

    Examples
    --------
    >>> folder_labels(["dogs/1.jpg", "cats/x/2.jpg", "cats/3.jpg"]).tolist()
    [1, 0, 0]
    """
    folders = [name.partition("/")[0] if "/" in name else "" for name in filenames]
    numbers = {folder: number for number, folder in enumerate(sorted(set(folders)))}
    return np.array([numbers[folder] for folder in folders], dtype=np.int64)


def write_embeddings_csv(
    path: str | os.PathLike[str],
    filenames: Sequence[str],
    embeddings: np.ndarray,
    labels: Sequence[int] | np.ndarray | None = None,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write an embeddings CSV.

    Parameters
    ----------
    path : path
        The file; overwritten if it is there.
    filenames : sequence of str
        One per row.
    embeddings : numpy.ndarray
        Shape (n, d), written as float32.
    labels : sequence of int or None
        One per row. None: `folder_labels` of the names.
    more : mapping of str to array, optional
        Numbers that count as further dimensions: the columns `embedding_{d}_NAME`, ….

    Raises
    ------
    InputError
        If the lengths differ.
    """
    names = list(filenames)
    labels = folder_labels(names) if labels is None else np.asarray(labels)
    embeddings = np.asarray(embeddings, dtype=np.float32)
    if embeddings.ndim != 2 or not len(names) == len(labels) == len(embeddings):
        raise InputError(
            f"write_embeddings_csv: got {len(names)} names, {len(labels)} labels and embeddings of shape "
            f"{embeddings.shape}; give one name, one label and one row of embeddings per sample"
        )
    with open(path, "w", encoding="utf-8", newline="") as stream:
        beside = {name: np.asarray(values) for name, values in (more or {}).items()}
        header = ["filenames", *(f"embedding_{i}" for i in range(embeddings.shape[1]))]
        header += [_quoted(f"embedding_{i}_{name}") for i, name in enumerate(beside, embeddings.shape[1])]
        header.append("labels")
        stream.write(",".join(header) + "\n")
        for start in range(0, len(names), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            numbers = _number_lines(
                [*embeddings[rows].T, *(one[rows] for one in beside.values()), labels[rows]]
            )
            stream.writelines(
                f"{_quoted(name)},{line}\n" for name, line in zip(names[rows], numbers, strict=True)
            )


def _number_lines(numbers: Sequence[np.ndarray]) -> list[str]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    columns = [pa.array(np.ascontiguousarray(column)) for column in numbers]
    table = pa.table(columns, names=[str(i) for i in range(len(columns))])
    sink = io.BytesIO()
    arrow_csv.write_csv(table, sink, arrow_csv.WriteOptions(include_header=False))
    return sink.getvalue().decode().splitlines()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if re.search(r'[",\r\n]|^\s|\s$', name) else name


def read_embeddings_csv(path: str | os.PathLike[str]) -> EmbeddingsTable:
    """Read an embeddings CSV, with the optional columns `masked` and `selected` (0/1 or true/false).

    Raises
    ------
    InputError
        If the file is missing, its header is of another form, a row has another number of fields, a value
        is no finite number, or a name comes twice; says where.
    """
    path = Path(path)
    columns = _header(path)
    table = _table(path, columns)
    if not table.num_rows:
        raise InputError(f"{path}: has a header but no rows; embed some samples first")
    names = table["filenames"].to_pylist()
    _refuse_repeats(path, names)
    features = [name for name in columns if name.startswith("embedding_")]
    embeddings = np.empty((len(names), len(features)), dtype=np.float32)
    for number, feature in enumerate(features):
        embeddings[:, number] = _numbers(path, table, feature, names, "float32")
    labels = _numbers(path, table, "labels", names, "int64")
    flags = {flag: _flag(path, table, flag, names) for flag in FLAGS}
    return EmbeddingsTable(names, embeddings, labels, **flags)


def _header(path: Path) -> list[str]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            columns = next(csv.reader(stream), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as an embeddings CSV: {error}; {_FORM}") from error
    allowed = {"filenames", "labels", *FLAGS}
    features = [name for name in columns if name not in allowed]
    problem = next((f"the column {name!r} comes twice" for name in columns if columns.count(name) > 1), None)
    if problem is None and columns[:1] != ["filenames"]:
        problem = f"the first column is {columns[0]!r}" if columns else "it is empty"
    elif problem is None and "labels" not in columns:
        problem = "there is no column 'labels'"
    elif problem is None and features != [f"embedding_{i}" for i in range(len(features))]:
        wrong = next(name for i, name in enumerate(features) if name != f"embedding_{i}")
        problem = f"the column {wrong!r} is not expected there"
    elif problem is None and not features:
        problem = "there are no embeddings"
    if problem:
        raise InputError(f"{path}: not an embeddings CSV: {problem}; {_FORM}")
    return columns


def _table(path: Path, columns: list[str]) -> pa.Table:
    """Read all columns as text, so that what is wrong can be named."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    try:
        return arrow_csv.read_csv(
            path,
            read_options=arrow_csv.ReadOptions(column_names=columns, skip_rows=1),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
        )
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"{path}: not an embeddings CSV: {error}; every row needs {len(columns)} fields"
        ) from error


def _numbers(path: Path, table: pa.Table, column: str, names: list[str], dtype: str) -> np.ndarray:
    import pyarrow as pa

    try:
        values = table[column].cast(pa.type_for_alias(dtype)).to_numpy()
        wrong = np.flatnonzero(~np.isfinite(values))
    except pa.ArrowInvalid:
        wrong = np.array([_first_not_a_number(table[column].to_pylist(), dtype)])
    if wrong.size:
        row = int(wrong[0])
        raise InputError(
            f"{path}: {column} of '{names[row]}' is {table[column][row].as_py()!r}, which is no "
            f"{'whole' if dtype == 'int64' else 'finite'} number; write the file again"
        )
    return np.asarray(values)


def _first_not_a_number(texts: list[str], dtype: str) -> int:
    parse: Any = int if dtype == "int64" else float
    for row, text in enumerate(texts):
        try:
            parse(text)
        except ValueError:
            return row
    return 0


def _flag(path: Path, table: pa.Table, column: str, names: list[str]) -> np.ndarray:
    if column not in table.column_names:
        return np.zeros(table.num_rows, dtype=bool)
    texts = np.array(table[column].to_pylist(), dtype=object)
    yes, no = (np.isin(texts, allowed) for allowed in _YES_AND_NO)
    if not (yes | no).all():
        row = int(np.flatnonzero(~(yes | no))[0])
        raise InputError(
            f"{path}: {column} of '{names[row]}' is {texts[row]!r}, allowed are 0, 1, true and false"
        )
    return np.asarray(yes)


def _refuse_repeats(path: Path, names: list[str]) -> None:
    if len(set(names)) != len(names):
        seen: set[str] = set()
        repeated = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise InputError(f"{path}: '{repeated}' comes more than once; keep one row per file")
