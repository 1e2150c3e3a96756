"""The static output of "how many do I need?": the curve, what it says, and the newest pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightly_nb.display.html import Html, tag
from lightly_nb.samples.html import pictures_html
from lightly_nb.samples.thumbnails import small_jpeg
from lightly_nb.widgets.size_explorer.balance import bars_html
from lightly_nb.widgets.size_explorer.curve import Curve
from lightly_nb.widgets.size_explorer.curve_svg import curve_image

SIDE = 72


def how_many_html(
    said: str,
    n: int,
    curve: Curve | None,
    balance: tuple[str, list[dict[str, Any]]],
    notes: Sequence[str],
    jpegs: Mapping[str, bytes],
) -> Html:
    """Return self-contained HTML, well below 100 KB for a page of pictures.

    `said` stands first; `balance` is what the samples are grouped by ('' for nothing) and the bars of it;
    `jpegs` are pictures by file name.
    """
    group_by, shares = balance
    bars = bars_html(shares) if group_by else None
    small = [(name, small_jpeg(jpeg, SIDE)) for name, jpeg in jpegs.items() if jpeg]
    return tag(
        "div",
        tag("div", tag("b", said)),
        (tag("div", note) for note in notes),
        tag(
            "div",
            curve_image(curve, n, said) if curve is not None else None,
            tag("div", tag("div", group_by) if bars else None, bars),
            style="display:flex;flex-wrap:wrap;gap:16px;align-items:center",
        ),
        pictures_html(small, SIDE),
        tag("div", "As it was when the cell ran; run the cell for the live panel."),
    )
