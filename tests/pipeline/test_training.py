"""What a run trains: the platform's model unless another one is named."""

from __future__ import annotations

import pytest

import lightly_nb as lnb
from lightly_nb.config import LightlyConfig
from lightly_nb.errors import RunCanceled
from lightly_nb.events import silent
from lightly_nb.models import load_checkpoint

SMALL = {"collate.input_size": 32, "loader.batch_size": 8, "loader.num_workers": 0, "trainer.gpus": 0}


@pytest.mark.parametrize("form", [dict, LightlyConfig])
def test_without_a_name_it_is_the_platforms(photo_folder, tmp_path, monkeypatch, form):
    asked = []

    def train(samples, **arguments):
        asked.append(arguments["lightly_config"])
        raise RunCanceled("enough")

    monkeypatch.setattr("lightly_nb.training.train", train)
    with pytest.raises(RunCanceled):
        lnb.run(
            photo_folder,
            n_samples=3,
            worker_config={"enable_training": True},
            lightly_config=form(**SMALL),
            output_dir=tmp_path,
            on_event=silent,
        )
    (config,) = asked
    assert (config.model.name, config.trainer.max_epochs, config.optimizer.lr) == ("resnet-18", 100, 1.0)
    assert "name" in config.model.model_fields_set  # so that `train` does not take its own


def test_a_pretrained_backbone_is_trained_and_embeds(photo_folder, tmp_path):
    heard = []
    run = lnb.run(
        photo_folder,
        n_samples=3,
        worker_config={"enable_training": True, "input_size": 64, "generate_report": False},
        lightly_config={**SMALL, "model.name": "efficientnet-lite0"},
        output_dir=tmp_path,
        on_event=heard.append,
    )
    checkpoint = load_checkpoint(next(run.path.glob("lightly_epoch_1.ckpt")))
    assert checkpoint.settings.name == "efficientnet-lite0"
    assert checkpoint.training.keys() >= {"loss", "chance_loss", "at_chance", "collapsed"}
    messages = [event.get("message", "") for event in run.events()]
    assert sum("gains little" in message for message in messages) == 1
    assert run.samples.embeddings.shape[1] == 256
