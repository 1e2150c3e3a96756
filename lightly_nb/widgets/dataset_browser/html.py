"""The parts of the dataset browser as HTML: pure functions of what is known."""

from __future__ import annotations

from collections.abc import Sequence

from lightly_nb.api.models import DatasetData
from lightly_nb.display.html import Html, join, table, tag
from lightly_nb.display.text import counted
from lightly_nb.widgets.dataset_browser.facts import DatasetFacts
from lightly_nb.widgets.dataset_browser.text import (
    FIRST_STEPS,
    MOST_ROWS,
    Row,
    about_lines,
    clock,
    dataset_detail,
    one_line,
    tables,
)
from lightly_nb.widgets.run_monitor.files import plain


def heading(text: str, level: int = 4) -> Html:
    """Return a heading of a part of the panel."""
    return tag("div", text, class_="lnb-heading", role="heading", aria_level=level)


def about(facts: DatasetFacts) -> Html:
    """Return name, type, size, datasources and sharing of a dataset."""
    dataset = facts.dataset
    made = tag("div", "id ", tag("code", dataset.id), f", made {clock(dataset.created_at)}")
    return join(
        heading(one_line(dataset.name), 3),
        tag("div", dataset_detail(dataset)),
        tag("div", (tag("div", line) for line in about_lines(facts)), made, class_="lnb-soft"),
    )


def first_steps() -> Html:
    """Return what a person does first in an empty workspace."""
    return join(
        tag("div", "There is no dataset yet. Run these three lines in a cell, then press Refresh:"),
        tag("pre", FIRST_STEPS, class_="lnb-first-steps", tabindex=0),
    )


def error(text: str) -> Html:
    """Return an error, whole."""
    return tag("pre", plain(text), role="alert") if text else Html()


def progress(text: str, done: int, total: int | None) -> Html:
    """Return how far a piece of work is."""
    values = {"value": done, "max": total} if total else {}
    return join(tag("progress", aria_label=text, **values), f" {text}")


def whole(datasets: Sequence[DatasetData], facts: DatasetFacts | None, now: float) -> Html:
    """Return the static output: tables of what there is, each of its first rows and how many more."""
    if not datasets:
        return first_steps()
    found = tables(datasets, facts, now)
    parts = [_table(*found[0])]
    if facts is not None:
        parts += [tag("div", about(facts)), *(_table(*each) for each in found[1:])]
    said = f"As of {clock(int(now * 1000))}; run the cell for the live browser."
    return join(parts, tag("div", said))


def _table(title: str, header: Row, rows: list[Row]) -> Html:
    shown = table(header, rows[:MOST_ROWS], style="text-align:left") if rows else None
    more = f"… {counted(len(rows) - MOST_ROWS, 'more row')}" if len(rows) > MOST_ROWS else ""
    return tag("div", tag("b", title), f" ({len(rows):,})", shown, tag("div", more) if more else None)
