"""The static output of "how many do I need?": the curve, what it says, and the newest pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightly_nb.display.html import Html, tag
from lightly_nb.display.text import counted
from lightly_nb.samples.html import pictures_html
from lightly_nb.widgets.shared.pictures import small_jpeg
from lightly_nb.widgets.size_explorer.balance import bars_html
from lightly_nb.widgets.size_explorer.curve_svg import curve_image

if TYPE_CHECKING:
    from lightly_nb.widgets.results_viewer.items import Item
    from lightly_nb.widgets.size_explorer.model import HowManyModel

SIDE = 72


def how_many_html(panel: HowManyModel, items: list[Item] | None = None) -> Html:
    """Return self-contained HTML; with the pictures of `items`, None being the page, well below 100 KB."""
    said = f"{panel.n:,} of {counted(len(panel.samples), 'sample')} selected. {panel.finding}"
    picture = curve_image(panel.curve, panel.n, said) if panel.curve is not None else None
    balance = bars_html(panel.balance()) if panel.group_by else None
    title = tag("div", panel.group_by) if balance else None
    jpegs = {item["name"]: panel.picture(item["id"]) for item in (panel.items() if items is None else items)}
    small = [(name, small_jpeg(jpeg, SIDE)) for name, jpeg in jpegs.items() if jpeg]
    return tag(
        "div",
        tag("div", tag("b", said)),
        (tag("div", note) for note in panel.notes),
        tag(
            "div",
            picture,
            tag("div", title, balance),
            style="display:flex;flex-wrap:wrap;gap:16px;align-items:center",
        ),
        pictures_html(small, SIDE),
        tag("div", "As it was when the cell ran; run the cell for the live panel."),
    )
