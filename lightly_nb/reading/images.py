"""Bytes of an image file to RGB pixels, strictly: damage is found, odd but sound files pass.

The content decides what a file is, never its name. JPEGs go through libjpeg-turbo in its strict form,
which stops at damage that Pillow paints over; everything else is loaded in full by Pillow.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from lightly_nb.errors import InputError

MAX_PIXELS = 178_956_970
"""Larger images are refused by their header, before memory is taken (Pillow's own limit)."""

EXTENSIONS = {
    "jpeg": ("jpg", "jpeg"),
    "png": ("png",),
    "netpbm": ("ppm", "pgm"),
    "bmp": ("bmp",),
    "tiff": ("tif", "tiff"),
    "webp": ("webp",),
}
"""The image types that are read, and the file extensions of each."""

ORIENTATION_TAG = 0x0112
"""EXIF: how the camera was held; 1 is upright."""

REPLACE = "replace the file by a sound copy of the original"
CONVERT = "convert it to an 8-bit JPEG or PNG"


class CorruptImageError(InputError):
    """A file that cannot be used as an image: `reason` says why, `what_to_do` what helps."""

    def __init__(self, reason: str, what_to_do: str):
        super().__init__(f"{reason}; {what_to_do}")
        self.reason, self.what_to_do = reason, what_to_do

    def __reduce__(self) -> tuple[type[CorruptImageError], tuple[str, str]]:
        return (CorruptImageError, (self.reason, self.what_to_do))


class Decoded(NamedTuple):
    """An upright picture, and how large it is in the file."""

    rgb: np.ndarray
    """uint8 of shape (height, width, 3)."""
    width: int
    """Pixels at full scale, upright."""
    height: int


def decode_rgb(
    content: bytes, *, min_size: int | None = None, filename: str | None = None, strict: bool = True
) -> np.ndarray:
    """Decode the bytes of one image file to upright RGB.

    Gray, palette, CMYK and 16-bit images come out as the same picture in 8-bit RGB; 16 bits are scaled,
    transparency is laid over white, the EXIF orientation is applied, of several frames the first is taken.

    Parameters
    ----------
    content : bytes
        The whole file.
    min_size : int or None
        Allows a JPEG to be decoded at 1/2, 1/4 or 1/8 of its scale as long as neither side gets shorter than
        this, in pixels. It costs less and changes the pixels. None: always the full scale.
    filename : str or None
        If given, its extension must fit the content.
    strict : bool
        False lets damage pass that still leaves a picture (a cut JPEG, a wrong checksum).

    Returns
    -------
    numpy.ndarray
        uint8 of shape (height, width, 3).

    Raises
    ------
    CorruptImageError
        If the file is empty, not an image, cut, damaged, too large, of a form that no decoder here
        reads, or of another type than its name says.

    Examples
    --------
    >>> buffer = io.BytesIO()
    >>> Image.new("L", (4, 2), 7).save(buffer, "PNG")
    >>> decode_rgb(buffer.getvalue()).shape
    (2, 4, 3)
    """
    return decode(content, min_size=min_size, filename=filename, strict=strict).rgb


def decode(
    content: bytes, *, min_size: int | None = None, filename: str | None = None, strict: bool = True
) -> Decoded:
    """Decode as `decode_rgb` does, and also tell the size at full scale."""
    kind = sniff(content)
    if filename is not None and strict:
        check_extension(filename, kind)
    return _decode_jpeg(content, min_size, strict) if kind == "jpeg" else _decode_other(content, kind, strict)


def sniff(content: bytes) -> str:
    """Return the type of an image file by its first bytes: a key of `EXTENSIONS`.

    Raises
    ------
    CorruptImageError
        If the file is empty or of no type that is read.
    """
    if not content:
        raise CorruptImageError("the file is empty (0 bytes)", REPLACE)
    for kind, magic in _MAGIC.items():
        if magic.match(content):
            return kind
    if not content.strip(b"\0"):
        raise CorruptImageError("the file holds nothing but zero bytes", REPLACE)
    named = next((name for name, magic in _OTHER_FILES.items() if magic.match(content)), None)
    said = f"it is {named}" if named else f"it starts with {content[:8]!r}"
    raise CorruptImageError(
        f"not an image of a type that is read: {said}",
        "convert it to JPEG, PNG, TIFF, WebP, BMP or PPM, or take it out of the folder",
    )


def check_extension(filename: str, kind: str) -> None:
    """Raise `CorruptImageError` if `filename` does not end as a file of type `kind` should."""
    extension = filename.rpartition(".")[2].lower() if "." in filename else ""
    if extension not in EXTENSIONS[kind]:
        raise CorruptImageError(
            f"wrong extension: the content is {kind.upper()} but the name ends in '.{extension}'",
            f"rename it to end in '.{EXTENSIONS[kind][0]}'",
        )


_MAGIC = {
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "netpbm": re.compile(rb"P[1-6][\s#]"),
    "bmp": re.compile(rb"BM.{12}", re.DOTALL),
    "tiff": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
_OTHER_FILES = {
    "a GIF": re.compile(rb"GIF8"),
    "a HEIC, AVIF or MP4 file": re.compile(rb".{4}ftyp", re.DOTALL),
    "a PDF": re.compile(rb"%PDF"),
    "a web page": re.compile(rb"\s*<(!doctype|html)", re.IGNORECASE),
    "a ZIP archive": re.compile(rb"PK\x03\x04"),
    "a Git LFS pointer (fetch the real file with 'git lfs pull')": re.compile(rb"version https://git-lfs"),
}


def _decode_jpeg(content: bytes, min_size: int | None, strict: bool) -> Decoded:
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(content, strict=False)
        _refuse_bomb(width, height)
        divisor = _divisor(width, height, min_size)
        rgb = simplejpeg.decode_jpeg(
            content, "RGB", min_height=-(-height // divisor), min_width=-(-width // divisor), strict=strict
        )
    except CorruptImageError:
        raise
    except (ValueError, KeyError) as error:  # KeyError: sampling factors that simplejpeg has no name for
        if not strict or _is_harmless(content, str(error)) or isinstance(error, KeyError):
            return _decode_other(content, "jpeg", strict)
        raise _damaged("jpeg", str(error)) from error
    return _upright(rgb, width, height, _jpeg_orientation(content))


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


def _jpeg_orientation(content: bytes) -> int:
    if b"Exif\0" not in content[:65536]:
        return 1
    try:
        with Image.open(io.BytesIO(content)) as image:
            return _orientation(image)
    except Exception:  # libjpeg-turbo has read it; Pillow being stricter about headers is no damage
        return 1


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # a broken EXIF block is no damage to the picture, and Pillow raises anything on it
        return 1


def _upright(rgb: np.ndarray, width: int, height: int, orientation: int) -> Decoded:
    """Return the picture turned and mirrored as the EXIF `orientation` (1 to 8) asks for."""
    if orientation in (5, 6, 7, 8):
        rgb, width, height = rgb.swapaxes(0, 1), height, width
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    return Decoded(np.ascontiguousarray(rgb), width, height)


def _decode_other(content: bytes, kind: str, strict: bool) -> Decoded:
    if kind == "png" and strict:
        _check_png(content)
    if kind == "webp" and strict and len(content) < 8 + struct.unpack("<I", content[4:8])[0]:
        raise _damaged(kind, "unexpected end of file")
    try:
        with Image.open(io.BytesIO(content)) as image:
            _refuse_bomb(*image.size)
            image.load()  # before the EXIF is asked for: a TIFF turns itself while loading
            return _upright(_to_rgb(image), *image.size, _orientation(image))
    except CorruptImageError:
        raise
    except MemoryError as error:
        raise CorruptImageError(
            "too little memory to decode it", "close other work or scale it down"
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _bomb(str(error)) from error
    except NotImplementedError as error:
        raise CorruptImageError(
            f"{kind.upper()} of a form that is not supported: {error}", CONVERT
        ) from error
    except UnidentifiedImageError as error:
        raise _damaged(kind, "no decoder can make sense of its header") from error
    except (
        Exception
    ) as error:  # Pillow's plugins raise anything on damage: OSError, SyntaxError, struct.error, …
        raise _damaged(kind, str(error)) from error


def _to_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        gray = _to_8_bits(np.asarray(image), image.mode)
        return np.repeat(gray[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    try:
        return np.array(image.convert("RGB"))
    except ValueError as error:
        raise CorruptImageError(f"colour space {image.mode} is not supported", CONVERT) from error


def _to_8_bits(values: np.ndarray, mode: str) -> np.ndarray:
    """Return 16-bit, 32-bit or float gray values as uint8, scaled by the range of their type or their own."""
    if values.dtype == bool:
        return values.astype(np.uint8) * 255
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    top = 1.0 if mode.startswith("F") else 65535.0
    if low < 0 or high > top:
        values, top = values - low, max(high - low, 1e-300)
    return np.asarray(np.rint(values * (255.0 / top)), dtype=np.uint8)


def _check_png(content: bytes) -> None:
    """Raise if a PNG is cut or the checksum of a chunk is wrong (Pillow skips those of the pixels)."""
    position = 8
    while True:
        header = content[position : position + 8]
        if len(header) < 8:
            raise _damaged("png", "unexpected end of file")
        length, name = struct.unpack(">I4s", header)
        end = position + 8 + length
        if end + 4 > len(content):
            raise _damaged("png", "unexpected end of file")
        (checksum,) = struct.unpack(">I", content[end : end + 4])
        if zlib.crc32(memoryview(content)[position + 4 : end]) != checksum:
            raise _damaged("png", f"wrong checksum of chunk {name.decode('latin-1')}")
        if name == b"IEND":
            return
        position = end + 4


def _refuse_bomb(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _bomb(f"{width} × {height} pixels")


def _bomb(said: str) -> CorruptImageError:
    return CorruptImageError(
        f"too large to decode safely ({said}; at most {MAX_PIXELS:,} pixels)",
        "scale it down or cut it into tiles, if it is a real image",
    )


def _damaged(kind: str, said: str) -> CorruptImageError:
    ends = re.search(r"premature end of jpeg|truncat|end of file|eof|not enough", said, re.IGNORECASE)
    if "not support" in said.lower() or "unsupported" in said.lower():
        return CorruptImageError(f"{kind.upper()} of a form that is not supported: {said}", CONVERT)
    word = "truncated" if ends else "damaged"
    return CorruptImageError(f"{word} {kind.upper()}: {said}", REPLACE)


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
