"""Why each sample was selected or left out: the table of a selection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lightly_nb.selection.bounds import Bounds
from lightly_nb.selection.greedy import Picks
from lightly_nb.vectors.distances import paired_distances

STRIP = 256
"""Rows compared with all selected samples at once."""
MOST_PAIRS = 2**31
"""Up to this number of pairs of a sample and a selected one, it is counted how many each pick served."""
ROUNDING = 1e-5
"""A sample is nearer if its squared distance is smaller by this share of the squared lengths: the rest may
be rounding of float32."""


def selection_table(
    filenames: Sequence[str],
    picks: Picks,
    preselected: Sequence[int],
    reasons: Sequence[str],
    gains: Mapping[str, np.ndarray],
    nearest: tuple[np.ndarray, np.ndarray] | None,
    n_served: np.ndarray | None,
) -> pd.DataFrame:
    """Return the table that `Selection.table` describes, in the order of `filenames`.

    Parameters
    ----------
    reasons : sequence of str
        One per sample; used where a sample is neither picked nor preselected.
    nearest : tuple of arrays or None
        Per sample the row of the nearest selected sample (before it, for a pick; -1 for none) and the
        distance.
    n_served : numpy.ndarray or None
        What `numbers_served` returns.
    """
    n = len(filenames)
    step = np.zeros(n, dtype=np.int64)
    step[picks.rows] = np.arange(1, len(picks.rows) + 1)
    table = pd.DataFrame(index=pd.Index(filenames, name="filename"))
    table["selected"] = np.isin(np.arange(n), picks.rows)
    table["preselected"] = np.isin(np.arange(n), preselected)
    table["step"] = pd.Series(step, index=table.index, dtype="Int64").where(step > 0)
    names = np.array([*filenames, None], dtype=object)
    table["nearest"] = names[nearest[0]] if nearest else None
    table["distance"] = nearest[1] if nearest else np.nan
    served = np.full(n, -1, dtype=np.int64)
    if n_served is not None:
        served[picks.rows] = n_served
    table["served"] = pd.Series(served, index=table.index, dtype="Int64").where(served >= 0)
    said = np.array(list(reasons), dtype=object)
    said[np.asarray(preselected, dtype=np.int64)] = "preselected"
    for number, row in enumerate(picks.rows, start=1):
        said[row] = f"selected at step {number}"
    table["reason"] = said
    for label, of_picks in gains.items():
        values = np.full(n, np.nan)
        values[picks.rows] = of_picks
        table[f"gain {label}"] = values
    return table


def nearest_selected(
    vectors: np.ndarray, preselected: Sequence[int], picks: Picks
) -> tuple[np.ndarray, np.ndarray]:
    """Return per row the nearest selected row and its distance; for a pick, among those selected before it.

    Ties go to the one selected first. A row for which nothing qualifies gets -1 and NaN.
    """
    n = len(vectors)
    selected = np.array([*preselected, *picks.rows], dtype=np.int64)
    which, distance = np.full(n, -1), np.full(n, np.nan)
    n_before = np.full(n, len(selected))
    n_before[selected] = np.arange(len(selected))
    n_before[list(preselected)] = 0
    rows = np.flatnonzero(n_before > 0)
    if not len(rows):
        return which, distance
    bounds = Bounds(vectors)
    bounds.add(selected)
    for start in range(0, len(rows), STRIP):
        strip = rows[start : start + STRIP]
        row, pick = bounds.nearest_candidates(strip, n_before[strip])
        exact = paired_distances(vectors, strip[row], selected[pick])
        order = np.lexsort((pick, exact, row))
        best = order[np.unique(row[order], return_index=True)[1]]
        which[strip], distance[strip] = selected[pick[best]], np.sqrt(exact[best])
    return which, distance


def numbers_served(vectors: np.ndarray, preselected: Sequence[int], picks: Picks) -> np.ndarray | None:
    """Return of every pick for how many samples no sample selected before it was as near as it: int64.

    The pick itself is one of them unless it has an equal. None where there are too many pairs to look at.
    """
    selected = np.array([*preselected, *picks.rows], dtype=np.int64)
    if len(vectors) * len(selected) > MOST_PAIRS:
        return None
    centred = vectors - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    chosen = centred[selected]
    squares = np.einsum("ij,ij->i", chosen, chosen)
    counts = np.zeros(len(selected), dtype=np.int64)
    for start in range(0, len(vectors), STRIP):
        strip = centred[start : start + STRIP]
        own = np.einsum("ij,ij->i", strip, strip)[:, None]
        squared = own + squares - 2 * strip @ chosen.T
        before = np.full_like(squared, np.inf)
        np.minimum.accumulate(squared[:, :-1], axis=1, out=before[:, 1:])
        counts += (squared < before - ROUNDING * (own + squares)).sum(axis=0)
    return counts[len(preselected) :]
