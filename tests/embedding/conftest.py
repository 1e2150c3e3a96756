"""A model small enough to embed in milliseconds, and samples in a folder with a bad file and a copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from lightly_nb.datasource import open_datasource
from lightly_nb.embedding import EmbeddingModel
from lightly_nb.models import build_backbone
from lightly_nb.samples import Samples
from tests.photos import write_photographs


def samples_of(folder: Path, names: list[str] | None = None) -> Samples:
    """Return the files below `folder` as samples, in the order of `names`."""
    names = names or sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return Samples(pd.DataFrame(index=names), source=open_datasource(folder))


def tiny_model(seed: int = 0, input_size: int = 32) -> EmbeddingModel:
    """Return a model with random weights, the same for the same seed."""
    torch.manual_seed(seed)
    module = torch.nn.Sequential(*build_backbone("resnet-9", 0.125, 16), torch.nn.Flatten(1)).eval()
    return EmbeddingModel(module, input_size)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """28 photographs, one of them cut, and a copy of another."""
    folder = tmp_path / "photos – été"
    names = write_photographs(folder, 28)
    cut = folder / names[5]
    cut.write_bytes(cut.read_bytes()[:900])
    (folder / "a copy.jpg").write_bytes((folder / names[20]).read_bytes())
    return folder


@pytest.fixture
def samples(folder: Path) -> Samples:
    """Those files, 29 of them, in name order."""
    return samples_of(folder)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make chunks of 8 files."""
    monkeypatch.setattr("lightly_nb.embedding.one_pass.CHUNK_SIZE", 8)
    return 8


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that were decoded, in a list that grows."""
    from lightly_nb.embedding import one_pass

    names: list[str] = []
    inspect: Callable[..., object] = one_pass.inspect

    def counting(source: object, filename: str, **options: object) -> object:
        names.append(filename)
        return inspect(source, filename, **options)

    monkeypatch.setattr(one_pass, "inspect", counting)
    return names
