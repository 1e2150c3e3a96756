"""What a point's colour says: a byte a sample, and a legend for the browser, Bokeh and the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lightly_nb.display import palette
from lightly_nb.errors import InputError
from lightly_nb.samples import Samples
from lightly_nb.samples.categories import (
    FOLDER,
    NO_VALUE,
    codes_of,
    folders_of,
    is_number,
    metadata_columns,
)

SELECTED, ORDER, PLAIN = "selected or not", "order of picking", "one color"
SHAPES = ("circle", "square", "diamond")
MOST_CATEGORIES = len(palette.CATEGORICAL) * len(SHAPES)
HIGHEST_CODE = 255


@dataclass(frozen=True)
class Coloring:
    """Colour codes and their legend.

    Parameters
    ----------
    codes : numpy.ndarray
        uint8 per sample; 0 has the color of what is left over.
    legend : dict
        Plain values: `title`, `kind` (`categories` or `numbers`), `rest` (label of code 0, empty if there is
        none), and either `entries` (`code`, `label`, `color`, `shape` 0 to 2, `count`) or `low`, `high` and
        `stops`.
    """

    codes: np.ndarray
    legend: dict[str, Any]


def color_choices(samples: Samples, selection: Any = None) -> list[str]:
    """Return what points can be coloured by, in the order of a menu."""
    built_in = [SELECTED, ORDER] if selection is not None else []
    folders = [FOLDER] if any("/" in name for name in samples.table.index[:1000]) else []
    taken = {*built_in, *folders, PLAIN}
    columns = [str(name) for name in metadata_columns(samples) if str(name) not in taken]
    return [*built_in, PLAIN, *folders, *(name for name in columns if _is_plain(samples.table[name]))]


def color_by(samples: Samples, selection: Any, name: str) -> Coloring:
    """Return the colouring of one choice.

    Raises
    ------
    InputError
        If `name` is not among `color_choices`.
    """
    choices = color_choices(samples, selection)
    if name not in choices:
        raise InputError(f"color_by: '{name}' is not there; allowed are {choices}")
    if name == PLAIN:
        return _one_color(samples)
    if name == SELECTED:
        return _by_selected(samples, selection)
    if name == ORDER:
        return _by_order(samples, selection)
    if name == FOLDER and name not in samples.table:
        return _by_category(folders_of(samples.table.index), name)
    values = samples.table[name]
    if is_number(values) or pd.api.types.is_datetime64_any_dtype(values.dtype):
        return _by_number(values, name)
    return _by_category(values, name)


def _one_color(samples: Samples) -> Coloring:
    entry = _entry(1, f"{len(samples):,} samples", palette.INPUT, 0, len(samples))
    legend = {"title": "", "kind": "categories", "rest": "", "entries": [entry]}
    return Coloring(np.ones(len(samples), dtype=np.uint8), legend)


def _by_selected(samples: Samples, selection: Any) -> Coloring:
    codes = np.zeros(len(samples), dtype=np.uint8)
    codes[samples.rows_of(selection.preselected)] = 2
    codes[samples.rows_of(selection.filenames)] = 1
    counts = np.bincount(codes, minlength=3)
    entries = [_entry(1, "selected", palette.SELECTED, 0, counts[1])]
    if counts[2]:
        entries.append(_entry(2, "selected before", palette.PRESELECTED, 0, counts[2]))
    return Coloring(codes, _categories("", entries, "not selected", counts[0]))


def _by_order(samples: Samples, selection: Any) -> Coloring:
    codes = np.zeros(len(samples), dtype=np.uint8)
    rows = samples.rows_of(selection.filenames)
    codes[rows] = _scaled(np.arange(len(rows), dtype=np.float64))
    return Coloring(codes, _numbers(ORDER, "first", f"{len(rows):,}th", "not selected"))


def _by_number(values: pd.Series, title: str) -> Coloring:
    is_time = pd.api.types.is_datetime64_any_dtype(values.dtype)
    known = values.notna().to_numpy()
    numbers = values.astype("int64") if is_time else values
    plain = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    known = known & np.isfinite(plain)
    codes = np.zeros(len(values), dtype=np.uint8)
    codes[known] = _scaled(plain[known])
    low, high = (values[known].min(), values[known].max()) if known.any() else ("–", "–")
    rest = "" if known.all() else NO_VALUE
    return Coloring(codes, _numbers(title, _number_label(low), _number_label(high), rest))


def _by_category(values: pd.Series, title: str) -> Coloring:
    numbers, texts = codes_of(values)
    counts = np.bincount(numbers[numbers >= 0], minlength=len(texts))
    order = sorted(range(len(texts)), key=lambda number: (-counts[number], texts[number]))
    code_of = np.zeros(len(texts) + 1, dtype=np.uint8)  # the last one is for no value, number -1
    code_of[order[:MOST_CATEGORIES]] = np.arange(1, len(order[:MOST_CATEGORIES]) + 1)
    colors = palette.CATEGORICAL
    entries = [
        _entry(rank + 1, texts[number], colors[rank % len(colors)], rank // len(colors), counts[number])
        for rank, number in enumerate(order[:MOST_CATEGORIES])
    ]
    others, codes = len(order) - len(entries), code_of[numbers]
    left = [f"{others:,} other categories"] if others else []
    left += [NO_VALUE] if (numbers < 0).any() else []
    return Coloring(codes, _categories(title, entries, " or ".join(left), int((codes == 0).sum())))


def _categories(title: str, entries: list[dict[str, Any]], rest: str, n_rest: int) -> dict[str, Any]:
    if rest:
        entries = [*entries, _entry(0, rest, palette.REMOVED, 0, n_rest)]
    return {"title": title, "kind": "categories", "rest": rest, "entries": entries}


def _numbers(title: str, low: str, high: str, rest: str) -> dict[str, Any]:
    return {
        "title": title,
        "kind": "numbers",
        "rest": rest,
        "low": low,
        "high": high,
        "stops": list(palette.SEQUENTIAL_STOPS),
        "entries": [_entry(0, rest, palette.REMOVED, 0, 0)] if rest else [],
    }


def _entry(code: int, label: str, color: str, shape: int, count: int) -> dict[str, Any]:
    return {"code": code, "label": label, "color": color, "shape": shape, "count": int(count)}


def _scaled(values: np.ndarray) -> np.ndarray:
    """Return `values` as codes 1 to 255."""
    if not values.size:
        return np.zeros(0, dtype=np.uint8)
    low, spread = values.min(), np.ptp(values)
    codes: np.ndarray = np.round(1 + (values - low) / (spread or 1) * (HIGHEST_CODE - 1)).astype(np.uint8)
    return codes


def _number_label(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, str):
        return value
    return f"{int(value):,}" if float(value).is_integer() and abs(value) < 1e9 else f"{value:.4g}"


def _is_plain(values: pd.Series) -> bool:
    """Whether the values are numbers, truth values, times or text, and not lists or tables."""
    if isinstance(values, pd.DataFrame):
        return False
    if values.dtype != object:
        return True
    return not any(isinstance(value, (list, dict, tuple, set, np.ndarray)) for value in values.iloc[:100])
