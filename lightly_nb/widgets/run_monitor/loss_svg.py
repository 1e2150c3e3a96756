"""The loss of a training as a chart: single batches as a thin line, the mean of each epoch as a thick one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lightly_nb.display.html import Html
from lightly_nb.display.svg import LIVE, STILL, Line, Point, Scale, line_chart, still_image, ticks
from lightly_nb.widgets.run_monitor.story import Losses

WIDTH, HEIGHT = 420, 136
MOST_DOTS = 60


def loss_curve(losses: Losses, max_epochs: int | None, colors: Mapping[str, str] = LIVE) -> Html:
    """Return the curve of a training, empty before its first loss."""
    epochs, batches = _points(losses, max_epochs)
    both = batches + epochs
    if not both:
        return Html()
    values = [y for _, y in both]
    y_ticks = ticks(min(values), max(values), 3)
    up = (min(y_ticks[0], *values), max(y_ticks[-1], *values))
    lines = [
        Line(batches, colors["accent"], 1, "stroke-opacity:.45", name="lnb-batches"),
        Line(epochs, colors["accent"], 2, name="lnb-epochs", has_dots=len(epochs) <= MOST_DOTS),
    ]
    return line_chart(
        Scale(WIDTH, HEIGHT, (0, max(x for x, _ in both)), up, top=8),
        [line for line in lines if line.points],
        said=_in_words(epochs, batches),
        x_label="epoch",
        y_label="loss",
        y_ticks=y_ticks,
        colors=colors,
        class_="lnb-curve",
    )


def loss_image(losses: Losses, max_epochs: int | None) -> Html:
    """Return the curve as a picture that needs no live panel, empty before the first loss."""
    chart = loss_curve(losses, max_epochs, STILL)
    said = _in_words(*_points(losses, max_epochs)) if chart else ""
    return still_image(chart, said, WIDTH, class_="lnb-curve") if chart else chart


def _points(losses: Losses, max_epochs: int | None) -> tuple[list[Point], list[Point]]:
    """Return the finite losses of epochs and of batches, both against epochs."""
    per_epoch = (losses.n_batches or 0) / max_epochs if max_epochs else 0
    batches = [(x / per_epoch, y) for x, y in losses.batches if math.isfinite(y)] if per_epoch else []
    return [(x, y) for x, y in losses.epochs if math.isfinite(y)], batches


def _in_words(epochs: Sequence[Point], batches: Sequence[Point]) -> str:
    if not epochs:
        return f"Loss by batch: {batches[0][1]:.4g} at first, {batches[-1][1]:.4g} now"
    (first, start), (last, now) = epochs[0], epochs[-1]
    return f"Loss by epoch: {start:.4g} after epoch {first:g}, {now:.4g} after epoch {last:g}"
