"""dict -> config -> YAML -> config, exactly."""

import copy
import json
import pickle
from typing import Literal, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightly_nb.config import (
    LightlyConfig,
    SelectionConfig,
    WorkerConfig,
    describe,
    from_yaml,
    parse,
    parse_configs,
    to_dict,
    to_yaml,
)
from lightly_nb.config.parsing import Configs
from lightly_nb.config.problems import dotted_keys
from lightly_nb.errors import ConfigError

floats = st.floats(allow_nan=False, allow_infinity=False)
ordered_pairs = st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)).map(sorted)
SPECIAL = {
    "collate.sigmas": ordered_pairs,
    "collate.rr_degrees": st.none() | ordered_pairs | st.floats(0, 360),
    "model.method": st.text(min_size=1),
    "model.name": st.sampled_from(["resnet-9", "resnet-152", "efficientnet-lite0", "timm/vit_tiny.in21k"]),
    "active_learning.score_name": st.text(min_size=1),
    "relevant_filenames_file": st.sampled_from(["", ".lightly/ä b.txt"]),
    "run_directory": st.sampled_from(["", "a/b", "2026-01-31", "null", "0123"]),
    "output_image_size": st.just(-1) | st.integers(1) | st.lists(st.integers(1), min_size=2, max_size=2),
    "stopping_condition.n_samples": st.just(-1) | st.integers(1) | st.floats(0, 1, exclude_min=True),
    "stopping_condition.min_distance": st.just(-1.0) | st.floats(0, 2),
    "num_processes": st.just(-1) | st.integers(1),
    "num_threads": st.just(-1) | st.integers(1),
    "token": st.just(""),
}


def values_of(key, field):
    if key in SPECIAL:
        return SPECIAL[key]
    part = describe.members(field.annotation)[0]
    if part is bool:
        return st.booleans()
    if part is str:
        return st.text()
    if get_origin(part) is Literal:
        return st.sampled_from(describe.choices(field))
    limits = {}
    for note in field.metadata:
        for short, name in (("ge", "min_value"), ("gt", "min_value"), ("le", "max_value")):
            if hasattr(note, short):
                limits[name] = getattr(note, short)
                if short == "gt":
                    limits["exclude_min"] = True
    if part is int:
        return st.integers(**limits)
    return st.floats(**limits, allow_nan=False, allow_infinity=False)


def given_values(model):
    fields = dict(dotted_keys(model))
    return st.fixed_dictionaries({}, optional={key: values_of(key, field) for key, field in fields.items()})


def without_contradictions(values):
    """Return worker keys that are allowed together, not only one by one."""
    left_out = {
        "checkpoint_run_id",
        "enable_training",
        *(("checkpoint", "embeddings") if values.get("model") else ()),
    }
    if not values.get("pretagging"):
        left_out |= {"pretagging_debug", "pretagging_upload"}
    if values.get("object_level.task_name"):
        left_out |= {"embeddings", "use_datapool", "datapool.name"}
    else:
        left_out |= {"crops.enable_upload"}
    values = {key: value for key, value in values.items() if key not in left_out}
    if values.get("selected_sequence_length", 1) > 1:
        return {**values, "enable_corruptness_check": False, "remove_exact_duplicates": False}
    return values


def assert_round_trip(config):
    model = type(config)
    assert from_yaml(to_yaml(config), model) == config
    assert model(**json.loads(json.dumps(to_dict(config)))) == config
    assert to_dict(from_yaml(to_yaml(config), model)) == to_dict(config)
    assert pickle.loads(pickle.dumps(config)) == config == copy.deepcopy(config)


def of_one_backbone(values):
    """Return lightly keys of a ResNet alone, or of a pretrained backbone alone."""
    is_resnet = values.get("model.name", "resnet-18").startswith("resnet")
    others = ("model.frozen_layers",) if is_resnet else ("model.num_ftrs", "model.width")
    return {key: value for key, value in values.items() if key not in others}


@settings(deadline=None)
@given(given_values(LightlyConfig).map(of_one_backbone))
def test_lightly(values):
    config = LightlyConfig(**values)
    assert_round_trip(config)
    for key, value in values.items():
        got = config
        for part in key.split("."):
            got = getattr(got, part)
        assert got == (tuple(value) if isinstance(value, list) else value)


@settings(deadline=None)
@given(given_values(WorkerConfig).map(without_contradictions))
def test_worker(values):
    assert_round_trip(WorkerConfig(**values))


names = st.text(min_size=1)
shares = st.dictionaries(names, st.floats(0, 1), min_size=1, max_size=5).map(
    lambda target: {key: share / max(1.0, sum(target.values())) for key, share in target.items()}
)
maybe = st.none
strength = {"strength": st.floats(-1e9, 1e9)}


def entry(inputs, required, optional=None):
    wanted = st.fixed_dictionaries(required, optional={**strength, **(optional or {})})
    return st.fixed_dictionaries({"input": inputs, "strategy": wanted})


