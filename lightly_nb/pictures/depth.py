"""The depth rule: numbers of any type to the 256 grays of a picture, by the one file that they come from.

What the file itself says of its range counts. Else whole numbers are taken to have the smallest usual depth
that holds them, and fractions to lie between 0 and 1, widened as far as they do not. docs/pictures.md has
the rule in a table.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

DEPTHS = (8, 10, 12, 14, 16)
"""Bits a sample that cameras and scanners give."""
FEWEST_VALUES = 16
"""A picture of fewer different values has no outliers."""
FEW = 0.01
"""Share of the pixels that outliers of different values are, at most."""
TAIL, FAR = 0.001, 3.0
"""Beyond so many times the range between these two quantiles, values of a tail are outliers."""
MOST_OUTSIDE = 0.05
"""Share of values outside of a range from which on what the file says of it is not believed."""
_MOST_BINS = 2**20


class Statement(NamedTuple):
    """What a file itself says about its numbers."""

    low: float | None = None
    """Shown black; None where the file does not say so, and likewise the others."""
    high: float | None = None
    """Shown white."""
    says: str = ""
    """Where it says so, such as 'SMinSampleValue and SMaxSampleValue'."""
    nodata: float | None = None
    """Stands for a pixel without a value."""
    is_inverted: bool = False
    """Whether small numbers are light (MinIsWhite)."""


class Shown(NamedTuple):
    """Numbers as grays."""

    pixels: np.ndarray
    """uint8, of the shape of the numbers."""
    notes: tuple[str, ...]


def shown(values: np.ndarray, statement: Statement | None = None) -> Shown:
    """Return numbers as grays, the smallest black and the largest white.

    Parameters
    ----------
    values : numpy.ndarray
        Whole numbers, floats or truth values of any shape; all channels of a picture in one array.
    statement : Statement or None
        What the file says.

    Examples
    --------
    >>> shown(np.array([0, 4095, 2048], np.uint16))
    Shown(pixels=array([  0, 255, 128], dtype=uint8), notes=('range guessed: whole numbers from 0 to 4,095 \
taken as 12 bits',))
    """
    statement = statement or Statement()
    if values.dtype == bool:
        return Shown(np.where(values != statement.is_inverted, 255, 0).astype(np.uint8), ())
    is_there, n_without = _there(values, statement.nodata)
    notes = [f"no data: {n_without:,} of {values.size:,} values, shown black"] if n_without else []
    low, high, said = _range(values if is_there is None else values[is_there], statement)
    pixels = _scaled(values, low, high)
    if statement.is_inverted:
        np.subtract(255, pixels, out=pixels)
    if is_there is not None:
        pixels[~is_there] = 0
    return Shown(pixels, (*notes, *said))


def _there(values: np.ndarray, nodata: float | None) -> tuple[np.ndarray | None, int]:
    """Return which values are numbers and not `nodata`, None for all; and how many are not.

    Infinity counts as a number here: it is the far end of the range.
    """
    absent = np.isnan(values) if values.dtype.kind == "f" else None
    if nodata is not None and np.isfinite(nodata):
        same = (
            values == np.asarray(nodata).astype(values.dtype)
            if values.dtype.kind == "f"
            else values == nodata
        )
        absent = same if absent is None else absent | same
    n_absent = 0 if absent is None else int(np.count_nonzero(absent))
    return (None, 0) if absent is None or not n_absent else (~absent, n_absent)


def _range(values: np.ndarray, said: Statement) -> tuple[float, float, list[str]]:
    """Return what is black, what is white, and notes on how that was found."""
    distinct, counts = _counted(values)
    if not len(distinct):
        return 0.0, 1.0, []
    notes: list[str] = []
    if said.low is not None and said.high is not None and said.high > said.low:
        outside = counts[(distinct < said.low) | (distinct > said.high)].sum() / counts.sum()
        if outside <= MOST_OUTSIDE:
            return said.low, said.high, []
        notes.append(
            f"range in the file not believed: {said.says} give {_number(said.low)} to {_number(said.high)}, "
            f"but {outside:.0%} of the values lie outside"
        )
    if values.dtype == np.uint8:
        return 0.0, 255.0, notes
    kept = _without_outliers(distinct, counts)
    n_out = int(counts.sum() - counts[kept].sum())
    low, high = float(distinct[kept][0]), float(distinct[kept][-1])
    if n_out:
        notes.append(
            f"outliers: {n_out:,} of {counts.sum():,} values lie far from the others ({_number(distinct[0])} "
            f"to {_number(distinct[-1])} against {_number(low)} to {_number(high)}), shown black or white"
        )
    is_whole = bool((distinct[kept] == np.rint(distinct[kept])).all())
    found, note = _guessed(low, high, is_whole, values.dtype)
    return (*found, [*notes, *([note] if note else [])])


def _guessed(
    low: float, high: float, is_whole: bool, dtype: np.dtype[Any]
) -> tuple[tuple[float, float], str | None]:
    """Return the range of values from `low` to `high` in a file that says nothing, and a note."""
    between = f"from {_number(low)} to {_number(high)}"
    if is_whole and low >= 0 and high < 2 ** DEPTHS[-1] and (high > 1 or dtype.kind in "iu"):
        bits = next(bits for bits in DEPTHS if high < 2**bits)
        note = (
            None
            if bits == 16 and dtype == np.uint16
            else f"range guessed: whole numbers {between} taken as {bits} bits"
        )
        return (0.0, 2.0**bits - 1), note
    if low >= 0 and high <= 1:
        return (0.0, 1.0), None
    black, white = _around_unit(low, high)
    what = "whole numbers" if is_whole else "numbers"
    return (black, white), f"range guessed: {what} {between} shown as {_number(black)} to {_number(white)}"


def _around_unit(low: float, high: float) -> tuple[float, float]:
    """Return 0 to 1 widened to `low` and `high`, and cut where these would fill less than half of it.

    No step anywhere: values a little above 1 are shown as those a little below.

    Examples
    --------
    >>> _around_unit(0.2, 1.01), _around_unit(270.0, 310.0), _around_unit(-1000.0, -990.0)
    ((0.0, 1.01), (229.0, 310.0), (-1000.0, -979.0))
    """
    width = high - low + 1
    black = low if low < 0 else max(0.0, low - width)
    white = high if high > 1 else min(1.0, high + width)
    return black, white


def _counted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different finite values, ascending, float64, and how often each comes."""
    flat = values.reshape(-1)
    if flat.dtype.kind == "f":
        flat = flat[np.isfinite(flat)]
    if not len(flat):
        return np.empty(0), np.empty(0, np.int64)
    if flat.dtype.kind in "iu":
        low, high = int(flat.min()), int(flat.max())
        if high - low < _MOST_BINS:
            counts = np.bincount((flat.astype(np.int64) - low) if low else flat)
            there = np.flatnonzero(counts)
            return (there + low).astype(np.float64), counts[there]
    distinct, counts = np.unique(flat, return_counts=True)
    return distinct.astype(np.float64), counts


