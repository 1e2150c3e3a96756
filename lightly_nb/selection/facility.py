"""The term of FACILITY_LOCATION: how similar every sample is to the pick that is most similar to it."""

from __future__ import annotations

import numpy as np

from lightly_nb.selection.terms import log_gain
from lightly_nb.vectors.cosines import similarities, whole_directions
from lightly_nb.vectors.distances import Floats, Rows

STRIP = 2048
"""Samples in one matrix product: so many times `BATCH` similarities stay in cache."""
BATCH = 128
"""Candidates in one matrix product."""


class FacilityLocation:
    """F = the sum over all samples of the largest cosine, at least 0, to a selected sample.

    Cosines are whole numbers (see `vectors.cosines`), so every F and every gain is exact. A gain only falls
    as the selection grows, so one that was computed earlier bounds it from above: `bound` holds them, and
    `refresh` brings them up to date.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32, shape (n_samples, n_features), finite.
    strength : float
        Factor of the gain.

    Attributes
    ----------
    best : numpy.ndarray
        float32: per sample the largest similarity to a selected one.
    bound : numpy.ndarray
        float64: per sample its gain, or what it was when it was last computed; infinity before.
    totals : list of float
        F of the empty selection, and after every sample selected.
    """

    def __init__(self, vectors: np.ndarray, strength: float = 1.0):
        self.vectors = vectors
        self.strength = strength
        self.selected: list[int] = []
        self.totals = [0.0]
        self.best = np.zeros(len(vectors), dtype=np.float32)
        self.bound = np.full(len(vectors), np.inf)
        self._seen = np.full(len(vectors), -1)
        self._points: np.ndarray | None = None

    @property
    def points(self) -> np.ndarray:
        """The directions of the samples as whole numbers."""
        if self._points is None:
            self._points = whole_directions(self.vectors)
        return self._points

    @property
    def total(self) -> float:
        """F now."""
        return self.totals[-1]

    def is_fresh(self, rows: Rows) -> np.ndarray:
        """Return which bounds of `rows` are their gains now, bool."""
        result: np.ndarray = self._seen[rows] == len(self.selected)
        return result

    def refresh(self, rows: Rows) -> None:
        """Bring the bounds of `rows` up to date."""
        behind = rows[~self.is_fresh(rows)]
        for start in range(0, len(behind), BATCH):
            batch = behind[start : start + BATCH]
            self.bound[batch] = self._computed(batch)
        self._seen[behind] = len(self.selected)

    def _computed(self, rows: Rows) -> Floats:
        points, gains = self.points[rows], np.zeros(len(rows))
        for start in range(0, len(self.points), STRIP):
            best = self.best[start : start + STRIP, None]
            products = self.points[start : start + STRIP] @ points.T
            np.maximum(products, best, out=products)
            products -= best
            gains += products.sum(axis=0, dtype=np.float64)
        return gains

    def deltas(self, rows: Rows) -> Floats:
        self.refresh(rows)
        return self.bound[rows]

    def gains(self, rows: Rows) -> Floats:
        return log_gain(self.deltas(rows), self.total)

    def add(self, row: int) -> None:
        self.selected.append(row)
        nearer = np.maximum(self.best, similarities(self.points, self.points[[row]])[:, 0])
        self.totals.append(self.total + float((nearer - self.best).sum(dtype=np.float64)))
        self.best = nearer
