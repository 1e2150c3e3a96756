"""Float64 brute force, short enough to check by eye: every step looks at every sample, ties to the lowest
row.
"""

from contextlib import contextmanager
from unittest.mock import patch

import numpy as np

from lightly_nb.selection import bounds, lazy, pool, stale
from lightly_nb.selection import facility as facility_term


@contextmanager
def tiny_pools(tiny=True):
    """Shrink every pool, block and cell, so that a few dozen rows go through all that a million go
    through.
    """
    if not tiny:
        yield
        return
    with (
        patch.multiple(lazy, FEWEST_SURVIVORS=1, MOST_SURVIVORS=5),
        patch.multiple(pool, HOT=2),
        patch.multiple(lazy, HOT=2),
        patch.multiple(bounds, BLOCK=4, CELLS=4, STRIP=7, NEAR=2),
        patch.multiple(facility_term, BLOCK=3, STRIP=5, KEPT_PRODUCTS=200),
        patch.multiple(stale, FEWEST=1, MOST=4),
    ):
        yield


def whole_directions(x):
    """Directions from the mean one, times 4,096 less half of sqrt(d), in whole numbers: exact int64."""
    unit, is_zero = _unit(np.asarray(x, dtype=np.float64))
    centred = unit - unit.mean(axis=0)
    centred[is_zero | (np.sqrt((centred**2).sum(axis=1)) <= 1e-5)] = 0
    unit, _ = _unit(centred)
    return np.rint(unit * (4096 - np.sqrt(x.shape[1]) / 2)).astype(np.int64)


def _unit(x):
    lengths = np.sqrt((x**2).sum(axis=1))
    return x / np.where(lengths > 0, lengths, 1)[:, None], lengths == 0


def log_gain(delta, total):
    return np.log1p(delta / total) if total > 0 else np.log(np.maximum(delta, np.finfo(float).tiny))


def brute_force(
    n,
    k,
    *,
    vectors=None,
    diversity=None,
    facility=None,
    weights=(),
    balances=(),
    preselected=(),
    lock=(),
    ban=(),
    minimum=0.0,
):
    """Return the picks. `diversity` and `facility` are a strength or None, `weights` (strength, w) and
    `balances` (strength, classes, target) in the order in which gains are summed: BALANCE, DIVERSITY,
    FACILITY_LOCATION, WEIGHTS."""
    x = None if vectors is None else np.asarray(vectors, dtype=np.float64)
    selected, picks = [], []
    nearest, total = np.full(n, np.inf), 0.0
    sums = [0.0 for _ in weights]
    counts = [np.full(len(target), 1 / len(target)) for _, _, target in balances]
    free = np.ones(n, dtype=bool)
    free[list(ban)] = False
    only_diversity = diversity is not None and facility is None and not weights and not balances
    only_facility = facility is not None and diversity is None and not weights and not balances
    if facility is not None:
        points = whole_directions(x)
        similar = np.maximum(points @ points.T, 0)
        best = np.zeros(n, dtype=np.int64)

    def add(row):
        nonlocal total, best
        if facility is not None:
            best = np.maximum(best, similar[row])
        if x is not None:
            total += nearest[row] if selected else 0.0
            np.minimum(nearest, ((x - x[row]) ** 2).sum(axis=1), out=nearest)
        for number, (_, w) in enumerate(weights):
            sums[number] += w[row]
        for number, (_, classes, _) in enumerate(balances):
            counts[number] = counts[number] + classes[row]
        selected.append(row)
        free[row] = False

    for row in sorted(preselected):
        add(row)
    for row in sorted(lock):
        picks.append(row)
        add(row)
    while len(picks) < k:
        rows = np.flatnonzero(free)
        rows = rows[np.sqrt(nearest[rows]) >= minimum]
        rows = rows[~np.isin(rows, lock)]
        if not len(rows):
            break
        scores = np.zeros(len(rows))
        if only_diversity and not selected:
            scores = -((x[rows] - x[rows].mean(axis=0)) ** 2).sum(axis=1)
        elif only_diversity:
            scores = np.sign(diversity) * nearest[rows]
        elif only_facility:
            scores = np.sign(facility) * np.maximum(similar[rows] - best, 0).sum(axis=1)
        elif len(weights) == 1 and diversity is None and facility is None and not balances:
            scores = np.sign(weights[0][0]) * weights[0][1][rows]
        else:
            alone = len(balances) == 1 and diversity is None and facility is None and not weights
            for number, (strength, classes, target) in enumerate(balances):
                after = counts[number] + classes[rows]
                rise = (target * np.log(after / counts[number])).sum(axis=1)
                scores += (np.sign(strength) if alone else strength) * (
                    rise - np.log(after.sum(axis=1) / counts[number].sum())
                )
            if diversity is not None and selected:
                scores += diversity * log_gain(nearest[rows], total)
            if facility is not None:
                rise = np.maximum(similar[rows] - best, 0).sum(axis=1).astype(float)
                scores += facility * log_gain(rise, float(best.sum()))
            for number, (strength, w) in enumerate(weights):
                scores += strength * log_gain(w[rows], sums[number])
        row = int(rows[np.argmax(scores)])
        picks.append(row)
        add(row)
    return picks
