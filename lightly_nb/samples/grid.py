"""A grid of pictures as static HTML: what a person would rather look at than a list of names."""

from __future__ import annotations

from collections.abc import Sequence

from lightly_nb.display.html import Html, join, tag
from lightly_nb.samples import Samples
from lightly_nb.samples.arguments import MANY, POSITIVE, SAMPLES, WHOLE, accepts
from lightly_nb.samples.html import CUT_SHORT, picture_html
from lightly_nb.samples.rows import names_of

MOST_SHOWN = 200


class ImageGrid:
    """Pictures in rows, shown by Jupyter; `html` is the text that it shows."""

    def __init__(self, html: Html):
        self.html = html

    def _repr_html_(self) -> Html:
        return self.html

    def __repr__(self) -> str:
        return f"ImageGrid({self.html.count('<img'):,} pictures)"


@accepts(samples=SAMPLES, captions=MANY, height=POSITIVE, most=WHOLE)
def show_images(
    samples: Samples,
    filenames: Sequence[str] | None = None,
    *,
    captions: Sequence[str] | None = None,
    height: int = 96,
    most: int = MOST_SHOWN,
) -> ImageGrid:
    """Show samples as a grid of their thumbnails.

    Parameters
    ----------
    samples : Samples
        Embedded samples: the thumbnails are made while embedding.
    filenames : sequence of str or None
        Which samples, in this order, for example `selection.filenames`; a name may come more than once. None
        is all of them.
    captions : sequence of str or None
        A line below each picture; None is the file name.
    height : int
        Height of the pictures in pixels.
    most : int
        At most so many pictures are shown; a line says how many there are.

    Raises
    ------
    InputError
        If a file name is not among the samples.
    """
    names = samples.filenames if filenames is None else names_of(filenames, "show_images: filenames")
    shown = names[:most]
    once = list(dict.fromkeys(shown if filenames is None else names))
    row_of = dict(zip(once, samples.rows_of(once).tolist(), strict=True))
    lines = list(captions) if captions is not None else shown
    cells = (
        _cell(samples.thumbnail(row_of[name]), name, caption, height)
        for name, caption in zip(shown, lines, strict=False)
    )
    more = tag("p", f"{len(shown):,} of {len(names):,} shown") if len(shown) < len(names) else None
    return ImageGrid(join(tag("div", cells, style="display:flex;flex-wrap:wrap;gap:6px"), more))


def _cell(jpeg: bytes, name: str, caption: str, height: int) -> Html:
    missing = tag("div", "no thumbnail", style=f"height:{height}px")
    line = f"font-size:11px;{CUT_SHORT};max-width:{int(1.5 * height)}px"
    return tag(
        "figure",
        picture_html(jpeg, name, height) if jpeg else missing,
        tag("figcaption", caption, style=line),
        style=f"margin:0;max-width:{2 * height}px",
        title=name,
    )
