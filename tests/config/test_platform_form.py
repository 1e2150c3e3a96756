"""Forms of the platform's client 1.5.26: each accepted, or refused by the name of its key."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest

from lightly_nb.config import LightlyConfig, SelectionConfig, WorkerConfig, parse, parse_configs
from lightly_nb.errors import ConfigError

EMBEDDINGS, DIVERSITY = {"type": "EMBEDDINGS"}, {"type": "DIVERSITY"}
STRATEGIES = [{"input": EMBEDDINGS, "strategy": DIVERSITY}]
ALL_OF_INPUT = dict.fromkeys(
    ("task", "score", "key", "name", "dataset_id", "tag_name", "random_seed", "categories")
)
ALL_OF_STRATEGY = dict.fromkeys(
    (
        *("stopping_condition_minimum_distance", "threshold", "operation", "target", "strength"),
        *("num_nearest_neighbors", "stopping_condition_minimum_typicality", "stopping_condition_max_sum"),
        *("target_range", "distribution"),
    )
)


class Kind(StrEnum):
    """As the generated models of that client have it."""

    EMBEDDINGS = "EMBEDDINGS"
    DIVERSITY = "DIVERSITY"


def one(source: dict[str, Any], strategy: dict[str, Any]) -> SelectionConfig:
    return parse(SelectionConfig, {"n_samples": 5, "strategies": [{"input": source, "strategy": strategy}]})


@pytest.mark.parametrize(
    ("model", "camel", "ours"),
    [
        (WorkerConfig, {"enableTraining": True}, {"enable_training": True}),
        (WorkerConfig, {"objectLevel.taskName": "cars"}, {"object_level.task_name": "cars"}),
        (WorkerConfig, {"objectLevel": {"taskName": "cars"}}, {"object_level": {"task_name": "cars"}}),
        (WorkerConfig, {"datasource": {"processAll": True}}, {"datasource.process_all": True}),
        (LightlyConfig, {"trainer": {"maxEpochs": 3}}, {"trainer.max_epochs": 3}),
        (LightlyConfig, {"checkpointCallback.saveLast": False}, {"checkpoint_callback.save_last": False}),
        (
            SelectionConfig,
            {"proportionSamples": 0.5, "strategies": STRATEGIES},
            {"proportion_samples": 0.5, "strategies": STRATEGIES},
        ),
    ],
)
def test_camel_case_means_the_same(model: Any, camel: dict[str, Any], ours: dict[str, Any]) -> None:
    assert parse(model, camel) == parse(model, ours)


@pytest.mark.parametrize(
    ("source", "strategy"),
    [
        (
            EMBEDDINGS,
            {"type": "TYPICALITY", "numNearestNeighbors": 7, "stoppingConditionMinimumTypicality": 0.5},
        ),
        ({"type": "METADATA", "key": "a.b"}, {"type": "WEIGHTS", "stoppingConditionMaxSum": 5}),
        ({"type": "METADATA", "key": "a.b"}, {"type": "WEIGHTS", "targetRange": {"minSum": 1, "maxSum": 5}}),
        ({"type": "RANDOM", "randomSeed": -42}, {"type": "WEIGHTS"}),
        ({"type": "EMBEDDINGS", "datasetId": "x", "tagName": "initial-tag"}, {"type": "SIMILARITY"}),
    ],
)
def test_camel_case_inside_a_strategy(source: dict[str, Any], strategy: dict[str, Any]) -> None:
    chosen = one(source, strategy).strategies[0]
    given = {*source, *strategy} - {"type", "key"}
    assert len(given) == len(
        (chosen.input.model_fields_set | chosen.strategy.model_fields_set) - {"type", "key"}
    )


def test_a_key_in_both_spellings_is_refused() -> None:
    with pytest.raises(ConfigError, match="'enable_training' is given twice, once as 'enableTraining'"):
        parse(WorkerConfig, {"enableTraining": True, "enable_training": True})
    with pytest.raises(ConfigError, match=r"worker_config\.enableTrainin: unknown key .* 'enable_training'"):
        parse(WorkerConfig, {"enableTrainin": True})


def test_null_is_not_given() -> None:
    assert parse(WorkerConfig, dict.fromkeys(("checkpoint", "datasource", "cache_size"))) == WorkerConfig()
    assert parse(LightlyConfig, {"trainer": {"max_epochs": None}, "loader": None}) == LightlyConfig()
    chosen = one({**EMBEDDINGS, **ALL_OF_INPUT}, {**DIVERSITY, **ALL_OF_STRATEGY})
    assert chosen == SelectionConfig(n_samples=5, strategies=STRATEGIES)
    balanced = one(
        {**ALL_OF_INPUT, "type": "METADATA", "key": "weather"},
        {**ALL_OF_STRATEGY, "type": "BALANCE", "target": {"sunny": 0.5}},
    )
    assert balanced.strategies[0].strategy.distribution == "TARGET"  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match=r"input\.key \(METADATA\): not allowed \(got None\)"):
        one({"type": "METADATA", "key": None}, {"type": "WEIGHTS"})
    with pytest.raises(ConfigError, match="enable_trainin: unknown key"):
        parse(WorkerConfig, {"enable_trainin": None})


def test_members_of_enums_are_their_texts() -> None:
    assert one({"type": Kind.EMBEDDINGS}, {"type": Kind.DIVERSITY}) == one(EMBEDDINGS, DIVERSITY)


def test_minus_one_samples_is_no_limit() -> None:
    assert SelectionConfig(n_samples=-1).proportion_samples == 1.0
    assert SelectionConfig(n_samples=-1, proportion_samples=0.2) == SelectionConfig(proportion_samples=0.2)
    assert parse(SelectionConfig, {"nSamples": -1, "strategies": STRATEGIES}).n_samples is None
    for wrong in (-2, 0, -1.5, True):
        with pytest.raises(ConfigError, match="n_samples: not allowed"):
            SelectionConfig(n_samples=wrong)


def test_embeddings_of_a_task_are_understood() -> None:
    assert one({**EMBEDDINGS, "task": "cars"}, DIVERSITY).strategies[0].input.task == "cars"  # type: ignore[union-attr]
    assert one({**EMBEDDINGS, "task": ""}, DIVERSITY) == one(EMBEDDINGS, DIVERSITY)


TILES = [{"type": "TILING", "name": "tiles", "num_rows": 2, "num_cols": 2}]
EXPIRY = {"min_days_to_expiration": 2, "handling_strategy": "SKIP"}


@pytest.mark.parametrize(
    ("configs", "said"),
    [
        (
            (None, None, {"auto_tasks": TILES}),
            r"selection_config\.auto_tasks: got .* no run here cuts images",
        ),
        ((None, None, {"autoTasks": TILES}), r"selection_config\.auto_tasks: got"),
        ((None, None, {"lightly_path_regex": "(.*)"}), r"lightly_path_regex: got .* upload_custom_metadata"),
        (({"training": {"task_name": "cars"}},), r"worker_config\.training: got .* trains on crops"),
        (({"datasource.input_expiration": EXPIRY},), r"worker_config\.datasource\.input_expiration: got"),
        (({"datasource": {"inputExpiration": EXPIRY}},), r"worker_config\.datasource\.input_expiration: got"),
    ],
)
def test_what_no_run_does_is_refused_by_name(configs: tuple[Any, ...], said: str) -> None:
    worker, lightly, selection = (*configs, None, None)[:3]
    given = None if selection is None else {"n_samples": 5, "strategies": STRATEGIES, **selection}
    with pytest.raises(ConfigError, match=said):
        parse_configs(worker, lightly, given)


def test_what_no_run_does_may_be_empty() -> None:
    empty = {"auto_tasks": [], "lightly_path_regex": None}
    assert parse(SelectionConfig, {"n_samples": 5, **empty}) == SelectionConfig(n_samples=5)
    assert parse(WorkerConfig, {"crops": {}, "training": None}) == WorkerConfig()


def test_a_key_of_another_type_is_named() -> None:
    with pytest.raises(
        ConfigError, match=r"input\.score \(EMBEDDINGS\): got 'x', but it is a key of another"
    ):
        one({**EMBEDDINGS, "score": "x"}, DIVERSITY)
    with pytest.raises(ConfigError, match=r"strategy\.threshold \(DIVERSITY\): got 3, but it is a key of"):
        one(EMBEDDINGS, {**DIVERSITY, "threshold": 3})
