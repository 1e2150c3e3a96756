"""The plain greedy loop: every step looks at every candidate. Slow, and right for any term."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lightly_nb.selection.strategy import Budget
from lightly_nb.selection.terms import Diversity, Term
from lightly_nb.vectors.distances import Floats, Rows

OUT_OF_CANDIDATES = "no candidate is left"
TOO_NEAR = "every candidate left is nearer to a selected sample than the minimum distance"
OUT_OF_REACH = "no candidate keeps the target range of a sum within reach"
OVER_BUDGET = "the next pick would carry a sum above its maximum"


@dataclass
class Picks:
    """What a search has picked so far.

    Parameters
    ----------
    rows : list of int
        The picks in order.
    deltas : list of list of float
        Per pick the delta of every term; NaN for a DIVERSITY that had nothing selected.
    squared : list of float
        Per pick the squared distance to the nearest sample selected before it; inf for none.
    totals : list of float
        F of every term before the first pick.
    stopped : str
        Why there are fewer picks than asked for; empty if there are not.
    """

    rows: list[int] = field(default_factory=list)
    deltas: list[list[float]] = field(default_factory=list)
    squared: list[float] = field(default_factory=list)
    totals: list[float] = field(default_factory=list)
    stopped: str = ""

    def first(self, n_picks: int) -> Picks:
        """Return a copy that ends after `n_picks`."""
        stopped = self.stopped if n_picks >= len(self.rows) else ""
        return Picks(
            self.rows[:n_picks], self.deltas[:n_picks], self.squared[:n_picks], list(self.totals), stopped
        )


class PlainSearch:
    """Greedy over every candidate at every step.

    Parameters
    ----------
    terms : sequence of Term
        In the order in which their gains are summed.
    allowed : numpy.ndarray
        bool, shape (n_samples,).
    spacing : Diversity or None
        Whose distances the minimum distance speaks of (it may be one of `terms`).
    minimum_distance : float
    budgets : sequence of Budget
    """

    def __init__(
        self,
        terms: Sequence[Term],
        allowed: np.ndarray,
        spacing: Diversity | None = None,
        minimum_distance: float = 0.0,
        budgets: Sequence[Budget] = (),
    ):
        self.terms, self.spacing, self.minimum_distance = list(terms), spacing, minimum_distance
        self.allowed = allowed.copy()
        self.budgets = list(budgets)
        self.sums = [0.0] * len(self.budgets)
        self.picks = Picks()

    def seed(self, rows: Sequence[int]) -> None:
        """Take `rows` as selected before the first step."""
        for row in rows:
            self._add(row)
        self.picks.totals = [float(getattr(term, "total", 0.0)) for term in self.terms]

    def take(self, rows: Sequence[int]) -> None:
        """Pick `rows` whatever their gain (locked samples, or a start)."""
        for row in rows:
            self._record(row)
            self._add(row)

    def run(self, n_picks: int, advance: Callable[[int], None] = lambda n: None) -> Picks:
        """Pick until there are `n_picks`, or until nothing may be picked; `advance` hears of every pick."""
        while len(self.picks.rows) < n_picks:
            rows = self._candidates()
            if len(rows):
                rows = self._in_reach(rows, n_picks - len(self.picks.rows))
            if not len(rows):
                break
            row = self._best(rows)
            if any(s + b.values[row] > b.maximum for s, b in zip(self.sums, self.budgets, strict=True)):
                self.picks.stopped = OVER_BUDGET
                break
            self.take([row])
            advance(1)
        return self.picks

    def _best(self, rows: Rows) -> int:
        """Return which of `rows`, ascending, has the highest score, the lowest one on ties."""
        return int(rows[np.argmax(total_scores(self.terms, rows))])

    def _candidates(self) -> Rows:
        rows = np.flatnonzero(self.allowed)
        if not len(rows):
            self.picks.stopped = OUT_OF_CANDIDATES
        elif self.minimum_distance > 0 and self.spacing is not None and self.spacing.n_selected:
            rows = rows[np.sqrt(self.spacing.nearest[rows]) >= self.minimum_distance]
            if not len(rows):
                self.picks.stopped = TOO_NEAR
        return rows

    def _in_reach(self, rows: Rows, n_left: int) -> Rows:
        """Return the rows after which every target range can still be met with `n_left` picks in all."""
        for total, budget in zip(self.sums, self.budgets, strict=True):
            if budget.minimum > -np.inf:
                lowest, highest = reachable_sums(budget.values[rows], n_left)
                rows = rows[(total + highest >= budget.minimum) & (total + lowest <= budget.maximum)]
        if not len(rows):
            self.picks.stopped = OUT_OF_REACH
        return rows

    def _record(self, row: int) -> None:
        at = np.array([row])
        distance = self.spacing.nearest[row] if self.spacing and self.spacing.n_selected else np.inf
        self.picks.rows.append(row)
        self.picks.deltas.append([self._delta(term, at) for term in self.terms])
        self.picks.squared.append(float(distance))
        for number, budget in enumerate(self.budgets):
            self.sums[number] += float(budget.values[row])

    def _delta(self, term: Term, at: Rows) -> float:
        neutral = isinstance(term, Diversity) and not term.n_selected
        return float("nan") if neutral else float(term.deltas(at)[0])

    def _add(self, row: int) -> None:
        self.allowed[row] = False
        for term in self.terms:
            term.add(row)
        if self.spacing is not None and all(term is not self.spacing for term in self.terms):
            self.spacing.add(row)


def reachable_sums(values: Floats, count: int) -> tuple[Floats, Floats]:
    """Return per value the smallest and largest sum of `count` of `values` that it is part of.

    Examples
    --------
    >>> lowest, highest = reachable_sums(np.array([1.0, 5.0, 3.0]), 2)
    >>> lowest.tolist(), highest.tolist()
    ([4.0, 6.0, 4.0], [6.0, 8.0, 8.0])
    """
    n, others = len(values), min(count, len(values)) - 1
    order = np.argsort(values, kind="stable")
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n)
    sums = np.concatenate([[0.0], np.cumsum(values[order])])
    lowest = np.where(rank < others, sums[min(others + 1, n)], sums[others] + values)
    highest = np.where(
        rank >= n - others, sums[n] - sums[max(n - others - 1, 0)], sums[n] - sums[n - others] + values
    )
    return lowest, highest


def total_scores(terms: Sequence[Term], rows: Rows) -> Floats:
    """Return the sum of strength times gain; of one term alone its delta, the same order unrounded."""
    if len(terms) == 1:
        return terms[0].deltas(rows) * (1.0 if terms[0].strength > 0 else -1.0)
    scores = np.zeros(len(rows))
    for term in terms:
        scores += term.strength * term.gains(rows)
    return scores
