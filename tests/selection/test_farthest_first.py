"""`farthest_first` picks what float64 brute force picks, in the same order."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightly_nb.errors import SelectionError
from lightly_nb.selection import farthest_first
from tests.selection.reference import brute_force, tiny_pools


@st.composite
def problems(draw):
    """Vectors with ties, exact and near duplicates, zero vectors, at scales from 1e-6 to 1e6, and rows to
    preselect.
    """
    n, d = draw(st.integers(1, 60)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["gauss", "lattice", "sphere", "clusters", "offset", "same"]))
    x = rng.standard_normal((n, d))
    if kind == "lattice":
        x = rng.integers(-2, 3, size=(n, d)).astype(float)
    elif kind == "sphere":
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    elif kind == "clusters":
        x = rng.standard_normal((3, d))[rng.integers(3, size=n)] + 1e-4 * x
    elif kind == "offset":
        x = 100.0 + 1e-3 * x
    elif kind == "same":
        x = np.zeros((n, d)) + rng.standard_normal(d)
    copies = rng.random(n) < draw(st.sampled_from([0.0, 0.3]))
    x[copies] = x[rng.integers(n, size=int(copies.sum()))]
    near = rng.random(n) < draw(st.sampled_from([0.0, 0.2]))
    x[near] = x[rng.integers(n, size=int(near.sum()))] * (1 + 2e-7)
    x[rng.random(n) < draw(st.sampled_from([0.0, 0.1]))] = 0
    x = (x * 10.0 ** draw(st.integers(-6, 6))).astype(np.float32)
    preselected = rng.permutation(n)[: draw(st.integers(0, min(n - 1, 4)))].tolist()
    return x, preselected, draw(st.integers(1, n - len(preselected)))


@given(problems(), st.booleans())
@settings(max_examples=400, deadline=None)
def test_picks_equal_brute_force(problem, tiny):
    vectors, preselected, k = problem
    vectors.flags.writeable = False
    with tiny_pools(tiny):
        picks = farthest_first(vectors, k, preselected=preselected)
    assert picks.dtype == np.int64
    assert picks.tolist() == brute_force(
        len(vectors), k, vectors=vectors, diversity=1.0, preselected=preselected
    )


@given(problems())
@settings(max_examples=100, deadline=None)
def test_a_tensor_gives_the_picks_of_the_array(problem):
    vectors, preselected, k = problem
    picks = farthest_first(torch.from_numpy(vectors), k, preselected=preselected)
    assert picks.tolist() == farthest_first(vectors, k, preselected=preselected).tolist()


def test_a_tensor_stops_at_the_minimum_distance_as_the_array_does():
    vectors = np.random.default_rng(0).standard_normal((300, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for minimum in (0.1, 0.5, 1.0):
        picks = farthest_first(torch.from_numpy(vectors), 300, start=7, minimum_distance=minimum)
        assert picks.tolist() == farthest_first(vectors, 300, start=7, minimum_distance=minimum).tolist()
        assert picks[0] == 7


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_gives_the_picks_of_the_cpu():
    vectors = np.random.default_rng(0).standard_normal((20_000, 64)).astype(np.float32)
    picks = farthest_first(torch.from_numpy(vectors).cuda(), 1_000)
    assert picks.tolist() == farthest_first(vectors, 1_000).tolist()


def test_start_is_the_first_pick_and_ties_go_to_the_lowest_row():
    square = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
    assert farthest_first(square, 4, start=3).tolist() == [3, 0, 1, 2]


def test_minimum_distance_leaves_no_two_picks_nearer_and_every_other_row_covered():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 4)).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    picks = farthest_first(x, 300, minimum_distance=0.5)
    between = np.linalg.norm(x[picks][:, None] - x[picks][None], axis=2)
    assert len(picks) < 300
    assert between[~np.eye(len(picks), dtype=bool)].min() >= 0.5
    assert np.linalg.norm(x[:, None] - x[picks][None], axis=2).min(axis=1).max() < 0.5


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"k": 0}, "k: 0 rows were asked for; allowed is 1 to 3"),
        ({"k": 4}, "k: 4 rows were asked for; allowed is 1 to 3"),
        ({"k": 1, "start": 7}, "start: got 7; allowed is a row from 0 to 2"),
        ({"k": 1, "preselected": [1, 1]}, "rows must be unique"),
        ({"k": 1, "minimum_distance": 0.1}, "do not have length 1"),
    ],
)
def test_errors_say_what_was_got_and_what_is_allowed(arguments, text):
    with pytest.raises(SelectionError, match=text):
        farthest_first(np.arange(6, dtype=np.float32).reshape(3, 2), **arguments)


def test_nan_is_refused_by_row():
    with pytest.raises(SelectionError, match=r"NaN or infinity in rows \[1\]"):
        farthest_first(np.array([[0.0], [np.nan]], dtype=np.float32), 1)
