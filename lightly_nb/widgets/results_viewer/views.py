"""What the four views of the results viewer list, and in which order: numbers and names, no pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lightly_nb.samples import Samples

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

SELECTED, REMOVED, DUPLICATES, QUARANTINE = "selected", "removed", "duplicates", "quarantine"
VIEWS = (SELECTED, REMOVED, DUPLICATES, QUARANTINE)
NEAREST, FARTHEST = "nearest first", "farthest first"
ORDERS = (NEAREST, FARTHEST)


@dataclass(frozen=True)
class Entries:
    """What one view lists, one entry a figure.

    Parameters
    ----------
    rows : numpy.ndarray
        int64 rows in the samples, -1 for a file that is not among them.
    names : numpy.ndarray
        File names, objects.
    groups : numpy.ndarray
        int64: entries of one number stay together when they are filtered.
    """

    rows: np.ndarray
    names: np.ndarray
    groups: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, positions: np.ndarray) -> Entries:
        """Return the entries of `positions`, in that order."""
        return Entries(self.rows[positions], self.names[positions], self.groups[positions])


def selected_entries(samples: Samples, picks: Selection) -> Entries:
    """Return the picks in the order picked, then what was selected before."""
    names = [*picks.filenames, *picks.preselected]
    return _of_rows(samples, samples.rows_of(names))


def removed_entries(
    samples: Samples, picks: Selection, distances: np.ndarray | None = None, order: str = NEAREST
) -> Entries:
    """Return what was not selected, by its distance to the nearest selected sample.

    Parameters
    ----------
    distances : numpy.ndarray or None
        float64 per sample; NaN where there is none, which comes last. None: in the order of the samples.
    """
    is_removed = np.ones(len(samples), dtype=bool)
    is_removed[samples.rows_of([*picks.filenames, *picks.preselected])] = False
    rows = np.flatnonzero(is_removed)
    if distances is not None:
        key = distances[rows] if order == NEAREST else -distances[rows]
        rows = rows[np.argsort(key, kind="stable")]
    return _of_rows(samples, rows)


def duplicate_entries(samples: Samples) -> Entries:
    """Return every kept file followed by its exact duplicates, groups and names in the order of names."""
    table = duplicates(samples)
    of, names = (table[column].astype(str).to_numpy(dtype=object) for column in ("duplicate_of", "filename"))
    kept, groups = np.unique(of.astype(str), return_inverse=True)
    heads = kept.astype(object)
    everything = np.concatenate([heads, names])
    number = np.concatenate([np.arange(len(heads)), groups])
    is_copy = np.arange(len(everything)) >= len(heads)
    order = np.array(
        sorted(range(len(everything)), key=lambda at: (number[at], is_copy[at], everything[at])),
        dtype=np.int64,
    )
    rows = np.full(len(everything), -1, dtype=np.int64)
    rows[: len(heads)] = samples.table.index.get_indexer(pd.Index(heads, dtype="object"))
    return Entries(rows, everything, number.astype(np.int64)).take(order)


def quarantine_entries(samples: Samples) -> Entries:
    """Return every file that was left out, in the order of the quarantine table."""
    names = samples.quarantine["filename"].astype(str).to_numpy(dtype=object)
    return Entries(np.full(len(names), -1, dtype=np.int64), names, np.arange(len(names)))


def duplicates(samples: Samples) -> pd.DataFrame:
    """Return the rows of the quarantine table that are exact duplicates of a kept file."""
    of = samples.quarantine["duplicate_of"]
    return samples.quarantine[of.notna() & (of.astype(str) != "")]


def matching(entries: Entries, text: str, rows: np.ndarray | Sequence[int] = ()) -> Entries:
    """Return the entries whose name contains `text` (in any case), and of `rows` unless that is empty.

    A group stays whole when one of its entries matches. `rows` says nothing about files that are not samples.
    """
    found = np.ones(len(entries), dtype=bool)
    if text:
        names = pd.Series(entries.names, dtype="object").str.casefold()
        found &= names.str.contains(text.casefold(), regex=False).to_numpy(dtype=bool)
    if len(rows) and (entries.rows >= 0).any():
        found &= np.isin(entries.rows, rows)
    if found.all():
        return entries
    return entries.take(np.flatnonzero(np.isin(entries.groups, entries.groups[found])))


def _of_rows(samples: Samples, rows: np.ndarray) -> Entries:
    names = samples.table.index.to_numpy(dtype=object)[rows]
    return Entries(rows.astype(np.int64), names, np.arange(len(rows)))
