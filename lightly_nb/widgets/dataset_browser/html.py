"""The parts of the dataset browser as HTML: pure functions of what is known; everything is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from lightly_nb.api.models import DatasetData
from lightly_nb.widgets.dataset_browser.facts import DatasetFacts
from lightly_nb.widgets.dataset_browser.text import (
    FIRST_STEPS,
    MOST_ROWS,
    Row,
    about_lines,
    clock,
    counted,
    dataset_detail,
    one_line,
    tables,
)
from lightly_nb.widgets.run_monitor.files import plain
from lightly_nb.widgets.shared.theme import panel_css, panel_module

_PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def page_html(extra_css: str) -> str:
    """Return style and script of the panel: ipywidgets run no script but that of an element's own events."""
    script = escape(f"const image = this; {panel_module('dataset_browser/panel')}", quote=True)
    run = f'<img src="{_PIXEL}" alt="" hidden onload="{script}">'
    return f"<style>{panel_css('dataset_browser/panel')}{extra_css}</style>{run}"


def heading(text: str, level: int = 4) -> str:
    """Return a heading of a part of the panel."""
    return f'<div class="lnb-heading" role="heading" aria-level="{level}">{escape(text)}</div>'


def about(facts: DatasetFacts) -> str:
    """Return name, type, size, datasources and sharing of a dataset."""
    dataset = facts.dataset
    lines = "".join(f"<div>{escape(line)}</div>" for line in about_lines(facts))
    return (
        f"{heading(one_line(dataset.name), 3)}<div>{escape(dataset_detail(dataset))}</div>"
        f'<div class="lnb-soft">{lines}<div>id <code>{escape(dataset.id)}</code>, '
        f"made {clock(dataset.created_at)}</div></div>"
    )


def first_steps() -> str:
    """Return what a person does first in an empty workspace."""
    return (
        "<div>There is no dataset yet. Run these three lines in a cell, then press Refresh:</div>"
        f'<pre class="lnb-first-steps" tabindex="0">{escape(FIRST_STEPS)}</pre>'
    )


def text(said: str) -> str:
    """Return text for a place where it is read as it comes."""
    return escape(plain(said))


def error(text: str) -> str:
    """Return an error, whole."""
    return f'<pre role="alert">{escape(plain(text))}</pre>' if text else ""


def progress(text: str, done: int, total: int | None) -> str:
    """Return how far a piece of work is."""
    values = f'value="{done}" max="{total}"' if total else ""
    return f'<progress aria-label="{escape(text)}" {values}></progress> {escape(text)}'


def whole(datasets: Sequence[DatasetData], facts: DatasetFacts | None, now: float) -> str:
    """Return the static output: tables of what there is, each of its first rows and how many more."""
    if not datasets:
        return first_steps()
    found = tables(datasets, facts, now)
    parts = [_table(*found[0])]
    if facts is not None:
        parts += [f"<div>{about(facts)}</div>", *(_table(*table) for table in found[1:])]
    said = f"As of {clock(int(now * 1000))}; run the cell for the live browser."
    return f"{''.join(parts)}<div>{escape(said)}</div>"


def _table(title: str, header: Row, rows: list[Row]) -> str:
    shown = _line("th", header) + "".join(_line("td", row) for row in rows[:MOST_ROWS])
    more = f"<div>… {counted(len(rows) - MOST_ROWS, 'more row')}</div>" if len(rows) > MOST_ROWS else ""
    caption = f"<b>{escape(title)}</b> ({len(rows):,})"
    return f"<div>{caption}{f'<table>{shown}</table>' if rows else ''}{more}</div>"


def _line(tag: str, cells: Row) -> str:
    inside = "".join(f'<{tag} style="text-align:left">{escape(cell)}</{tag}>' for cell in cells)
    return f"<tr>{inside}</tr>"
