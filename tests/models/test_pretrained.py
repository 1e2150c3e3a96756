"""Pretrained backbones of every source: built, kept in a checkpoint, and read back without their source."""

from __future__ import annotations

import dataclasses
import re

import pytest
import torch

from lightly_nb.errors import CheckpointError, InputError
from lightly_nb.events import silent
from lightly_nb.models import load_checkpoint, model_fingerprint, pretrained_backbone, resolve_model
from lightly_nb.models.pretrained import settings_of, untrained_backbone
from lightly_nb.training import train
from tests.photos import write_photographs
from tests.training.conftest import samples_of

SMALL = {"collate.input_size": 32, "loader.batch_size": 4, "loader.num_workers": 0, "trainer.gpus": 0}
OTHERS = ["torchvision/shufflenet_v2_x0_5", "timm/resnet10t"]


@pytest.fixture(scope="module")
def photo_samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    return samples_of(folder, write_photographs(folder, 8))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A folder of weights without a network: random ones of two small models lie there."""
    import timm
    from huggingface_hub import constants
    from safetensors.torch import save_file
    from torchvision import models

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("torch.hub.HASH_REGEX", re.compile("never"))
    folder = tmp_path / "hub" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    url = models.get_model_weights("shufflenet_v2_x0_5").DEFAULT.url
    torch.save(models.shufflenet_v2_x0_5().state_dict(), folder / url.rsplit("/", 1)[-1])
    save_file(timm.create_model("resnet10t").state_dict(), folder / "timm-resnet10t.safetensors")
    settings_of.cache_clear()
    yield folder
    settings_of.cache_clear()


def test_the_shipped_one_has_its_weights_size_and_mean():
    backbone = pretrained_backbone("efficientnet-lite0")
    images = torch.zeros(2, 3, 64, 64)
    assert backbone.module(images).shape == (2, backbone.n_features) == (2, 1280)
    assert (backbone.n_dimensions, backbone.input_size) == (256, 224)
    assert backbone.mean == pytest.approx([127 / 255] * 3)
    assert not backbone.module.training
    assert pretrained_backbone("efficientnet-lite0").module is not backbone.module


@pytest.mark.parametrize("name", OTHERS)
def test_others_by_name_are_trained_and_read_back_without_their_source(
    name, hub, photo_samples, tmp_path, monkeypatch
):
    before = pretrained_backbone(name)
    config = SMALL | {"model.name": name, "model.frozen_layers": 1}
    path = train(photo_samples, lightly_config=config, output_dir=tmp_path / "o", on_event=silent)
    for file in hub.iterdir():
        file.unlink()
    checkpoint = load_checkpoint(path, name=name)
    assert checkpoint.settings.num_ftrs == before.n_features == before.n_dimensions
    assert (checkpoint.settings.mean, checkpoint.settings.std) == (before.mean, before.std)
    model = resolve_model(path)
    assert (model.input_size, model.mean) == (before.input_size, before.mean)
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        after, untouched = model.module(images), before.module(images)
    assert after.shape == (2, before.n_features)
    assert not torch.equal(after, untouched)
    old, new = before.module.state_dict(), checkpoint.weights
    statistics = [key for key in old if "running" in key]
    assert statistics
    assert all(torch.equal(old[key], new[f"backbone.{key}"]) for key in statistics)


def test_a_checkpoint_says_of_which_backbone_it_is_and_holds_just_that(photo_samples, tmp_path):
    path = train(photo_samples.take(range(4)), lightly_config=SMALL, output_dir=tmp_path, on_event=silent)
    content = torch.load(path, weights_only=True)
    assert content["lightly_nb"]["model"]["name"] == "efficientnet-lite0"
    fingerprint = model_fingerprint(path)
    content["state_dict"]["model.backbone.0.1.weight"] = torch.zeros(1, 3, 3, 3)
    torch.save(content, tmp_path / "other.ckpt")
    with pytest.raises(
        CheckpointError, match=r"not those of efficientnet-lite0.*backbone\.0\.1\.weight.*got \(1, 3, 3, 3\)"
    ):
        load_checkpoint(tmp_path / "other.ckpt")
    content["lightly_nb"]["model"]["name"] = "hf/someone/else"
    torch.save(content, tmp_path / "strange.ckpt")
    with pytest.raises(CheckpointError, match=r"cannot be built: .*efficientnet-lite0, timm/NAME"):
        load_checkpoint(tmp_path / "strange.ckpt")
    assert model_fingerprint(path) == fingerprint


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hf/someone/small", r"pretrained backbones are efficientnet-lite0, timm/NAME"),
        ("timm/nothing_of_that_name", r"no model of that name"),
        ("torchvision/nothing_of_that_name", r"no classifier of that name"),
    ],
)
def test_what_there_is_not(name, said):
    settings = dataclasses.replace(settings_of("efficientnet-lite0"), name=name)
    with pytest.raises(InputError, match=said):
        untrained_backbone(settings)


def test_weights_that_are_not_open_source_are_not_trained(hub):
    with pytest.raises(InputError, match=r"not an open-source one"):
        pretrained_backbone("torchvision/vit_h_14")
