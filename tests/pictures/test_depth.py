"""The depth rule: the same picture comes out the same, however many bits its numbers have."""

from __future__ import annotations

import io
import struct
import zlib
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from lightly_nb.pictures import CorruptImageError, Decoded, decode
from lightly_nb.pictures.depth import Statement, shown
from tests.photos import crops

RGB = crops(2, seed=3, side=64)[1].copy()
RGB[0, 0], RGB[0, 1] = 0, 255
GRAY = RGB[..., 1].copy()


def tiff(values: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def png(values: np.ndarray) -> bytes:
    done, content = cv2.imencode(".png", values[..., ::-1] if values.ndim == 3 else values)
    assert done
    return content.tobytes()


def pnm(values: np.ndarray, largest: int) -> bytes:
    form = b"P6" if values.ndim == 3 else b"P5"
    head = b"%s\n# a remark\n%d %d\n%d\n" % (form, values.shape[1], values.shape[0], largest)
    return head + values.astype(">u2").tobytes()


def plain_pnm(values: np.ndarray, largest: int) -> bytes:
    head = b"%s %d %d %d\n" % (b"P3" if values.ndim == 3 else b"P2", *values.shape[1::-1], largest)
    return head + b" ".join(b"%d" % value for value in values.reshape(-1))


def looks_like(found: Decoded, expected: np.ndarray, within: float = 1.0) -> None:
    three = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, axis=2)
    assert np.abs(found.rgb.astype(float) - three).max() <= within


def kinds(found: Decoded) -> list[str]:
    return [note.partition(":")[0] for note in found.notes]


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("form", [tiff, png, lambda v: pnm(v, 65535), lambda v: plain_pnm(v, 65535)])
@pytest.mark.parametrize("picture", [GRAY, RGB], ids=["gray", "RGB"])
def test_whole_numbers_are_scaled_by_the_bits_that_they_use(
    picture: np.ndarray, form: Any, bits: int
) -> None:
    values = np.rint(picture * ((2**bits - 1) / 255)).astype(np.uint16)
    found = decode(form(values))
    looks_like(found, picture)
    assert kinds(found) == ([] if bits == 16 else ["range guessed"])
    if bits == 12:
        assert found.notes == ("range guessed: whole numbers from 0 to 4,095 taken as 12 bits",)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite", "rgb"])
def test_every_way_to_store_deep_numbers_in_a_tiff_gives_the_same(
    compression: Any, byteorder: Any, tile: Any, photometric: str
) -> None:
    picture = RGB if photometric == "rgb" else GRAY
    content = tiff(
        picture.astype(np.uint16) * 16,
        compression=compression,
        byteorder=byteorder,
        tile=tile,
        photometric=photometric,
    )
    expected = np.rint(picture * (16 * 255 / 4095))
    looks_like(decode(content), 255 - expected if photometric == "miniswhite" else expected)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint32", "float32", "float64"])
@pytest.mark.parametrize("factor", [1, 16])
def test_other_types_holding_the_same_numbers_give_the_same_picture(dtype: str, factor: int) -> None:
    found = decode(tiff((GRAY.astype(int) * factor).astype(dtype)))
    looks_like(found, GRAY * (1 if factor == 1 else 16 * 255 / 4095))
    assert kinds(found) == ["range guessed"]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_min_is_white_is_inverted_at_every_depth(dtype: str) -> None:
    top = {"uint8": 255, "uint16": 65535, "float32": 1, "float64": 1}[dtype]
    values = (GRAY / 255 * top).astype(dtype)
    found = decode(tiff(values, photometric="miniswhite"))
    looks_like(found, 255 - GRAY.astype(int))


def test_large_unsigned_numbers_are_not_negative() -> None:
    looks_like(decode(tiff((GRAY / 255 * 4e9).astype(np.uint32))), GRAY)


def test_signed_bytes_keep_their_order() -> None:
    looks_like(decode(tiff((GRAY.astype(int) - 128).astype(np.int8))), GRAY)


