"""Bytes of an image file to upright RGB pixels: the one way that everything takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from lightly_nb.pictures.colours import to_srgb
from lightly_nb.pictures.jpeg import decode_jpeg, head_of
from lightly_nb.pictures.kinds import kind_and_start, note_on_ending
from lightly_nb.pictures.orientation import orientation_of, turned
from lightly_nb.pictures.others import Beside, decode_other


class Decoded(NamedTuple):
    """An upright picture, how large it is in the file, and what is to be noted."""

    rgb: np.ndarray
    """uint8 of shape (height, width, 3)."""
    width: int
    """Pixels at full scale, upright."""
    height: int
    n_pages: int = 1
    """Pages or frames in the file."""
    notes: tuple[str, ...] = ()
    """What a person should know: what was guessed, left out or passed over. Each begins 'kind: '."""


def decode_rgb(
    content: bytes, *, min_size: int | None = None, filename: str | None = None, strict: bool = True
) -> np.ndarray:
    """Decode the bytes of one image file to upright RGB.

    Whatever the file holds comes out as 8-bit sRGB: deep numbers by the depth rule, transparency over white,
    colour profiles applied, turned as EXIF or XMP say, of several pages the first that is not blank.
    docs/pictures.md has all rules.

    Parameters
    ----------
    content : bytes
        The whole file.
    min_size : int or None
        Allows a JPEG to be decoded at 1/2, 1/4 or 1/8 of its scale as long as neither side gets shorter than
        this, in pixels. It costs less and changes the pixels. None: always the full scale.
    filename : str or None
        If given, `decode` notes an ending that does not fit the content. It changes no pixel.
    strict : bool
        False lets damage pass that still leaves a picture (a cut JPEG, a wrong checksum).

    Returns
    -------
    numpy.ndarray
        uint8 of shape (height, width, 3).

    Raises
    ------
    CorruptImageError
        If the file is empty, not an image, cut, damaged, too large, or of a form that no decoder here reads.

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> buffer = io.BytesIO()
    >>> Image.new("L", (4, 2), 7).save(buffer, "PNG")
    >>> decode_rgb(buffer.getvalue()).shape
    (2, 4, 3)
    """
    return decode(content, min_size=min_size, filename=filename, strict=strict).rgb


def decode(
    content: bytes, *, min_size: int | None = None, filename: str | None = None, strict: bool = True
) -> Decoded:
    """Decode as `decode_rgb` does, and also tell the size at full scale, the pages, and notes."""
    kind, start = kind_and_start(content)
    notes = [note_on_ending(filename, kind)] if filename is not None else []
    if start:
        content = content[start:]
        notes.append(f"padding: {start:,} bytes before the image")
    if kind == "jpeg":
        found = _decode_jpeg(content, min_size, strict)
    else:
        page = decode_other(content, kind, strict)
        found = Decoded(page.rgb, page.rgb.shape[1], page.rgb.shape[0], page.n_pages, page.notes)
    said = tuple(note for note in notes if note)
    return found._replace(notes=said + found.notes) if said else found


def _decode_jpeg(content: bytes, min_size: int | None, strict: bool) -> Decoded:
    head = head_of(content)
    stored = decode_jpeg(content, min_size, strict, head)
    notes = [stored.note]
    if head.n_pictures > 1:
        notes.append(f"frames: 1 of {head.n_pictures:,} is shown")
    if stored.rgb is None or (head.profile and head.n_components == 4):
        beside = Beside(head.exif, head.xmp, head.profile, is_complete=True)
        page = decode_other(content, "jpeg", strict, beside)
        said = tuple(note for note in notes if note)
        shape = page.rgb.shape
        return Decoded(page.rgb, shape[1], shape[0], head.n_pictures, (*said, *page.notes))
    rgb = stored.rgb
    if head.profile:
        rgb, note = to_srgb(rgb[..., 0] if head.n_components == 1 else rgb, head.profile)
        notes.append(note)
    orientation, note = orientation_of(head.exif, head.xmp)
    notes.append(note)
    sides = (stored.height, stored.width) if orientation >= 5 else (stored.width, stored.height)
    return Decoded(turned(rgb, orientation), *sides, head.n_pictures, tuple(note for note in notes if note))


@contextmanager
def single_threaded_cv2() -> Iterator[None]:
    """Keep OpenCV from starting threads of its own beside those that read images."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
