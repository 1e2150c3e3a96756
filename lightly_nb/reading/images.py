"""Bytes of an image file to RGB pixels: what `lightly_nb.pictures` does, under the name of this room."""

from lightly_nb.pictures import (
    EXTENSIONS,
    MAX_PIXELS,
    CorruptImageError,
    Decoded,
    decode,
    decode_rgb,
    single_threaded_cv2,
    sniff,
)

__all__ = [
    "EXTENSIONS",
    "MAX_PIXELS",
    "CorruptImageError",
    "Decoded",
    "decode",
    "decode_rgb",
    "single_threaded_cv2",
    "sniff",
]
