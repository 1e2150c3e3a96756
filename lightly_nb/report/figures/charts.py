"""Histograms, bars and lines."""

from __future__ import annotations

from typing import Any

import numpy as np

from lightly_nb.display.palette import HIGHLIGHT, INPUT, RANDOM, SELECTED, TEXT
from lightly_nb.display.text import basis, number
from lightly_nb.report.figures.style import FULL, HALF, label, new_figure, titled

NEAR_ZERO = 0.8
"""Where a logarithmic axis of counts starts, so that a count of 1 shows."""


def pairwise(facts: dict[str, Any], which: str) -> Any:
    """Draw the histogram of pairwise distances, `before` or `after`, with log counts."""
    part = facts["pairwise"][which]
    title = f"{which.capitalize()}: mean {number(part['mean'])}, skewness {number(part['skewness'], 2)}"
    subtitle = f"{number(part['n_pairs'])} pairs of {basis(part)}"
    largest = facts["pairwise"]["before"]["histogram"]["edges"][-1]
    return _distance_figure(part, which, title, subtitle, f"{facts['unit']}", "pairs (log scale)", largest)


def neighbors(facts: dict[str, Any], which: str) -> Any:
    """Draw the histogram of distances to the nearest neighbour, `before` or `after`, with log counts."""
    part = facts["nearest_neighbor"][which]
    title = f"{which.capitalize()}: median {number(part['median'])}, smallest {number(part['min'])}"
    subtitle = f"nearest other image of {basis(part, 'images')}"
    largest = part["histogram"]["edges"][-1]
    return _distance_figure(part, which, title, subtitle, f"{facts['unit']}", "images (log scale)", largest)


def coverage(facts: dict[str, Any]) -> Any:
    """Draw the distances of all images to their nearest selected one."""
    figure, axes = new_figure(FULL, 2.6)
    ax = axes[0, 0]
    _bars(ax, facts["histogram"], INPUT)
    _count_axis(ax, facts["histogram"])
    for key, text, style in (("median", "half", "-"), ("p95", "95 %", "--"), ("max", "all", ":")):
        if facts["exact"] or key != "max":
            value = facts[key]
            ax.axvline(
                value, color=HIGHLIGHT, linestyle=style, linewidth=1, label=f"{text} within {number(value)}"
            )
    figure.legend(loc="outside lower center", ncols=3)
    titled(
        ax,
        f"Half of the images have a selected one within {number(facts['median'])}",
        f"{basis(facts, 'images')}; selected images are at distance 0",
    )
    ax.set_xlabel(f"distance to the nearest selected image ({facts['unit']})")
    ax.set_ylabel("images (log scale)")
    return figure


def against_random(facts: dict[str, Any]) -> Any:
    """Draw every measure on its own scale: the random draws, their interval, and the selection."""
    measures = [entry for entry in facts["measures"] if entry["median"] is not None]
    figure, axes = new_figure(FULL, 0.5 + 0.62 * len(measures), rows=len(measures))
    for ax, entry in zip(axes[:, 0], measures, strict=True):
        _strip(ax, entry)
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper left", ncols=4, fontsize=7.5)
    return figure


