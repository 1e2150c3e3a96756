"""`add_metadata`: columns of a table, put beside samples by their names."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lightly_nb.errors import InputError
from lightly_nb.events import Listener, ProgressBar, say
from lightly_nb.lightly_source.metadata import metadata_by_filename
from lightly_nb.lightly_source.metadata_schema import is_own_name
from lightly_nb.reading.annotations.found import rows_by_name
from lightly_nb.reading.annotations.tables import NAMES, name_column
from lightly_nb.samples import Samples

STEP = "LOADING_METADATA"


def add_metadata(
    samples: Samples,
    table: Any,
    *,
    defaults: Mapping[str, Any] | None = None,
    on_event: Listener | None = None,
) -> Samples:
    """Put metadata beside samples, for strategies on METADATA, plots and reports.

    Parameters
    ----------
    samples : Samples
        The images.
    table : DataFrame, mapping or path
        A row for each image, its name in the index or a column such as `filename`; or
        `{filename: {key: value}}`; or the platform's old form (`{"images": …, "metadata": …}`) or its JSON
        file. Nested values get dotted keys, `weather.temperature`.
    defaults : mapping, optional
        By key what a sample has that the table does not name, or without that value. None: no value, which a
        strategy on that key refuses.
    on_event : callable, optional
        Gets what is said of names that no sample has. None prints it.

    Returns
    -------
    Samples
        With the columns of the table; one that was there before is replaced.

    Raises
    ------
    InputError
        If names repeat, none is of a sample, or a key is one that is computed from the image.

    Examples
    --------
    >>> samples = Samples(pd.DataFrame(index=["a.jpg", "b.jpg"]))
    >>> rain = {"b.jpg": {"weather": {"rain": True}}}
    >>> added = add_metadata(samples, rain, defaults={"weather.rain": False})
    >>> added.table["weather.rain"].tolist()
    [False, True]
    """
    frame = _frame(table)
    names = name_column(frame).tolist()
    frame = frame.drop(columns=[name for name in NAMES if name in frame])
    _refuse_keys(frame)
    row_of = rows_by_name(samples)
    rows = [row_of(name) for name in names]
    known = [row for row in rows if row is not None]
    if len(set(known)) < len(known):
        repeated = next(names[n] for n, row in enumerate(rows) if row is not None and known.count(row) > 1)
        raise InputError(f"add_metadata: {str(repeated)!r} comes more than once; give one row for each image")
    unknown = [name for name, row in zip(names, rows, strict=True) if row is None]
    if unknown:
        said = (
            f"add_metadata: {len(unknown):,} of {len(names):,} names are of no sample, such as {unknown[0]!r}"
        )
        if not known:
            raise InputError(f"{said}; names are relative to the source, such as {samples.filenames[:1]}")
        say(on_event or ProgressBar(), STEP, said, "warning")
    places = np.full(len(samples), -1, dtype=np.int64)
    places[known] = [number for number, row in enumerate(rows) if row is not None]
    columns = {str(key): _column(frame[key], places, (defaults or {}).get(str(key))) for key in frame}
    absent = [key for key in defaults or {} if key not in columns]
    if absent:
        raise InputError(f"add_metadata: defaults name {absent}, but the table has {list(columns)}")
    return samples.with_columns(columns)


def _column(values: pd.Series[Any], places: np.ndarray, default: Any) -> Any:
    column = values.reset_index(drop=True)
    if (places >= 0).all() and default is None:
        return column.iloc[places].array
    taken = column.reindex(places)
    if default is not None:
        taken = taken.astype(object).where(taken.notna(), default).infer_objects()
    return taken.array


def _frame(table: Any) -> pd.DataFrame:
    if isinstance(table, str | os.PathLike):
        try:
            table = json.loads(Path(table).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise InputError(f"add_metadata: '{table}' cannot be read as JSON: {error}") from None
    if isinstance(table, pd.DataFrame):
        return table
    if not isinstance(table, Mapping):
        raise InputError(
            f"add_metadata: got {type(table).__name__}; give a DataFrame, a dict by file name or a path"
        )
    if {"images", "metadata"} <= set(table):
        by_name = metadata_by_filename(table)
        table = {
            name: {key: value for key, value in (one or {}).items() if key != "image_id"}
            for name, one in by_name.items()
            if one is not None
        }
    return pd.DataFrame.from_dict({name: _flat(one) for name, one in table.items()}, orient="index")


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{key}.")
        else:
            flat[f"{before}{key}"] = value
    return flat


def _refuse_keys(frame: pd.DataFrame) -> None:
    taken = [key for key in frame if is_own_name(str(key))]
    if taken:
        raise InputError(f"add_metadata: the key {taken[0]!r} is used by the package itself; rename it")
    if not len(frame.columns):
        raise InputError("add_metadata: the table has no columns beside the names; there is nothing to add")
