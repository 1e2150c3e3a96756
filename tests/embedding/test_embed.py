"""`embed`: right numbers, in whatever order, number format and number of threads."""

from __future__ import annotations

import io
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from lightly_nb.checks import check
from lightly_nb.embedding import EmbeddingModel, embed
from lightly_nb.embedding.model import square
from lightly_nb.errors import CheckpointError, InputError
from lightly_nb.events import Event, silent
from lightly_nb.models import ModelSettings, save_checkpoint
from lightly_nb.samples import Samples
from lightly_nb.vectors.directions import unit_length
from tests.embedding.conftest import samples_of, tiny_model
from tests.photos import photographs


def as_lightly_embed_does(model: EmbeddingModel, folder: Path, names: list[str]) -> np.ndarray:
    """Embed with the transform of `lightly-embed`, in fp32, file by file."""
    from torchvision import transforms as T

    size = (model.input_size, model.input_size)
    normalize = T.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    transform = T.Compose([T.Resize(size), T.ToTensor(), normalize])
    with torch.no_grad():
        images = [transform(Image.open(folder / name).convert("RGB")) for name in names]
        return model.module(torch.stack(images)).numpy()


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cosine of each row of `a` to the same row of `b`."""
    return (unit_length(a) * unit_length(b)).sum(axis=1)


def test_one_pass_embeds_checks_describes_and_makes_thumbnails(folder: Path, samples: Samples) -> None:
    embedded = embed(samples, tiny_model(), on_event=silent)
    checked = check(samples, on_event=silent)
    assert embedded.filenames == checked.filenames
    assert len(embedded) == 27
    pd.testing.assert_frame_equal(embedded.quarantine, checked.quarantine)
    pd.testing.assert_frame_equal(embedded.table.drop(columns="thumbnail"), checked.table)
    assert embedded.embeddings.shape == (27, 16)
    np.testing.assert_allclose(np.linalg.norm(embedded.embeddings, axis=1), 1, rtol=1e-6)
    for row, name in enumerate(embedded.filenames):
        picture = Image.open(io.BytesIO(embedded.thumbnail(row))).convert("RGB")
        original = Image.open(folder / str(name)).convert("RGB").resize(picture.size, Image.Resampling.BOX)
        assert np.abs(np.asarray(picture, dtype=float) - np.asarray(original)).mean() < 10


@pytest.mark.parametrize("input_size", [32, 64])
def test_fp32_embeddings_are_those_of_lightly_embed(folder: Path, samples: Samples, input_size: int) -> None:
    model = tiny_model(input_size=input_size)
    embedded = embed(samples, model, precision="32", normalize_embeddings=False, on_event=silent)
    expected = as_lightly_embed_does(model, folder, embedded.filenames)
    assert cosines(embedded.embeddings, expected).min() > 0.99999
    np.testing.assert_allclose(embedded.embeddings, expected, rtol=2e-2, atol=2e-2 * np.abs(expected).max())


def test_large_pictures_are_resized_as_pillow_does() -> None:
    for rgb in photographs():
        expected = np.asarray(Image.fromarray(rgb).resize((64, 64), Image.Resampling.BILINEAR), dtype=int)
        assert np.abs(square(rgb, 64) - expected).max() <= 1


def test_the_model_and_the_thread_count_of_torch_are_left_alone(samples: Samples) -> None:
    model, threads = tiny_model(), torch.get_num_threads()
    before = {key: value.clone() for key, value in model.module.state_dict().items()}
    model.module.train()
    embed(samples, model, on_event=silent)
    assert model.module.training
    assert torch.get_num_threads() == threads
    assert all(torch.equal(value, before[key]) for key, value in model.module.state_dict().items())


@pytest.mark.parametrize(("seed", "num_workers"), [(0, 1), (1, 4), (2, 2)])
def test_neither_order_nor_threads_change_a_bit(
    folder: Path, samples: Samples, small_chunks: int, seed: int, num_workers: int
) -> None:
    names = samples.filenames
    shuffled = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    expected = embed(samples, tiny_model(), on_event=silent)
    got = embed(samples_of(folder, shuffled), tiny_model(), num_workers=num_workers, on_event=silent)
    assert got.filenames == [name for name in shuffled if name in set(expected.filenames)]
    again = got.take(got.rows_of(expected.filenames))
    np.testing.assert_array_equal(again.embeddings, expected.embeddings)
    pd.testing.assert_frame_equal(again.table, expected.table)
    pd.testing.assert_frame_equal(got.quarantine, expected.quarantine)


def test_the_batch_size_does_not_change_embeddings_but_by_rounding(samples: Samples) -> None:
    small, large = (embed(samples, tiny_model(), batch_size=size, on_event=silent) for size in (1, 64))
    assert cosines(small.embeddings, large.embeddings).min() > 0.9999


def test_fast_decoding_is_near_the_full_one(samples: Samples) -> None:
    full, fast = (
        embed(samples, tiny_model(input_size=16), decode=how, thumbnail_size=None, on_event=silent)
        for how in ("full", "fast")
    )
    assert fast.filenames == full.filenames
    assert cosines(full.embeddings, fast.embeddings).min() > 0.98
    assert (full.embeddings != fast.embeddings).any()
    assert fast.table["lightly.width"].tolist() == full.table["lightly.width"].tolist()
    assert fast.thumbnails is None
    assert "thumbnail" not in fast.table


def test_a_checkpoint_file_gives_the_same_as_its_module(tmp_path: Path, samples: Samples) -> None:
    model = tiny_model()
    whole = torch.nn.Module()
    whole.backbone, whole.projection_head = model.module[:-1], torch.nn.Linear(16, 16)
    settings = ModelSettings("resnet-9", 0.125, 16, 16, input_size=32)
    save_checkpoint(tmp_path / "lightly_epoch_1.ckpt", whole, settings, epochs=1, training={})
    from_file = embed(samples, tmp_path / "lightly_epoch_1.ckpt", on_event=silent)
    np.testing.assert_array_equal(from_file.embeddings, embed(samples, model, on_event=silent).embeddings)


def test_copies_stay_if_asked(samples: Samples) -> None:
    embedded = embed(samples, tiny_model(), remove_exact_duplicates=False, on_event=silent)
    assert len(embedded) == 28
    copy = embedded.rows_of(["a copy.jpg"])[0]
    same = embedded.table["content_hash"] == embedded.table["content_hash"].iloc[copy]
    first, second = embedded.embeddings[same.to_numpy()]
    np.testing.assert_array_equal(first, second)


def test_one_image_of_one_pixel_is_embedded(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), "red").save(tmp_path / "one.png")
    embedded = embed(samples_of(tmp_path), tiny_model(), on_event=silent)
    assert np.isfinite(embedded.embeddings).all()
    assert np.isfinite(embedded.table.filter(like="lightly.").to_numpy(dtype=float)).all()


def test_only_broken_images_is_an_error(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match="none of the 2 files can be used: 2 × the file is empty"):
        embed(samples_of(tmp_path), tiny_model(), on_event=silent)


def test_without_a_checkpoint_the_shipped_model_embeds_offline(
    samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", offline)
    embedded = embed(samples, on_event=silent)
    assert embedded.embeddings.shape == (len(samples) - 2, 256)
    assert np.isfinite(embedded.embeddings).all()
    np.testing.assert_allclose(np.linalg.norm(embedded.embeddings, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "8"}, "precision: got '8', allowed are 32, bf16, 16"),
        ({"batch_size": 0}, "embed: batch_size: got 0; allowed is a whole number of at least 1 or None"),
        ({"thumbnail_size": -1}, "thumbnail_size: got -1"),
        ({"device": "abacus"}, "device: 'abacus' cannot be used"),
        ({"decode": "slow"}, "decode: got 'slow'"),
    ],
)
def test_arguments_out_of_range_are_errors(samples: Samples, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        embed(samples, tiny_model(), on_event=silent, **options)


class NotANumber(torch.nn.Module):
    """A model gone wrong."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3)) / 0 * 0


