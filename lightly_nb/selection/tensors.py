"""Farthest-first traversal of a torch tensor, where it lies: one float64 pass per pick.

A GPU reads all vectors in a fraction of a millisecond, so that doing less, as the search for arrays does, is
not worth its rounds there. Its sums run in another order than numpy's, so that distances may differ in the
last bits: whatever lies within `SLACK` of the largest is decided by the same numbers as for arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lightly_nb.vectors.distances import Rows, squared_distances

if TYPE_CHECKING:
    import torch

SLACK = 1e-9
"""Relative; float64 sums of some thousand squares differ by less than 1e-12."""
ELEMENTS_AT_ONCE = 2**26


def farthest_first_of_tensor(
    tensor: torch.Tensor,
    vectors: np.ndarray,
    n_picks: int,
    taken: Sequence[int],
    preselected: Sequence[int],
    minimum_distance: float,
) -> list[int]:
    """Return the picks, those of `taken` first.

    Parameters
    ----------
    tensor : torch.Tensor
        float32, shape (n_samples, n_features), on any device.
    vectors : numpy.ndarray
        The same numbers, for what has to be decided.
    n_picks : int
        How many rows to return at most.
    taken, preselected : sequence of int
        Rows that are picked first, and rows that count as selected already.
    minimum_distance : float
        Stops before a row nearer than this to a selected one; 0 never does.
    """
    import torch

    nearest = torch.full((len(tensor),), torch.inf, dtype=torch.float64, device=tensor.device)
    selected: list[int] = []

    def add(row: int) -> None:
        _lower(nearest, tensor, row)
        selected.append(row)
        nearest[row] = -1.0

    for row in [*preselected, *taken]:
        add(int(row))
    picks = [int(row) for row in taken]
    while len(picks) < n_picks:
        largest = float(nearest.max())
        rows = torch.nonzero(nearest >= largest * (1 - SLACK)).flatten().cpu().numpy()
        row, squared = int(rows[0]), largest
        on_the_edge = abs(np.sqrt(max(squared, 0.0)) - minimum_distance) <= SLACK
        if largest > 0 and (len(rows) > 1 or on_the_edge):
            row, squared = _decided(vectors, rows, selected)
        if minimum_distance > 0 and np.sqrt(squared) < minimum_distance:
            break
        add(row)
        picks.append(row)
    return picks


def _lower(nearest: torch.Tensor, tensor: torch.Tensor, row: int) -> None:
    """Lower `nearest` to the squared distances to `row`, in place; selected rows stay below zero."""
    import torch

    point = tensor[row].double()
    step = max(1, ELEMENTS_AT_ONCE // tensor.shape[1])
    for start in range(0, len(tensor), step):
        distances = (tensor[start : start + step].double() - point).square_().sum(dim=1)
        part = nearest[start : start + step]
        torch.minimum(part, distances, out=part)


def _decided(vectors: np.ndarray, rows: Rows, selected: Sequence[int]) -> tuple[int, float]:
    """Return the lowest of `rows` that is farthest from `selected`, and its squared distance."""
    chosen = np.array(selected, dtype=np.int64)
    nearest = [squared_distances(vectors, chosen, vectors[row].astype(np.float64)).min() for row in rows]
    best = int(np.argmax(nearest))
    return int(rows[best]), float(nearest[best])
