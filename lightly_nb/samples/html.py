"""How `Samples` shows itself in a notebook: a small table with thumbnails, and what was left out."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from lightly_nb.display.html import Html, image, join, table, tag
from lightly_nb.display.text import MISSING, counted, number

if TYPE_CHECKING:
    from lightly_nb.samples import Samples

ROWS_SHOWN = 6
COLUMNS_SHOWN = 6
PICTURE_HEIGHT = 56
CUT_SHORT = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
"""Style of a line that is cut where its place ends."""
FOR_MACHINES = ("thumbnail", "version", "content_hash")
"""Columns that say nothing to a person."""
LARGEST_PREVIEW = 32 * 2**20
"""Bytes of a file above which no preview is decoded on the fly."""


def samples_html(samples: Samples) -> Html:
    """Return a self-contained HTML table of the first samples."""
    head = samples.table.iloc[:ROWS_SHOWN]
    columns = [column for column in head.columns if column not in FOR_MACHINES][:COLUMNS_SHOWN]
    rows = (_row_html(samples, at, columns) for at in range(len(head)))
    names = tag("tr", (tag("th", name) for name in ["", "filename", *columns]))
    shown = tag("table", tag("thead", names), tag("tbody", rows))
    return join(tag("p", _summary(samples)), shown, _quarantine_html(samples))


def picture_html(jpeg: bytes, alt: str, height: int = PICTURE_HEIGHT) -> Html:
    """Return an `img` element that carries the JPEG inside it."""
    return image(jpeg, alt, style=f"height:{height}px;max-width:none")


def pictures_html(jpegs: Iterable[tuple[str, bytes]], height: int) -> Html:
    """Return pictures in rows, named by their tooltips; those without content are left out."""
    shown = (tag("span", picture_html(jpeg, name, height), title=name) for name, jpeg in jpegs if jpeg)
    return tag("div", shown, style="display:flex;flex-wrap:wrap;gap:4px")


def _summary(samples: Samples) -> str:
    shapes = [f"{name} {' × '.join(map(str, a.shape))}" for name, a in samples.arrays.items()]
    shown = min(len(samples), ROWS_SHOWN)
    parts = [counted(len(samples), "sample"), *shapes, f"first {shown} shown"]
    return " · ".join(parts)


def _row_html(samples: Samples, at: int, columns: list[str]) -> Html:
    row = samples.table.iloc[at]
    name = str(samples.table.index[at])
    values = (tag("td", number(row[column], 4)) for column in columns)
    named = tag("td", name, style="text-align:left")
    return tag("tr", tag("td", _picture(samples, row, name)), named, values)


def _picture(samples: Samples, row: pd.Series, name: str) -> Html | str:
    try:
        if samples.thumbnails is not None and "thumbnail" in row.index:
            return picture_html(samples.thumbnails.read(int(row["thumbnail"])), name)
        if samples.source is not None:
            return picture_html(_preview(samples.source.read(name)), name)
    except Exception:  # a preview must never keep the table from showing
        return MISSING
    return ""


def _preview(content: bytes) -> bytes:
    from PIL import Image, ImageOps

    if len(content) > LARGEST_PREVIEW:
        raise ValueError("too large for a preview")
    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (2 * PICTURE_HEIGHT, 2 * PICTURE_HEIGHT))
        small = ImageOps.exif_transpose(image).convert("RGB")
        small.thumbnail((4 * PICTURE_HEIGHT, 2 * PICTURE_HEIGHT))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


def _quarantine_html(samples: Samples) -> Html | None:
    if samples.quarantine.empty:
        return None
    keys = ("filename", "stage", "reason", "what_to_do")
    rows = samples.quarantine.iloc[:ROWS_SHOWN][list(keys)].itertuples(index=False)
    said = f"{counted(len(samples.quarantine), 'file')} left out"
    return tag("details", tag("summary", said), table([key.replace("_", " ") for key in keys], rows))
