"""The panel "how many do I need?" without a browser: sizes, strengths, the curve, code, what is saved."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lightly_nb as lnb
from lightly_nb.embeddings_csv import write_embeddings_csv
from lightly_nb.errors import InputError, SelectionError
from lightly_nb.events import silent
from lightly_nb.samples import Samples
from lightly_nb.samples.embedding_check import NOT_WORTH, EmbeddingCheck
from lightly_nb.selection import Selection, select
from lightly_nb.selection.greedy import PlainSearch
from lightly_nb.selection.lazy import LazySearch
from lightly_nb.vectors.coverage import random_coverage, random_draws
from lightly_nb.widgets.size_explorer import model as how_many_model
from lightly_nb.widgets.size_explorer import orders as how_many_work
from lightly_nb.widgets.size_explorer.balance import bars, bars_html, groupings
from lightly_nb.widgets.size_explorer.curve import Curve, category_curve, curves, finding
from lightly_nb.widgets.size_explorer.curve_svg import curve_svg, marker_svg
from lightly_nb.widgets.size_explorer.panel import HowManyPanel
from tests.photos import write_photographs
from tests.widgets.drawn import drawn_samples

N, PICKED = 120, 12
HOSTILE = "<script>alert(1)</script> 天.jpg"
DIVERSITY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
SHARP = {"input": {"type": "METADATA", "key": "sharpness"}, "strategy": {"type": "WEIGHTS", "strength": 0.5}}
SHARP_LABEL, DIVERSITY_LABEL = "WEIGHTS METADATA sharpness", "DIVERSITY EMBEDDINGS"


@pytest.fixture(scope="module")
def samples() -> Samples:
    names = [f"folder {row % 2}/image {row:04d}.jpg" for row in range(N)]
    names[7] = HOSTILE
    return drawn_samples(N, names=names)


@pytest.fixture(scope="module")
def picks(samples: Samples) -> Selection:
    return select(samples, PICKED, strategies=[DIVERSITY, SHARP], on_event=silent)


@pytest.fixture
def panel(samples: Samples, picks: Selection) -> Iterator[HowManyPanel]:
    panel = lnb.how_many(samples, picks)
    assert isinstance(panel, HowManyPanel)
    assert panel.wait(60)
    yield panel
    panel.close()


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every search for more picks adds a number here."""
    sizes: list[int] = []
    for search in (PlainSearch, LazySearch):
        run = search.run

        def counted(self: Any, n_picks: int, *rest: Any, run: Any = run) -> Any:
            sizes.append(n_picks)
            return run(self, n_picks, *rest)

        monkeypatch.setattr(search, "run", counted)
    monkeypatch.setattr(how_many_model, "random_coverage", lambda *_, **__: sizes.append(-1))
    return sizes


def test_moving_n_computes_nothing_and_gives_the_selection_of_n(panel, samples, picks, searched):
    assert (panel.n, panel.n_max) == (PICKED, 100)
    for n in (1, 40, 100, PICKED):
        panel.n = n
        selection = panel.selection
        assert len(selection) == n
        assert panel.rows.tolist() == selection.rows.tolist()
        assert panel.items()[0]["name"] == selection.filenames[-1], "newest pick first"
        assert panel.finding
    assert searched == []
    panel.n = 30
    again = select(samples, 30, strategies=[DIVERSITY, SHARP], on_event=silent)
    assert panel.selection.filenames == again.filenames
    assert panel.selection.table()["reason"].equals(again.table()["reason"])


def test_n_is_observed_and_refused_outside_of_what_is_computed(panel: HowManyPanel):
    heard: list[int] = []
    panel.observe(lambda change: heard.append(change["new"]), "n")
    panel.page = 1
    panel.n = 50
    panel.page = 5
    panel.n = 20
    assert heard == [50, 20]
    assert panel.page == 1
    for wrong in (0, 101):
        with pytest.raises(InputError, match=f"n: got {wrong}; allowed are 1 to 100"):
            panel.n = wrong
    assert [item["lines"][0] for item in panel.items(2)][:2] == ["step 8", "step 7"]


