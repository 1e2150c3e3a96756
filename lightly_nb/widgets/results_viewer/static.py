"""The static output of the results viewer: true without a kernel, and small."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lightly_nb.samples.html import picture_html
from lightly_nb.samples.thumbnails import small_jpeg
from lightly_nb.widgets.results_viewer.items import Item

if TYPE_CHECKING:
    from lightly_nb.widgets.results_viewer.model import ResultsModel

FIGURES = 12
SIDE = 72
TITLES = {"selected": "selected", "removed": "removed", "duplicates": "in groups of duplicates"}
NO_PICTURE = f'<div style="height:{SIDE}px;min-width:{SIDE}px;border:1px dashed #888">no picture</div>'


def results_html(panel: ResultsModel, most: int = FIGURES) -> str:
    """Return self-contained HTML: how many there are of everything, and the page's first `most` pictures."""
    counts = panel.counts
    said = " · ".join(f"{counts[view]:,} {TITLES.get(view, view)}" for view in counts)
    items = panel.items()[:most]
    figures = "".join(figure_html(panel, item) for item in items)
    first = (panel.page - 1) * panel.page_size + 1
    what = f"{panel.view.capitalize()}, {first:,} to {first + len(items) - 1:,}:" if items else ""
    return (
        f"<div><div><b>{escape(said)}</b></div><div>{escape(what)}</div>"
        f'<div style="display:flex;flex-wrap:wrap;gap:6px">{figures}</div>'
        "<div>The results as they were when the cell ran; run the cell for the live viewer.</div></div>"
    )


def figure_html(panel: ResultsModel, item: Item, side: int = SIDE) -> str:
    """Return one figure: its picture, that of its mate, and what is said of it."""
    both = [item, *([item["mate"]] if item["mate"] else [])]
    pictures = "".join(_picture(panel, one, side) for one in both)
    lines = [*item["lines"][:1], *(one["name"] for one in both), *item["lines"][1:]]
    style = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
    said = "".join(f'<div style="{style}" title="{escape(line)}">{escape(line)}</div>' for line in lines)
    wide = 2 * side * len(both)
    return (
        f'<figure style="margin:0;max-width:{wide}px"><div style="display:flex;gap:4px">{pictures}</div>'
        f'<figcaption style="font-size:11px;max-width:{wide}px">{said}</figcaption></figure>'
    )


def _picture(panel: ResultsModel, item: Item, side: int) -> str:
    jpeg = panel.picture(item["id"])
    return picture_html(small_jpeg(jpeg, side), item["name"], side) if jpeg else NO_PICTURE
