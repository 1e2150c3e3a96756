"""Line charts as SVG, in the colours of the page, or in gray for a picture that cannot know its page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lightly_nb.display.html import Html, image, join, tag

Point = tuple[float, float]
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 30, 38
LIVE = {
    "ink": "var(--lnb-ink)",
    "soft": "var(--lnb-soft)",
    "line": "var(--lnb-line)",
    "accent": "var(--lnb-accent)",
}
"""The variables of `theme.css`."""
STILL = {"ink": "#808080", "soft": "#808080", "line": "#80808055", "accent": "#3b8fd9"}
"""Legible on white and on black."""
OPACITY = 0.3
"""Of a band."""


@dataclass(frozen=True)
class Line:
    """One line of a chart, or with points all the way round the edge of its band.

    `more` is more CSS of the stroke; without a `label` the line is not in the legend; `name` is its class.
    """

    points: Sequence[Point]
    color: str
    width: float = 2
    more: str = ""
    label: str = ""
    name: str | None = None
    has_dots: bool = False

    @property
    def style(self) -> str:
        """The CSS of its stroke."""
        return f"stroke:{self.color};stroke-width:{self.width:g};{self.more}".rstrip(";")


@dataclass(frozen=True)
class Scale:
    """Where numbers lie on a picture: `across` and `up` are the lowest and highest on each axis."""

    width: int
    height: int
    across: Point
    up: Point
    top: int = TOP

    @property
    def right(self) -> int:
        """The right edge of the plot."""
        return self.width - RIGHT

    @property
    def bottom(self) -> int:
        """The lower edge of the plot."""
        return self.height - BOTTOM

    def x(self, value: float) -> float:
        """Return the place of a number on the axis across."""
        low, high = self.across
        return LEFT + (value - low) / ((high - low) or 1) * (self.right - LEFT)

    def y(self, value: float) -> float:
        """Return the place of a number on the axis that goes up."""
        low, high = self.up
        return self.bottom - (value - low) / ((high - low) or 1) * (self.bottom - self.top)

    def path(self, points: Iterable[Point]) -> str:
        """Return the path through points."""
        return "M" + "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)


def line_chart(
    scale: Scale,
    lines: Sequence[Line],
    *,
    said: str,
    x_label: str,
    y_label: str,
    y_ticks: Sequence[float],
    band: Line | None = None,
    marker: Html | None = None,
    colors: Mapping[str, str] = LIVE,
    **attributes: object,
) -> Html:
    """Return a chart; the numbers written on its axis across are whole.

    Parameters
    ----------
    scale : Scale
        Where numbers lie.
    lines : sequence of Line
        Those that come first lie below; the `band` below all.
    said : str
        What the chart shows, for those who hear it, and as its tooltip.
    x_label, y_label, y_ticks : str, str, sequence of float
        Of the axes.
    marker : Html or None
        What lies above all, see `marker`; in a group of the class `lnb-at`, so that a script can move it.
    colors : mapping of str to str
        `LIVE` or `STILL`.
    **attributes : object
        More of the SVG element, as in `tag`.
    """
    clip = f"lnb-plot-{scale.width}-{scale.height}"  # charts of one size share it
    plot = {"x": LEFT, "y": scale.top - 4, "width": scale.right - LEFT}
    return tag(
        "svg",
        tag("title", said),
        _axes(scale, x_label, y_label, y_ticks, colors),
        tag("clipPath", tag("rect", **plot, height=scale.bottom - scale.top + 8), id=clip),
        tag(
            "g",
            None if band is None else _area(scale, band),
            (_line(scale, line) for line in lines),
            style=f"clip-path:url(#{clip})",
        ),
        _legend(scale, [line for line in (*lines, band) if line is not None and line.label], colors),
        tag("g", marker, class_="lnb-at"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {scale.width} {scale.height}",
        role="img",
        aria_label=said,
        font_family="system-ui, sans-serif",
        font_size=11,
        **attributes,
    )


def marker(
    scale: Scale, at: Point, reach: float, label: str, color: str, colors: Mapping[str, str] = LIVE
) -> Html:
    """Return a dot of `color` at a point, its label above, lines down and to `reach` on the axis across."""
    x, y, end = scale.x(at[0]), scale.y(at[1]), min(scale.right, scale.x(reach))
    middle, ink = min(max(x, LEFT + 14), scale.right - 14), colors["ink"]
    return join(
        _straight(x, x, scale.top - 4, scale.bottom, f"stroke:{ink};stroke-width:1.5", "lnb-line-at"),
        _straight(x, end, y, y, f"stroke:{ink};stroke-width:1;stroke-dasharray:2 3"),
        _dot(x, y, 4.5, f"fill:{color};stroke:{ink};stroke-width:1.2", "lnb-dot-at"),
        _text(middle, scale.top - 8, label, f"fill:{ink};font-weight:600", class_="lnb-n-at"),
    )


def still_image(chart: Html, alt: str, width: int, **attributes: object) -> Html:
    """Return a chart as an `img`, which unlike an inline SVG shows in a notebook that is not trusted."""
    style = f"max-width:100%;width:{width}px"
    return image(chart.encode(), alt, "svg+xml", style=style, **attributes)


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` + 1 round numbers that span `low` to `high`; of a single value its neighbours.

    >>> ticks(0, 4, 5), ticks(4.52, 4.81, 3)
    ([0.0, 1.0, 2.0, 3.0, 4.0], [4.5, 4.6, 4.7, 4.8])
    """
    if high - low <= 1e-9 * max(abs(low), abs(high)) or high - low < 1e-12:
        around = 0.05 * (abs(low) if abs(low) > 1e-9 else 1)
        low, high = low - around, high + around
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    return [round(number * step, digits) for number in range(first, last + 1)]


