"""A training that stops, for whatever reason, keeps what it has and can go on as if it had not stopped."""

from __future__ import annotations

import os
import signal

import pytest
import torch

from lightly_nb.errors import CheckpointError, InputError, RunCanceled, RunError
from lightly_nb.events import silent
from lightly_nb.models import load_checkpoint
from lightly_nb.training import train
from tests.training.test_train import same_weights


@pytest.fixture
def config(tiny_model):
    """With a memory bank, whose content is part of what must be kept."""
    return tiny_model | {"criterion.memory_bank_size": 32, "trainer.max_epochs": 4}


def stopping(epoch, error):
    """Return a listener that raises `error` in the batch after that many epochs."""

    def hear(event):
        if event.get("metrics", {}).get("epoch_loss") and event["metrics"]["epoch"] == epoch:
            raise error

    return hear


def test_a_canceled_training_goes_on_to_the_same_weights(photo_samples, config, tmp_path, heard):
    whole = train(photo_samples, lightly_config=config, output_dir=tmp_path / "whole", on_event=heard)
    out = tmp_path / "out"
    with pytest.raises(
        RunCanceled, match=r"enough; .*in epoch 2: .*lightly_epoch_2\.ckpt is kept; go on with"
    ):
        train(
            photo_samples, lightly_config=config, output_dir=out, on_event=stopping(2, RunCanceled("enough"))
        )
    assert {file.name for file in out.iterdir()} == {"lightly_epoch_2.ckpt", "last.ckpt"}
    heard.clear()
    elsewhere = train(
        photo_samples,
        lightly_config=config,
        checkpoint=out / "last.ckpt",
        output_dir=tmp_path / "elsewhere",
        on_event=heard,
    )
    assert [epoch["epoch"] for epoch in heard.epochs] == [3, 4]
    batches = [event for event in heard if event["step"] == "TRAINING" and "done" in event]
    assert (batches[0]["done"], batches[-1]["done"], batches[-1]["total"]) == (6, 12, 12)
    there = train(photo_samples, lightly_config=config, output_dir=out, on_event=heard)
    assert elsewhere.name == there.name == "lightly_epoch_4.ckpt"
    assert same_weights(whole, elsewhere)
    assert same_weights(whole, there)


def test_canceled_in_the_first_epoch_there_is_nothing_to_keep(
    photo_samples, tiny_model, tmp_path, monkeypatch
):
    monkeypatch.setattr("lightly_nb.events.SECONDS_BETWEEN_EVENTS", 0.0)  # hear of the very first batch

    def cancel(event):
        if event["step"] == "TRAINING" and event.get("done"):
            raise RunCanceled("enough")

    with pytest.raises(RunCanceled, match="enough; training stopped in epoch 1: no epoch was finished"):
        train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path, on_event=cancel)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_from_the_keyboard_comes_out_as_one(photo_samples, config, tmp_path):
    def interrupt(event):
        if event.get("metrics", {}).get("epoch_loss"):
            os.kill(os.getpid(), signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match=r"lightly_epoch_1\.ckpt is kept"):
        train(photo_samples, lightly_config=config, output_dir=tmp_path, on_event=interrupt)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_finished_training_is_not_done_again(photo_samples, tiny_model, tmp_path, heard):
    path = train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path, on_event=heard)
    before = path.read_bytes()
    heard.clear()
    assert train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path, on_event=heard) == path
    assert path.read_bytes() == before
    assert not heard.epochs
    path.unlink()  # as after a crash between the two files of the last epoch
    assert train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path, on_event=heard) == path
    assert same_weights(path, tmp_path / "last.ckpt")
    with pytest.raises(InputError, match=r"trained for 1 epochs already.*raise it"):
        train(photo_samples, lightly_config=tiny_model, checkpoint=tmp_path / "last.ckpt", on_event=heard)


def test_other_weights_to_start_from_count_as_epoch_0(photo_samples, tiny_model, tmp_path, heard):
    first = train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path / "a", on_event=heard)
    config = tiny_model | {"optimizer.lr": 1e-12, "model.out_dim": 24}
    path = train(
        photo_samples, lightly_config=config, checkpoint=first, output_dir=tmp_path / "b", on_event=heard
    )
    assert path.name == "lightly_epoch_1.ckpt"
    before, after = load_checkpoint(first), load_checkpoint(path)
    assert after.settings.out_dim == 24
    assert torch.allclose(before.weights["backbone.7.weight"], after.weights["backbone.7.weight"], atol=1e-6)
    heard.clear()
    again = train(photo_samples, max_epochs=1, checkpoint=first, output_dir=tmp_path / "c", on_event=heard)
    assert load_checkpoint(again).settings == before.settings


def test_a_training_of_another_model_in_the_folder_is_not_overwritten(
    photo_samples, tiny_model, tmp_path, heard
):
    path = train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path, on_event=heard)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"unfinished training of another model.*another output_dir"):
        train(
            photo_samples,
            lightly_config=tiny_model | {"model.width": 0.25},
            output_dir=tmp_path,
            on_event=heard,
        )
    assert path.read_bytes() == before


def test_a_disk_that_gets_full_leaves_the_earlier_epoch(photo_samples, config, tmp_path, monkeypatch):
    sync, calls = os.fsync, []

    def full_after_one_epoch(fd):
        calls.append(fd)
        if len(calls) > 2:
            raise OSError(28, "No space left on device")
        sync(fd)

    monkeypatch.setattr(os, "fsync", full_after_one_epoch)
    with pytest.raises(RunError, match=r"cannot save the checkpoint .*last\.ckpt: No space left"):
        train(photo_samples, lightly_config=config, output_dir=tmp_path, on_event=silent)
    assert {file.name for file in tmp_path.iterdir()} == {"lightly_epoch_1.ckpt", "last.ckpt"}
    assert load_checkpoint(tmp_path / "last.ckpt").epochs == 1
