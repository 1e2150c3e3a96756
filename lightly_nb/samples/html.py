"""How `Samples` shows itself in a notebook: a small table with thumbnails, and what was left out."""

from __future__ import annotations

import base64
import numbers
from collections.abc import Callable, Collection, Mapping
from html import escape
from typing import Any

import pandas as pd

ROWS_SHOWN = 6
COLUMNS_SHOWN = 6
PICTURE_HEIGHT = 56


def samples_html(
    table: pd.DataFrame,
    arrays: Mapping[str, Any],
    quarantine: pd.DataFrame,
    picture_of: Callable[[int], bytes],
    *,
    hidden: Collection[str] = (),
) -> str:
    """Return a self-contained HTML table of the first samples; every name and value is escaped.

    `picture_of` returns the JPEG of a row, empty where there is none; `hidden` columns are left out.
    """
    head = table.iloc[:ROWS_SHOWN]
    columns = [column for column in head.columns if column not in hidden][:COLUMNS_SHOWN]
    header = "".join(f"<th>{escape(str(name))}</th>" for name in ["", "filename", *columns])
    rows = "".join(_row_html(head, number, columns, picture_of) for number in range(len(head)))
    return (
        f"<p>{escape(_summary(len(table), arrays))}</p>"
        f"<table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>{_quarantine_html(quarantine)}"
    )


def picture_html(jpeg: bytes, alt: str, height: int = PICTURE_HEIGHT) -> str:
    """Return an `img` element that carries the JPEG inside it."""
    data = base64.b64encode(jpeg).decode("ascii")
    style = f"height:{height}px;max-width:none"
    return f'<img src="data:image/jpeg;base64,{data}" alt="{escape(alt)}" style="{style}">'


def _summary(n_samples: int, arrays: Mapping[str, Any]) -> str:
    shapes = [f"{name} {' × '.join(map(str, a.shape))}" for name, a in arrays.items()]
    shown = min(n_samples, ROWS_SHOWN)
    parts = [f"{n_samples:,} samples", *shapes, f"first {shown} shown"]
    return " · ".join(parts)


def _row_html(head: pd.DataFrame, number: int, columns: list[str], picture_of: Callable[[int], bytes]) -> str:
    row, name = head.iloc[number], str(head.index[number])
    values = "".join(f"<td>{escape(_text(row[column]))}</td>" for column in columns)
    named = f'<td style="text-align:left">{escape(name)}</td>'
    return f"<tr><td>{_picture(picture_of, number, name)}</td>{named}{values}</tr>"


def _text(value: object) -> str:
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, numbers.Real) else str(value)


def _picture(picture_of: Callable[[int], bytes], number: int, name: str) -> str:
    try:
        jpeg = picture_of(number)
    except Exception:  # a preview must never keep the table from showing
        return "–"
    return picture_html(jpeg, name) if jpeg else ""


def _quarantine_html(quarantine: pd.DataFrame) -> str:
    if quarantine.empty:
        return ""
    rows = "".join(
        f"<tr><td>{escape(str(row.filename))}</td><td>{escape(str(row.stage))}</td>"
        f"<td>{escape(str(row.reason))}</td><td>{escape(str(row.what_to_do))}</td></tr>"
        for row in quarantine.iloc[:ROWS_SHOWN].itertuples()
    )
    return (
        f"<details><summary>{len(quarantine):,} files left out</summary><table><thead><tr>"
        "<th>filename</th><th>stage</th><th>reason</th><th>what to do</th>"
        f"</tr></thead><tbody>{rows}</tbody></table></details>"
    )