def _without_outliers(distinct: np.ndarray, counts: np.ndarray) -> slice:
    """Return the part of the sorted values that the picture is in.

    Outliers lie apart by more than the whole range of the rest and are one value (a mark for no data, however
    many pixels have it) or few pixels; or they are the thin tail of a distribution, far out.
    """
    start, stop = 0, len(distinct)
    total = counts.sum()
    while stop - start > FEWEST_VALUES:
        inside = distinct[start:stop]
        with np.errstate(over="ignore"):
            gaps = np.diff(inside)
            at = int(gaps.argmax())
            above, below = stop - start - at - 1, at + 1
            keeps_lower = below >= above
            rest = inside[at] - inside[0] if keeps_lower else inside[-1] - inside[at + 1]
        cut = counts[start + at + 1 : stop] if keeps_lower else counts[start : start + at + 1]
        n_rest = below if keeps_lower else above
        if not gaps[at] > rest or n_rest < FEWEST_VALUES or (len(cut) > 1 and cut.sum() > FEW * total):
            break
        start, stop = (start, start + at + 1) if keeps_lower else (start + at + 1, stop)
    return _without_tails(distinct, counts, start, stop)


def _without_tails(distinct: np.ndarray, counts: np.ndarray, start: int, stop: int) -> slice:
    if stop - start <= FEWEST_VALUES:
        return slice(start, stop)
    share = np.cumsum(counts[start:stop]) / counts[start:stop].sum()
    first, last = int(np.searchsorted(share, TAIL)), int(np.searchsorted(share, 1 - TAIL))
    inside = distinct[start:stop]
    width = float(inside[last] - inside[first])
    if width <= 0 or last - first < FEWEST_VALUES:
        return slice(start, stop)
    is_low = inside[0] < inside[first] - FAR * width
    is_high = inside[-1] > inside[last] + FAR * width
    return slice(start + first if is_low else start, start + last + 1 if is_high else stop)


def _scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return `low` as 0, `high` as 255, uint8, what lies beyond at these."""
    if values.dtype == np.uint8 and (low, high) == (0.0, 255.0):
        return values.copy()
    if values.dtype == np.uint16:
        table = np.arange(65536, dtype=np.float64)
        return np.asarray(_scaled(table, low, high)[values])
    numbers = values.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        numbers -= low
        numbers *= 255.0 / max(high - low, 1e-300)
    np.nan_to_num(numbers, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    return np.asarray(np.rint(np.clip(numbers, 0, 255, out=numbers)), dtype=np.uint8)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e12 else f"{value:.4g}"
