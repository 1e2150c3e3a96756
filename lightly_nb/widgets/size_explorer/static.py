"""The static output of "how many do I need?": the curve, what it says, and the newest pictures."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lightly_nb.samples.html import picture_html
from lightly_nb.samples.thumbnails import small_jpeg
from lightly_nb.widgets.size_explorer.balance import bars_html
from lightly_nb.widgets.size_explorer.curve_svg import still_image

if TYPE_CHECKING:
    from lightly_nb.widgets.results_viewer.items import Item
    from lightly_nb.widgets.size_explorer.model import HowManyModel

SIDE = 72


def how_many_html(panel: HowManyModel, items: list[Item] | None = None) -> str:
    """Return self-contained HTML; with the pictures of `items`, None being the page, well below 100 KB."""
    said = f"{panel.n:,} of {len(panel.samples):,} samples selected. {panel.finding}"
    picture = still_image(panel.curve, panel.n, said) if panel.curve is not None else ""
    balance = bars_html(panel.balance()) if panel.group_by else ""
    title = f"<div>{escape(panel.group_by)}</div>" if balance else ""
    notes = "".join(f"<div>{escape(note)}</div>" for note in panel.notes)
    jpegs = {item["name"]: panel.picture(item["id"]) for item in (panel.items() if items is None else items)}
    pictures = "".join(
        f'<span title="{escape(name)}">{picture_html(small_jpeg(jpeg, SIDE), name, SIDE)}</span>'
        for name, jpeg in jpegs.items()
        if jpeg
    )
    return (
        f"<div><div><b>{escape(said)}</b></div>{notes}"
        f'<div style="display:flex;flex-wrap:wrap;gap:16px;align-items:center">{picture}'
        f"<div>{title}{balance}</div></div>"
        f'<div style="display:flex;flex-wrap:wrap;gap:4px">{pictures}</div>'
        "<div>As it was when the cell ran; run the cell for the live panel.</div></div>"
    )
