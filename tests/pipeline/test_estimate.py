"""What a run will take: the arithmetic against its parts, its constants against models and files."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from lightly_nb.config import Configs, parse_configs
from lightly_nb.errors import InputError, RunCanceled, RunError
from lightly_nb.events import Event, silent
from lightly_nb.pipeline.estimate.estimate import BACKBONES, VIEWS, Costs, estimate, multiply_adds
from lightly_nb.pipeline.estimate.measure import measured_costs, timed
from lightly_nb.reading import list_samples
from tests.conftest import TINY_MODEL

PLAIN = Costs(listing=1, reading=10, embedding=100, view=1000, training=10_000, thumbnail=500, n_measured=1)


def configs(worker=None, lightly=None, selection=None) -> Configs:
    return parse_configs(worker, lightly, selection)


def test_each_step_costs_what_its_parts_cost():
    asked = configs({"enable_training": True}, {"trainer.max_epochs": 3}, {"n_samples": 5})
    work = multiply_adds(asked.lightly)
    seconds = estimate(10, asked, costs=PLAIN, cpus=2).seconds
    assert seconds["LOADING_DATASET"] == 10
    assert seconds["EMBEDDING"] == pytest.approx(10 * (10 + 100 * work) / 2)
    a_pass = 10 * 2 * (1000 + 10_000 * work)
    assert seconds["TRAINING"] == pytest.approx(3 * a_pass + 10 * 10 / 2, rel=1e-3)


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (({"enable_training": True}, None), "TRAINING"),
        (({"enable_training": True}, {"trainer.max_epochs": 200}), "TRAINING"),
        (({"input_size": 448}, None), "EMBEDDING"),
        ((None, {"model.name": "resnet-50", "collate.input_size": 224}), "EMBEDDING"),
        (({"num_threads": 1}, None), "EMBEDDING"),
    ],
)
def test_more_work_takes_longer(more, part):
    base = estimate(1000, configs(), cpus=4).seconds
    assert estimate(1000, configs(*more), cpus=4).seconds[part] > 1.5 * base.get(part, 0)


def test_given_embeddings_leave_only_the_checks():
    asked = estimate(1000, configs({"embeddings": "x.csv"}, None, {"n_samples": 5}))
    assert not {"TRAINING", "EMBEDDING"} & set(asked.seconds)
    assert "CHECKING_CORRUPTNESS" in asked.seconds
    assert "thumbnails" not in asked.disk


@pytest.mark.parametrize(
    ("selection", "n", "expected"),
    [
        ({"n_samples": 7}, 10, 7),
        ({"proportion_samples": 0.25}, 10, 2),
        ({"proportion_samples": 0.001}, 10, 1),
        (None, 10, None),
    ],
)
def test_how_many_will_be_selected(selection, n, expected):
    assert estimate(n, configs(selection=selection)).n_selected == expected


def test_a_size_that_the_run_would_refuse_is_said():
    result = estimate(10, configs(selection={"n_samples": 11}))
    assert "asked for 11 samples, but there are 10 images" in result.problem
    assert estimate(11, configs(selection={"n_samples": 11})).problem == ""


@pytest.mark.parametrize("n", [-1, 2.5, True, "many"])
def test_a_number_of_images_that_is_none_is_refused(n):
    with pytest.raises(InputError, match=r"n_images: got .* whole numbers from 0"):
        estimate(n, configs())


def test_no_images_and_a_million_of_them_are_fine():
    assert "0 images" in str(estimate(0, configs()))
    assert re.search(r"\d [dh]\b", str(estimate(1_000_000, configs({"enable_training": True}))))


def test_checkpoints_count_as_often_as_they_are_kept():
    def kept(**callback: object) -> int:
        lightly = {"checkpoint_callback": callback, "trainer.max_epochs": 4}
        return estimate(10, configs({"enable_training": True}, lightly)).disk["checkpoints"]

    one = kept(save_last=False, save_top_k=1)
    assert kept(save_last=True, save_top_k=1) == 2 * one
    assert kept(save_last=False, save_top_k=-1) == 4 * one


@pytest.mark.parametrize("name", ["resnet-9", "resnet-18", "resnet-50"])
def test_the_table_of_backbones_is_that_of_the_models(name):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from lightly_nb.models import build_backbone

    with torch.device("meta"):
        backbone = build_backbone(name, 1, 32)
        with FlopCounterMode(display=False) as counter:
            backbone(torch.empty(1, 3, 64, 64))
    assert BACKBONES[name][0] == pytest.approx(counter.get_total_flops() / 2e9, rel=0.01)
    assert BACKBONES[name][1] == pytest.approx(sum(each.numel() for each in backbone.parameters()), rel=0.01)


@pytest.fixture
def photos(photo_folder: Path):
    return list_samples(photo_folder, on_event=silent)


def test_the_users_own_images_are_timed_with_the_real_model(photos):
    asked = configs({"enable_training": True}, TINY_MODEL, {"n_samples": 5})
    costs = measured_costs(photos, asked, n_images=6)
    assert 4 <= costs.n_measured <= 6, "broken files are passed over"
    assert min(costs.reading, costs.embedding, costs.view, costs.training) > 0
    assert 300 < costs.thumbnail < 30_000
    assert costs.training != Costs().training
    assert estimate(len(photos), asked, costs=costs).n_measured == costs.n_measured


def test_timing_can_be_canceled(photos):
    stop = threading.Event()
    stop.set()
    with pytest.raises(RunCanceled, match="timing a few images was canceled"):
        measured_costs(photos, configs(), is_canceled=stop.is_set)


def test_files_that_are_no_pictures_cannot_be_timed(tmp_path: Path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    samples = list_samples([tmp_path / "broken.jpg"], on_event=silent)
    with pytest.raises(InputError, match="none of the 1 files can be used: 1 × not an image"):
        timed(samples, configs())
    with pytest.raises(RunError, match="timing a few images failed: InputError: none of the 1 files"):
        measured_costs(samples, configs())


@pytest.mark.slow
def test_what_is_timed_is_about_what_a_run_takes(photos, tmp_path):
    """The estimate from a few images against the same steps on all; a busy machine is allowed for."""
    import lightly_nb as lnb

    asked = configs({"enable_training": True, "num_threads": 1}, {**TINY_MODEL, "trainer.max_epochs": 6})
    costs = measured_costs(photos, asked, n_images=8)
    seconds = estimate(len(photos), asked, costs=costs, cpus=1).seconds
    events: list[Event] = []
    checkpoint = lnb.train(photos, lightly_config=asked.lightly, output_dir=tmp_path, on_event=events.append)
    epochs = [event["metrics"] for event in events if "epoch_loss" in event.get("metrics", {})]
    rate = max(epoch["images_per_second"] for epoch in epochs[1:])
    predicted = VIEWS * (costs.view + costs.training * multiply_adds(asked.lightly))
    assert 0.2 < predicted * rate < 5
    events.clear()
    lnb.embed(photos, checkpoint, num_workers=1, on_event=events.append)
    times = [event["time"] for event in events if "done" in event]
    assert 0.2 < seconds["EMBEDDING"] / (times[-1] - times[0]) < 5


def test_pretagging_is_counted_by_its_detector():
    def seconds(**worker):
        return estimate(1000, parse_configs(worker, None, {"n_samples": 10}), cpus=2).seconds

    assert "PRETAGGING" not in seconds()
    default, small = (
        seconds(pretagging=True, **more)["PRETAGGING"]
        for more in ({}, {"pretagging_detector": "ssdlite320_mobilenet_v3_large"})
    )
    assert default == pytest.approx(6720)
    assert small < default / 100
