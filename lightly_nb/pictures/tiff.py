"""What a TIFF says about itself: its numbers, its pages, and forms that are not read."""

from __future__ import annotations

import io
import math
import re
from typing import Any

from PIL import Image, TiffImagePlugin

from lightly_nb.pictures.depth import Statement

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
DESCRIPTION, STRIPS, SAMPLES, STRIP_BYTES, PLANES, TILES, TILE_BYTES = 270, 273, 277, 279, 284, 324, 325
MIN, MAX, EXTRA, FORMAT, SMIN, SMAX, NODATA = 280, 281, 338, 339, 340, 341, 42113
MIN_IS_WHITE, RGB, CMYK, APART = 0, 2, 5, 2
TRANSPARENCY = (1, 2)
"""Values of ExtraSamples that call a channel transparency: premultiplied or not."""
MOST_PAGES_LOOKED_AT = 64
_RANGES = (
    (SMIN, SMAX, "SMinSampleValue and SMaxSampleValue"),
    (MIN, MAX, "MinSampleValue and MaxSampleValue"),
)
_COLOURS = {2: 3, 5: 4, 6: 3, 8: 3}
_FORMATS = {
    1: "whole numbers",
    2: "signed whole numbers",
    3: "floats",
    5: "complex whole numbers",
    6: "complex numbers",
}
_NAMES = {0: "MinIsWhite", 1: "gray", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "CIELAB"}

_UNSIGNED, _FLOAT = (1,), (3,)
_MORE_FORMS = {
    (b"MM", 0, _UNSIGNED, 1, (16,), ()): ("I;16B", "I;16B"),
    (b"II", 0, _UNSIGNED, 1, (12,), ()): ("I;16", "I;12"),
    (b"II", 1, _FLOAT, 1, (64,), ()): ("F", "F;64F"),
    (b"II", 0, _FLOAT, 1, (64,), ()): ("F", "F;64F"),
    (b"MM", 1, _FLOAT, 1, (64,), ()): ("F", "F;64BF"),
    (b"MM", 0, _FLOAT, 1, (64,), ()): ("F", "F;64BF"),
}
"""Forms that Pillow can unpack and does not have in its table."""


def _widen_pillow() -> None:
    for form, modes in _MORE_FORMS.items():
        TiffImagePlugin.OPEN_INFO.setdefault(form, modes)


_widen_pillow()


def statement_of(image: Image.Image) -> Statement:
    """Return what the open page of a TIFF says about its numbers."""
    tags = _tags(image)
    low, high, says = _stated_range(tags)
    return Statement(low, high, says, _nodata(tags), _first(tags, PHOTOMETRIC) == MIN_IS_WHITE)


def _stated_range(tags: Any) -> tuple[float | None, float | None, str]:
    bits = _first(tags, BITS) or 1
    for low_tag, high_tag, says in _RANGES:
        lows, highs = _numbers(tags, low_tag), _numbers(tags, high_tag)
        low = min(lows) if lows else 0.0
        if highs and max(highs) > low:
            return low, max(highs), says
    if bits not in (8, 16, 32, 64) and _first(tags, FORMAT) in (None, 1):
        return 0.0, 2.0**bits - 1, "BitsPerSample"
    text = str(tags.get(DESCRIPTION, ""))
    significant = re.search(r'SignificantBits="(\d{1,2})"', text)
    if significant and 0 < int(significant[1]) < bits:
        return 0.0, 2.0 ** int(significant[1]) - 1, "SignificantBits"
    if text.startswith("ImageJ="):
        ends = [re.search(rf"^{key}=(\S+)\s*$", text, re.MULTILINE) for key in ("min", "max")]
        numbers = [_float(found[1]) for found in ends if found]
        if len(numbers) == 2 and None not in numbers:
            return numbers[0], numbers[1], "min and max of ImageJ"
    return None, None, ""