def test_a_strength_selects_again_as_select_does_and_going_back_is_free(panel, samples, picks, searched):
    first = panel.order
    panel.strengths = {SHARP_LABEL: 3}
    assert panel.wait(60)
    assert panel.strengths == {DIVERSITY_LABEL: 1.0, SHARP_LABEL: 3.0}
    strong = {**SHARP, "strategy": {"type": "WEIGHTS", "strength": 3.0}}
    again = select(samples, PICKED, strategies=[DIVERSITY, strong], on_event=silent)
    assert panel.selection.filenames == again.filenames != picks.filenames
    searched.clear()
    panel.strengths = {SHARP_LABEL: 0.5}
    assert panel.wait(60)
    assert panel.order is first
    assert panel.selection.filenames == picks.filenames
    assert searched == []


def test_only_the_last_of_many_strengths_is_computed(panel: HowManyPanel, searched: list[int]):
    for value in (0.1, 0.2, 0.3, 2.0):
        panel.strengths = {SHARP_LABEL: value}
    assert panel.wait(60)
    assert panel.strengths[SHARP_LABEL] == 2.0
    assert len(searched) == 2, "the size of the selection, and on to the longest order"
    assert panel.order.strategies[1]["strength"] == 2.0


def test_cancel_stops_and_brings_the_strengths_back(panel, picks, monkeypatch):
    started, go_on = threading.Event(), threading.Event()
    longest = how_many_work.longest_order

    def slow(*args: Any) -> Selection:
        started.set()
        assert go_on.wait(60)
        return longest(*args)

    monkeypatch.setattr(how_many_model, "longest_order", slow)
    panel.strengths = {SHARP_LABEL: 3}
    assert started.wait(60)
    assert panel.is_working
    panel.cancel()
    go_on.set()
    assert panel.wait(60)
    assert panel.strengths == {DIVERSITY_LABEL: 1.0, SHARP_LABEL: 0.5}
    assert panel.selection.filenames == picks.filenames


def test_a_failure_is_shown_raised_and_the_old_picture_stays(panel, picks, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(panel, "_show_error", shown.append)

    def broken(*args: Any) -> Selection:
        raise SelectionError("nothing is left to select from")

    monkeypatch.setattr(how_many_model, "longest_order", broken)
    panel.strengths = {SHARP_LABEL: 3}
    with pytest.raises(SelectionError, match="nothing is left"):
        panel.wait(60)
    assert shown == ["nothing is left to select from"]
    assert panel.strengths[SHARP_LABEL] == 0.5
    assert panel.selection.filenames == picks.filenames


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"SHARP": 1}, r"strengths: 'SHARP' is not there; allowed are \['DIVERSITY EMBEDDINGS'"),
        (
            {SHARP_LABEL: "much"},
            r"strengths\['WEIGHTS METADATA sharpness'\]: got 'much'; allowed are numbers",
        ),
        ({SHARP_LABEL: float("nan")}, "got nan; allowed are numbers from -1e9 to 1e9"),
    ],
)
def test_a_wrong_strength_is_refused(panel: HowManyPanel, value: dict[str, Any], said: str):
    with pytest.raises(InputError, match=said):
        panel.strengths = value


def test_the_code_makes_the_same_selection(panel: HowManyPanel, samples: Samples):
    panel.strengths = {SHARP_LABEL: 2.5}
    assert panel.wait(60)
    panel.n = 23
    names: dict[str, Any] = {"samples": samples}
    exec(panel.code, names)
    assert names["picks"].filenames == panel.selection.filenames


def test_the_curve_is_that_of_brute_force(samples: Samples):
    vectors = samples.embeddings.astype(np.float64)
    rows = np.array([5, 50, 7, 99])
    chance = random_coverage(samples.embeddings, np.array([3]), 4, seed=0)
    found = curves(samples.embeddings, np.array([3]), rows, chance)
    for n in range(1, 5):
        chosen = vectors[[3, *rows[:n]]]
        distances = np.sqrt(((vectors[:, None] - chosen) ** 2).sum(axis=2)).min(axis=1)
        assert found["largest distance"].at(n) == pytest.approx(distances.max(), rel=1e-4)
        assert found["mean distance"].at(n) == pytest.approx(distances.mean(), rel=1e-3)
    sizes, (low, median, high) = chance
    assert sizes[0] == 1
    assert sizes[-1] == 40
    assert (low <= median).all()
    assert (median <= high).all()
    assert (np.diff(median) <= 1e-9).all()


