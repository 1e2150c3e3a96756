"""The coverage curve as an inline SVG, in theme colours for the live panel and in gray for a saved one."""

from __future__ import annotations

import base64
from html import escape

import numpy as np

from lightly_nb.display import palette
from lightly_nb.vectors.coverage import DRAWS
from lightly_nb.widgets.size_explorer.curve import Curve

WIDTH, HEIGHT = 560, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 30, 38
LIVE = {"ink": "var(--lnb-ink)", "soft": "var(--lnb-soft)", "line": "var(--lnb-line)"}
STILL = {"ink": "#808080", "soft": "#808080", "line": "#80808055"}
"""Legible on white and on black, for a picture that cannot know the page it is on."""


def curve_svg(curve: Curve, n: int, colors: dict[str, str] = LIVE) -> str:
    """Return the curve with axes, band, legend and the marker at `n`."""
    scale = Scale(curve)
    band = [*scale.points(curve.random_sizes, curve.low), *scale.points(curve.random_sizes, curve.high)[::-1]]
    said = f"{curve.measure} of the samples to the nearest selected one, against the number selected"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(said)}" font-family="system-ui, sans-serif" font-size="12" '
        f'data-left="{LEFT}" data-right="{WIDTH - RIGHT}" data-most="{scale.n_most}">'
        f"<title>{escape(said)}</title>{_axes(scale, curve.measure, colors)}"
        f'<clipPath id="lnb-plot"><rect x="{LEFT}" y="{TOP - 4}" width="{WIDTH - LEFT - RIGHT}" '
        f'height="{HEIGHT - TOP - BOTTOM + 8}"/></clipPath><g style="clip-path:url(#lnb-plot)">'
        f'<path d="M{_joined(band)}Z" style="fill:{palette.RANDOM};fill-opacity:.3"/>'
        f'<path d="M{_joined(scale.points(curve.random_sizes, curve.median))}" '
        f'style="fill:none;stroke:{palette.RANDOM};stroke-width:2;stroke-dasharray:5 3"/>'
        f'<path d="M{_joined(scale.points(curve.sizes, curve.values))}" '
        f'style="fill:none;stroke:{palette.SELECTED};stroke-width:2.5"/></g>{_legend(colors)}'
        f'<g class="lnb-at">{marker_svg(curve, n, colors)}</g></svg>'
    )


def marker_svg(curve: Curve, n: int, colors: dict[str, str] = LIVE) -> str:
    """Return the line at `n`, the dot on the curve, and how far to the right random draws are as good."""
    scale = Scale(curve)
    x, y = scale.points(np.array([n]), np.array([curve.at(n)]))[0]
    as_many = curve.as_many_random(n)
    reach = WIDTH - RIGHT if as_many is None else min(WIDTH - RIGHT, scale.x(as_many))
    middle = min(max(x, LEFT + 14), WIDTH - RIGHT - 14)
    return (
        f'<line class="lnb-line-at" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{HEIGHT - BOTTOM}" '
        f'style="stroke:{colors["ink"]};stroke-width:1.5"/>'
        f'<line x1="{x:.1f}" x2="{reach:.1f}" y1="{y:.1f}" y2="{y:.1f}" '
        f'style="stroke:{colors["ink"]};stroke-width:1;stroke-dasharray:2 3"/>'
        f'<circle class="lnb-dot-at" cx="{x:.1f}" cy="{y:.1f}" r="4.5" '
        f'style="fill:{palette.SELECTED};stroke:{colors["ink"]};stroke-width:1.2"/>'
        f'<text class="lnb-n-at" x="{middle:.1f}" y="{TOP - 8}" text-anchor="middle" '
        f'style="fill:{colors["ink"]};font-weight:600">{n:,}</text>'
    )


def still_image(curve: Curve, n: int, alt: str) -> str:
    """Return the curve as an `img`, which unlike an inline SVG shows in a notebook that is not trusted."""
    data = base64.b64encode(curve_svg(curve, n, STILL).encode()).decode("ascii")
    return (
        f'<img alt="{escape(alt)}" style="max-width:100%;width:{WIDTH}px" '
        f'src="data:image/svg+xml;base64,{data}">'
    )


class Scale:
    """Where numbers lie on the picture."""

    def __init__(self, curve: Curve):
        self.n_most = int(curve.sizes[-1])
        seen = curve.random_sizes <= self.n_most
        highest = max(float(curve.values.max()), float(curve.high[seen].max(initial=0.0)))
        self.y_ticks = ticks(highest or 1.0)
        self.x_ticks = [tick for tick in ticks(self.n_most) if float(tick).is_integer()]
        self.top = max(self.y_ticks[-1], highest)

    def x(self, n: float) -> float:
        """Return the place of a number of samples."""
        return LEFT + (n / self.n_most) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return the place of a distance."""
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)

    def points(self, sizes: np.ndarray, values: np.ndarray) -> list[tuple[float, float]]:
        """Return the places of a line."""
        return [(self.x(float(n)), self.y(float(value))) for n, value in zip(sizes, values, strict=True)]


def ticks(highest: float, n: int = 5) -> list[float]:
    """Return about `n` round numbers from 0 to at most `highest`.

    >>> ticks(0.9), ticks(1000)
    ([0.0, 0.2, 0.4, 0.6, 0.8], [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0])
    """
    rough = highest / n
    power = 10.0 ** np.floor(np.log10(rough))
    step = min((factor * power for factor in (1, 2, 5, 10)), key=lambda one: abs(one - rough))
    return [float(round(number * step, 12)) for number in range(int(highest / step + 1e-9) + 1)]


def _axes(scale: Scale, measure: str, colors: dict[str, str]) -> str:
    text, line = f'style="fill:{colors["soft"]}"', f'style="stroke:{colors["line"]}"'
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for value in scale.y_ticks:
        y = scale.y(value)
        parts.append(f'<line x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" {line}/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" {text}>{value:g}</text>')
    for value in scale.x_ticks:
        x = scale.x(value)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle" {text}>{value:,.0f}</text>')
    middle = (LEFT + right) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 4}" text-anchor="middle" {text}>samples selected</text>')
    half = (TOP + bottom) / 2
    turned = f'transform="translate(12 {half}) rotate(-90)" text-anchor="middle"'
    parts.append(f"<text {turned} {text}>{escape(measure)} to a selected one</text>")
    return "".join(parts)


def _legend(colors: dict[str, str]) -> str:
    x, y = WIDTH - RIGHT - 214, TOP + 14
    text = f'style="fill:{colors["ink"]}"'
    rows = (
        ("this selection", f"stroke:{palette.SELECTED};stroke-width:2.5"),
        ("random, median", f"stroke:{palette.RANDOM};stroke-width:2;stroke-dasharray:5 3"),
        (f"random, 5 to 95 % of {DRAWS} draws", f"stroke:{palette.RANDOM};stroke-width:9;stroke-opacity:.3"),
    )
    return "".join(
        f'<line x1="{x}" x2="{x + 22}" y1="{y + 17 * at - 4}" y2="{y + 17 * at - 4}" style="{style}"/>'
        f'<text x="{x + 28}" y="{y + 17 * at}" {text}>{label}</text>'
        for at, (label, style) in enumerate(rows)
    )


def _joined(points: list[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
