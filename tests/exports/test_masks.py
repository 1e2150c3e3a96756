"""Masks in the forms of the tools are the masks again, by a reader of each form written for the test."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lightly_nb.errors import InputError
from lightly_nb.exports.masks import (
    box_of,
    coco_rle,
    joined,
    label_studio_rle,
    mask_of,
    polygons_of,
    runs_of,
)
from tests.exports.predicted import mask_from, runs

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14))


def label_studio_mask(rle: list[int], width: int, height: int) -> np.ndarray:
    """Read a brush of Label Studio bit by bit: four channels a pixel, of which the last is the mask."""
    bits = "".join(f"{byte:08b}" for byte in rle)
    at = 0

    def number(n_bits: int) -> int:
        nonlocal at
        at += n_bits
        return int(bits[at - n_bits : at], 2)

    total, word = number(32), number(5) + 1
    sizes = [number(4) + 1 for _ in range(4)]
    values: list[int] = []
    while len(values) < total:
        is_run = number(1)
        length = number(sizes[number(2)]) + 1
        values += [number(word)] * length if is_run else [number(word) for _ in range(length)]
    return np.array(values).reshape(height, width, 4)[:, :, 3] > 0


@settings(max_examples=40, deadline=None)
@given(MASKS)
def test_run_lengths_are_those_counted_pixel_by_pixel(mask: np.ndarray) -> None:
    height, width = mask.shape
    assert runs_of(mask.ravel()) == runs(mask)
    assert (mask_of(np.array(runs(mask)), width, height, "") == mask).all()
    of_coco = coco_rle(mask)
    assert of_coco["size"] == [height, width]
    assert (mask == mask_from(of_coco["counts"], height, width).T).all()


@settings(max_examples=40, deadline=None)
@given(MASKS)
def test_a_brush_of_label_studio_is_the_mask(mask: np.ndarray) -> None:
    height, width = mask.shape
    assert (label_studio_mask(label_studio_rle(np.array(runs(mask))), width, height) == mask).all()


def test_a_run_longer_than_a_length_can_be_is_several() -> None:
    mask = np.zeros((200, 400), bool)
    mask[150:, :] = True
    assert (label_studio_mask(label_studio_rle(np.array(runs(mask))), 400, 200) == mask).all()


@settings(max_examples=40, deadline=None)
@given(MASKS)
def test_filled_polygons_are_the_mask_with_its_holes(mask: np.ndarray) -> None:
    filled = np.zeros(mask.shape, np.uint8)
    for polygon in polygons_of(mask):
        part = np.zeros(mask.shape, np.uint8)
        cv2.fillPoly(part, [polygon.astype(np.int32)], 1)
        filled |= part
    assert (filled.astype(bool) == mask).all()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(arrays(int, st.tuples(st.integers(1, 5), st.just(2)), elements=st.integers(0, 9)), min_size=1)
)
def test_joined_outlines_have_all_their_points(outlines: list[np.ndarray]) -> None:
    wanted = {tuple(point) for outline in outlines for point in outline.tolist()}
    assert {tuple(point) for point in joined(outlines).tolist()} == wanted


@settings(max_examples=40, deadline=None)
@given(MASKS)
def test_the_box_is_around_what_is_in_the_mask(mask: np.ndarray) -> None:
    rows, columns = np.nonzero(mask)
    if not len(rows):
        assert box_of(mask) is None
        return
    wanted = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    assert list(box_of(mask) or ()) == wanted


def test_runs_of_another_size_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"'a\.jpg': the run lengths .* cover 5 pixels, .* is 2 × 3, 6; mend"
    ):
        mask_of(np.array([2, 3]), 2, 3, "'a.jpg'")
