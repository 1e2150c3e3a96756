"""A reduced precision is used only where it is fast and keeps the neighbours of real photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lightly_nb.embedding import precision
from lightly_nb.embedding.embed import embed
from lightly_nb.embedding.model import Embedder
from lightly_nb.embedding.precision import fitted, neighbors_kept
from lightly_nb.errors import InputError
from lightly_nb.events import Event, silent
from lightly_nb.models import EmbeddingModel, shipped
from lightly_nb.samples import Samples
from tests.embedding.conftest import tiny_model
from tests.photos import crops

CPU = torch.device("cpu")


class Sensitive(torch.nn.Module):
    """A model whose features change completely with the last bits of its input."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        means = images.mean((2, 3))
        return torch.sin(means * torch.tensor(1e4, dtype=means.dtype))


@pytest.fixture
def fast_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with bf16, and so few photographs that a test is quick."""
    monkeypatch.setattr(precision, "fast_precisions", lambda *_: ["bf16"])
    monkeypatch.setattr(precision, "WORTH_JUDGING", 20)
    monkeypatch.setattr(precision, "N_NEIGHBORS", 3)


def test_the_share_of_neighbors_kept_is_that_of_brute_force() -> None:
    rng = np.random.default_rng(0)
    full = rng.normal(size=(60, 8)).astype(np.float32)
    other = full + rng.normal(size=full.shape).astype(np.float32) / 2

    def nearest(vectors: np.ndarray) -> np.ndarray:
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        cosine = unit @ unit.T
        np.fill_diagonal(cosine, -2)
        return np.argsort(-cosine, axis=1)[:, :10]

    shared = [len(set(a) & set(b)) / 10 for a, b in zip(nearest(full), nearest(other), strict=True)]
    assert neighbors_kept(full, other) == pytest.approx(np.mean(shared))
    assert neighbors_kept(full, np.full_like(full, np.nan)) == 0.0


@pytest.mark.parametrize(
    ("model", "expected"), [(tiny_model(), "bf16"), (EmbeddingModel(Sensitive(), 8), "32")]
)
def test_others_are_judged_on_the_photographs_at_hand(
    fast_bf16: None, samples: Samples, model: EmbeddingModel, expected: str
) -> None:
    events: list[Event] = []
    chosen = fitted(model, CPU, None, samples.source, samples.filenames, events.append, "EMBEDDING")
    assert chosen.precision == expected
    told = [event["message"] for event in events if "nearest neighbours" in event.get("message", "")]
    assert len(told) == 1
    assert ("not used" in told[0]) == (expected == "32")


def test_few_samples_or_a_machine_without_instructions_get_fp32(
    fast_bf16: None, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = samples.filenames[:19]
    assert fitted(tiny_model(), CPU, None, samples.source, few, silent, "EMBEDDING").precision == "32"
    monkeypatch.setattr(precision, "fast_precisions", lambda *_: [])
    whole = samples.filenames
    assert fitted(tiny_model(), CPU, None, samples.source, whole, silent, "EMBEDDING").precision == "32"


def test_the_shipped_model_needs_no_judgement(fast_bf16: None, samples: Samples) -> None:
    assert fitted(shipped(64), CPU, None, samples.source, [], silent, "EMBEDDING").precision == "bf16"


def test_int8_keeps_the_embeddings_of_photographs() -> None:
    pixels = np.stack(crops(48, side=128))
    full = Embedder(shipped(128), CPU)(pixels)
    reduced = Embedder(shipped(128), CPU, "int8")(pixels)
    assert (reduced.shape, reduced.dtype) == (full.shape, np.float32)
    lengths = np.linalg.norm(full, axis=1) * np.linalg.norm(reduced, axis=1)
    cosine = (full * reduced).sum(axis=1) / lengths
    assert np.median(cosine) > 0.98
    assert cosine.min() > 0.8, "flat sky has next to no features"
    whole = Embedder(shipped(128, 1280), CPU, "int8")(pixels)
    np.testing.assert_allclose(whole @ shipped().module[1].weight.detach().numpy().T, reduced, atol=1e-3)


def test_int8_of_a_model_that_has_none_is_refused(samples: Samples) -> None:
    for model in (tiny_model(), shipped(65)):
        message = r"precision: got 'int8', but \S+ has no such form at .* multiples of 32"
        with pytest.raises(InputError, match=message):
            embed(samples, model=model, precision="int8", on_event=silent)


def test_an_unknown_precision_is_refused(folder: Path, samples: Samples) -> None:
    with pytest.raises(InputError, match="precision: got '8', allowed are 32, bf16, 16, int8"):
        embed(samples, tiny_model(), precision="8", on_event=silent)
