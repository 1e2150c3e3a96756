"""All kinds but plain JPEGs: Pillow loads them in full, and what it shortens is read again as it is."""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from lightly_nb.pictures import colours, tiff
from lightly_nb.pictures.corrupt import (
    CorruptImageError,
    bomb,
    damaged,
    not_supported,
    refuse_bomb,
)
from lightly_nb.pictures.depth import Statement, shown
from lightly_nb.pictures.kinds import INSTALL_HEIF, reads_avif, reads_heif
from lightly_nb.pictures.netpbm import read_deep_netpbm
from lightly_nb.pictures.orientation import ORIENTATION_TAG, orientation_of, turned
from lightly_nb.pictures.png import read_png

MOST_BLANK = 16
"""Pages at the front that are passed over if nothing is on them, at most."""
BLANK = 8
"""Largest difference of two grays on a blank page."""
_NATIVE = "L" if sys.byteorder == "little" else "B"


class Page(NamedTuple):
    """One picture as it is shown, and what is to be noted."""

    rgb: np.ndarray
    n_pages: int
    notes: tuple[str, ...]


class Beside(NamedTuple):
    """What was found out before Pillow sees a file."""

    exif: bytes | None = None
    xmp: bytes | None = None
    profile: bytes | None = None
    significant_bits: int | None = None
    notes: tuple[str, ...] = ()
    is_complete: bool = False
    """Whether there is no other EXIF, XMP or profile in the file."""


def decode_other(content: bytes, kind: str, strict: bool, beside: Beside | None = None) -> Page:
    """Return the picture in a file of any `kind`, upright; `beside` of a JPEG is known already."""
    beside = beside or Beside()
    try:
        if kind == "netpbm" and (deep := read_deep_netpbm(content, strict)) is not None:
            said = Statement(0.0, float(deep.largest), "maxval") if deep.largest < 65535 else None
            pixels, notes = shown(deep.values, said)
            return Page(_three(pixels), 1, notes)
        content, beside = _prepared(content, kind, strict, beside)
        return _first_with_something(content, kind, beside)
    except CorruptImageError:
        raise
    except MemoryError as error:
        raise CorruptImageError(
            "too little memory to decode it", "close other work or scale it down"
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise bomb(str(error)) from error
    except NotImplementedError as error:
        raise not_supported(kind, str(error)) from error
    except UnidentifiedImageError as error:
        form = tiff.form_of(content) if kind == "tiff" else None
        if form:
            raise not_supported(kind, form) from error
        raise damaged(kind, "no decoder can make sense of its header") from error
    except Exception as error:  # Pillow's plugins raise anything: OSError, SyntaxError, struct.error, …
        raise damaged(kind, str(error)) from error


def _prepared(content: bytes, kind: str, strict: bool, beside: Beside) -> tuple[bytes, Beside]:
    """Return what Pillow is to see of a file."""
    if kind == "png":
        png = read_png(content, strict)
        return png.content, Beside(*png[1:5], png.notes, is_complete=True)
    if kind == "webp":
        content, note = _whole_webp(content, strict)
        return content, beside._replace(notes=(note,) if note else ())
    if kind == "heif":
        _register_heif(kind)
    elif kind == "avif" and not reads_avif():
        raise CorruptImageError(
            "AVIF is not read by the Pillow that is installed", "install Pillow 11.3 or newer"
        )
    return content, beside


def _register_heif(kind: str) -> None:
    if not reads_heif():
        raise CorruptImageError("HEIC and HEIF are read by a plug-in that is not installed", INSTALL_HEIF)
    import pillow_heif

    if "HEIF" not in Image.OPEN:
        pillow_heif.register_heif_opener()


def _whole_webp(content: bytes, strict: bool) -> tuple[bytes, str | None]:
    """Return a WebP whose header tells its length, if at least the picture is all there."""
    told = 8 + struct.unpack_from("<I", content, 4)[0]
    if len(content) >= told:
        return content, None
    position, has_picture = 12, False
    while position + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, position)
        if position + 8 + length > len(content):
            break
        has_picture = has_picture or name in (b"VP8 ", b"VP8L", b"ANMF")
        position += 8 + length + length % 2
    else:
        has_picture = has_picture and position >= len(content)
    position = min(position, len(content))
    if not has_picture or name == b"ANMF":
        if strict:
            raise damaged("webp", "unexpected end of file")
        return content, None
    rest = content[:position] + b"\0" * (position % 2)
    return rest[:4] + struct.pack("<I", len(rest) - 8) + rest[
        8:
    ], "cut after the picture: the pixels are all there"


