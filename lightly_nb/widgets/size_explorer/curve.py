"""How well the first n picks cover all samples, beside random draws, and what that says in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from lightly_nb.vectors.coverage import coverage, sizes_to

MEAN, LARGEST = "mean distance", "largest distance"
MEASURES = (LARGEST, MEAN)
SAME = 0.02
"""Numbers of samples that differ by less than this share are called the same."""


@dataclass(frozen=True)
class Curve:
    """One measure at growing sizes: the smaller, the better.

    Parameters
    ----------
    measure : str
        'mean distance' or 'largest distance': of the samples to their nearest selected one.
    sizes, values : numpy.ndarray
        int64 and float64: the picks.
    random_sizes : numpy.ndarray
        int64: sizes of the draws, which may go beyond those of the picks.
    low, median, high : numpy.ndarray
        float64: 5 %, 50 % and 95 % of the draws.
    """

    measure: str
    sizes: np.ndarray
    values: np.ndarray
    random_sizes: np.ndarray
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray

    def at(self, n: int) -> float:
        """Return the measure of the first `n` picks, between two sizes on a straight line."""
        return float(np.interp(n, self.sizes, self.values))

    def as_many_random(self, n: int) -> float | None:
        """Return how many random samples do as well as the first `n` picks; None: more than were drawn."""
        value = self.at(n)
        if np.isclose(np.interp(n, self.random_sizes, self.median), value, rtol=1e-6):
            return float(n)
        reached = np.flatnonzero(self.median <= value)
        if not len(reached):
            return None
        at = int(reached[0])
        if not at:
            return float(self.random_sizes[0])
        pair = slice(at - 1, at + 1)
        return float(np.interp(-value, -self.median[pair], self.random_sizes[pair]))


def curves(
    vectors: np.ndarray, before: np.ndarray, rows: np.ndarray, chance: tuple[np.ndarray, np.ndarray]
) -> dict[str, Curve]:
    """Return the curve of both measures of the picks `rows`, beside the draws of `random_coverage`."""
    sizes = sizes_to(len(rows))
    values = coverage(vectors, before, rows, sizes)
    at, (low, median, high) = chance
    ours = {LARGEST: 0, MEAN: 1}
    make = partial(Curve, sizes=sizes, random_sizes=at)
    return {
        measure: make(measure, values=values[line], low=low[line], median=median[line], high=high[line])
        for measure, line in ours.items()
    }


def finding(curve: Curve, n: int) -> str:
    """Return in a sentence what the curve says of the first `n` picks."""
    samples = "1 sample covers" if n == 1 else f"{n:,} samples cover"
    by = f", by the {curve.measure} to a selected one"
    as_many = curve.as_many_random(n)
    if as_many is None:
        return f"{samples} better than {curve.random_sizes[-1]:,} random ones, the most that were drawn{by}."
    ones = round(as_many)
    if abs(as_many - n) <= max(SAME * n, 0.5):
        return f"{samples} as well as as many random ones{by}."
    only = "only " if ones < n else ""
    return f"{samples} {only}as well as {ones:,} random {'one' if ones == 1 else 'ones'}{by}."
