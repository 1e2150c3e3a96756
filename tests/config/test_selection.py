"""Sizes, inputs, strategies and their pairs."""

import itertools

import pytest

from lightly_nb.config import SelectionConfig, default_selection, parse, to_dict
from lightly_nb.errors import ConfigError

INPUTS = {
    "EMBEDDINGS": {"type": "EMBEDDINGS"},
    "SCORES": {"type": "SCORES", "task": "t", "score": "uncertainty_margin"},
    "PREDICTIONS": {"type": "PREDICTIONS", "task": "t", "name": "CLASS_DISTRIBUTION"},
    "METADATA": {"type": "METADATA", "key": "lightly.sharpness"},
    "RANDOM": {"type": "RANDOM"},
}
STRATEGIES = {
    "FACILITY_LOCATION": {"type": "FACILITY_LOCATION"},
    "DIVERSITY": {"type": "DIVERSITY"},
    "WEIGHTS": {"type": "WEIGHTS"},
    "THRESHOLD": {"type": "THRESHOLD", "threshold": 0.5, "operation": "BIGGER"},
    "BALANCE": {"type": "BALANCE", "distribution": "UNIFORM"},
    "SIMILARITY": {"type": "SIMILARITY"},
    "TYPICALITY": {"type": "TYPICALITY"},
}
VALID = {
    ("EMBEDDINGS", "FACILITY_LOCATION"),
    ("EMBEDDINGS", "DIVERSITY"),
    ("EMBEDDINGS", "TYPICALITY"),
    ("SCORES", "WEIGHTS"),
    ("METADATA", "WEIGHTS"),
    ("RANDOM", "WEIGHTS"),
    ("SCORES", "THRESHOLD"),
    ("METADATA", "THRESHOLD"),
    ("PREDICTIONS", "BALANCE"),
    ("METADATA", "BALANCE"),
}
QUERY = {"type": "EMBEDDINGS", "dataset_id": "d", "tag_name": "initial-tag"}


def one(input_, strategy, **size):
    return parse(
        SelectionConfig,
        {**(size or {"n_samples": 5}), "strategies": [{"input": input_, "strategy": strategy}]},
    )


def problem(input_, strategy):
    with pytest.raises(ConfigError) as caught:
        one(input_, strategy)
    (line,) = str(caught.value).splitlines()
    return line


PAIRS = set(itertools.product(INPUTS, STRATEGIES)) - {("EMBEDDINGS", "SIMILARITY")}
"""All pairs but the one that also needs a query tag, which has its own test."""


@pytest.mark.parametrize(("input_", "strategy"), sorted(PAIRS))
def test_only_pairs_of_the_reference_are_accepted(input_, strategy):
    if (input_, strategy) in VALID:
        entry = one(INPUTS[input_], STRATEGIES[strategy]).strategies[0]
        assert (entry.input.type, entry.strategy.type) == (input_, strategy)
    else:
        line = problem(INPUTS[input_], STRATEGIES[strategy])
        assert line.startswith(
            f"selection_config.strategies[0]: {strategy} cannot work on {input_}. Allowed inputs"
        )


def test_the_index_of_a_wrong_pair_is_named():
    good = {"input": INPUTS["EMBEDDINGS"], "strategy": STRATEGIES["DIVERSITY"]}
    bad = {"input": INPUTS["EMBEDDINGS"], "strategy": STRATEGIES["BALANCE"]}
    with pytest.raises(ConfigError) as caught:
        SelectionConfig(n_samples=1, strategies=[good, bad])
    assert str(caught.value) == (
        "selection_config.strategies[1]: BALANCE cannot work on EMBEDDINGS."
        " Allowed inputs of BALANCE: PREDICTIONS or METADATA"
    )


def test_similarity_needs_a_query_tag_and_the_others_take_none():
    assert one(QUERY, STRATEGIES["SIMILARITY"]).strategies[0].input.dataset_id == "d"
    assert (
        one({"type": "EMBEDDINGS", "tag_name": "t"}, STRATEGIES["SIMILARITY"]).strategies[0].input.dataset_id
        is None
    )
    assert "give input.tag_name" in problem(INPUTS["EMBEDDINGS"], STRATEGIES["SIMILARITY"])
    assert "give input.tag_name" in problem(
        {"type": "EMBEDDINGS", "dataset_id": "d"}, STRATEGIES["SIMILARITY"]
    )
    assert "DIVERSITY takes no query samples" in problem(QUERY, STRATEGIES["DIVERSITY"])