def line(values: list[float], median: list[float]) -> Curve:
    of_ours, of_random = np.arange(1, len(values) + 1), np.arange(1, len(median) + 1)
    ours, middle = np.array(values), np.array(median)
    return Curve("mean distance", of_ours, ours, of_random, middle - 0.1, middle, middle + 0.1)


@pytest.mark.parametrize(
    ("values", "median", "n", "said"),
    [
        (
            [4, 2, 1],
            [5, 4, 3, 2, 1],
            2,
            "2 samples do as well as 4 random ones (4 to 4 in 90 % of the draws), by the mean distance to a "
            "selected one, which no strategy here optimises.",
        ),
        ([4, 2, 1], [5, 4, 3, 2, 1], 1, "1 sample does as well as 2 random ones"),
        ([5, 4.5, 4.2], [5, 4, 3, 2], 3, "3 samples do only as well as 2 random ones"),
        ([5, 4.9, 5], [5, 4, 3, 2], 3, "3 samples do only as well as 1 random one "),
        ([3, 2, 1], [5, 4, 3, 2], 3, "3 samples do better than 4 random ones, the most that were drawn"),
        ([5, 3], [5, 3, 3, 3], 2, "2 samples do as well as as many random ones"),
        ([5, 3], [3, 3, 3, 3], 2, "2 samples do as well as as many random ones"),
    ],
)
def test_the_finding_says_what_the_curve_shows(values, median, n, said):
    assert finding(line(values, median), n).startswith(said)


def test_no_sentence_compares_by_what_a_strategy_optimises():
    curve = replace(line([4, 2, 1], [5, 4, 3, 2, 1]), optimized_by=("DIVERSITY EMBEDDINGS",))
    said = finding(curve, 2)
    assert "what DIVERSITY EMBEDDINGS optimises: better than random draws by construction" in said
    assert "random ones" not in said
    assert "which a strategy optimises" in curve_svg(curve, 2)


def test_more_different_values_are_better_and_the_draws_are_those_of_brute_force():
    codes, before = np.random.default_rng(0).integers(0, 12, 60), np.array([4])
    rows, sizes = np.setdiff1d(np.arange(60), before)[::2], np.arange(1, 60)
    curve = category_curve("kind", codes, before, rows, sizes, seed=3)
    draws = random_draws(60, before, 59, seed=3)
    for n in (1, 7, 20):
        expected = len({*codes[before], *codes[rows[:n]]})
        assert curve.at(n) == expected
        each = [len({*codes[before], *codes[draw[:n]]}) for draw in draws]
        assert curve.median[n - 1] == np.median(each)
    all_of_them = Curve("different values of kind", *(np.array([1, 2]), np.array([1.0, 4.0])), sizes,
                        *3 * (np.minimum(np.arange(1, 60) / 2, 12.0),), larger_is_better=True)  # fmt: skip
    assert finding(all_of_them, 2).startswith("2 samples do as well as 8 random ones")
    assert "by the different values of kind, which no" in finding(all_of_them, 2)


def test_the_first_measure_is_one_that_the_strategies_do_not_optimise(panel: HowManyPanel, samples: Samples):
    assert panel.measure == "mean distance", "DIVERSITY optimises the largest"
    panel.measure = "largest distance"
    assert panel.finding.startswith(f"The largest distance to a selected one is what {DIVERSITY_LABEL}")
    many = samples.with_columns({"kind": np.arange(N) % 9})
    many = many.with_columns({"kind": many.table["kind"].astype("category")})
    panel = lnb.how_many(many, n=8)
    assert panel.wait(60)
    assert panel.measure == "different values of kind"
    assert "which no strategy here optimises" in panel.finding


def test_nothing_good_is_said_of_embeddings_that_are_refused(samples: Samples):
    check = EmbeddingCheck(NOT_WORTH, "A reason")
    refused = replace(samples, embedding_check=check)
    panel = lnb.how_many(refused, n=8)
    assert panel.wait(60)
    for said in (panel.finding, panel.notes[0]):
        assert said.startswith("embedding check: NOT WORTH SELECTING FROM")
    html = panel.still_html()
    assert "as well as" not in html
    assert "better than" not in html.replace("no better than random", "")


