"""TYPICALITY and SIMILARITY rest on neighbour distances that equal float64 brute force; threads change
nothing.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from lightly_nb.selection import farthest_first
from lightly_nb.selection.strategies.similarity import query_distances
from lightly_nb.selection.strategies.typicality import typicality
from lightly_nb.vectors.neighbors import nearest, neighbors


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
    between, everything = np.sqrt(all_distances(x, x)), np.arange(len(x))
    np.fill_diagonal(between, np.inf)
    rows, found = neighbors(x, everything, everything, k, certain=True)
    assert (found == np.sort(between, axis=1)[:, :k]).all()
    assert (np.take_along_axis(between, rows, axis=1) == found).all()
    assert (query_distances(x, query) == np.sqrt(all_distances(x, query).min(axis=1))).all()


def test_nearest_is_the_brute_force_nearest_for_any_chunking():
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(1500, 5)).astype(np.float32)
    vectors.flags.writeable = False
    queries, base = np.arange(0, 1500, 7), np.arange(0, 1500, 2)
    matrix = np.sqrt(all_distances(vectors[queries], vectors[base]))
    matrix[queries[:, None] == base[None]] = np.inf
    for memory in (1e9, 1):
        rows, distances = nearest(vectors, queries, base, memory=memory)
        np.testing.assert_allclose(distances, matrix.min(axis=1), rtol=1e-12)
        assert (rows == base[matrix.argmin(axis=1)]).all()


def test_a_twin_is_at_distance_zero_and_nothing_is_its_own_neighbor():
    vectors = np.array([[0.1, 0.2], [0.1, 0.2], [3, 3]], dtype=np.float32)
    rows, distances = nearest(vectors, np.arange(3), np.arange(3))
    assert rows[:2].tolist() == [1, 0]
    assert distances[:2].tolist() == [0.0, 0.0]
    rows, distances = nearest(vectors, np.array([2]), np.array([2]))
    assert rows.tolist() == [-1]
    assert np.isnan(distances).all()


def test_several_neighbors_are_those_of_brute_force_for_any_chunking():
    vectors = np.random.default_rng(4).normal(size=(1300, 4)).astype(np.float32)
    vectors.flags.writeable = False
    queries = np.arange(5, 1300, 3)
    matrix = np.sqrt(all_distances(vectors[queries], vectors))
    matrix[np.arange(len(queries)), queries] = np.inf
    for memory in (1e9, 1):
        rows, distances = neighbors(vectors, queries, np.arange(1300), 7, memory=memory)
        assert (rows == np.argsort(matrix, axis=1)[:, :7]).all()
        np.testing.assert_allclose(distances, np.sort(matrix, axis=1)[:, :7], rtol=1e-12)


def test_where_there_are_too_few_neighbors_the_rest_is_said_to_be_none():
    vectors = np.array([[0.0], [1.0], [3.0]], dtype=np.float32)
    rows, distances = neighbors(vectors, np.arange(3), np.array([0, 2]), 2, certain=True)
    assert rows.tolist() == [[2, -1], [0, 2], [0, -1]]
    np.testing.assert_array_equal(distances, [[3, np.nan], [1, 2], [3, np.nan]])


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