def test_defaults_of_every_strategy():
    fields = {}
    for (input_, strategy), given in {pair: STRATEGIES[pair[1]] for pair in VALID}.items():
        fields[strategy] = one(INPUTS[input_], given).strategies[0].strategy.model_dump()
    fields["SIMILARITY"] = one(QUERY, STRATEGIES["SIMILARITY"]).strategies[0].strategy.model_dump()
    assert all(values.pop("strength") == 1.0 for values in fields.values())
    assert fields == {
        "FACILITY_LOCATION": {"type": "FACILITY_LOCATION", "stopping_condition_minimum_distance": None},
        "DIVERSITY": {"type": "DIVERSITY", "stopping_condition_minimum_distance": None},
        "WEIGHTS": {"type": "WEIGHTS", "stopping_condition_max_sum": None, "target_range": None},
        "THRESHOLD": {"type": "THRESHOLD", "threshold": 0.5, "operation": "BIGGER"},
        "BALANCE": {"type": "BALANCE", "distribution": "UNIFORM", "target": None},
        "SIMILARITY": {"type": "SIMILARITY"},
        "TYPICALITY": {
            "type": "TYPICALITY",
            "num_nearest_neighbors": 20,
            "stopping_condition_minimum_typicality": None,
        },
    }


@pytest.mark.parametrize(
    ("input_", "given"),
    [
        ("EMBEDDINGS", {"type": "DIVERSITY", "stopping_condition_minimum_distance": 2}),
        ("EMBEDDINGS", {"type": "DIVERSITY", "stopping_condition_minimum_distance": 0}),
        ("EMBEDDINGS", {"type": "DIVERSITY", "strength": -1e9}),
        ("SCORES", {"type": "WEIGHTS", "stopping_condition_max_sum": 1}),
        ("METADATA", {"type": "WEIGHTS", "target_range": {"min_sum": -5, "max_sum": "1e3"}}),
        ("METADATA", {"type": "WEIGHTS", "target_range.max_sum": 3}),
        ("METADATA", {"type": "THRESHOLD", "threshold": -3, "operation": "SMALLER_EQUAL"}),
        ("METADATA", {"type": "BALANCE", "target": {"sunny": 0.5, "rainy.night": 0.5}}),
        ("METADATA", {"type": "BALANCE", "target": {str(i): 0.1 for i in range(10)}}),
        ("METADATA", {"type": "BALANCE", "distribution": "INPUT"}),
        ("EMBEDDINGS", {"type": "TYPICALITY", "num_nearest_neighbors": 2}),
        ("EMBEDDINGS", {"type": "TYPICALITY", "stopping_condition_minimum_typicality": 1}),
    ],
)
def test_strategies_take(input_, given):
    strategy = one(INPUTS[input_], given).strategies[0].strategy
    for key, value in given.items():
        if key in ("strength", "threshold", "num_nearest_neighbors", "target"):
            assert getattr(strategy, key) == value


