"""The static output of the scatter: one small PNG and the first pictures, true without a kernel."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from lightly_nb.display.html import Html, image, join, tag
from lightly_nb.samples import Samples
from lightly_nb.samples.html import pictures_html
from lightly_nb.samples.thumbnails import small_jpeg
from lightly_nb.vectors.layouts import fitted, projection_label
from lightly_nb.widgets.scatter_plot.coloring import Coloring

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

WIDTH, HEIGHT = 640, 400
FINER = 2
"""Drawn so much larger, then scaled down: smooth dots."""
DRAWN_DOTS = 20_000
"""Above so many points, single pixels stand for them."""
PICTURES = 8
SIGNS = "●■◆"
PICTURE_SIDE = 72


def static_html(samples: Samples, selection: Selection | None, coloring: Coloring, projection: str) -> Html:
    """Return self-contained HTML of well below 100 KB: the plot, its legend and the first pictures."""
    png = scatter_png(fitted(samples.arrays[projection]), coloring)
    said = _summary(samples, selection, projection)
    live = "A picture of the panel as it was when the cell ran; run the cell for the live one."
    return tag(
        "figure",
        image(png, said, "png", style=f"max-width:100%;width:{WIDTH}px"),
        tag("div", _legend_html(coloring.legend)),
        tag("figcaption", f"{said}. {live}"),
        _pictures_html(samples, selection),
        style="margin:0",
    )


def scatter_png(places: np.ndarray, coloring: Coloring, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """Draw points onto a transparent ground, so that it suits light and dark pages, and return the PNG.

    Parameters
    ----------
    places : numpy.ndarray
        float32 of shape (n_samples, 2) in [-1, 1]; rows not finite are left out.
    """
    from PIL import Image

    order = np.argsort(coloring.codes != 0, kind="stable")  # what is left over lies below the rest
    order = order[np.isfinite(places[order]).all(axis=1)]
    w, h = width * FINER, height * FINER
    unit = min(w, h) / 2 * 0.94
    xy = np.stack([w / 2 + places[order, 0] * unit, h / 2 - places[order, 1] * unit], axis=1)
    colors = color_table(coloring.legend)[coloring.codes[order]]
    large = (
        _pixels(xy, colors, w, h)
        if len(order) > DRAWN_DOTS
        else _dots(xy, colors, coloring.codes[order], w, h)
    )
    image = large.resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.quantize(128, method=Image.Quantize.FASTOCTREE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def color_table(legend: dict[str, Any]) -> np.ndarray:
    """Return the RGB of every code as uint8 of shape (256, 3)."""
    table = np.full((256, 3), 128, dtype=np.uint8)
    if legend["kind"] == "numbers":
        stops = np.array([_rgb(color) for color in legend["stops"]], dtype=np.float64)
        where = np.linspace(0, len(stops) - 1, 255)
        for channel in range(3):
            table[1:, channel] = np.interp(where, np.arange(len(stops)), stops[:, channel])
    for entry in legend["entries"]:
        table[entry["code"]] = _rgb(entry["color"])
    return table


def _dots(xy: np.ndarray, colors: np.ndarray, codes: np.ndarray, width: int, height: int) -> Any:
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(image)
    radius = FINER * float(np.clip(60 / np.sqrt(len(xy)), 1.0, 4.0))
    for (x, y), (red, green, blue), code in zip(xy.tolist(), colors.tolist(), codes.tolist(), strict=True):
        r = radius * (1.3 if code else 1)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(red, green, blue, 235))
    return image


def _pixels(xy: np.ndarray, colors: np.ndarray, width: int, height: int) -> Any:
    from PIL import Image

    picture = np.zeros((height, width, 4), dtype=np.uint8)
    column = np.clip(xy[:, 0].astype(np.intp), 0, width - 2)
    line = np.clip(xy[:, 1].astype(np.intp), 0, height - 2)
    for right, below in ((0, 0), (1, 0), (0, 1), (1, 1)):
        picture[line + below, column + right, :3] = colors
        picture[line + below, column + right, 3] = 235
    return Image.fromarray(picture)


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _summary(samples: Samples, selection: Selection | None, projection: str) -> str:
    picked = f", {len(selection):,} selected" if selection is not None else ""
    return f"{len(samples):,} samples{picked}; {projection_label(projection)} of their embeddings"


def _legend_html(legend: dict[str, Any]) -> Html:
    parts: list[object] = [legend["title"]] if legend["title"] else []
    if legend["kind"] == "numbers":
        ramp = f"linear-gradient(90deg, {', '.join(legend['stops'])})"
        bar = tag("span", style=f"display:inline-block;width:120px;height:10px;background:{ramp}")
        parts.append(join(legend["low"], bar, legend["high"], by=" "))
    parts += [_entry_html(entry) for entry in legend["entries"]]
    return join(*parts, by=" \u2002 ")


def _entry_html(entry: dict[str, Any]) -> Html:
    sign = tag("span", SIGNS[entry["shape"]], style=f"color:{entry['color']}")
    return tag("span", sign, f" {entry['label']}", style="white-space:nowrap")


def _pictures_html(samples: Samples, selection: Selection | None) -> Html:
    if not samples.has_thumbnails:
        return Html()
    names = samples.filenames[:PICTURES] if selection is None else selection.filenames[:PICTURES]
    jpegs = (
        (name, samples.thumbnail(int(row))) for name, row in zip(names, samples.rows_of(names), strict=True)
    )
    small = [(name, small_jpeg(jpeg, PICTURE_SIDE)) for name, jpeg in jpegs if jpeg]
    what = "The first samples" if selection is None else "The first picks"
    return join(tag("div", f"{what}:"), pictures_html(small, PICTURE_SIDE))
