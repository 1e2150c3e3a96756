"""The embedding check: right for good and for useless embeddings of real photographs, the same every time."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import lightly_nb as lnb
from lightly_nb.demo import demo_images
from lightly_nb.embedding import EmbeddingModel, check_embeddings
from lightly_nb.embedding.changed_copies import changed_copy, generator_of
from lightly_nb.embedding.check import broken
from lightly_nb.errors import InputError
from lightly_nb.events import Event, ProgressBar, silent
from lightly_nb.models import shipped
from lightly_nb.samples import Samples
from lightly_nb.samples.embedding_check import (
    BETTER,
    LIMITS,
    NOT_CHECKED,
    NOT_WORTH,
    EmbeddingCheck,
    against_limits,
    limits_among,
)
from tests.embedding.conftest import tiny_model
from tests.photos import crops

N = 120


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Some photographs of the demo, those that lie in wheels."""
    folder = demo_images(tmp_path_factory.mktemp("demo") / "photos", wheels_only=True, on_event=silent)
    listed = lnb.list_samples(folder, on_event=silent)
    return listed.take(np.sort(np.random.default_rng(0).permutation(len(listed))[:N]))


@pytest.fixture(scope="session")
def good(photographs: Samples) -> Samples:
    """Embedded by the shipped embedder."""
    return lnb.embed(photographs, shipped(96), on_event=silent)