@pytest.mark.parametrize(
    ("options", "low", "high"),
    [
        ({"extratags": [(340, "H", 1, 100, True), (341, "H", 1, 5000, True)]}, 100, 5000),
        ({"extratags": [(281, "H", 1, 8000, True)]}, 0, 8000),
        ({"description": '<OME><Pixels SignificantBits="13" /></OME>', "metadata": None}, 0, 8191),
        ({"description": "ImageJ=1.53t\nmin=50.0\nmax=6000.0\n", "metadata": None}, 50, 6000),
    ],
    ids=["SMin, SMax", "MaxSampleValue", "OME", "ImageJ"],
)
def test_what_a_tiff_says_of_its_range_counts(options: dict[str, Any], low: int, high: int) -> None:
    values = (GRAY.astype(int) * 16 + 100).clip(0, 4095).astype(np.uint16)
    found = decode(tiff(values, **options))
    looks_like(found, np.rint((values.astype(float) - low) / (high - low) * 255).clip(0, 255))
    assert found.notes == ()


def test_a_range_in_the_file_that_its_numbers_contradict_is_not_believed() -> None:
    content = tiff(GRAY.astype(np.uint16) * 16, extratags=[(340, "H", 1, 0, True), (341, "H", 1, 20, True)])
    found = decode(content)
    looks_like(found, np.rint(GRAY * (16 * 255 / 4095)))
    assert kinds(found) == ["range in the file not believed", "range guessed"]


def test_packed_12_bits_are_12_bits_by_what_the_tiff_says() -> None:
    values = GRAY.astype(np.uint16)  # dark: a guess would take them for 8 bits
    pairs = values.reshape(-1, 2)
    packed = np.stack(
        [pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], axis=1
    ).astype(np.uint8)
    entries = [(256, 64), (257, 64), (258, 12), (259, 1), (262, 1), (273, 8 + 2 + 9 * 12 + 4), (277, 1)]
    entries += [(278, 64), (279, packed.size)]
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    head += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries) + bytes(4)
    found = decode(head + packed.tobytes())
    looks_like(found, np.rint(GRAY * (255 / 4095)))
    assert found.notes == ()


@pytest.mark.parametrize("largest", [1023, 4095, 40000])
@pytest.mark.parametrize("form", [pnm, plain_pnm])
@pytest.mark.parametrize("picture", [GRAY, RGB], ids=["gray", "RGB"])
def test_maxval_of_a_netpbm_counts(picture: np.ndarray, form: Any, largest: int) -> None:
    values = picture.astype(np.uint16) * 2  # dark: a guess would take them for 10 bits
    found = decode(form(values, largest))
    looks_like(found, np.rint(values * (255 / largest)))
    assert found.notes == ()


def test_significant_bits_of_a_png_count_where_the_numbers_are_not_stretched() -> None:
    content = png(GRAY.astype(np.uint16) * 4)
    chunk = b"sBIT\x0c"
    content = (
        content[:33] + struct.pack(">I", 1) + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[33:]
    )
    looks_like(decode(content), np.rint(GRAY * (4 * 255 / 4095)))


@pytest.mark.parametrize("mark", [-9999.0, 1e20, -3.4e38, 9.96921e36, float("nan"), float("inf")])
@pytest.mark.parametrize("share", [1, 2000])
def test_marks_for_no_data_and_outliers_do_not_wipe_out_the_rest(mark: float, share: int) -> None:
    values = GRAY.astype(np.float32) / 255 * 0.9 + 0.05
    hidden = values.copy()
    hidden.reshape(-1)[100 : 100 + share] = mark
    found, clean = decode(tiff(hidden)), decode(tiff(values))
    there = np.ones(GRAY.size, bool)
    there[100 : 100 + share] = False
    difference = found.rgb.astype(int) - clean.rgb
    assert np.abs(difference.reshape(-1, 3)[there]).max() <= 1
    if np.isfinite(mark):
        assert kinds(found) == ["outliers"]


@pytest.mark.parametrize(("dtype", "mark"), [("uint16", 65535), ("int16", -32768), ("int32", -9999)])
def test_marks_among_whole_numbers_too(dtype: str, mark: int) -> None:
    values = (GRAY.astype(int) * 16).astype(dtype)
    hidden = values.copy()
    hidden[:20] = mark
    np.testing.assert_allclose(decode(tiff(hidden)).rgb[20:], decode(tiff(values)).rgb[20:], atol=1)


