"""What users get from `select`: sizes, constraints, reasons, the curve, going on, and errors they can act
on.
"""

import json
import pickle

import numpy as np
import pandas as pd
import pytest

from lightly_nb.errors import ConfigError, RunCanceled, SelectionError
from lightly_nb.events import silent
from lightly_nb.samples import Samples
from lightly_nb.selection import STRATEGIES, Part, Selection, Strategy, select
from lightly_nb.selection.terms import Weights

DIVERSITY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}


def weights(key="value", **settings):
    return {"input": {"type": "METADATA", "key": key}, "strategy": {"type": "WEIGHTS", **settings}}


def balance(**settings):
    return {"input": {"type": "METADATA", "key": "label"}, "strategy": {"type": "BALANCE", **settings}}


def threshold(value, operation="BIGGER_EQUAL", key="value"):
    settings = {"type": "THRESHOLD", "threshold": value, "operation": operation}
    return {"input": {"type": "METADATA", "key": key}, "strategy": settings}


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((200, 8)).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    table = pd.DataFrame(
        {"value": rng.permutation(200) - 50.0, "label": rng.choice(["day", "night"], 200, p=[0.9, 0.1])},
        index=[f"{number:03d}.jpg" for number in rng.permutation(200)],
    )
    return Samples(table, {"embeddings": x})


def test_weights_alone_is_the_top_of_the_list_and_negative_strength_the_bottom(samples):
    by_value = samples.table["value"].sort_values(ascending=False).index.tolist()
    assert select(samples, 30, strategies=[weights()], on_event=silent).filenames == by_value[:30]
    lowest = select(samples, 30, strategies=[weights(strength=-1.0)], on_event=silent)
    assert lowest.filenames == by_value[::-1][:30]


def test_weights_below_zero_are_shifted_and_that_is_said(samples):
    heard = []
    selection = select(samples, 5, strategies=[weights()], on_event=heard.append)
    assert "shifted by 50" in selection.strategies[0]["note"]
    assert any("shifted by 50" in event.get("message", "") for event in heard)


def test_balance_reaches_its_target_where_the_data_allow(samples):
    target = {"night": 0.4, "day": 0.6}
    selection = select(samples, 20, strategies=[balance(target=target), DIVERSITY], on_event=silent)
    got = next(entry["got"] for entry in selection.strategies if "BALANCE" in entry["label"])
    assert got["night"] == pytest.approx(0.4, abs=0.06)
    assert got["night"] + got["day"] + got["other"] == pytest.approx(1)


def test_the_rest_of_a_target_goes_to_all_other_categories(samples):
    selection = select(samples, 20, strategies=[balance(target={"night": 0.25})], on_event=silent)
    assert selection.strategies[0]["asked"]["other"] == 0.75
    assert selection.strategies[0]["got"]["night"] == pytest.approx(0.25, abs=0.05)


def test_uniform_and_input_distributions(samples):
    uniform = select(samples, 30, strategies=[balance(distribution="UNIFORM")], on_event=silent)
    assert uniform.strategies[0]["got"]["night"] == pytest.approx(0.5, abs=0.04)
    as_input = select(samples, 50, strategies=[balance(distribution="INPUT")], on_event=silent)
    share = (samples.table["label"] == "night").mean()
    assert as_input.strategies[0]["got"]["night"] == pytest.approx(share, abs=0.03)


def test_threshold_comes_first_and_is_the_reason(samples):
    selection = select(samples, 20, strategies=[threshold(0), DIVERSITY], on_event=silent)
    assert (samples.table.loc[selection.filenames, "value"] >= 0).all()
    removed = samples.table.index[samples.table["value"] < 0][0]
    assert "THRESHOLD METADATA value: not >= 0" in selection.explain(removed)


def test_max_sum_stops_before_it_is_passed(samples):
    strategies = [DIVERSITY, weights(stopping_condition_max_sum=700.0)]
    selection = select(samples, 100, strategies=strategies, on_event=silent)
    assert 0 < len(selection) < 100
    assert samples.table.loc[selection.filenames, "value"].sum() <= 700
    assert "above its maximum" in selection.stopped