embeddings = st.just({"type": "EMBEDDINGS"})
scores = st.fixed_dictionaries({"type": st.just("SCORES"), "task": names, "score": names})
metadata = st.fixed_dictionaries({"type": st.just("METADATA"), "key": names})
random = st.fixed_dictionaries(
    {"type": st.just("RANDOM")}, optional={"random_seed": st.integers(0, 2**32 - 1)}
)
predictions = st.fixed_dictionaries(
    {
        "type": st.just("PREDICTIONS"),
        "task": names,
        "name": st.sampled_from(["CLASS_DISTRIBUTION", "CATEGORY_COUNT"]),
    },
    optional={"categories": st.lists(names, min_size=1, unique=True)},
)
query = st.fixed_dictionaries(
    {"type": st.just("EMBEDDINGS"), "tag_name": names}, optional={"dataset_id": names}
)
sums = ordered_pairs.map(lambda pair: {"min_sum": pair[0], "max_sum": pair[1]})
entries = st.one_of(
    entry(
        embeddings,
        {"type": st.sampled_from(["DIVERSITY", "FACILITY_LOCATION"])},
        {"stopping_condition_minimum_distance": st.none() | st.floats(0, 2)},
    ),
    entry(
        scores | metadata | random,
        {"type": st.just("WEIGHTS")},
        {"stopping_condition_max_sum": st.floats(1e-9, 1e9), "target_range": sums},
    ),
    entry(
        scores | metadata,
        {
            "type": st.just("THRESHOLD"),
            "threshold": floats,
            "operation": st.sampled_from(["SMALLER", "SMALLER_EQUAL", "BIGGER", "BIGGER_EQUAL"]),
        },
    ),
    entry(predictions | metadata, {"type": st.just("BALANCE"), "target": shares}),
    entry(
        predictions | metadata,
        {"type": st.just("BALANCE"), "distribution": st.sampled_from(["UNIFORM", "INPUT"])},
    ),
    entry(query, {"type": st.just("SIMILARITY")}),
    entry(
        embeddings,
        {"type": st.just("TYPICALITY")},
        {
            "num_nearest_neighbors": st.integers(2),
            "stopping_condition_minimum_typicality": st.floats(0, 1, exclude_min=True),
        },
    ),
)
sizes = st.fixed_dictionaries({"n_samples": st.integers(1)}) | st.fixed_dictionaries(
    {"proportion_samples": st.floats(0, 1, exclude_min=True)}
)


@settings(deadline=None)
@given(sizes, st.lists(entries, min_size=1, max_size=4))
def test_selection(size, strategies):
    config = SelectionConfig(**size, strategies=strategies)
    assert_round_trip(config)
    written = to_dict(config)
    assert written | size == written
    for given_entry, kept in zip(strategies, written["strategies"], strict=True):
        for half in ("input", "strategy"):
            asked = {key: value for key, value in given_entry[half].items() if value is not None}
            assert kept[half] | asked == kept[half]


@pytest.mark.parametrize(
    "name", ["\x85", "a\u2028b", "\ufeff", "\r", "a\nb\n", "=", "null", "1e5", "0123", " a ", "é\u0085 x"]
)
def test_odd_names_survive_yaml(name):
    assert_round_trip(WorkerConfig(**{"object_level.task_name": name}))
    target = {"type": "BALANCE", "target": {name: 0.5}}
    assert_round_trip(
        SelectionConfig(
            n_samples=1, strategies=[{"input": {"type": "METADATA", "key": name}, "strategy": target}]
        )
    )


def test_all_three_through_one_file(tmp_path):
    configs = parse_configs({"decode": "fast"}, {"trainer.max_epochs": 2}, {"n_samples": 5})
    path = tmp_path / "configs ü.yaml"
    path.write_text(to_yaml(configs), encoding="utf-8")
    assert from_yaml(path, Configs) == configs
    with pytest.raises(ConfigError, match="Allowed here: worker_config, lightly_config, selection_config"):
        from_yaml("seed: 3", Configs)


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "A.YAML", "a.json"])
def test_files_by_path_or_name(tmp_path, name):
    path = tmp_path / name
    path.write_text('{"trainer": {"max_epochs": 2}}', encoding="utf-8")
    assert parse(LightlyConfig, path) == parse(LightlyConfig, str(path)) == from_yaml(path, LightlyConfig)
    assert parse(LightlyConfig, path).trainer.max_epochs == 2


def test_yaml_1_1_numbers_without_a_point():
    config = from_yaml("optimizer:\n  lr: 1e-5\n  weight_decay: 2E-3\n", LightlyConfig)
    assert (config.optimizer.lr, config.optimizer.weight_decay) == (1e-5, 2e-3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trainer: {", "lightly_config: not valid YAML at line 1"),
        ("seed: 1\nseed: 2\n", "lightly_config: not valid YAML at line 1, column 1: key 'seed' twice"),
        ("trainer:\n  gpus: 0\n  gpus: 1\n", "key 'gpus' twice"),
        ("seed: !!python/object/apply:os.system [echo]", "a tag or value that a configuration cannot have"),
    ],
)
def test_bad_yaml_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        from_yaml(text, LightlyConfig)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"lightly_config: cannot read .*none\.yaml: No such file"):
        parse(LightlyConfig, tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"seed: \xff")
    with pytest.raises(ConfigError, match="it is not UTF-8 text"):
        parse(LightlyConfig, tmp_path / "latin.yaml")


def test_parsing_changes_nothing_that_it_is_given():
    given_config = {"trainer": {"gpus": 0}, "trainer.max_epochs": 2, "collate": {"sigmas": [1, 2]}}
    before = copy.deepcopy(given_config)
    parse(LightlyConfig, given_config)
    assert given_config == before


def test_a_config_passes_through_as_it_is():
    config = LightlyConfig(seed=3)
    assert parse(LightlyConfig, config) is config
    with pytest.raises(ConfigError, match="a mapping of keys to values"):
        parse(WorkerConfig, config)
