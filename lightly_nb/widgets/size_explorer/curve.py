"""How good the first n picks are, beside random draws, and what that says in a sentence.

A measure that a strategy optimises is shown and marked: by it picks are better than random by construction,
so no sentence compares them by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lightly_nb.samples.selected import CATEGORIES, COVERAGE_MAX, COVERAGE_MEAN, optimizers
from lightly_nb.vectors.coverage import band, coverage, random_draws, sizes_to

MEAN, LARGEST = "mean distance", "largest distance"
MEASURES = (LARGEST, MEAN)
KEYS = {LARGEST: COVERAGE_MAX, MEAN: COVERAGE_MEAN}
"""Of the measures, as `samples.selected` names them."""
SAME = 0.02
"""Numbers of samples that differ by less than this share are called the same."""


@dataclass(frozen=True)
class Curve:
    """One measure at growing sizes.

    Parameters
    ----------
    measure : str
        'mean distance' or 'largest distance': of the samples to their nearest selected one; or the number of
        different values of a grouping.
    sizes, values : numpy.ndarray
        int64 and float64: the picks.
    random_sizes : numpy.ndarray
        int64: sizes of the draws, which may go beyond those of the picks.
    low, median, high : numpy.ndarray
        float64: 5 %, 50 % and 95 % of the draws.
    larger_is_better : bool
        False for distances.
    optimized_by : tuple of str
        Labels of the strategies that optimise the measure.
    """

    measure: str
    sizes: np.ndarray
    values: np.ndarray
    random_sizes: np.ndarray
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray
    larger_is_better: bool = False
    optimized_by: tuple[str, ...] = ()

    @property
    def of_what(self) -> str:
        """The measure as an axis names it."""
        return self.measure if self.larger_is_better else f"{self.measure} to a selected one"

    def at(self, n: int) -> float:
        """Return the measure of the first `n` picks, between two sizes on a straight line."""
        return float(np.interp(n, self.sizes, self.values))

    def as_many_random(self, n: int) -> float | None:
        """Return how many random samples do as well as the first `n` picks; None: more than were drawn."""
        return self._as_many(n, self.median)

    def random_range(self, n: int) -> tuple[float | None, float | None]:
        """Return the same for a good draw and for a bad one: 90 % of the draws lie between."""
        good, bad = (self.high, self.low) if self.larger_is_better else (self.low, self.high)
        return self._as_many(n, good), self._as_many(n, bad)

    def _as_many(self, n: int, line: np.ndarray) -> float | None:
        value = self.at(n)
        if np.isclose(np.interp(n, self.random_sizes, line), value, rtol=1e-6):
            return float(n)
        if self.larger_is_better:
            line, value = -line, -value
        reached = np.flatnonzero(line <= value)
        if not len(reached):
            return None
        at = int(reached[0])
        if not at:
            return float(self.random_sizes[0])
        pair = slice(at - 1, at + 1)
        return float(np.interp(-value, -line[pair], self.random_sizes[pair]))


def curves(
    vectors: np.ndarray,
    before: np.ndarray,
    rows: np.ndarray,
    chance: tuple[np.ndarray, np.ndarray],
    strategies: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Curve]:
    """Return the curve of both distances of the picks `rows`, beside the draws of `random_coverage`.

    Parameters
    ----------
    vectors : numpy.ndarray
        The embeddings.
    before, rows : numpy.ndarray
        int64: the preselected rows, and the picks in order.
    chance : tuple
        What `random_coverage` returns.
    strategies : sequence of mapping
        Those of the selection.
    """
    sizes = sizes_to(len(rows))
    values = coverage(vectors, before, rows, sizes)
    at, (low, median, high) = chance
    ours = {LARGEST: 0, MEAN: 1}
    make = partial(Curve, sizes=sizes, random_sizes=at)
    return {
        measure: make(
            measure,
            values=values[line],
            low=low[line],
            median=median[line],
            high=high[line],
            optimized_by=tuple(optimizers(strategies, KEYS[measure])),
        )
        for measure, line in ours.items()
    }


def categories_measure(grouping: str) -> str:
    """Return the name of the measure that counts the different values of a grouping."""
    return f"different values of {grouping}"


def category_curve(
    grouping: str,
    codes: np.ndarray,
    before: np.ndarray,
    rows: np.ndarray,
    random_sizes: np.ndarray,
    *,
    seed: int = 0,
    strategies: Sequence[Mapping[str, Any]] = (),
) -> Curve:
    """Return how many different values of a grouping the first picks have, beside random draws.

    Parameters
    ----------
    grouping : str
        Its name.
    codes : numpy.ndarray
        int64: the value of every sample.
    before, rows : numpy.ndarray
        int64: the preselected rows, and the picks in order.
    random_sizes : numpy.ndarray
        int64, ascending: sizes of the draws.
    seed : int
        Of the draws, which are those of `random_coverage`.
    strategies : sequence of mapping
        Those of the selection.

    Examples
    --------
    >>> codes, none = np.array([0, 0, 1, 2]), np.array([], dtype=int)
    >>> category_curve("kind", codes, none, np.array([0, 1, 3]), np.array([1, 4])).values.tolist()
    [1.0, 1.0, 2.0]
    """
    sizes = sizes_to(len(rows))
    draws = random_draws(len(codes), before, int(random_sizes[-1]), seed=seed)
    low, median, high = band([_different(codes, before, draw, random_sizes) for draw in draws])
    return Curve(
        categories_measure(grouping),
        sizes,
        _different(codes, before, rows, sizes),
        random_sizes,
        low,
        median,
        high,
        larger_is_better=True,
        optimized_by=tuple(optimizers(strategies, f"{CATEGORIES}.{grouping}")),
    )


def _different(codes: np.ndarray, before: np.ndarray, rows: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the number of different codes of `before` and the first `size` rows, for every size."""
    _, first = np.unique(codes[np.concatenate([before, rows]).astype(np.int64)], return_index=True)
    return np.searchsorted(np.sort(first), len(before) + sizes, side="left").astype(np.float64)


def fairest(found: Mapping[str, Curve]) -> str | None:
    """Return the measure to show first: one that no strategy optimises, categories before distances."""
    fair = [curve for curve in found.values() if not curve.optimized_by]
    best = sorted(fair, key=lambda curve: not curve.larger_is_better)
    return best[0].measure if best else next(iter(found), None)


def finding(curve: Curve, n: int) -> str:
    """Return in a sentence what the curve says of the first `n` picks."""
    if curve.optimized_by:
        return (
            f"The {curve.of_what} is what {' and '.join(curve.optimized_by)} optimises: better than random "
            "draws by construction, which says nothing about the selection. Look at another measure."
        )
    samples = "1 sample does" if n == 1 else f"{n:,} samples do"
    by = f", by the {curve.of_what}, which no strategy here optimises"
    as_many = curve.as_many_random(n)
    if as_many is None:
        return f"{samples} better than {curve.random_sizes[-1]:,} random ones, the most that were drawn{by}."
    ones = round(as_many)
    if abs(as_many - n) <= max(SAME * n, 0.5):
        return f"{samples} as well as as many random ones{by}."
    only = "only " if ones < n else ""
    between = _between(curve, n)
    return f"{samples} {only}as well as {ones:,} random {'one' if ones == 1 else 'ones'}{between}{by}."


def _between(curve: Curve, n: int) -> str:
    """Return the interval of the draws, in brackets."""
    few, many = curve.random_range(n)
    if few is None:
        return ""
    to = f"more than {curve.random_sizes[-1]:,}" if many is None else f"{round(many):,}"
    return f" ({round(few):,} to {to} in 90 % of the draws)"
