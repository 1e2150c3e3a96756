"""Sample tables as Parquet files: whatever columns people have, the same ones come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from lightly_nb.errors import InputError

INDEX = "filename"
_ALSO = "filename (column)"
"""How a column of the name of the index is called in the file."""


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a sample table, its index as the column `filename`.

    Raises
    ------
    InputError
        If a column holds what no file can: it is named.
    """
    _check_columns(table)
    table = table.rename(columns={INDEX: _ALSO}).rename_axis(INDEX)
    try:
        table.reset_index().to_parquet(path)
    except (TypeError, ValueError, OverflowError) as error:  # Arrow's errors are ValueErrors, or TypeErrors
        bad = next((str(name) for name in table if not _fits(table[name])), None)
        if bad is None:
            raise
        raise InputError(
            f"table: the column {bad!r} holds values of several kinds, or objects, which a run cannot keep "
            f"in its folder ({_odd(table[bad])}); convert it, df[{bad!r}].astype(str), or leave it out"
        ) from error


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that `write_table` wrote."""
    return pd.read_parquet(path).set_index(INDEX).rename(columns={_ALSO: INDEX})


def _check_columns(table: pd.DataFrame) -> None:
    repeated = [str(name) for name in table.columns[table.columns.duplicated()]]
    if repeated:
        raise InputError(f"table: the columns {repeated[:3]} come more than once; rename them")
    wrong = [name for name in table.columns if not isinstance(name, str)]
    if wrong:
        raise InputError(
            f"table: the column name {wrong[0]!r} is no text; rename it: df.columns = df.columns.map(str)"
        )


def _fits(column: pd.Series[Any]) -> bool:
    import pyarrow as pa

    try:
        pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return False
    return True


def _odd(column: pd.Series[Any]) -> str:
    kinds = list(dict.fromkeys(type(value).__name__ for value in column.dropna().head(1000)))
    return " and ".join(kinds[:3])
