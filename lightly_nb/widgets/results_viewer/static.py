"""The static output of the results viewer: true without a kernel, and small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightly_nb.display.html import Html, tag
from lightly_nb.samples.html import CUT_SHORT, picture_html
from lightly_nb.widgets.results_viewer.items import Item
from lightly_nb.widgets.shared.pictures import small_jpeg

if TYPE_CHECKING:
    from lightly_nb.widgets.results_viewer.model import ResultsModel

FIGURES = 12
SIDE = 72
TITLES = {"selected": "selected", "removed": "removed", "duplicates": "in groups of duplicates"}
NO_PICTURE = tag("div", "no picture", style=f"height:{SIDE}px;min-width:{SIDE}px;border:1px dashed #888")


def results_html(panel: ResultsModel, most: int = FIGURES) -> Html:
    """Return self-contained HTML: how many there are of everything, and the page's first `most` pictures."""
    counts = panel.counts
    said = " · ".join(f"{counts[view]:,} {TITLES.get(view, view)}" for view in counts)
    items = panel.items()[:most]
    figures = (figure_html(panel, item) for item in items)
    first = (panel.page - 1) * panel.page_size + 1
    what = f"{panel.view.capitalize()}, {first:,} to {first + len(items) - 1:,}:" if items else ""
    return tag(
        "div",
        tag("div", tag("b", said)),
        tag("div", what),
        tag("div", figures, style="display:flex;flex-wrap:wrap;gap:6px"),
        tag("div", "The results as they were when the cell ran; run the cell for the live viewer."),
    )


def figure_html(panel: ResultsModel, item: Item, side: int = SIDE) -> Html:
    """Return one figure: its picture, that of its mate, and what is said of it."""
    both = [item, *([item["mate"]] if item["mate"] else [])]
    pictures = tag("div", (_picture(panel, one, side) for one in both), style="display:flex;gap:4px")
    lines = [*item["lines"][:1], *(one["name"] for one in both), *item["lines"][1:]]
    wide = f"max-width:{2 * side * len(both)}px"
    said = (tag("div", line, style=CUT_SHORT, title=line) for line in lines)
    return tag(
        "figure",
        pictures,
        tag("figcaption", said, style=f"font-size:11px;{wide}"),
        style=f"margin:0;{wide}",
    )


def _picture(panel: ResultsModel, item: Item, side: int) -> Html:
    jpeg = panel.picture(item["id"])
    return picture_html(small_jpeg(jpeg, side), item["name"], side) if jpeg else NO_PICTURE
