"""Scatters of the maps, and pairs of pictures."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from lightly_nb.display.palette import INPUT, PRESELECTED, REMOVED, SELECTED
from lightly_nb.display.text import number
from lightly_nb.report.figures.style import HALF, label, new_figure, titled

Arrays = dict[str, np.ndarray]


def scatter(facts: dict[str, Any], arrays: Arrays, which: str, overlay: bool) -> Any:
    """Draw one map; `which` is `pca` or the number of neighbours of UMAP."""
    shown = arrays[facts["shown"]["array"]]
    state = arrays[facts["state"]["array"]][shown]
    source = facts["pca"]["coordinates"] if which == "pca" else facts["umap"]["coordinates"][which]
    points = arrays[source["array"]][shown]
    figure, axes = new_figure(HALF, 3.3)
    ax = axes[0, 0]
    size = float(np.clip(900 / max(1, len(shown)) ** 0.75, 1.0, 14.0))
    layers = [(state >= 0, INPUT, "all images", size, 0.5)]
    if overlay:
        layers = [
            (state == 0, REMOVED, "not selected", size, 0.7),
            (state == 2, PRESELECTED, "selected before", size * 2.2, 0.9),
            (state == 1, SELECTED, "selected", size * 2.2, 0.9),
        ]
    for mask, color, name, area, alpha in layers:
        if mask.any():
            xy = points[mask]
            ax.scatter(xy[:, 0], xy[:, 1], s=area, color=color, alpha=alpha, linewidths=0,
                       label=f"{name} ({mask.sum():,})", rasterized=True)  # fmt: skip
    if len(layers) > 1:
        ax.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, markerscale=1.6, handletextpad=0.1
        )
    _map_labels(ax, facts, which)
    return figure


def pair(facts: dict[str, Any], arrays: Arrays, percentile: int) -> Any:
    """Draw a removed image beside its nearest selected one."""
    entry = next(item for item in facts["pairs"] if item["percentile"] == percentile)
    figure, axes = new_figure(HALF * 1.4, 2.6, columns=2)
    for ax, role, color in ((axes[0, 0], "removed", REMOVED), (axes[0, 1], "selected", SELECTED)):
        reference = entry[f"{role}_picture"]
        ax.set_xticks([])
        ax.set_yticks([])
        ax.grid(visible=False)
        if reference is None:
            ax.text(0.5, 0.5, "no picture", ha="center", transform=ax.transAxes)
        else:
            ax.imshow(decoded(arrays[reference["array"]]))
        for spine in ax.spines.values():
            spine.set(visible=True, color=color, linewidth=2.5)
        ax.set_title(role, fontsize=8, fontweight="bold")
        ax.set_xlabel(label(entry[role], 36), fontsize=6.5)
    figure.suptitle(
        f"Distance {number(entry['distance'])} ({percentile} % of the removed are nearer)", fontsize=8
    )
    return figure


def decoded(jpeg: np.ndarray) -> np.ndarray:
    """Return the pixels of a JPEG, uint8 (height, width, 3)."""
    from PIL import Image

    with Image.open(io.BytesIO(jpeg.tobytes())) as image:
        return np.asarray(image.convert("RGB"))


def _map_labels(ax: Any, facts: dict[str, Any], which: str) -> None:
    drawn, total = facts["n_shown"], facts["n_samples"]
    how_many = f"all {total:,} images" if drawn == total else f"{drawn:,} of {total:,} images drawn"
    if which == "pca":
        first, second = (number(100 * share) for share in facts["pca"]["explained"])
        titled(ax, "PCA", how_many)
        ax.set(xlabel=f"1st component ({first} % of the variance)", ylabel=f"2nd component ({second} %)")
        return
    fitted = facts["umap"]["n_fitted"]
    placed = "" if fitted == total else f"; fitted on {fitted:,}, others placed"
    titled(ax, f"UMAP, {which} neighbours", how_many + placed)
    ax.set(xlabel="UMAP 1 (no unit)", ylabel="UMAP 2 (no unit)")
