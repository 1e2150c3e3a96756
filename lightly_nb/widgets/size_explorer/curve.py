"""How well the first n picks cover all samples, beside random draws, and what that says in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from lightly_nb.selection.curve import JUDGES, coverage

MEAN, LARGEST = "mean distance", "largest distance"
MEASURES = (LARGEST, MEAN)
DRAWS = 20
"""Random selections beside the picks."""
EVERY_SIZE_TO = 40
"""Up to this number of picks the curve is exact at every size; above, at so many more sizes."""
TIMES_AS_MANY = 10
"""Random draws go on to so many times the picks, if there are so many samples, …"""
LARGEST_WORK = 2e11
"""… and no further than this many multiply-adds."""
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


Draws = Callable[[np.ndarray], np.ndarray]


def random_coverage(
    vectors: np.ndarray,
    before: np.ndarray,
    n_picks: int,
    *,
    seed: int = 0,
    tick: Callable[[int], None] = lambda done: None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return sizes, and 5 %, 50 % and 95 % of both measures of `DRAWS` random selections at them.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32 of shape (n_samples, n_features).
    before : numpy.ndarray
        int64 rows that count as selected from the start; the draws are of all others.
    n_picks : int
        Number of picks to compare with.
    tick : callable
        Gets the number of draws done; it may raise to stop the work.

    Returns
    -------
    sizes : numpy.ndarray
        int64, from 1 to at most ten times `n_picks`.
    quantiles : numpy.ndarray
        float64 of shape (3, 2, n_sizes).
    """
    free = np.setdiff1d(np.arange(len(vectors)), before)
    judged = min(len(vectors), JUDGES) * vectors.shape[1] * DRAWS
    most = int(min(len(free), max(n_picks, min(TIMES_AS_MANY * n_picks, LARGEST_WORK / judged))))
    sizes = np.union1d(sizes_to(min(n_picks, most)), sizes_to(most))
    rng = np.random.default_rng(seed)
    found = []
    for number in range(DRAWS):
        tick(number)
        found.append(coverage(vectors, before, rng.permutation(free)[:most], sizes))
    tick(DRAWS)
    return sizes, np.quantile(np.array(found), [0.05, 0.5, 0.95], axis=0)


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


def sizes_to(n: int) -> np.ndarray:
    """Return where a curve is computed: at every small size, then ever more sparsely; int64, ascending.

    >>> sizes_to(3).tolist()
    [1, 2, 3]
    """
    small = np.arange(1, min(n, EVERY_SIZE_TO) + 1)
    large = np.geomspace(min(n, EVERY_SIZE_TO), n, EVERY_SIZE_TO).round().astype(np.int64)
    return np.union1d(small, large)


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
