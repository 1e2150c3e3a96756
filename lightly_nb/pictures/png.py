"""PNGs, chunk by chunk: what is wrong with the pixels, and what only with the notes beside them.

Pillow skips the checksums of the pixels and stops at those of remarks; it also stops at long texts and
profiles. So chunks are looked at here, and Pillow gets those that it needs.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from lightly_nb.pictures.corrupt import damaged

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
LARGEST_PROFILE, LARGEST_TEXT = 16 * 2**20, 2**20
"""Bytes of a colour profile, and of a text that may hold EXIF or XMP."""
_REMARKS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf")
_XMP_KEY = b"XML:com.adobe.xmp"
_RAW = re.compile(rb"Raw profile type (exif|APP1|xmp)$", re.IGNORECASE)


class Png(NamedTuple):
    """A PNG and what stands beside its pixels."""

    content: bytes
    """What a decoder has to see: without remarks."""
    exif: bytes | None
    xmp: bytes | None
    profile: bytes | None
    significant_bits: int | None
    """What chunk sBIT says of the colours."""
    notes: tuple[str, ...]


class _Chunk(NamedTuple):
    name: bytes
    start: int
    """Of the whole chunk."""
    end: int
    is_sound: bool


def read_png(content: bytes, strict: bool) -> Png:
    """Return what a decoder has to see of a PNG, and what stands beside its pixels.

    Raises
    ------
    CorruptImageError
        If it is cut, or the checksum of a chunk that makes the picture is wrong, and `strict`.
    """
    chunks = list(_chunks(content))
    is_ended = bool(chunks) and chunks[-1].name == b"IEND"
    notes = []
    if not is_ended:
        if not _has_all_pixels(content, chunks):
            if strict:
                raise damaged("png", "unexpected end of file")
            return Png(content, None, None, None, None, ())
        notes.append("no end chunk: the pixels are all there")
    kept: list[_Chunk] = []
    beside: list[_Chunk] = []
    for chunk in chunks:
        if not chunk.is_sound:
            said = f"wrong checksum of chunk {chunk.name.decode('latin-1')}"
            if strict and _makes_pixels(chunk.name):
                raise damaged("png", said)
            notes.append(f"{said}: the pixels are sound" if not _makes_pixels(chunk.name) else said)
            if chunk.name[:1].islower() or chunk.name == b"IEND":
                continue
        (beside if chunk.name in _REMARKS else kept).append(chunk)
    if not beside and len(kept) == len(chunks) and is_ended:
        stripped = content
    else:
        parts = (content[chunk.start : chunk.end] for chunk in kept if chunk.name != b"IEND")
        stripped = b"".join((SIGNATURE, *parts, END))
    return _with_remarks(content, stripped, kept, beside, tuple(notes))


def _makes_pixels(name: bytes) -> bool:
    return name == b"tRNS" or (name[:1].isupper() and name != b"IEND")


def _chunks(content: bytes) -> Iterator[_Chunk]:
    """Yield the chunks up to the end chunk, or to where the file breaks off."""
    position, view = 8, memoryview(content)
    while position + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, position)
        end = position + 12 + length
        if end > len(content):
            return
        (checksum,) = struct.unpack_from(">I", content, end - 4)
        yield _Chunk(name, position, end, zlib.crc32(view[position + 4 : end - 4]) == checksum)
        if name == b"IEND":
            return
        position = end


def _has_all_pixels(content: bytes, chunks: list[_Chunk]) -> bool:
    """Whether the stream of pixels comes to its end, checksum included."""
    stream = zlib.decompressobj()
    try:
        for chunk in chunks:
            if chunk.name == b"IDAT":
                data = content[chunk.start + 8 : chunk.end - 4]
                while data and not stream.eof:
                    stream.decompress(data, 2**20)
                    data = stream.unconsumed_tail
    except zlib.error:
        return False
    return stream.eof


def _with_remarks(
    content: bytes, stripped: bytes, kept: list[_Chunk], beside: list[_Chunk], notes: tuple[str, ...]
) -> Png:
    exif = xmp = profile = bits = None
    for chunk in beside:
        data = content[chunk.start + 8 : chunk.end - 4]
        if chunk.name == b"eXIf":
            exif = data
        elif chunk.name == b"iCCP":
            profile = _inflated(data.partition(b"\0")[2][1:], LARGEST_PROFILE) or b"?"
        else:
            key, text = _text(chunk.name, data)
            raw = _RAW.match(key)
            if key == _XMP_KEY:
                xmp = text
            elif raw and exif is None:
                block = _from_hex(text)
                if block.startswith((b"Exif\0\0", b"II", b"MM")):
                    exif = block
                else:
                    xmp = xmp or block
    for chunk in kept:
        if chunk.name == b"sBIT":
            stated = content[chunk.start + 8 : chunk.end - 4]
            colours = stated[: 3 if len(stated) > 2 else 1]
            bits = max(colours) if colours else None
    return Png(stripped, exif, xmp, profile, bits, notes)


def _text(name: bytes, data: bytes) -> tuple[bytes, bytes]:
    """Return key and text of a text chunk; an empty text where it is not one of ours, too long or broken."""
    key, _, rest = data.partition(b"\0")
    if key != _XMP_KEY and not _RAW.match(key):
        return key, b""
    if name == b"iTXt":
        is_compressed, rest = rest[:1] == b"\1", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        is_compressed, rest = name == b"zTXt", rest[1:] if name == b"zTXt" else rest
    return key, _inflated(rest, LARGEST_TEXT) if is_compressed else rest[:LARGEST_TEXT]


def _inflated(data: bytes, most: int) -> bytes:
    """Return what is compressed in `data`; nothing if it is broken or longer than `most`."""
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(data, most)
    except zlib.error:
        return b""
    return found if stream.eof else b""


def _from_hex(text: bytes) -> bytes:
    """Return the block of a 'Raw profile type': a line of its name, its length, lines of hex digits."""
    try:
        return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        return b""
