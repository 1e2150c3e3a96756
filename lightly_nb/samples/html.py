"""How `Samples` shows itself in a notebook: a small table with thumbnails, and what was left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from lightly_nb.display.html import Html, image, join, table, tag
from lightly_nb.display.text import MISSING, counted, number
from lightly_nb.pictures.kinds import not_read_in_words

ROWS_SHOWN = 6
COLUMNS_SHOWN = 6
PICTURE_HEIGHT = 56
CUT_SHORT = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
"""Style of a line that is cut where its place ends."""


def samples_html(
    samples: pd.DataFrame,
    arrays: Mapping[str, Any],
    quarantine: pd.DataFrame,
    picture_of: Callable[[int], bytes],
    *,
    notes: pd.Series | None = None,
    not_read: Mapping[str, int] | None = None,
    hidden: Collection[str] = (),
) -> Html:
    """Return a self-contained HTML table of the first samples.

    Parameters
    ----------
    samples : pandas.DataFrame
        The sample table.
    arrays : mapping
        What lies beside it.
    quarantine : pandas.DataFrame
        Files that were left out.
    picture_of : callable
        Returns the JPEG of a row, empty where there is none.
    notes : pandas.Series or None
        What is to be known of files that were kept, '' for nothing.
    not_read : mapping or None
        How many files hold images that are not read, by their ending.
    hidden : collection of str
        Columns that are left out.
    """
    head = samples.iloc[:ROWS_SHOWN]
    columns = [column for column in head.columns if column not in hidden][:COLUMNS_SHOWN]
    rows = (_row_html(head, at, columns, picture_of) for at in range(len(head)))
    names = tag("tr", (tag("th", name) for name in ["", "filename", *columns]))
    shown = tag("table", tag("thead", names), tag("tbody", rows))
    summary = tag("p", _summary(len(samples), arrays))
    others = tag("p", f"images that are not read: {not_read_in_words(not_read)}") if not_read else None
    return join(summary, others, shown, _notes_html(notes), _quarantine_html(quarantine))


def picture_html(jpeg: bytes, alt: str, height: int = PICTURE_HEIGHT) -> Html:
    """Return an `img` element that carries the JPEG inside it."""
    return image(jpeg, alt, style=f"height:{height}px;max-width:none")


def pictures_html(jpegs: Iterable[tuple[str, bytes]], height: int) -> Html:
    """Return pictures in rows, named by their tooltips; those without content are left out."""
    shown = (tag("span", picture_html(jpeg, name, height), title=name) for name, jpeg in jpegs if jpeg)
    return tag("div", shown, style="display:flex;flex-wrap:wrap;gap:4px")


def _summary(n_samples: int, arrays: Mapping[str, Any]) -> str:
    shapes = [f"{name} {' × '.join(map(str, a.shape))}" for name, a in arrays.items()]
    shown = min(n_samples, ROWS_SHOWN)
    return " · ".join([counted(n_samples, "sample"), *shapes, f"first {shown} shown"])


def _row_html(head: pd.DataFrame, at: int, columns: list[str], picture_of: Callable[[int], bytes]) -> Html:
    row, name = head.iloc[at], str(head.index[at])
    values = (tag("td", number(row[column], 4)) for column in columns)
    named = tag("td", name, style="text-align:left")
    return tag("tr", tag("td", _picture(picture_of, at, name)), named, values)


def _picture(picture_of: Callable[[int], bytes], at: int, name: str) -> Html | str:
    try:
        jpeg = picture_of(at)
    except Exception:  # a preview must never keep the table from showing
        return MISSING
    return picture_html(jpeg, name) if jpeg else ""


def _notes_html(notes: pd.Series | None) -> Html | None:
    noted = notes[notes != ""] if notes is not None else None
    if noted is None or noted.empty:
        return None
    rows = noted.iloc[:ROWS_SHOWN].items()
    said = f"{counted(len(noted), 'file')} kept with a note"
    return tag("details", tag("summary", said), table(["filename", "note"], rows))


def _quarantine_html(quarantine: pd.DataFrame) -> Html | None:
    if quarantine.empty:
        return None
    keys = ("filename", "stage", "reason", "what_to_do")
    rows = quarantine.iloc[:ROWS_SHOWN][list(keys)].itertuples(index=False)
    said = f"{counted(len(quarantine), 'file')} left out"
    return tag("details", tag("summary", said), table([key.replace("_", " ") for key in keys], rows))
