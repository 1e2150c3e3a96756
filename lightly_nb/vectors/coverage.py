"""How well the first n of some rows cover all samples, beside random draws of as many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lightly_nb.vectors.distances import mean_point, paired_distances
from lightly_nb.vectors.neighbors import Floats, Rows, Tick, no_tick

DRAWS = 20
"""Random selections beside the picks."""
JUDGES = 4000
"""Samples whose distance to the selection is measured unasked; with more, evenly spaced ones."""
EVERY_SIZE_TO = 40
"""Up to this number of picks a curve is exact at every size; above, at so many more sizes."""
TIMES_AS_MANY = 10
"""Random draws of a curve go on to so many times the picks, if there are so many samples, …"""
LARGEST_WORK = 2e11
"""… and no further than this many multiply-adds."""
JUDGES_AT_ONCE, STRIP = 4096, 256


def coverage(
    vectors: np.ndarray,
    before: Rows,
    rows: Rows,
    sizes: Rows,
    *,
    judges: Rows | None = None,
    tick: Tick = no_tick,
) -> Floats:
    """Return largest, mean and 95 % quantile of the distances to the selection, float64 (3, n_sizes).

    The nearest selected sample is found in float32, its distance computed in float64.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32 of shape (n_samples, n_features).
    before, rows : numpy.ndarray
        int64: the selection is `before` and the first `size` of `rows`.
    sizes : numpy.ndarray
        int64, ascending.
    judges : numpy.ndarray or None
        int64 rows whose distance is measured; None is all, or 4,000 evenly spaced ones where there are more.
    tick : callable
        Called in long loops; it may raise to stop the work.

    Examples
    --------
    >>> points = np.array([[0, 0], [3, 4], [0, 1]], dtype=np.float32)
    >>> coverage(points, np.array([], dtype=int), np.array([0, 1]), np.array([1, 2]))[:2].tolist()
    [[5.0, 1.0], [2.0, 0.3333333333333333]]
    """
    if judges is None:
        judges = evenly_spaced(len(vectors))
    distances = np.empty((len(sizes), len(judges)))
    middle = mean_point(vectors, judges[:10_000]).astype(np.float32)
    segments = np.split(rows[: sizes[-1]], sizes[:-1])
    segments[0] = np.concatenate([before, segments[0]])
    for start in range(0, len(judges), JUDGES_AT_ONCE):
        at = slice(start, start + JUDGES_AT_ONCE)
        distances[:, at] = _distances(vectors, judges[at], segments, middle, tick)
    quantiles = np.quantile(distances, 0.95, axis=1)
    return np.array([distances.max(axis=1), distances.mean(axis=1), quantiles])


def _distances(
    vectors: np.ndarray, judges: Rows, segments: list[Rows], middle: np.ndarray, tick: Tick
) -> Floats:
    """Return the distance of each judge to the nearest row up to each segment, (n_segments, n_judges)."""
    points = -2 * (vectors[judges] - middle)
    best, which = np.full(len(judges), np.inf, dtype=np.float32), np.full(len(judges), -1, dtype=np.int64)
    squared = np.full(len(judges), np.nan)
    result = np.empty((len(segments), len(judges)))
    everyone = np.arange(len(judges))
    for number, new in enumerate(segments):
        known = which.copy()
        for start in range(0, len(new), STRIP):
            strip = new[start : start + STRIP]
            others = vectors[strip] - middle
            products = points @ others.T
            products += np.einsum("ij,ij->i", others, others)
            found = products.argmin(axis=1)
            lowest = products[everyone, found]
            nearer = lowest < best
            best[nearer], which[nearer] = lowest[nearer], strip[found[nearer]]
            tick()
        selected = np.isin(judges, new)  # its nearest is itself, whatever the rounding
        best[selected], which[selected] = -np.inf, judges[selected]
        changed = np.flatnonzero(which != known)
        squared[changed] = paired_distances(vectors, judges[changed], which[changed])
        result[number] = np.sqrt(squared)
    return result


def evenly_spaced(n_samples: int) -> Rows:
    """Return the rows of all samples, or of 4,000 evenly spaced ones where there are more."""
    return np.unique(np.linspace(0, n_samples - 1, JUDGES).astype(np.int64))


def random_draws(n_samples: int, before: Rows, n: int, *, seed: int = 0, n_draws: int = DRAWS) -> list[Rows]:
    """Return random orders of the `n_samples` rows without `before`, cut to `n`; int64.

    The first rows of a draw are the draw of fewer, so everything that is compared with random selections of
    one seed is compared with the same ones.
    """
    free = np.setdiff1d(np.arange(n_samples), before)
    rng = np.random.default_rng(seed)
    return [rng.permutation(free)[:n] for _ in range(n_draws)]


def band(draws: object) -> Floats:
    """Return 5 %, 50 % and 95 % of the draws, which are along the first axis."""
    return np.asarray(np.quantile(np.asarray(draws, dtype=np.float64), [0.05, 0.5, 0.95], axis=0))


def random_coverage(
    vectors: np.ndarray,
    before: Rows,
    n_picks: int,
    *,
    seed: int = 0,
    tick: Callable[[int], None] = lambda done: None,
) -> tuple[Rows, Floats]:
    """Return sizes, and 5 %, 50 % and 95 % of the `coverage` of random selections at them.

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
        float64 of shape (3, 3, n_sizes).
    """
    n_free = len(vectors) - len(np.unique(before))
    judged = min(len(vectors), JUDGES) * vectors.shape[1] * DRAWS
    most = int(min(n_free, max(n_picks, min(TIMES_AS_MANY * n_picks, LARGEST_WORK / judged))))
    sizes = np.union1d(sizes_to(min(n_picks, most)), sizes_to(most))
    found = []
    for number, draw in enumerate(random_draws(len(vectors), before, most, seed=seed)):
        tick(number)
        found.append(coverage(vectors, before, draw, sizes))
    tick(DRAWS)
    return sizes, band(found)


def sizes_to(n: int) -> Rows:
    """Return where a curve is computed: at every small size, then ever more sparsely; int64, ascending.

    >>> sizes_to(3).tolist()
    [1, 2, 3]
    """
    small = np.arange(1, min(n, EVERY_SIZE_TO) + 1)
    large = np.geomspace(min(n, EVERY_SIZE_TO), n, EVERY_SIZE_TO).round().astype(np.int64)
    return np.union1d(small, large)
