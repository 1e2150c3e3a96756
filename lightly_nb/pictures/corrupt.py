"""What is raised on a file that gives no picture, and in which words."""

from __future__ import annotations

import re

from lightly_nb.errors import InputError

MAX_PIXELS = 178_956_970
"""Larger images are refused by their header, before memory is taken (Pillow's own limit)."""

REPLACE = "replace the file by a sound copy of the original"
CONVERT = "convert it to an 8-bit JPEG or PNG"


class CorruptImageError(InputError):
    """A file that cannot be used as an image: `reason` says why, `what_to_do` what helps."""

    def __init__(self, reason: str, what_to_do: str):
        super().__init__(f"{reason}; {what_to_do}")
        self.reason, self.what_to_do = reason, what_to_do

    def __reduce__(self) -> tuple[type[CorruptImageError], tuple[str, str]]:
        return (CorruptImageError, (self.reason, self.what_to_do))


def damaged(kind: str, said: str) -> CorruptImageError:
    """Return the error of a decoder that stopped with the words `said`."""
    # a marker unknown to libjpeg, among the pixels, is damage; a process unknown to it is a form
    if re.search(r"not support|unsupported(?! marker)|not implemented", said, re.IGNORECASE):
        return not_supported(kind, said)
    ends = re.search(r"premature end of jpeg|truncat|end of file|eof|not enough", said, re.IGNORECASE)
    word = "truncated" if ends else "damaged"
    return CorruptImageError(f"{word} {kind.upper()}: {said}", REPLACE)


def not_supported(kind: str, said: str) -> CorruptImageError:
    """Return the error of a file that is sound, but of a form that no decoder here reads."""
    return CorruptImageError(f"{kind.upper()} of a form that is not supported: {said}", CONVERT)


def refuse_bomb(width: int, height: int) -> None:
    """Raise if a picture of that size is too large to decode."""
    if width * height > MAX_PIXELS:
        raise bomb(f"{width} × {height} pixels")


def bomb(said: str) -> CorruptImageError:
    """Return the error of a picture that is too large to decode."""
    return CorruptImageError(
        f"too large to decode safely ({said}; at most {MAX_PIXELS:,} pixels)",
        "scale it down or cut it into tiles, if it is a real image",
    )