def test_target_range_is_met_where_plain_greedy_would_miss_it(samples):
    value = samples.table["value"]
    free = select(samples, 10, on_event=silent)
    assert not 1200 <= value[free.filenames].sum() <= 1250
    ranged = weights(strength=0.0, target_range={"min_sum": 1200.0, "max_sum": 1250.0})
    selection = select(samples, 10, strategies=[DIVERSITY, ranged], on_event=silent)
    assert len(selection) == 10
    assert 1200 <= value[selection.filenames].sum() <= 1250


def test_minimum_typicality_removes_the_untypical(samples):
    settings = {"type": "TYPICALITY", "stopping_condition_minimum_typicality": 0.38}
    strategies = [{"input": {"type": "EMBEDDINGS"}, "strategy": settings}]
    selection = select(samples, strategies=strategies, on_event=silent)
    assert 0 < len(selection) < 200
    assert selection.table()["reason"].str.contains("typicality below 0.38").sum() == 200 - len(selection)


def test_random_depends_on_name_and_seed_alone(samples):
    random = [{"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}]
    once = select(samples, 20, strategies=random, seed=1, on_event=silent)
    again = select(samples.take(np.arange(200)[::-1]), 20, strategies=random, seed=1, on_event=silent)
    other = select(samples, 20, strategies=random, seed=2, on_event=silent)
    assert once.filenames == again.filenames != other.filenames


def test_similarity_alone_takes_the_nearest_to_any_query(samples):
    similarity = [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "SIMILARITY"}}]
    query = samples.take([5, 9])
    selection = select(samples, 10, strategies=similarity, query=query, on_event=silent)
    x = samples.embeddings.astype(np.float64)
    distance = np.linalg.norm(x[:, None] - x[[5, 9]][None], axis=2).min(axis=1)
    assert set(selection.filenames) == set(samples.table.index[np.argsort(distance)[:10]])


def test_prefix_and_continuation_are_the_picks_of_a_fresh_call(samples):
    strategies = [DIVERSITY, weights(), balance(distribution="UNIFORM")]
    whole = select(samples, 60, strategies=strategies, on_event=silent)
    part = select(samples, 25, strategies=strategies, on_event=silent)
    assert part.filenames == whole.filenames[:25]
    assert part.resized(60, silent).filenames == whole.filenames
    assert whole.resized(25, silent).strategies == part.strategies
    assert len(part) == 25


def test_lock_and_ban(samples):
    free = select(samples, 20, on_event=silent)
    banned, locked = free.filenames[3], [name for name in samples.filenames if name not in free.filenames][:2]
    selection = select(samples, 20, lock=locked, ban=[banned], on_event=silent)
    assert selection.filenames[:2] == sorted(locked)
    assert banned not in selection.filenames
    assert len(selection) == 20
    assert "banned" in selection.explain(banned)


def test_cancel_leaves_the_valid_prefix(samples, monkeypatch):
    monkeypatch.setattr("lightly_nb.events.SECONDS_BETWEEN_EVENTS", 0.0)
    monkeypatch.setattr("lightly_nb.selection.lazy.MOST_SURVIVORS", 8)
    monkeypatch.setattr("lightly_nb.selection.lazy.FEWEST_SURVIVORS", 8)

    def cancel(event):
        if event.get("done", 0) >= 10:
            raise RunCanceled("enough")

    with pytest.raises(RunCanceled) as caught:
        select(samples, 100, on_event=cancel)
    prefix = caught.value.selection
    assert 10 <= len(prefix) < 100
    assert prefix.filenames == select(samples, 100, on_event=silent).filenames[: len(prefix)]
    assert prefix.stopped == "canceled"


