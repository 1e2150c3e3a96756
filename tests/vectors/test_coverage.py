"""Coverage beside random draws: exact, and the same number wherever a person meets it."""

from __future__ import annotations

import numpy as np
import pytest

import lightly_nb as lnb
from lightly_nb.events import silent
from lightly_nb.report.sections.baseline import baseline_section
from lightly_nb.selection import select
from lightly_nb.vectors.coverage import coverage, random_coverage, random_draws, sizes_to
from tests.widgets.drawn import drawn_samples


@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_coverage_is_that_of_brute_force_at_every_size(offset: float):
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(700, 6)) + offset).astype(np.float32)
    vectors[10:20] = vectors[3]
    vectors.flags.writeable = False
    before, rows = np.array([3, 8]), rng.permutation(np.arange(20, 700))[:600]
    sizes, judges = np.array([1, 2, 5, 300, 600]), np.arange(0, 700, 3)
    found = coverage(vectors, before, rows, sizes, judges=judges)
    wide = vectors.astype(np.float64)
    for number, size in enumerate(sizes):
        selected = wide[[*before, *rows[:size]]]
        distances = np.sqrt(((wide[judges][:, None] - selected) ** 2).sum(axis=2)).min(axis=1)
        expected = [distances.max(), distances.mean(), np.quantile(distances, 0.95)]
        np.testing.assert_allclose(found[:, number], expected, rtol=1e-6)


def test_everything_selected_is_at_distance_zero_exactly():
    vectors = (np.random.default_rng(1).normal(size=(40, 5)) * 1e-3 + 100).astype(np.float32)
    nothing = np.zeros(0, dtype=np.int64)
    assert not coverage(vectors, nothing, np.arange(40), np.array([1, 40]))[:, 1].any()


def test_with_many_samples_evenly_spaced_ones_are_asked():
    vectors = np.random.default_rng(2).normal(size=(9000, 2)).astype(np.float32)
    arguments = vectors, np.array([5]), np.arange(10, 40), np.array([7, 30])
    evenly = np.linspace(0, 8999, 4000).astype(np.int64)
    np.testing.assert_array_equal(coverage(*arguments), coverage(*arguments, judges=evenly))


def test_a_draw_of_fewer_is_the_beginning_of_one_of_more_without_the_preselected():
    few, many = (random_draws(50, np.array([7, 9]), n, seed=4) for n in (5, 48))
    assert [draw.tolist() for draw in few] == [draw[:5].tolist() for draw in many]
    assert all(sorted(draw) == sorted({*range(50)} - {7, 9}) for draw in many)
    assert len({tuple(draw) for draw in many}) == 20
    assert random_draws(50, np.array([7, 9]), 5, seed=5)[0].tolist() != few[0].tolist()


def test_a_tick_can_stop_it():
    def stop() -> None:
        raise KeyboardInterrupt

    vectors = np.zeros((10, 2), dtype=np.float32)
    with pytest.raises(KeyboardInterrupt):
        coverage(vectors, np.array([0]), np.arange(1, 5), np.array([4]), tick=stop)


@pytest.mark.parametrize("seed", [0, 3])
def test_curve_panel_and_report_say_the_same_of_random_selections(seed: int):
    samples, n = drawn_samples(120), 12
    before = samples.filenames[:2]
    picks = select(samples, n, preselected=before, seed=seed, on_event=silent)
    curve = picks.curve().loc[n]
    panel = lnb.how_many(samples, picks, seed=seed)
    assert panel.wait(60)
    report = baseline_section(samples, picks, {"options": {"seed": seed}})
    measures = {entry["name"]: entry for entry in report["measures"]}
    for column, measure, name in (
        ("coverage max", "largest distance", "coverage_max"),
        ("coverage mean", "mean distance", "coverage_mean"),
    ):
        panel.measure = measure
        shown, found = panel.curve, measures[name]
        at = int(np.flatnonzero(shown.random_sizes == n)[0])
        of_panel = [shown.at(n), shown.low[at], shown.median[at], shown.high[at]]
        of_report = [found[key] for key in ("selection", "p5", "median", "p95")]
        of_curve = [curve[f"{column}{end}"] for end in ("", " random low", " random", " random high")]
        np.testing.assert_allclose(of_panel, of_report, rtol=1e-9)
        np.testing.assert_allclose(of_curve, of_report, rtol=1e-9)
    panel.close()


def test_random_draws_of_everything_reach_distance_zero():
    vectors = np.eye(6, dtype=np.float32)
    sizes, quantiles = random_coverage(vectors, np.zeros(0, dtype=np.int64), 3)
    assert sizes[-1] == 6
    np.testing.assert_allclose(quantiles[:, :, -1], 0, atol=1e-3)


def test_sizes_are_ascending_and_end_at_n():
    for n in (1, 2, 40, 41, 1000, 12345):
        sizes = sizes_to(n)
        assert sizes[0] == 1
        assert sizes[-1] == n
        assert (np.diff(sizes) > 0).all()
        assert len(sizes) <= 80
