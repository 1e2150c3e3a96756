"""Which values each kind of field takes, and which it refuses."""

from pathlib import Path

import numpy as np
import pytest

from lightly_nb.config import LightlyConfig, WorkerConfig, parse
from lightly_nb.errors import ConfigError


def value_of(config, key):
    for part in key.split("."):
        config = getattr(config, part)
    return config


@pytest.mark.parametrize(
    ("key", "given", "kept"),
    [
        ("loader.batch_size", np.int64(8), 8),
        ("loader.num_workers", 0, 0),
        ("loader.shuffle", np.bool_(False), False),
        ("model.width", 0.0625, 0.0625),
        ("model.width", 2, 2.0),
        ("trainer.precision", 16, 16),
        ("trainer.max_epochs", 0, 0),
        ("optimizer.lr", "1e-5", 1e-5),
        ("optimizer.lr", "6E2", 600.0),
        ("optimizer.lr", np.float32(0.5), 0.5),
        ("optimizer.weight_decay", 0, 0.0),
        ("collate.sigmas", [0, 3], (0.0, 3.0)),
        ("collate.sigmas", (1, 1), (1.0, 1.0)),
        ("collate.rr_degrees", 30, 30.0),
        ("collate.rr_degrees", [-10, "2e1"], (-10.0, 20.0)),
        ("collate.rr_degrees", None, None),
        ("checkpoint_callback.save_top_k", -1, -1),
        ("seed", 2**32 - 1, 2**32 - 1),
    ],
)
def test_lightly_takes(key, given, kept):
    got = value_of(LightlyConfig(**{key: given}), key)
    assert got == kept
    assert type(got) is type(kept)


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("loader.batch_size", 0),
        ("loader.batch_size", 16.0),
        ("loader.batch_size", "16"),
        ("loader.batch_size", True),
        ("loader.num_workers", -2),
        ("loader.shuffle", 1),
        ("loader.shuffle", "true"),
        ("model.name", "resnet-19"),
        ("model.name", 18),
        ("model.method", ""),
        ("model.width", 0),
        ("model.width", -1.0),
        ("trainer.gpus", -1),
        ("trainer.max_epochs", 2.5),
        ("trainer.max_epochs", -1),
        ("trainer.precision", 64),
        ("trainer.precision", 32.0),
        ("trainer.precision", "16"),
        ("criterion.temperature", 0),
        ("criterion.memory_bank_size", -1),
        ("optimizer.lr", 0),
        ("optimizer.lr", "fast"),
        ("optimizer.lr", "nan"),
        ("optimizer.lr", float("inf")),
        ("optimizer.lr", "1e999"),
        ("optimizer.lr", 10**400),
        ("optimizer.lr", True),
        ("optimizer.weight_decay", -1e-9),
        ("collate.cj_prob", 1.01),
        ("collate.cj_hue", 0.6),
        ("collate.min_scale", 0),
        ("collate.sigmas", [2, 0.2]),
        ("collate.sigmas", [-1, 2]),
        ("collate.sigmas", [1]),
        ("collate.sigmas", 1.0),
        ("collate.sigmas", "12"),
        ("collate.rr_degrees", -5),
        ("collate.rr_degrees", [20, 10]),
        ("checkpoint_callback.save_top_k", -2),
        ("seed", -1),
        ("seed", 2**32),
        ("trainer", 5),
        ("trainer", [1]),
    ],
)
def test_lightly_refuses(key, given):
    with pytest.raises(ConfigError) as caught:
        LightlyConfig(**{key: given})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"lightly_config.{key}: not allowed (got ")
    assert "Allowed here: " in line


