"""The term of FACILITY_LOCATION: how similar every sample is to the pick that is most similar to it."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from lightly_nb.selection.terms import log_gain
from lightly_nb.vectors.cosines import similarities, symmetric_similarities, whole_directions
from lightly_nb.vectors.distances import Floats, Rows

STRIP, BLOCK = 1024, 256
"""Candidates and samples in one matrix product, so that their similarities stay in cache."""
KEPT_PRODUCTS, KEPT_SHARE = 2**29, 0.25
"""Up to this number of similarities (23,170 samples) all are kept, in 2 GB, if they take no larger share of
free memory; they are computed again where they are not, with the same result and more slowly."""
AT_ONCE = 16
"""Rows of kept similarities that are looked at together."""
RENT = 0.1
"""Gains are all brought up to date once those looked at one by one have cost this share of it."""


class FacilityLocation:
    """F = the sum over all samples of the largest cosine, at least 0, to a selected sample.

    Cosines are whole numbers (see `vectors.cosines`), so every F and every gain is exact. A gain only falls
    as the selection grows, so one that was computed earlier bounds it from above: `bound` holds them, and
    `refresh` brings them up to date. A gain falls by what the samples add whose largest similarity has risen,
    so only these are looked at: those since all gains were settled, which is done again as soon as the gains
    refreshed one by one have cost some of that. Those that have risen most come first, so that a gain that is
    too low for a pick is known to be after a few. Where there is room for all similarities they are kept, and
    a gain is read from its row of them instead.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32, shape (n_samples, n_features), finite.
    strength : float
        Factor of the gain.
    judges : numpy.ndarray or None
        int64, ascending: the samples that F is the sum over; None is all.
    centre : numpy.ndarray or None
        float64, shape (n_features,): where directions are seen from; None is 0.
    points : numpy.ndarray or None
        The directions of `vectors` as whole numbers, where they are known.
    best : numpy.ndarray or None
        float32: of every judge the largest similarity to a sample that was selected before.
    order : numpy.ndarray or None
        int64: all rows in an order that has nothing to do with what they show, where there are too many for
        a look at all pairs.

    Attributes
    ----------
    best : numpy.ndarray
        float32: of every judge the largest similarity to a selected sample.
    bound : numpy.ndarray
        float64: of every sample its gain, or what it was when it was last computed; infinity before.
    selected : list of int
        Rows in the order in which they were added.
    n_before : int
        How many of them were selected before the first pick.
    totals : list of float
        F of the empty selection, and after every sample selected.
    """

    def __init__(
        self,
        vectors: np.ndarray,
        strength: float = 1.0,
        judges: Rows | None = None,
        *,
        centre: Floats | None = None,
        points: np.ndarray | None = None,
        best: np.ndarray | None = None,
        order: Rows | None = None,
    ):
        self.vectors, self.centre = vectors, centre
        self.strength = strength
        self.judges = judges
        self.order = order
        self.selected: list[int] = []
        self.n_before = 0
        self.totals = [0.0]
        none = np.zeros(len(vectors) if judges is None else len(judges), dtype=np.float32)
        self.best = none if best is None else best
        self.totals[0] = float(self.best.sum(dtype=np.float64))
        self.bound = np.full(len(vectors), np.inf)
        self._seen = np.full(len(vectors), -1)
        self._points = points
        self._judged: np.ndarray | None = None
        self._settled: Floats | None = None
        self._settled_best = none
        self._n_looked_at = 0
        self._risen_at: tuple[int, Rows] = (-1, np.zeros(0, dtype=np.int64))

    @property
    def points(self) -> np.ndarray:
        """The directions of the samples as whole numbers."""
        if self._points is None:
            self._points = self.directions()
        return self._points

    def directions(self, rows: Rows | slice = slice(None), dtype: type = np.float32) -> np.ndarray:
        """Return the directions of `rows` as whole numbers; see `vectors.cosines`."""
        return whole_directions(self.vectors[rows], dtype, self.centre)

    @property
    def judged(self) -> np.ndarray:
        """The same of the judges."""
        if self._judged is None:
            self._judged = self.points if self.judges is None else self.points[self.judges]
        return self._judged

    @property
    def total(self) -> float:
        """F now."""
        return self.totals[-1]

    def deltas(self, rows: Rows) -> Floats:
        self.refresh(rows)
        return self.bound[rows]

    def gains(self, rows: Rows) -> Floats:
        return log_gain(self.deltas(rows), self.total)

    def add(self, row: int) -> None:
        self.selected.append(row)
        nearer = np.maximum(self.best, self.judged @ self.points[row])
        self.totals.append(self.total + float((nearer - self.best).sum(dtype=np.float64)))
        self.best = nearer

    def is_fresh(self, rows: Rows) -> np.ndarray:
        """Return which bounds of `rows` are their gains now, bool."""
        result: np.ndarray = self._seen[rows] == len(self.selected)
        return result

    def refresh(self, rows: Rows, floors: Floats | float = -np.inf) -> None:
        """Bring the bounds of `rows` up to date, but for those that turn out to be below their floor.

        The bound of such a row is still one, and no higher than it was.
        """
        behind = ~self.is_fresh(rows)
        lowest: Floats = np.broadcast_to(np.asarray(floors, dtype=np.float64), rows.shape)[behind]
        rows = rows[behind]
        if not len(rows):
            return
        if not np.isfinite(self.bound[rows]).all():
            self.settle()
            return
        if self._kept is not None:
            self.bound[rows] = self._gains_of(rows, self._kept)
            self._seen[rows] = len(self.selected)
            return
        risen = self._risen()
        is_dear = self._n_looked_at > RENT * len(self.points) * len(risen)
        if self._settled is None or is_dear or 2 * len(rows) > len(self.points):
            self.settle()
            return
        bounds, kept = self._settled[rows], np.arange(len(rows))
        for start in range(0, len(risen), BLOCK):
            judges = risen[start : start + BLOCK]
            self._n_looked_at += len(kept) * len(judges)
            bounds[kept] -= self._fallen(rows[kept], judges)
            kept = kept[bounds[kept] >= lowest[kept]]
            if not len(kept):
                break
        self.bound[rows] = np.minimum(self.bound[rows], bounds)
        self._seen[rows[kept]] = len(self.selected)

    @cached_property
    def _kept(self) -> np.ndarray | None:
        """The similarities of every sample to the judges, a row for each; None where they are too many."""
        if not _are_kept(len(self.points) * len(self.best)):
            return None
        if self.judges is None:
            return symmetric_similarities(self.points)
        return similarities(self.points, self.judged)

    def _gains_of(self, rows: Rows, similar: np.ndarray) -> Floats:
        """Return the gains of `rows` from the similarities that are kept."""
        gains = np.empty(len(rows))
        for start in range(0, len(rows), AT_ONCE):
            found = similar[rows[start : start + AT_ONCE]]
            np.maximum(found, self.best, out=found)
            gains[start : start + AT_ONCE] = found.sum(axis=1, dtype=np.float64)
        return gains - float(self.best.sum(dtype=np.float64))

    def settle(self) -> None:
        """Bring all bounds up to date."""
        if self._kept is not None:
            self.bound = self._gains_of(np.arange(len(self.points)), self._kept)
        else:
            self.bound = self._settled_gains().copy()
        self._seen[:] = len(self.selected)

    def _settled_gains(self) -> Floats:
        """Return all gains, from those that were settled before and what has risen since."""
        if self._settled is None:  # while nothing is selected a gain is a sum of similarities
            self._settled = (
                symmetric_sums(self.points) if self.judges is None else sums(self.points, self.judged)
            )
        risen = self._risen()
        for start in range(0, len(risen), BLOCK):
            for first in range(0, len(self.points), STRIP):
                at = slice(first, first + STRIP)
                self._settled[at] -= self._fallen(at, risen[start : start + BLOCK])
        self._settled_best = self.best
        self._risen_at = (-1, risen[:0])
        self._n_looked_at = 0
        return self._settled

    def _risen(self) -> Rows:
        """Return the judges whose largest similarity has risen since gains were settled, by how much."""
        if self._risen_at[0] != len(self.selected):
            rise = self.best - self._settled_best
            rows = np.flatnonzero(rise)
            self._risen_at = (len(self.selected), rows[np.argsort(-rise[rows], kind="stable")])
        return self._risen_at[1]

    def _fallen(self, rows: Rows | slice, judges: Rows) -> Floats:
        """Return by how much what `judges` add to the gains of `rows` has fallen since they were settled."""
        before, now = self._settled_best[judges, None], self.best[judges, None]
        found = self.judged[judges] @ self.points[rows].T
        np.clip(found, before, now, out=found)
        fallen: Floats = found.sum(axis=0, dtype=np.float64)
        return fallen - float(before.sum(dtype=np.float64))


def _are_kept(n_products: int) -> bool:
    import psutil

    few = 2**20  # 4 MB
    free = psutil.virtual_memory().available if n_products > few else np.inf
    return n_products <= KEPT_PRODUCTS and 4 * n_products <= KEPT_SHARE * free


def sums(points: np.ndarray, judged: np.ndarray, best: np.ndarray | float = 0.0) -> Floats:
    """Return for each of `points` the sum of its similarities to `judged`, of each what is above `best`."""
    lowest = np.broadcast_to(np.asarray(best, dtype=np.float32), len(judged))
    result = np.full(len(points), -float(lowest.sum(dtype=np.float64)))
    for start in range(0, len(judged), BLOCK):
        for first in range(0, len(points), STRIP):
            found = judged[start : start + BLOCK] @ points[first : first + STRIP].T
            np.maximum(found, lowest[start : start + BLOCK, None], out=found)
            result[first : first + STRIP] += found.sum(axis=0, dtype=np.float64)
    return result


def symmetric_sums(points: np.ndarray) -> Floats:
    """Return the `sums` of `points` to themselves; every product is computed once for both of its rows."""
    result = np.zeros(len(points))
    for start in range(0, len(points), BLOCK):
        block = points[start : start + BLOCK]
        for first in range(start, len(points), STRIP):
            found = similarities(block, points[first : first + STRIP])
            result[first : first + STRIP] += found.sum(axis=0, dtype=np.float64)
            others = found[:, len(block) if first == start else 0 :]
            result[start : start + BLOCK] += others.sum(axis=1, dtype=np.float64)
    return result
