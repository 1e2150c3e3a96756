"""What real folders also hold: copies, broken files, and odd files that are nevertheless good.

Each function takes a photograph (an RGB `PIL.Image.Image`) and returns the bytes of one file.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from lightly_nb.demo.cutting import JPEG_QUALITY

Maker = Callable[[Any], bytes]


def encoded(image: Any, kind: str, **options: Any) -> bytes:
    """Return `image` as the bytes of one file of format `kind`, in Pillow's words."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(image: Any, **options: Any) -> bytes:
    """Return `image` as a JPEG."""
    return encoded(image, "JPEG", quality=JPEG_QUALITY, **options)


def half(image: Any) -> bytes:
    """A copy that broke off halfway."""
    whole = jpeg(image)
    return whole[: len(whole) // 2]


def end_missing(image: Any) -> bytes:
    """The last twentieth missing, as of a full card."""
    whole = jpeg(image)
    return whole[: len(whole) * 19 // 20]


def hole(image: Any) -> bytes:
    """Four kilobytes of zeros in the middle, as of a bad block; many readers do not notice."""
    whole = jpeg(image)
    middle = len(whole) // 2
    return whole[:middle] + bytes(4096) + whole[middle + 4096 :]


def damaged_png(image: Any) -> bytes:
    """A PNG whose pixel data fail their checksum."""
    whole = bytearray(encoded(image, "PNG"))
    middle = len(whole) // 2
    whole[middle : middle + 64] = bytes(value ^ 0xFF for value in whole[middle : middle + 64])
    return bytes(whole)


def header_only(image: Any) -> bytes:
    """A PNG that ends after its header: it has a size but no pixel."""
    return encoded(image, "PNG")[:33]


def sixteen_bits(image: Any) -> bytes:
    """A PNG with one channel of 16 bits."""
    import numpy as np
    from PIL import Image

    gray = np.asarray(image.convert("L"), dtype=np.uint16)
    return encoded(Image.fromarray(gray * 257), "PNG")


def transparent(image: Any) -> bytes:
    """A PNG with an alpha channel: clear at the left, opaque at the right."""
    from PIL import Image

    faded = image.copy()
    faded.putalpha(Image.linear_gradient("L").rotate(90).resize(image.size))
    return encoded(faded, "PNG")


def sideways(image: Any) -> bytes:
    """A JPEG stored on its side, with the EXIF orientation that turns it upright."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    return jpeg(image.transpose(Image.Transpose.ROTATE_90), exif=exif)


BROKEN: dict[str, Maker] = {
    "broken/half a photograph.jpg": half,
    "broken/end missing.jpg": end_missing,
    "broken/hole in the middle.jpg": hole,
    "broken/vide 空 ∅.jpg": lambda image: b"",
    "broken/a text file.jpg": lambda image: b"Buy film. Call the lab about the prints.\n",
    "broken/404.png": lambda image: b"<!DOCTYPE html><html><title>404 Not Found</title></html>\n",
    "broken/damaged pixels.png": damaged_png,
    "broken/header only.png": header_only,
}
"""Files that no reader should accept: name to maker."""

ODD: dict[str, Maker] = {
    "odd but good/CMYK.jpg": lambda image: jpeg(image.convert("CMYK")),
    "odd but good/progressive.jpg": lambda image: jpeg(image, progressive=True),
    "odd but good/gris é.jpg": lambda image: jpeg(image.convert("L")),
    "odd but good/on its side (EXIF).JPG": sideways,
    "odd but good/16 bits.png": sixteen_bits,
    "odd but good/256 colours.png": lambda image: encoded(image.quantize(256), "PNG"),
    "odd but good/transparent.png": transparent,
    "odd but good/scan.tiff": lambda image: encoded(image, "TIFF"),
    "odd but good/from the web 🌐.webp": lambda image: encoded(image, "WEBP", quality=JPEG_QUALITY),
}
"""Unusual files that every reader should accept: name to maker."""

N_DUPLICATES = 6


def duplicate_names(names: list[str]) -> dict[str, str]:
    """Return new name to original name for `N_DUPLICATES` exact copies, spread over `names`.

    Some copies sort before their original and some after it, since which one is kept must not
    depend on chance.
    """
    step = max(1, len(names) // N_DUPLICATES)
    originals = names[step // 2 :: step][:N_DUPLICATES]
    folders = ("0 first card", "zweite Karte ü")
    return {
        f"{folders[number % 2]}/{name.rsplit('/', 1)[-1].removesuffix('.jpg')} (1).jpg": name
        for number, name in enumerate(originals)
    }