def test_table_says_for_every_sample_what_is_nearest_and_why(samples):
    selection = select(
        samples, 15, strategies=[DIVERSITY, weights()], preselected=["007.jpg"], on_event=silent
    )
    table = selection.table()
    assert table.index.tolist() == samples.filenames
    x = dict(zip(samples.filenames, samples.embeddings.astype(np.float64), strict=True))
    order = ["007.jpg", *selection.filenames]
    for name in samples.filenames:
        before = order[: order.index(name)] if name in order else order
        if not before:
            assert pd.isna(table.loc[name, "distance"])
            continue
        distances = [float(np.sqrt(((x[name] - x[other]) ** 2).sum())) for other in before]
        assert table.loc[name, "distance"] == min(distances)
        assert table.loc[name, "nearest"] == before[int(np.argmin(distances))]
    assert table.loc[selection.filenames, "step"].tolist() == list(range(1, 16))
    gains = table.loc[selection.filenames, "gain WEIGHTS METADATA value"]
    w = samples.table["value"] - samples.table["value"].min()
    total = w["007.jpg"]
    for name in selection.filenames:
        assert gains[name] == pytest.approx(np.log1p(w[name] / total))
        total += w[name]
    assert "selected at step 3" in selection.explain(selection.filenames[2])
    assert table.loc["007.jpg", "reason"] == "preselected"


def test_curve_beats_random_and_marks_one_knee(samples):
    selection = select(samples, 40, strategies=[DIVERSITY, balance(distribution="UNIFORM")], on_event=silent)
    curve = selection.curve()
    assert curve.index[-1] == 40
    assert (curve["coverage max"].diff().dropna() <= 1e-6).all()
    assert curve["coverage max"].iloc[-1] < curve["coverage max random"].iloc[-1]
    assert curve["knee"].sum() == 1
    target = next(c for c in curve.columns if c.endswith("distance to target"))
    assert curve[target].iloc[-1] < curve[f"{target} random low"].iloc[-1]
    assert selection.plot_curve().axes


def test_a_selection_survives_json_and_pickle(samples):
    selection = select(samples, 15, strategies=[DIVERSITY, weights()], on_event=silent)
    for copy in (
        Selection.from_dict(json.loads(json.dumps(selection.to_dict()))),
        pickle.loads(pickle.dumps(selection)),
    ):
        assert copy.filenames == selection.filenames
        assert copy.rows.tolist() == selection.rows.tolist()
        assert copy.strategies == selection.strategies
        pd.testing.assert_frame_equal(copy.table(), selection.table(), check_dtype=False)
        pd.testing.assert_frame_equal(copy.curve(), selection.curve(), check_dtype=False)
        assert copy.explain("007.jpg") == selection.explain("007.jpg")
        with pytest.raises(SelectionError, match="call select"):
            copy.resized(20)


def test_html_escapes_names():
    samples = Samples(pd.DataFrame(index=["<b>.jpg", "c.jpg"]), {"embeddings": np.eye(2)})
    html = select(samples, 2, on_event=silent)._repr_html_()
    assert "&lt;b&gt;.jpg" in html
    assert "<b>.jpg" not in html


def test_a_home_made_strategy_is_one_function(samples):
    def prepare(request):
        names = request.samples.filenames
        return Part(term=Weights(np.array([float(name.startswith("1")) for name in names]), request.strength))

    table = {**STRATEGIES, "STARTS_WITH_ONE": Strategy(frozenset({"EMBEDDINGS"}), prepare)}
    mine = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "STARTS_WITH_ONE", "strength": 50.0}}
    selection = select(samples, 30, strategies=[DIVERSITY, mine], strategy_table=table, on_event=silent)
    assert all(name.startswith("1") for name in selection.filenames)


