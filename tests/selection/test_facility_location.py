"""FACILITY_LOCATION: exact where it says so, near it where there are too many samples."""

from contextlib import contextmanager
from itertools import combinations
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightly_nb.errors import RunCanceled, SelectionError
from lightly_nb.events import silent
from lightly_nb.samples import Samples
from lightly_nb.selection import cells, levels, select
from lightly_nb.selection.strategies import facility_location
from lightly_nb.vectors.cosines import whole_directions
from tests.selection import reference

EMBEDDINGS = {"type": "EMBEDDINGS"}


def entry(kind="FACILITY_LOCATION", **settings_):
    return {"input": EMBEDDINGS, "strategy": {"type": kind, **settings_}}


def mixture(n, d, seed=0, n_groups=12):
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((n_groups, d)) * 1.5
    return (centers[rng.integers(0, n_groups, n)] + rng.standard_normal((n, d))).astype(np.float32)


def samples_of(x, **columns):
    return Samples(
        pd.DataFrame(columns, index=[f"{row:05d}.jpg" for row in range(len(x))]), {"embeddings": x}
    )


def picked(x, n, **options):
    return select(samples_of(x), n, on_event=silent, **options).rows.tolist()


def value(x, rows):
    points = reference.whole_directions(x)
    return np.maximum(points @ points[rows].T, 0).max(axis=1).sum()


@contextmanager
def small_levels(**changed):
    """Let a hundred samples go through all that a million go through."""
    sizes = {"SAMPLED": 40, "PER_PICK": 10, "GROWTH": 3, "CELL": 20, "LARGEST_CELL": 30} | changed
    with (
        patch.multiple(levels, **sizes),
        patch.multiple(cells, STRIP=17, BLOCK=5, DEPTH=1, FEWEST=1),
        patch.multiple(facility_location, EXACT_ROWS=10, JUDGES=30, BOUND_JUDGES=25),
    ):
        yield


# ---- what is picked ----------------------------------------------------------------------------------------


def test_picks_are_those_of_brute_force_in_whole_numbers():
    x = mixture(300, 16)
    assert picked(x, 60) == reference.brute_force(300, 60, vectors=x, facility=1.0)
    assert picked(x, 20, strategies=[entry(strength=-1)]) == reference.brute_force(
        300, 20, vectors=x, facility=-1.0
    )


def test_the_first_pick_stands_for_the_largest_group_and_the_next_ones_for_the_others():
    groups = np.repeat([0, 1, 2], [20, 50, 10])
    x = np.eye(3)[groups] + np.random.default_rng(0).normal(0, 0.05, (80, 3))
    assert groups[picked(x, 3)].tolist() == [1, 0, 2]


def test_the_length_of_a_vector_and_what_points_away_do_not_count():
    x = np.array([[1, 0.1], [9, 0.1], [1, 0.0], [-50, 0], [-1, 0.01]])
    assert picked(x, 2) == picked(x / np.linalg.norm(x, axis=1, keepdims=True), 2)
    assert picked(x, 2)[0] in (0, 1, 2)
    assert picked(x, 2)[1] in (3, 4)


def test_float32_products_of_whole_directions_are_exact_whatever_the_dimension():
    rng = np.random.default_rng(0)
    for d in (1, 2, 33, 1280, 20_000):
        x = rng.standard_normal((30, d)) * 10.0 ** rng.integers(-20, 20, (30, 1))
        x[3] = 1  # the same number everywhere: the most rounding that there can be
        points = whole_directions(x.astype(np.float32))
        assert np.array_equal(points @ points.T, (points.astype(np.int64) @ points.T.astype(np.int64)))
        assert np.linalg.norm(points.astype(float), axis=1).max() <= 4096
        unit = x.astype(np.float32).astype(float)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        off = np.abs(points @ points.T / (4096 - np.sqrt(d) / 2) ** 2 - unit @ unit.T)
        assert off.max() < 1.1 * np.sqrt(d) / 4096 + 1e-6
        assert np.median(off) < 1e-3


def test_with_diversity_at_equal_strengths_picks_are_those_of_brute_force():
    x = mixture(200, 8, seed=2)
    both = picked(x, 50, strategies=[entry(), entry("DIVERSITY")])
    assert both == reference.brute_force(200, 50, vectors=x, facility=1.0, diversity=1.0)


