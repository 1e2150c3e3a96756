"""The search with FACILITY_LOCATION: exactly the greedy picks, with few of its gains computed anew.

A gain of facility location costs a look at all samples, but it only falls, so the last one computed bounds
it ("lazy greedy", Minoux 1978). Every step takes the candidates with the best scores by these bounds, brings
them up to date by matrix products, and stops as soon as the best of those is above the bounds of all others.
The gains of other terms are computed at every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from lightly_nb.selection.facility import FacilityLocation
from lightly_nb.selection.greedy import PlainSearch
from lightly_nb.selection.scores import ROUNDING
from lightly_nb.selection.terms import log_gain
from lightly_nb.vectors.distances import Floats, Rows

FEWEST, MOST = 16, 128
"""Candidates that are brought up to date at first in a step, and at a time after that."""


class StaleSearch(PlainSearch):
    """Greedy over every candidate, as `PlainSearch` with the same parameters, by bounds on some gains.

    Parameters
    ----------
    terms : sequence of Term
        One of them FacilityLocation, of strength above 0.
    """

    @cached_property
    def facility(self) -> FacilityLocation:
        """The term whose gains are bounded."""
        return next(term for term in self.terms if isinstance(term, FacilityLocation))

    def _best(self, rows: Rows) -> int:
        shares = self._shares(rows)
        scores = self._scores(rows, shares, np.arange(len(rows)))
        stale = ~self.facility.is_fresh(rows)
        best, count = -1, FEWEST
        while True:
            fresh = np.flatnonzero(~stale)
            if len(fresh):
                best = int(fresh[np.argmax(scores[fresh])])
            rivals = np.flatnonzero(stale & self._may_beat(scores, best))
            if not len(rivals):
                return int(rows[best])
            at = _highest(scores, rivals, count)
            self.facility.refresh(rows[at], self._floors(shares, at, scores[best] if best >= 0 else -np.inf))
            scores[at] = self._scores(rows, shares, at)
            stale[at] = ~self.facility.is_fresh(rows[at])
            count = MOST

    def _floors(self, shares: Sequence[Floats | None], at: Rows, score: float) -> Floats | float:
        """Return the gains below which rows surely have a lower score."""
        if len(self.terms) == 1 or score == -np.inf:
            return score
        others = np.sum([share[at] for share in shares if share is not None], axis=0)
        room = (score - others) / self.facility.strength
        total = self.facility.total
        with np.errstate(over="ignore"):
            floors = total * np.expm1(room) if total > 0 else np.exp(room)
        result: Floats = np.minimum(floors, 1e300) * (1 - 1e-9)
        return result

    def _may_beat(self, scores: Floats, best: int) -> np.ndarray:
        """Return which of `scores`, were they bounds, leave room to be picked before `best`; -1 is none."""
        if best < 0:
            return np.ones(len(scores), dtype=bool)
        if len(self.terms) > 1:
            lowest = scores[best] - ROUNDING * (1 + abs(scores[best]))
            close: np.ndarray = scores >= lowest
            return close
        result: np.ndarray = scores > scores[best]
        result[:best] |= scores[:best] == scores[best]
        return result

    def _shares(self, rows: Rows) -> list[Floats | None]:
        """Return what each term adds to the scores of `rows`, None for facility location."""
        if len(self.terms) == 1:
            return [None]
        return [None if term is self.facility else term.strength * term.gains(rows) for term in self.terms]

    def _scores(self, rows: Rows, shares: Sequence[Floats | None], at: Rows) -> Floats:
        """Return the scores of `rows[at]`, summed as `PlainSearch` does, by the bounds at hand."""
        bounds = self.facility.bound[rows[at]]
        if len(self.terms) == 1:
            return bounds
        scores = np.zeros(len(at))
        for share in shares:
            if share is None:
                scores += self.facility.strength * log_gain(bounds, self.facility.total)
            else:
                scores += share[at]
        return scores


def _highest(scores: Floats, rivals: Rows, count: int) -> Rows:
    """Return the `count` of `rivals` with the highest scores."""
    if len(rivals) <= count:
        return rivals
    return rivals[np.argpartition(-scores[rivals], count - 1)[:count]]
