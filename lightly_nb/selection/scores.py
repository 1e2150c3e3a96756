"""The score of rows from bounds on their distance, and what is known of it later without looking again."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lightly_nb.selection.terms import LARGEST_RATIO, Balance, Diversity, Term, Weights, log_gain
from lightly_nb.vectors.distances import Floats, Rows

MOST_GROUPS = 1024
"""Distinct class vectors up to which a `Balance` is followed group by group."""
ROUNDING = 1e-12
"""Relative room for the rounding of a score of a few terms in float64."""
MOST_GROUPS = 1024
"""Distinct class vectors up to which a `Balance` is followed group by group."""


class Alone:
    """One term of strength above 0: the score is its delta, which needs no other number.

    The deltas of DIVERSITY only fall, those of WEIGHTS never change; BALANCE alone goes through `Together`.
    """

    def __init__(self, term: Diversity | Weights):
        self.terms: list[Term] = [term]
        self.term = term

    def values(self, rows: Rows, squared: Floats) -> Floats:
        if isinstance(self.term, Diversity):
            return squared
        return np.where(squared < 0, -np.inf, self.term.weights[rows])

    def levels(self, rows: Rows, outside: float) -> Floats | float:
        return outside if isinstance(self.term, Diversity) else -np.inf

    def deltas(self, row: int, squared: float) -> list[float]:
        if isinstance(self.term, Diversity):
            return [squared if self.term.n_selected else np.nan]
        return [float(self.term.weights[row])]

    def add(self, row: int, squared: float) -> bool:
        """Take a pick; return whether scores from before it are still bounds."""
        if isinstance(self.term, Diversity):
            self.term.count(squared)
        else:
            self.term.add(row)
        return True

    def mark(self, outside: float) -> Mark:
        return Mark(outside)

    def see(self, bounds: Floats) -> None:
        """Hear of bounds that hold for all rows."""


class Mark:
    """A bound on the scores of rows left outside, at the time it was made."""

    def __init__(self, outside: float):
        self.outside = outside

    def now(self) -> tuple[float, bool]:
        """Return the bound now, and whether it is the very number that was computed (no rounding since)."""
        return self.outside, True


class Together:
    """Several terms: WEIGHTS-like ones, at most one DIVERSITY and one BALANCE, all of strength above 0.

    Gains of the first two kinds only fall as the selection grows. Once every F is above 0, the largest
    score of any row falls at least by the slowest factor of any term; BALANCE, which may rise, is
    followed for each group of rows with the same classes.
    """

    def __init__(self, terms: Sequence[Term]):
        self.terms = list(terms)
        self.diversity = next((term for term in terms if isinstance(term, Diversity)), None)
        self.balance = next((term for term in terms if isinstance(term, Balance)), None)
        self.falling = [term for term in terms if isinstance(term, (Weights, Diversity))]
        self.largest = [
            float(term.weights.max(initial=0.0)) if isinstance(term, Weights) else np.inf
            for term in self.falling
        ]
        self.soft = self.balance is not None and not self.balance.find_groups(MOST_GROUPS)
        self.group_gains = self._group_gains()

    def values(self, rows: Rows, squared: Floats) -> Floats:
        """Return the scores of `rows` at these squared distances; -inf where one is below 0 (out)."""
        scores = np.zeros(len(rows))
        for term in self.terms:
            if isinstance(term, Balance) and term.group is not None:
                gains = self.group_gains[term.group[rows]]
            elif isinstance(term, Diversity):
                gains = (
                    log_gain(np.maximum(squared, 0.0), term.total) if term.n_selected else np.zeros(len(rows))
                )
            else:
                gains = term.gains(rows)
            scores += gains if len(self.terms) == 1 else term.strength * gains
        scores[squared < 0] = -np.inf
        return scores

    def levels(self, rows: Rows, outside: float) -> Floats | float:
        """Return the squared distances below which the scores of `rows` are surely at most `outside`."""
        term = self.diversity
        if term is None or not term.n_selected or not np.isfinite(outside):
            return -np.inf
        rest = self.values(rows, np.zeros(len(rows))) - term.strength * float(
            log_gain(np.zeros(1), term.total)[0]
        )
        room = (outside - rest) / term.strength
        with np.errstate(over="ignore"):
            level = term.total * np.expm1(room) if term.total > 0 else np.exp(room)
        return np.minimum(level, 1e300) * (1 - 1e-9)

    def deltas(self, row: int, squared: float) -> list[float]:
        at = np.array([row])
        return [
            (squared if term.n_selected else np.nan)
            if isinstance(term, Diversity)
            else float(term.deltas(at)[0])
            for term in self.terms
        ]

    def add(self, row: int, squared: float) -> bool:
        """Take a pick; return whether scores from before it are still bounds."""
        before = [term.total > 0 for term in self.falling]
        settled = self.diversity is None or self.diversity.n_selected > 0
        for term in self.terms:
            if isinstance(term, Diversity):
                term.count(squared)
            else:
                term.add(row)
        self.group_gains = self._group_gains()
        return settled and before == [term.total > 0 for term in self.falling]

    def mark(self, outside: float) -> Mark:
        return SoftMark(self, outside) if self.soft else TogetherMark(self, outside)

    def _group_gains(self) -> Floats:
        return np.zeros(1) if self.balance is None or self.soft else self.balance.group_gains()

    def see(self, bounds: Floats) -> None:
        """Hear of bounds that hold for all rows."""
        if self.diversity is not None and len(bounds):
            self.diversity.largest = float(bounds.max())


class TogetherMark(Mark):
    """The bound `outside` on a score, carried forward as every F grows and the class shares move."""

    def __init__(self, scores: Together, outside: float):
        super().__init__(outside)
        self.scores = scores
        self.totals = [term.total for term in scores.falling]
        self.balances = self._balances()
        self.added = self._added()

    def now(self) -> tuple[float, bool]:
        added = self._added()
        if added == self.added or self.outside == -np.inf:
            return self.outside, True
        factor = self._factor()
        balances = self._balances()
        rest = self.outside - self.balances
        if factor < 1:
            rest = np.where(
                rest < -ROUNDING * (1 + np.abs(self.balances)), -np.inf, np.maximum(rest, 0.0) * factor
            )
        room = ROUNDING * (1 + abs(self.outside) + np.abs(balances).max() + np.abs(self.balances).max())
        return float((rest + balances).max()) + room, False

    def _added(self) -> list[float]:
        balance = self.scores.balance
        return [term.total for term in self.scores.falling] + (
            [float(balance.counts.sum())] if balance else []
        )

    def _balances(self) -> Floats:
        balance = self.scores.balance
        if balance is None:
            return np.zeros(1)
        return self.scores.group_gains * (balance.strength if len(self.scores.terms) > 1 else 1.0)

    def _factor(self) -> float:
        """Return by what factor, at least, the falling gains of any row have fallen since; 1 is safe."""
        if not self.scores.falling or min(self.totals) <= 0:
            return 1.0
        factors = [1e-300]
        for term, before, largest in zip(self.scores.falling, self.totals, self.scores.largest, strict=True):
            if isinstance(term, Diversity):
                largest = term.largest
            if not largest / before < LARGEST_RATIO:
                return 1.0
            if largest > 0 and term.total > before:
                factors.append(math.log1p(largest / term.total) / math.log1p(largest / before))
            elif largest > 0:
                return 1.0
        return min(1.0, max(factors) * (1 + ROUNDING))


class SoftMark(TogetherMark):
    """The bound where class vectors are all different.

    A gain of BALANCE is sum_c t_c ln(1 + p_c / n_c) - ln(1 + m / n) for a sample of classes p and mass m
    = sum p. The first part is at least 0 and falls as the counts n_c grow, like the gains of the other
    terms; the second only rises, and depends on the mass alone.
    """

    def __init__(self, scores: Together, outside: float):
        super().__init__(scores, outside)
        balance = self._balance()
        self.counts, self.n = balance.counts.copy(), float(balance.counts.sum())

    def now(self) -> tuple[float, bool]:
        if self._added() == self.added or self.outside == -np.inf:
            return self.outside, True
        balance = self._balance()
        strength = balance.strength if len(self.scores.terms) > 1 else 1.0
        lightest, heaviest = balance.mass_range()
        falling = self.outside + strength * math.log1p(heaviest / self.n)
        if falling > 0:
            falling *= max(self._factor(), self._class_factor())
        rising = -strength * math.log1p(lightest / float(balance.counts.sum()))
        room = ROUNDING * (1 + abs(self.outside) + abs(falling) + abs(rising) + strength)
        return falling + rising + room, False

    def _balance(self) -> Balance:
        assert self.scores.balance is not None, "a soft mark needs a BALANCE"
        return self.scores.balance

    def _class_factor(self) -> float:
        balance = self._balance()
        steered = balance.target > 0
        heaviest = balance.mass_range()[1]
        if heaviest <= 0:
            return 1.0
        now, before = heaviest / balance.counts[steered], heaviest / self.counts[steered]
        return min(1.0, float((np.log1p(now) / np.log1p(before)).max()) * (1 + ROUNDING))
