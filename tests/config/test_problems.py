"""What the errors say."""

import pickle
import re

import pytest

from lightly_nb.config import LightlyConfig, SelectionConfig, WorkerConfig, describe, parse, parse_configs
from lightly_nb.config.parsing import MODELS
from lightly_nb.errors import ConfigError, Problem


def lines(model, value, **where):
    with pytest.raises(ConfigError) as caught:
        parse(model, value, **where)
    return str(caught.value).splitlines()


def test_a_typo_names_path_value_suggestion_and_what_is_allowed():
    assert lines(LightlyConfig, {"trainer": {"max_epoch": 5}}) == [
        "lightly_config.trainer.max_epoch: unknown key (got 5). Did you mean 'max_epochs'?"
        " Allowed here: gpus, max_epochs, precision"
    ]


@pytest.mark.parametrize(
    ("model", "key", "suggestion"),
    [
        (LightlyConfig, "loader.batchsize", "batch_size"),
        (LightlyConfig, "loader.BATCH_SIZE", "batch_size"),
        (LightlyConfig, "loader.batch-size", "batch_size"),
        (LightlyConfig, "trainr.max_epochs", "trainer.max_epochs"),
        (LightlyConfig, "max_epochs", "trainer.max_epochs"),
        (LightlyConfig, "batch_size", "loader.batch_size"),
        (WorkerConfig, "enable_trainning", "enable_training"),
        (WorkerConfig, "object_level.taskname", "task_name"),
        (WorkerConfig, "worker_id", "worker.worker_id"),
        (SelectionConfig, "n_sample", "n_samples"),
        (SelectionConfig, "strategy", "strategies"),
    ],
)
def test_typos_are_suggested(model, key, suggestion):
    found = [
        line
        for line in lines(model, {key: 3})
        if line.startswith(f"{model.WHERE}.{key}: unknown key (got 3)")
    ]
    assert len(found) == 1
    assert f"Did you mean '{suggestion}'?" in found[0]


def test_nothing_is_suggested_for_what_is_like_nothing():
    (line,) = lines(LightlyConfig, {"zzz": 1})
    assert "Did you mean" not in line
    assert "Allowed here: loader, model" in line


def test_a_near_choice_is_suggested():
    (line,) = lines(LightlyConfig, {"model.name": "resnet18"})
    assert "(got 'resnet18'). Did you mean 'resnet-18'?" in line


def test_all_problems_are_told_at_once():
    given = {"trainer": {"max_epoch": 5, "precision": 8}, "seed": -1, "optimizer.lr": "high"}
    assert [line.split(":")[0] for line in sorted(lines(LightlyConfig, given))] == [
        "lightly_config.optimizer.lr",
        "lightly_config.seed",
        "lightly_config.trainer.max_epoch",
        "lightly_config.trainer.precision",
    ]


def test_problems_of_all_three_configs_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        parse_configs({"decode": "slow"}, {"seed": -1}, {"n_samples": 0})
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "worker_config.decode",
        "lightly_config.seed",
        "selection_config.n_samples",
    ]


@pytest.mark.parametrize(
    ("worker", "home"),
    [({"trainer.max_epochs": 1}, "lightly_config"), ({"n_samples": 5}, "selection_config")],
)
def test_a_key_of_another_config_is_sent_home(worker, home):
    with pytest.raises(ConfigError, match=rf"unknown key .* It is a key of {home}\."):
        parse_configs(worker)


def test_the_caller_names_the_configuration():
    (line,) = lines(LightlyConfig, {"seed": -1}, where="my.yaml")
    assert line.startswith("my.yaml.seed: not allowed (got -1)")


def test_long_values_are_shortened():
    (line,) = lines(LightlyConfig, {"sed": ["x" * 50] * 50})
    assert len(line) < 400


@pytest.mark.parametrize("value", [5, ["a"], True, "just text", "- 1\n- 2"])
def test_what_is_no_configuration_at_all_is_refused(value):
    (line,) = lines(LightlyConfig, value)
    assert line.startswith("lightly_config: not allowed (got ")
    assert "path of a .yaml file" in line


def test_keys_must_be_text():
    assert lines(LightlyConfig, {3: 1}) == ["lightly_config: keys must be text, got 3"]
    assert lines(LightlyConfig, {"trainer": {3: 1}}) == ["lightly_config.trainer: keys must be text, got 3"]


@pytest.mark.parametrize(
    "given",
    [
        {"trainer": {"max_epochs": 1}, "trainer.max_epochs": 2},
        {"trainer.max_epochs": 2, "trainer": {"max_epochs": 2}},
    ],
)
def test_the_same_key_nested_and_dotted_is_refused(given):
    assert lines(LightlyConfig, given) == [
        "lightly_config: 'trainer.max_epochs' is given twice, once nested and once dotted; give it once"
    ]


