"""The loss curve as inline SVG, in the colours of the page."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Sequence

from lightly_nb.widgets.run_monitor.story import Losses

WIDTH, HEIGHT = 420, 132
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 8, 34
STILL_STYLE = (
    "svg { color: #7d7d7d; font-family: sans-serif } .lnb-dot { fill: #3b8fd9; stroke: none } "
    ".lnb-batches { stroke: #3b8fd9; stroke-opacity: .5 } .lnb-epochs { stroke: #3b8fd9; stroke-width: 2 }"
)
Point = tuple[float, float]


def loss_curve(losses: Losses, max_epochs: int | None) -> str:
    """Return the curve of a training, empty before its first loss.

    The thin line is the loss of single batches, the thick one with points the mean of each epoch.
    """
    per_epoch = (losses.n_batches or 0) / max_epochs if max_epochs else 0
    batches = [(x / per_epoch, y) for x, y in losses.batches if math.isfinite(y)] if per_epoch else []
    epochs = [(x, y) for x, y in losses.epochs if math.isfinite(y)]
    if not batches and not epochs:
        return ""
    both = batches + epochs
    x_ticks = ticks(0, max(x for x, _ in both), 5)
    y_ticks = ticks(min(y for _, y in both), max(y for _, y in both), 3)
    x_range = (0.0, max(both[-1][0], *(x for x, _ in both)))
    y_range = (min(y_ticks[0], min(y for _, y in both)), max(y_ticks[-1], max(y for _, y in both)))
    return (
        f'<svg class="lnb-curve" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
        f'aria-label="{_in_words(epochs, batches)}" fill="none" stroke="currentColor">'
        + _axes(x_ticks, y_ticks, x_range, y_range)
        + _line("lnb-batches", batches, x_range, y_range)
        + _line("lnb-epochs", epochs, x_range, y_range)
        + (_dots(epochs, x_range, y_range) if len(epochs) <= 60 else "")
        + "</svg>"
    )


def still(svg: str) -> str:
    """Return a curve as an `img`, which shows in a notebook that is not trusted too; empty for none.

    It cannot see the colours of the page, so it has some that can be read on light and on dark ground.
    """
    if not svg:
        return ""
    label = re.search(r'aria-label="([^"]*)"', svg)
    style = f"<style>{STILL_STYLE}</style>"
    alone = svg.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" height="{HEIGHT}" ', 1)
    data = base64.b64encode(alone.replace(">", f">{style}", 1).encode()).decode("ascii")
    alt = label.group(1) if label else "Loss"
    return f'<img class="lnb-curve" alt="{alt}" src="data:image/svg+xml;base64,{data}">'


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


def _axes(x_ticks: Sequence[float], y_ticks: Sequence[float], x_range: Point, y_range: Point) -> str:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    lines = [f'<path class="lnb-axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>']
    for value in y_ticks:
        y = _place((0, value), (0, 1), y_range)[1]
        lines.append(f'<path class="lnb-grid" d="M{LEFT} {y:.1f}H{right}" stroke-opacity=".2"/>')
        lines.append(_text(LEFT - 6, y + 3.5, f"{value:g}", "end"))
    for value in x_ticks:
        if value == int(value):  # a part of an epoch has no number
            lines.append(_text(_place((value, 0), x_range, (0, 1))[0], bottom + 14, f"{value:g}", "middle"))
    lines.append(_text((LEFT + right) / 2, HEIGHT - 4, "epoch", "middle"))
    middle = (TOP + bottom) / 2
    lines.append(_text(12, middle, "loss", "middle", f' transform="rotate(-90 12 {middle:g})"'))
    return "".join(lines)


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="11" fill="currentColor" '
        f'stroke="none"{more}>{text}</text>'
    )


def _place(point: Point, x_range: Point, y_range: Point) -> Point:
    across = (point[0] - x_range[0]) / ((x_range[1] - x_range[0]) or 1)
    up = (point[1] - y_range[0]) / ((y_range[1] - y_range[0]) or 1)
    return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def _line(name: str, points: Sequence[Point], x_range: Point, y_range: Point) -> str:
    if len(points) < 2:
        return ""
    places = " ".join("{:.1f},{:.1f}".format(*_place(point, x_range, y_range)) for point in points)
    return f'<polyline class="{name}" points="{places}"/>'


def _dots(points: Sequence[Point], x_range: Point, y_range: Point) -> str:
    places = (_place(point, x_range, y_range) for point in points)
    return "".join(f'<circle class="lnb-dot" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in places)


def _in_words(epochs: Sequence[Point], batches: Sequence[Point]) -> str:
    if not epochs:
        return f"Loss by batch: {batches[0][1]:.4g} at first, {batches[-1][1]:.4g} now"
    (first, start), (last, now) = epochs[0], epochs[-1]
    return f"Loss by epoch: {start:.4g} after epoch {first:g}, {now:.4g} after epoch {last:g}"