def test_the_marker_moves_with_n_and_stays_inside():
    curve = line([4, 2, 1], [5, 4, 3, 2, 1])
    places = [float(marker_svg(curve, n).split('x1="')[1].split('"')[0]) for n in (1, 2, 3)]
    assert places == sorted(set(places))
    assert 52 < places[0] < places[-1] <= 548
    svg = curve_svg(curve, 2)
    assert svg.count("<path") == 3
    assert 'aria-label="mean distance of the samples' in svg
    assert "nan" not in svg


def test_balance_counts_labels_folders_columns_and_classes(samples: Samples):
    labelled = samples.with_columns({"labels": np.arange(N) % 4}).with_array(
        "class_distribution.animals", np.tile([[0.75, 0.25]], (N, 1))
    )
    groups = groupings(labelled)
    assert list(groups) == ["labels", "sub-folder", "weather", "classes of animals"]
    rows = np.array([0, 4, 8, 1])
    shown = {one["name"]: one for one in bars(groups["labels"], rows)}
    assert {name: one["count"] for name, one in shown.items()} == {"0": 3, "1": 1, "2": 0, "3": 0}
    assert shown["0"]["selected"] == 0.75
    assert shown["0"]["all"] == 0.25
    assert [one["count"] for one in bars(groups["classes of animals"], rows)] == [3.0, 1.0]


def test_many_categories_are_ten_and_the_rest_and_names_are_escaped():
    names = [f"{at}.jpg" for at in range(60)]
    table = pd.DataFrame({"kind": [f"<b>{at % 15:02d}" for at in range(60)]}, index=names)
    shown = bars(groupings(Samples(table))["kind"], np.arange(30))
    assert len(shown) == 11
    assert (shown[-1]["name"], shown[-1]["count"]) == ("5 more", 10)
    assert sum(one["selected"] for one in shown) == pytest.approx(1)
    assert "<b>" not in bars_html(shown)


def test_the_balance_follows_n_and_the_group(panel: HowManyPanel, samples: Samples):
    assert panel.group_by == "sub-folder"
    panel.group_by = "weather"
    panel.n = 9
    weather = samples.table["weather"].iloc[panel.rows].value_counts()
    assert {one["name"]: one["count"] for one in panel.balance() if one["count"]} == weather.to_dict()
    with pytest.raises(InputError, match=r"group_by: got 'color'; allowed are \['sub-folder', 'weather'\]"):
        panel.group_by = "color"
    with pytest.raises(InputError, match=r"measure: got 'median'; allowed are \['largest distance'"):
        panel.measure = "median"


def test_one_sample_and_no_pictures_and_no_embeddings():
    one = drawn_samples(1, thumbnails=False)
    panel = lnb.how_many(one, select(one, 1, on_event=silent))
    assert panel.wait(60)
    assert (panel.n_max, panel.selection.filenames) == (1, one.filenames)
    assert "1 of 1 sample selected" in panel.still_html()
    table = Samples(drawn_samples(20, thumbnails=False).table)
    panel = lnb.how_many(table, select(table, 4, strategies=[SHARP], on_event=silent))
    assert panel.wait(60)
    assert (panel.curve, panel.finding, panel.n_max) == (None, "", 20)
    panel.n = 20
    assert len(panel.selection) == 20


def test_embeddings_that_are_no_numbers_have_no_curve():
    full = drawn_samples(20, thumbnails=False)
    vectors = np.array(full.embeddings)
    vectors[3, 2] = np.nan
    broken = full.with_array("embeddings", vectors)
    panel = lnb.how_many(broken, select(broken, 4, strategies=[SHARP], on_event=silent))
    assert panel.wait(60)
    assert panel.curve is None
    assert "hold NaN or infinity" in panel.notes[-1]
    assert panel.n_max == 20


def test_without_a_selection_diversity_is_the_start(samples: Samples):
    panel = lnb.how_many(samples, n=8)
    assert panel.wait(60)
    assert panel.selection.filenames == select(samples, 8, on_event=silent).filenames


def test_preselected_samples_count_and_are_in_the_code(samples: Samples):
    before = samples.filenames[:2]
    panel = lnb.how_many(samples, select(samples, 5, preselected=before, on_event=silent), most=20)
    assert panel.wait(60)
    assert panel.n_max == 20
    assert panel.selection.preselected == before
    assert f"preselected={before!r}," in panel.code


