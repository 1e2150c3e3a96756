"""Bytes of an image file to pixels: one function, which everything that shows or measures images calls."""

from lightly_nb.pictures.corrupt import MAX_PIXELS, CorruptImageError
from lightly_nb.pictures.decode import Decoded, decode, decode_rgb, single_threaded_cv2
from lightly_nb.pictures.kinds import EXTENSIONS, sniff

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