def _nodata(tags: Any) -> float | None:
    text = tags.get(NODATA)
    return None if text is None else _float(str(text).strip("\0 "))


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _numbers(tags: Any, tag: int) -> list[float]:
    value = tags.get(tag, ())
    values = value if isinstance(value, tuple | list) else (value,)
    try:
        return [number for number in map(float, values) if math.isfinite(number)]
    except (TypeError, ValueError, ZeroDivisionError):
        return []


def _first(tags: Any, tag: int) -> int | None:
    values = _numbers(tags, tag)
    return int(values[0]) if values else None


def _tags(image: Image.Image) -> Any:
    return getattr(image, "tag_v2", {})


def channels_left_out(image: Image.Image) -> tuple[int, bool]:
    """Return how many channels of an open page are neither colour nor called transparency; whether one is."""
    tags = _tags(image)
    colours = _COLOURS.get(_first(tags, PHOTOMETRIC) or 0, 1)
    n_extra = max(0, (_first(tags, SAMPLES) or 1) - colours)
    called = [int(value) for value in _numbers(tags, EXTRA)]
    has_alpha = n_extra > 0 and bool(called) and called[0] in TRANSPARENCY
    return n_extra - has_alpha, has_alpha


def is_premultiplied(image: Image.Image) -> bool:
    """Whether the colours of the open page are multiplied by its transparency already."""
    return _first(_tags(image), EXTRA) == 1


def number_format(image: Image.Image) -> int:
    """Return SampleFormat of the open page: 1 unsigned, 2 signed, 3 float."""
    return _first(_tags(image), FORMAT) or 1


def is_misread(image: Image.Image) -> bool:
    """Whether Pillow takes the open page for something else than it is: deep channels stored apart."""
    tags = _tags(image)
    return (
        _first(tags, PLANES) == APART and (_first(tags, SAMPLES) or 1) > 1 and (_first(tags, BITS) or 8) > 8
    )


def pages_of(image: Image.Image) -> list[int]:
    """Return the numbers of the pages that are pictures of their own: no previews, levels or masks."""
    n_frames = int(getattr(image, "n_frames", 1))
    if n_frames == 1:
        return [0]
    found = []
    for page in range(min(n_frames, MOST_PAGES_LOOKED_AT)):
        try:
            image.seek(page)
        except Exception:  # a page of a kind that is not read is a page all the same
            found.append(page)
            continue
        if not (_first(_tags(image), SUBFILE) or 0) & 0b101:
            found.append(page)
    return [*(found or [0]), *range(MOST_PAGES_LOOKED_AT, n_frames)]


def form_of(content: bytes) -> str | None:
    """Return in words what a TIFF that no decoder reads holds; None if its header makes no sense."""
    stream = io.BytesIO(content)
    try:
        header = stream.read(8)
        header += stream.read(8) if header[2] == 43 or header[3] == 43 else b""
        tags: Any = TiffImagePlugin.ImageFileDirectory_v2(header)
        stream.seek(tags.next)
        tags.load(stream)
    except Exception:  # Pillow raises anything on a broken header
        return None
    width, height = _first(tags, WIDTH), _first(tags, HEIGHT)
    starts = _numbers(tags, STRIPS) or _numbers(tags, TILES)
    lengths = _numbers(tags, STRIP_BYTES) or _numbers(tags, TILE_BYTES)
    ends = [start + length for start, length in zip(starts, lengths, strict=False)]
    if not width or not height or not ends or max(ends) > len(content):
        return None
    bits, samples = _first(tags, BITS) or 1, _first(tags, SAMPLES) or 1
    kind = _FORMATS.get(_first(tags, FORMAT) or 1, "numbers of an unknown format")
    colours = _NAMES.get(_first(tags, PHOTOMETRIC) or 0, "an unknown colour space")
    compression = _first(tags, COMPRESSION) or 1
    packed = "" if compression == 1 else f", compression {compression}"
    channels = f"{samples} channels" if samples > 1 else "1 channel"
    return f"{channels} of {bits}-bit {kind}, {colours}{packed}"
