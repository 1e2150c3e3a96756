"""The results viewer without a kernel: what a saved notebook shows, and one HTML file of all views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

from lightly_nb.samples.html import picture_html
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
NO_PICTURE = f'<div style="height:{SIDE}px;min-width:{SIDE}px;border:1px dashed #888">no picture</div>'


def results_html(
    counts: Mapping[str, int], view: str, start: int, items: Sequence[Item], picture: Picture
) -> str:
    """Return self-contained HTML: how many there are in every view, and the first figures of a page.

    `start` is how many figures come before the page.
    """
    said = " · ".join(f"{counts[view]:,} {TITLES.get(view, view)}" for view in counts)
    shown = items[:FIGURES]
    figures = "".join(figure_html(item, picture) for item in shown)
    what = f"{view.capitalize()}, {start + 1:,} to {start + len(shown):,}:" if shown else ""
    return (
        f"<div><div><b>{escape(said)}</b></div><div>{escape(what)}</div>"
        f'<div style="display:flex;flex-wrap:wrap;gap:6px">{figures}</div>'
        "<div>The results as they were when the cell ran; run the cell for the live viewer.</div></div>"
    )


def figure_html(item: Item, picture: Picture, side: int = SIDE) -> str:
    """Return one figure: its picture, that of its mate, and what is said of it."""
    both = [item, *([item["mate"]] if item["mate"] else [])]
    pictures = "".join(_picture(one, picture, side) for one in both)
    lines = [*item["lines"][:1], *(one["name"] for one in both), *item["lines"][1:]]
    style = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
    said = "".join(f'<div style="{style}" title="{escape(line)}">{escape(line)}</div>' for line in lines)
    wide = 2 * side * len(both)
    return (
        f'<figure style="margin:0;max-width:{wide}px"><div style="display:flex;gap:4px">{pictures}</div>'
        f'<figcaption style="font-size:11px;max-width:{wide}px">{said}</figcaption></figure>'
    )


def results_page(title: str, views: Mapping[str, tuple[int, Sequence[Item]]], picture: Picture) -> str:
    """Return a page with a part for every view: how many files it lists, and the first figures."""
    parts = []
    for view, (count, items) in views.items():
        left = f", the first {len(items):,} of them" if len(items) < count else ""
        figures = "".join(figure_html(item, picture, SIDE_ON_A_PAGE) for item in items)
        title_of_view = f"{view.capitalize()}: {count:,}{left}"
        parts.append(f'<section><h2>{title_of_view}</h2><div class="grid">{figures}</div></section>')
    return document(title, "".join(parts))


def document(title: str, body: str) -> str:
    """Return a whole HTML file; the caller has escaped what is in `body`."""
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    )


def written(html: str, path: str | Path | None) -> str:
    """Return `html`, written to `path` if that is given."""
    if path is not None:
        Path(path).write_text(html, encoding="utf-8", errors="replace")
    return html


def _picture(item: Item, picture: Picture, side: int) -> str:
    jpeg = picture(item["id"])
    return picture_html(small_jpeg(jpeg, side), item["name"], side) if jpeg else NO_PICTURE