def test_it_honours_minimum_distance_threshold_typicality_and_budgets():
    x = mixture(150, 6, seed=4)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    samples = samples_of(x, value=np.arange(150) % 7 + 0.0)
    far = select(samples, 150, strategies=[entry(stopping_condition_minimum_distance=0.6)], on_event=silent)
    chosen = x[far.rows]
    apart = np.linalg.norm(chosen[:, None] - chosen[None], axis=2)[np.triu_indices(len(chosen), 1)]
    assert "minimum distance" in far.stopped
    assert apart.min() >= 0.6
    assert far.rows.tolist() == reference.brute_force(150, 150, vectors=x, facility=1.0, minimum=0.6)
    source = {"type": "METADATA", "key": "value"}
    above = {"input": source, "strategy": {"type": "THRESHOLD", "threshold": 3, "operation": "BIGGER"}}
    ban = np.flatnonzero(samples.table["value"] <= 3).tolist()
    kept = select(samples, 20, strategies=[entry(), above], on_event=silent)
    assert kept.rows.tolist() == reference.brute_force(150, 20, vectors=x, facility=1.0, ban=ban)
    capped = {
        "input": source,
        "strategy": {"type": "WEIGHTS", "strength": 0, "stopping_condition_max_sum": 30},
    }
    few = select(samples, 100, strategies=[entry(), capped], on_event=silent)
    assert few.rows.tolist() == picked(x, len(few))
    assert samples.table["value"].iloc[few.rows].sum() <= 30
    typical = select(samples, 10, strategies=[entry(), entry("TYPICALITY", strength=0.5)], on_event=silent)
    assert len(typical) == 10


def test_the_share_of_the_optimum_is_proven():
    x = mixture(12, 3, seed=1)
    for n in (1, 2, 3, 4):
        got = select(samples_of(x), n, on_event=silent).strategies[0]["got"]
        best = max(value(x, list(rows)) for rows in combinations(range(12), n))
        reached = value(x, picked(x, n))
        assert got["proven_share_of_optimum"] <= reached / best <= 1
        assert got["mean_similarity"] == pytest.approx(reached / 12 / (4096 - np.sqrt(3) / 2) ** 2)


def test_a_pick_says_for_how_many_it_stands():
    groups = np.repeat([0, 1], [20, 5])
    x = np.eye(2)[groups] + np.random.default_rng(0).normal(0, 0.03, (25, 2))
    selection = select(samples_of(x), 2, on_event=silent)
    large, small = selection.filenames
    assert "stands for 20 samples: itself and 19 samples that were left out" in selection.explain(large)
    assert "stands for 5 samples: itself and 4 samples that were left out" in selection.explain(small)
    alone = select(samples_of(x[[0, 24]]), 2, on_event=silent)
    assert "It stands for itself alone" in alone.explain(alone.filenames[1])
    left_out = next(name for name in samples_of(x).filenames if name not in selection.filenames)
    assert "stands for" not in selection.explain(left_out)
    assert "Before it was picked, no selected sample was as near to 25 samples." in selection.explain(large)
    assert "as near to 5 samples." in selection.explain(small)
    loaded = type(selection).from_dict(selection.to_dict())
    assert loaded.explain(small) == selection.explain(small)


@given(st.integers(0, 2**16), st.integers(1, 30), st.integers(0, 3))
def test_a_pick_serves_those_that_no_earlier_one_is_as_near_to(seed, n, n_preselected):
    x = np.random.default_rng(seed).integers(-3, 4, (33, 3)).astype(np.float32)  # equal samples among them
    samples = samples_of(x)
    before = samples.filenames[:n_preselected]
    table = select(samples, n, preselected=before, on_event=silent).table()
    apart = np.linalg.norm(x[:, None] - x[None], axis=2)
    picked = table["step"].dropna().sort_values().index
    chosen = [samples.filenames.index(name) for name in [*before, *picked]]
    for step, name in enumerate(picked, start=n_preselected):
        nearest_before = apart[:, chosen[:step]].min(axis=1, initial=np.inf)
        assert table["served"][name] == (apart[:, chosen[step]] < nearest_before - 1e-3).sum()
    assert table["served"].notna().sum() == n


# ---- many samples ------------------------------------------------------------------------------------------


@st.composite
def many(draw):
    n = draw(st.integers(60, 150))
    x = mixture(n, draw(st.integers(2, 6)), draw(st.integers(0, 10_000)), n_groups=4)
    rng = np.random.default_rng(n)
    x[rng.random(n) < draw(st.sampled_from([0.0, 0.3, 0.9]))] = x[0]
    named = rng.permutation(n)[: draw(st.integers(0, 12))]
    groups = rng.integers(0, 3, len(named))
    rows = {name: named[groups == at].tolist() for at, name in enumerate(("preselected", "lock", "ban"))}
    n_free = n - len(rows["preselected"]) - len(rows["ban"])
    return x, rows, draw(st.integers(max(1, len(rows["lock"])), n_free))


