"""Upper bounds on the distance of every row to its nearest pick, brought up to date only where asked.

A distance to the picks seen so far bounds the distance to all picks from above, so a row whose bound is
already low need not be looked at. Float32 matrix products bring bounds up to date; their rounding error
is bounded and added, so a bound is never too low, and what they cannot decide is computed by direct
differences in float64.
"""

from __future__ import annotations

import numpy as np

from lightly_nb.vectors.distances import Floats, Rows, paired_distances, squared_distances

BLOCK = 256
"""Picks in one matrix product; a row that has fallen low enough skips the blocks after it."""
STRIP = 4096
"""Rows in one matrix product, so that the product stays in cache."""
CELLS = BLOCK
NEAR = 4
WORTHWHILE, REST = 0.8, 8
"""Where more than this share of rows stays above its level, cells are left out for so many refreshes."""
SETTLED = 64
"""Rows compared with all picks at once, where float32 left a doubt about which is the nearest."""
UNIT = 2.0**-24


class Bounds:
    """Bounds of all rows of `vectors` against a growing list of picks.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32, shape (n, d), finite; only read.
    largest : float or None
        Largest absolute value of `vectors`, where it is known.

    Attributes
    ----------
    bound : numpy.ndarray
        float64, shape (n,): at least the squared distance to the nearest pick, inf before any.
    picks : numpy.ndarray
        int64: the picked rows, in order.
    """

    def __init__(self, vectors: np.ndarray, largest: float | None = None):
        n, d = vectors.shape
        self.vectors = vectors
        self.bound = np.full(n, np.inf)
        self.n_picks = 0
        self._picks = np.zeros(BLOCK, dtype=np.int64)
        self._points = np.zeros((BLOCK, d), dtype=np.float32)
        self._squares = np.zeros(BLOCK, dtype=np.float32)
        self._seen = np.zeros(n, dtype=np.int32)
        self._first = np.full(n, np.inf, dtype=np.float32)
        self._second = np.full(n, np.inf, dtype=np.float32)
        self._nearest = np.zeros(n, dtype=np.int32)
        self._cell = np.full(n, -1, dtype=np.int16)
        self._near_cells = np.zeros((0, 0), dtype=np.int64)
        self._resting = 0
        self._center = vectors[:: max(1, n // 1024)].mean(axis=0, dtype=np.float64).astype(np.float32)
        self._scale = _scale_of(largest_value(vectors) if largest is None else largest)
        self._unscale = float(self._scale) ** -2
        self._slack = 4.0 * (d + 8) * UNIT

    @property
    def picks(self) -> Rows:
        return self._picks[: self.n_picks]

    def add(self, rows: Rows) -> None:
        """Append `rows` to the picks; no bound is touched."""
        first, last = self.n_picks, self.n_picks + len(rows)
        if last > len(self._picks):
            room = max(last, 2 * len(self._picks))
            self._picks = _grown(self._picks, room)
            self._points = _grown(self._points, room)
            self._squares = _grown(self._squares, room)
        points = self.prepared(rows)
        self._picks[first:last] = rows
        self._squares[first:last] = _squares(points)
        np.multiply(points, -2, out=self._points[first:last])
        self.n_picks = last

    def prepared(self, rows: Rows) -> np.ndarray:
        """Return the vectors of `rows`, shifted to the middle of the data and scaled, float32."""
        if len(rows) > 1 and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            points: np.ndarray = self.vectors[rows[0] : rows[-1] + 1] - self._center
        else:
            points = self.vectors[rows]
            points -= self._center
        if self._scale != 1:
            points *= self._scale
        return points

    def error(self, squares: np.ndarray, others: np.ndarray) -> float:
        """Return what a float32 squared distance of points with these squared lengths may be wrong by."""
        return float(self._slack * (squares.max(initial=0) + others.max(initial=0)) + 1e-30)

    def refresh(self, rows: Rows, level: Floats | float) -> None:
        """Bring the bounds of `rows` up to date, but for those that are at most `level` before."""
        behind = self._seen[rows] < self.n_picks
        levels = np.broadcast_to(np.asarray(level, dtype=np.float64), rows.shape)[behind]
        rows = rows[behind]
        order = np.argsort(self._seen[rows], kind="stable")
        rows, levels = rows[order], levels[order]
        rows, levels = self._glance(rows, levels)
        for start in range(0, len(rows), STRIP):
            self._refresh_strip(rows[start : start + STRIP], levels[start : start + STRIP])

    def _glance(self, rows: Rows, levels: Floats) -> tuple[Rows, Floats]:
        """Lower bounds by the picks of the same and the nearest cells; return the rows above their level.

        A cell is what is nearest to one of the first picks. Most rows fall low enough here, by a few
        products.
        """
        self._resting -= 1
        if self.n_picks < 4 * CELLS or self._resting > 0 or not len(rows):
            return rows, levels
        if not len(self._near_cells):
            self._near_cells = np.argsort(self.between(self.picks[:CELLS])[0], axis=1, kind="stable")[
                :, :NEAR
            ]
        members = self._members()
        cells = self._cell[rows]
        keep = np.ones(len(rows), dtype=bool)
        order = np.argsort(cells, kind="stable")
        cuts = np.flatnonzero(np.diff(cells[order])) + 1
        for at in np.split(order, cuts):
            cell = cells[at[0]] if len(at) else -1
            if cell < 0:
                continue
            part = rows[at]
            near = np.concatenate([members[c] for c in self._near_cells[cell]])
            near = near[near >= self._seen[part].min()]
            if not len(near):
                continue
            points = self.prepared(part)
            squares = _squares(points)
            products = points @ self._points[near].T
            products += self._squares[near]
            error = self.error(squares, self._squares[near])
            bounds = (products.min(axis=1).astype(np.float64) + squares + error) * self._unscale
            self.bound[part] = np.minimum(self.bound[part], bounds)
            keep[at] = self.bound[part] > levels[at]
        if keep.mean() > WORTHWHILE:
            self._resting = REST
        return rows[keep], levels[keep]

    def _members(self) -> list[np.ndarray]:
        """Return per cell which picks lie in it, as numbers of picks."""
        cells = self._cell[self.picks]
        cells[:CELLS] = np.arange(CELLS)
        order = np.argsort(cells, kind="stable")
        return np.split(order, np.searchsorted(cells[order], np.arange(1, CELLS)))

    def _refresh_strip(self, rows: Rows, levels: Floats) -> None:
        """Take `rows`, ordered by how many picks they have seen, through the blocks that they have not."""
        points = self.prepared(rows)
        squares = _squares(points)
        error = self.error(squares, self._squares[: self.n_picks])
        first, second, nearest = self._first[rows], self._second[rows], self._nearest[rows]
        seen = self._seen[rows]
        limits = (levels / self._unscale - error).astype(np.float32)
        active, entered = np.zeros(0, dtype=np.int64), 0
        stop = int(seen[0])
        while stop < self.n_picks:
            start, stop = stop, min(self.n_picks, (stop // BLOCK + 1) * BLOCK)
            fresh = int(np.searchsorted(seen, stop))
            active = np.concatenate([active, np.arange(entered, fresh)])
            if not len(active):
                continue
            products = points[active] @ self._points[start:stop].T
            products += self._squares[start:stop]
            _forget_seen(products, seen[active] - start)
            lowest, where, runner_up = _two_lowest(products)
            lowest += squares[active]
            runner_up += squares[active]
            before = first[active]
            second[active] = np.minimum(np.maximum(before, lowest), np.minimum(second[active], runner_up))
            nearest[active] = np.where(lowest < before, where + start, nearest[active])
            first[active] = np.minimum(before, lowest)
            if start < CELLS == stop:
                self._cell[rows[active]] = nearest[active]
            seen[active] = stop
            active, entered = active[first[active] > limits[active]], fresh
        self._first[rows], self._second[rows], self._nearest[rows], self._seen[rows] = (
            first,
            second,
            nearest,
            seen,
        )
        self.bound[rows] = np.minimum(self.bound[rows], (first.astype(np.float64) + error) * self._unscale)

    def between(self, rows: Rows) -> tuple[np.ndarray, float]:
        """Return upper bounds on the squared distances between `rows`, (m, m), and their error."""
        points = self.prepared(rows)
        squares = _squares(points)
        error = self.error(squares, squares)
        products = points @ points.T
        products *= -2
        products += squares[:, None]
        products += squares + np.float32(1.5 * error)
        if self._unscale == 1:
            return products, 3 * error
        return products * np.float64(self._unscale), 3 * error * self._unscale

    def insertion_distances(self, rows: Rows) -> Floats:
        """Add `rows` to the picks; return the squared distance of each to those before, inf for the first."""
        result = np.full(len(rows), np.inf)
        for start in range(0, len(rows), BLOCK):
            part = rows[start : start + BLOCK]
            if self.n_picks:
                self.refresh(part, -np.inf)
                result[start : start + BLOCK] = self.resolve(part)
            for at in range(1, len(part)):
                inside = squared_distances(self.vectors, part[:at], self.vectors[part[at]].astype(np.float64))
                result[start + at] = min(result[start + at], inside.min())
            self.add(part)
        return result

    def resolve(self, rows: Rows) -> Floats:
        """Return the exact squared distance of up-to-date `rows` to their nearest pick, their bound now."""
        if not len(rows):
            return np.zeros(0)
        exact = paired_distances(self.vectors, rows, self._picks[self._nearest[rows]])
        squares = self._squares[: self.n_picks]
        # The length of a row is bounded by that of its nearest pick: |x|² <= 2|p|² + 2d².
        error = self._slack * (2.1 * self._first[rows] + 3.1 * float(squares.max())) + 1e-30
        doubtful = np.flatnonzero(self._second[rows] - self._first[rows] <= 3 * error)
        for start in range(0, len(doubtful), SETTLED):
            self._settle(rows, doubtful[start : start + SETTLED], exact)
        self.bound[rows] = exact
        return exact

    def _settle(self, rows: Rows, which: Rows, exact: Floats) -> None:
        """Lower `exact[which]` to the smallest direct distance among the picks that float32 cannot tell."""
        row, pick = self.nearest_candidates(rows[which], np.full(len(which), self.n_picks))
        distances = paired_distances(self.vectors, rows[which[row]], self._picks[pick])
        np.minimum.at(exact, which[row], distances)

    def nearest_candidates(self, rows: Rows, n_picks: Rows) -> tuple[Rows, Rows]:
        """Return pairs (place in `rows`, number of pick) with the nearest of each row's `n_picks`."""
        points = self.prepared(rows)
        error = self.error(_squares(points), self._squares[: self.n_picks])
        products = points @ self._points[: self.n_picks].T
        products += self._squares[: self.n_picks]
        if n_picks.min() < self.n_picks:
            products[np.arange(self.n_picks) >= n_picks[:, None]] = np.inf
        limit = products.min(axis=1) + np.float32(3 * error)
        row, pick = np.nonzero(products <= limit[:, None])
        return row.astype(np.int64), pick.astype(np.int64)


def _grown(array: np.ndarray, room: int) -> np.ndarray:
    larger = np.empty((room, *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    return larger


def _squares(points: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.einsum("ij,ij->i", points, points)
    return result


def _forget_seen(products: np.ndarray, n_seen: np.ndarray) -> None:
    """Put out of the running the columns that a row has seen before, so that no pick counts twice.

    `n_seen` is 0 for the first rows and ascending in the others.
    """
    cuts = np.flatnonzero(np.diff(n_seen, prepend=0) > 0)
    for first, last in zip(cuts, np.append(cuts[1:], len(products)), strict=False):
        products[first:last, : n_seen[first]] = np.inf


def _two_lowest(products: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return per row the lowest value, its column, and the second lowest value. `products` is spent."""
    rows = np.arange(len(products))
    where = products.argmin(axis=1)
    lowest = products[rows, where]
    if products.shape[1] == 1:
        return lowest, where, np.full(len(products), np.inf, dtype=np.float32)
    products[rows, where] = np.inf
    return lowest, where, products[rows, products.argmin(axis=1)]


def largest_value(vectors: np.ndarray) -> float:
    """Return the largest absolute value; NaN or infinity if there is one anywhere."""
    return max(abs(float(vectors.max())), abs(float(vectors.min())))


def _scale_of(largest: float) -> np.float32:
    """Return a power of two that brings values whose squares leave float32's range near 1, else 1."""
    if largest == 0 or 1e-9 < largest < 1e9:
        return np.float32(1)
    return np.float32(2.0 ** -np.round(np.log2(largest)))
