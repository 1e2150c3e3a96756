"""Images kept small, batches, views and the measure of collapse."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms.v2 import RandomResizedCrop

from lightly_nb.models import METHODS, ModelSettings, load_checkpoint
from lightly_nb.training import train
from lightly_nb.training.batches import Batches, Views
from lightly_nb.training.collapse import has_collapsed, representation_std
from lightly_nb.training.images import pixels_needed, read_images, shrink
from tests.photos import photographs


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 900), st.integers(1, 900), st.integers(1, 50_000))
def test_shrunk_images_fit_and_keep_their_shape(height, width, pixels):
    image = np.full((height, width, 3), 7, np.uint8)
    small = shrink(image, pixels)
    assert small.shape[0] * small.shape[1] <= max(pixels, height, width)
    assert small.dtype == np.uint8
    assert (small == 7).all()
    if height * width <= pixels:
        assert small is image
    elif min(small.shape[:2]) > 20:
        assert small.shape[1] / small.shape[0] == pytest.approx(width / height, rel=0.1)


@pytest.mark.parametrize(("input_size", "min_scale"), [(64, 0.15), (32, 0.08), (96, 0.5)])
def test_no_crop_of_a_shrunk_image_is_enlarged(input_size, min_scale):
    torch.manual_seed(0)
    small = shrink(np.zeros((900, 1200, 3), np.uint8), pixels_needed(input_size, min_scale))
    crop = RandomResizedCrop(input_size, scale=(min_scale, 1.0))
    params_of = getattr(crop, "make_params", None) or crop._get_params  # its name before torchvision 0.21
    sides = []
    for _ in range(500):
        sizes = params_of([torch.from_numpy(small).permute(2, 0, 1)])
        sides.append(min(sizes["height"], sizes["width"]))
    assert min(sides) >= input_size - 2  # rounding
    assert min(sides) <= input_size * 1.25  # and no more pixels are kept than that takes


@pytest.mark.parametrize("number", range(6))
def test_the_smallest_crops_of_shrunk_images_look_like_those_of_the_whole_ones(number):
    whole = photographs()[number]
    small = shrink(whole, pixels_needed(64, 0.15))
    rng = np.random.default_rng(number)

    def view(image, left, top, share):
        height, width = image.shape[:2]
        box = (left * width, top * height, (left + share) * width, (top + share) * height)
        return np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BILINEAR, box), np.float32)

    share = 0.15**0.5
    for _ in range(20):
        left, top = rng.uniform(0, 1 - share, 2)
        one, other = view(whole, left, top, share), view(small, left, top, share)
        assert np.sqrt(np.mean((one - other) ** 2)) < 0.15 * one.std()


def test_images_are_read_in_order_and_broken_ones_renumber_the_rest(photo_samples, heard):
    names = [*photo_samples.filenames[:3], "missing.jpg", *photo_samples.filenames[3:6]]
    broken = []
    images = read_images(
        photo_samples.source,
        names,
        pixels=400,
        max_bytes=5 * 1200,
        on_broken=lambda name, said: broken.append((name, said)),
        on_event=heard,
    )
    ((name, said),) = broken
    assert name == "missing.jpg"
    assert "missing.jpg" in said
    assert images.filenames == photo_samples.filenames[:6]
    assert len(images.kept) == 4
    for number, name in enumerate(images.filenames):
        alone = read_images(
            photo_samples.source, [name], pixels=400, max_bytes=0, on_broken=print, on_event=heard
        )
        assert np.array_equal(images[number], alone[0])


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 40), st.integers(1, 50), st.booleans(), st.booleans(), st.integers(0, 5))
def test_each_epoch_is_a_shuffle_in_batches_of_two_or_more(n, batch_size, shuffle, drop_last, seed):
    batches = Batches(n, batch_size, shuffle=shuffle, drop_last=drop_last, seed=seed)
    batches.epoch = 3
    made = list(batches)
    assert len(made) == len(batches) >= 1
    assert all(len(batch) >= 2 for batch in made)
    seen = [number for batch in made for _, number in batch]
    assert len(set(seen)) == len(seen) <= n
    assert {epoch for batch in made for epoch, _ in batch} == {3}
    if not drop_last:
        assert len(seen) >= n - 1
    assert list(batches) == made


def test_epochs_differ_and_so_do_seeds():
    def order(seed, epoch):
        batches = Batches(30, 30, shuffle=True, drop_last=True, seed=seed)
        batches.epoch = epoch
        return [number for _, number in next(iter(batches))]

    assert order(1, 1) == order(1, 1)
    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (1, 2, 3)}) == 6


def test_every_epoch_shows_other_views_in_another_order(
    photo_samples, tiny_model, tmp_path, heard, monkeypatch
):
    seen = []
    original = Views.__getitem__
    monkeypatch.setattr(Views, "__getitem__", lambda self, key: seen.append(key) or original(self, key))
    train(photo_samples, max_epochs=3, lightly_config=tiny_model, output_dir=tmp_path, on_event=heard)
    assert [epoch for epoch, _ in seen] == [1] * 24 + [2] * 24 + [3] * 24
    orders = [[number for e, number in seen if e == epoch] for epoch in (1, 2, 3)]
    assert all(sorted(order) == list(range(24)) for order in orders)
    assert orders[0] != orders[1] != orders[2]


def test_a_view_depends_on_seed_epoch_and_sample_alone(photo_samples, heard):
    images = read_images(
        photo_samples.source,
        photo_samples.filenames[:4],
        pixels=4000,
        max_bytes=10**6,
        on_broken=print,
        on_event=heard,
    )
    transform = METHODS["simclr"](ModelSettings("resnet-9", 0.125), {}, {"input_size": 32}).transform
    views = Views(images, transform, seed=1)
    first = views[1, 0]
    views[2, 3]
    again, elsewhere = views[1, 0], pickle.loads(pickle.dumps(views))[1, 0]
    assert all(
        torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(first, again, elsewhere, strict=True)
    )
    assert not torch.equal(first[0], first[1])
    for other in (views[2, 0], views[1, 3], Views(images, transform, seed=2)[1, 0]):
        assert not torch.equal(first[0], other[0])


def test_representation_std_is_one_on_the_sphere_and_zero_when_alike():
    torch.manual_seed(0)
    assert representation_std(torch.randn(5000, 32)) == pytest.approx(1, abs=0.02)
    assert representation_std(5 + 1e-4 * torch.randn(100, 32)) < 1e-3
    assert representation_std(torch.zeros(4, 8)) == 0
    assert has_collapsed(0.0)
    assert has_collapsed(float("nan"))
    assert not has_collapsed(0.2)


def test_a_collapsing_training_is_said_and_a_healthy_one_is_not(photo_samples, tiny_model, tmp_path, heard):
    weights_vanish = tiny_model | {"optimizer.weight_decay": 5.0}
    path = train(
        photo_samples, max_epochs=4, lightly_config=weights_vanish, output_dir=tmp_path / "a", on_event=heard
    )
    said = [message for message in heard.warnings if "collapsed" in message]
    assert len(said) == 1
    assert "represents all images alike" in said[0]
    assert "optimizer.weight_decay" in said[0]
    assert load_checkpoint(path).training["collapsed"] is True
    assert heard.epochs[-1]["representation_std"] < 0.02
    heard.clear()
    path = train(
        photo_samples, max_epochs=4, lightly_config=tiny_model, output_dir=tmp_path / "b", on_event=heard
    )
    assert not [message for message in heard.warnings if "collapsed" in message]
    assert load_checkpoint(path).training["collapsed"] is False
    assert heard.epochs[-1]["representation_std"] > 0.1
