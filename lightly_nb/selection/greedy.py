"""The plain greedy loop: every step looks at every candidate. Slow, and right for any term."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lightly_nb.selection.distances import Floats, Rows
from lightly_nb.selection.strategy import Budget
from lightly_nb.selection.terms import Diversity, Term

OUT_OF_CANDIDATES = "no candidate is left"
TOO_NEAR = "every candidate left is nearer to a selected sample than the minimum distance"
OVER_BUDGET = "the next pick would carry a sum above its maximum"


@dataclass
class Picks:
    """What a search has picked so far, and why it stopped before the number asked for ('' if it did not)."""

    rows: list[int] = field(default_factory=list)
    deltas: list[list[float]] = field(default_factory=list)
    squared: list[float] = field(default_factory=list)
    stopped: str = ""


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

    def take(self, rows: Sequence[int]) -> None:
        """Pick `rows` whatever their gain (locked samples, or a start)."""
        for row in rows:
            self._record(row)
            self._add(row)

    def run(self, n_picks: int, advance: Callable[[int], None] = lambda n: None) -> Picks:
        """Pick until there are `n_picks`, or until nothing may be picked; `advance` hears of every pick."""
        while len(self.picks.rows) < n_picks:
            rows = self._candidates(n_picks - len(self.picks.rows))
            if not len(rows):
                break
            row = int(rows[np.argmax(total_scores(self.terms, rows))])
            if any(s + b.values[row] > b.maximum for s, b in zip(self.sums, self.budgets, strict=True)):
                self.picks.stopped = OVER_BUDGET
                break
            self.take([row])
            advance(1)
        return self.picks

    def _candidates(self, n_left: int) -> Rows:
        rows = np.flatnonzero(self.allowed)
        if not len(rows):
            self.picks.stopped = OUT_OF_CANDIDATES
        elif self.minimum_distance > 0 and self.spacing is not None and self.spacing.n_selected:
            rows = rows[np.sqrt(self.spacing.nearest[rows]) >= self.minimum_distance]
            if not len(rows):
                self.picks.stopped = TOO_NEAR
        return rows

    def _record(self, row: int) -> None:
        at = np.array([row])
        distance = self.spacing.nearest[row] if self.spacing and self.spacing.n_selected else np.inf
        self.picks.rows.append(row)
        self.picks.deltas.append([float(term.deltas(at)[0]) for term in self.terms])
        self.picks.squared.append(float(distance))
        for number, budget in enumerate(self.budgets):
            self.sums[number] += float(budget.values[row])

    def _add(self, row: int) -> None:
        self.allowed[row] = False
        for term in self.terms:
            term.add(row)
        if self.spacing is not None and all(term is not self.spacing for term in self.terms):
            self.spacing.add(row)


def total_scores(terms: Sequence[Term], rows: Rows) -> Floats:
    """Return the sum of strength times gain; a term alone is ranked by its delta, the same order unrounded."""
    if len(terms) == 1:
        return terms[0].deltas(rows) * (1.0 if terms[0].strength > 0 else -1.0)
    scores = np.zeros(len(rows))
    for term in terms:
        scores += term.strength * term.gains(rows)
    return scores
