"""Reciprocal ranks and neighbours' labels against plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightly_nb.vectors.retrieval import centered, neighbor_accuracy, reciprocal_ranks, spread


def unit(vectors: np.ndarray) -> np.ndarray:
    shifted = vectors - vectors.mean(axis=0)
    return shifted / np.linalg.norm(shifted, axis=1, keepdims=True)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), drawn=st.integers(2, 6))
def test_the_mean_over_draws_is_that_of_all_draws(seed: int, drawn: int) -> None:
    rng = np.random.default_rng(seed)
    candidates = rng.normal(size=(6, 3))
    queries = candidates + 0.8 * rng.normal(size=(6, 3))
    found = reciprocal_ranks(queries, candidates, np.arange(6), drawn)
    cosines = unit(queries) @ unit(candidates).T
    for query in range(6):
        others = [row for row in range(6) if row != query]
        each = [
            1 / (1 + sum(cosines[query, row] >= cosines[query, query] for row in some))
            for some in itertools.combinations(others, drawn - 1)
        ]
        assert found[query] == pytest.approx(np.mean(each))


def test_ties_count_against() -> None:
    rng = np.random.default_rng(0)
    same = np.tile(rng.normal(size=8).astype(np.float32), (40, 1))
    assert reciprocal_ranks(same, same, np.arange(40), 40).tolist() == [1 / 40] * 40
    assert reciprocal_ranks(np.zeros((40, 8)), np.zeros((40, 8)), np.arange(40), 20).max() < 0.1
    half = np.repeat(rng.normal(size=(20, 8)), 2, axis=0)
    assert reciprocal_ranks(half, half, np.arange(40), 40).tolist() == [0.5] * 40


def test_noise_finds_as_chance_does_and_a_million_draws_are_finite() -> None:
    rng = np.random.default_rng(0)
    noise = reciprocal_ranks(
        rng.normal(size=(500, 16)), rng.normal(size=(500, 16)), np.arange(500), 50
    ).mean()
    assert noise == pytest.approx((1 / np.arange(1, 51)).mean(), rel=0.15)


def test_neighbours_vote() -> None:
    rng = np.random.default_rng(1)
    codes = np.repeat(np.arange(3), 20)
    vectors = 3 * np.eye(3)[codes] + rng.normal(size=(60, 3))
    cosines = unit(vectors) @ unit(vectors).T
    np.fill_diagonal(cosines, -2)
    right = 0
    for row in range(60):
        nearest = codes[np.argsort(-cosines[row])[:5]]
        counts = np.bincount(nearest, minlength=3)
        best = {code for code in range(3) if counts[code] == counts.max()}
        right += next(code for code in nearest if code in best) == codes[row]
    assert neighbor_accuracy(vectors, codes) == pytest.approx(right / 60)
    assert neighbor_accuracy(rng.normal(size=(300, 8)), rng.integers(0, 2, 300)) < 0.6


def test_the_spread_is_0_to_1_and_the_middle_has_no_direction() -> None:
    assert spread(np.ones((5, 3), np.float32)) == pytest.approx(0)
    assert spread(np.zeros((5, 3))) == 0
    assert spread(np.random.default_rng(0).normal(size=(5000, 32))) == pytest.approx(1, abs=0.02)
    assert np.isnan(spread(np.array([[np.nan, 1.0], [0.0, 1.0]])))
    assert not centered(np.full((4, 3), 0.1, np.float32)).any()
