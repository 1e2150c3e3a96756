"""How a picture has to be turned: EXIF, or else XMP, 1 (upright) to 8."""

from __future__ import annotations

import re
import struct

import numpy as np

ORIENTATION_TAG = 0x0112
UPRIGHT = 1
EXIF_IGNORED = "EXIF ignored: the block is broken; taken as upright"
_XMP = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>\s*)([0-9])")


def of_exif(block: bytes) -> int | None:
    """Return the orientation in an EXIF block (a TIFF without its picture), None if it has none.

    Raises
    ------
    ValueError
        If the block is broken.
    """
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    try:
        if order is None or struct.unpack_from(order + "H", block, 2)[0] != 42:
            raise ValueError("EXIF has no header")
        (start,) = struct.unpack_from(order + "I", block, 4)
        (n_entries,) = struct.unpack_from(order + "H", block, start)
        for entry in range(start + 2, start + 2 + 12 * n_entries, 12):
            tag, kind, _ = struct.unpack_from(order + "HHI", block, entry)
            if tag == ORIENTATION_TAG:
                (value,) = struct.unpack_from(order + ("I" if kind == 4 else "H"), block, entry + 8)
                return value if 1 <= value <= 8 else None
    except struct.error as error:
        raise ValueError("EXIF ends too early") from error
    return None


def of_xmp(packet: bytes) -> int | None:
    """Return the orientation in an XMP packet, None if it has none."""
    found = _XMP.search(packet)
    value = int(found[1]) if found else 0
    return value if 1 <= value <= 8 else None


def orientation_of(exif: bytes | None, xmp: bytes | None) -> tuple[int, str | None]:
    """Return the orientation, EXIF first, and what is to be noted."""
    said, note = None, None
    if exif:
        try:
            said = of_exif(exif)
        except ValueError:
            note = EXIF_IGNORED
    other = of_xmp(xmp) if said is None and xmp else None
    return said or other or UPRIGHT, None if other else note


def turned(rgb: np.ndarray, orientation: int) -> np.ndarray:
    """Return the picture turned and mirrored as `orientation` (1 to 8) asks for, contiguous."""
    if orientation in (5, 6, 7, 8):
        rgb = rgb.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    return np.ascontiguousarray(rgb)
