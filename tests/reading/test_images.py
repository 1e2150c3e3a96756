"""Strict decoding: every sort of damage is found and named, no sound but odd file is called damaged."""

from __future__ import annotations

import io
import pickle
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from lightly_nb.pictures import MAX_PIXELS, CorruptImageError, decode, decode_rgb, sniff
from tests.photos import crops

SIDE = 192
PHOTO = Image.fromarray(crops(2, seed=3, side=SIDE)[1])
RGB = np.asarray(PHOTO)
GRAY = np.asarray(PHOTO.convert("L"))
RGB_16, GRAY_16 = RGB.astype(np.uint16) * 257, GRAY.astype(np.uint16) * 257


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """Return `image` as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def by_cv2(pixels: np.ndarray, extension: str) -> bytes:
    """Return pixels (RGB or gray, 8 or 16 bits) as the bytes of a file that OpenCV writes."""
    written, content = cv2.imencode(extension, pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    assert written
    return content.tobytes()


def with_jpeg_segment(content: bytes, marker: int, payload: bytes) -> bytes:
    """Return a JPEG with one more segment after its start."""
    return content[:2] + struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload + content[2:]


JPEG = encoded(PHOTO, "JPEG", quality=90)
SOUND = {
    "JPEG": (JPEG, "rgb"),
    "progressive JPEG": (encoded(PHOTO, "JPEG", quality=90, progressive=True), "rgb"),
    "JPEG without chroma subsampling": (encoded(PHOTO, "JPEG", quality=95, subsampling=0), "rgb"),
    "JPEG with restart markers": (encoded(PHOTO, "JPEG", quality=90, restart_marker_rows=1), "rgb"),
    "JPEG stored as RGB": (encoded(PHOTO, "JPEG", quality=90, keep_rgb=True), "rgb"),
    "JPEG with bytes after its end": (JPEG + b"\0" * 5000, "rgb"),
    "two JPEGs in one file, as phones write": (JPEG + JPEG, "rgb"),
    "JPEG of an unknown JFIF version": (JPEG.replace(b"JFIF\0\x01", b"JFIF\0\x09", 1), "rgb"),
    "JPEG with bytes between its headers": (JPEG[:20] + b"\0\0" + JPEG[20:], "rgb"),
    "JPEG with a broken EXIF block": (with_jpeg_segment(JPEG, 0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"), "rgb"),
    "JPEG with a broken colour profile": (with_jpeg_segment(JPEG, 0xE2, b"ICC_PROFILE\0\x05\x02xx"), "rgb"),
    "gray JPEG": (encoded(PHOTO.convert("L"), "JPEG", quality=90), "gray"),
    "CMYK JPEG": (encoded(PHOTO.convert("CMYK"), "JPEG", quality=95), "rgb"),
    "PNG": (encoded(PHOTO, "PNG"), "rgb"),
    "16-bit PNG": (by_cv2(RGB_16, ".png"), "rgb"),
    "16-bit gray PNG": (by_cv2(GRAY_16, ".png"), "gray"),
    "palette PNG": (encoded(PHOTO.quantize(256), "PNG"), "rgb"),
    "palette PNG with transparency": (encoded(PHOTO.quantize(256), "PNG", transparency=255), "rgb"),
    "gray PNG with alpha": (encoded(PHOTO.convert("LA"), "PNG"), "gray"),
    "PNG with alpha": (encoded(PHOTO.convert("RGBA"), "PNG"), "rgb"),
    "TIFF": (encoded(PHOTO, "TIFF"), "rgb"),
    "TIFF with LZW": (encoded(PHOTO, "TIFF", compression="tiff_lzw"), "rgb"),
    "TIFF with JPEG": (encoded(PHOTO, "TIFF", compression="jpeg"), "rgb"),
    "CMYK TIFF": (encoded(PHOTO.convert("CMYK"), "TIFF"), "rgb"),
    "16-bit TIFF": (by_cv2(RGB_16, ".tiff"), "rgb"),
    "16-bit gray TIFF": (encoded(Image.fromarray(GRAY_16), "TIFF"), "gray"),
    "float TIFF from 0 to 1": (encoded(Image.fromarray(GRAY.astype(np.float32) / 255), "TIFF"), "gray"),
    "16-bit PPM": (by_cv2(RGB_16, ".ppm"), "rgb"),
    "16-bit PGM": (by_cv2(GRAY_16, ".pgm"), "gray"),
    "PPM": (encoded(PHOTO, "PPM"), "rgb"),
    "BMP": (encoded(PHOTO, "BMP"), "rgb"),
    "WebP": (encoded(PHOTO, "WEBP", quality=95), "rgb"),
    "lossless WebP with alpha": (encoded(PHOTO.convert("RGBA"), "WEBP", lossless=True), "rgb"),
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_files_of_every_kind_show_the_photograph(name: str) -> None:
    content, picture = SOUND[name]
    expected = RGB if picture == "rgb" else np.repeat(GRAY[..., None], 3, axis=2)
    rgb = decode_rgb(content)
    assert rgb.shape == (SIDE, SIDE, 3)
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert np.abs(rgb.astype(float) - expected).mean() < 6


def test_a_plain_jpeg_decodes_to_the_pixels_that_pillow_gives() -> None:
    np.testing.assert_array_equal(decode_rgb(JPEG), np.asarray(Image.open(io.BytesIO(JPEG))))


def test_one_bit_images_are_black_and_white() -> None:
    assert set(np.unique(decode_rgb(encoded(PHOTO.convert("1"), "PNG")))) == {0, 255}


def test_transparency_is_laid_over_white() -> None:
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    image.putpixel((1, 1), (255, 0, 0, 255))
    rgb = decode_rgb(encoded(image, "PNG"))
    assert rgb[0, 0].tolist() == [255, 255, 255]
    assert rgb[1, 1].tolist() == [255, 0, 0]


def test_float_values_beyond_their_range_are_scaled_not_clipped() -> None:
    ramp = np.linspace(-3, 900, 64, dtype=np.float32).reshape(8, 8)
    rgb = decode_rgb(encoded(Image.fromarray(ramp), "TIFF"))
    assert rgb.min() == 0
    assert rgb.max() == 255
    assert (np.diff(rgb[..., 0].reshape(-1).astype(int)) > 0).all()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(PHOTO.crop((0, 0, 96, 64)), form, exif=exif)
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    got = decode(content)
    np.testing.assert_array_equal(got.rgb, upright)
    assert (got.height, got.width) == upright.shape[:2]


@pytest.mark.parametrize(
    ("min_size", "expected"), [(None, 192), (97, 192), (96, 96), (50, 96), (48, 48), (1, 24), (500, 192)]
)
def test_reduced_scale_leaves_the_shortest_side_that_was_asked_for(min_size: int, expected: int) -> None:
    got = decode(JPEG, min_size=min_size)
    assert got.rgb.shape == (expected, expected, 3)
    assert (got.width, got.height) == (SIDE, SIDE)
    small = np.asarray(PHOTO.resize((expected, expected), Image.Resampling.BOX))
    assert np.abs(got.rgb.astype(float) - small).mean() < 6


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95, 0.999])
@pytest.mark.parametrize("min_size", [None, 32])
@pytest.mark.parametrize(
    "name", [name for name in SOUND if "after its end" not in name and "two" not in name]
)
def test_a_cut_file_is_found(name: str, share: float, min_size: int | None) -> None:
    content, _ = SOUND[name]
    with pytest.raises(CorruptImageError):
        decode_rgb(content[: int(len(content) * share)], min_size=min_size)


def is_found(content: bytes) -> bool:
    """Whether a file is called corrupt; any other exception fails the test."""
    try:
        decode_rgb(content, min_size=64)
    except CorruptImageError:
        return True
    return False


def test_most_jpegs_with_zeroed_or_flipped_bytes_are_found() -> None:
    """libjpeg-turbo finds most; some damage leaves a valid stream, which nothing can tell from a picture."""
    rng = np.random.default_rng(0)
    found = {"zeroed": 0, "flipped": 0}
    photos = [encoded(Image.fromarray(rgb), "JPEG", quality=90) for rgb in crops(40, seed=5, side=SIDE)]
    for content in photos:
        zeroed, flipped = bytearray(content), bytearray(content)
        zeroed[len(content) // 2 : len(content) // 2 + 2048] = bytes(2048)
        for position in rng.integers(700, len(content) - 2, 10):
            flipped[position] ^= 1 << int(rng.integers(8))
        for name, damaged in (("zeroed", zeroed), ("flipped", flipped)):
            found[name] += is_found(bytes(damaged))
    assert found["zeroed"] >= 36
    assert found["flipped"] >= 24


def test_a_png_with_one_flipped_bit_in_its_pixels_is_found() -> None:
    content = encoded(PHOTO, "PNG")
    start = content.index(b"IDAT") + 4
    for position in np.random.default_rng(1).integers(start, len(content) - 20, 20):
        damaged = bytearray(content)
        damaged[position] ^= 4
        with pytest.raises(CorruptImageError, match="damaged PNG: wrong checksum of chunk IDAT"):
            decode_rgb(bytes(damaged))


@pytest.mark.parametrize(
    ("content", "reason", "what_to_do"),
    [
        (b"", "the file is empty", "replace the file"),
        (bytes(5000), "nothing but zero bytes", "replace the file"),
        (
            b"hello, I am text" * 9,
            "not an image of a type that is read: it starts with b'hello, I'",
            "convert it",
        ),
        (b"GIF89a" + bytes(60), "it is a GIF", "convert it"),
        (b"\0\0\0\x18ftypmp42" + bytes(60), "it is a MOV or MP4 video", "convert it"),
        (b"<!DOCTYPE html><html>not found</html>", "it is a web page", "convert it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer", "git lfs pull"),
        (JPEG[: len(JPEG) // 2], "truncated JPEG", "replace the file"),
        (JPEG[:-3], "truncated JPEG", "replace the file"),
        (JPEG[:3], "damaged JPEG", "replace the file"),
        (encoded(PHOTO, "PNG")[:-20], "truncated PNG", "replace the file"),
        (encoded(PHOTO, "WEBP")[:-200], "truncated WEBP", "replace the file"),
        (encoded(PHOTO, "BMP")[:-200], "truncated BMP", "replace the file"),
        (encoded(PHOTO, "PPM")[:-200], "truncated NETPBM", "replace the file"),
    ],
)
def test_the_reason_says_what_is_wrong_and_what_to_do(content: bytes, reason: str, what_to_do: str) -> None:
    with pytest.raises(CorruptImageError) as caught:
        decode_rgb(content)
    assert reason in caught.value.reason
    assert what_to_do in f"{caught.value.what_to_do} {caught.value.reason}"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.reason, again.what_to_do) == (caught.value.reason, caught.value.what_to_do)


@pytest.mark.parametrize(
    ("filename", "content", "note"),
    [
        ("a.jpg", encoded(PHOTO, "PNG"), "wrong ending: the content is PNG, the name ends in '.jpg'"),
        ("a.png", JPEG, "wrong ending: the content is JPEG, the name ends in '.png'"),
        ("folder.jpg/a.webp", JPEG, "wrong ending: the content is JPEG, the name ends in '.webp'"),
        ("no.extension/x", JPEG, "wrong ending: the content is JPEG, the name ends in '.'"),
        ("a.jfif", JPEG, "unusual ending: the content is JPEG, the name ends in '.jfif'"),
        ("a.JPE", JPEG, "unusual ending: the content is JPEG, the name ends in '.jpe'"),
        ("a.JPG", JPEG, None),
        ("a.jpeg", JPEG, None),
        ("a.tif", encoded(PHOTO, "TIFF"), None),
        ("a.pgm", encoded(PHOTO.convert("L"), "PPM"), None),
        ("été.v2.ppm", encoded(PHOTO, "PPM"), None),
    ],
)
def test_a_file_under_another_ending_is_read_by_its_content_and_noted(
    filename: str, content: bytes, note: str | None
) -> None:
    found = decode(content, filename=filename)
    assert found.notes == ((note,) if note else ())
    np.testing.assert_array_equal(found.rgb, decode_rgb(content))


def png_of_size(width: int, height: int) -> bytes:
    """Return a PNG whose header promises that size, with a few bytes of zeros behind it."""

    def chunk(name: bytes, payload: bytes) -> bytes:
        return (
            struct.pack(">I4s", len(payload), name) + payload + struct.pack(">I", zlib.crc32(name + payload))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def jpeg_of_size(width: int, height: int) -> bytes:
    """Return a JPEG whose header lies about its size."""
    start = JPEG.index(b"\xff\xc0")
    return JPEG[: start + 5] + struct.pack(">HH", height, width) + JPEG[start + 9 :]


@pytest.mark.parametrize(
    "bomb", [png_of_size(60_000, 60_000), jpeg_of_size(60_000, 60_000)], ids=["PNG", "JPEG"]
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused_by_its_header(bomb: bytes) -> None:
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(CorruptImageError, match="too large to decode safely"):
        decode_rgb(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000 < MAX_PIXELS


def test_a_12_bit_jpeg_says_that_it_is_not_supported() -> None:
    start = JPEG.index(b"\xff\xc0")
    with pytest.raises(CorruptImageError, match=r"not supported.*convert it to an 8-bit JPEG"):
        decode_rgb(JPEG[: start + 4] + b"\x0c" + JPEG[start + 5 :])


def test_lenient_decoding_shows_what_is_left_of_a_cut_file() -> None:
    rgb = decode_rgb(JPEG[: len(JPEG) // 2], strict=False)
    assert np.abs(rgb[: SIDE // 4].astype(float) - RGB[: SIDE // 4]).mean() < 6


@pytest.mark.parametrize("name", SOUND)
def test_the_type_is_known_by_the_first_bytes(name: str) -> None:
    content, _ = SOUND[name]
    kind = sniff(content)
    assert kind in name.lower() or (kind == "netpbm" and name[-3:] in ("PPM", "PGM"))


def test_random_bytes_behind_any_magic_never_raise_anything_else() -> None:
    rng = np.random.default_rng(4)
    for content, _ in SOUND.values():
        for size in (16, 64, 600):
            for keep in (8, 30, 200):
                noise = content[:keep] + rng.bytes(size)
                is_found(noise)  # raises what is not a CorruptImageError
