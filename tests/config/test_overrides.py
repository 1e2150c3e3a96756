"""`key=value` arguments of the command line."""

import pytest

from lightly_nb.config import parse_configs, parse_overrides
from lightly_nb.errors import ConfigError


@pytest.mark.parametrize(
    ("argument", "worker", "lightly", "selection"),
    [
        ("enable_training=true", {"enable_training": True}, {}, {}),
        ("worker.decode=fast", {"decode": "fast"}, {}, {}),
        ("worker_config.decode=fast", {"decode": "fast"}, {}, {}),
        ("worker.worker_id=MY_ID", {"worker": {"worker_id": "MY_ID"}}, {}, {}),
        ("worker.force_start=false", {"worker": {"force_start": False}}, {}, {}),
        ("worker.worker.worker_id=x", {"worker": {"worker_id": "x"}}, {}, {}),
        ("object_level.task_name=cars", {"object_level": {"task_name": "cars"}}, {}, {}),
        ("output_image_size=[480, 640]", {"output_image_size": [480, 640]}, {}, {}),
        ("lightly.trainer.max_epochs=2", {}, {"trainer": {"max_epochs": 2}}, {}),
        ("lightly_config.seed=3", {}, {"seed": 3}, {}),
        ("lightly.optimizer.lr=1e-5", {}, {"optimizer": {"lr": "1e-5"}}, {}),
        ("n_samples=50", {}, {}, {"n_samples": 50}),
        ("proportion_samples=0.5", {}, {}, {"proportion_samples": 0.5}),
        ("selection.n_samples=50", {}, {}, {"n_samples": 50}),
        ("selection_config.n_samples=50", {}, {}, {"n_samples": 50}),
        ("checkpoint=", {"checkpoint": ""}, {}, {}),
        ("checkpoint='a b.ckpt'", {"checkpoint": "a b.ckpt"}, {}, {}),
        ("checkpoint=a=b.ckpt", {"checkpoint": "a=b.ckpt"}, {}, {}),
        ("run_directory=2026-01-31", {"run_directory": "2026-01-31"}, {}, {}),
        ("token=0123", {"token": "0123"}, {}, {}),
        ("token=1e5", {"token": "1e5"}, {}, {}),
        ("datapool.name=no", {"datapool": {"name": "no"}}, {}, {}),
        ("stopping_condition.n_samples=0.1", {"stopping_condition": {"n_samples": 0.1}}, {}, {}),
        ("method=null", {"method": None}, {}, {}),
    ],
)
def test_each_key_finds_its_home(argument, worker, lightly, selection):
    assert parse_overrides([argument]) == (worker, lightly, selection)


def test_strategies_as_yaml_and_json():
    flow = "selection.strategies=[{input: {type: EMBEDDINGS}, strategy: {type: DIVERSITY, strength: 2}}]"
    json = 'strategies=[{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY", "strength": 2}}]'
    assert parse_overrides([flow]) == parse_overrides([json])
    configs = parse_configs(*parse_overrides([flow, "n_samples=5"]))
    assert configs.selection.strategies[0].strategy.strength == 2


def test_later_overrides_win_and_sections_grow():
    worker, lightly, _ = parse_overrides(
        [
            "lightly.trainer.gpus=0",
            "lightly.trainer.max_epochs=2",
            "lightly.trainer.max_epochs=3",
            "decode=fast",
        ]
    )
    assert lightly == {"trainer": {"gpus": 0, "max_epochs": 3}}
    assert worker == {"decode": "fast"}


def test_overrides_of_the_whole_chain():
    configs = parse_configs(
        *parse_overrides(["enable_training=true", "lightly.optimizer.lr=1e-5", "n_samples=50"])
    )
    assert configs.worker.enable_training is True
    assert configs.lightly.optimizer.lr == 1e-5
    assert configs.selection.n_samples == 50


@pytest.mark.parametrize("argument", ["enable_training", "=3", "  =3"])
def test_what_is_no_override_is_refused(argument):
    with pytest.raises(ConfigError, match=r"not an override\. Write key=value"):
        parse_overrides([argument])


def test_bad_yaml_names_the_key():
    with pytest.raises(ConfigError, match=r"selection_config\.strategies: not valid YAML at line 1"):
        parse_overrides(["selection.strategies=[{a: 1"])


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("trainer.max_epochs=2", r"worker_config\.trainer: unknown key .* It is a key of lightly_config"),
        ("enable_trainning=true", "Did you mean 'enable_training'"),
        ("worker.worker_idd=3", "Did you mean 'worker.worker_id'"),
        ("lightly.trainer.max_epoch=3", "Did you mean 'max_epochs'"),
    ],
)
def test_typos_in_overrides_are_explained(argument, message):
    with pytest.raises(ConfigError, match=message):
        parse_configs(*parse_overrides([argument]))
