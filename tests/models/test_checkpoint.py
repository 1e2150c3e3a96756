"""Checkpoints load into what they should, and say clearly why when they do not. Nothing of them ever runs."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lightly.cli._cli_simclr import _SimCLR
from lightly.cli._helpers import load_from_state_dict
from lightly.models import ResNetGenerator
from lightly.models.batchnorm import get_norm_layer
from torch import nn

from lightly_nb.errors import CheckpointError, RunError
from lightly_nb.models import (
    METHODS,
    ModelSettings,
    build_backbone,
    embedding_model,
    load_checkpoint,
    model_fingerprint,
    save_checkpoint,
)

SMALL = ModelSettings("resnet-9", 0.125, 16, 24, 32, "simclr")


def saved(path: Path, settings: ModelSettings = SMALL, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    module = METHODS[settings.method](settings, {}, {"input_size": settings.input_size}).module
    with torch.no_grad():
        module(torch.randn(4, 3, 32, 32))  # so that the running statistics are not those of the start
    save_checkpoint(path, module, settings, epochs=3, training={"loss": 1.5, "collapsed": False})
    return module.eval()


def test_what_was_saved_comes_back(tmp_path):
    module = saved(tmp_path / "lightly_epoch_3.ckpt")
    checkpoint = load_checkpoint(
        str(tmp_path / "lightly_epoch_3.ckpt"), name="resnet-9", width=0.125, num_ftrs=16
    )
    assert checkpoint.settings == SMALL
    assert checkpoint.epochs == 3
    assert checkpoint.training == {"loss": 1.5, "collapsed": False}
    assert checkpoint.resume is None
    images = torch.randn(2, 3, 40, 56)
    with torch.inference_mode():
        assert torch.equal(embedding_model(checkpoint)(images), module(images)[0])
    assert [path.name for path in tmp_path.iterdir()] == ["lightly_epoch_3.ckpt"]


@pytest.mark.parametrize(
    ("name", "width", "features"), [("resnet-18", 1, 512), ("resnet-9", 0.125, 64), ("resnet-50", 0.125, 256)]
)
def test_features_before_the_narrow_layer_load_strictly_into_the_plain_resnet(
    tmp_path, name, width, features
):
    path = tmp_path / "a.ckpt"
    module = saved(path, ModelSettings(name, width, 32, 128))
    state = torch.load(path, weights_only=True)["state_dict"]
    assert {key.split(".")[1] for key in state} == {"backbone", "projection_head"}
    plain = nn.Sequential(
        get_norm_layer(3, 0),
        *list(ResNetGenerator(name, width).children())[:-1],
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(1),
    ).eval()
    plain.load_state_dict(
        {
            key.removeprefix("model.backbone."): value
            for key, value in state.items()
            if key.startswith("model.backbone.") and not key.startswith("model.backbone.7.")
        },
        strict=True,
    )
    with torch.inference_mode():
        out = plain(torch.randn(1, 3, 32, 32))
    assert out.shape == (1, features)
    assert torch.equal(plain[1].weight, module.backbone[1].weight)


def test_the_lightly_package_loads_it_with_its_own_function(tmp_path):
    module = saved(tmp_path / "a.ckpt")
    theirs = _SimCLR(build_backbone("resnet-9", 0.125, 16), num_ftrs=16, out_dim=24).eval()
    load_from_state_dict(theirs, torch.load(tmp_path / "a.ckpt")["state_dict"], strict=True)
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(theirs(images), module(images)[1])


@pytest.mark.parametrize("name", ["resnet-9", "resnet-18", "resnet-34", "resnet-50"])
def test_settings_of_a_foreign_checkpoint_are_read_off_its_shapes(tmp_path, name):
    module = saved(tmp_path / "a.ckpt", ModelSettings(name, 0.125, 16, 24))
    state = {f"model.{key}": value for key, value in module.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 7, "pytorch-lightning_version": "1.9.0"}, tmp_path / "b.ckpt")
    checkpoint = load_checkpoint(tmp_path / "b.ckpt")
    assert checkpoint.settings == ModelSettings(name, 0.125, 16, 24, 64, "simclr")
    assert model_fingerprint(checkpoint) == model_fingerprint(tmp_path / "a.ckpt")


def test_checkpoints_of_old_versions_load(tmp_path):
    module = saved(tmp_path / "a.ckpt")
    old = {
        f"model.{key.replace('backbone.', 'features.').replace('head.layers.', 'head.')}": value
        for key, value in module.state_dict().items()
    }
    assert "model.features.1.weight" in old
    assert "model.projection_head.0.weight" in old
    torch.save({"state_dict": old}, tmp_path / "old.ckpt")
    new, before = load_checkpoint(tmp_path / "a.ckpt"), load_checkpoint(tmp_path / "old.ckpt")
    assert before.weights.keys() == new.weights.keys()
    assert before.settings.out_dim == 24


def test_the_fingerprint_follows_the_backbone_alone(tmp_path):
    module = saved(tmp_path / "a.ckpt")
    first = model_fingerprint(tmp_path / "a.ckpt")
    assert len(first) == 32
    shutil.copy(tmp_path / "a.ckpt", tmp_path / "renamed.ckpt")
    assert model_fingerprint(tmp_path / "renamed.ckpt") == first
    with torch.no_grad():
        module.projection_head.layers[0].weight.add_(1)
    save_checkpoint(tmp_path / "head.ckpt", module, SMALL, epochs=4, training={})
    assert model_fingerprint(tmp_path / "head.ckpt") == first
    with torch.no_grad():
        module.backbone[7].bias[0] += 1e-6
    save_checkpoint(tmp_path / "backbone.ckpt", module, SMALL, epochs=4, training={})
    assert model_fingerprint(tmp_path / "backbone.ckpt") != first


# What cannot be used


class RunsCode:
    def __init__(self, touched: Path):
        self.touched = touched

    def __reduce__(self):
        return os.system, (f"touch '{self.touched}'",)


@pytest.mark.parametrize("form", ["pickle", "old pickle", "torch", "old torch", "in state_dict"])
def test_code_in_a_checkpoint_is_refused_and_does_not_run(tmp_path, form):
    evil, path = RunsCode(tmp_path / "ran"), tmp_path / "evil.ckpt"
    if form == "pickle":
        path.write_bytes(pickle.dumps(evil))
    elif form == "old pickle":
        path.write_bytes(pickle.dumps(evil, protocol=2))
    elif form == "in state_dict":
        saved(path)
        content = torch.load(path, weights_only=True)
        content["state_dict"]["model.backbone.extra"] = evil
        torch.save(content, path)
    else:
        torch.save(evil, path, _use_new_zipfile_serialization=form == "torch")
    with pytest.raises(CheckpointError, match=r"evil\.ckpt: .*more than weights.*not loaded") as caught:
        load_checkpoint(path)
    if form != "pickle":
        assert "system" in str(caught.value)
    assert not evil.touched.exists()
    pickle.loads(pickle.dumps(evil))  # the file is as dangerous as it claims to be
    assert evil.touched.exists()


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere\.ckpt: does not exist; give the path of a file"):
        load_checkpoint(tmp_path / "nowhere.ckpt")
    with pytest.raises(CheckpointError, match="is a folder"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 300, b"PK\x03\x04" + b"x" * 200])
def test_what_is_no_checkpoint(tmp_path, content):
    (tmp_path / "a.ckpt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.ckpt: (not a checkpoint|it holds more)"):
        load_checkpoint(tmp_path / "a.ckpt")


def test_a_truncated_checkpoint(tmp_path):
    saved(tmp_path / "a.ckpt")
    content = (tmp_path / "a.ckpt").read_bytes()
    (tmp_path / "a.ckpt").write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match="not a checkpoint, or a damaged one"):
        load_checkpoint(tmp_path / "a.ckpt")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([1, 2], "got a list"),
        ({"weights": torch.zeros(1)}, "got a file with the keys 'weights'"),
        ({"state_dict": {"conv1.weight": torch.zeros(1)}}, "another architecture.*got 'conv1.weight'"),
        ({"state_dict": {"model.backbone.fc": torch.zeros(1)}}, "another architecture.*got 'fc'"),
    ],
)
def test_files_of_another_kind_say_what_was_expected_and_got(tmp_path, content, text):
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match=text):
        load_checkpoint(tmp_path / "a.ckpt")


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({"name": "resnet-18"}, r"expected model.name resnet-18, got resnet-9 .*width 0.125, num_ftrs 16"),
        ({"width": 1}, "expected model.width 1, got 0.125"),
        ({"num_ftrs": 32}, "expected model.num_ftrs 32, got 16"),
    ],
)
def test_another_model_than_asked_for(tmp_path, wanted, text):
    saved(tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match=text):
        load_checkpoint(tmp_path / "a.ckpt", **wanted)


def test_a_layer_of_another_shape_is_named(tmp_path):
    saved(tmp_path / "a.ckpt")
    content = torch.load(tmp_path / "a.ckpt", weights_only=True)
    content["state_dict"]["model.backbone.4.0.conv1.weight"] = torch.zeros(16, 8, 5, 5)
    torch.save(content, tmp_path / "a.ckpt")
    expected = r"expected backbone\.4\.0\.conv1\.weight of shape \(16, 8, 3, 3\), got \(16, 8, 5, 5\)"
    with pytest.raises(CheckpointError, match=f"another architecture.*{expected}"):
        load_checkpoint(tmp_path / "a.ckpt")


def test_weights_that_are_not_finite(tmp_path):
    module = saved(tmp_path / "a.ckpt")
    with torch.no_grad():
        module.backbone[1].weight[0] = float("nan")
    save_checkpoint(tmp_path / "nan.ckpt", module, SMALL, epochs=1, training={})
    with pytest.raises(CheckpointError, match=r"backbone\.1\.weight holds values that are not finite"):
        load_checkpoint(tmp_path / "nan.ckpt")


def test_a_failed_write_leaves_the_earlier_file(tmp_path, monkeypatch):
    module = saved(tmp_path / "a.ckpt")
    before = (tmp_path / "a.ckpt").read_bytes()

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"cannot save .*a\.ckpt: No space left.*untouched"):
        save_checkpoint(tmp_path / "a.ckpt", module, SMALL, epochs=9, training={})
    assert (tmp_path / "a.ckpt").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="mounting a small file system takes Linux and root"
)
def test_a_really_full_disk_leaves_the_earlier_file(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "none", disk], capture_output=True
    ).returncode:
        pytest.skip("this machine allows no mounts")
    try:
        module = saved(disk / "a.ckpt", ModelSettings("resnet-9", 1 / 32, 8, 8))
        before = (disk / "a.ckpt").read_bytes()
        big = METHODS["simclr"](SMALL, {}, {}).module
        with pytest.raises(RunError, match="No space left"):
            save_checkpoint(disk / "a.ckpt", big, SMALL, epochs=4, training={})
        assert (disk / "a.ckpt").read_bytes() == before
        assert load_checkpoint(disk / "a.ckpt").settings.num_ftrs == 8
        del module
    finally:
        subprocess.run(["umount", disk], check=True)
