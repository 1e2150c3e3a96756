"""What all tests share: real photographs, and a model small enough to train in a second."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.lab import chromium
from tests.photos import write_photographs

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads: threads that wait do not spin

TINY_MODEL = {
    "model.name": "resnet-9",
    "model.width": 0.125,
    "model.num_ftrs": 16,
    "model.out_dim": 16,
    "collate.input_size": 32,
    "loader.batch_size": 8,
    "loader.num_workers": 0,
    "trainer.max_epochs": 1,
    "optimizer.lr": 0.1,
}
"""A lightly_config that trains on two dozen small photographs in about a second."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless Chromium for all tests: a session can have only one synchronous Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, chromium(playwright) as opened:
        yield opened


@pytest.fixture
def tiny_model() -> dict[str, object]:
    """A lightly_config of a small model and one epoch."""
    return dict(TINY_MODEL)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a checkpoint that embeds in no time, and says nothing of the pictures."""
    from torch import nn

    from lightly_nb.config import LightlyConfig
    from lightly_nb.models import METHODS, save_checkpoint
    from lightly_nb.training.batches import seed_everything
    from lightly_nb.training.start import model_settings

    path = tmp_path_factory.mktemp("tiny") / "lightly_epoch_1.ckpt"
    config = LightlyConfig(**TINY_MODEL)
    seed_everything(1)
    method = METHODS[config.model.method](
        model_settings(config), config.criterion.model_dump(), config.collate.model_dump()
    )
    assert isinstance(method.module, nn.Module)
    save_checkpoint(path, method.module, model_settings(config), epochs=1, training={})
    return str(path)


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    """A folder of 24 sound photographs, a copy of one of them, and two broken files."""
    return fill_with_photographs(tmp_path / "my photos – été")


def fill_with_photographs(folder: Path) -> Path:
    """Write what `photo_folder` says into `folder`."""
    names = write_photographs(folder, 24)
    content = (folder / names[0]).read_bytes()
    (folder / "zz copy.jpg").write_bytes(content)
    (folder / "cut.jpg").write_bytes(content[: len(content) // 2])
    (folder / "empty.png").write_bytes(b"")
    return folder
