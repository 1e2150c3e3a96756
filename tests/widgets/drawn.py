"""Samples with drawn thumbnails: every picture has a colour that tells its row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lightly_nb.processes import own_temporary_folder
from lightly_nb.samples import Samples
from lightly_nb.samples.thumbnails import ThumbnailPack, thumbnail_jpeg, write_thumbnails


def row_color(row: int) -> tuple[int, int, int]:
    """Return the colour of the picture of `row`; rows nearby differ by far more than JPEG does."""
    return (30 + 50 * (row % 5), 30 + 50 * (row // 5 % 5), 30 + 50 * (row // 25 % 5))


def drawn_jpeg(row: int, size: int = 64) -> bytes:
    """Return a JPEG of one colour."""
    return thumbnail_jpeg(np.full((size, size, 3), row_color(row), dtype=np.uint8))


def write_drawn(path: Path, n: int) -> None:
    """Write the thumbnails of `n` rows."""
    write_thumbnails(path, (drawn_jpeg(row) for row in range(n)))


def drawn_samples(
    n: int = 120,
    n_features: int = 16,
    seed: int = 0,
    names: Sequence[str] | None = None,
    thumbnails: bool = True,
) -> Samples:
    """Return samples in three clusters: a number, a category and, if `thumbnails`, pictures of one colour."""
    rng = np.random.default_rng(seed)
    cluster = np.arange(n) % 3
    vectors = rng.normal(size=(n, n_features)) * 0.35 + np.eye(n_features)[cluster] * 3
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = pd.DataFrame(
        {
            "sharpness": rng.uniform(0, 1, n),
            "weather": np.array(["rain", "snow", "sun"])[cluster],
            "thumbnail": np.arange(n),
        },
        index=pd.Index(
            list(names or [f"folder {row % 2}/image {row:04d}.jpg" for row in range(n)]), dtype="object"
        ),
    )
    if not thumbnails:
        return Samples(table.drop(columns="thumbnail"), {"embeddings": vectors})
    folder = own_temporary_folder("drawn")  # swept by the next one, where a kernel is killed with it
    write_drawn(folder / "thumbnails.arrow", n)
    pack = ThumbnailPack(folder / "thumbnails.arrow", is_temporary=True)
    return Samples(table, {"embeddings": vectors}, thumbnails=pack)
