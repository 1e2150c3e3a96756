"""Checkpoints as other programs write them: wrapped, bare, under other names, torchvision's ResNets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lightly_nb.errors import CheckpointError
from lightly_nb.models import load_checkpoint, resolve_model
from lightly_nb.models.backbone import build_backbone
from lightly_nb.models.checkpoint import model_fingerprint

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def backbone() -> State:
    torch.manual_seed(0)
    return build_backbone("resnet-9", 0.125, 16).state_dict()


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    from torchvision import models

    torch.manual_seed(0)
    return models.resnet18(weights=None).eval()


def prefixed(start: str) -> Callable[[State], State]:
    return lambda state: {f"{start}{key}": value for key, value in state.items()}


def compiled_inside(state: State) -> State:
    return {f"model.backbone._orig_mod.{key}": value for key, value in state.items()}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (prefixed("model.backbone."), ""),
        (prefixed("backbone."), ""),
        (prefixed("features."), ""),
        (prefixed("module.model.backbone."), "without 'module.'"),
        (prefixed("module.backbone."), "without 'module.'"),
        (prefixed("_orig_mod.model.backbone."), "without '_orig_mod.'"),
        (prefixed("module._orig_mod.backbone."), "without 'module._orig_mod.'"),
        (compiled_inside, "without"),
        (prefixed("net.backbone."), "the backbone was taken from 'net.backbone'"),
        (prefixed("student.backbone."), "taken from 'student.backbone'"),
        (prefixed("encoder_q."), "taken from 'encoder_q'"),
        (prefixed("student_backbone."), "taken from 'student_backbone'"),
        (prefixed(""), "no prefix and were taken for those of the backbone"),
        (prefixed("module."), "no prefix"),
    ],
)
def test_prefixes_are_read_and_told(
    tmp_path: Path, backbone: State, change: Callable[[State], State], said: str
):
    torch.save({"state_dict": prefixed("model.backbone.")(backbone)}, tmp_path / "ours.ckpt")
    torch.save({"state_dict": change(backbone)}, tmp_path / "a.ckpt")
    checkpoint = load_checkpoint(tmp_path / "a.ckpt")
    assert model_fingerprint(checkpoint) == model_fingerprint(tmp_path / "ours.ckpt")
    assert (said in checkpoint.note) if said else not checkpoint.note
    assert resolve_model(tmp_path / "a.ckpt").note == checkpoint.note


@pytest.mark.parametrize("key", ["model_state_dict", "model", "net", ""])
def test_where_the_weights_stand(tmp_path: Path, backbone: State, key: str):
    state = prefixed("backbone.")(backbone)
    torch.save({key: state, "epoch": 3} if key else state, tmp_path / "a.pth")
    checkpoint = load_checkpoint(tmp_path / "a.pth")
    assert checkpoint.settings.num_ftrs == 16
    assert ("in the file itself" if not key else f"under '{key}'") in checkpoint.note


def test_two_backbones_are_told_apart_by_name_or_refused(tmp_path: Path, backbone: State):
    both = {**prefixed("backbone.")(backbone), **prefixed("backbone_momentum.")(backbone)}
    torch.save({"state_dict": both}, tmp_path / "a.ckpt")
    assert load_checkpoint(tmp_path / "a.ckpt").settings.name == "resnet-9"
    both = {**prefixed("student.backbone.")(backbone), **prefixed("teacher.backbone.")(backbone)}
    torch.save({"state_dict": both}, tmp_path / "b.ckpt")
    with pytest.raises(CheckpointError, match=r"several backbones, 'student.backbone.', 'teacher.backbone.'"):
        load_checkpoint(tmp_path / "b.ckpt")
    both = {**prefixed("module.backbone.")(backbone), **prefixed("backbone.")(backbone)}
    torch.save({"state_dict": both}, tmp_path / "c.ckpt")
    with pytest.raises(CheckpointError, match="wrapped and unwrapped"):
        load_checkpoint(tmp_path / "c.ckpt")


def test_a_resnet_of_torchvision_embeds_as_it_did(tmp_path: Path, resnet: nn.Module):
    layers = nn.Sequential(*list(resnet.children())[:-1])
    forms = {
        "its own": resnet.state_dict(),
        "compiled": prefixed("module._orig_mod.")(resnet.state_dict()),
        "a tutorial's": {
            **prefixed("backbone.")(layers.state_dict()),
            "projection_head.layers.0.weight": torch.zeros(128, 512),
        },
        "moco's": prefixed("module.encoder_q.")(resnet.state_dict()),
    }
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        wanted = layers(images).flatten(1).numpy()
    for name, state in forms.items():
        torch.save({"state_dict": state}, tmp_path / "a.ckpt")
        model = resolve_model(tmp_path / "a.ckpt")
        assert "torchvision/resnet18, which embeds at 224 px" in model.note, name
        assert model.input_size == 224
        with torch.inference_mode():
            got = model.module(images).flatten(1).numpy()
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5, err_msg=name)
