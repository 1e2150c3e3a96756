"""TYPICALITY and SIMILARITY rest on neighbour distances that equal float64 brute force; threads change
nothing.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from lightly_nb.selection import farthest_first
from lightly_nb.selection.neighbors import nearest_distances, neighbor_distances
from lightly_nb.selection.strategies.typicality import typicality


@st.composite
def clouds(draw):
    """Two clouds with exact and near duplicates, far from the origin or not, at scales from 1e-6 to 1e6."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m, d = draw(st.integers(2, 60)), draw(st.integers(1, 20)), draw(st.integers(1, 6))
    scale, offset = 10.0 ** draw(st.integers(-6, 6)), draw(st.sampled_from([0.0, 100.0]))
    x = rng.standard_normal((n + m, d)) + offset
    x[rng.random(n + m) < 0.3] = x[0]
    near = rng.random(n + m) < 0.2
    x[near] = x[-1] * (1 + 1e-6)
    x = (x * scale).astype(np.float32)
    return x[:n], x[n:], draw(st.integers(1, n - 1))


def all_distances(x, y):
    return ((x.astype(np.float64)[:, None] - y.astype(np.float64)[None]) ** 2).sum(axis=2)


@given(clouds())
@settings(max_examples=200, deadline=None)
def test_neighbor_distances_equal_brute_force(problem):
    x, query, k = problem
    between = all_distances(x, x)
    np.fill_diagonal(between, np.inf)
    assert (neighbor_distances(x, k) == np.sort(between, axis=1)[:, :k]).all()
    assert (nearest_distances(x, query) == all_distances(x, query).min(axis=1)).all()


def test_typicality_follows_its_formula_in_both_forms():
    x = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    distances = np.sqrt(np.sort(all_distances(x, x), axis=1)[:, 1:6])
    np.testing.assert_allclose(
        typicality(x, 5), np.exp(-distances / distances.mean()).mean(axis=1), rtol=1e-12
    )
    np.testing.assert_allclose(
        typicality(x, 5, "INVERSE_MEAN_DISTANCE"), 1 / distances.mean(axis=1), rtol=1e-12
    )


@pytest.mark.parametrize("kind", ["mixture", "sphere"])
def test_one_and_two_threads_pick_the_same(kind, monkeypatch):
    monkeypatch.setattr("lightly_nb.vectors.threads.SMALL", 0)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((6000, 32)).astype(np.float32)
    if kind == "mixture":
        x += 2 * rng.standard_normal((20, 32)).astype(np.float32)[rng.integers(20, size=6000)]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    with threadpool_limits(1):
        one = farthest_first(x, 1500)
    with threadpool_limits(2):
        two = farthest_first(x, 1500)
    assert one.tolist() == two.tolist()


@pytest.mark.slow
def test_thousands_of_picks_equal_brute_force():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((20_000, 64)).astype(np.float32)
    x += 1.5 * rng.standard_normal((50, 64)).astype(np.float32)[rng.integers(50, size=20_000)]
    picks = farthest_first(x, 3000, start=0)
    wide, nearest, row = x.astype(np.float64), np.full(len(x), np.inf), 0
    for pick in picks:
        assert pick == row
        np.minimum(nearest, ((wide - wide[row]) ** 2).sum(axis=1), out=nearest)
        row = int(np.argmax(nearest))
