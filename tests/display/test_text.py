"""Words: one for a duration, a size, a count, wherever they are read."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightly_nb.display.text import counted, duration, number, percent, rate, size, values

SECONDS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}


@given(st.floats(0, 1e8))
def test_a_duration_can_be_read_back_to_within_its_smaller_unit(seconds: float) -> None:
    parts = re.findall(r"([\d.]+) (d|h|min|s)\b", duration(seconds))
    assert " ".join(f"{many} {unit}" for many, unit in parts) == duration(seconds)
    assert 1 <= len(parts) <= 2
    read = sum(float(many) * SECONDS[unit] for many, unit in parts)
    units = list(SECONDS)
    smaller = units[min(units.index(parts[0][1]) + 1, 3)]
    assert -0.5 <= seconds - read <= SECONDS[smaller]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min"), (3_599.7, "1 h"), (90_000, "1 d 1 h")],
)
def test_a_duration_never_has_sixty_of_a_unit(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@given(st.floats(0, 1e15))
def test_a_size_has_at_most_three_digits_of_its_unit(n_bytes: float) -> None:
    many, unit = size(n_bytes).split(" ")
    scale = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
    assert math.isclose(float(many.replace(",", "")) * scale, n_bytes, rel_tol=0.06, abs_tol=0.5)
    assert unit == "TB" or float(many) < 1000


def test_numbers_of_numpy_are_read_as_those_of_python() -> None:
    assert [number(value) for value in (np.int64(1234), np.float32(0.5), np.float64(2.0))] == [
        "1,234",
        "0.5",
        "2",
    ]
    assert [number(value) for value in (float("nan"), None, float("inf"), "text")] == [
        "–",
        "–",
        "inf",
        "text",
    ]


def test_counts_rates_and_lists() -> None:
    assert counted(0, "image") == "0 images"
    assert counted(np.int64(1), "batch") == "1 batch"  # type: ignore[arg-type]
    assert rate(0.04, "image") == "0.0 images/s"
    assert percent(1e-5) == "0.0010 %"
    assert values({"a": 0.12345, "b": {"c": (1, 2)}, "d": []}) == "a 0.123, b (c 1, 2), d "
