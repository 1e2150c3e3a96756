"""Facility location inside cells of samples that lie near each other, each cell for itself.

Where a few samples are selected from all over, a further one serves hardly any but those around it. If it is
counted for its own cell alone, no cell changes the gains of another: the greedy picks of all cells, merged by
their gains, are the greedy picks of all samples together.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from lightly_nb.engines import local
from lightly_nb.vectors.cosines import similarities
from lightly_nb.vectors.distances import Floats, Rows
from lightly_nb.vectors.threads import threads_for

STRIP = 8192
"""Samples in one matrix product."""
BLOCK = 512
DEPTH, FEWEST = 3, 16
"""A cell is first given so many times its share of the picks, and at least so many."""


@dataclass
class Cell:
    """Samples near each other, and the picks among them in the order in which they are made.

    Parameters
    ----------
    rows : numpy.ndarray
        int64, ascending.
    picks : list of int
        Rows.
    gains : list of float
        Of each pick; they only fall.
    is_complete : bool
        Whether there is nothing more to pick.
    """

    rows: Rows
    picks: list[int] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)
    is_complete: bool = False


def as_floats(points: np.ndarray) -> np.ndarray:
    """Return whole `points` as float32."""
    return points.astype(np.float32, copy=False)


def raise_best(points: np.ndarray, best: np.ndarray, rows: Rows) -> None:
    """Raise `best`, in place, to the largest similarity of every point to those of `rows`."""
    for start in range(0, len(points), STRIP):
        strip, now = as_floats(points[start : start + STRIP]), best[start : start + STRIP]
        for first in range(0, len(rows), BLOCK):
            found = as_floats(points[rows[first : first + BLOCK]]) @ strip.T
            np.maximum(now, found.max(axis=0), out=now)


def cells_around(points: np.ndarray, centers: Rows, spare: Rows, largest: int) -> list[Rows]:
    """Return the rows of the cells, each row in that of the center most similar to it, the first on ties.

    A cell of more than `largest` rows is divided again around its own rows that come first in `spare`, an
    order of all rows; one that cannot be, as all its rows are alike, is cut.
    """
    nearest = np.empty(len(points), dtype=np.int64)
    others = as_floats(points[centers])
    for start in range(0, len(points), STRIP):
        nearest[start : start + STRIP] = (as_floats(points[start : start + STRIP]) @ others.T).argmax(axis=1)
    rank = np.empty(len(spare), dtype=np.int64)
    rank[spare] = np.arange(len(spare))
    cells = _grouped(np.arange(len(points)), nearest)
    while any(len(cell) > largest for cell in cells):
        cells = [part for cell in cells for part in _divided(points, cell, rank, largest)]
    return sorted(cells, key=lambda cell: int(cell[0]))


def _divided(points: np.ndarray, cell: Rows, rank: Rows, largest: int) -> list[Rows]:
    if len(cell) <= largest:
        return [cell]
    ordered = cell[np.argsort(rank[cell])]
    own = as_floats(points[cell])
    nearest = (own @ as_floats(points[ordered[: 2 * -(-len(cell) // largest)]]).T).argmax(axis=1)
    parts = _grouped(cell, nearest)
    if max(map(len, parts)) > 0.9 * len(cell):
        return [np.sort(ordered[start : start + largest]) for start in range(0, len(cell), largest)]
    return parts


def _grouped(rows: Rows, number: Rows) -> list[Rows]:
    order = np.argsort(number, kind="stable")
    return np.split(rows[order], np.flatnonzero(np.diff(number[order])) + 1)


def merged_picks(
    points: np.ndarray,
    best: np.ndarray,
    cells: Sequence[Rows],
    allowed: np.ndarray,
    count: int,
    tick: Callable[[], object],
) -> list[tuple[float, int]]:
    """Return gain and row of the first `count` greedy picks of all cells together; ties go to the lower row.

    Parameters
    ----------
    points : numpy.ndarray
        Whole directions, shape (n, d).
    best : numpy.ndarray
        float32: of every row the largest similarity to a sample that is selected already.
    cells : sequence of numpy.ndarray
        Rows of each cell, ascending; every row is in one.
    allowed : numpy.ndarray
        bool: rows that may be picked.
    count : int
    tick : callable
        Called between cells; it may raise to stop the work.
    """
    pending = [Cell(rows) for rows in cells if allowed[rows].any()]
    done: list[Cell] = []
    depth = DEPTH * count / len(points)
    while pending:
        for _ in _filled(points, best, pending, allowed, depth):
            tick()
        done += pending
        lowest = _lowest_gain(done, count)
        pending = [cell for cell in done if not cell.is_complete and cell.gains[-1] >= lowest]
        done = [cell for cell in done if cell.is_complete or cell.gains[-1] < lowest]
        depth *= 4
    lists = [sorted((-gain, row) for gain, row in zip(cell.gains, cell.picks, strict=True)) for cell in done]
    ordered = heapq.merge(*lists)
    return [(-gain, row) for (gain, row), _ in zip(ordered, range(count), strict=False)]


def _lowest_gain(cells: Sequence[Cell], count: int) -> float:
    """Return the gain of the last of `count` picks by what is known so far."""
    gains = np.concatenate([np.array(cell.gains) for cell in cells])
    return (
        -np.inf if len(gains) < count else float(np.partition(gains, len(gains) - count)[len(gains) - count])
    )


def _filled(
    points: np.ndarray, best: np.ndarray, cells: Sequence[Cell], allowed: np.ndarray, depth: float
) -> Iterator[Cell]:
    """Fill the picks of `cells`, the largest first; yield each as it is done."""

    def fill(cell: Cell) -> Cell:
        rows = cell.rows
        n_picks = max(FEWEST, int(depth * len(rows)))
        may = allowed[rows]
        picks, cell.gains = dense_greedy(as_floats(points[rows]), best[rows], may, n_picks)
        cell.picks = rows[picks].tolist()
        cell.is_complete = len(picks) == may.sum()
        return cell

    with threads_for(0):
        yield from local.map(fill, sorted(cells, key=lambda cell: -len(cell.rows)))


def dense_greedy(
    points: np.ndarray, best: np.ndarray, allowed: np.ndarray, n_picks: int
) -> tuple[Rows, list[float]]:
    """Return the greedy picks and their gains, all similarities being kept at hand.

    Examples
    --------
    >>> points = np.array([[4000, 0], [3900, 800], [0, 4000]], dtype=np.float32)
    >>> dense_greedy(points, np.zeros(3, dtype=np.float32), np.ones(3, dtype=bool), 2)[0].tolist()
    [1, 2]
    """
    found = similarities(points, points)
    np.maximum(found, best[:, None], out=found)
    best = best.copy()
    gains: Floats = found.sum(axis=0, dtype=np.float64) - float(best.sum(dtype=np.float64))
    gains[~allowed] = -np.inf
    picks: list[int] = []
    of_picks: list[float] = []
    for _ in range(min(n_picks, int(allowed.sum()))):
        pick = int(gains.argmax())
        picks.append(pick)
        of_picks.append(float(gains[pick]))
        gains[pick] = -np.inf
        risen = np.flatnonzero(found[:, pick] > best)
        for start in range(0, len(risen), BLOCK):
            part = risen[start : start + BLOCK]
            before, now = best[part, None], found[part, pick][:, None]
            gains -= np.clip(found[part], before, now).sum(axis=0, dtype=np.float64)
            gains += float(before.sum(dtype=np.float64))
        best[risen] = found[risen, pick]
    return np.array(picks, dtype=np.int64), of_picks
