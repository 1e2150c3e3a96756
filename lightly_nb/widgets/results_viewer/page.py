"""The panels' results as one HTML file that opens without a kernel or a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lightly_nb.display.html import Html, join, style_sheet, tag
from lightly_nb.display.text import counted
from lightly_nb.widgets.results_viewer.static import figure_html
from lightly_nb.widgets.results_viewer.views import VIEWS, Entries

if TYPE_CHECKING:
    from lightly_nb.widgets.results_viewer.model import ResultsModel

SIDE = 96
STYLE = (
    ":root{color-scheme:light dark}body{font:14px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;"
    "padding:0 1em}h2{margin:1.5em 0 .5em}.grid{display:flex;flex-wrap:wrap;gap:10px}"
)


def results_page(panel: ResultsModel, most: int) -> str:
    """Return the first `most` figures of every view as a page."""
    parts = []
    for view in VIEWS:
        entries = panel.listed(view)
        items = panel.facts.items(view, _first(entries, most))
        left = f", the first {len(items):,} of them" if len(items) < len(entries) else ""
        title = f"{view.capitalize()}: {len(entries):,}{left}"
        figures = (figure_html(panel, item, SIDE) for item in items)
        parts.append(tag("section", tag("h2", title), tag("div", figures, class_="grid")))
    total = counted(len(panel.samples), "sample")
    return document(f"{len(panel.picks):,} of {total} selected", join(parts))


def document(title: str, body: Html) -> str:
    """Return a whole HTML file."""
    head = tag("head", tag("meta", charset="utf-8"), tag("title", title), style_sheet(STYLE))
    return f"<!DOCTYPE html>{tag('html', head, tag('body', tag('h1', title), body), lang='en')}"


def written(html: str, path: str | Path | None) -> str:
    """Return `html`, written to `path` if that is given."""
    if path is not None:
        Path(path).write_text(html, encoding="utf-8", errors="replace")
    return html


def _first(entries: Entries, most: int) -> Entries:
    return Entries(entries.rows[:most], entries.names[:most], entries.groups[:most])
