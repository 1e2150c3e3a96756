"""Training that goes on from a pretrained backbone: what changes, what stays, and what is said before."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from lightly_nb.embedding import embed
from lightly_nb.errors import CheckpointError, ConfigError, InputError, RunCanceled
from lightly_nb.events import silent
from lightly_nb.models import load_checkpoint, model_fingerprint, pretrained_backbone
from lightly_nb.models.efficientnet_lite0 import efficientnet_lite0
from lightly_nb.training import train
from lightly_nb.training.fine_tuning import (
    HEAD_FACTOR,
    fine_tuning_optimizer,
    freeze,
    layers_of,
    memory_of_views,
    set_learning_rates,
)
from lightly_nb.training.fitting import build_method
from lightly_nb.training.start import settled_config
from tests.training.test_interrupted import stopping
from tests.training.test_train import same_weights

SMALL = {"collate.input_size": 32, "loader.batch_size": 4, "loader.num_workers": 0, "trainer.gpus": 0}
"""A lightly_config that names no model."""


@pytest.fixture(scope="module")
def few(photo_samples):
    return photo_samples.take(range(8))


@pytest.fixture(scope="module")
def fine_tuned(few, tmp_path_factory):
    return train(few, lightly_config=SMALL, output_dir=tmp_path_factory.mktemp("tuned"), on_event=silent)


def backbone_of(path):
    weights = load_checkpoint(path).weights
    return {
        key.removeprefix("backbone."): value for key, value in weights.items() if key.startswith("backbone.")
    }


def original():
    return pretrained_backbone("efficientnet-lite0").module.state_dict()


def test_without_a_model_the_shipped_backbone_is_trained_for_an_epoch(fine_tuned):
    checkpoint = load_checkpoint(fine_tuned, name="efficientnet-lite0")
    settings = checkpoint.settings
    assert fine_tuned.name == "lightly_epoch_1.ckpt"
    assert (settings.num_ftrs, settings.input_size, settings.embedding_size) == (256, 32, 224)
    assert settings.mean == pytest.approx([127 / 255] * 3)
    assert settings.std == pytest.approx([128 / 255] * 3)


def test_weights_change_a_little_and_the_statistics_of_batch_norms_do_not(fine_tuned):
    before, after = original(), backbone_of(fine_tuned)
    assert before.keys() == after.keys()
    for key, weight in before.items():
        if "running" in key or "num_batches" in key:
            assert torch.equal(weight, after[key]), key
    changed = {key for key, weight in before.items() if not torch.equal(weight, after[key])}
    assert {key for key, _ in efficientnet_lite0().named_parameters()} == changed
    assert all(torch.allclose(before[key], after[key], atol=0.5) for key in changed)


def test_frozen_layers_stay_and_the_others_do_not(few, tmp_path):
    path = train(few, lightly_config=SMALL | {"model.frozen_layers": 5}, output_dir=tmp_path, on_event=silent)
    before, after = original(), backbone_of(path)
    changed = {int(key.split(".")[0]) for key in before if not torch.equal(before[key], after[key])}
    assert changed == {5, 6, 7, 8}


def test_two_trainings_agree_and_an_interrupted_one_goes_on_to_the_same_weights(few, tmp_path):
    config = SMALL | {"trainer.max_epochs": 2, "model.frozen_layers": 6}
    whole = train(few, lightly_config=config, output_dir=tmp_path / "whole", on_event=silent)
    out = tmp_path / "out"
    with pytest.raises(RunCanceled, match=r"in epoch 1: .*lightly_epoch_1\.ckpt is kept"):
        train(few, lightly_config=config, output_dir=out, on_event=stopping(1, RunCanceled("enough")))
    resumed = train(few, lightly_config=config, output_dir=out, on_event=silent)
    assert same_weights(whole, resumed)
    optimizer = load_checkpoint(out / "last.ckpt").resume["optimizer"]
    assert len(optimizer["param_groups"]) == 2
    assert any("momentum_buffer" in state for state in optimizer["state"].values())


def test_the_checkpoint_embeds_as_the_backbone_in_training_does(few, fine_tuned):
    two = few.take([0, 1])
    whole = embed(two, fine_tuned, normalize_embeddings=False, precision="32", on_event=silent)
    again = embed(two, fine_tuned, normalize_embeddings=False, precision="32", on_event=silent)
    untouched = embed(two, normalize_embeddings=False, precision="32", on_event=silent)
    assert whole.embeddings.shape == (2, 256)
    assert np.array_equal(whole.embeddings, again.embeddings)
    assert not np.allclose(whole.embeddings, untouched.embeddings)
    cosine = (whole.embeddings * untouched.embeddings).sum(1) / (
        np.linalg.norm(whole.embeddings, axis=1) * np.linalg.norm(untouched.embeddings, axis=1)
    )
    assert (cosine > 0.8).all()  # at the same size, normalised and projected alike: one space


def test_with_a_vanishing_rate_the_embeddings_are_those_of_the_shipped_embedder(few, tmp_path):
    config = SMALL | {"optimizer.lr": 1e-12, "optimizer.weight_decay": 0}
    path = train(few, lightly_config=config, output_dir=tmp_path, on_event=silent)
    tuned = embed(few.take([0, 1]), path, precision="32", on_event=silent)
    shipped = embed(few.take([0, 1]), precision="32", on_event=silent)
    assert np.allclose(tuned.embeddings, shipped.embeddings, atol=1e-4)


def test_it_goes_on_from_its_own_checkpoint(few, fine_tuned, tmp_path):
    config = SMALL | {"optimizer.lr": 1e-12, "model.name": "efficientnet-lite0"}
    path = train(few, checkpoint=fine_tuned, lightly_config=config, output_dir=tmp_path, on_event=silent)
    before, after = backbone_of(fine_tuned), backbone_of(path)
    assert all(torch.allclose(before[key], after[key], atol=1e-6) for key in before)
    assert model_fingerprint(path) != model_fingerprint(fine_tuned)


def test_the_model_of_a_fine_tuned_checkpoint_brings_its_defaults(fine_tuned):
    config = settled_config(None, load_checkpoint(fine_tuned), None, None)
    assert (config.model.name, config.trainer.max_epochs, config.optimizer.lr) == (
        "efficientnet-lite0",
        1,
        0.001,
    )
    assert config.collate.input_size == 32


def test_vicreg_trains_it_too(few, tmp_path, heard):
    config = SMALL | {"model.method": "vicreg"}
    path = train(few, lightly_config=config, output_dir=tmp_path, on_event=heard)
    training = load_checkpoint(path).training
    assert (training["chance_loss"], training["at_chance"]) == (None, None)
    assert "chance_loss" not in heard.epochs[-1]


def test_saving_memory_changes_no_weight_and_is_said(few, tmp_path, heard, monkeypatch):
    plain = train(few, lightly_config=SMALL, output_dir=tmp_path / "plain", on_event=heard)
    assert not any("computed twice" in event.get("message", "") for event in heard)
    monkeypatch.setattr("lightly_nb.training.fitting.free_memory", lambda device: 10_000)
    path = train(few, lightly_config=SMALL, output_dir=tmp_path / "saving", on_event=heard)
    assert same_weights(path, plain)
    assert sum("layers are computed twice" in event.get("message", "") for event in heard) == 1


def test_the_memory_of_views_grows_with_their_number_and_size_and_falls_with_frozen_layers():
    backbone = efficientnet_lite0().eval()
    one = memory_of_views(backbone, 64, 1)
    assert memory_of_views(backbone, 64, 10) == 10 * one
    assert 3 * one < memory_of_views(backbone, 128, 1) < 5 * one
    freeze(backbone, 4)
    assert memory_of_views(backbone, 64, 1) < one / 2


# Rates and layers


def test_the_head_learns_faster_and_all_rates_fall_along_half_a_cosine():
    config = settled_config(SMALL, None, None, None)
    optimizer = fine_tuning_optimizer(build_method(config, None).module, {"lr": 0.01, "weight_decay": 0.0})
    rates = []
    for batch in range(11):
        set_learning_rates(optimizer, batch, 10)
        rates.append([group["lr"] for group in optimizer.param_groups])
    assert rates[0] == pytest.approx([0.01, 0.5])
    assert [one / other for other, one in rates[:10]] == pytest.approx([HEAD_FACTOR] * 10)
    expected = [0.01 * (1 + math.cos(math.pi * batch / 10)) / 2 for batch in range(11)]
    assert [rate for rate, _ in rates] == pytest.approx(expected)


def test_layers_are_stages_of_a_sequence_and_blocks_of_lists():
    assert len(list(layers_of(efficientnet_lite0()))) == 9

    class Other(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.act = nn.Conv2d(3, 4, 3), nn.ReLU()
            self.blocks = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))

    other = Other()
    assert list(layers_of(other)) == [other.stem, *other.blocks]
    freeze(other, 2)
    assert [one.requires_grad for one in other.parameters()] == [False] * 4 + [True] * 2


# What is said before and refused


def test_what_it_gains_is_said_before_it_starts(few, tmp_path, heard):
    train(few, lightly_config=SMALL, output_dir=tmp_path, on_event=heard)
    said = [number for number, event in enumerate(heard) if "gains little" in event.get("message", "")]
    first_batch = next(n for n, e in enumerate(heard) if e["step"] == "TRAINING" and e.get("done"))
    assert len(said) == 1
    assert said[0] < first_batch
    message = heard[said[0]]["message"]
    assert "A larger input gains more" in message
    assert "sees 32 pixels, its checkpoint embeds at 224" in message
    assert "within chance" in message


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"model.frozen_layers": 9}, InputError, r"frozen_layers: got 9, allowed are 0 to 8.*has 9 layers"),
        ({"collate.input_size": 8}, InputError, r"input_size: got 8, .*cannot take images.*its own, 224"),
        ({"model.name": "efficientnet-lite0", "model.num_ftrs": 64}, ConfigError, r"num_ftrs is given"),
        (
            {"model.name": "torchvision/alexnot"},
            InputError,
            r"no classifier of that name; did you mean alexnet",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_before_any_work(few, tmp_path, heard, change, error, said):
    with pytest.raises(error, match=said):
        train(few, lightly_config=SMALL | change, output_dir=tmp_path / "out", on_event=heard)
    assert not (tmp_path / "out").exists()
    assert not list(heard)


def test_a_checkpoint_of_a_resnet_is_no_start_for_it(few, tiny_model, tmp_path, heard):
    path = train(few, lightly_config=tiny_model, output_dir=tmp_path / "a", on_event=heard)
    config = SMALL | {"model.name": "efficientnet-lite0"}
    with pytest.raises(CheckpointError, match=r"expected model\.name efficientnet-lite0, got resnet-9"):
        train(few, lightly_config=config, checkpoint=path, output_dir=tmp_path / "b", on_event=heard)
