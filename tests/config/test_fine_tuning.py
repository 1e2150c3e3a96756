"""Other defaults where the backbone is a pretrained one, and only for keys that nobody has set."""

from __future__ import annotations

import pytest

from lightly_nb.config import LightlyConfig, from_yaml, to_dict, to_yaml
from lightly_nb.config.lightly import FINE_TUNING, CollateConfig, TrainerConfig
from lightly_nb.errors import ConfigError

NAMES = ["efficientnet-lite0", "timm/resnet10t", "torchvision/mobilenet_v3_small"]


def value_at(config, key):
    section, name = key.split(".")
    return getattr(getattr(config, section), name)


@pytest.mark.parametrize("name", NAMES)
def test_keys_that_are_left_out_are_those_of_fine_tuning_and_all_others_the_platforms(name):
    config, platform = LightlyConfig(**{"model.name": name}), LightlyConfig()
    flat = {(s, k) for s, part in to_dict(config).items() if isinstance(part, dict) for k in part}
    for section, key in flat - {("model", "name")}:
        dotted = f"{section}.{key}"
        expected = FINE_TUNING.get(dotted, value_at(platform, dotted))
        assert value_at(config, dotted) == expected, dotted


def test_the_defaults_are_those_that_were_decided():
    config = LightlyConfig(model={"name": "efficientnet-lite0"})
    assert (config.trainer.max_epochs, config.loader.batch_size, config.collate.input_size) == (1, 128, 128)
    assert (config.optimizer.lr, config.optimizer.weight_decay) == (1e-3, 1e-4)
    assert (config.criterion.temperature, config.collate.min_scale) == (0.1, 0.2)
    views = config.collate
    assert (views.cj_prob, views.cj_bright, views.cj_contrast, views.cj_sat) == (0.8, 0.7, 0.7, 0.7)
    assert (views.cj_hue, views.random_gray_scale, views.gaussian_blur) == (0.2, 0.2, 0.5)


def test_what_is_given_stays_in_every_way_of_giving_it():
    for config in (
        LightlyConfig(**{"model.name": NAMES[0], "trainer.max_epochs": 100, "collate.input_size": 64}),
        LightlyConfig(
            model={"name": NAMES[0]}, trainer={"max_epochs": 100}, collate=CollateConfig(input_size=64)
        ),
        LightlyConfig(trainer=TrainerConfig(max_epochs=100)).model_copy(
            update={"model.name": NAMES[0], "collate.input_size": 64}
        ),
    ):
        assert (config.trainer.max_epochs, config.collate.input_size) == (100, 64)
        assert (config.optimizer.lr, config.loader.batch_size) == (1e-3, 128)
        assert from_yaml(to_yaml(config), LightlyConfig) == config


def test_a_copy_with_another_kind_of_backbone_has_its_defaults():
    config = LightlyConfig(seed=7)
    tuned = config.model_copy(update={"model.name": NAMES[0]})
    assert (tuned.trainer.max_epochs, tuned.seed) == (1, 7)
    back = tuned.model_copy(update={"model.name": "resnet-18"})
    assert back == config
    assert back.trainer.max_epochs == 100


@pytest.mark.parametrize(
    ("values", "key", "said"),
    [
        ({"name": NAMES[0], "num_ftrs": 32}, "num_ftrs", r"is fixed; leave num_ftrs out"),
        ({"name": NAMES[0], "width": 0.5}, "width", r"got 0\.5.*leave width out"),
        ({"frozen_layers": 2}, "frozen_layers", r"resnet-18 is trained as a whole; leave it out, or name"),
        ({"num_ftrs": None}, "num_ftrs", r"needs a number >= 1"),
        ({"name": "timm/"}, "name", r"Allowed here: .*'efficientnet-lite0' or 'timm/NAME'"),
        ({"name": "hf/someone/small"}, "name", r"not allowed"),
        ({"name": "efficientnet-lite"}, "name", r"Did you mean 'efficientnet-lite0'"),
    ],
)
def test_what_a_backbone_does_not_take_is_refused(values, key, said):
    with pytest.raises(ConfigError, match=said) as caught:
        LightlyConfig(model=values)
    assert [problem.key for problem in caught.value.problems] == [f"lightly_config.model.{key}"]
