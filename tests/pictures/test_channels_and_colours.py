"""Fourth channels, colour profiles and odd colour spaces, against Pillow's own and littleCMS."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from lightly_nb.pictures import Decoded, decode
from lightly_nb.pictures.colours import over_white
from tests.photos import crops

RGB = crops(2, seed=3, side=64)[1].copy()
PHOTO = Image.fromarray(RGB)
GRAY = np.asarray(PHOTO.convert("L"))
CIRCLE = np.where(np.add.outer((np.arange(64) - 32) ** 2, (np.arange(64) - 32) ** 2) < 900, 255, 0).astype(
    np.uint8
)
RAMP = np.arange(0, 256, 4, dtype=np.uint8)[None].repeat(64, 0)
CLEAR = np.zeros_like(RAMP)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def tiff(values: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def bmp(alpha: np.ndarray, compression: int, header: int) -> bytes:
    pixels = np.dstack([RGB[..., ::-1], alpha])[::-1].tobytes()
    info = struct.pack("<IiiHHIIiiII", header, 64, 64, 1, 32, compression, len(pixels), 2835, 2835, 0, 0)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    if header > 40:
        info += masks + b"BGRs" + bytes(header - 60)
    elif compression == 3:
        info += masks[:12]
    start = 14 + len(info)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + pixels


def kinds(found: Decoded) -> list[str]:
    return [note.partition(":")[0] for note in found.notes]


def rgba(alpha: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([RGB, alpha]))


def composed(image: Image.Image) -> np.ndarray:
    """Return the reference: Pillow's alpha composition over white."""
    image = image.convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))


@pytest.mark.parametrize("alpha", [CIRCLE, RAMP], ids=["circle", "ramp"])
@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_transparency_is_laid_over_white_as_by_pillow(form: str, alpha: np.ndarray) -> None:
    content = encoded(rgba(alpha), form, **({"lossless": True} if form == "WEBP" else {}))
    expected = composed(Image.open(io.BytesIO(content)))
    found = decode(content)
    assert np.abs(found.rgb.astype(int) - expected).max() <= 1
    assert found.notes == ()


def test_over_white_is_the_formula() -> None:
    colour, alpha = np.arange(256)[:, None], np.arange(256)[None]
    every = np.broadcast_to(colour[..., None], (256, 256, 3)).astype(np.uint8)
    expected = np.rint((colour * alpha + 255 * (255 - alpha)) / 255)
    np.testing.assert_array_equal(
        over_white(every, np.tile(alpha, (256, 1)).astype(np.uint8))[..., 0], expected
    )


@pytest.mark.parametrize(
    "content",
    [
        bmp(CLEAR, 3, 108),
        bmp(CLEAR, 3, 124),
        encoded(rgba(CLEAR), "PNG"),
        encoded(rgba(CLEAR), "WEBP", lossless=True, exact=True),
        tiff(np.dstack([RGB, CLEAR]), photometric="rgb", extrasamples=["unassalpha"]),
        tiff(np.dstack([RGB, CLEAR]).astype(np.uint16) * 257, photometric="rgb", extrasamples=["unassalpha"]),
    ],
    ids=["BMP 4", "BMP 5", "PNG", "WebP", "TIFF", "16-bit TIFF"],
)
def test_a_picture_that_is_wholly_transparent_is_shown_by_its_colours_and_noted(content: bytes) -> None:
    found = decode(content)
    np.testing.assert_array_equal(found.rgb, RGB)
    assert kinds(found) == ["transparency ignored"]


@pytest.mark.parametrize(("compression", "header"), [(0, 40), (3, 40), (0, 124)])
@pytest.mark.parametrize("alpha", [CLEAR, CIRCLE])
def test_the_fourth_byte_of_a_bmp_without_a_mask_is_nothing(
    compression: int, header: int, alpha: np.ndarray
) -> None:
    found = decode(bmp(alpha, compression, header))
    np.testing.assert_array_equal(found.rgb, RGB)
    assert found.notes == ()


def test_a_transparent_picture_with_nothing_underneath_is_white_and_noted() -> None:
    found = decode(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "PNG"))
    assert (found.rgb == 255).all()
    assert kinds(found) == ["transparent"]


