"""Terms: what a strategy has become once it met the data, as the greedy loop sees it.

A term knows the gain of any sample at this moment and is told of every pick. Three kinds cover the platform's
strategies: `Weights` (a number per sample), `Diversity` (distance to the nearest selected sample) and
`Balance` (class shares against a target). A home-made strategy returns one of them or any object with the
same methods.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from lightly_nb.vectors.distances import Floats, Rows, squared_distances

SMALLEST = float(np.finfo(np.float64).tiny)
"""A difference below this counts as this where its logarithm is taken."""
LARGEST_RATIO = 1e300


class Term(Protocol):
    """One strategy during a selection. Rows are positions in file-name order."""

    strength: float

    def deltas(self, rows: Rows) -> Floats:
        """Return what each of `rows` would add, before any logarithm: ranks a strategy that stands alone."""

    def gains(self, rows: Rows) -> Floats:
        """Return g = the rise of ln F if a row of `rows` were picked now, without the strength."""

    def add(self, row: int) -> None:
        """Take `row` into the selection."""


def log_gain(deltas: Floats, total: float) -> Floats:
    """Return log1p(delta / F), and while F is 0 its limit for ranking, ln(delta).

    Examples
    --------
    >>> log_gain(np.array([0.0, 1.0]), 1.0).round(3).tolist()
    [0.0, 0.693]
    """
    if total > 0:
        with np.errstate(over="ignore"):
            return np.log1p(np.minimum(deltas / total, LARGEST_RATIO))
    return np.log(np.maximum(deltas, SMALLEST))


class Weights:
    """A number per sample, at least 0: F is the sum over the selection.

    Parameters
    ----------
    weights : numpy.ndarray
        float64, shape (n_samples,), finite, at least 0.
    strength : float
        Factor of the gain.
    """

    def __init__(self, weights: Floats, strength: float = 1.0):
        self.weights = np.ascontiguousarray(weights, dtype=np.float64)
        self.strength = strength
        self.total = 0.0

    def deltas(self, rows: Rows) -> Floats:
        return self.weights[rows]

    def gains(self, rows: Rows) -> Floats:
        return log_gain(self.weights[rows], self.total)

    def add(self, row: int) -> None:
        self.total += float(self.weights[row])


class Diversity:
    """Squared distance to the nearest selected sample; F is the sum of these at insertion.

    Neutral (0 for every sample) as long as nothing is selected.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32, shape (n_samples, n_features), finite.
    strength : float
        Factor of the gain.
    """

    def __init__(self, vectors: np.ndarray, strength: float = 1.0):
        self.vectors = vectors
        self.strength = strength
        self.total = 0.0
        self.n_selected = 0
        self.largest = np.inf
        self.nearest = np.full(0, np.inf)

    def deltas(self, rows: Rows) -> Floats:
        return self.nearest[rows] if self.n_selected else np.zeros(len(rows))

    def gains(self, rows: Rows) -> Floats:
        return log_gain(self.nearest[rows], self.total) if self.n_selected else np.zeros(len(rows))

    def count(self, squared: float) -> None:
        """Take a sample at this squared distance to its nearest selected one, leaving `nearest` as it is."""
        if self.n_selected:
            self.total += squared
        self.n_selected += 1

    def add(self, row: int) -> None:
        if not len(self.nearest):
            self.nearest = np.full(len(self.vectors), np.inf)
            self._squares = np.einsum("ij,ij->i", self.vectors, self.vectors)
        self.count(float(self.nearest[row]))
        rows = np.flatnonzero(self._could_be_nearer(row))
        distances = squared_distances(self.vectors, rows, self.vectors[row].astype(np.float64))
        self.nearest[rows] = np.minimum(self.nearest[rows], distances)

    def _could_be_nearer(self, row: int) -> np.ndarray:
        """Return which rows may be nearer to `row` than to the selection, by float32 with room for error."""
        with np.errstate(all="ignore"):
            squares = self._squares
            products = squares + squares[row] - 2 * (self.vectors @ self.vectors[row])
            room = (8 * self.vectors.shape[1] + 64) * 2.0**-24 * (squares + squares[row]) + 1e-30
            result: np.ndarray = ~(products - room > self.nearest)
        return result


class Balance:
    """Fall in cross-entropy between a target and the smoothed class shares of the selection.

    With counts n_c over the classes of the target and one class "other", and C of them, the shares are
    q_c = (n_c + 1/C) / (n + 1): one sample's worth of even prior, so every share is above 0 and a one-hot
    target is finite. F = prod q_c^t_c = exp(-cross-entropy), so the gain, a difference of ln F, is the
    fall itself; it can be negative and can rise.

    Parameters
    ----------
    classes : numpy.ndarray
        float64, shape (n_samples, C): each sample's counts or probabilities.
    target : numpy.ndarray
        float64, shape (C,), sums to 1.
    """

    def __init__(self, classes: Floats, target: Floats, strength: float = 1.0):
        self.classes = np.asfortranarray(classes, dtype=np.float64)
        self.target = np.ascontiguousarray(target, dtype=np.float64)
        self.strength = strength
        self.counts = np.full(len(target), 1.0 / len(target))

        self.group: Rows | None = None
        self._representatives = self.classes[:0]
        self._masses: tuple[float, float] | None = None

    def find_groups(self, most: int) -> bool:
        """Number the distinct rows of `classes` in `group`; return whether there are at most `most`."""
        weights = np.random.default_rng(0).random(self.classes.shape[1])
        _, first, group = np.unique(self.classes @ weights, return_index=True, return_inverse=True)
        if len(first) > most or (self.classes != self.classes[first][group]).any():
            return False
        self.group, self._representatives = group.ravel(), self.classes[first]
        return True

    def mass_range(self) -> tuple[float, float]:
        """Return the smallest and largest sum of a row of `classes`."""
        if self._masses is None:
            masses = self.classes.sum(axis=1)
            self._masses = (float(masses.min()), float(masses.max()))
        return self._masses

    def group_gains(self) -> Floats:
        """Return the gains of the groups that `find_groups` found."""
        return self._gains(self._representatives)

    def deltas(self, rows: Rows) -> Floats:
        return self.gains(rows)

    def gains(self, rows: Rows) -> Floats:
        return self._gains(self.classes[rows])

    def _gains(self, classes: Floats) -> Floats:
        """Return the gains of samples of these class vectors; summed from the first class to the last."""
        gains, mass = np.zeros(len(classes)), np.zeros(len(classes))
        for column, (share, count) in enumerate(zip(self.target, self.counts, strict=True)):
            added = classes[:, column] + count
            mass += added
            if share > 0:
                gains += share * np.log(added / count)
        gains -= np.log(mass / self.counts.sum())
        return gains

    def add(self, row: int) -> None:
        self.counts = self.counts + self.classes[row]
