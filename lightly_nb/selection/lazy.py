"""The fast search: exactly the greedy picks, looking at few rows.

Each round takes the rows with the best scores by the bounds at hand (the pool), brings their bounds up to
date, and keeps the survivors whose score is above everything outside. Picks are then made among the
survivors alone, as long as the best of them is above the best bound outside; that pick is the greedy one,
because a bound is never too low. What float32 cannot decide is decided by direct differences in float64;
ties go to the lowest row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lightly_nb.selection.bounds import Bounds
from lightly_nb.selection.greedy import OUT_OF_CANDIDATES, OVER_BUDGET, TOO_NEAR, Picks
from lightly_nb.selection.pool import HOT, cut_to, top_level
from lightly_nb.selection.scores import Alone, Mark, Together
from lightly_nb.selection.strategy import Budget
from lightly_nb.vectors.distances import Rows, paired_distances

MOST_SURVIVORS = 1024
"""Rows that picks are made among in one round, at most."""
FEWEST_SURVIVORS = 64
"""The same at least; four times as many where terms are combined."""


class LazySearch:
    """Greedy over the allowed rows.

    Parameters
    ----------
    scores : Alone or Together
        How a squared distance becomes a score.
    n : int
        Number of rows.
    allowed : numpy.ndarray
        bool, shape (n,).
    vectors : numpy.ndarray or None
        float32, shape (n, d), finite; None where neither a term nor a minimum distance needs them.
    minimum_distance : float
    budgets : sequence of Budget
        Only their maximum is looked at.
    """

    def __init__(
        self,
        scores: Alone | Together,
        allowed: np.ndarray,
        vectors: np.ndarray | None = None,
        minimum_distance: float = 0.0,
        budgets: Sequence[Budget] = (),
        largest: float | None = None,
    ):
        self.scores, self.vectors = scores, vectors
        self.bounds = Bounds(vectors, largest) if vectors is not None else None
        self.bound = self.bounds.bound if self.bounds else np.full(len(allowed), np.inf)
        self.bound[~allowed] = -np.inf
        self.minimum_distance = minimum_distance
        self.budgets = list(budgets)
        self.sums = [0.0] * len(self.budgets)
        self.picks = Picks()
        self._dropped = False
        self._hot: Rows = np.zeros(0, dtype=np.int64)
        self._hot_mark = Mark(np.inf)
        # Bounds on sums of terms loosen as picks are made, so a round of them needs more rows to choose from.
        self._fewest = FEWEST_SURVIVORS if isinstance(scores, Alone) else 4 * FEWEST_SURVIVORS
        self._survivors = self._fewest
        self._pool_size = 4 * self._fewest

    def seed(self, rows: Sequence[int]) -> None:
        """Take `rows` as selected before the first step."""
        at = np.array(rows, dtype=np.int64)
        distances = self.bounds.insertion_distances(at) if self.bounds else np.full(len(at), np.inf)
        for row, squared in zip(rows, distances, strict=True):
            self.scores.add(row, float(squared))
        self.bound[at] = -np.inf
        self.picks.totals = [float(getattr(term, "total", 0.0)) for term in self.scores.terms]

    def take(self, rows: Sequence[int]) -> None:
        """Pick `rows` whatever their score (locked samples, or a start)."""
        at = np.array(rows, dtype=np.int64)
        distances = self.bounds.insertion_distances(at) if self.bounds else np.full(len(at), np.inf)
        for row, squared in zip(rows, distances, strict=True):
            self._pick(row, float(squared))
        self.bound[at] = -np.inf

    def run(self, n_picks: int, advance: Callable[[int], None] = lambda n: None) -> Picks:
        """Pick until there are `n_picks`, or until nothing may be picked; `advance` hears of the progress."""
        if self.bounds and self.bounds.n_picks:
            self.bounds.refresh(np.flatnonzero(self.bound == np.inf), np.inf)
        while len(self.picks.rows) < n_picks and not self.picks.stopped:
            before = len(self.picks.rows)
            pool, outside, mark = self._pool()
            if not len(pool):
                self.picks.stopped = TOO_NEAR if self._dropped else OUT_OF_CANDIDATES
                break
            self._round(pool, outside, mark, n_picks)
            advance(len(self.picks.rows) - before)
        return self.picks

    def _pool(self) -> tuple[Rows, float, Mark]:
        """Return the best rows by their bounds, ascending, and the bound on the score of all others."""
        for fresh in (False, True):
            if fresh:
                self._heat()
            outside, _ = self._hot_mark.now()
            values = self.scores.values(self._hot, self.bound[self._hot])
            level = top_level(values, self._pool_size) if len(values) else -np.inf
            if level >= outside or fresh:
                break
        outside = max(outside, level)
        return self._hot[values > outside], outside, self.scores.mark(outside)

    def _heat(self) -> None:
        """Choose the hot rows anew."""
        self._drop_too_near(np.arange(len(self.bound)))
        rows = np.flatnonzero(self.bound >= 0)
        values = self.scores.values(rows, self.bound[rows])
        level = top_level(values, HOT * self._pool_size)
        self.scores.see(self.bound[rows])
        self._hot = rows[values > level]
        self._hot_mark = self.scores.mark(level)

    def _drop_too_near(self, rows: Rows) -> None:
        """Put rows that are surely too near out of the race, for good: bounds only fall."""
        if self.minimum_distance > 0:
            rows = rows[self.bound[rows] >= 0]
            near = rows[np.sqrt(self.bound[rows]) < self.minimum_distance]
            self.bound[near] = -np.inf
            self._dropped |= len(near) > 0

    def _round(self, pool: Rows, outside: float, mark: Mark, n_picks: int) -> None:
        if self.bounds and self.bounds.n_picks:
            too_near = self.minimum_distance**2 * (1 - 1e-12) if self.minimum_distance > 0 else -np.inf
            self.bounds.refresh(pool, np.maximum(self.scores.levels(pool, outside), too_near))
            self._drop_too_near(pool)
        values = self.scores.values(pool, self.bound[pool])
        above = values > outside
        share = max(int(above.sum()), 1) / len(pool)
        self._pool_size = int(np.clip(self._survivors / share, self._survivors, len(self.bound)))
        kept, cut_value, cut_row = cut_to(pool[above], values[above], self._survivors)
        rows = pool[above][kept]
        if cut_row >= 0:
            mark = self.scores.mark(cut_value)
        if len(rows):
            self._pick_inside(rows, mark, cut_row, n_picks)

    def _pick_inside(self, rows: Rows, mark: Mark, cut_row: int, n_picks: int) -> None:
        """Pick among the survivors `rows` while the best is above the bound on everything else."""
        exact, between, error = self.bound[rows], None, 0.0
        if self.bounds and self.bounds.n_picks:
            exact = self.bounds.resolve(rows)
            between, error = self.bounds.between(rows)
        squared, limit = exact.copy(), exact + error
        doubtful = np.zeros(len(rows), dtype=bool)
        picked: list[int] = []
        valid = True
        values = self.scores.values(rows, squared)
        while valid and len(self.picks.rows) < n_picks:
            best = int(values.argmax())
            row = int(rows[best])
            if values[best] == -np.inf or not self._beats(float(values[best]), row, mark, cut_row):
                break
            if doubtful[best] and between is not None and self.vectors is not None:
                rivals = _rivals(between[best], picked, error)
                distances = paired_distances(self.vectors, np.full(len(rivals), row), rows[rivals])
                exact[best] = squared[best] = min(exact[best], distances.min())
                limit[best] = exact[best] + error
                doubtful[best] = False
            elif self.minimum_distance > 0 and np.sqrt(exact[best]) < self.minimum_distance:
                squared[best], self._dropped = -np.inf, True
            elif self.budgets and self._over_budget(row):
                self.picks.stopped = OVER_BUDGET
                break
            else:
                valid = self._pick(row, float(exact[best])) and (self.bounds is None or between is not None)
                picked.append(best)
                if between is not None:
                    np.minimum(squared, between[best], out=squared)
                    doubtful |= between[best] <= limit
                squared[best] = -np.inf
            values = self.scores.values(rows, squared)
        if not valid:
            self._hot_mark = Mark(np.inf)
        self.bound[rows] = squared
        self._survivors = int(np.clip(3 * len(picked), self._fewest, MOST_SURVIVORS))
        if self.bounds and picked:
            self.bounds.add(rows[picked])

    def _pick(self, row: int, squared: float) -> bool:
        """Record the pick; return whether scores from before it are still bounds."""
        self.picks.rows.append(row)
        self.picks.deltas.append(self.scores.deltas(row, squared))
        self.picks.squared.append(squared)
        for number, budget in enumerate(self.budgets):
            self.sums[number] += float(budget.values[row])
        return self.scores.add(row, squared)

    def _over_budget(self, row: int) -> bool:
        return any(s + b.values[row] > b.maximum for s, b in zip(self.sums, self.budgets, strict=True))

    def _beats(self, value: float, row: int, mark: Mark, cut_row: int) -> bool:
        outside, unrounded = mark.now()
        hot, _ = self._hot_mark.now()
        return value > max(outside, hot) or (unrounded and value == outside and value > hot and row < cut_row)


def _rivals(bounds: np.ndarray, picked: list[int], error: float) -> Rows:
    """Return which of `picked` may be the nearest, given upper bounds at most `error` too high."""
    at = np.array(picked, dtype=np.int64)
    rivals: Rows = at[bounds[at] <= bounds[at].min() + error]
    return rivals
