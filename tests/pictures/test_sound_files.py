"""Sound files that were called damaged: kept with a note, and with the pixels of lenient decoding."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lightly_nb.pictures import CorruptImageError, decode
from tests.photos import crops

RGB = crops(2, seed=3, side=128)[1]
PHOTO = Image.fromarray(RGB)
END = b"\xff\xd9"


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes, is_sound: bool = True) -> bytes:
    checksum = zlib.crc32(name + data) ^ (not is_sound)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


JPEGS = {
    "baseline": encoded(PHOTO, "JPEG", quality=90),
    "progressive": encoded(PHOTO, "JPEG", quality=90, progressive=True),
    "gray": encoded(PHOTO.convert("L"), "JPEG", quality=90),
    "restart markers": encoded(PHOTO, "JPEG", quality=90, restart_marker_rows=1),
    "CMYK": encoded(PHOTO.convert("CMYK"), "JPEG", quality=90),
}
PNG = encoded(PHOTO, "PNG")

ODD_ENDS = {
    "no end marker": lambda body: body,
    "zeros before the end marker": lambda body: body + bytes(300) + END,
    "zeros instead of the end marker": lambda body: body + bytes(300),
    "0xFF instead of the end marker": lambda body: body + b"\xff" * 300,
    "spaces before the end marker": lambda body: body + b" " * 300 + END,
    "line end instead of the end marker": lambda body: body + b"\r\n",
    "zeros before the end marker, then more": lambda body: body + bytes(300) + END + bytes(50),
}


@pytest.mark.parametrize("min_size", [None, 32])
@pytest.mark.parametrize("end", ODD_ENDS)
@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_with_an_odd_end_is_kept_with_a_note(name: str, end: str, min_size: int | None) -> None:
    whole = JPEGS[name]
    odd = ODD_ENDS[end](whole[:-2])
    found, expected = decode(odd, min_size=min_size), decode(whole, min_size=min_size)
    np.testing.assert_array_equal(found.rgb, expected.rgb)
    np.testing.assert_array_equal(decode(odd, min_size=min_size, strict=False).rgb, expected.rgb)
    assert len(found.notes) == 1
    assert found.notes[0].startswith(("no end marker: the pixels are all there", "padding: "))


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("n_missing", [1, 2, 5, 40])
def test_a_jpeg_that_lacks_pixels_is_not_taken_for_one(name: str, n_missing: int) -> None:
    body = JPEGS[name][: -2 - n_missing]
    for content in (body, body + bytes(300), body + bytes(300) + END):
        with pytest.raises(CorruptImageError, match=r"(truncated|damaged) JPEG"):
            decode(content)


def test_a_progressive_jpeg_that_lacks_whole_scans_is_truncated() -> None:
    whole = JPEGS["progressive"]
    starts = [at for at in range(len(whole)) if whole.startswith(b"\xff\xda", at)]
    for at in starts[1:]:
        scan_begins = whole.rfind(b"\xff\xc4", 0, at)
        with pytest.raises(CorruptImageError, match="truncated JPEG"):
            decode(whole[:at])
        with pytest.raises(CorruptImageError, match="truncated JPEG"):
            decode(whole[:scan_begins])


def test_what_flipped_bits_leave_over_is_no_padding() -> None:
    body = JPEGS["baseline"][:-2]
    with pytest.raises(CorruptImageError, match="damaged JPEG"):
        decode(body + np.random.default_rng(0).bytes(300) + END)


@pytest.mark.parametrize(
    "before",
    [
        bytes(16),
        b"\r\n",
        b"\n \n",
        b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 4321\r\n\r\n",
        b"\r\n--myboundary\nContent-Type: image/jpeg\n\n",
    ],
)
@pytest.mark.parametrize("content", [JPEGS["baseline"], PNG], ids=["JPEG", "PNG"])
def test_what_webcams_leave_before_an_image_is_passed_over(content: bytes, before: bytes) -> None:
    found = decode(before + content)
    np.testing.assert_array_equal(found.rgb, decode(content).rgb)
    assert found.notes == (f"padding: {len(before):,} bytes before the image",)


@pytest.mark.parametrize(
    "content", [*JPEGS.values(), PNG, encoded(PHOTO, "BMP"), encoded(PHOTO, "WEBP", lossless=True)]
)
def test_bytes_after_an_image_are_nothing(content: bytes) -> None:
    for after in (bytes(999), b"garbage", JPEGS["gray"]):
        found = decode(content + after)
        np.testing.assert_array_equal(found.rgb, decode(content).rgb)


LONG = "a photograph of a horse, " * 100_000


def with_text(**options: Any) -> bytes:
    info = PngInfo()
    info.add_text("parameters", LONG, **options)
    return encoded(PHOTO, "PNG", pnginfo=info)


def with_itxt(is_compressed: bool) -> bytes:
    info = PngInfo()
    info.add_itxt("workflow", LONG, zip=is_compressed)
    return encoded(PHOTO, "PNG", pnginfo=info)


LARGE = {
    "tEXt": with_text(),
    "zTXt": with_text(zip=True),
    "iTXt": with_itxt(False),
    "compressed iTXt": with_itxt(True),
    "text after the pixels": PNG[:-12] + chunk(b"tEXt", b"parameters\0" + LONG.encode()) + PNG[-12:],
    "profile": PNG[:33] + chunk(b"iCCP", b"scanner\0\0" + zlib.compress(bytes(3_000_000))) + PNG[33:],
    "many texts": PNG[:33]
    + b"".join(chunk(b"tEXt", b"k\0" + bytes(b"x" * 900_000)) for _ in range(80))
    + PNG[33:],
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("strict", [True, False])
def test_pngs_with_long_texts_and_profiles_are_read(name: str, strict: bool) -> None:
    found = decode(LARGE[name], strict=strict)
    np.testing.assert_array_equal(found.rgb, RGB)
    assert [note.partition(":")[0] for note in found.notes] == (
        ["colour profile ignored"] if name == "profile" else []
    )


@pytest.mark.parametrize(
    "name", [b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"pHYs", b"gAMA", b"tIME", b"prVt"]
)
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("is_last", [True, False])
def test_a_wrong_checksum_beside_the_pixels_is_a_note(name: bytes, strict: bool, is_last: bool) -> None:
    odd = chunk(name, b"12345678\0", is_sound=False)
    content = PNG[:-12] + odd + PNG[-12:] if is_last else PNG[:33] + odd + PNG[33:]
    found = decode(content, strict=strict)
    np.testing.assert_array_equal(found.rgb, RGB)
    assert found.notes == (f"wrong checksum of chunk {name.decode()}: the pixels are sound",)


def test_a_png_without_its_end_chunk_is_kept_with_a_note() -> None:
    for content in (PNG[:-12], PNG[:-5], PNG[:-1], PNG[:-12] + chunk(b"tEXt", b"k\0" + bytes(900))[:40]):
        found = decode(content)
        np.testing.assert_array_equal(found.rgb, RGB)
        assert found.notes == ("no end chunk: the pixels are all there",)
    with pytest.raises(CorruptImageError, match="truncated PNG"):
        decode(PNG[:-13])
    wrong_end = decode(PNG[:-1] + bytes([PNG[-1] ^ 1]))
    assert wrong_end.notes == ("wrong checksum of chunk IEND: the pixels are sound",)


@pytest.mark.parametrize("name", [b"IDAT", b"IHDR"])
def test_a_wrong_checksum_of_the_pixels_is_damage(name: bytes) -> None:
    at = PNG.index(name)
    (length,) = struct.unpack_from(">I", PNG, at - 4)
    end = at + 4 + length
    content = PNG[:end] + bytes([PNG[end] ^ 1]) + PNG[end + 1 :]
    with pytest.raises(CorruptImageError, match=f"damaged PNG: wrong checksum of chunk {name.decode()}"):
        decode(content)


def test_a_webp_that_is_cut_behind_its_picture_is_kept_with_a_note() -> None:
    content = encoded(PHOTO, "WEBP", lossless=True, exif=b"Exif\0\0II*\0" + bytes(400))
    found = decode(content[:-100])
    np.testing.assert_array_equal(found.rgb, RGB)
    assert found.notes == ("cut after the picture: the pixels are all there",)
    with pytest.raises(CorruptImageError, match="truncated WEBP"):
        decode(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("marker", "bits", "words"),
    [(0xC0, 12, "12 bits a sample"), (0xC3, 8, "a lossless JPEG"), (0xC5, 8, "a hierarchical JPEG")],
)
def test_a_jpeg_that_is_not_read_is_to_be_converted(marker: int, bits: int, words: str) -> None:
    whole = JPEGS["baseline"]
    at = whole.index(b"\xff\xc0")
    odd = whole[: at + 1] + bytes([marker]) + whole[at + 2 : at + 4] + bytes([bits]) + whole[at + 5 :]
    for strict in (True, False):
        with pytest.raises(CorruptImageError) as caught:
            decode(odd, strict=strict)
        assert caught.value.reason == f"JPEG of a form that is not supported: {words}"
        assert caught.value.what_to_do == "convert it to an 8-bit JPEG or PNG"


def test_a_motion_jpeg_frame_without_its_huffman_tables() -> None:
    whole = JPEGS["baseline"]
    bare = whole
    while (at := bare.find(b"\xff\xc4")) >= 0:
        bare = bare[:at] + bare[at + 2 + int.from_bytes(bare[at + 2 : at + 4], "big") :]
    found = decode(bare)
    np.testing.assert_array_equal(found.rgb, decode(whole).rgb)
    assert found.notes == ()
