"""Which page is shown, and which way up: EXIF, else XMP."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps, features

from lightly_nb.pictures import CorruptImageError, Decoded, decode
from lightly_nb.pictures.kinds import reads_avif, reads_heif
from tests.photos import crops

FIRST, SECOND = (Image.fromarray(rgb) for rgb in crops(2, seed=3, side=64))
BLANK = Image.new("RGB", (64, 64), (250, 250, 248))
UPRIGHT = Image.fromarray(np.ascontiguousarray(np.asarray(FIRST)[:40]))


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def shows(found: Decoded, image: Image.Image, within: float = 0) -> bool:
    return bool(np.abs(found.rgb.astype(int) - np.asarray(image)).mean() <= within)


def several(form: str, images: list[Image.Image]) -> bytes:
    options = {"lossless": True} if form == "WEBP" else {}
    return encoded(images[0], form, save_all=True, append_images=images[1:], **options)


@pytest.mark.parametrize(("form", "word"), [("TIFF", "pages"), ("PNG", "frames"), ("WEBP", "frames")])
def test_pages_and_frames_are_counted_and_noted(form: str, word: str) -> None:
    found = decode(several(form, [FIRST, SECOND, FIRST]))
    assert shows(found, FIRST)
    assert found.n_pages == 3
    assert found.notes == (f"{word}: 1 of 3 is shown",)


@pytest.mark.parametrize("form", ["TIFF", "PNG", "WEBP"])
def test_blank_pages_at_the_front_are_passed_over(form: str) -> None:
    black = Image.new("RGB", (64, 64), (2, 0, 1))
    found = decode(several(form, [BLANK, black, SECOND]))
    assert shows(found, SECOND)
    assert "3 of 3 is shown; pages 1 to 2 are blank" in found.notes[0]
    found = decode(several(form, [BLANK, FIRST]))
    assert "2 of 2 is shown; page 1 is blank" in found.notes[0]


def test_of_blank_pages_only_the_first_is_shown() -> None:
    found = decode(several("TIFF", [BLANK, Image.new("RGB", (64, 64), "white")]))
    assert shows(found, BLANK)
    assert found.notes == ("pages: 1 of 2 is shown",)


def test_levels_and_previews_of_a_tiff_are_no_pages() -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(np.asarray(SECOND.resize((16, 16))), photometric="rgb", subfiletype=1)
        file.write(np.asarray(FIRST), photometric="rgb")
        file.write(np.asarray(FIRST.resize((32, 32))), photometric="rgb", subfiletype=1)
    found = decode(buffer.getvalue())
    assert shows(found, FIRST)
    assert (found.n_pages, found.notes) == (1, ())


def test_a_tiff_that_is_damaged_behind_its_first_page_is_shown() -> None:
    content = several("TIFF", [FIRST, SECOND])
    (start,) = struct.unpack_from("<I", content, 4)
    (n_entries,) = struct.unpack_from("<H", content, start)
    at = start + 2 + 12 * n_entries
    found = decode(content[:at] + struct.pack("<I", len(content) + 900) + content[at + 4 :])
    assert shows(found, FIRST)


def test_a_stereo_pair_is_two_frames_and_a_preview_is_none() -> None:
    pair = encoded(FIRST, "MPO", save_all=True, append_images=[SECOND], quality=95)
    found = decode(pair)
    assert np.abs(found.rgb - np.asarray(FIRST).astype(int)).mean() < 4
    assert (found.n_pages, found.notes) == (2, ("frames: 1 of 2 is shown",))
    at = pair.index(struct.pack("<HHI", 0xB002, 7, 32))
    (entries,) = struct.unpack_from("<I", pair, at + 8)
    second = pair.index(b"MPF\0") + 4 + entries + 16
    preview = pair[:second] + struct.pack("<I", 0x010001) + pair[second + 4 :]
    gain_map = encoded(
        FIRST, "MPO", save_all=True, append_images=[SECOND], xmp=b"<hdrgm:Version>1.0</hdrgm:Version>"
    )
    for content in (preview, gain_map):
        assert (decode(content).n_pages, decode(content).notes) == (1, ())


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:tiff="http://ns.adobe.com/tiff/1.0/">'
    "<d tiff:Orientation{}/></rdf:RDF></x:xmpmeta>"
)


def in_xmp(orientation: int, as_element: bool) -> bytes:
    if as_element:
        return XMP.format(f"/><tiff:Orientation>{orientation}</tiff:Orientation><d").encode()
    return XMP.format(f'="{orientation}"').encode()


def turned_by_pillow(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


@pytest.mark.parametrize("as_element", [False, True])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_in_xmp_alone_counts(form: str, orientation: int, as_element: bool) -> None:
    packet = in_xmp(orientation, as_element)
    options: dict[str, Any] = {"xmp": packet}
    if form == "PNG":
        from PIL.PngImagePlugin import PngInfo

        options = {"pnginfo": PngInfo()}
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", packet.decode(), zip=as_element)
    elif form == "TIFF":
        options = {"tiffinfo": {700: packet}}
    elif form == "WEBP":
        options["lossless"] = True
    content = encoded(UPRIGHT, form, **options)
    found = decode(content)
    np.testing.assert_array_equal(found.rgb, turned_by_pillow(content))
    assert (found.width, found.height) == ((40, 64) if orientation > 4 else (64, 40))


def test_exif_comes_before_xmp() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    content = encoded(UPRIGHT, "JPEG", exif=exif, xmp=in_xmp(6, False))
    np.testing.assert_array_equal(decode(content).rgb, turned_by_pillow(content))
    assert decode(content).rgb.shape == (40, 64, 3)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", [0, 3, 6, 9, 77])
def test_exif_of_either_byte_order_and_values_out_of_range(order: str, orientation: int) -> None:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    block = mark + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    found = decode(encoded(UPRIGHT, "JPEG", exif=b"Exif\0\0" + block))
    assert found.rgb.shape == ((64, 40, 3) if orientation == 6 else (40, 64, 3))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "block", [b"II*\0\xff\xff\xff\xff", b"garbage of some length", b"II*\0\x08\0\0\0\x30\0"]
)
def test_a_broken_exif_block_is_ignored_and_noted(form: str, block: bytes) -> None:
    found = decode(encoded(UPRIGHT, form, exif=b"Exif\0\0" + block))
    assert found.rgb.shape == (40, 64, 3)
    assert found.notes == ("EXIF ignored: the block is broken; taken as upright",)
    if form == "JPEG":
        noted = decode(encoded(UPRIGHT, form, exif=b"Exif\0\0" + block, xmp=in_xmp(6, False)))
        assert (noted.rgb.shape, noted.notes) == ((64, 40, 3), ())


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize(
    "form",
    [
        pytest.param("AVIF", marks=pytest.mark.skipif(not reads_avif(), reason="needs Pillow 11.3")),
        pytest.param("HEIF", marks=pytest.mark.skipif(not reads_heif(), reason="needs pillow-heif")),
    ],
)
def test_heic_and_avif_are_read_and_turned(form: str, orientation: int) -> None:
    if form == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(UPRIGHT, form, quality=95, exif=exif)
    expected = np.asarray(UPRIGHT)
    if (
        form == "AVIF"
    ):  # Pillow writes the turn into the container; pillow-heif does not, and then EXIF is void
        exif[0x0112] = orientation  # which Pillow has taken out
        jpeg = encoded(UPRIGHT, "JPEG", quality=95, exif=exif)
        expected = turned_by_pillow(jpeg)
    found = decode(content, filename="a.avif" if form == "AVIF" else "a.HEIC")
    assert found.rgb.shape == expected.shape
    assert np.abs(found.rgb.astype(int) - expected).mean() < 6
    assert found.notes == ()
    with pytest.raises(CorruptImageError):
        decode(content[: len(content) // 2])


def test_without_the_plug_in_heic_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightly_nb.pictures.others.reads_heif", lambda: False)
    with pytest.raises(CorruptImageError, match=r"HEIC and HEIF .* pip install 'lightly_nb\[heif\]'"):
        decode(b"\0\0\0\x18ftypheic" + bytes(60))
    assert features.check("webp")