def _axes(
    scale: Scale, x_label: str, y_label: str, y_ticks: Sequence[float], colors: Mapping[str, str]
) -> Html:
    line, text = f"stroke:{colors['line']}", f"fill:{colors['soft']}"
    middle = (scale.top + scale.bottom) / 2
    whole = [tick for tick in ticks(*scale.across, 5) if tick.is_integer() and tick >= scale.across[0]]
    return join(
        (_straight(LEFT, scale.right, scale.y(tick), scale.y(tick), line) for tick in y_ticks),
        (_text(LEFT - 6, scale.y(tick) + 4, f"{tick:g}", text, "end") for tick in y_ticks),
        (_text(scale.x(tick), scale.bottom + 15, f"{tick:,.0f}", text) for tick in whole),
        _text((LEFT + scale.right) / 2, scale.height - 5, x_label, text),
        _text(12, middle, y_label, text, transform=f"rotate(-90 12 {middle:g})"),
    )


def _line(scale: Scale, line: Line) -> Html:
    path = tag("path", d=scale.path(line.points), class_=line.name, style=f"fill:none;{line.style}")
    dots = line.points if line.has_dots else ()
    return join(path, (_dot(scale.x(x), scale.y(y), 2.5, f"fill:{line.color}") for x, y in dots))


def _area(scale: Scale, edge: Line) -> Html:
    return tag("path", d=f"{scale.path(edge.points)}Z", style=f"fill:{edge.color};fill-opacity:{OPACITY}")


def _legend(scale: Scale, lines: Sequence[Line], colors: Mapping[str, str]) -> Html:
    x, first = scale.right - 202, scale.top + 14
    rows = []
    for at, line in enumerate(lines):
        y = first + 17 * at
        rows.append(_straight(x, x + 22, y - 4, y - 4, line.style))
        rows.append(_text(x + 28, y, line.label, f"fill:{colors['ink']}", "start"))
    return join(rows)


def _straight(x1: float, x2: float, y1: float, y2: float, style: str, name: str | None = None) -> Html:
    ends = {"x1": f"{x1:.1f}", "x2": f"{x2:.1f}", "y1": f"{y1:.1f}", "y2": f"{y2:.1f}"}
    return tag("line", class_=name, **ends, style=style)


def _dot(x: float, y: float, radius: float, style: str, name: str | None = "lnb-dot") -> Html:
    return tag("circle", class_=name, cx=f"{x:.1f}", cy=f"{y:.1f}", r=radius, style=style)


def _text(x: float, y: float, text: str, style: str, anchor: str = "middle", **attributes: object) -> Html:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}"}
    return tag("text", text, **place, text_anchor=anchor, style=style, **attributes)
