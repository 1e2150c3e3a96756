"""What all figures look like: size, fonts, lines. No pyplot, so they can be drawn in any thread."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightly_nb.display.palette import GRID, MUTED, TEXT
from lightly_nb.report.forms.fonts import drawable, fallback_fonts

FULL, HALF = 7.1, 3.5
"""Widths in inches: the text block of an A4 page, and half of it."""
DPI = 200


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    """Return a figure and its axes, a 2-D array of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def titled(axes: Any, title: str, subtitle: str = "") -> None:
    """Give axes a bold title that says the finding, and a muted line on what it rests."""
    n_lines = subtitle.count("\n") + 1 if subtitle else 0
    axes.set_title(title, loc="left", fontsize=8.5, fontweight="bold", pad=5 + 9.5 * n_lines)
    if subtitle:
        axes.annotate(
            subtitle,
            (0, 1),
            (0, 4),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=7,
            color=MUTED,
            va="bottom",
        )


def label(text: str, longest: int = 28) -> str:
    """Return a name for a figure: short, and without characters that no font has."""
    from lightly_nb.display.text import shortened

    return drawable(shortened(text, longest)).replace("$", r"\$")


@contextmanager
def style() -> Iterator[None]:
    """Draw with the fonts and lines of the report; the caller's own settings come back afterwards."""
    import matplotlib

    settings = {
        "font.family": ["DejaVu Sans"],
        "font.size": 8,
        "text.color": TEXT,
        "axes.edgecolor": GRID,
        "axes.labelcolor": TEXT,
        "axes.labelsize": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.5,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "legend.frameon": False,
        "savefig.facecolor": "white",
    }
    with matplotlib.rc_context(settings):
        yield


def use_fallbacks(figure: Any) -> None:
    """Let every text of the figure use fonts of the machine for characters that DejaVu Sans lacks."""
    from matplotlib import font_manager
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        missing = frozenset(c for c in text.get_text() if ord(c) > 0x2FF)
        if missing:
            names = []
            for font in fallback_fonts(missing):
                font_manager.fontManager.addfont(str(font))
                names.append(font_manager.FontProperties(fname=str(font)).get_name())
            text.set_fontfamily(["DejaVu Sans", *dict.fromkeys(names)])
            text.set_fontweight("normal")  # fonts of other scripts rarely come in bold


def as_png(figure: Any) -> bytes:
    """Return the figure as a PNG of 200 dots an inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    use_fallbacks(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