def _first_with_something(content: bytes, kind: str, beside: Beside) -> Page:
    """Return the first page that is not blank, the first of all if all are."""
    pages = _pages(content, kind)
    first = _page(content, kind, pages[0], beside)
    notes = [*beside.notes]
    if len(pages) == 1:
        return Page(first[0], 1, (*notes, *first[1]))
    chosen, found = 0, first
    if _is_blank(first[0]):
        for place in range(1, min(len(pages), MOST_BLANK + 1)):
            try:
                other = _page(content, kind, pages[place], beside)
            except Exception:  # what is wrong with a later page does not matter if the first one is there
                continue
            if not _is_blank(other[0]):
                chosen, found = place, other
                break
    blank = f"; {'page 1 is' if chosen == 1 else f'pages 1 to {chosen} are'} blank" if chosen else ""
    what = "pages" if kind in ("tiff", "heif") else "frames"
    notes.append(f"{what}: {chosen + 1} of {len(pages):,} is shown{blank}")
    return Page(found[0], len(pages), (*notes, *found[1]))


def _pages(content: bytes, kind: str) -> Sequence[int]:
    if kind == "jpeg":  # whose head is known already
        return [0]
    with Image.open(io.BytesIO(content)) as image:
        refuse_bomb(*image.size)
        try:
            return tiff.pages_of(image) if kind == "tiff" else range(int(getattr(image, "n_frames", 1)))
        except Exception:  # what is wrong behind the first page is no damage to it
            return [0]


def _is_blank(rgb: np.ndarray) -> bool:
    return bool((rgb.max(axis=(0, 1)).astype(int) - rgb.min(axis=(0, 1))).max() <= BLANK)


def _page(content: bytes, kind: str, number: int, beside: Beside) -> tuple[np.ndarray, list[str]]:
    """Return page `number`, upright, and notes on it."""
    with _opened(content, number) as image:
        refuse_bomb(*image.size)
        if kind == "tiff" and tiff.is_misread(image):
            form = tiff.form_of(content)
            raise not_supported(kind, form) if form else damaged(kind, "unexpected end of file")
        tile: Any = image.tile[0] if image.tile else None
        rawmode = _rawmode(tile)
        said = tiff.statement_of(image) if kind == "tiff" else Statement()
        image.load()  # before the EXIF is asked for: a TIFF turns itself while loading
        rgb, notes = _in_rgb(content, kind, number, image, rawmode, said, beside)
        exif, xmp = beside.exif, beside.xmp
        if kind == "tiff":
            return turned(rgb, _left_to_turn(image)), notes
        if kind in ("heif", "avif"):  # turned by the container, which the decoder obeys or tells as EXIF
            exif, xmp = image.info.get("exif") if kind == "avif" else None, None
        elif not beside.is_complete:
            exif, xmp = exif or image.info.get("exif"), xmp or image.info.get("xmp")
        orientation, note = orientation_of(exif, xmp)
        return turned(rgb, orientation), [*notes, *([note] if note else [])]


def _opened(content: bytes, number: int) -> Any:
    image = Image.open(io.BytesIO(content))
    if number:
        image.seek(number)
    return image


def _rawmode(tile: Any) -> str:
    """Return Pillow's word for how numbers lie in the file; it says where Pillow drops half of them."""
    args = tile[3] if tile is not None else ""
    return str(args[0] if isinstance(args, tuple) and args else args or "")


def _left_to_turn(image: Any) -> int:
    try:
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # a broken EXIF block is no damage to the picture, and Pillow raises anything on it
        return 1


def _in_rgb(
    content: bytes, kind: str, number: int, image: Any, rawmode: str, said: Statement, beside: Beside
) -> tuple[np.ndarray, list[str]]:
    """Return the loaded `image` as RGB over white, and notes."""
    notes: list[str] = []
    values = _numbers(content, kind, number, image, rawmode)
    alpha: np.ndarray | None = None
    is_premultiplied = kind == "tiff" and rawmode.startswith("RGBa;16")
    if values is None:
        colour, alpha = _eight_bits(image)
    else:
        colour, alpha, depth_notes = _from_numbers(values, image, said, beside)
        notes += depth_notes
    if kind == "tiff":
        alpha, note = _called_alpha(image, alpha)
        notes += [note] if note else []
    profile = beside.profile if beside.is_complete else beside.profile or image.info.get("icc_profile")
    rgb, note = colours.to_srgb(colour, profile)
    notes += [note] if note else []
    if alpha is not None:
        rgb, note = colours.flattened(rgb, alpha, is_premultiplied=is_premultiplied)
        notes += [note] if note else []
    return rgb, notes


