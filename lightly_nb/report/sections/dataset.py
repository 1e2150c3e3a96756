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
from lightly_nb.samples.categories import (
    CLASSES,
    FOLDER,
    balance,
    category_codes,
    class_names,
    is_number,
    metadata_columns,
)
from lightly_nb.samples.selected import Selection

MOST_CATEGORIES = 20
"""Categories listed by name; the rest is one line."""

PAGES = "lightly.pages"
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
    PAGES: "pages or frames in the file",
}


def dataset_section(samples: Samples, selection: Selection, job: Job) -> Facts:
    """Distributions of all samples against those of the selected ones."""
    rows = chosen(samples, selection)
    table = samples.table
    categories = [_categories(name, *coded, rows) for name, coded in category_codes(samples).items()]
    classes = [_classes(samples, task, names, rows) for task, names in class_names(samples).items()]
    metadata = [
        _numbers(str(name), table[name], rows)
        for name in metadata_columns(samples)
        if is_number(table[name]) and not (name == PAGES and (table[name] == 1).all())
    ]
    return {
        "finding": _finding(categories, rows),
        "n_before": len(samples),
        "n_after": len(rows.after),
        "metadata": metadata,
        "categories": categories,
        "classes": classes,
    }


def _numbers(name: str, column: Any, rows: Chosen) -> Facts:
    values = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    edges, log = value_edges(values, n_bins=30)
    return {
        "name": name,
        "unit": UNITS.get(name, ""),
        "before": {**statistics(values), "histogram": histogram(values, edges, log)},
        "after": {**statistics(values[rows.after]), "histogram": histogram(values[rows.after], edges, log)},
    }


def _categories(name: str, codes: NDArray[np.int64], names: list[str], rows: Chosen) -> Facts:
    before = np.bincount(codes, minlength=len(names)).astype(np.float64)
    after = np.bincount(codes[rows.after], minlength=len(names)).astype(np.float64)
    return {"name": name, "unit": "images", **_listed(names, before, after)}


def _classes(samples: Samples, task: str, names: list[str], rows: Chosen) -> Facts:
    of_objects = task in samples.predictions and not samples.predictions[task].task.is_classification
    matrix = samples.predictions[task].category_count() if of_objects else samples.arrays[CLASSES + task]
    before = matrix.sum(axis=0, dtype=np.float64)
    after = matrix[rows.after].sum(axis=0, dtype=np.float64)
    unit = "objects" if of_objects else "sum of probabilities"
    return {"name": task, "unit": unit, **_listed(names, before, after)}


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


def _finding(categories: list[Facts], rows: Chosen) -> str:
    folders = next((entry for entry in categories if entry["name"] == FOLDER), {})
    before, after = folders.get("balance_before"), folders.get("balance_after")
    if before is not None and after is not None:
        present = f"{counted(folders['n_values'], 'sub-folder')}: evenness"
        word = "unchanged at" if abs(after - before) < 0.005 else "from"
        tail = f"{before:.2f}" if word == "unchanged at" else f"{before:.2f} to {after:.2f} (1 = all equal)"
        return f"{present} {word} {tail}"
    share = len(rows.after) / max(1, len(rows.after) + len(rows.removed))
    return f"{counted(len(rows.after), 'image')} after the selection, {percent(share)} of the input"
