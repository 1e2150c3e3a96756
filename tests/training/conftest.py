"""Two dozen small photographs, and what a test needs to watch a training."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from lightly_nb.datasource import open_datasource
from lightly_nb.events import Event
from lightly_nb.samples import Samples
from tests.photos import write_photographs


class Heard(list[Event]):
    """A listener that keeps what it hears."""

    def __call__(self, event: Event) -> None:
        self.append(dict(event))

    @property
    def warnings(self) -> list[str]:
        return [event["message"] for event in self if event.get("level") == "warning"]

    @property
    def epochs(self) -> list[dict[str, float]]:
        return [event["metrics"] for event in self if "epoch_loss" in event.get("metrics", {})]


def samples_of(folder: Path, names: list[str] | None = None) -> Samples:
    names = names or sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.jpg"))
    return Samples(pd.DataFrame(index=names), source=open_datasource(folder))


@pytest.fixture(scope="session")
def photo_samples(tmp_path_factory) -> Samples:
    folder = tmp_path_factory.mktemp("photos")
    return samples_of(folder, write_photographs(folder, 24))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(autouse=True)
def one_thread():
    """Weights are compared bit for bit, which takes a fixed number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
