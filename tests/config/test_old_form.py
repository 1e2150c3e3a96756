"""The old form of a selection, inside worker_config."""

import pytest

from lightly_nb.config import SelectionConfig, WorkerConfig, from_yaml, parse_configs, to_yaml
from lightly_nb.config.parsing import Configs
from lightly_nb.errors import ConfigError

DIVERSITY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
RANDOM = {"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}


def scores(task, score):
    return {"input": {"type": "SCORES", "task": task, "score": score}, "strategy": {"type": "WEIGHTS"}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"method": "coreset", "stopping_condition.n_samples": 50},
            {"n_samples": 50, "strategies": [DIVERSITY]},
        ),
        ({"stopping_condition": {"n_samples": 0.1}}, {"proportion_samples": 0.1, "strategies": [DIVERSITY]}),
        ({"stopping_condition": {"n_samples": 1.0}}, {"proportion_samples": 1.0, "strategies": [DIVERSITY]}),
        ({"method": "random", "stopping_condition.n_samples": 1}, {"n_samples": 1, "strategies": [RANDOM]}),
        (
            {"method": "coreset", "stopping_condition": {"n_samples": 9, "min_distance": 0.2}},
            {
                "n_samples": 9,
                "strategies": [
                    {
                        "input": {"type": "EMBEDDINGS"},
                        "strategy": {"type": "DIVERSITY", "stopping_condition_minimum_distance": 0.2},
                    }
                ],
            },
        ),
        (
            {"stopping_condition": {"min_distance": 0.2}},
            {
                "proportion_samples": 1.0,
                "strategies": [
                    {
                        "input": {"type": "EMBEDDINGS"},
                        "strategy": {"type": "DIVERSITY", "stopping_condition_minimum_distance": 0.2},
                    }
                ],
            },
        ),
        (
            {"stopping_condition.n_samples": 5, "active_learning.task_name": "cars"},
            {"n_samples": 5, "strategies": [DIVERSITY, scores("cars", "uncertainty_margin")]},
        ),
        (
            {
                "method": "coral",
                "stopping_condition.n_samples": 5,
                "active_learning": {"task_name": "cars", "score_name": "uncertainty_entropy"},
            },
            {"n_samples": 5, "strategies": [DIVERSITY, scores("cars", "uncertainty_entropy")]},
        ),
        (
            {"method": "coral", "stopping_condition.n_samples": 5, "pretagging": True},
            {"n_samples": 5, "strategies": [DIVERSITY, scores("lightly_pretagging", "object_frequency")]},
        ),
        (
            {"scorer": "uncertainty-entropy", "stopping_condition.n_samples": 5, "pretagging": True},
            {"n_samples": 5, "strategies": [DIVERSITY, scores("lightly_pretagging", "uncertainty_entropy")]},
        ),
    ],
)
def test_the_old_form_is_translated(old, new):
    configs = parse_configs(old)
    assert configs.selection == SelectionConfig(**new)
    kept = {key: value for key, value in old.items() if key in ("pretagging",)}
    assert configs.worker == WorkerConfig(**kept)


@pytest.mark.parametrize(
    ("old", "key"),
    [
        ({"method": "coreset", "stopping_condition.n_samples": 5}, "method"),
        ({"method": "coreset"}, "method"),
        ({"stopping_condition.min_distance": 0.1}, "stopping_condition"),
        ({"active_learning.task_name": "t"}, "active_learning"),
    ],
)
def test_both_forms_at_once_are_refused(old, key):
    with pytest.raises(
        ConfigError, match=rf"worker_config\.{key}: the old form .* and selection_config are both given"
    ):
        parse_configs(old, None, {"n_samples": 5})


@pytest.mark.parametrize(
    ("old", "message"),
    [
        ({"method": "random"}, r"worker_config\.stopping_condition: no size is given"),
        (
            {"method": "random", "stopping_condition": {"n_samples": 5, "min_distance": 0.1}},
            "method 'random' knows no distance",
        ),
        (
            {"method": "coral", "stopping_condition.n_samples": 5},
            "give active_learning.task_name or set pretagging",
        ),
        (
            {"stopping_condition.n_samples": 5, "active_learning.score_name": "s"},
            r"worker_config\.active_learning\.task_name: missing",
        ),
        (
            {
                "stopping_condition.n_samples": 5,
                "active_learning.task_name": "t",
                "scorer": "uncertainty-margin",
                "pretagging": True,
            },
            r"worker_config\.scorer: .* give one of them",
        ),
    ],
)
def test_an_old_form_that_contradicts_itself_is_refused(old, message):
    with pytest.raises(ConfigError, match=message):
        parse_configs(old)


def test_a_translated_run_can_be_repeated_from_its_yaml():
    configs = parse_configs({"method": "random", "stopping_condition.n_samples": 5}, {"seed": 7})
    assert from_yaml(to_yaml(configs), Configs) == configs


def test_nothing_given_selects_nothing():
    configs = parse_configs()
    assert configs.selection is None
    assert from_yaml(to_yaml(configs), Configs) == configs


def test_n_samples_must_be_a_multiple_of_the_sequence_length():
    off = {"enable_corruptness_check": False, "remove_exact_duplicates": False, "selected_sequence_length": 4}
    assert parse_configs(off, None, {"n_samples": 8}).selection.n_samples == 8
    with pytest.raises(ConfigError, match=r"not a multiple .* 4 \(got 10\)\. Nearest below: 8"):
        parse_configs(off, None, {"n_samples": 10})