def test_options_that_a_selection_does_not_remember_are_used_again(samples: Samples):
    options = {"ban": samples.filenames[:60], "lock": [samples.filenames[100]]}
    picks = select(samples, 5, strategies=[DIVERSITY, SHARP], on_event=silent, **options)
    panel = lnb.how_many(samples, picks, **options)
    panel.strengths = {SHARP_LABEL: 3}
    assert panel.wait(60)
    assert panel.n_max == 60
    assert panel.order.filenames[0] == samples.filenames[100]
    assert not set(panel.order.filenames) & set(options["ban"])


def test_a_selection_from_a_file_is_computed_again_and_that_is_said(samples: Samples, picks: Selection):
    loaded = Selection.from_dict(picks.to_dict())
    panel = lnb.how_many(samples, loaded)
    panel.n = 5
    assert panel.selection.filenames == picks.filenames[:5]
    assert panel.n_max == 100
    assert "computed again from the samples" in panel.notes[0]
    assert len(panel.notes) == 1
    locked = select(samples, 6, lock=samples.filenames[50:53], on_event=silent)
    panel = lnb.how_many(samples, Selection.from_dict(locked.to_dict()))
    assert panel.wait(60)
    assert "the picks are not those of the loaded selection" in panel.notes[-1]


def test_a_target_range_is_not_made_longer(samples: Samples):
    aimed = {**SHARP, "strategy": {"type": "WEIGHTS", "target_range": {"min_sum": 2.0, "max_sum": 4.0}}}
    panel = lnb.how_many(samples, select(samples, 6, strategies=[DIVERSITY, aimed], on_event=silent))
    assert panel.wait(60)
    assert panel.n_max == 6
    assert "target_range" in panel.notes[0]


def test_a_run_opens_both_panels(tmp_path: Path):
    names = write_photographs(tmp_path / "photos", 12)
    vectors = np.random.default_rng(0).normal(size=(12, 8)).astype(np.float32)
    write_embeddings_csv(tmp_path / "embeddings.csv", names, vectors, [0] * 12)
    run = lnb.run(
        tmp_path / "photos",
        tmp_path / "out",
        n_samples=4,
        worker_config={"embeddings": str(tmp_path / "embeddings.csv"), "generate_report": False},
        on_event=silent,
    )
    results, sizes = lnb.show_results(run), lnb.how_many(run)
    assert results.shown == run.selection.filenames
    assert sizes.wait(60)
    assert sizes.n_max == 12
    sizes.n = 12
    assert sizes.selection.filenames[:4] == run.selection.filenames
    assert sizes.notes[0].startswith("embedding check: not checked")
    assert len(sizes.notes) == 2, "the picks came out the same"


def test_nothing_selected_is_an_error(samples: Samples):
    nothing = Selection([], np.zeros(0, dtype=np.int64), [], [])
    with pytest.raises(InputError, match="how_many: nothing is selected"):
        lnb.how_many(samples, nothing)


def test_the_static_output_is_small_and_escaped(panel: HowManyPanel):
    panel.n = panel.n_max
    panel.page = next(p for p in range(1, 20) if HOSTILE in [item["name"] for item in panel.items(p)])
    html = panel.still_html()
    assert "<script" not in html
    assert html.count("<img") == 1 + 12
    assert "data:image/svg+xml;base64," in html
    assert len(html) < 100_000


def test_the_page_for_people_without_a_kernel_has_all_pictures(panel: HowManyPanel, tmp_path: Path):
    panel.n = 30
    html = panel.to_html(tmp_path / "sizes.html")
    assert (tmp_path / "sizes.html").read_text(encoding="utf-8") == html
    assert html.count("<img") == 1 + 30
    assert "30 of 120 samples selected" in html
    assert panel.to_html(most_pictures=5).count("<img") == 1 + 5


def test_without_anywidget_a_picture_says_what_to_install(samples, picks, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "lightly_nb.widgets.size_explorer.call.find_spec",
        lambda name: None if name == "anywidget" else find(name),
    )
    panel: Any = lnb.how_many(samples, picks)
    assert panel.wait(60)
    panel.n = 33
    html = panel._repr_html_()
    assert "33 of 120 samples selected" in html
    assert "pip install anywidget" in html
