"""Samples as datasets of torch, HuggingFace and FiftyOne, in one line each."""

from __future__ import annotations

import io
import pickle
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import lightly_nb as lnb
from lightly_nb.errors import InputError
from lightly_nb.events import silent
from lightly_nb.samples import Samples

COLORS = {"a.png": (250, 0, 0), "b.png": (0, 250, 0), "sub/c.png": (0, 0, 250)}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    folder = tmp_path_factory.mktemp("images")
    for name, color in COLORS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (6, 4), color).save(folder / name)
    listed = lnb.list_samples(folder, on_event=silent).with_array("embeddings", np.eye(3))
    return listed.with_columns({"city": ["X", None, "Z"]})


def test_torch(samples: Samples) -> None:
    dataset: Any = pickle.loads(pickle.dumps(lnb.to_torch(samples)))
    assert len(dataset) == 3
    image, name = dataset[1]
    assert image.shape == (3, 4, 6)
    assert name == "b.png"
    np.testing.assert_allclose(image[:, 0, 0] * 255, COLORS["b.png"], atol=1e-4)
    picks = lnb.select(samples, 2, on_event=silent)
    batch = next(iter(torch.utils.data.DataLoader(lnb.to_torch(samples, picks), batch_size=2)))
    assert list(batch[1]) == picks.filenames
    labelled: Any = lnb.to_torch(samples, ["sub/c.png"], transform=lambda image: image.size, label="city")
    assert labelled[0] == ((6, 4), "Z")


def test_torch_says_which_file_is_broken(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    dataset: Any = lnb.to_torch(lnb.list_samples(tmp_path, on_event=silent))
    with pytest.raises(InputError, match=r"a\.jpg: not an image.*lightly_nb.check"):
        dataset[0]


class FakeFrame:
    """What is used of `datasets.Dataset`."""

    def __init__(self, columns: dict[str, Any], images: str = ""):
        self.columns, self.images = columns, images

    @classmethod
    def from_dict(cls, columns: dict[str, Any]) -> FakeFrame:
        return cls(columns)

    def cast_column(self, name: str, kind: Any) -> FakeFrame:
        return FakeFrame(self.columns, name)


def test_huggingface(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("datasets")
    module.Dataset, module.Image = FakeFrame, SimpleNamespace
    monkeypatch.setitem(sys.modules, "datasets", module)
    made = lnb.to_huggingface(samples, ["b.png", "a.png"])
    assert made.images == "image"
    assert made.columns["filename"] == ["b.png", "a.png"]
    assert [Image.open(path).getpixel((0, 0)) for path in made.columns["image"]] == [(0, 250, 0), (250, 0, 0)]
    assert made.columns["city"] == [None, "X"]
    np.testing.assert_array_equal(made.columns["embedding"], np.eye(3)[[1, 0]])
    assert lnb.to_huggingface(np.eye(2)).images == ""
    elsewhere = Samples(pd.DataFrame(index=["a.png"]), source=SimpleNamespace(read=lambda name: b"png"))
    assert lnb.to_huggingface(elsewhere).columns["image"] == [{"path": "a.png", "bytes": b"png"}]


def test_a_real_huggingface_dataset_goes_there_and_back(samples: Samples) -> None:
    pytest.importorskip("datasets")
    made = lnb.to_huggingface(samples)
    assert made[1]["image"].getpixel((0, 0)) == (0, 250, 0)
    back = Samples.from_embeddings(made.select([2, 0]))
    np.testing.assert_array_equal(back.embeddings, np.eye(3)[[2, 0]])
    assert back.filenames == ["sub/c.png", "a.png"]
    assert back.table["city"].tolist() == ["Z", "X"]


def test_fiftyone(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("fiftyone")
    held: list[Any] = []
    module.Sample = SimpleNamespace
    module.Dataset = lambda name: SimpleNamespace(name=name, add_samples=held.extend)
    monkeypatch.setitem(sys.modules, "fiftyone", module)
    assert lnb.to_fiftyone(samples, [1, 2], name="mine").name == "mine"
    assert [Path(one.filepath).name for one in held] == ["b.png", "c.png"]
    assert not hasattr(held[0], "city")
    assert held[1].city == "Z"
    assert held[1].lightly_sizeInBytes > 0
    np.testing.assert_array_equal(held[0].embedding, np.eye(3)[1])
    elsewhere = Samples(pd.DataFrame(index=["a.png"]), source=io)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not on this machine"):
        lnb.to_fiftyone(elsewhere)


@pytest.mark.parametrize("name", ["datasets", "fiftyone"])
def test_a_package_that_is_not_there_is_named(
    samples: Samples, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    convert = lnb.to_huggingface if name == "datasets" else lnb.to_fiftyone
    with pytest.raises(InputError, match=f"pip install {name}"):
        convert(samples)


def test_what_cannot_be_converted_gets_words(samples: Samples) -> None:
    with pytest.raises(InputError, match="to_torch: these samples have no source"):
        lnb.to_torch(np.eye(2))
    with pytest.raises(InputError, match="no column 'town'"):
        lnb.to_torch(samples, label="town")
    with pytest.raises(InputError, match="to_torch: transform: got 5; allowed is a function"):
        lnb.to_torch(samples, transform=5)  # type: ignore[arg-type]
