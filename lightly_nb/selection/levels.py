"""FACILITY_LOCATION among so many samples that all pairs of them are too many.

The first picks serve very many samples each, so a sample of them tells which they are; later ones serve those
around them. So picks are made in levels, which depend on the number of samples and of those selected so far,
never on how many are asked for: first greedily in a sample drawn by a hash of the names, then greedily in
cells of samples near each other (see `cells`), which are drawn anew, with all picks made so far, as picks
become many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lightly_nb.selection.cells import as_floats, cells_around, merged_picks, raise_best
from lightly_nb.selection.facility import FacilityLocation
from lightly_nb.selection.greedy import OUT_OF_CANDIDATES, Picks
from lightly_nb.selection.stale import StaleSearch
from lightly_nb.selection.terms import Term
from lightly_nb.vectors.distances import Rows

SAMPLED = 8192
"""Samples among which the first picks are made, …"""
PER_PICK = 50
"""… as long as there are so many of them for every pick."""
GROWTH = 64
"""Cells are drawn anew each time the selection is so many times as large."""
CELL, LARGEST_CELL = 1500, 2500
"""Samples in a cell on average, and at most."""


class LevelSearch:
    """Greedy over the allowed rows, approximately.

    Parameters
    ----------
    term : FacilityLocation
        Of all samples; it is told of the picks as it would be by another search.
    allowed : numpy.ndarray
        bool, shape (n_samples,).
    order : numpy.ndarray
        int64: all rows in an order that has nothing to do with what they show.
    """

    def __init__(self, term: FacilityLocation, allowed: np.ndarray, order: Rows):
        self.terms: list[Term] = [term]
        self.allowed, self.order = allowed.copy(), order
        self.picks = Picks()
        self.points = term.directions(dtype=np.int16)
        self.best = np.zeros(len(allowed), dtype=np.float32)
        self._selected = term.selected
        self._n_in_best = 0
        self._waiting: list[tuple[float, int]] = []

    def seed(self, rows: Sequence[int]) -> None:
        """Take `rows` as selected before the first step."""
        self._selected += list(rows)
        self.allowed[list(rows)] = False
        self._raise_best()
        self.picks.totals = [float(self.best.sum(dtype=np.float64))]

    def take(self, rows: Sequence[int]) -> None:
        """Pick `rows` whatever their gain (locked samples)."""
        for row in rows:
            before = float(self.best.sum(dtype=np.float64))
            self._selected.append(row)
            self._raise_best()
            self._record(row, float(self.best.sum(dtype=np.float64)) - before)

    def run(self, n_picks: int, advance: Callable[[int], object] = lambda n: None) -> Picks:
        """Pick until there are `n_picks`, or until nothing may be picked; `advance` hears of the progress."""
        while len(self.picks.rows) < n_picks:
            if not self._waiting:
                self._waiting = self._level(lambda: advance(0))[::-1]
            if not self._waiting:
                self.picks.stopped = OUT_OF_CANDIDATES
                break
            gain, row = self._waiting.pop()
            self._selected.append(row)
            self._record(row, gain)
            advance(1)
        return self.picks

    def _record(self, row: int, gain: float) -> None:
        self.allowed[row] = False
        self.picks.rows.append(row)
        self.picks.deltas.append([gain])
        self.picks.squared.append(np.inf)

    def _raise_best(self) -> None:
        raise_best(self.points, self.best, np.array(self._selected[self._n_in_best :], dtype=np.int64))
        self._n_in_best = len(self._selected)

    def _level(self, tick: Callable[[], object]) -> list[tuple[float, int]]:
        """Return gain and row of the next picks, up to the end of their level."""
        if not self.allowed.any():
            return []
        last = max(1, SAMPLED // PER_PICK)
        self._raise_best()
        if len(self._selected) < last:
            return self._in_a_sample(last - len(self._selected))
        while last <= len(self._selected):
            last *= GROWTH
        n_cells = max(1, len(self.points) // CELL)
        centers = np.array(self._selected[:n_cells], dtype=np.int64)
        if len(centers) < n_cells:
            others = self.order[~np.isin(self.order, centers)]
            centers = np.concatenate([centers, others[: n_cells - len(centers)]])
        cells = cells_around(self.points, centers, self.order, LARGEST_CELL)
        return merged_picks(self.points, self.best, cells, self.allowed, last - len(self._selected), tick)

    def _in_a_sample(self, count: int) -> list[tuple[float, int]]:
        """Return the picks among the first allowed rows, which the first of all rows judge."""
        judges = self.order[:SAMPLED]
        candidates = self.order[self.allowed[self.order]][:SAMPLED]
        rows = np.union1d(judges, candidates)
        at = None if len(rows) == len(judges) else np.flatnonzero(np.isin(rows, judges))
        points = as_floats(self.points[rows])
        best = self.best[rows] if at is None else self.best[rows[at]]
        term = FacilityLocation(points, judges=at, points=points, best=best)
        picks = StaleSearch([term], np.isin(rows, candidates)).run(count)
        scale = len(self.points) / len(judges)
        return [
            (delta * scale, int(rows[pick])) for pick, (delta,) in zip(picks.rows, picks.deltas, strict=True)
        ]
