"""How the categories of the first n picks compare with those of all samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightly_nb.display import palette
from lightly_nb.display.html import Html, join, tag
from lightly_nb.display.text import number
from lightly_nb.samples import Samples
from lightly_nb.samples.categories import (
    CLASSES,
    FOLDER,
    MOST_DISTINCT,
    category_codes,
    class_names,
    groups_of,
)
from lightly_nb.samples.html import CUT_SHORT

LABELS = "labels"
MOST_BARS = 10


@dataclass(frozen=True)
class Groups:
    """One way to put samples into categories.

    Parameters
    ----------
    names : list of str
        The categories, largest first.
    counts_of : callable
        From rows (int64) to what every category has of them, float64 of shape (n_categories,).
    of_all : numpy.ndarray
        The same for all samples.
    """

    names: list[str]
    counts_of: Callable[[np.ndarray], np.ndarray]
    of_all: np.ndarray


def groupings(samples: Samples) -> dict[str, Groups]:
    """Return every way to group by name: `labels` first, then sub-folders, categorical columns, classes."""
    result = {name: _of_codes(*found) for name, found in coded_groupings(samples).items()}
    for task, classes in class_names(samples).items():
        sums_of = _sums_of(samples.arrays[CLASSES + task])
        result[f"classes of {task}"] = _sorted(classes, sums_of, sums_of(np.arange(len(samples))))
    return result


def coded_groupings(samples: Samples) -> dict[str, tuple[np.ndarray, list[str]]]:
    """Return per grouping in which a sample has one value its code of every sample, and the values' names."""
    found = category_codes(samples)
    if LABELS in samples.table and LABELS not in found and samples.table[LABELS].nunique() <= MOST_DISTINCT:
        found = {LABELS: groups_of(samples.table[LABELS]), **found}
    order = sorted(found, key=lambda name: (name != LABELS, name != FOLDER))
    return {name: found[name] for name in order}


def bars(groups: Groups, rows: np.ndarray) -> list[dict[str, Any]]:
    """Return `name`, `all`, `selected` and `count` of the largest categories, the rest as one (`is_rest`)."""
    got = groups.counts_of(rows)
    shares = [part / (part.sum() or 1.0) for part in (groups.of_all, got)]
    listed: list[tuple[str, Any]] = [(name, [at]) for at, name in enumerate(groups.names[:MOST_BARS])]
    if len(groups.names) > MOST_BARS:
        listed.append((f"{len(groups.names) - MOST_BARS:,} more", slice(MOST_BARS, None)))
    return [
        {
            "name": name,
            "all": float(shares[0][at].sum()),
            "selected": float(shares[1][at].sum()),
            "count": float(got[at].sum()),
            "is_rest": isinstance(at, slice),
        }
        for name, at in listed
    ]


def bars_html(shown: list[dict[str, Any]]) -> Html:
    """Return a table with two bars a category."""
    named = [max(one["all"], one["selected"]) for one in shown if not one["is_rest"]]
    widest = max(named, default=0.0) or 1.0
    rows = (_row(one, widest) for one in shown)
    key = (_swatch(palette.SELECTED), " selected \u2002 ", _swatch(palette.INPUT), " all samples")
    return join(tag("table", rows, role="table", style="border-collapse:collapse"), tag("div", key))


def _row(one: dict[str, Any], widest: float) -> Html:
    pair = None
    if not one["is_rest"]:
        bars = (("selected", palette.SELECTED), ("all", palette.INPUT))
        pair = [_bar(color, one[which] / widest) for which, color in bars]
    said = f"{100 * one['selected']:.3g} % of the selected, {100 * one['all']:.3g} % of all"
    name = f"text-align:left;max-width:110px;padding-right:6px;{CUT_SHORT}"
    return tag(
        "tr",
        tag("td", one["name"], style=name, title=one["name"]),
        tag("td", pair, style="width:130px;padding:1px 6px"),
        tag("td", number(one["count"], 4), style="text-align:right;padding:1px 0"),
        title=said,
    )


def _bar(color: str, share: float) -> Html:
    style = f"height:5px;margin:1px 0;width:{100 * share:.1f}%;min-width:1px;background:{color}"
    return tag("div", style=style)


def _swatch(color: str) -> Html:
    return tag("span", style=f"display:inline-block;width:14px;height:5px;background:{color}")


def _of_codes(codes: np.ndarray, names: list[str]) -> Groups:
    def counts_of(rows: np.ndarray) -> np.ndarray:
        return np.bincount(codes[rows], minlength=len(names)).astype(np.float64)

    return _sorted(names, counts_of, np.bincount(codes, minlength=len(names)).astype(np.float64))


def _sums_of(matrix: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda rows: np.asarray(matrix[rows].sum(axis=0, dtype=np.float64))


def _sorted(names: list[str], counts_of: Callable[[np.ndarray], np.ndarray], of_all: np.ndarray) -> Groups:
    order = np.argsort(-of_all, kind="stable")
    return Groups([names[at] for at in order], lambda rows: counts_of(rows)[order], of_all[order])
