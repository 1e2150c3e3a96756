"""What a run leaves behind of its pretagging: `bounding_boxes.json` and pictures with their boxes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lightly_nb.display.palette import CATEGORICAL as COLORS
from lightly_nb.events import Listener, say, silent
from lightly_nb.pictures import decode_rgb
from lightly_nb.pretagging.pretag import SIZE, STEP, TASK
from lightly_nb.runfolder import write_aside
from lightly_nb.samples import Predictions, Samples
from lightly_nb.samples.predictions import predictions_of

N_EXAMPLES = 10
LONGEST_EDGE = 1024
"""Of an example, in pixels; smaller pictures stay as they are."""


def bounding_boxes(samples: Samples, task: str = TASK) -> Iterator[dict[str, Any]]:
    """Yield what was detected in each sample, in the documented form.

    `filename`, `boxes` ([x1, y1, x2, y2] as shares of width and height, 0 to 1), `labels` (names), `scores`.

    Parameters
    ----------
    samples : Samples
        With the predictions of `pretag`.
    task : str
        The task that they are in.
    """
    predictions = predictions_of(samples.predictions, task, advice="call pretag first")
    boxes, size = corners(predictions), samples.table[list(SIZE)].to_numpy(dtype=np.float64)
    names = predictions.task.categories
    for row, filename in enumerate(samples.filenames):
        part = slice(int(predictions.offsets[row]), int(predictions.offsets[row + 1]))
        relative = (boxes[part] / np.tile(np.maximum(size[row], 1), 2)).clip(0, 1)
        yield {
            "filename": filename,
            "boxes": relative.round(6).tolist(),
            "labels": [names[number] for number in predictions.category[part]],
            "scores": [round(float(score), 6) for score in predictions.score[part]],
        }


def write_bounding_boxes(path: Path, samples: Samples, task: str = TASK) -> None:
    """Write `bounding_boxes.json`, a sample a line, aside and renamed.

    Raises
    ------
    RunError
        If it cannot be written.
    """

    def write(aside: Path) -> None:
        with aside.open("w", encoding="utf-8") as stream:
            start = "[\n"
            for one in bounding_boxes(samples, task):
                stream.write(start + json.dumps(one, ensure_ascii=False))
                start = ",\n"
            stream.write("[]" if start == "[\n" else "\n]\n")

    write_aside(path, write)


def write_examples(
    folder: Path, samples: Samples, task: str = TASK, n: int = N_EXAMPLES, on_event: Listener = silent
) -> list[Path]:
    """Write JPEGs of up to `n` samples with their boxes drawn, evenly spread over those that have any.

    Parameters
    ----------
    folder : pathlib.Path
        Where they are written, as `NUMBER_NAME.jpg`.
    samples : Samples
        With the predictions of `pretag` and a source.
    task : str
        The task that they are in.
    n : int
        How many at most. Where nothing was detected at all, so many samples are shown as they are.
    on_event : callable
        Hears of a sample that cannot be read any more.

    Raises
    ------
    RunError
        If a file cannot be written.
    """
    predictions = predictions_of(samples.predictions, task, advice="call pretag first")
    rows = np.flatnonzero(predictions.counts > 0)
    rows = rows if len(rows) else np.arange(len(samples))
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(int))]
    written: list[Path] = []
    for row in rows:
        filename = samples.filenames[row]
        try:
            picture = _drawn(samples, predictions, int(row))
        except Exception as error:  # a source may raise anything, and these are only examples
            say(on_event, STEP, f"no example of {filename}: {error}", "warning")
            continue
        path = folder / f"{len(written):02d}_{PurePosixPath(filename).stem[:80]}.jpg"
        write_aside(path, partial(picture.save, format="JPEG", quality=88))
        written.append(path)
    return written


def corners(predictions: Predictions) -> np.ndarray:
    """Return the boxes of predictions as x1, y1, x2, y2 in pixels, float64 (n, 4)."""
    boxes = np.zeros((0, 4)) if predictions.bbox is None else predictions.bbox.astype(np.float64)
    return np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


def _drawn(samples: Samples, predictions: Predictions, row: int) -> Image.Image:
    assert samples.source is not None
    image = Image.fromarray(decode_rgb(samples.source.read(samples.filenames[row]), strict=False))
    scale = min(1.0, LONGEST_EDGE / max(image.size))
    if scale < 1:
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(max(10, max(image.size) // 50))
    start, stop = int(predictions.offsets[row]), int(predictions.offsets[row + 1])
    boxes = corners(predictions)[start:stop] * scale
    for number, (x1, y1, x2, y2) in reversed(list(enumerate(boxes.tolist(), start))):  # the surest on top
        category = int(predictions.category[number])
        color = COLORS[category % len(COLORS)]
        draw.rectangle((x1, y1, x2, y2), outline=color, width=max(2, max(image.size) // 400))
        text = f"{predictions.task.categories[category]} {predictions.score[number]:.2f}"
        place = draw.textbbox((x1, y1), text, font=font)
        draw.rectangle(place, fill=color)
        draw.text((x1, y1), text, fill="white", font=font)
    return image