class Noise(nn.Module):
    """Random numbers that hang on the pixels, so that the same image has the same embedding."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seeds = (images.double().sum(dim=(1, 2, 3)).abs() * 1e6).long() % 2**31
        return torch.stack(
            [torch.randn(64, generator=torch.Generator().manual_seed(int(seed))) for seed in seeds]
        )


class Collapsed(nn.Module):
    """Nearly the same for every image."""

    def __init__(self, by: float):
        super().__init__()
        self.by, self.inside = by, tiny_model().module

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.inside(images).flatten(1)
        return torch.ones_like(features) + self.by * nn.functional.normalize(features)


def untrained() -> nn.Module:
    """Return a resnet-18 with random weights."""
    from torchvision.models import resnet18

    torch.manual_seed(0)
    module = resnet18(weights=None)
    module.fc = nn.Identity()
    return module


def test_the_shipped_embedder_is_better_than_thumbnails(good: Samples) -> None:
    check = good.embedding_check
    assert check is not None
    assert check.verdict == BETTER
    assert check.limits is not None
    assert check.ratio is not None
    assert check.ratio >= check.limits[1]
    assert (check.level, check.what_to_do) == ("info", "")
    assert check.text.startswith("embedding check: better than thumbnails. A strongly changed copy finds its")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (untrained, "times as well"),
        (Noise, "times as well"),
        (lambda: Collapsed(1e-3), "embeddings are alike"),
        (lambda: Collapsed(0.0), "are one and the same: the model has collapsed"),
    ],
    ids=["untrained", "noise", "collapsed", "constant"],
)
def test_useless_embeddings_are_refused_with_a_warning_and_what_to_do(
    photographs: Samples, module: Callable[[], nn.Module], said: str
) -> None:
    heard: list[Event] = []
    model = EmbeddingModel(module(), 64)
    check = lnb.embed(photographs, model, precision="32", on_event=heard.append).embedding_check
    assert check is not None
    assert check.verdict == NOT_WORTH
    assert said in check.text
    assert "NOT WORTH SELECTING FROM" in check.text
    assert "Use the embedder that ships with the package" in check.text
    told = [event for event in heard if "check" in event]
    assert [(event["level"], event["message"]) for event in told] == [("warning", check.text)]


def test_it_is_the_same_every_time_in_any_order_and_with_any_number_of_threads(
    photographs: Samples, good: Samples
) -> None:
    again = check_embeddings(good, shipped(96), num_workers=1, on_event=silent)
    assert again == good.embedding_check
    turned = good.take(np.arange(len(good))[::-1])
    other = check_embeddings(turned, shipped(96), num_workers=3, on_event=silent)
    assert other.ratio == pytest.approx(again.ratio, rel=1e-3)
    assert check_embeddings(good, shipped(96), seed=1, on_event=silent).ratio != again.ratio


def test_with_labels_neighbours_decide_instead(good: Samples) -> None:
    with_model = check_embeddings(good, labels="sub-folder", on_event=silent)
    assert with_model.ratio is None
    accuracy = with_model.labels[0]
    assert accuracy.thumbnails is not None
    assert accuracy.accuracy > max(accuracy.majority, accuracy.thumbnails)
    noise = good.with_array("embeddings", np.random.default_rng(0).normal(size=(len(good), 16)))
    folders = [name.rpartition("/")[0] for name in good.filenames]
    for labels in (folders, dict(zip(good.filenames, folders, strict=True)), pd.Series(folders)):
        refused = check_embeddings(noise, labels=labels, on_event=silent)
        assert refused.verdict == NOT_WORTH
        assert "5-NN accuracy" in refused.reason


def test_categories_are_shown_beside_and_decide_without_a_model(good: Samples) -> None:
    kind = [name.rpartition("/")[0] for name in good.filenames]
    table = replace(good.with_columns({"kind": kind}), source=None)
    check = check_embeddings(table, on_event=silent)
    assert check.labels[0].name == "'kind'"
    assert "It cannot be made without labels: the samples have no source" in check.reason
    assert check.verdict != NOT_CHECKED


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("colour", "labels: the samples have no column 'colour'; allowed are sub-folder"),
        ([1, 2], "labels: got 2 for 120 samples; give one a sample"),
        ({"x.jpg": 1}, "are not among the"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: Any, said: str) -> None:
    samples = drawn(120)
    with pytest.raises(InputError, match=said):
        check_embeddings(samples, labels=labels, on_event=silent)
    with pytest.raises(InputError, match="at least 20 samples must have one, and at least two must differ"):
        check_embeddings(samples, labels=["a"] * 120, on_event=silent)
    some: list[Any] = ["a", "b"] * 5 + [None] * 110
    with pytest.raises(InputError, match="label some more"):
        check_embeddings(samples, labels=some, on_event=silent)


def drawn(n: int) -> Samples:
    """Return samples that exist only as numbers."""
    vectors = np.random.default_rng(0).normal(size=(n, 8))
    return Samples(pd.DataFrame(index=[f"{row}.jpg" for row in range(n)]), {"embeddings": vectors})


def test_what_cannot_be_checked_says_why(good: Samples) -> None:
    assert "the samples have no source" in check_embeddings(drawn(30), on_event=silent).reason
    assert "too few to tell" in check_embeddings(drawn(5), on_event=silent).reason
    one = check_embeddings(drawn(1), on_event=silent)
    assert one.verdict == NOT_CHECKED
    foreign = good.with_array("embeddings", np.random.default_rng(0).normal(size=(len(good), 256)))
    check = check_embeddings(foreign, on_event=silent)
    assert check.verdict == NOT_CHECKED
    assert "are not those that the model gives" in check.reason
    with pytest.raises(InputError, match="have 256 features, the model gives 16; give the model that they"):
        check_embeddings(foreign, tiny_model(), on_event=silent)
    with pytest.raises(InputError, match="n_images: got 1, must be at least 2"):
        check_embeddings(good, n_images=1, on_event=silent)
    with pytest.raises(InputError, match="samples have no embeddings yet"):
        check_embeddings(Samples(good.table), on_event=silent)


def test_broken_embeddings_are_named() -> None:
    full = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    assert broken(full) is None
    bad = full.copy()
    bad[3, 1] = np.nan
    assert broken(bad) == "1 of 40 embeddings hold NaN or infinity"
    assert (
        broken(np.zeros((40, 4), np.float32)) == "40 of 40 embeddings are all zeros: the model has collapsed"
    )
    half = full.copy()
    half[:25] = 0
    assert broken(half) == "25 of 40 embeddings are one and the same: the model has collapsed"
    assert "All embeddings are alike" in str(broken(100 + 0.1 * full))
    assert check_embeddings(drawn(40).with_array("embeddings", bad), on_event=silent).verdict == NOT_WORTH
    assert broken(np.ones((1, 4))) is None
    assert "one and the same" in str(broken(np.ones(40)))


def test_the_verdict_travels_with_the_samples_and_not_with_other_embeddings(good: Samples) -> None:
    check = good.embedding_check
    assert good.take([0, 1]).embedding_check == check
    assert pickle.loads(pickle.dumps(replace(good, thumbnails=None))).embedding_check == check
    assert good.with_array("embeddings", good.embeddings).embedding_check is None
    assert "embedding check: better than thumbnails" in repr(good)
    assert "embedding check: better than thumbnails" in good._repr_html_()
    assert check is not None
    assert EmbeddingCheck.from_dict(json.loads(json.dumps(check.to_dict()))) == check


def test_embed_without_the_check_and_too_few_samples(tmp_path: Path, samples: Samples) -> None:
    assert lnb.embed(samples, tiny_model(), check_embeddings=False, on_event=silent).embedding_check is None
    few = lnb.embed(samples.take(range(3)), tiny_model(), on_event=silent).embedding_check
    assert few is not None
    assert few.verdict == NOT_CHECKED


def test_the_progress_bar_writes_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar()
    check_embeddings(drawn(5), on_event=bar)
    assert "EMBEDDING: embedding check: not checked" in capsys.readouterr().out


def test_a_refused_selection_is_warned_of_once_more() -> None:
    heard: list[Event] = []
    refused = replace(drawn(30), embedding_check=EmbeddingCheck(NOT_WORTH, "A reason"))
    lnb.select(refused, 3, on_event=heard.append)
    warnings = [event["message"] for event in heard if event.get("level") == "warning"]
    assert len(warnings) == 1
    assert warnings[0].startswith("embedding check: NOT WORTH SELECTING FROM. Picks made from these")


def test_the_limits_grow_with_the_number_of_candidates() -> None:
    low, high = LIMITS[-1][1:]
    assert limits_among(200) == limits_among(10_000) == (low, high)
    some = [limits_among(n) for n in (2, 20, 50, 100, 200)]
    assert some == sorted(some)
    assert against_limits(low - 0.01, (low, high)) == NOT_WORTH
    assert against_limits(low, (low, high)).startswith("unclear")
    assert against_limits(high, (low, high)) == BETTER


def test_changed_copies_differ_from_the_picture_and_hang_on_name_seed_and_number_alone() -> None:
    picture = crops(1)[0]
    before = picture.copy()
    copies = [
        changed_copy(picture, generator_of(name, seed, number))
        for name, seed, number in (("a", 0, 0), ("a", 0, 1), ("a", 1, 0), ("b", 0, 0), ("é\udcff", 0, 0))
    ]
    assert (picture == before).all()
    for at, copy in enumerate(copies):
        assert (copy.shape, copy.dtype) == (picture.shape, np.uint8)
        assert np.abs(copy.astype(int) - picture).mean() > 3
        assert all((copy != other).any() for other in copies[:at])
    again = changed_copy(picture, generator_of("a", 0, 0))
    assert (again == copies[0]).all()
