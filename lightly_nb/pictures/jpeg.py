"""JPEGs by libjpeg-turbo in its strict form, which stops at damage that Pillow paints over.

What it stops at is looked at twice: an end marker that is missing, or padding before it, says nothing about
the pixels, and many cameras write such files.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import simplejpeg

from lightly_nb.pictures.corrupt import CorruptImageError, damaged, not_supported, refuse_bomb

END = b"\xff\xd9"
BROKEN = b"?"
"""Stands for a colour profile of which parts are missing."""
_PREVIEW = 1
"""Kind of a picture in a Multi-Picture Format index."""
_GAIN_MAP = re.compile(rb"hdrgm|GainMap|hdrgainmap|iso:ts:21496", re.IGNORECASE)
"""What a JPEG says whose second picture is no picture, but how bright the first may shine."""
_SAY_NOTHING = frozenset((0xDB, 0xC4, 0xE0, 0xDA, 0xD9, 0xDD, 0xFE))
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
_NOT_READ = {
    **dict.fromkeys((0xC3, 0xC7, 0xCB, 0xCF), "a lossless JPEG"),
    **dict.fromkeys((0xC5, 0xC6, 0xCD, 0xCE), "a hierarchical JPEG"),
    0xF7: "a JPEG-LS",
}
"""Start-of-frame markers of forms that nothing here decodes."""


class Head(NamedTuple):
    """What stands before the pixels of a JPEG."""

    exif: bytes | None
    xmp: bytes | None
    profile: bytes | None
    width: int
    """Pixels, as it is stored; 0 unknown."""
    height: int
    n_components: int
    """Colours: 1 gray, 3, or 4 of CMYK; 0 unknown."""
    n_pictures: int
    """Pictures of their own (stereo pairs, panoramas), not previews or gain maps."""
    refused: str
    """What makes it a form that is not read; empty if nothing does."""


class Jpeg(NamedTuple):
    """A decoded JPEG, as it is stored."""

    rgb: np.ndarray | None
    """None: sound or odd, but for another decoder."""
    width: int
    height: int
    note: str | None


def head_of(content: bytes) -> Head:
    """Return what the segments before the pixels hold; as much as can be read if they are broken."""
    exif = xmp = None
    profile: dict[int, bytes] = {}
    n_profile, width, height, n_components, n_pictures, refused = 0, 0, 0, 0, 1, ""
    for marker, start, end in segments(content):
        if marker in _SAY_NOTHING:
            continue
        if marker in _FRAMES and end - start > 5:
            height, width = (
                content[start + 1] << 8 | content[start + 2],
                content[start + 3] << 8 | content[start + 4],
            )
            n_components = content[start + 5]
            refused = "" if content[start] == 8 else f"{content[start]} bits a sample"
        elif marker == 0xE1 and exif is None and content.startswith(b"Exif\0", start):
            exif = content[start + 6 : end]
        elif marker == 0xE1 and content.startswith(b"http://ns.adobe.com/xap/1.0/\0", start):
            xmp = (xmp or b"") + content[start + 29 : end]
        elif marker == 0xE2 and content.startswith(b"ICC_PROFILE\0", start) and end - start > 14:
            n_profile = content[start + 13]
            profile[content[start + 12]] = content[start + 14 : end]
        elif marker == 0xE2 and content.startswith(b"MPF\0", start):
            n_pictures = _n_pictures(content[start + 4 : end])
        elif marker in _NOT_READ:
            refused = _NOT_READ[marker]
    if n_pictures > 1 and _GAIN_MAP.search(content):
        n_pictures = 1
    if not profile:
        return Head(exif, xmp, None, width, height, n_components, n_pictures, refused)
    is_whole = sorted(profile) == list(range(1, n_profile + 1))
    joined = b"".join(profile[number] for number in sorted(profile)) if is_whole else BROKEN
    return Head(exif, xmp, joined, width, height, n_components, n_pictures, refused)


def segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of the content of every segment up to the first scan, that one included."""
    position, n_bytes, find = 2, len(content), content.find
    while (position := find(b"\xff", position)) >= 0 and position + 4 <= n_bytes:
        marker = content[position + 1]
        if marker < 0x02 or 0xD0 <= marker <= 0xD8:
            position += 2
            continue
        if marker == 0xFF:
            position += 1
            continue
        end = position + 2 + (content[position + 2] << 8) + content[position + 3]
        yield marker, position + 4, end if end < n_bytes else n_bytes
        if marker == 0xDA or marker == 0xD9:
            return
        position = end