@pytest.mark.parametrize("scale", [1, 16, 257])
@pytest.mark.parametrize(
    ("extra", "note"),
    [(["unspecified"], "channels left out"), (["unassalpha"], "transparency ignored")],
)
def test_an_infrared_channel_is_no_transparency(extra: list[str], note: str, scale: int) -> None:
    infrared = np.dstack([RGB, RAMP // 2 + 60])
    values = infrared if scale == 1 else infrared.astype(np.uint16) * scale
    expected = RGB * (16 * 255 / 4095) if scale == 16 else RGB
    found = decode(tiff(values, photometric="rgb", extrasamples=extra))
    assert np.abs(found.rgb - np.rint(expected)).max() <= 1
    assert note in kinds(found)


def test_a_tiff_without_a_word_on_its_fourth_channel_is_shown_by_its_colours() -> None:
    content = bytearray(tiff(np.dstack([RGB, CLEAR]), photometric="rgb", extrasamples=["unspecified"]))
    at = bytes(content).index(struct.pack("<HH", 338, 3))
    content[at : at + 2] = struct.pack("<H", 60000)
    found = decode(bytes(content))
    np.testing.assert_array_equal(found.rgb, RGB)
    assert kinds(found) == ["channels left out"]


@pytest.mark.parametrize("scale", [1, 257])
@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha"])
def test_real_transparency_of_a_tiff_counts(extra: str, scale: int) -> None:
    colour = np.where(CIRCLE[..., None] > 0, RGB, 0) if extra == "assocalpha" else RGB
    values = np.dstack([colour, CIRCLE]).astype(np.uint8 if scale == 1 else np.uint16) * np.array(
        scale, np.uint16
    )
    values = values.astype(np.uint8) if scale == 1 else values
    found = decode(tiff(values, photometric="rgb", extrasamples=[extra]))
    np.testing.assert_array_equal(found.rgb, composed(rgba(CIRCLE)))


def test_palettes_with_transparency_and_colour_keys() -> None:
    palette = PHOTO.quantize(64)
    for options in ({"transparency": 3}, {"transparency": bytes(range(0, 256, 4))}):
        content = encoded(palette, "PNG", **options)
        expected = composed(Image.open(io.BytesIO(content)))
        assert np.abs(decode(content).rgb.astype(int) - expected).max() <= 1
    keyed = encoded(PHOTO, "PNG", transparency=tuple(int(value) for value in RGB[5, 5]))
    assert decode(keyed).rgb[5, 5].tolist() == [255, 255, 255]


def profile(space: str, gamma: float, primaries: Any = None) -> bytes:
    """Return a small ICC profile: a gray or RGB space with a gamma, and primaries as XYZ columns (D50)."""

    def xyz(values: Any) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(79)
    tags = {b"desc": text, b"wtpt": xyz((0.9642, 1, 0.8249)), b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    if primaries is None:
        tags[b"kTRC"] = curve
    else:
        for name, column in zip((b"r", b"g", b"b"), np.transpose(primaries), strict=True):
            tags |= {name + b"XYZ": xyz(column), name + b"TRC": curve}
    index, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        index += struct.pack(">4sII", name, start + len(body), len(data))
        body += data
    kind = b"GRAY" if space == "GRAY" else b"RGB "
    head = struct.pack(
        ">I4sI4s4s4s12s4s", start + len(body), b"none", 0x02100000, b"mntr", kind, b"XYZ ", bytes(12), b"acsp"
    )
    head += bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + index + body


ADOBE_RGB = profile(
    "RGB", 2.19921875, [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
)
GRAY_GAMMA = profile("GRAY", 1.0)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def converted(image: Image.Image, icc: bytes) -> np.ndarray:
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    found = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert found is not None
    return np.asarray(found)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_an_adobe_rgb_profile_is_applied_as_by_little_cms(form: str) -> None:
    content = encoded(PHOTO, form, icc_profile=ADOBE_RGB)
    stored = Image.open(io.BytesIO(content)).convert("RGB")
    expected = converted(stored, ADOBE_RGB)
    assert np.abs(expected.astype(int) - np.asarray(stored)).max() > 10
    found = decode(content)
    assert np.abs(found.rgb.astype(int) - expected).max() <= 1
    assert found.notes == ()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_a_gray_profile_is_applied(form: str) -> None:
    content = encoded(Image.fromarray(GRAY), form, icc_profile=GRAY_GAMMA)
    expected = converted(Image.open(io.BytesIO(content)), GRAY_GAMMA)
    found = decode(content)
    assert np.abs(found.rgb.astype(int) - expected).max() <= 1
    assert found.rgb.mean() > GRAY.mean() + 20


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_an_srgb_profile_changes_no_pixel(form: str) -> None:
    plain, tagged = encoded(PHOTO, form), encoded(PHOTO, form, icc_profile=SRGB)
    np.testing.assert_array_equal(decode(tagged).rgb, decode(plain).rgb)


@pytest.mark.parametrize(
    ("icc", "word"), [(b"x" * 300, "it is broken"), (GRAY_GAMMA, "it is for GRAY, the picture is RGB")]
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_profile_that_cannot_be_used_is_ignored_and_noted(form: str, icc: bytes, word: str) -> None:
    found = decode(encoded(PHOTO, form, icc_profile=icc))
    np.testing.assert_array_equal(found.rgb, decode(encoded(PHOTO, form)).rgb)
    assert kinds(found) == ["colour profile ignored"]
    assert word in found.notes[0]


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile_is_255_minus_ink(form: str) -> None:
    content = encoded(PHOTO.convert("CMYK"), form)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert np.abs(decode(content).rgb.astype(int) - expected).max() <= 2


def test_cmyk_with_a_profile_of_another_space_is_ignored_and_noted() -> None:
    found = decode(encoded(PHOTO.convert("CMYK"), "JPEG", icc_profile=ADOBE_RGB))
    assert kinds(found) == ["colour profile ignored"]
    assert np.abs(found.rgb.astype(int) - RGB).mean() < 8


def test_lab_is_converted_by_little_cms() -> None:
    lab = ImageCms.profileToProfile(
        PHOTO, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    found = decode(encoded(lab, "TIFF"))
    assert np.abs(found.rgb.astype(int) - RGB).mean() < 3


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP"])
def test_one_bit_a_pixel(form: str) -> None:
    image = PHOTO.convert("1")
    np.testing.assert_array_equal(decode(encoded(image, form)).rgb, np.asarray(image.convert("RGB")))


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def interlaced(rgb: np.ndarray) -> bytes:
    """Return an Adam7 PNG."""
    passes = [
        (0, 8, 0, 8),
        (0, 8, 4, 8),
        (4, 8, 0, 4),
        (0, 4, 2, 4),
        (2, 4, 0, 2),
        (0, 2, 1, 2),
        (1, 2, 0, 1),
    ]
    rows = b"".join(
        b"\0" + row.tobytes() for y, by_y, x, by_x in passes for row in rgb[y::by_y, x::by_x] if row.size
    )

    depth = 16 if rgb.dtype != np.uint8 else 8
    head = struct.pack(">IIBBBBB", rgb.shape[1], rgb.shape[0], depth, 2, 0, 0, 1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_interlaced_pngs() -> None:
    np.testing.assert_array_equal(decode(interlaced(RGB)).rgb, RGB)
    deep = (RGB.astype(np.uint16) * 257).astype(">u2")
    np.testing.assert_array_equal(decode(interlaced(deep)).rgb, RGB)


def test_gray_of_16_bits_with_transparency_or_a_colour_key() -> None:
    deep = np.dstack([GRAY.astype(np.uint16) * 16 + 3, CIRCLE.astype(np.uint16) * 257]).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    head = struct.pack(">IIBBBBB", 64, 64, 16, 4, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    found = decode(start + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    expected = np.where(CIRCLE == 255, np.rint(deep[..., 0] * (255 / 4095)), 255)
    np.testing.assert_array_equal(found.rgb[..., 0], expected)

    key = int(deep[5, 5, 0])
    rows = b"".join(b"\0" + row.tobytes() for row in deep[..., 0])
    head = struct.pack(">IIBBBBB", 64, 64, 16, 0, 0, 0, 0)
    body = chunk(b"tRNS", struct.pack(">H", key)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    found = decode(start + chunk(b"IHDR", head) + body)
    expected = np.where(deep[..., 0] == key, 255, np.rint(deep[..., 0] * (255 / 4095)))
    np.testing.assert_array_equal(found.rgb[..., 0], expected)
