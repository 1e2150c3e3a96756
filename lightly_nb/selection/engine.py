"""Which search a plan needs: the fast one wherever its bounds hold, the plain one for everything else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lightly_nb.selection.facility import FacilityLocation
from lightly_nb.selection.greedy import Picks, PlainSearch
from lightly_nb.selection.lazy import LazySearch
from lightly_nb.selection.levels import LevelSearch
from lightly_nb.selection.plan import Plan
from lightly_nb.selection.scores import Alone, Together
from lightly_nb.selection.stale import StaleSearch
from lightly_nb.selection.strategy import Budget
from lightly_nb.selection.terms import Balance, Diversity, Term, Weights, log_gain
from lightly_nb.vectors.distances import Floats, Rows, mean_point, squared_distances

MEAN_BLOCK = 256
"""Rows summed in float32 at a time for a rough mean."""


def steering_terms(plan: Plan) -> list[Term]:
    """Return the terms that have a say in the picks, in the order in which their gains are summed."""
    return [part.term for part in plan.parts if part.term is not None and part.term.strength != 0]


Search = PlainSearch | LazySearch | LevelSearch


def search_for(plan: Plan) -> Search:
    """Return a search over the plan's samples with nothing selected yet."""
    terms = steering_terms(plan)
    budgets = [part.budget for part in plan.parts if part.budget is not None]
    first = terms[0] if terms else None
    free = len(terms) == 1 and not budgets and plan.minimum_distance == 0
    if free and isinstance(first, FacilityLocation) and first.order is not None and first.strength > 0:
        return LevelSearch(first, plan.allowed, first.order)
    diversity = next((term for term in terms if isinstance(term, Diversity)), None)
    needs_vectors = diversity is not None or plan.minimum_distance > 0
    vectors = plan.samples.embeddings if needs_vectors else None
    if _bounds_hold(terms, budgets):
        scores: Alone | Together = Together(terms)
        if len(terms) == 1 and isinstance(terms[0], (Diversity, Weights)):
            scores = Alone(terms[0])
        return LazySearch(scores, plan.allowed, vectors, plan.minimum_distance, budgets)
    spacing = diversity or (Diversity(vectors) if vectors is not None else None)
    search = StaleSearch if _only_one_falls(terms) else PlainSearch
    return search(terms, plan.allowed, spacing, plan.minimum_distance, budgets)


def _bounds_hold(terms: Sequence[Term], budgets: Sequence[Budget]) -> bool:
    """Whether gains only fall, or rise in a way that can be followed."""
    kinds = [type(term) for term in terms]
    return (
        len(terms) > 0
        and all(kind in (Weights, Diversity, Balance) for kind in kinds)
        and kinds.count(Diversity) <= 1
        and kinds.count(Balance) <= 1
        and all(term.strength > 0 for term in terms)
        and all(budget.minimum == -np.inf for budget in budgets)
    )


def _only_one_falls(terms: Sequence[Term]) -> bool:
    """Whether there is one FACILITY_LOCATION, of strength above 0, so that its gain can be bounded."""
    facilities = [term for term in terms if isinstance(term, FacilityLocation)]
    return len(facilities) == 1 and facilities[0].strength > 0


def nearest_the_mean(vectors: np.ndarray, rows: Rows) -> int:
    """Return which of `rows` is nearest to their mean, the lowest one on ties.

    Float32 finds the few that may be; the mean and the distances that decide are float64.
    """
    taken = vectors if len(rows) == len(vectors) else vectors[rows]
    with np.errstate(all="ignore"):
        middle, squares = _rough_mean(taken), np.einsum("ij,ij->i", taken, taken)
        rough = squares - 2 * (taken @ middle)
        room = (8 * vectors.shape[1] + 4 * MEAN_BLOCK) * 2.0**-24 * (2 * float(squares.max())) + 1e-30
        may_be = rows[~(rough > rough.min() + room)]
    if len(may_be) > 1:
        may_be = may_be[[np.argmin(squared_distances(vectors, may_be, mean_point(vectors, rows)))]]
    return int(may_be[0])


def _rough_mean(vectors: np.ndarray) -> np.ndarray:
    """Return the mean, float32, wrong by at most a few hundred roundings whatever the number of rows."""
    n, d = vectors.shape
    whole = n // MEAN_BLOCK * MEAN_BLOCK
    blocks = vectors[:whole].reshape(-1, MEAN_BLOCK, d).sum(axis=1)
    total = blocks.sum(axis=0, dtype=np.float64) + vectors[whole:].sum(axis=0, dtype=np.float64)
    result: np.ndarray = (total / n).astype(np.float32)
    return result


def gains_of(picks: Picks, terms: Sequence[Term]) -> Floats:
    """Return the gain of every term at every pick, float64 (n_picks, n_terms), from the deltas on record."""
    gains = np.zeros((len(picks.rows), len(terms)))
    deltas = np.array(picks.deltas).reshape(gains.shape)
    for number, term in enumerate(terms):
        if not isinstance(term, (Weights, Diversity, FacilityLocation)):
            gains[:, number] = deltas[:, number]
            continue
        total = picks.totals[number]
        for step, delta in enumerate(deltas[:, number]):
            if np.isfinite(delta):
                gains[step, number] = log_gain(np.array([delta]), total)[0]
                total += delta
    return gains