def test_outliers_of_many_values_are_clipped() -> None:
    values = GRAY.astype(np.float32) / 255 * 0.9
    values.reshape(-1)[::1500] = [3e5, 1e6, 2e4]
    assert np.abs(decode(tiff(values)).rgb[..., 0].astype(float) - GRAY * 0.9).mean() < 2


def test_what_a_tiff_calls_no_data_is_black_and_counted() -> None:
    values = GRAY.astype(np.float32) / 255
    values[:10] = 0.5
    found = decode(tiff(values, extratags=[(42113, "s", 4, "0.5", True)]))
    assert (found.rgb[:10] == 0).all()
    assert kinds(found) == ["no data"]


@pytest.mark.parametrize("low", [0.0, 0.5, 0.9])
def test_floats_do_not_jump_at_one(low: float) -> None:
    ramp = np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64)
    pictures = [
        decode(tiff(low + ramp * (high - low))).rgb.astype(int)
        for high in (np.float32(0.999), np.float32(1.0), np.float32(1.001), np.float32(1.02))
    ]
    for before, after in pairwise(pictures):
        assert np.abs(after - before).max() <= 6


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.floats(-(2.0**90), 2.0**90, width=32), min_size=1, max_size=60),
    is_inverted=st.booleans(),
)
def test_order_is_kept_whatever_the_numbers(values: list[float], is_inverted: bool) -> None:
    numbers = np.array(sorted(values), np.float32)
    steps = np.diff(shown(numbers, Statement(is_inverted=is_inverted)).pixels.astype(int))
    assert ((steps <= 0) if is_inverted else (steps >= 0)).all()


@settings(max_examples=100, deadline=None)
@given(high=st.floats(1, 1e6), share=st.floats(0, 1), grow=st.floats(1, 1.001))
def test_the_range_of_fractions_moves_as_little_as_they_do(high: float, share: float, grow: float) -> None:
    from lightly_nb.pictures.depth import _around_unit

    low = high * share
    before, after = _around_unit(low, high), _around_unit(low, high * grow)
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= high * (grow - 1) * 1.0001 + 1e-9


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        (GRAY.astype(np.float16), {}, "1 channel of 16-bit floats, gray"),
        (GRAY.astype(np.int64), {}, "1 channel of 64-bit signed whole numbers, gray"),
        (
            np.dstack([RGB, GRAY, GRAY]),
            {"photometric": "minisblack", "planarconfig": "contig"},
            "5 channels of 8-bit whole numbers, gray",
        ),
        (RGB.astype(np.float32), {"photometric": "rgb"}, "3 channels of 32-bit floats, RGB"),
        (
            RGB.astype(np.uint16).transpose(2, 0, 1).copy(),
            {"photometric": "rgb", "planarconfig": "separate"},
            "3 channels of 16-bit whole numbers, RGB",
        ),
    ],
)
def test_a_tiff_that_is_not_read_is_to_be_converted(values: Any, options: Any, words: str) -> None:
    content = tiff(values, **options)
    for strict in (True, False):
        with pytest.raises(CorruptImageError) as caught:
            decode(content, strict=strict)
        assert caught.value.reason == f"TIFF of a form that is not supported: {words}"
        assert caught.value.what_to_do == "convert it to an 8-bit JPEG or PNG"
    with pytest.raises(CorruptImageError) as caught:  # cut as well: nothing is left to convert
        decode(content[:-500])
    assert "replace the file" in caught.value.what_to_do


def test_16_bit_transparency_is_that_of_the_reference() -> None:
    alpha = np.where(np.arange(64) < 32, 0, 65535).astype(np.uint16)[None].repeat(64, 0)
    values = np.dstack([RGB[..., ::-1].astype(np.uint16) * 257, alpha])
    done, content = cv2.imencode(".png", values)
    assert done
    found = decode(content.tobytes())
    assert (found.rgb[:, :32] == 255).all()
    looks_like(found._replace(rgb=found.rgb[:, 32:]), RGB[:, 32:])