def _n_pictures(index: bytes) -> int:
    """Return how many pictures that are no previews a Multi-Picture Format index lists, at least 1."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(index[:4], "<")
    try:
        (start,) = struct.unpack_from(order + "I", index, 4)
        (n_entries,) = struct.unpack_from(order + "H", index, start)
        for entry in range(start + 2, start + 2 + 12 * n_entries, 12):
            tag, _, n_bytes, offset = struct.unpack_from(order + "HHII", index, entry)
            if tag == 0xB002:
                places = range(offset, offset + n_bytes, 16)
                kinds = [int(struct.unpack_from(order + "I", index, at)[0]) for at in places]
                return max(1, sum((kind >> 16) & 0x0F != _PREVIEW for kind in kinds))
    except struct.error:
        pass
    return 1


def decode_jpeg(content: bytes, min_size: int | None, strict: bool, head: Head) -> Jpeg:
    """Decode a JPEG as it is stored, at a reduced scale if `min_size` allows."""
    if head.refused:
        raise not_supported("jpeg", head.refused)
    try:
        width, height = head.width, head.height
        if not (width and height and head.n_components):
            height, width, *_ = simplejpeg.decode_jpeg_header(content, strict=False)
        refuse_bomb(width, height)
        divisor = _divisor(width, height, min_size)
        sides = {"min_height": -(-height // divisor), "min_width": -(-width // divisor)}
        return Jpeg(simplejpeg.decode_jpeg(content, "RGB", strict=strict, **sides), width, height, None)
    except CorruptImageError:
        raise
    except KeyError:  # sampling factors that simplejpeg has no name for
        return Jpeg(None, 0, 0, None)
    except ValueError as error:
        if not strict or _is_harmless(content, str(error)):
            return Jpeg(None, 0, 0, None)
        for rest, note in _with_its_end(content, str(error)):
            try:
                rgb = simplejpeg.decode_jpeg(rest, "RGB", strict=True, **sides)
                return Jpeg(rgb, width, height, note)
            except ValueError:
                continue
        raise damaged("jpeg", str(error)) from error


def _divisor(width: int, height: int, min_size: int | None) -> int:
    """Return the largest of 8, 4, 2 and 1 (which libjpeg-turbo has fast code for) that leaves `min_size`."""
    if min_size is None:
        return 1
    return next((n for n in (8, 4, 2) if min(width, height) // n >= min_size), 1)


_HARMLESS = (
    "unknown JFIF revision|Unknown Adobe|Invalid SOS parameters|bad ICC marker"
    "|Could not determine subsampling"
)


def _is_harmless(content: bytes, message: str) -> bool:
    """Whether simplejpeg stopped at an oddity of a header that says nothing about the pixels."""
    if re.search(_HARMLESS, message):
        return True
    if "extraneous bytes before marker" not in message:
        return False
    try:
        simplejpeg.decode_jpeg_header(content)
    except ValueError as error:
        return str(error) == message
    return False


def _with_its_end(content: bytes, message: str) -> Iterator[tuple[bytes, str]]:
    """Yield what the file would be with nothing but an end marker after its pixels.

    Only padding of one byte, or of line ends and zeros, is taken off: other bytes before the end marker are
    what a stream with flipped bits leaves over.
    """
    is_padded = re.search(r"extraneous bytes before marker 0xd9", message) is not None
    if not (is_padded or "Premature end of JPEG file" in message):
        return
    if is_padded:
        body, note = content[: content.rfind(END)], "padding: {} bytes between the pixels and the end marker"
    else:
        body, note = content, "no end marker: the pixels are all there"
    if not _has_all_scans(body):
        return
    if not is_padded:
        yield body + END, note
    for padding in dict.fromkeys((b"\0", b"\xff", b"\0\xff", b"\r\n\0", body[-1:])):
        rest = body.rstrip(padding)
        said = note.format(f"{len(body) - len(rest):,}")
        if rest != body:
            yield rest + END, said
            if rest.endswith(b"\xff"):  # a byte 0xFF of the pixels is followed by a zero
                yield rest + b"\0" + END, said


def _has_all_scans(body: bytes) -> bool:
    """Whether every coefficient of every component comes in some scan, to its last bit."""
    components: set[int] = set()
    for marker, start, end in segments(body):
        if marker in _FRAMES and end - start >= 6:
            components = {body[at] for at in range(start + 6, min(end, start + 6 + 3 * body[start + 5]), 3)}
    missing = {component: set(range(64)) for component in components}
    at = next((start - 4 for marker, start, _ in segments(body) if marker == 0xDA), -1)
    while at >= 0 and at + 5 < len(body):
        n_components = body[at + 4]
        last = at + 5 + 2 * n_components
        if last + 3 > len(body):
            return False
        first_coefficient, last_coefficient, bits = body[last : last + 3]
        if bits & 0x0F == 0:
            for number in range(n_components):
                missing.get(body[at + 5 + 2 * number], set()).difference_update(
                    range(first_coefficient, last_coefficient + 1)
                )
        at = body.find(b"\xff\xda", last + 3)
    return bool(components) and not any(missing.values())
