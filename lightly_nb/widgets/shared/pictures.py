"""The thumbnail of one sample, which every panel shows; never the original."""

from __future__ import annotations

import io
from typing import Any

from lightly_nb.samples import Samples


def has_thumbnails(samples: Samples) -> bool:
    """Whether there are thumbnails at all; `embed` makes them."""
    return samples.thumbnails is not None and "thumbnail" in samples.table


def thumbnail(samples: Samples, row: int) -> bytes:
    """Return the JPEG of one row, empty if the sample has none."""
    if samples.thumbnails is None or "thumbnail" not in samples.table:
        return b""
    number: Any = samples.table["thumbnail"].iat[row]
    return b"" if number is None or number != number or number < 0 else samples.thumbnails.read(int(number))


def small_jpeg(jpeg: bytes, height: int) -> bytes:
    """Return a thumbnail at `height` pixels and at most twice as wide: small enough for a static output."""
    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as image:
        image.thumbnail((2 * height, height))
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "JPEG", quality=60)
    return buffer.getvalue()
