"""The data set before and after the selection: image metadata, sub-folders, categories, classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lightly_nb.display.text import counted, percent
from lightly_nb.report.histograms import histogram, statistics, value_edges
from lightly_nb.report.sections.common import Chosen, Facts, Job, chosen
from lightly_nb.samples import Samples
from lightly_nb.samples.selected import Selection

MOST_CATEGORIES = 20
"""Categories listed by name; the rest is one line."""
MOST_DISTINCT = 1000
"""A text column with more different values is no category."""
NOT_METADATA = frozenset({"thumbnail", "version", "content_hash", "path", "url"})

UNITS = {
    "lightly.sharpness": "standard deviation of the Laplacian of luminance",
    "lightly.snr": "mean / standard deviation of luminance",
    "lightly.contrast": "standard deviation of luminance (0 to 0.5)",
    "lightly.meanRed": "mean of the red channel (0 to 255)",
    "lightly.meanGreen": "mean of the green channel (0 to 255)",
    "lightly.meanBlue": "mean of the blue channel (0 to 255)",
    "lightly.width": "pixels",
    "lightly.height": "pixels",
    "lightly.sizeInBytes": "bytes",
}


def dataset_section(samples: Samples, selection: Selection, job: Job) -> Facts:
    """Distributions of all samples against those of the selected ones."""
    rows = chosen(samples, selection)
    table = samples.table.drop(columns=[name for name in NOT_METADATA if name in samples.table])
    numeric = [
        name for name in table if pd.api.types.is_numeric_dtype(table[name]) and not _is_bool(table[name])
    ]
    others = [name for name in table if name not in numeric and _is_categorical(table[name])]
    categories = [_categories("sub-folder", _folders(samples), rows)]
    categories += [_categories(str(name), table[name].astype(str).to_numpy(), rows) for name in others]
    classes = [
        _classes(samples, name, rows) for name in samples.arrays if name.startswith("class_distribution.")
    ]
    metadata = [_numbers(str(name), table[name], rows) for name in numeric]
    return {
        "finding": _finding(metadata, categories, rows),
        "n_before": len(samples),
        "n_after": len(rows.after),
        "metadata": metadata,
        "categories": [entry for entry in categories if len(entry["values"]) > 1 or entry["n_more"]],
        "classes": classes,
    }


def balance(counts: NDArray[np.float64]) -> float | None:
    """Return how even `counts` are: entropy over its largest possible value, 0 to 1; None for under 2 counts.

    This is Pielou's evenness (1966) over all categories of the input, absent ones included.

    Examples
    --------
    >>> balance(np.array([5.0, 5.0])), balance(np.array([10.0, 0.0]))
    (1.0, 0.0)
    """
    total = counts.sum()
    if len(counts) < 2 or total <= 0:
        return None
    shares = counts[counts > 0] / total
    return float(max(0.0, -(shares * np.log(shares)).sum() / np.log(len(counts))))


def category_codes(samples: Samples) -> dict[str, tuple[NDArray[np.int64], list[str]]]:
    """Return per grouping with at least two values the code of every sample, and the values' names."""
    table = samples.table.drop(columns=[name for name in NOT_METADATA if name in samples.table])
    groups = {"sub-folder": _folders(samples)}
    groups |= {
        str(name): table[name].astype(str).to_numpy() for name in table if _is_categorical(table[name])
    }
    result = {}
    for name, values in groups.items():
        codes, names = pd.factorize(values, sort=True)
        if len(names) > 1:
            result[name] = (codes.astype(np.int64), [str(value) for value in names])
    return result


def _numbers(name: str, column: Any, rows: Chosen) -> Facts:
    values = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    edges, log = value_edges(values, n_bins=30)
    return {
        "name": name,
        "unit": UNITS.get(name, ""),
        "before": {**statistics(values), "histogram": histogram(values, edges, log)},
        "after": {**statistics(values[rows.after]), "histogram": histogram(values[rows.after], edges, log)},
    }


def _categories(name: str, values: Any, rows: Chosen) -> Facts:
    codes, names = pd.factorize(values, sort=True)
    before = np.bincount(codes, minlength=len(names)).astype(np.float64)
    after = np.bincount(codes[rows.after], minlength=len(names)).astype(np.float64)
    return {"name": name, **_listed([str(value) for value in names], before, after)}


def _classes(samples: Samples, array: str, rows: Chosen) -> Facts:
    task, matrix = array.removeprefix("class_distribution."), samples.arrays[array]
    known = samples.table.attrs.get("categories", {}).get(task)
    names = list(known) if known else [f"class {number}" for number in range(matrix.shape[1])]
    before = matrix.sum(axis=0, dtype=np.float64)
    after = matrix[rows.after].sum(axis=0, dtype=np.float64)
    return {"name": task, **_listed(names, before, after)}


def _listed(names: list[str], before: NDArray[np.float64], after: NDArray[np.float64]) -> Facts:
    order = np.argsort(-before, kind="stable")
    listed = order[:MOST_CATEGORIES]
    rest = order[MOST_CATEGORIES:]

    def entry(value: str, rows: Any) -> Facts:
        counts = float(before[rows].sum()), float(after[rows].sum())
        shares = [
            c / total if total else 0.0 for c, total in zip(counts, (before.sum(), after.sum()), strict=True)
        ]
        return {
            "value": value,
            "before": counts[0],
            "after": counts[1],
            "share_before": float(shares[0]),
            "share_after": float(shares[1]),
        }

    return {
        "n_values": len(names),
        "balance_before": balance(before),
        "balance_after": balance(after),
        "values": [entry(names[row], [row]) for row in listed],
        "n_more": len(rest),
        "more": entry(f"{len(rest):,} more", rest) if len(rest) else None,
    }


def _folders(samples: Samples) -> Any:
    """Return the sub-folder of every sample, '(top)' for none."""
    names = pd.Series(samples.table.index.astype(str), dtype="object")
    folders = names.str.rpartition("/")[0]
    return folders.where(folders != "", "(top)").to_numpy()


def _is_bool(column: Any) -> bool:
    return bool(pd.api.types.is_bool_dtype(column))


def _is_categorical(column: Any) -> bool:
    if _is_bool(column) or isinstance(column.dtype, pd.CategoricalDtype):
        return True
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return False
    try:
        distinct = column.nunique()
    except TypeError:  # lists or dicts: nothing to count
        return False
    return bool(1 < distinct <= min(MOST_DISTINCT, max(2, len(column) // 2)))


def _finding(metadata: list[Facts], categories: list[Facts], rows: Chosen) -> str:
    folders = categories[0]
    before, after = folders["balance_before"], folders["balance_after"]
    if before is not None and after is not None and folders["n_values"] > 1:
        present = f"{counted(folders['n_values'], 'sub-folder')}: evenness"
        word = "unchanged at" if abs(after - before) < 0.005 else "from"
        tail = f"{before:.2f}" if word == "unchanged at" else f"{before:.2f} to {after:.2f} (1 = all equal)"
        return f"{present} {word} {tail}"
    share = len(rows.after) / max(1, len(rows.after) + len(rows.removed))
    return f"{counted(len(rows.after), 'image')} after the selection, {percent(share)} of the input"
