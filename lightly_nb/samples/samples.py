"""`Samples` and `Selection`: the two types that every step takes or returns.

Alignment is decided here and nowhere else: one constructor checks it, and `take` is the only way to
filter or reorder. The idea is AnnData's obs/obsm (a table beside arrays with a row per sample), with
five additions that the walk through the house needs: `quarantine`, the files that were left out and
why, so that no later step meets a row without an image; `source`, where the names are read from;
`thumbnails`, where the small pictures lie; `embedding_check`, whether the embeddings are worth anything; and
`predictions`, of which a sample has any number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import pandas as pd

from lightly_nb.errors import InputError
from lightly_nb.pictures.kinds import not_read_in_words
from lightly_nb.samples.embedding_check import EmbeddingCheck
from lightly_nb.samples.numbers import as_float32
from lightly_nb.samples.own_embeddings import parts_of
from lightly_nb.samples.predictions import Predictions
from lightly_nb.samples.rows import described, names_in, row_numbers

QUARANTINE_COLUMNS = ("filename", "stage", "reason", "what_to_do", "duplicate_of")
NOTE = "picture_note"
"""The column of what a person should know of a file that was kept; '' where there is nothing."""
NOTE_SEPARATOR = " | "
"""Between the notes on one file. Each begins with its kind and a colon."""
NOT_READ = "not_read"
"""Key of `table.attrs`: how many files hold images that are not read, by their ending."""
FOR_MACHINES = ("thumbnail", "version", "content_hash")
"""Columns of a sample table that say nothing to a person."""


class Source(Protocol):
    """Where the bytes of a sample come from. A `Datasource` is one."""

    def read(self, filename: str) -> bytes:
        """Return the whole content of one file."""


class Thumbnails(Protocol):
    """Small JPEG pictures by number: the `thumbnail` column of the table."""

    def read(self, number: int) -> bytes:
        """Return the JPEG of one thumbnail."""


def quarantine_table(rows: Iterable[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """Return a quarantine table of `rows`, with every column there even when it is empty."""
    return pd.DataFrame(list(rows), columns=list(QUARANTINE_COLUMNS), dtype="object")


@dataclass(frozen=True, eq=False)
class Samples:
    """Images (or frames, or crops), one row each: a table, arrays beside it, and what was left out.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a sample. The index, named `filename`, is the unique POSIX name relative to the source.
    arrays : mapping of str to numpy.ndarray
        `embeddings`, `class_distribution.TASK`, …: float32, one row per sample of `table`.
        Kept as read-only contiguous views.
    quarantine : pandas.DataFrame
        Files left out so far: `filename`, `stage`, `reason`, `what_to_do`, `duplicate_of`.
    source : Source or None
        Where the files are read from; None for samples that exist only as numbers.
    thumbnails : Thumbnails or None
        Where the column `thumbnail` of `table` points to.
    layouts : pathlib.Path or None
        Where a run keeps PCA and UMAP coordinates; they say which embeddings they are of.
    embedding_check : EmbeddingCheck or None
        Whether the embeddings are worth selecting from; None where nobody has looked.
    predictions : mapping of str to Predictions
        What was predicted, by the name of the task. `add_predictions` and a run fill it; the array
        `class_distribution.TASK` is made of it.

    Raises
    ------
    InputError
        If names repeat, or an array or predictions are of another number of samples than the table.

    Examples
    --------
    >>> samples = Samples(pd.DataFrame(index=["a.jpg", "b.jpg"]), {"embeddings": np.eye(2)})
    >>> samples.take([1]).filenames
    ['b.jpg']
    """

    table: pd.DataFrame
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    quarantine: pd.DataFrame = field(default_factory=quarantine_table)
    source: Source | None = None
    thumbnails: Thumbnails | None = None
    layouts: Path | None = None
    embedding_check: EmbeddingCheck | None = None
    predictions: Mapping[str, Predictions] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.table, pd.DataFrame):
            raise InputError(
                f"samples: the table is {described(self.table)}, not a pandas.DataFrame indexed by file "
                "name; of embeddings alone Samples.from_embeddings(…) makes samples, of files "
                "lightly_nb.list_samples(…)"
            )
        if not isinstance(self.arrays, Mapping):
            raise InputError(f"samples: arrays is {described(self.arrays)}; write {{'embeddings': array}}")
        if not _is_unique(self.table.index):
            repeated = self.table.index[self.table.index.duplicated()].unique()[:3].tolist()
            raise InputError(
                f"samples: file names must be unique, but {repeated} come more than once; remove the repeats"
            )
        table = self.table if self.table.index.name == "filename" else self.table.rename_axis("filename")
        object.__setattr__(self, "table", table)
        arrays = {name: _aligned(name, array, len(self.table)) for name, array in self.arrays.items()}
        object.__setattr__(self, "arrays", MappingProxyType(arrays))
        for name, predictions in self.predictions.items():
            if len(predictions) != len(self.table):
                raise InputError(
                    f"samples: the predictions of task '{name}' are of {len(predictions)} samples, but there "
                    f"are {len(self.table)}; give those of each sample, in the order of the table"
                )
        object.__setattr__(self, "predictions", MappingProxyType(dict(self.predictions)))

    @classmethod
    def from_embeddings(
        cls, embeddings: Any, filenames: Any = None, table: pd.DataFrame | None = None
    ) -> Samples:
        """Return samples of embeddings that you have already, whatever made them.

        `lightly_nb.select`, `scatter` and `how_many` do this themselves when they get anything but samples.

        Parameters
        ----------
        embeddings : array, tensor, DataFrame, dataset or path
            Of shape (n, d), a row per sample: numpy (float16 to float64), torch (bfloat16 too), lists. Or
            what holds them in a column of lists (`embedding`, `embeddings`, `vector`, `features`) or in
            columns `embedding_0`, `embedding_1`, …: a DataFrame, an Arrow table, a HuggingFace dataset, a
            dict of columns; all other columns come along. Or the path of a .npy, .npz, .parquet, .csv or .pt
            file of such. They are kept as float32.
        filenames : sequence of str, optional
            A name per row, all different. None: the column `path`, `filename`, `file_name` or `filepath`,
            else an index of text, else the row numbers, with leading zeros. A Windows path is written
            with '/'.
        table : pandas.DataFrame, optional
            More columns, a row per embedding, in their order. Its index comes back as a column too.

        Returns
        -------
        Samples
            In the order given.

        Raises
        ------
        InputError
            If there are no embeddings in it, lengths differ, or names repeat.

        Examples
        --------
        >>> Samples.from_embeddings(np.eye(3)).filenames
        ['0', '1', '2']
        >>> frame = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "city": ["X", "Y"]})
        >>> Samples.from_embeddings(np.eye(2), table=frame).table["city"].to_dict()
        {'a.jpg': 'X', 'b.jpg': 'Y'}
        """
        parts = parts_of(embeddings, filenames, table)
        index = pd.Index(parts.names, dtype="object", name="filename")
        return cls(parts.table.set_axis(index, axis=0), {"embeddings": parts.embeddings})

    def __len__(self) -> int:
        return len(self.table)

    def __reduce__(self) -> tuple[Any, ...]:
        arrays = dict(self.arrays)
        beside = (self.source, self.thumbnails, self.layouts, self.embedding_check, dict(self.predictions))
        return (Samples, (self.table, arrays, self.quarantine, *beside))

    @property
    def filenames(self) -> list[str]:
        """The names, in row order, as a new list."""
        return [str(name) for name in self.table.index.to_numpy(dtype=object)]

    @property
    def embeddings(self) -> np.ndarray:
        """The embeddings, float32 of shape (n_samples, n_features), read-only."""
        if "embeddings" not in self.arrays:
            raise InputError(
                "samples have no embeddings yet; call lightly_nb.embed(samples, checkpoint) first"
            )
        return self.arrays["embeddings"]

    @property
    def has_thumbnails(self) -> bool:
        """Whether there are thumbnails at all; `embed` makes them."""
        return self.thumbnails is not None and "thumbnail" in self.table

    def thumbnail(self, row: int) -> bytes:
        """Return the thumbnail of one row as JPEG; `b""` if the sample has none."""
        if self.thumbnails is None or "thumbnail" not in self.table:
            return b""
        number: Any = self.table["thumbnail"].iat[row]
        return b"" if pd.isna(number) or number < 0 else self.thumbnails.read(int(number))

    def take(self, rows: Any) -> Samples:
        """Return the samples of `rows`, in that order.

        Parameters
        ----------
        rows : int, str, sequence of them, slice, mask, Selection or DataFrame
            Row numbers (-1 is the last), a truth value per sample, file names, what was selected, or a table
            indexed by file name.

        Raises
        ------
        InputError
            If a row or name is not there, or one comes twice.
        """
        numbers = row_numbers(rows, self, "take")
        outside = numbers[(numbers < -len(self)) | (numbers >= len(self))]
        if outside.size:
            raise InputError(
                f"take: there is no row {outside[0]}; there are {len(self):,} samples, "
                f"rows 0 to {len(self) - 1}"
            )
        arrays = {name: array[numbers] for name, array in self.arrays.items()}
        predictions = {name: one.take(numbers) for name, one in self.predictions.items()}
        return replace(self, table=self.table.iloc[numbers], arrays=arrays, predictions=predictions)

    def rows_of(self, filenames: Sequence[str]) -> np.ndarray:
        """Return the row numbers of `filenames`, int64, in their order.

        Raises
        ------
        InputError
            If a name is not there or comes twice.
        """
        if isinstance(filenames, str):
            raise InputError(f"got the text {filenames!r}; give a list of file names: [{filenames!r}]")
        names = names_in(filenames)
        if names is None and (isinstance(filenames, bytes) or not isinstance(filenames, Iterable)):
            raise InputError(f"got {described(filenames)}; give a list of file names")
        wanted: pd.Index[Any] = pd.Index(list(filenames) if names is None else names, dtype="object")
        if not wanted.is_unique:
            repeated = wanted[wanted.duplicated()].unique()[:3].tolist()
            raise InputError(f"file names given more than once: {repeated}; name each once")
        rows = _positions(self.table.index, wanted)
        if (rows < 0).any():
            unknown = wanted[rows < 0]
            raise InputError(
                f"{len(unknown)} file name(s) are not among the {len(self)} samples, first: "
                f"{unknown[:3].tolist()}; names are relative to the source, with '/' between folders"
            )
        return np.asarray(rows, dtype=np.int64)

    def with_array(self, name: str, array: np.ndarray) -> Samples:
        """Return samples that also have `array` (one row per sample) under `name`.

        Other `embeddings` are not those that were checked, so they have no `embedding_check`.
        """
        check = None if name == "embeddings" else self.embedding_check
        return replace(self, arrays={**self.arrays, name: array}, embedding_check=check)

    def with_predictions(self, predictions: Predictions) -> Samples:
        """Return samples that also have `predictions`, and the array `class_distribution.TASK` of them."""
        name = predictions.task.name
        arrays = {key: array for key, array in self.arrays.items() if key != f"category_count.{name}"}
        arrays[f"class_distribution.{name}"] = predictions.class_distribution()
        scores = [key for key in self.table if str(key).startswith(f"score.{name}.")]
        return replace(
            self,
            table=self.table.drop(columns=scores) if scores else self.table,  # of other predictions
            arrays=arrays,
            predictions={**self.predictions, name: predictions},
        )

    def with_columns(self, columns: Mapping[str, Any]) -> Samples:
        """Return samples whose table also has `columns`."""
        if not isinstance(columns, Mapping):
            raise InputError(f"with_columns: got {described(columns)}; write {{'name': values}}")
        try:
            return replace(self, table=self.table.assign(**{str(name): one for name, one in columns.items()}))
        except ValueError as error:  # another number of values
            raise InputError(f"with_columns: {error}; give one value per sample ({len(self)})") from error

    def without(self, quarantined: pd.DataFrame) -> Samples:
        """Return samples without the files of `quarantined`, which join the quarantine table."""
        is_table = isinstance(quarantined, pd.DataFrame)
        if not is_table or not (quarantined.empty or "filename" in quarantined.columns):
            raise InputError(
                f"without: got {described(quarantined)}; give a table with the columns {QUARANTINE_COLUMNS}"
            )
        if quarantined.empty:
            return self
        keep = ~self.table.index.isin(quarantined["filename"])
        parts = [part for part in (self.quarantine, quarantined) if not part.empty]
        return replace(self.take(keep), quarantine=pd.concat(parts, ignore_index=True))

    def _repr_html_(self) -> str:
        from lightly_nb.samples.html import samples_html

        shown = samples_html(
            self.table,
            self.arrays,
            self.quarantine,
            self._preview,
            notes=self.table.get(NOTE),
            not_read=self.table.attrs.get(NOT_READ),
            hidden=(*FOR_MACHINES, NOTE),
        )
        return shown if self.embedding_check is None else self.embedding_check._repr_html_() + shown

    def _preview(self, row: int) -> bytes:
        """Return the thumbnail of one row, or what can be decoded of its file before there are any."""
        if self.has_thumbnails or self.source is None:
            return self.thumbnail(row)
        from lightly_nb.samples.thumbnails import preview_jpeg

        return preview_jpeg(self.source.read(str(self.table.index[row])))

    def __repr__(self) -> str:
        arrays = ", ".join(f"{name} {'×'.join(map(str, a.shape))}" for name, a in self.arrays.items())
        tasks = "".join(f", {name} {one.n_singletons:,} predicted" for name, one in self.predictions.items())
        n_noted = int((self.table[NOTE] != "").sum()) if NOTE in self.table else 0
        noted = f", {n_noted:,} with a note" if n_noted else ""
        if not_read := self.table.attrs.get(NOT_READ):
            noted += f", not read: {not_read_in_words(not_read)}"
        checked = f"; {self.embedding_check.short}" if self.embedding_check is not None else ""
        return (
            f"Samples({len(self):,} samples, {len(self.quarantine):,} in quarantine"
            f"{noted}{', ' + arrays if arrays else ''}{tasks}{checked})"
        )


def _is_unique(names: pd.Index[Any]) -> bool:
    """Whether no name repeats; on Arrow strings without making a million Python objects."""
    arrow = _arrow_strings(names)
    if arrow is None:
        return bool(names.is_unique)
    import pyarrow.compute as pc

    if _all_true(pc.less(arrow[:-1], arrow[1:])):  # sorted, as listings are
        return True
    ordered = arrow.take(pc.sort_indices(arrow))
    return _all_true(pc.less(ordered[:-1], ordered[1:]))


def _positions(names: pd.Index[Any], wanted: pd.Index[Any]) -> np.ndarray:
    """Return where in `names` each of `wanted` is, -1 for not there, without an index of Python objects."""
    arrow, looked_for = _arrow_strings(names), _arrow_strings(wanted)
    if arrow is None or looked_for is None:
        return np.asarray(names.get_indexer(wanted))
    import pyarrow.compute as pc

    found = pc.index_in(looked_for, value_set=arrow)
    return np.asarray(found.fill_null(-1), dtype=np.int64)


def _arrow_strings(names: pd.Index[Any]) -> Any:
    """Return `names` as one Arrow array of strings (no copy where it is one), None where they are not."""
    import pyarrow as pa

    try:
        arrow = pa.array(names.array, from_pandas=True)
        arrow = arrow.combine_chunks() if isinstance(arrow, pa.ChunkedArray) else arrow
        is_text = arrow.null_count == 0 and (
            pa.types.is_string(arrow.type) or pa.types.is_large_string(arrow.type)
        )
        return arrow.cast(pa.large_string()) if is_text else None
    except (pa.ArrowException, TypeError, UnicodeEncodeError):
        return None


def _all_true(flags: Any) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(flags, min_count=0).as_py())


def _aligned(name: str, array: Any, n_rows: int) -> np.ndarray:
    array = as_float32(array, f"samples: array '{name}'")
    if array.ndim == 0 or len(array) != n_rows:
        raise InputError(
            f"samples: array '{name}' has shape {array.shape} but there are {n_rows} samples; "
            "give one row per sample, in the order of the table"
        )
    if name == "embeddings" and array.ndim != 2:
        raise InputError(f"samples: embeddings have shape {array.shape}; give one row per sample, (n, d)")
    view: np.ndarray = array.view()
    view.flags.writeable = False
    return view


def as_samples(value: Any, what: str) -> Samples:
    """Return samples as they are, those of a run, or samples of anything that holds embeddings.

    Raises
    ------
    InputError
        If there are no embeddings in it.
    """
    if isinstance(value, Samples):
        return value
    if isinstance(getattr(type(value), "samples", None), property):  # a Run
        of_run: Samples = value.samples
        return of_run
    try:
        return Samples.from_embeddings(value)
    except InputError as error:
        raise InputError(f"{what}: {error}") from error
