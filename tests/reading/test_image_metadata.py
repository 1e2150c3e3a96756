"""Image metadata against plain numpy, and finite on every picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lightly_nb.reading.image_metadata import COUNTS, IMAGE_METADATA, Picture, metadata_columns
from tests.photos import crops

PICTURES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)))


def described(rgb: np.ndarray) -> dict[str, float]:
    """Return all metadata of a picture."""
    picture = Picture(rgb, rgb.shape[1], rgb.shape[0], 1234)
    return {name: compute(picture) for name, compute in IMAGE_METADATA.items()}


def by_numpy(rgb: np.ndarray) -> dict[str, float]:
    """Compute the same numbers from their definitions, in float64."""
    red, green, blue = (rgb[..., i].astype(np.float64) for i in range(3))
    luminance = np.floor(0.299 * red + 0.587 * green + 0.114 * blue + 0.5)
    padded = np.pad(luminance, 1, mode="edge")
    laplacian = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * luminance
    std = luminance.std()
    return {
        "lightly.sharpness": laplacian.std(),
        "lightly.snr": luminance.mean() / std if std > 0 else 0.0,
        "lightly.contrast": std / 255,
        "lightly.meanRed": red.mean(),
        "lightly.meanGreen": green.mean(),
        "lightly.meanBlue": blue.mean(),
        "lightly.width": rgb.shape[1],
        "lightly.height": rgb.shape[0],
        "lightly.sizeInBytes": 1234,
        "lightly.pages": 1,
    }


@settings(max_examples=60, deadline=None)
@given(level=st.integers(0, 255), shape=st.tuples(st.integers(1, 30), st.integers(1, 30)))
def test_a_constant_picture_has_finite_metadata(level: int, shape: tuple[int, int]) -> None:
    got = described(np.full((*shape, 3), level, np.uint8))
    assert got["lightly.sharpness"] == got["lightly.snr"] == got["lightly.contrast"] == 0
    assert got["lightly.meanRed"] == pytest.approx(level)


@settings(max_examples=150, deadline=None)
@given(rgb=PICTURES)
def test_metadata_of_any_picture_are_what_numpy_says_and_finite(rgb: np.ndarray) -> None:
    rgb.flags.writeable = False
    got, expected = described(rgb), by_numpy(rgb)
    assert got.keys() == expected.keys()
    assert np.isfinite(list(got.values())).all()
    for name in set(expected) - {"lightly.snr"}:
        # OpenCV rounds a tie of the luminance its own way: one step of 255 in a pixel, 8 in its Laplacian
        assert got[name] == pytest.approx(expected[name], abs=8 if name == "lightly.sharpness" else 1)


@pytest.mark.parametrize("number", range(4))
def test_metadata_of_photographs_are_what_numpy_says(number: int) -> None:
    rgb = crops(4, seed=1)[number]
    expected = by_numpy(rgb)
    for name, value in described(np.ascontiguousarray(rgb)).items():
        assert value == pytest.approx(expected[name], rel=2e-3), name


def test_a_blurred_photograph_is_less_sharp() -> None:
    import cv2

    rgb = np.ascontiguousarray(crops(1)[0])
    assert (
        described(cv2.GaussianBlur(rgb, (5, 5), 0))["lightly.sharpness"]
        < described(rgb)["lightly.sharpness"] / 2
    )


def test_columns_hold_whole_numbers_where_they_count() -> None:
    columns = metadata_columns(np.arange(2.0 * len(IMAGE_METADATA)).reshape(2, -1))
    assert list(columns) == list(IMAGE_METADATA)
    assert {name for name, column in columns.items() if column.dtype == np.int64} == COUNTS
    assert columns["lightly.snr"].tolist() == [1.0, 1.0 + len(IMAGE_METADATA)]
