"""What is said of a training that begins with random weights, and of a loss at chance."""

from __future__ import annotations

import math

import pytest
import torch
from lightly.loss import NTXentLoss, VICRegLoss

from lightly_nb.models import load_checkpoint
from lightly_nb.training import expectation, train
from lightly_nb.training.chance import TOLERANCE, chance_loss, chance_warning, is_at_chance


def said(heard, words):
    return [event for event in heard if words in event.get("message", "")]


def test_before_it_starts_a_short_training_is_called_what_it_is(photo_samples, tiny_model, tmp_path, heard):
    train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path, on_event=heard)
    (event,) = said(heard, "begins with random weights")
    assert event["level"] == "warning"
    assert "usually worse than the embedder that ships" in event["message"]
    assert "photographs of clothing 0.33" in event["message"]
    assert "model.name to efficientnet-lite0" in event["message"]
    assert "about" not in event["message"]  # tiny: not worth timing
    first_batch = next(n for n, e in enumerate(heard) if e["step"] == "TRAINING" and e.get("done"))
    assert heard.index(event) < first_batch


def test_how_long_it_takes_is_said_and_the_timing_changes_no_weight(
    photo_samples, tiny_model, tmp_path, heard, monkeypatch
):
    config = tiny_model | {"criterion.memory_bank_size": 16}
    untimed = train(photo_samples, lightly_config=config, output_dir=tmp_path / "a", on_event=heard)
    monkeypatch.setattr(expectation, "TINY", 0)
    heard.clear()
    timed = train(photo_samples, lightly_config=config, output_dir=tmp_path / "b", on_event=heard)
    (event,) = said(heard, "begins with random weights")
    assert "takes about" in event["message"]
    one, other = load_checkpoint(untimed).weights, load_checkpoint(timed).weights
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_from_a_checkpoint_nothing_is_said(photo_samples, tiny_model, tmp_path, heard):
    path = train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path / "a", on_event=heard)
    heard.clear()
    train(
        photo_samples,
        lightly_config=tiny_model,
        checkpoint=path,
        output_dir=tmp_path / "b",
        on_event=heard,
    )
    assert not said(heard, "begins with random weights")


@pytest.mark.parametrize("n", [2, 8, 128])
@pytest.mark.parametrize("bank", [0, 40])
@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_chance_is_the_loss_of_projections_that_are_all_alike(n, bank, temperature):
    loss = NTXentLoss(temperature=temperature, memory_bank_size=(bank, 6) if bank else 0)
    alike = torch.ones(n, 6, requires_grad=True)
    if bank:
        loss(alike, alike)
        loss.memory_bank.bank.fill_(6**-0.5)
        got = float(loss(alike.detach(), alike.detach()))
    else:
        got = float(loss(alike, alike).detach())
    assert got == pytest.approx(chance_loss(loss, n), abs=1e-4)


def test_vicreg_guesses_nothing():
    assert chance_loss(VICRegLoss(), 8) is None
    assert is_at_chance(3.0, None) is None


@pytest.mark.parametrize("n", [8, 128])
def test_random_projections_are_at_chance_and_those_that_match_are_not(n):
    torch.manual_seed(0)
    loss, chance = NTXentLoss(temperature=0.5), chance_loss(NTXentLoss(), n)
    one, other = torch.randn(2, n, 32)
    assert is_at_chance(float(loss(one, other)), chance)
    assert not is_at_chance(float(loss(one, one + 0.3 * other)), chance)
    assert is_at_chance(chance, chance)
    assert is_at_chance(math.nan, chance)
    assert not is_at_chance(chance - TOLERANCE - 0.01, chance)


def test_a_loss_at_chance_is_told_once_at_the_end(photo_samples, tiny_model, tmp_path, heard):
    config = tiny_model | {"optimizer.lr": 1e-12}
    path = train(
        photo_samples, max_epochs=2, lightly_config=config, output_dir=tmp_path / "a", on_event=heard
    )
    (event,) = said(heard, "the loss is at chance")
    assert event["level"] == "warning"
    training = load_checkpoint(path).training
    assert training["at_chance"] is True
    assert training["chance_loss"] == pytest.approx(math.log(15))
    assert heard.epochs[-1]["chance_loss"] == training["chance_loss"]
    assert f"guessing gives {math.log(15):.3g}" in event["message"]


def test_a_loss_that_fell_is_not_at_chance(photo_samples, tiny_model, tmp_path, heard):
    config = tiny_model | {"criterion.temperature": 0.1, "trainer.max_epochs": 12, "optimizer.lr": 0.05}
    path = train(photo_samples, lightly_config=config, output_dir=tmp_path, on_event=heard)
    assert load_checkpoint(path).training["at_chance"] is False
    assert not said(heard, "at chance")


def test_the_warning_tells_what_a_pretrained_backbone_still_knows():
    assert "do not select with its embeddings" in chance_warning(3.4, 3.43, False)
    assert "this training has taught it nothing" in chance_warning(3.4, 3.43, True)
