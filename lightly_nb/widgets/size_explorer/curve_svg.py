"""The coverage curve beside random draws, as a chart with a marker at the number selected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lightly_nb.display import palette
from lightly_nb.display.html import Html
from lightly_nb.display.svg import (
    LEFT,
    LIVE,
    OPACITY,
    STILL,
    Line,
    Point,
    Scale,
    line_chart,
    marker,
    still_image,
    ticks,
)
from lightly_nb.vectors.coverage import DRAWS
from lightly_nb.widgets.size_explorer.curve import Curve

WIDTH, HEIGHT = 560, 250


def curve_svg(curve: Curve, n: int, colors: Mapping[str, str] = LIVE) -> Html:
    """Return the curve with axes, band, legend and the marker at `n`."""
    scale, y_ticks = _scale(curve)
    low, median, high = (_points(curve.random_sizes, line) for line in (curve.low, curve.median, curve.high))
    shade = f"stroke-opacity:{OPACITY}"
    draws = f"random, 5 to 95 % of {DRAWS} draws"
    return line_chart(
        scale,
        [
            Line(median, palette.RANDOM, 2, "stroke-dasharray:5 3", "random, median"),
            Line(_points(curve.sizes, curve.values), palette.SELECTED, 2.5, label="this selection"),
        ],
        said=f"{_said(curve)}, against the number selected",
        x_label="samples selected",
        y_label=f"{curve.of_what}, which a strategy optimises" if curve.optimized_by else curve.of_what,
        y_ticks=y_ticks,
        band=Line([*low, *high[::-1]], palette.RANDOM, 9, shade, draws),
        marker=marker_svg(curve, n, colors),
        colors=colors,
        data_left=LEFT,
        data_right=scale.right,
        data_most=int(curve.sizes[-1]),
    )


def marker_svg(curve: Curve, n: int, colors: Mapping[str, str] = LIVE) -> Html:
    """Return the line at `n`, the dot on the curve, and how far to the right random draws are as good."""
    scale, _ = _scale(curve)
    as_many = curve.as_many_random(n)
    reach = scale.across[1] if as_many is None else as_many
    return marker(scale, (n, curve.at(n)), reach, f"{n:,}", palette.SELECTED, colors)


def curve_image(curve: Curve, n: int, alt: str) -> Html:
    """Return the curve as a picture that needs no live panel."""
    return still_image(curve_svg(curve, n, STILL), alt, WIDTH)


def _said(curve: Curve) -> str:
    of = "" if curve.larger_is_better else " of the samples to the nearest selected one"
    by = f" (what {' and '.join(curve.optimized_by)} optimises)" if curve.optimized_by else ""
    return f"{curve.measure}{of}{by}"


def _scale(curve: Curve) -> tuple[Scale, list[float]]:
    """Return where numbers lie, and the ticks of the axis that goes up."""
    n_most = int(curve.sizes[-1])
    seen = curve.random_sizes <= n_most
    highest = max(float(curve.values.max()), float(curve.high[seen].max(initial=0.0)))
    y_ticks = ticks(0, highest or 1.0, 5)
    return Scale(WIDTH, HEIGHT, (0, n_most), (0, max(y_ticks[-1], highest))), y_ticks


def _points(sizes: np.ndarray, values: np.ndarray) -> list[Point]:
    return list(zip(sizes.tolist(), values.tolist(), strict=True))
