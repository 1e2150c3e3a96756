"""Small pictures of samples, and 8 × 8 pixel thumbnails: what embeddings are compared with."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from lightly_nb.checks.inspection import read
from lightly_nb.embedding.model import square
from lightly_nb.pictures import CorruptImageError, decode_rgb
from lightly_nb.samples import Samples

SIDE, TINY = 64, 8


def small_pictures(samples: Samples, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return squares of 64 pixels, uint8 (n, 64, 64, 3), of the rows that have a picture, and their places.

    They are made from thumbnails, where there are none from the files.
    """
    found = [(place, _small(samples, int(row))) for place, row in enumerate(rows)]
    there = [(place, rgb) for place, rgb in found if rgb is not None]
    places = np.array([place for place, _ in there], dtype=np.int64)
    pictures = np.stack([rgb for _, rgb in there]) if there else np.empty((0, SIDE, SIDE, 3), np.uint8)
    return pictures, places


def tiny(pictures: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """Return each picture as the colours of 8 × 8 pixels, float32 (n, 192)."""
    small = [cv2.resize(rgb, (TINY, TINY), interpolation=cv2.INTER_AREA) for rgb in pictures]
    return np.stack(small).reshape(len(small), -1).astype(np.float32)


def _small(samples: Samples, row: int) -> np.ndarray | None:
    try:
        content = samples.thumbnail(row)
        if not content:
            if samples.source is None:
                return None
            content = read(samples.source, str(samples.table.index[row]))
        return square(decode_rgb(content, min_size=2 * SIDE, strict=False), SIDE)
    except CorruptImageError:
        return None