@pytest.mark.parametrize(
    ("input_", "given", "key", "message"),
    [
        ("EMBEDDINGS", {"stopping_condition_minimum_distance": 2.1}, None, "a number in [0, 2] or null"),
        ("EMBEDDINGS", {"stopping_condition_minimum_distance": -0.1}, None, "a number in [0, 2] or null"),
        ("EMBEDDINGS", {"strength": 1.1e9}, None, "a number in [-1000000000, 1000000000]"),
        ("EMBEDDINGS", {"strength": float("nan")}, None, "got nan"),
        ("EMBEDDINGS", {"strenght": 1}, None, "Did you mean 'strength'?"),
        ("SCORES", {"type": "WEIGHTS", "stopping_condition_max_sum": 0}, None, "a number > 0"),
        ("SCORES", {"type": "WEIGHTS", "target_range": {}}, None, "give min_sum, max_sum or both"),
        (
            "SCORES",
            {"type": "WEIGHTS", "target_range": {"min_sum": 2, "max_sum": 1}},
            None,
            "is above max_sum 1",
        ),
        ("SCORES", {"type": "THRESHOLD", "threshold": 1}, "operation", "missing. Allowed here: 'SMALLER' or"),
        (
            "SCORES",
            {"type": "THRESHOLD", "threshold": 1, "operation": "BIGER"},
            "operation",
            "Did you mean 'BIGGER'?",
        ),
        ("METADATA", {"type": "BALANCE"}, "", "give target {category: share}, or distribution"),
        (
            "METADATA",
            {"type": "BALANCE", "target": {"a": 0.7, "b": 0.4}},
            "target",
            "the shares sum to 1.1, above 1",
        ),
        ("METADATA", {"type": "BALANCE", "target": {"a": -0.1}}, None, "the share of 'a' is negative: -0.1"),
        ("METADATA", {"type": "BALANCE", "target": {}}, None, "{category: share}"),
        ("METADATA", {"type": "BALANCE", "target": {"a": "much"}}, None, "{category: share}"),
        ("METADATA", {"type": "BALANCE", "target": {True: 0.5}}, None, "put its name in quotes"),
        ("METADATA", {"type": "BALANCE", "target": {1: 0.5, "1": 0.5}}, None, "a category is named twice"),
        (
            "METADATA",
            {"type": "BALANCE", "distribution": "INPUT", "target": {"a": 1}},
            "",
            "distribution 'INPUT' and a target are both given",
        ),
        ("EMBEDDINGS", {"type": "TYPICALITY", "num_nearest_neighbors": 1}, None, "a whole number >= 2"),
        ("EMBEDDINGS", {"type": "TYPICALITY", "stopping_condition_minimum_typicality": 0}, None, "in (0, 1]"),
    ],
)
def test_strategies_refuse(input_, given, key, message):
    kind = given.get("type", "DIVERSITY")
    line = problem(INPUTS[input_], {"type": kind, **given})
    key = next(name for name in given if name != "type") if key is None else key
    assert line.startswith(f"selection_config.strategies[0].strategy.{key}".rstrip("."))
    assert f"({kind})" in line
    assert message in line


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"type": "SCORES", "task": "t"}, "score (SCORES)", "missing"),
        ({"type": "SCORES", "task": "", "score": "s"}, "task (SCORES)", "text, not empty"),
        ({"type": "PREDICTIONS", "task": "t", "name": "COUNT"}, "name (PREDICTIONS)", "'CATEGORY_COUNT'"),
        ({**INPUTS["PREDICTIONS"], "categories": []}, "categories (PREDICTIONS)", "at least one"),
        ({**INPUTS["PREDICTIONS"], "categories": ["a", "a"]}, "categories (PREDICTIONS)", "different texts"),
        ({**INPUTS["PREDICTIONS"], "categories": "abc"}, "categories (PREDICTIONS)", "different texts"),
        ({"type": "METADATA"}, "key (METADATA)", "missing"),
        ({"type": "RANDOM", "random_seed": 0.5}, "random_seed (RANDOM)", "a whole number"),
        ({"type": "EMBEDDING"}, "type", "Did you mean 'EMBEDDINGS'?"),
        ({}, "type", "missing (got {}). Allowed here: 'EMBEDDINGS' or 'SCORES'"),
        ({"type": "METADATA", "key": "k", "keys": 1}, "keys (METADATA)", "Did you mean 'key'?"),
    ],
)
def test_inputs_refuse(given, path, message):
    line = problem(given, STRATEGIES["WEIGHTS"])
    assert line.startswith(f"selection_config.strategies[0].input.{path}: ")
    assert message in line


def test_a_whole_number_as_category_is_written_out():
    config = one(INPUTS["METADATA"], {"type": "BALANCE", "target": {1: 0.25, 2: 0.75}})
    assert config.strategies[0].strategy.target == {"1": 0.25, "2": 0.75}


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ({}, "no size is given; give n_samples"),
        ({"n_samples": 5, "proportion_samples": 0.5}, "n_samples and proportion_samples are both given"),
        ({"n_samples": 0}, r"n_samples: not allowed \(got 0\)"),
        ({"n_samples": 0.5}, "for a share use proportion_samples"),
        ({"n_samples": True}, r"n_samples: not allowed \(got True\)"),
        ({"proportion_samples": 0}, r"a number in \(0, 1\]"),
        ({"proportion_samples": 1.1}, r"a number in \(0, 1\]"),
        ({"n_samples": 1, "strategies": []}, "at least one"),
        ({"n_samples": 1, "strategies": {"input": {}}}, "a list of {input, strategy}"),
    ],
)
def test_sizes_and_lists_refused(size, message):
    with pytest.raises(ConfigError, match=message):
        SelectionConfig(**size)


def test_what_is_no_strategy_is_named_by_index():
    with pytest.raises(ConfigError, match=r"strategies\[0\]: not allowed \(got 5\). Allowed here: a mapping"):
        SelectionConfig(n_samples=1, strategies=[5])


def test_dotted_keys_inside_a_strategy():
    dotted = {"input.type": "EMBEDDINGS", "strategy.type": "DIVERSITY", "strategy.strength": 2}
    nested = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY", "strength": 2}}
    assert SelectionConfig(n_samples=1, strategies=[dotted]) == SelectionConfig(
        n_samples=1, strategies=(nested,)
    )


def test_without_strategies_it_is_facility_location_on_embeddings():
    assert SelectionConfig(n_samples=50) == default_selection(50)
    assert to_dict(default_selection(proportion_samples=0.5, minimum_distance=0.1)) == {
        "proportion_samples": 0.5,
        "strategies": [
            {
                "input": {"type": "EMBEDDINGS"},
                "strategy": {
                    "type": "FACILITY_LOCATION",
                    "strength": 1.0,
                    "stopping_condition_minimum_distance": 0.1,
                },
            }
        ],
    }


def test_default_selection_needs_one_size():
    with pytest.raises(ConfigError, match="no size is given"):
        default_selection(minimum_distance=0.1)
    with pytest.raises(ConfigError, match="both given"):
        default_selection(5, 0.5)