def test_embeddings_that_are_not_finite_are_an_error(samples: Samples) -> None:
    with pytest.raises(CheckpointError, match="not finite; train again with a lower optimizer"):
        embed(samples, EmbeddingModel(NotANumber(), 8), on_event=silent)


def test_rows_of_zeros_stay_zeros() -> None:
    assert unit_length(np.zeros((2, 3), np.float32)).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_temporary_thumbnails_live_as_long_as_the_samples(samples: Samples) -> None:
    embedded = embed(samples, tiny_model(), on_event=silent)
    path = embedded.thumbnails.path  # type: ignore[union-attr]
    assert path.exists()
    del embedded
    assert not path.exists()


def test_progress_counts_every_file(samples: Samples) -> None:
    heard: list[Event] = []
    embed(samples, tiny_model(), on_event=heard.append)
    counts = [event["done"] for event in heard if event.get("unit") == "image"]
    assert (counts[0], counts[-1]) == (0, 29)
    assert {event["step"] for event in heard} == {"EMBEDDING"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_embeddings_of_the_cpu(samples: Samples) -> None:
    on_cpu, on_gpu = (
        embed(samples, tiny_model(), device=device, on_event=silent) for device in ("cpu", "cuda")
    )
    assert cosines(on_cpu.embeddings, on_gpu.embeddings).min() > 0.999


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            torch.nn.Identity(),
            r"model mine: expected \(2, d\) features for 2 images of 8 x 8 pixels, got \(2, 3, 8, 8\)",
        ),
        (torch.nn.Flatten(0), r"got \(384,\); wrap the module"),
        (torch.nn.LSTM(8, 2), "cannot take images of 8 x 8 pixels"),
        (
            torch.nn.Conv2d(3, 2, 9),
            r"model mine: it cannot take images of 8 x 8 pixels \(.*give another input_size",
        ),
    ],
)
def test_a_model_that_gives_no_vectors_is_refused_before_any_file_is_read(
    samples: Samples, decoded: list[str], module: torch.nn.Module, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        embed(samples, model=EmbeddingModel(module, 8, name="mine"), on_event=silent)
    assert not decoded


def test_the_mean_and_deviation_of_a_model_are_used(folder: Path, samples: Samples) -> None:
    module = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    plain, scaled = (
        embed(
            samples,
            model=EmbeddingModel(module, 16, mean=m, std=s),
            normalize_embeddings=False,
            on_event=silent,
        )
        for m, s in [((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), ((0.1, 0.2, 0.3), (0.5, 0.25, 0.125))]
    )
    expected = (plain.embeddings - [0.1, 0.2, 0.3]) / [0.5, 0.25, 0.125]
    np.testing.assert_allclose(scaled.embeddings, expected, atol=1e-5)


def test_a_smaller_input_and_all_dimensions_on_request(samples: Samples) -> None:
    embedded = embed(samples, model="efficientnet-lite0", input_size=64, dimensions=1280, on_event=silent)
    assert embedded.embeddings.shape[1] == 1280
    with pytest.raises(InputError, match="checkpoint and model are both given"):
        embed(samples, tiny_model(), model="efficientnet-lite0", on_event=silent)
