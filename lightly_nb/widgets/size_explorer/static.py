"""The static output of "how many do I need?": the curve, what it says, and the newest pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from lightly_nb.samples.html import picture_html
from lightly_nb.samples.thumbnails import small_jpeg
from lightly_nb.widgets.size_explorer.balance import bars_html
from lightly_nb.widgets.size_explorer.curve import Curve
from lightly_nb.widgets.size_explorer.curve_svg import still_image

SIDE = 72


def how_many_html(
    said: str,
    n: int,
    curve: Curve | None,
    balance: tuple[str, list[dict[str, Any]]],
    notes: Sequence[str],
    jpegs: Mapping[str, bytes],
) -> str:
    """Return self-contained HTML, well below 100 KB for a page of pictures.

    `said` stands first; `balance` is what the samples are grouped by ('' for nothing) and the bars of it;
    `jpegs` are pictures by file name.
    """
    picture = still_image(curve, n, said) if curve is not None else ""
    group_by, shares = balance
    bars = bars_html(shares) if group_by else ""
    title = f"<div>{escape(group_by)}</div>" if bars else ""
    lines = "".join(f"<div>{escape(note)}</div>" for note in notes)
    pictures = "".join(
        f'<span title="{escape(name)}">{picture_html(small_jpeg(jpeg, SIDE), name, SIDE)}</span>'
        for name, jpeg in jpegs.items()
        if jpeg
    )
    return (
        f"<div><div><b>{escape(said)}</b></div>{lines}"
        f'<div style="display:flex;flex-wrap:wrap;gap:16px;align-items:center">{picture}'
        f"<div>{title}{bars}</div></div>"
        f'<div style="display:flex;flex-wrap:wrap;gap:4px">{pictures}</div>'
        "<div>As it was when the cell ran; run the cell for the live panel.</div></div>"
    )