def numbers_grid(facts: dict[str, Any]) -> Any:
    """Draw the distribution of every image metadatum, as shares of all and of the selected images."""
    entries = facts["metadata"]
    columns = 3
    rows = -(-len(entries) // columns)
    figure, axes = new_figure(FULL, 1.75 * rows + 0.25, rows, columns)
    for ax in axes.flat[len(entries) :]:
        ax.set_axis_off()
    for ax, entry in zip(axes.flat, entries, strict=False):
        for which, color in (("before", INPUT), ("after", SELECTED)):
            _outline(ax, entry[which]["histogram"], color, which == "after")
        ax.set_title(label(entry["name"]), loc="left", fontsize=8, fontweight="bold")
        ax.set_xlabel(_wrapped(label(entry["unit"], 60)), fontsize=6.5)
        _value_axis(ax, entry["before"]["histogram"])
        ax.yaxis.set_major_formatter(_percent_ticks())
    handles = [_patch(INPUT, "all images"), _patch(SELECTED, "selected images")]
    figure.legend(handles=handles, loc="outside upper left", ncols=2, fontsize=7.5)
    return figure


def bars(entry: dict[str, Any], title: str) -> Any:
    """Draw the share of every category among all and among the selected images."""
    values = [*entry["values"], *([entry["more"]] if entry["more"] else [])]
    figure, axes = new_figure(FULL, 0.9 + 0.21 * len(values))
    ax, place = axes[0, 0], np.arange(len(values))
    ax.barh(place - 0.2, [v["share_before"] for v in values], 0.38, color=INPUT, label="all images")
    ax.barh(place + 0.2, [v["share_after"] for v in values], 0.38, color=SELECTED, label="selected images")
    ax.set_yticks(place, [label(v["value"], 34) for v in values])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_formatter(_percent_ticks())
    ax.set_xlabel("share of the images")
    figure.legend(loc="outside upper right", ncols=2)
    titled(
        ax,
        title,
        f"evenness {number(entry['balance_before'])} before, {number(entry['balance_after'])} after "
        "(1 = all equally frequent)",
    )
    return figure


def category_counts(entry: dict[str, Any], which: str, n_images: int) -> Any:
    """Draw how many objects of every class there are, `before` or `after`, in `n_images` images."""
    values = entry["values"]
    figure, axes = new_figure(FULL, 0.8 + 0.2 * len(values))
    ax = axes[0, 0]
    ax.barh([label(v["value"], 34) for v in values], [v[which] for v in values], color=_COLORS[which])
    ax.invert_yaxis()
    ax.set_xlabel("objects" if entry["unit"] == "objects" else f"objects ({entry['unit']})")
    total = sum(v[which] for v in values) + (entry["more"][which] if entry["more"] else 0.0)
    titled(
        ax,
        f"Pretagging {which} the selection",
        f"{number(total / max(1, n_images))} objects an image; evenness {number(entry[f'balance_{which}'])}",
    )
    return figure


def losses(facts: dict[str, Any]) -> Any:
    """Draw the loss and the spread of the representations over the epochs."""
    epochs = facts["epochs"]
    spreads = [entry for entry in epochs if entry["representation_std"] is not None]
    figure, axes = new_figure(FULL, 2.5, columns=2 if spreads else 1)
    ax = axes[0, 0]
    marker = "o" if len(epochs) < 30 else None
    ax.plot(
        [e["epoch"] for e in epochs], [e["loss"] for e in epochs], color=INPUT, marker=marker, markersize=3
    )
    titled(ax, f"Loss {number(facts['first_loss'])} to {number(facts['last_loss'])}", "mean over each epoch")
    ax.set(xlabel="epoch", ylabel="loss")
    ax.xaxis.set_major_locator(_whole_ticks())
    if spreads:
        ax = axes[0, 1]
        x, y = [e["epoch"] for e in spreads], [e["representation_std"] for e in spreads]
        ax.plot(x, y, color=SELECTED, marker=marker, markersize=3)
        ax.axhline(facts["collapsed_below"], color=HIGHLIGHT, linestyle="--", linewidth=1)
        ax.text(x[0], facts["collapsed_below"], " collapsed below", fontsize=7, va="bottom")
        ax.set_ylim(0, max(1.0, *y) * 1.05)
        ax.set(xlabel="epoch", ylabel="spread of representations")
        ax.xaxis.set_major_locator(_whole_ticks())
        state = "Collapsed" if facts["collapsed"] else "No collapse"
        titled(
            ax,
            f"{state}: spread {number(facts['representation_std'])}",
            "0 = all alike, 1 = even on the sphere; no sign of quality",
        )
    return figure


_COLORS = {"before": INPUT, "after": SELECTED}


def _distance_figure(
    part: dict[str, Any], which: str, title: str, subtitle: str, xlabel: str, ylabel: str, largest: float
) -> Any:
    figure, axes = new_figure(HALF, 2.5)
    ax = axes[0, 0]
    _bars(ax, part["histogram"], _COLORS[which])
    _count_axis(ax, part["histogram"])
    ax.set_xlim(0, largest)
    if part["mean"] is not None:
        ax.axvline(part["mean"], color=HIGHLIGHT, linewidth=1, linestyle="--")
    ax.set_xlabel(_wrapped(xlabel, 44))
    ax.set_ylabel(ylabel)
    titled(ax, title, subtitle if len(subtitle) < 62 else subtitle.replace(", drawn", ",\ndrawn"))
    return figure


def _bars(ax: Any, histogram: dict[str, Any], color: str) -> None:
    ax.stairs(
        np.asarray(histogram["counts"], dtype=float), histogram["edges"], fill=True, color=color, baseline=0.1
    )


def _count_axis(ax: Any, histogram: dict[str, Any]) -> None:
    """Make the y axis logarithmic, with ticks like 1, 10, 1k."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

    most = max(1, *histogram["counts"])
    ax.set_yscale("log", nonpositive="clip")
    ax.set_ylim(NEAR_ZERO, 2.0 * most)
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if most < 200 else (1,), numticks=12))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(EngFormatter(sep=""))


def _outline(ax: Any, histogram: dict[str, Any], color: str, filled: bool) -> None:
    counts = np.asarray(histogram["counts"], dtype=float)
    shares = counts / counts.sum() if counts.sum() else counts
    if filled:
        ax.stairs(shares, histogram["edges"], fill=True, color=color, alpha=0.35)
    ax.stairs(shares, histogram["edges"], color=color, linewidth=1.2)


def _strip(ax: Any, entry: dict[str, Any]) -> None:
    draws = np.asarray(entry["random"], dtype=float)
    ax.hlines(
        0,
        entry["p5"],
        entry["p95"],
        color=RANDOM,
        linewidth=7,
        alpha=0.55,
        label="5 % to 95 % of random draws",
    )
    ax.plot(draws, np.zeros(len(draws)), "o", color=INPUT, markersize=3, alpha=0.6, label="one random draw")
    ax.plot(entry["median"], 0, "|", color=TEXT, markersize=12, label="median of random draws")
    ax.plot(entry["selection"], 0, "D", color=SELECTED, markersize=7, label="this selection")
    ax.set_ylim(-1, 1)
    ax.margins(x=0.06)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    by = ", by construction" if entry["optimized_by"] else ""
    ax.set_title(
        f"{label(entry['title'], 70)} ({entry['better']} is better): {entry['verdict']}{by}",
        loc="left", fontsize=8, fontweight="bold" if entry["verdict"] == "better" and not by else "normal",
    )  # fmt: skip


def _wrapped(text: str, width: int = 34) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))


def _patch(color: str, text: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=color, label=text)


def _value_axis(ax: Any, histogram: dict[str, Any]) -> None:
    """Few ticks, large numbers as 10k or 2M, logarithmic where the bins are."""
    from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter

    low, high = histogram["edges"][0], histogram["edges"][-1]
    if histogram["log"]:
        ax.set_xscale("log")
        steps = (1, 2, 5) if high / low < 50 else (1,)
        ax.xaxis.set_major_locator(LogLocator(subs=steps, numticks=6))
        ax.xaxis.set_minor_formatter(NullFormatter())
    else:
        ax.xaxis.set_major_locator(MaxNLocator(nbins=4))
    if high >= 10_000 or histogram["log"]:
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))


def _whole_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=6, integer=True)


def _percent_ticks() -> Any:
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(xmax=1, decimals=None)
