"""Every number of the report against a plain computation of the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightly_nb.errors import InputError, RunCanceled
from lightly_nb.report import PRICES, SECTIONS, report_facts
from lightly_nb.report.histograms import coarse, distance_bound, pair_counts
from lightly_nb.report.sections.baseline import baseline_section
from lightly_nb.report.sections.coverage import coverage_section, percentiles
from lightly_nb.report.sections.dataset import dataset_section
from lightly_nb.report.sections.distances import distances_section
from lightly_nb.report.sections.maps import maps_section
from lightly_nb.report.sections.savings import savings_section
from lightly_nb.report.sections.training import AT_CHANCE_WITHIN, COLLAPSED_BELOW, training_section
from lightly_nb.samples.selected import optimizers
from tests.report.made_up import farthest, made_up_samples, selection_of, trained_job


def all_distances(vectors: np.ndarray) -> np.ndarray:
    """Return the matrix of distances by direct differences in float64."""
    points = vectors.astype(np.float64)
    return np.sqrt(np.square(points[:, None] - points[None]).sum(axis=2))


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(0, 60),
    d=st.integers(1, 4),
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
    seed=st.integers(0, 99),
)
def test_pair_counts_are_those_of_all_pairs(n: int, d: int, scale: float, seed: int) -> None:
    vectors = (scale * np.random.default_rng(seed).normal(size=(n, d))).astype(np.float32)
    rows = np.arange(n)
    expected = all_distances(vectors)[np.triu_indices(n, 1)]
    bound = distance_bound(vectors, rows) if n else 0.0
    counts, numbers = pair_counts(vectors, rows, bound)
    assert numbers["n_pairs"] == counts.sum() == len(expected)
    histogram = coarse(counts, bound, numbers["max"] or 0.0)
    assert sum(histogram["counts"]) == len(expected)
    if len(expected):
        np.testing.assert_allclose(numbers["mean"], expected.mean(), rtol=1e-6)
        np.testing.assert_allclose(numbers["std"], expected.std(), rtol=1e-5, atol=1e-6 * scale)
        np.testing.assert_allclose(numbers["max"], expected.max(), rtol=1e-6)
        assert abs(numbers["median"] - np.median(expected)) <= np.ptp(expected) / 2 + bound / 1000
        nearby = np.searchsorted(np.sort(expected), [e + 1e-6 * bound for e in histogram["edges"][1:]])
        assert (np.cumsum(histogram["counts"]) <= nearby).all()


def test_skewness_tells_a_tail_to_the_left_from_one_to_the_right() -> None:
    line = np.concatenate([np.zeros(40), [9.0]]).reshape(-1, 1).astype(np.float32)
    _, numbers = pair_counts(line + np.linspace(0, 0.1, 41, dtype=np.float32)[:, None], np.arange(41), 20.0)
    assert numbers["skewness"] > 1


def test_distances_section_agrees_with_brute_force() -> None:
    samples = made_up_samples(150)
    selection = farthest(samples, 20)
    found = distances_section(samples, selection, {})
    matrix = all_distances(samples.embeddings)
    np.fill_diagonal(matrix, np.inf)
    inside = matrix[np.ix_(np.sort(selection.rows), np.sort(selection.rows))]
    for which, expected in (("before", matrix), ("after", inside)):
        neighbors, pairwise = found["nearest_neighbor"][which], found["pairwise"][which]
        np.testing.assert_allclose(neighbors["median"], np.median(expected.min(axis=1)), rtol=1e-6)
        np.testing.assert_allclose(neighbors["min"], expected.min(), rtol=1e-6)
        pairs = expected[np.triu_indices(len(expected), 1)]
        np.testing.assert_allclose(pairwise["mean"], pairs.mean(), rtol=1e-6)
        assert pairwise["exact"]
        assert neighbors["exact"]
        assert pairwise["n_pairs"] == len(pairs)
    assert (
        found["pairwise"]["before"]["histogram"]["edges"] == found["pairwise"]["after"]["histogram"]["edges"]
    )
    assert found["unit"] == "Euclidean distance of unit-length embeddings"


def test_above_the_limits_numbers_come_from_a_seeded_draw_that_is_stated() -> None:
    samples = made_up_samples(400)
    selection = farthest(samples, 30)
    options = {
        "most_pairwise_samples": 100,
        "neighbor_budget": 50 * 400 * 8,
        "coverage_budget": 60 * 30 * 8,
        "baseline_budget": 2 * 21 * 30 * 8 * 120,
    }
    first, second = (
        {
            name: SECTIONS[name](samples, selection, {"options": options})
            for name in ("distances", "coverage", "baseline")
        }
        for _ in range(2)
    )
    assert first["distances"] == second["distances"]
    pairwise = first["distances"]["pairwise"]["before"]
    assert (pairwise["exact"], pairwise["n_samples"], pairwise["n_pairs"]) == (False, 100, 4950)
    assert (first["coverage"]["exact"], first["coverage"]["n_total"]) == (False, 400)
    assert first["distances"]["nearest_neighbor"]["before"]["n_samples"] == 50
    assert (first["baseline"]["exact"], first["baseline"]["n_asked"]) == (False, 120)
    whole = SECTIONS["coverage"](samples, selection, {})
    assert abs(first["coverage"]["mean"] - whole["mean"]) < 0.1 * whole["mean"]
    other = SECTIONS["distances"](samples, selection, {"options": {**options, "seed": 1}})
    assert other["pairwise"]["before"]["mean"] != pairwise["mean"]


def test_coverage_is_the_distance_to_the_nearest_selected() -> None:
    samples = made_up_samples(120)
    selection = farthest(samples, 9, preselected=[3, 50])
    found = coverage_section(samples, selection, {})
    selected = [3, 50, *selection.rows]
    expected = all_distances(samples.embeddings)[:, selected].min(axis=1)
    for key, value in (("mean", expected.mean()), ("max", expected.max()), ("median", np.median(expected))):
        np.testing.assert_allclose(found[key], value, rtol=1e-6)
    assert found["removed"]["count"] == 120 - 11
    assert sum(found["histogram"]["counts"]) == found["n_samples"] == 120


def test_pairs_are_removed_images_with_their_nearest_selected_at_the_percentiles() -> None:
    samples = made_up_samples(120)
    selection = farthest(samples, 10)
    pairs = coverage_section(samples, selection, {})["pairs"]
    assert [pair["percentile"] for pair in pairs] == [0, 11, 22, 33, 44, 55]
    matrix = all_distances(samples.embeddings)[:, selection.rows]
    removed = np.delete(matrix.min(axis=1), selection.rows)
    for pair in pairs:
        row = samples.filenames.index(pair["removed"])
        assert row not in selection.rows
        assert pair["selected"] == selection.filenames[int(matrix[row].argmin())]
        np.testing.assert_allclose(pair["distance"], matrix[row].min(), rtol=1e-6)
        rank = (removed < pair["distance"] - 1e-9).mean()
        assert abs(100 * rank - pair["percentile"]) < 2
        assert bytes(pair["removed_picture"][:2]) == b"\xff\xd8"


@pytest.mark.parametrize("n", [0, 1, 6, 10, 11, 40, 500])
def test_percentiles_stay_between_0_and_100(n: int) -> None:
    found = percentiles(n)
    assert found == sorted(set(found))
    assert all(0 <= percentile <= 100 for percentile in found)
    assert len(found) == min(n, 101)


def test_baseline_compares_the_same_numbers_of_the_selection_and_of_the_draws() -> None:
    samples = made_up_samples(200)
    selection = farthest(samples, 20)
    found = baseline_section(samples, selection, {})
    assert found["n_draws"] == 20
    measures = {entry["name"]: entry for entry in found["measures"]}
    matrix = all_distances(samples.embeddings)
    covered = matrix[:, selection.rows].min(axis=1)
    np.testing.assert_allclose(measures["coverage_mean"]["selection"], covered.mean(), rtol=1e-6)
    np.testing.assert_allclose(measures["coverage_max"]["selection"], covered.max(), rtol=1e-6)
    inside = matrix[np.ix_(selection.rows, selection.rows)] + np.diag([np.inf] * 20)
    np.testing.assert_allclose(measures["neighbor_min"]["selection"], inside.min(), rtol=1e-6)
    for entry in found["measures"]:
        assert len(entry["random"]) == 20
        assert entry["median"] == pytest.approx(np.median(entry["random"]))
        assert entry["p5"] <= entry["median"] <= entry["p95"]
    assert measures["coverage_max"]["verdict"] == "better"
    assert measures["coverage_max"]["n_beaten"] == 20


def test_the_finding_counts_measures_that_no_strategy_optimises_and_others_are_marked() -> None:
    samples = made_up_samples(200)
    selection = farthest(samples, 20)
    found = baseline_section(samples, selection, {})
    by = {entry["name"]: entry["optimized_by"] for entry in found["measures"]}
    label = selection.strategies[0]["label"]
    assert (by["coverage_max"], by["neighbor_min"], by["coverage_mean"]) == ([label], [label], [])
    judging = [
        entry["verdict"]
        for entry in found["measures"]
        if not entry["optimized_by"] and not entry["name"].startswith("neighbor")
    ]
    assert f"{len(judging)} measures that no strategy optimises" in found["finding"]
    assert str(judging.count("better")) in found["finding"] or "better" not in judging
    assert [entry["name"] for entry in found["measures"]][-1] != "coverage_mean", (
        "those that judge come first"
    )
    entry = {**selection.strategies[0], "strategy": {"type": "FACILITY_LOCATION"}}
    assert optimizers([entry], "coverage_mean") == [label]
    assert optimizers([entry], "coverage_max") == []
    assert optimizers([{**entry, "strength": 0}], "coverage_mean") == []
    assert optimizers([{**entry, "strategy": {"type": "MINE"}}], "coverage_mean") == [label]
    even = {"label": "B", "input": {"type": "METADATA", "key": "weather"}, "strategy": {"type": "BALANCE"}}
    assert optimizers([even], "balance.weather") == optimizers([even], "categories.weather") == ["B"]
    assert optimizers([even], "balance.sub-folder") == optimizers([even], "coverage_mean") == []


def test_a_random_selection_is_not_better_than_random() -> None:
    samples = made_up_samples(300)
    verdicts = []
    for seed in range(12):
        rows = np.random.default_rng([seed, 77]).choice(300, 30, replace=False)
        job = {"options": {"seed": seed}}
        found = baseline_section(samples, selection_of(samples, rows.tolist()), job)
        verdicts += [entry["verdict"] for entry in found["measures"][:5]]
    assert verdicts.count("as random") >= 0.8 * len(verdicts)


def test_a_bad_selection_is_said_to_be_worse() -> None:
    samples = made_up_samples(200)
    first = samples.embeddings[0].astype(float)
    crowd = np.argsort(np.square(samples.embeddings - first).sum(axis=1))[:20]
    found = baseline_section(samples, selection_of(samples, crowd.tolist()), {})
    verdicts = {entry["name"]: entry["verdict"] for entry in found["measures"]}
    assert verdicts["coverage_mean"] == "worse"
    assert verdicts["neighbor_mean"] == "worse"
    assert "worse on" in found["finding"] or "No better" in found["finding"]


def test_draws_leave_preselected_samples_out_and_count_them() -> None:
    samples = made_up_samples(60)
    selection = farthest(samples, 55, preselected=[0, 1])
    assert baseline_section(samples, selection, {})["measures"][0]["median"] is not None
    everything = farthest(samples, 58, preselected=[0, 1])
    assert "everything" in baseline_section(samples, everything, {})["skipped"]


def test_dataset_section_counts_sub_folders_categories_and_classes() -> None:
    samples = made_up_samples(100)
    selection = farthest(samples, 10)
    found = dataset_section(samples, selection, {})
    folders = [name.split("/")[0] for name in samples.filenames]
    entry = next(item for item in found["categories"] if item["name"] == "sub-folder")
    for value in entry["values"]:
        assert value["before"] == folders.count(value["value"])
        assert value["after"] == [folders[row] for row in selection.rows].count(value["value"])
    assert sum(value["share_before"] for value in entry["values"]) == pytest.approx(1)
    classes = found["classes"][0]
    assert (classes["name"], classes["values"][0]["value"]) == ("animals", "cat")
    total = samples.arrays["class_distribution.animals"].sum(axis=0)
    assert {v["value"]: v["before"] for v in classes["values"]}["Pferd"] == pytest.approx(total[2])
    names = [entry["name"] for entry in found["metadata"]]
    assert names == ["lightly.sharpness", "lightly.width"]
    sharpness = found["metadata"][0]
    values = samples.table["lightly.sharpness"]
    assert sharpness["before"]["median"] == pytest.approx(values.median())
    assert sharpness["after"]["mean"] == pytest.approx(values.iloc[selection.rows].mean())
    assert sum(sharpness["before"]["histogram"]["counts"]) == 100


def test_savings_follow_the_unit_prices_and_name_their_sources() -> None:
    samples = made_up_samples(100)
    prices = {"label_price": 0.5, "objects_per_image": {"value": 2, "source": "our own data"}}
    found = savings_section(samples, farthest(samples, 10), {"options": {"prices": prices}})
    assert found["labelling"]["saved"] == pytest.approx(90 * 0.5 * 2)
    assert found["labelling"]["all"] == pytest.approx(
        found["labelling"]["selected"] + found["labelling"]["saved"]
    )
    known = {entry["name"]: entry for entry in found["prices"]}
    assert known["objects_per_image"]["source"] == "our own data"
    value = {name: entry["value"] for name, entry in PRICES.items()}
    hours = 90 * value["training_epochs"] / value["images_per_second"] / 3600
    energy = hours * value["gpu_power"] * value["power_usage_effectiveness"]
    assert found["training_energy_wh"]["saved"] == pytest.approx(energy)
    assert found["co2_g"]["saved"] == pytest.approx(energy * value["carbon_intensity"] / 1000)
    assert all(entry["source"] and entry["unit"] for entry in found["prices"])


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ({"price": 1}, "prices has no 'price'; known are label_price"),
        ({"label_price": -1}, r"prices\['label_price'\] is -1; give a number of at least 0"),
        ({"images_per_second": 0}, r"prices\['images_per_second'\] is 0"),
        ({"label_price": "cheap"}, r"prices\['label_price'\] is 'cheap'"),
        ({"label_price": float("nan")}, "is nan"),
    ],
)
def test_prices_that_mean_nothing_are_refused(prices: dict[str, Any], message: str) -> None:
    samples = made_up_samples(10)
    with pytest.raises(InputError, match=message):
        savings_section(samples, farthest(samples, 2), {"options": {"prices": prices}})


def test_training_reads_the_events_and_tells_a_collapse() -> None:
    samples = made_up_samples(5)
    selection = farthest(samples, 2)
    found = training_section(samples, selection, trained_job(3))
    assert [entry["loss"] for entry in found["epochs"]] == [3.0, 1.5, 1.0]
    assert (found["n_epochs"], found["collapsed"], len(found["steps"])) == (3, False, 3)
    assert found["finding"] == (
        "Loss fell from 3 to 1 in 3 epochs; not collapsed, which alone does not make it good"
    )
    assert "no model was trained" in training_section(samples, selection, trained_job(0))["skipped"]
    job = trained_job(2)
    for event in job["events"]:  # type: ignore[attr-defined]
        if "representation_std" in event.get("metrics", {}):
            event["metrics"]["representation_std"] = 0.001
    assert "has collapsed" in training_section(samples, selection, job)["finding"]


@pytest.mark.parametrize(("chance", "at_chance"), [(3.43, False), (1.05, True), (0.9, True), (None, None)])
def test_training_tells_a_loss_at_chance(chance: float | None, at_chance: bool | None) -> None:
    samples, job = made_up_samples(5), trained_job(3)
    for event in job["events"]:  # type: ignore[attr-defined]
        if "epoch_loss" in event.get("metrics", {}) and chance is not None:
            event["metrics"]["chance_loss"] = chance
    found = training_section(samples, farthest(samples, 2), job)
    assert (found["chance_loss"], found["at_chance"]) == (chance, at_chance)
    assert ("at chance" in found["finding"]) == bool(at_chance)


def test_the_thresholds_of_collapse_and_chance_are_those_of_the_training() -> None:
    from lightly_nb.training.chance import TOLERANCE
    from lightly_nb.training.collapse import COLLAPSED_BELOW as TRAINING_SAYS

    assert COLLAPSED_BELOW == TRAINING_SAYS
    assert AT_CHANCE_WITHIN == TOLERANCE


def test_a_selection_of_other_samples_is_refused() -> None:
    samples, other = made_up_samples(30), made_up_samples(30, seed=1, names=[f"{n}.jpg" for n in range(30)])
    with pytest.raises(InputError, match=r"the selection names '.*' where the samples have"):
        report_facts(other, farthest(samples, 3))
    with pytest.raises(InputError, match="give the samples that were selected from"):
        report_facts(samples.take([0, 1]), selection_of(samples, [20]))


def test_embeddings_that_are_not_finite_are_named() -> None:
    samples = made_up_samples(10)
    vectors = samples.embeddings.copy()
    vectors[4, 0] = np.nan
    broken = samples.with_array("embeddings", vectors)
    with pytest.raises(InputError, match=rf"embeddings of \['{samples.filenames[4]}'\] hold NaN"):
        report_facts(broken, selection_of(samples, [1]))


def test_a_section_that_breaks_is_said_to_and_the_others_come() -> None:
    samples, heard = made_up_samples(20), []

    def broken(*_: Any) -> dict[str, Any]:
        raise ZeroDivisionError("oh")

    sections = {"mine": broken, "savings": SECTIONS["savings"]}
    facts, _ = report_facts(samples, farthest(samples, 2), sections=sections, on_event=heard.append)
    assert facts["mine"]["skipped"] == "could not be computed (ZeroDivisionError: oh)"
    assert facts["savings"]["n_not_labelled"] == 18
    assert any(event.get("level") == "warning" and "'mine'" in event["message"] for event in heard)


def test_a_cancel_reaches_the_loops_of_a_section() -> None:
    samples, n_heard = made_up_samples(200), 0

    def stop(event: Any) -> None:
        nonlocal n_heard
        n_heard += 1
        if n_heard == 2:
            raise RunCanceled("stop")

    with pytest.raises(RunCanceled):
        report_facts(samples, farthest(samples, 20), on_event=stop)


def test_far_samples_are_placed_near_their_neighbors_on_a_map_of_some() -> None:
    pytest.importorskip("umap")
    samples = made_up_samples(160)
    selection = farthest(samples, 10)
    job = {"options": {"most_umap_points": 80, "most_shown_points": 40}}
    found = maps_section(samples, selection, job)
    assert found["umap"]["n_fitted"] == 80
    assert found["n_shown"] == len(found["shown"]) == len(found["filenames"]) == 40
    assert set(selection.rows) <= set(found["shown"].tolist())
    matrix = all_distances(samples.embeddings)
    np.fill_diagonal(matrix, np.inf)
    for k in ("5", "15", "50"):
        points = found["umap"]["coordinates"][k]
        assert points.shape == (160, 2)
        near = np.linalg.norm(points - points[matrix.argmin(axis=1)], axis=1)
        assert np.median(near) < 0.35 * np.median(np.linalg.norm(points - points.mean(axis=0), axis=1))
    again = maps_section(samples, selection, job)
    np.testing.assert_array_equal(again["umap"]["coordinates"]["5"], found["umap"]["coordinates"]["5"])