def _numbers(content: bytes, kind: str, number: int, image: Any, rawmode: str) -> np.ndarray | None:
    """Return the numbers of a picture that is deeper than 8 bits a channel, None for all others."""
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode == "I":
        values = np.asarray(image)
        is_unsigned = kind == "tiff" and tiff.number_format(image) == 1 and "32" in rawmode
        return values.view(np.uint32) if is_unsigned else values
    if image.mode == "F":
        return np.asarray(image)
    if image.mode == "L" and kind == "tiff" and tiff.number_format(image) == 2:
        return np.asarray(image).view(np.int8)
    if rawmode.startswith("LA;16"):
        pairs = np.asarray(_read_again(content, number, "RGBA")).astype(np.uint16)
        return np.asarray(pairs[..., ::2] << 8 | pairs[..., 1::2])
    stem, _, rest = rawmode.partition(";16")
    if not rest or stem not in ("RGB", "RGBX", "RGBA", "RGBa"):
        return None
    stem = "RGBA" if stem == "RGBa" else stem
    order = _NATIVE if rest == "N" else rest
    high = np.asarray(_read_again(content, number, f"{stem};16{order}")).astype(np.uint16)
    low = np.asarray(_read_again(content, number, f"{stem};16{_opposite(order)}"))
    return np.asarray(high << 8 | low)


def _opposite(order: str) -> str:
    return "B" if order == "L" else "L"


def _read_again(content: bytes, number: int, rawmode: str) -> Any:
    """Return a picture by other bytes: of the two of a number Pillow keeps the one that `rawmode` names."""
    image = _opened(content, number)
    image.tile = [_with_rawmode(tile, rawmode) for tile in image.tile]
    image.load()
    return image


def _with_rawmode(tile: Any, rawmode: str) -> Any:
    args = (rawmode, *tile[3][1:]) if isinstance(tile[3], tuple) else rawmode
    return tile._replace(args=args) if hasattr(tile, "_replace") else (*tile[:3], args)


def _from_numbers(
    values: np.ndarray, image: Any, said: Statement, beside: Beside
) -> tuple[Any, np.ndarray | None, list[str]]:
    """Return deep numbers as an 8-bit picture (gray as mode L), its transparency, and notes."""
    n_channels = values.shape[2] if values.ndim == 3 else 1
    alpha = None
    if n_channels in (2, 4):
        alpha, values = _top_byte(values[..., -1]), values[..., :-1]
    values = values[..., 0] if n_channels == 2 else values
    key = image.info.get("transparency")
    if alpha is None and key is not None:
        same = values == np.asarray(key, dtype=np.int64)
        alpha = np.where(same.all(axis=-1) if values.ndim == 3 else same, 0, 255).astype(np.uint8)
    if beside.significant_bits and beside.significant_bits < 16 and values.max() < 2**beside.significant_bits:
        said = Statement(0.0, 2.0**beside.significant_bits - 1, "sBIT")
    pixels, notes = shown(values, said)
    return (Image.fromarray(pixels) if pixels.ndim == 2 else pixels), alpha, list(notes)


def _top_byte(values: np.ndarray) -> np.ndarray:
    return (values >> 8).astype(np.uint8)


def _eight_bits(image: Any) -> tuple[Any, np.ndarray | None]:
    """Return the colours (mode L, RGB, CMYK or LAB) and the transparency of a picture of 8 bits a channel."""
    if image.mode in ("L", "RGB", "CMYK", "LAB") and "transparency" not in image.info:
        return image, None
    if image.mode == "1":
        return image.convert("L"), None
    if image.mode in ("LA", "La"):
        image = image.convert("LA")
        return image.getchannel("L"), np.asarray(image.getchannel("A"))
    if image.mode in ("RGBA", "PA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        return image.convert("RGB"), np.asarray(image.getchannel("A"))
    try:
        return image.convert("RGB"), None
    except ValueError as error:
        raise not_supported(str(image.format), f"colour space {image.mode}") from error


def _called_alpha(image: Any, alpha: np.ndarray | None) -> tuple[np.ndarray | None, str | None]:
    """Return the transparency of a TIFF if it calls a channel so and some pixel is opaque, and a note."""
    n_left_out, has_alpha = tiff.channels_left_out(image)
    if alpha is not None and has_alpha and alpha.any() and not _looks_like_transparency(alpha):
        note = "transparency ignored: most pixels are half transparent, as of an infrared channel"
        return None, f"{note}, shown by its colours"
    if not has_alpha:
        alpha = None
    if n_left_out:
        what = "1 is" if n_left_out == 1 else f"{n_left_out} are"
        return alpha, f"channels left out: {what} neither colour nor called transparency"
    return alpha, None


def _looks_like_transparency(alpha: np.ndarray) -> bool:
    """Whether at least half of the pixels are wholly opaque or wholly clear, and some are opaque.

    Many programs call any fourth channel of a TIFF transparency.
    """
    n_opaque, n_clear = np.count_nonzero(alpha == 255), np.count_nonzero(alpha == 0)
    return bool(n_opaque and 2 * (n_opaque + n_clear) >= alpha.size)


def _three(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