@given(many(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_across_the_levels_the_first_picks_are_the_picks_of_fewer_in_any_row_order(problem, random):
    x, rows, k = problem
    names = {name: [f"{row:05d}.jpg" for row in group] for name, group in rows.items()}
    samples = samples_of(x)
    with small_levels():
        whole = select(
            samples, len(x) - len(rows["preselected"]) - len(rows["ban"]), on_event=silent, **names
        )
        shuffled = samples.take(np.array(random.sample(range(len(x)), len(x))))
        fewer = select(shuffled, k, on_event=silent, **names)
        more = fewer.resized(len(whole), on_event=silent)
    assert whole.filenames[:k] == fewer.filenames
    assert more.filenames == whole.filenames
    assert len(set(whole.filenames)) == len(whole)
    assert not set(whole.filenames) & {*names["ban"], *names["preselected"]}
    assert whole.filenames[: len(names["lock"])] == sorted(names["lock"])


def test_one_cell_and_a_sample_of_everything_are_greedy_itself():
    x = mixture(100, 5, seed=7)
    with small_levels(SAMPLED=100, PER_PICK=4, CELL=100, LARGEST_CELL=100):
        assert picked(x, 90) == reference.brute_force(100, 90, vectors=x, facility=1.0)


def test_many_samples_are_covered_nearly_as_well_as_by_greedy_and_that_is_told():
    x = mixture(2500, 24, seed=3, n_groups=40)
    samples = samples_of(x)
    heard = []
    exact = select(samples, 200, on_event=silent).rows
    sizes = {"SAMPLED": 1000, "PER_PICK": 50, "GROWTH": 8, "CELL": 400, "LARGEST_CELL": 700}
    with patch.multiple(levels, **sizes), patch.multiple(facility_location, EXACT_ROWS=2000):
        near = select(samples, 200, on_event=heard.append)
    for k in (5, 20, 60, 200):
        assert value(x, near.rows[:k]) >= 0.94 * value(x, exact[:k])
    got, note = near.strategies[0]["got"], near.strategies[0]["note"]
    assert 0.5 < got["estimated_share_of_optimum"] < 1
    assert got["mean_similarity"] == pytest.approx(value(x, near.rows) / 2500 / 4093.5**2, abs=1e-2)
    assert "approximately" in note
    assert any("approximately" in event.get("message", "") for event in heard)


def test_beside_other_strategies_many_samples_are_judged_by_some():
    x = mixture(150, 5, seed=9)
    with small_levels():
        both = picked(x, 30, strategies=[entry(), entry("DIVERSITY")])
        assert both[:10] == picked(x, 10, strategies=[entry("DIVERSITY"), entry()])
        assert len(picked(x / 10, 5, strategies=[entry(strength=-1)])) == 5
    assert value(x, both) >= 0.9 * value(x, picked(x, 30, strategies=[entry(), entry("DIVERSITY")]))


def test_a_run_among_many_samples_can_be_canceled():
    def stop(event):
        if event.get("done"):
            raise RunCanceled("enough")

    samples = samples_of(mixture(150, 4))
    with small_levels():
        with pytest.raises(RunCanceled) as caught:
            select(samples, 100, on_event=stop)
        got = caught.value.selection.filenames
        assert 0 < len(got) <= 100
        assert got == select(samples, len(got), on_event=silent).filenames


# ---- odd input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("many_samples", [False, True])
@pytest.mark.parametrize(
    "x",
    [
        np.ones((120, 4)),
        np.zeros((120, 4)),
        np.linspace(-1, 1, 120)[:, None],
        np.vstack([np.zeros((60, 3)), np.eye(3)[np.arange(60) % 3]]),
        np.full((120, 4), 1e-38),
        np.full((120, 4), 3e38),
    ],
    ids=["identical", "zeros", "one number each", "half zeros", "tiny", "huge"],
)
def test_odd_embeddings_are_selected_from_in_full(x, many_samples):
    with small_levels(), patch.multiple(facility_location, EXACT_ROWS=10 if many_samples else 1000):
        selection = select(samples_of(x), 120, on_event=silent)
    assert sorted(selection.rows) == list(range(120))
    assert np.isfinite(list(selection.strategies[0]["got"].values())).all()
    assert selection.table()["step"].notna().all()
    if not many_samples:
        assert selection.rows[:9].tolist() == reference.brute_force(120, 9, vectors=x, facility=1.0)
    if not x.any():
        assert selection.strategies[0]["got"]["mean_similarity"] == 0


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_named(wrong):
    x = mixture(20, 3)
    x[7, 1] = wrong
    with pytest.raises(
        SelectionError, match=r"FACILITY_LOCATION EMBEDDINGS: NaN or infinity for \['00007.jpg'"
    ):
        picked(x, 3)


def test_more_picks_than_samples_are_refused_and_as_many_are_all():
    with pytest.raises(SelectionError, match="21 samples were asked for but only 20 can be selected"):
        picked(mixture(20, 3), 21)
    assert sorted(picked(mixture(20, 3), 20)) == list(range(20))
    assert picked(np.ones((1, 2)), 1) == [0]
