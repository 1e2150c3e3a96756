"""The results viewer without a kernel: what a saved notebook shows, and one HTML file of all views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lightly_nb.display.html import Html, join, style_sheet, tag
from lightly_nb.samples.html import CUT_SHORT, picture_html
from lightly_nb.samples.thumbnails import small_jpeg
from lightly_nb.widgets.results_viewer.items import Item

Picture = Callable[[str], bytes]
"""The JPEG of a figure by its `id`."""

FIGURES = 12
SIDE, SIDE_ON_A_PAGE = 72, 96
TITLES = {"selected": "selected", "removed": "removed", "duplicates": "in groups of duplicates"}
STYLE = (
    ":root{color-scheme:light dark}body{font:14px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;"
    "padding:0 1em}h2{margin:1.5em 0 .5em}.grid{display:flex;flex-wrap:wrap;gap:10px}"
)
NO_PICTURE = tag("div", "no picture", style=f"height:{SIDE}px;min-width:{SIDE}px;border:1px dashed #888")


def results_html(
    counts: Mapping[str, int], view: str, start: int, items: Sequence[Item], picture: Picture
) -> Html:
    """Return self-contained HTML: how many there are in every view, and the first figures of a page.

    `start` is how many figures come before the page.
    """
    said = " · ".join(f"{counts[view]:,} {TITLES.get(view, view)}" for view in counts)
    shown = items[:FIGURES]
    what = f"{view.capitalize()}, {start + 1:,} to {start + len(shown):,}:" if shown else ""
    return tag(
        "div",
        tag("div", tag("b", said)),
        tag("div", what),
        tag(
            "div", (figure_html(item, picture) for item in shown), style="display:flex;flex-wrap:wrap;gap:6px"
        ),
        tag("div", "The results as they were when the cell ran; run the cell for the live viewer."),
    )


def figure_html(item: Item, picture: Picture, side: int = SIDE) -> Html:
    """Return one figure: its picture, that of its mate, and what is said of it."""
    both = [item, *([item["mate"]] if item["mate"] else [])]
    pictures = tag("div", (_picture(one, picture, side) for one in both), style="display:flex;gap:4px")
    lines = [*item["lines"][:1], *(one["name"] for one in both), *item["lines"][1:]]
    wide = f"max-width:{2 * side * len(both)}px"
    said = (tag("div", line, style=CUT_SHORT, title=line) for line in lines)
    return tag(
        "figure",
        pictures,
        tag("figcaption", said, style=f"font-size:11px;{wide}"),
        style=f"margin:0;{wide}",
    )


def results_page(title: str, views: Mapping[str, tuple[int, Sequence[Item]]], picture: Picture) -> Html:
    """Return a page with a part for every view: how many files it lists, and the first figures."""
    parts = []
    for view, (count, items) in views.items():
        left = f", the first {len(items):,} of them" if len(items) < count else ""
        figures = (figure_html(item, picture, SIDE_ON_A_PAGE) for item in items)
        heading = tag("h2", f"{view.capitalize()}: {count:,}{left}")
        parts.append(tag("section", heading, tag("div", figures, class_="grid")))
    return document(title, join(parts))


def document(title: str, body: Html) -> Html:
    """Return a whole HTML file."""
    head = tag("head", tag("meta", charset="utf-8"), tag("title", title), style_sheet(STYLE))
    whole = tag("html", head, tag("body", tag("h1", title), body), lang="en")
    return Html(f"<!DOCTYPE html>{whole}")


def written(html: str, path: str | Path | None) -> str:
    """Return `html`, written to `path` if that is given."""
    if path is not None:
        Path(path).write_text(html, encoding="utf-8", errors="replace")
    return html


def _picture(item: Item, picture: Picture, side: int) -> Html:
    jpeg = picture(item["id"])
    return picture_html(small_jpeg(jpeg, side), item["name"], side) if jpeg else NO_PICTURE
