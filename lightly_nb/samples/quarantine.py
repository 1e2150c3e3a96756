"""Why files were left out: each row of a quarantine table is a duplicate, without embedding, or unusable."""

from __future__ import annotations

from typing import Any

import pandas as pd

NOT_EMBEDDED = "given embeddings"
"""Stage at which files are left out that given embeddings have no row for, or mask."""


def is_duplicate(quarantine: pd.DataFrame) -> pd.Series[Any]:
    """Return which rows are exact duplicates of a file that was kept."""
    return quarantine["duplicate_of"].notna() & (quarantine["duplicate_of"].astype(str) != "")


def is_not_embedded(quarantine: pd.DataFrame) -> pd.Series[Any]:
    """Return which rows are sound files without a row, or with a masked one, in given embeddings."""
    return quarantine["stage"] == NOT_EMBEDDED


def is_unusable(quarantine: pd.DataFrame) -> pd.Series[Any]:
    """Return which rows are files that could not be used: missing, misnamed or corrupt."""
    return ~is_duplicate(quarantine) & ~is_not_embedded(quarantine)


def left_out_in_words(quarantine: pd.DataFrame) -> str:
    """Return how many files of each kind were left out.

    Examples
    --------
    >>> from lightly_nb.samples import quarantine_table
    >>> left_out_in_words(quarantine_table())
    '0 corrupt files and 0 exact duplicates'
    """
    said = f"{int(is_unusable(quarantine).sum())} corrupt files and {int(is_duplicate(quarantine).sum())}"
    n_without = int(is_not_embedded(quarantine).sum())
    more = f", and {n_without} files without a row in the embeddings" if n_without else ""
    return f"{said} exact duplicates{more}"