@pytest.mark.parametrize(
    ("key", "given", "kept"),
    [
        ("checkpoint", Path("a/b.ckpt"), str(Path("a/b.ckpt"))),
        ("relevant_filenames_file", ".lightly/relevant.txt", ".lightly/relevant.txt"),
        ("output_image_size", 256, 256),
        ("output_image_size", [480, 640], (480, 640)),
        ("output_image_size", -1, -1),
        ("corruptness_check.corruption_threshold", 1, 1.0),
        ("stopping_condition.n_samples", 1, 1),
        ("stopping_condition.n_samples", 1.0, 1.0),
        ("stopping_condition.n_samples", -1.0, -1),
        ("stopping_condition.min_distance", 0, 0.0),
        ("run_directory", "night/1", "night/1"),
        ("cache_size", 10**11, 10**11),
        ("num_threads", 4, 4),
        ("scorer_config.min_score", "9e-1", 0.9),
    ],
)
def test_worker_takes(key, given, kept):
    got = value_of(WorkerConfig(**{key: given}), key)
    assert got == kept
    assert type(got) is type(kept)


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("enable_training", "yes"),
        ("enable_training", 1),
        ("decode", "slow"),
        ("decode", True),
        ("thumbnail_size", 8),
        ("thumbnail_size", 128.5),
        ("output_image_size", 0),
        ("output_image_size", -1.0),
        ("output_image_size", True),
        ("output_image_size", [1, 2, 3]),
        ("output_image_size", [0, 5]),
        ("output_image_format", "gif"),
        ("corruptness_check.corruption_threshold", 1.1),
        ("relevant_filenames_file", "relevant.txt"),
        ("relevant_filenames_file", ".lightly/../relevant.txt"),
        ("run_directory", "/etc"),
        ("run_directory", "a/../../b"),
        ("run_directory", "C:\\x"),
        ("object_level.padding", -0.1),
        ("stopping_condition.n_samples", 0),
        ("stopping_condition.n_samples", 0.0),
        ("stopping_condition.n_samples", 1.5),
        ("stopping_condition.n_samples", True),
        ("stopping_condition.n_samples", -2),
        ("stopping_condition.min_distance", -0.5),
        ("stopping_condition.min_distance", 2.5),
        ("num_processes", 0),
        ("num_threads", -2),
        ("cache_size", -1),
        ("n_example_images", -1),
        ("memory_requirement_in_GB", 0),
        ("method", "kmeans"),
        ("scorer", "luck"),
        ("selected_sequence_length", 0),
        ("worker", "id-1"),
    ],
)
def test_worker_refuses(key, given):
    with pytest.raises(ConfigError) as caught:
        WorkerConfig(**{key: given})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"worker_config.{key}: not allowed (got ")
    assert "Allowed here: " in line


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"checkpoint": "a.ckpt", "checkpoint_run_id": "b"},
            "checkpoint and checkpoint_run_id are both given",
        ),
        ({"embeddings": "a.csv", "enable_training": True}, "embeddings are given, so nothing is trained"),
        ({"use_datapool": True, "enable_training": True}, "set enable_training to false"),
        (
            {"selected_sequence_length": 4},
            "set enable_corruptness_check and remove_exact_duplicates to false",
        ),
        (
            {"selected_sequence_length": 4, "enable_corruptness_check": False},
            "selected_sequence_length 4 needs whole sequences",
        ),
    ],
)
def test_worker_refuses_keys_that_contradict_each_other(given, message):
    with pytest.raises(ConfigError, match=message):
        WorkerConfig(**given)


def test_sequences_without_checks_are_accepted():
    off = {"enable_corruptness_check": False, "remove_exact_duplicates": False}
    assert WorkerConfig(selected_sequence_length=4, **off).selected_sequence_length == 4


def test_an_empty_section_means_its_defaults():
    assert parse(LightlyConfig, "trainer:\nloader:\n  batch_size: 4\n") == LightlyConfig(
        **{"loader.batch_size": 4}
    )


def test_a_copy_is_checked_and_takes_dotted_keys():
    config = LightlyConfig(trainer={"max_epochs": 7})
    copy = config.model_copy(update={"trainer.gpus": 0, "trainer.precision": 16, "seed": 3})
    assert copy == LightlyConfig(trainer={"max_epochs": 7, "gpus": 0, "precision": 16}, seed=3)
    assert config.seed == 1
    with pytest.raises(ConfigError, match=r"lightly_config\.trainer\.precision: not allowed \(got 8\)"):
        config.model_copy(update={"trainer.precision": 8})
    with pytest.raises(ConfigError, match="unknown key"):
        config.trainer.model_copy(update={"epochs": 8})
