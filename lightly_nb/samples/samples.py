"""`Samples` and `Selection`: the two types that every step takes or returns.

Alignment is decided here and nowhere else: one constructor checks it, and `take` is the only way to
filter or reorder. The idea is AnnData's obs/obsm (a table beside arrays with a row per sample), with
four additions that the walk through the house needs: `quarantine`, the files that were left out and
why, so that no later step meets a row without an image; `source`, where the names are read from;
`thumbnails`, where the small pictures lie; and `embedding_check`, whether the embeddings are worth anything.
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

    Raises
    ------
    InputError
        If names repeat, or an array has another number of rows than the table.

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

    def __post_init__(self) -> None:
        if not _is_unique(self.table.index):
            repeated = self.table.index[self.table.index.duplicated()].unique()[:3].tolist()
            raise InputError(
                f"samples: file names must be unique, but {repeated} come more than once; remove the repeats"
            )
        table = self.table if self.table.index.name == "filename" else self.table.rename_axis("filename")
        object.__setattr__(self, "table", table)
        arrays = {name: _aligned(name, array, len(self.table)) for name, array in self.arrays.items()}
        object.__setattr__(self, "arrays", MappingProxyType(arrays))

    def __len__(self) -> int:
        return len(self.table)

    def __reduce__(self) -> tuple[Any, ...]:
        arrays = dict(self.arrays)
        beside = (self.source, self.thumbnails, self.layouts, self.embedding_check)
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
        """Return the samples of `rows` (integers or a boolean mask), in that order."""
        rows = np.asarray(rows)
        if rows.dtype == bool:
            if rows.shape != (len(self),):
                raise InputError(
                    f"take: a mask must have one value per sample ({len(self)}), got shape {rows.shape}"
                )
            rows = np.flatnonzero(rows)
        rows = rows.astype(np.intp, casting="same_kind") if rows.size else rows.astype(np.intp)
        arrays = {name: array[rows] for name, array in self.arrays.items()}
        return replace(self, table=self.table.iloc[rows], arrays=arrays)

    def rows_of(self, filenames: Sequence[str]) -> np.ndarray:
        """Return the row numbers of `filenames`, int64, in their order.

        Raises
        ------
        InputError
            If a name is not there or comes twice.
        """
        wanted: pd.Index[Any] = pd.Index(list(filenames), dtype="object")
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

    def with_columns(self, columns: Mapping[str, Any]) -> Samples:
        """Return samples whose table also has `columns`."""
        return replace(self, table=self.table.assign(**columns))

    def without(self, quarantined: pd.DataFrame) -> Samples:
        """Return samples without the files of `quarantined`, which join the quarantine table."""
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
        n_noted = int((self.table[NOTE] != "").sum()) if NOTE in self.table else 0
        noted = f", {n_noted:,} with a note" if n_noted else ""
        if not_read := self.table.attrs.get(NOT_READ):
            noted += f", not read: {not_read_in_words(not_read)}"
        checked = f"; {self.embedding_check.short}" if self.embedding_check is not None else ""
        return (
            f"Samples({len(self):,} samples, {len(self.quarantine):,} in quarantine"
            f"{noted}{', ' + arrays if arrays else ''}{checked})"
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
    array = np.asarray(array, dtype=np.float32, order="C")  # ascontiguousarray would make 1-d of 0-d
    if array.ndim == 0 or len(array) != n_rows:
        raise InputError(
            f"samples: array '{name}' has shape {array.shape} but there are {n_rows} samples; "
            "give one row per sample, in the order of the table"
        )
    view: np.ndarray = array.view()
    view.flags.writeable = False
    return view
