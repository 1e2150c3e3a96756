"""Vectors at unit length, whatever their type and length were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightly_nb.vectors.directions import directions, unit_length


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_rows_get_length_one_and_zeros_stay(dtype: type) -> None:
    vectors = np.array([[3, 4, 0], [0, 0, 0], [0, -7, 0]], dtype=dtype)
    assert unit_length(vectors).tolist() == [[0.6, 0.8, 0], [0, 0, 0], [0, -1, 0]]
    assert (unit_length(vectors).dtype, unit_length(vectors, np.float32).dtype) == (np.float64, np.float32)
    assert directions(vectors)[1].tolist() == [[5], [0], [7]]
    assert vectors[0].tolist() == [3, 4, 0]


@given(
    st.lists(
        st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=3, max_size=3), min_size=1, max_size=9
    )
)
def test_a_row_hangs_on_itself_alone_and_on_no_power_of_two(rows: list[list[float]]) -> None:
    vectors = np.array(rows, dtype=np.float32)
    unit = unit_length(vectors)
    norms = np.sqrt(np.square(unit).sum(axis=1))
    assert np.abs(norms - vectors.any(axis=1)).max() < 1e-9
    assert np.array_equal(unit, np.concatenate([unit_length(row[None]) for row in vectors]))
    assert np.array_equal(unit, unit_length(vectors.astype(np.float64) * 1024))
