"""How `Samples` shows itself in a notebook: a small table with thumbnails, and what was left out."""

from __future__ import annotations

import base64
import io
import numbers
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from lightly_nb.samples import Samples

ROWS_SHOWN = 6
COLUMNS_SHOWN = 6
PICTURE_HEIGHT = 56
FOR_MACHINES = ("thumbnail", "version", "content_hash")
"""Columns that say nothing to a person."""
LARGEST_PREVIEW = 32 * 2**20
"""Bytes of a file above which no preview is decoded on the fly."""


def samples_html(samples: Samples) -> str:
    """Return a self-contained HTML table of the first samples; every name and value is escaped."""
    head = samples.table.iloc[:ROWS_SHOWN]
    columns = [column for column in head.columns if column not in FOR_MACHINES][:COLUMNS_SHOWN]
    header = "".join(f"<th>{escape(str(name))}</th>" for name in ["", "filename", *columns])
    rows = "".join(_row_html(samples, number, columns) for number in range(len(head)))
    return (
        f"<p>{escape(_summary(samples))}</p>"
        f"<table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>{_quarantine_html(samples)}"
    )


def picture_html(jpeg: bytes, alt: str, height: int = PICTURE_HEIGHT) -> str:
    """Return an `img` element that carries the JPEG inside it."""
    data = base64.b64encode(jpeg).decode("ascii")
    style = f"height:{height}px;max-width:none"
    return f'<img src="data:image/jpeg;base64,{data}" alt="{escape(alt)}" style="{style}">'


def _summary(samples: Samples) -> str:
    shapes = [f"{name} {' × '.join(map(str, a.shape))}" for name, a in samples.arrays.items()]
    shown = min(len(samples), ROWS_SHOWN)
    parts = [f"{len(samples):,} samples", *shapes, f"first {shown} shown"]
    return " · ".join(parts)


def _row_html(samples: Samples, number: int, columns: list[str]) -> str:
    row = samples.table.iloc[number]
    name = str(samples.table.index[number])
    values = "".join(f"<td>{escape(_text(row[column]))}</td>" for column in columns)
    named = f'<td style="text-align:left">{escape(name)}</td>'
    return f"<tr><td>{_picture(samples, row, name)}</td>{named}{values}</tr>"


def _text(value: object) -> str:
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, numbers.Real) else str(value)


def _picture(samples: Samples, row: pd.Series, name: str) -> str:
    try:
        if samples.thumbnails is not None and "thumbnail" in row.index:
            return picture_html(samples.thumbnails.read(int(row["thumbnail"])), name)
        if samples.source is not None:
            return picture_html(_preview(samples.source.read(name)), name)
    except Exception:  # a preview must never keep the table from showing
        return "–"
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


def _quarantine_html(samples: Samples) -> str:
    if samples.quarantine.empty:
        return ""
    rows = "".join(
        f"<tr><td>{escape(str(row.filename))}</td><td>{escape(str(row.stage))}</td>"
        f"<td>{escape(str(row.reason))}</td><td>{escape(str(row.what_to_do))}</td></tr>"
        for row in samples.quarantine.iloc[:ROWS_SHOWN].itertuples()
    )
    return (
        f"<details><summary>{len(samples.quarantine):,} files left out</summary><table><thead><tr>"
        "<th>filename</th><th>stage</th><th>reason</th><th>what to do</th>"
        f"</tr></thead><tbody>{rows}</tbody></table></details>"
    )
