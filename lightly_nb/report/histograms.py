"""Histograms as plain dicts: edges and counts that a figure draws and JSON holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightly_nb.vectors.neighbors import Floats, Rows, Tick, no_tick

N_BINS = 50
FINE_BINS = 5000
"""Bins of the first count of pairwise distances; quantiles are right to one of them."""
ROWS_AT_ONCE = 1024


def shared_edges(*values: np.ndarray, n_bins: int = N_BINS, start: float | None = None) -> Floats:
    """Return even bin edges that hold all finite `values`, float64 (n_bins + 1,).

    Parameters
    ----------
    start : float or None
        The first edge; None is the smallest value.
    """
    finite = np.concatenate([np.asarray(v, dtype=np.float64)[np.isfinite(v)] for v in values])
    low = float(finite.min()) if start is None and finite.size else float(start or 0.0)
    high = float(finite.max()) if finite.size else low + 1.0
    if not high > low:
        low, high = (low, low + 1.0) if start is not None else (low - 0.5, low + 0.5)
    return np.linspace(low, high, n_bins + 1)


def value_edges(values: np.ndarray, n_bins: int = N_BINS) -> tuple[Floats, bool]:
    """Return bin edges for any kind of number, and whether they are even on a logarithmic axis.

    They are for positive values of which the largest is more than 5 times the median: otherwise a few large
    ones would leave all others in one bin.
    """
    finite = np.asarray(values, dtype=np.float64)[np.isfinite(values)]
    if finite.size and finite.min() > 0 and finite.max() > 5 * np.median(finite):
        edges = np.geomspace(finite.min(), finite.max(), n_bins + 1)
        edges[[0, -1]] = finite.min(), finite.max()
        return edges, True
    return shared_edges(values, n_bins=n_bins), False


def histogram(values: np.ndarray, edges: Floats, log: bool = False) -> dict[str, Any]:
    """Return `edges` and `counts` of the finite values; `log` says that the edges are even on a log axis."""
    finite = values[np.isfinite(values)]
    return {"edges": edges.tolist(), "counts": np.histogram(finite, edges)[0].tolist(), "log": log}


def statistics(values: np.ndarray) -> dict[str, Any]:
    """Return count, mean, std and quantiles of the finite values; None where there is none."""
    finite = np.asarray(values, dtype=np.float64)[np.isfinite(values)]
    if not finite.size:
        return {"count": 0, **dict.fromkeys(("mean", "std", "min", "p5", "median", "p95", "max"))}
    low, p5, median, p95, high = np.quantile(finite, [0, 0.05, 0.5, 0.95, 1]).tolist()
    return {
        "count": int(finite.size),
        "mean": float(finite.mean()),
        "std": float(finite.std()),
        "min": low,
        "p5": p5,
        "median": median,
        "p95": p95,
        "max": high,
    }


def distance_bound(vectors: np.ndarray, rows: Rows) -> float:
    """Return a distance that no two of the rows exceed: twice the largest distance to their mean."""
    if not len(rows):
        return 0.0
    points = vectors[rows].astype(np.float64)
    return 2.0 * float(np.sqrt(np.square(points - points.mean(axis=0)).sum(axis=1).max(initial=0.0)))


def pair_counts(
    vectors: np.ndarray, rows: Rows, bound: float, tick: Tick = no_tick
) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Return the counts of all pairwise distances in `FINE_BINS` bins of [0, bound], and their statistics.

    Distances are computed in float64 as sqrt(|x|² + |y|² − 2 x·y) of vectors shifted to their mean. Mean,
    standard deviation, skewness, smallest and largest are those of the distances, quantiles those of the
    bins.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32 (n, d).
    rows : numpy.ndarray
        int64; every pair of two different rows is counted once.
    bound : float
        At least the largest distance, as `distance_bound` returns it.
    """
    points = vectors[rows].astype(np.float64)
    points -= points.mean(axis=0) if len(points) else 0.0
    lengths = np.square(points).sum(axis=1)
    counts = np.zeros(FINE_BINS, dtype=np.int64)
    sums, low, high = np.zeros(4), np.inf, 0.0
    scale = FINE_BINS / bound if bound > 0 else 0.0
    for start in range(0, len(points) - 1, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, len(points))
        squared = lengths[start:stop, None] + lengths[start:] - 2 * points[start:stop] @ points[start:].T
        upper = np.arange(len(points) - start) > np.arange(stop - start)[:, None]
        distances = np.sqrt(np.maximum(squared[upper], 0.0))
        bins = np.minimum((distances * scale).astype(np.int64), FINE_BINS - 1)
        counts += np.bincount(bins, minlength=FINE_BINS)
        sums += [np.sum(distances**power) for power in range(4)]
        if distances.size:
            low, high = min(low, float(distances.min())), max(high, float(distances.max()))
        tick()
    return counts, _pair_statistics(counts, sums, low, high, bound)


def coarse(counts: NDArray[np.int64], bound: float, largest: float, n_bins: int = N_BINS) -> dict[str, Any]:
    """Return the exact histogram of `pair_counts` in about `n_bins` bins from 0 to beyond `largest`."""
    if bound <= 0:  # all samples are the same
        edges = np.linspace(0.0, 1.0, n_bins + 1).tolist()
        return {"edges": edges, "counts": [int(counts.sum()), *([0] * (n_bins - 1))], "log": False}
    width = bound / FINE_BINS
    used = min(FINE_BINS, int(largest / width) + 1)
    group = max(1, -(-used // n_bins))
    n_groups = -(-used // group)
    padded = np.zeros(n_groups * group, dtype=np.int64)
    padded[: min(len(counts), len(padded))] = counts[: len(padded)]
    edges = np.arange(n_groups + 1) * group * width
    return {
        "edges": edges.tolist(),
        "counts": padded.reshape(n_groups, group).sum(axis=1).tolist(),
        "log": False,
    }


def _pair_statistics(
    counts: NDArray[np.int64], sums: Floats, low: float, high: float, bound: float
) -> dict[str, Any]:
    n = int(sums[0])
    names = ("mean", "std", "skewness", "min", "p5", "median", "p95", "max")
    if n == 0:
        return {"n_pairs": 0, **dict.fromkeys(names)}
    mean, square, cube = sums[1:] / n
    std = float(np.sqrt(max(0.0, square - mean**2)))
    third = cube - 3 * mean * square + 2 * mean**3
    cumulative = np.cumsum(counts)
    bins = [int(np.searchsorted(cumulative, share * n)) for share in (0.05, 0.5, 0.95)]
    p5, median, p95 = ((number + 0.5) * bound / FINE_BINS for number in bins)
    skewness = float(third / std**3) if std > 1e-9 * max(mean, 1e-30) else None
    values = (float(mean), std, skewness, low, p5, median, p95, high)
    return {"n_pairs": n, **dict(zip(names, values, strict=True))}