ERRORS = [
    ({"n_samples": 201}, SelectionError, "201 samples were asked for but only 200 can be selected"),
    ({"n_samples": 0}, SelectionError, "n_samples: got 0; allowed is a whole number of at least 1"),
    ({}, SelectionError, "how many"),
    ({"n_samples": 3, "proportion_samples": 0.1}, SelectionError, "not both"),
    ({"proportion_samples": 1.5}, SelectionError, "allowed is above 0, up to 1"),
    ({"n_samples": 3, "preselected": ["nope.jpg"]}, SelectionError, r"preselected: .*\['nope.jpg'\]"),
    ({"n_samples": 3, "preselected": ["001.jpg", "001.jpg"]}, SelectionError, "more than once"),
    ({"n_samples": 3, "lock": ["001.jpg"], "ban": ["001.jpg"]}, SelectionError, "both 'lock' and 'ban'"),
    ({"n_samples": 3, "minimum_distance": 2.5}, SelectionError, "allowed is 0 to 2"),
    ({"n_samples": 3, "strategies": []}, SelectionError, "at least one strategy"),
    ({"n_samples": 3, "strategies": [weights("valu")]}, SelectionError, "Did you mean 'value'"),
    ({"n_samples": 3, "strategies": [weights("label")]}, SelectionError, "numbers are needed"),
    (
        {"n_samples": 3, "strategies": [weights("nans")]},
        SelectionError,
        r"WEIGHTS METADATA nans: NaN or infinity for \['a.jpg', 'b.jpg', 'c.jpg'\] and 1 more",
    ),
    (
        {
            "n_samples": 3,
            "strategies": [{**balance(distribution="UNIFORM"), "input": {"type": "METADATA", "key": "nans"}}],
        },
        SelectionError,
        "BALANCE needs categories",
    ),
    (
        {"n_samples": 3, "strategies": [balance(target={"nigth": 0.5})]},
        SelectionError,
        "Did you mean 'night'",
    ),
    ({"n_samples": 3, "strategies": [balance(target={"day": 0.7, "night": 0.7})]}, ConfigError, "sum to 1.4"),
    ({"n_samples": 3, "strategies": [threshold(9e9)]}, SelectionError, r"no sample has a value >= 9e\+09"),
    (
        {"n_samples": 3, "strategies": [threshold(100), threshold(0, "SMALLER")]},
        SelectionError,
        "no sample passes all filters together",
    ),
    (
        {
            "n_samples": 3,
            "strategies": [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "SIMILARITY"}}],
        },
        ConfigError,
        "SIMILARITY needs the tag",
    ),
]


@pytest.mark.parametrize(("arguments", "kind", "text"), ERRORS)
def test_errors_say_what_was_asked_and_what_the_data_has(samples, arguments, kind, text):
    if "nans" in str(arguments):
        table = pd.DataFrame({"nans": [np.nan] * 4, "label": "x"}, index=["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
        samples = Samples(table, {"embeddings": np.eye(4)})
    with pytest.raises(kind, match=text):
        select(samples, on_event=silent, **arguments)


def test_minimum_distance_on_vectors_of_other_lengths_is_an_error(samples):
    longer = samples.with_array("embeddings", samples.embeddings * 3)
    with pytest.raises(SelectionError, match="200 of 200 vectors do not have length 1"):
        select(longer, 3, minimum_distance=0.1, on_event=silent)


def test_nan_in_embeddings_names_the_samples(samples):
    x = samples.embeddings.copy()
    x[4, 2] = np.nan
    with pytest.raises(SelectionError, match=rf"FACILITY_LOCATION EMBEDDINGS: NaN.*{samples.filenames[4]}"):
        select(samples.with_array("embeddings", x), 3, on_event=silent)


def test_a_threshold_alone_keeps_what_passes_in_name_order(samples):
    bare = Samples(samples.table)
    passing = sorted(samples.table.index[samples.table["value"] >= 140])
    assert select(bare, strategies=[threshold(140)], on_event=silent).filenames == passing


def test_the_curve_names_what_its_strategies_optimise():
    rng = np.random.default_rng(0)
    samples = Samples(
        pd.DataFrame(index=[f"{row}.jpg" for row in range(30)]), {"embeddings": rng.normal(size=(30, 4))}
    )
    curve = select(samples, 8, on_event=silent, strategies=[DIVERSITY]).curve()
    assert curve.attrs["optimized_by"] == {"coverage max": ["DIVERSITY EMBEDDINGS"]}
