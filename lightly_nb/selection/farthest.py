"""`farthest_first`: DIVERSITY on a bare array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lightly_nb.errors import SelectionError
from lightly_nb.selection.bounds import largest_value
from lightly_nb.selection.engine import nearest_the_mean
from lightly_nb.selection.lazy import LazySearch
from lightly_nb.selection.plan import check_unit_length
from lightly_nb.selection.scores import Alone
from lightly_nb.selection.tensors import farthest_first_of_tensor
from lightly_nb.selection.terms import Diversity
from lightly_nb.vectors.distances import Rows
from lightly_nb.vectors.threads import threads_for

if TYPE_CHECKING:
    import torch


def farthest_first(
    vectors: np.ndarray | torch.Tensor,
    k: int,
    *,
    start: int | None = None,
    preselected: Sequence[int] = (),
    minimum_distance: float | None = None,
) -> Rows:
    """Return `k` rows in the order of farthest-first traversal (k-center greedy; Gonzalez 1985).

    Each pick is the row whose distance to the nearest row selected before is largest; ties go to the
    lowest row. The picks are those of float64 direct differences. Fewer than `k` come back only with a
    minimum distance.

    Parameters
    ----------
    vectors : numpy.ndarray or torch.Tensor
        float32, shape (n_samples, n_features), finite. A tensor is searched on its device; the picks are
        the same.
    k : int
        1 to the number of rows that are not preselected.
    start : int or None
        The first pick. None is the row nearest the mean, unless there are preselected rows.
    preselected : sequence of int
        Rows that count as selected already; not repeated in the result.
    minimum_distance : float or None
        Rows nearer than this to a selected one are skipped; needs rows of unit length.

    Returns
    -------
    numpy.ndarray
        int64, at most `k` rows.

    Raises
    ------
    SelectionError
        If a row number, `k` or a value of `vectors` is out of range.

    Examples
    --------
    >>> farthest_first(np.array([[0.0], [1.0], [5.0], [9.0]], dtype=np.float32), 3).tolist()
    [2, 0, 3]
    """
    tensor = vectors.detach().float() if hasattr(vectors, "detach") else None
    vectors = np.asarray(vectors if tensor is None else tensor.cpu(), dtype=np.float32)
    largest = _check(vectors, k, start, preselected)
    if minimum_distance:
        check_unit_length(vectors)
    first = [] if start is None else [int(start)]
    if start is None and not len(preselected):
        first = [nearest_the_mean(vectors, np.arange(len(vectors)))]
    counted = [int(row) for row in preselected]
    if tensor is not None:
        picks = farthest_first_of_tensor(tensor, vectors, k, first, counted, minimum_distance or 0.0)
        return np.array(picks, dtype=np.int64)
    with threads_for(vectors.size):
        search = LazySearch(
            Alone(Diversity(vectors)),
            np.ones(len(vectors), dtype=bool),
            vectors,
            minimum_distance or 0.0,
            largest=largest,
        )
        search.seed(counted)
        search.take(first)
        return np.array(search.run(k).rows, dtype=np.int64)


def _check(vectors: np.ndarray, k: int, start: int | None, preselected: Sequence[int]) -> float:
    if vectors.ndim != 2 or not len(vectors):
        raise SelectionError(
            f"farthest_first: vectors must have shape (n_samples, n_features), got {vectors.shape}"
        )
    largest = largest_value(vectors)
    if not np.isfinite(largest):
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        raise SelectionError(
            f"farthest_first: NaN or infinity in rows {bad[:3].tolist()}; {len(bad)} rows in all"
        )
    n = len(vectors)
    rows = [int(row) for row in preselected]
    if len(set(rows)) != len(rows) or any(not 0 <= row < n for row in rows):
        raise SelectionError(f"preselected: rows must be unique and 0 to {n - 1}, got {rows[:5]}")
    if start is not None and (not 0 <= start < n or start in rows):
        raise SelectionError(
            f"start: got {start}; allowed is a row from 0 to {n - 1} that is not preselected"
        )
    if not 1 <= k <= n - len(rows):
        raise SelectionError(
            f"k: {k} rows were asked for; allowed is 1 to {n - len(rows)} ({n} rows, {len(rows)} preselected)"
        )
    return largest