def test_nested_and_dotted_keys_mix():
    mixed = parse(LightlyConfig, {"trainer": {"gpus": 0}, "trainer.max_epochs": 2, "loader.batch_size": 4})
    assert mixed == parse(
        LightlyConfig, {"trainer": {"gpus": 0, "max_epochs": 2}, "loader": {"batch_size": 4}}
    )


def test_made_directly_it_explains_itself_too():
    with pytest.raises(
        ConfigError, match=r"worker_config\.decod: unknown key \(got 'fast'\)\. Did you mean 'decode'"
    ):
        WorkerConfig(decod="fast")


def problems_of(**configs):
    with pytest.raises(ConfigError) as caught:
        parse_configs(**configs)
    return caught.value


def is_key_path(path):
    """Whether each part of a path is a key of its section; the last one may be a typo."""
    where, *parts = re.findall(r"\w+|\[\d+\]", path)
    sections = (MODELS[where],)
    for part in parts[:-1]:
        if not part.startswith("["):
            (field,) = {id(f): f for s in sections if (f := s.model_fields.get(part))}.values()
            sections = describe.sections(field.annotation)
    return True


STRATEGY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
SCORED = {"input": {"type": "SCORES", "task": "t", "score": "s"}}


@pytest.mark.parametrize(
    ("configs", "keys"),
    [
        ({"lightly_config": {"trainer": {"max_epoch": 5}}}, ["lightly_config.trainer.max_epoch"]),
        ({"lightly_config": {"trainr": 5}}, ["lightly_config.trainr"]),
        ({"lightly_config": {3: 1}}, ["lightly_config"]),
        ({"lightly_config": "seed: ["}, ["lightly_config"]),
        (
            {"worker_config": {"checkpoint": "a", "checkpoint_run_id": "b"}},
            ["worker_config.checkpoint", "worker_config.checkpoint_run_id"],
        ),
        (
            {"worker_config": {"method": "coreset", "stopping_condition": {}}},
            ["worker_config.stopping_condition"],
        ),
        ({"selection_config": {}, "worker_config": {"decode": 1}}, ["worker_config.decode"]),
        (
            {"selection_config": {"n_samples": 1, "proportion_samples": 0.1}},
            ["selection_config.n_samples", "selection_config.proportion_samples"],
        ),
        (
            {"selection_config": {"n_samples": 3}, "worker_config": {"selected_sequence_length": 2}},
            [
                f"worker_config.{key}"
                for key in (
                    "selected_sequence_length",
                    "enable_corruptness_check",
                    "remove_exact_duplicates",
                )
            ],
        ),
        (
            {"selection_config": {"n_samples": 1, "strategies": [{**STRATEGY, "strategy": {"type": "DIV"}}]}},
            ["selection_config.strategies[0].strategy.type"],
        ),
        (
            {
                "selection_config": {
                    "n_samples": 1,
                    "strategies": [STRATEGY, {**SCORED, "strategy": {"type": "THRESHOLD", "treshold": 1}}],
                }
            },
            [
                f"selection_config.strategies[1].strategy.{key}"
                for key in ("threshold", "operation", "treshold")
            ],
        ),
        (
            {
                "selection_config": {
                    "n_samples": 1,
                    "strategies": [{**STRATEGY, "strategy": {"type": "SIMILARITY"}}],
                }
            },
            ["selection_config.strategies[0].input.tag_name"],
        ),
        (
            {"worker_config": {"decode": "slow"}, "lightly_config": {"seed": -1, "optimizer.lr": "high"}},
            ["worker_config.decode", "lightly_config.optimizer.lr", "lightly_config.seed"],
        ),
    ],
)
def test_every_problem_has_the_path_of_its_key(configs, keys):
    error = problems_of(**configs)
    assert sorted(problem.key for problem in error.problems) == sorted(keys)
    assert all(is_key_path(key) for key in keys)
    said = str(error).splitlines()
    for problem in error.problems:
        assert any(line.endswith(f": {problem.text}") for line in said)
    assert len({problem.text for problem in error.problems}) == len(said), "each line is there"


def test_the_problems_of_an_error_survive_being_sent_to_another_process():
    error = problems_of(worker_config={"decode": "slow"}, lightly_config={"seed": -1})
    again = pickle.loads(pickle.dumps(error))
    assert (again.problems, str(again)) == (error.problems, str(error))


def test_an_error_of_no_key_is_one_problem():
    assert ConfigError("no").problems == (Problem("", "no"),)
    assert str(ConfigError.at("worker_config.decode", "no")) == "worker_config.decode: no"
