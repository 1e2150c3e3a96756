"""Training gives a checkpoint that has learned something, the same one every time."""

from __future__ import annotations

import random
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch

from lightly_nb.errors import CheckpointError, ConfigError, DatasourceError, InputError, RunError
from lightly_nb.models import load_checkpoint, model_fingerprint
from lightly_nb.samples import Samples
from lightly_nb.training import device, train
from tests.training.conftest import samples_of


def same_weights(one, other) -> bool:
    one, other = load_checkpoint(one).weights, load_checkpoint(other).weights
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_the_newest_epoch_and_the_last_state_are_kept(photo_samples, tiny_model, tmp_path, heard):
    path = train(
        photo_samples, max_epochs=2, lightly_config=tiny_model, output_dir=tmp_path / "out", on_event=heard
    )
    assert path == tmp_path / "out" / "lightly_epoch_2.ckpt"
    assert {file.name for file in path.parent.iterdir()} == {"lightly_epoch_2.ckpt", "last.ckpt"}
    checkpoint = load_checkpoint(path, name="resnet-9", width=0.125, num_ftrs=16)
    assert checkpoint.epochs == 2
    assert checkpoint.settings.input_size == 32
    assert checkpoint.training["collapsed"] is False
    assert checkpoint.training["loss"] == heard.epochs[-1]["epoch_loss"]
    assert load_checkpoint(tmp_path / "out" / "last.ckpt").resume is not None


def test_events_tell_loss_speed_and_progress(photo_samples, tiny_model, tmp_path, heard):
    train(photo_samples, max_epochs=2, lightly_config=tiny_model, output_dir=tmp_path, on_event=heard)
    reading = [event for event in heard if event["step"] == "LOADING_DATASET"]
    assert (reading[-1]["done"], reading[-1]["total"], reading[-1]["unit"]) == (24, 24, "image")
    batches = [event for event in heard if event["step"] == "TRAINING" and "done" in event]
    assert (batches[-1]["done"], batches[-1]["total"], batches[-1]["unit"]) == (6, 6, "batch")
    wanted = {"epoch", "loss", "images_per_second", "representation_std"}
    assert set(batches[-1]["metrics"]) == wanted
    assert [epoch["epoch"] for epoch in heard.epochs] == [1, 2]
    for epoch in heard.epochs:
        assert set(epoch) == wanted | {"epoch_loss", "chance_loss"}
        assert all(np.isfinite(value) for value in epoch.values())
    assert [
        event["message"].split(":")[0] for event in heard if "epoch_loss" in event.get("metrics", {})
    ] == [
        "epoch 1 of 2",
        "epoch 2 of 2",
    ]


def test_it_learns_to_tell_photographs_apart(photo_samples, tiny_model, tmp_path, heard):
    train(photo_samples, max_epochs=12, lightly_config=tiny_model, output_dir=tmp_path, on_event=heard)
    losses = [epoch["loss"] for epoch in heard.epochs]
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.05
    assert all("GPU" in message or "random weights" in message for message in heard.warnings)


def test_two_runs_give_the_same_weights_and_another_seed_others(photo_samples, tiny_model, tmp_path, heard):
    def weights(name, **arguments):
        folder = tmp_path / name
        return train(
            photo_samples,
            max_epochs=2,
            lightly_config=tiny_model,
            output_dir=folder,
            on_event=heard,
            **arguments,
        )

    first = weights("first")
    torch.manual_seed(99)
    np.random.seed(99)
    assert same_weights(first, weights("second"))
    assert model_fingerprint(first) != model_fingerprint(weights("third", seed=2))


@pytest.mark.slow
def test_worker_processes_change_nothing(photo_samples, tiny_model, tmp_path, heard):
    alone = train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path / "a", on_event=heard)
    config = {**tiny_model, "loader.num_workers": 1}
    assert same_weights(
        alone, train(photo_samples, lightly_config=config, output_dir=tmp_path / "b", on_event=heard)
    )


def test_what_is_not_kept_in_memory_is_read_again_alike(
    photo_samples, tiny_model, tmp_path, heard, monkeypatch
):
    kept = train(
        photo_samples, max_epochs=2, lightly_config=tiny_model, output_dir=tmp_path / "a", on_event=heard
    )
    monkeypatch.setattr(device, "MOST_MEMORY", 3 * 9103 * 5)  # five images
    read = train(
        photo_samples, max_epochs=2, lightly_config=tiny_model, output_dir=tmp_path / "b", on_event=heard
    )
    assert [event["total"] for event in heard if event["step"] == "LOADING_DATASET"][-1] == 5
    assert same_weights(kept, read)


def test_it_trains_in_a_thread(photo_samples, tiny_model, tmp_path, heard):
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(
            train, photo_samples, lightly_config=tiny_model, output_dir=tmp_path / "thread", on_event=heard
        )
    here = train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path / "here", on_event=heard)
    assert same_weights(made.result(), here)


def test_the_callers_randomness_and_settings_are_left_alone(photo_samples, tiny_model, tmp_path, heard):
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    expected = random.random(), np.random.random(), float(torch.rand(1))
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    deterministic = torch.backends.cudnn.deterministic
    train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path, on_event=heard)
    assert (random.random(), np.random.random(), float(torch.rand(1))) == expected
    assert torch.backends.cudnn.deterministic == deterministic


def test_only_our_own_words_are_heard(
    photo_samples, tiny_model, tmp_path, heard, capfd, recwarn, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    path = train(photo_samples, lightly_config=tiny_model, on_event=heard)
    assert capfd.readouterr() == ("", "")
    assert not list(recwarn)
    assert path.parent.parent.parent.name == "lightly_outputs"
    assert [file.name for file in tmp_path.iterdir()] == ["lightly_outputs"]
    assert {file.name for file in path.parent.iterdir()} == {path.name, "last.ckpt"}


def test_without_a_listener_progress_bars_are_shown(photo_samples, tiny_model, tmp_path, capfd):
    train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path)
    shown = capfd.readouterr().err
    assert "training: 100%" in shown
    assert "loss=" in shown


@pytest.mark.parametrize(
    "changes",
    [
        {"trainer.precision": 16},
        {"model.method": "vicreg", "optimizer.lr": 0.01},
        {"criterion.memory_bank_size": 32},
        {"collate.rr_prob": 0.5, "collate.rr_degrees": [-10, 10], "collate.vf_prob": 0.5},
        {"loader.shuffle": False},
    ],
    ids=str,
)
def test_every_setting_trains(photo_samples, tiny_model, tmp_path, heard, changes):
    path = train(photo_samples, lightly_config=tiny_model | changes, output_dir=tmp_path, on_event=heard)
    settings = load_checkpoint(path).settings
    assert settings.method == changes.get("model.method", "simclr")
    assert np.isfinite(heard.epochs[-1]["loss"])


@pytest.mark.parametrize(
    ("batch_size", "drop_last", "batches"),
    [(500, True, 1), (16, True, 1), (16, False, 2), (23, False, 1), (1, True, 12)],
)
def test_batches_of_any_size_train(
    photo_samples, tiny_model, tmp_path, heard, batch_size, drop_last, batches
):
    config = tiny_model | {"loader.batch_size": batch_size, "loader.drop_last": drop_last}
    train(photo_samples, lightly_config=config, output_dir=tmp_path, on_event=heard)
    assert [event["total"] for event in heard if event.get("unit") == "batch"][-1] == batches


def test_files_kept_follow_the_checkpoint_callback(photo_samples, tiny_model, tmp_path, heard):
    for top_k, last, names in ((2, False, {2, 3}), (-1, True, {1, 2, 3}), (0, False, {3})):
        config = tiny_model | {"checkpoint_callback.save_top_k": top_k, "checkpoint_callback.save_last": last}
        folder = tmp_path / str(top_k)
        train(
            photo_samples.take(range(8)),
            max_epochs=3,
            lightly_config=config,
            output_dir=folder,
            on_event=heard,
        )
        expected = {f"lightly_epoch_{epoch}.ckpt" for epoch in names} | ({"last.ckpt"} if last else set())
        assert {file.name for file in folder.iterdir()} == expected


def test_a_gpu_that_is_not_there_is_a_warning(photo_samples, tiny_model, tmp_path, heard, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path / "a", on_event=heard)
    assert any("trainer.gpus is 1" in message and "on the CPU" in message for message in heard.warnings)
    heard.clear()
    config = tiny_model | {"trainer.gpus": 0}
    train(photo_samples, lightly_config=config, output_dir=tmp_path / "b", on_event=heard)
    assert not [message for message in heard.warnings if "GPU" in message]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
@pytest.mark.parametrize("precision", [16, 32])
def test_on_a_gpu_two_runs_agree(photo_samples, tiny_model, tmp_path, heard, precision):
    config = tiny_model | {"trainer.precision": precision, "loader.num_workers": 2}
    paths = [
        train(photo_samples, max_epochs=2, lightly_config=config, output_dir=tmp_path / name, on_event=heard)
        for name in "ab"
    ]
    assert not [message for message in heard.warnings if "GPU" in message]
    one, other = (load_checkpoint(path).weights for path in paths)
    assert all(torch.allclose(one[key], other[key], rtol=1e-3, atol=1e-5) for key in one)


@pytest.mark.slow
def test_workers_start_from_a_script_without_a_main_guard(photo_samples, tiny_model, tmp_path):
    folder = photo_samples.source.url
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
            import pandas as pd, torch
            from lightly_nb.datasource import open_datasource
            from lightly_nb.samples import Samples
            from lightly_nb.training import train
            torch.ones(500, 500) @ torch.ones(500, 500)  # so that torch's threads are there
            source = open_datasource({str(folder)!r})
            samples = Samples(pd.DataFrame(index={photo_samples.filenames!r}), source=source)
            config = {dict(tiny_model) | {"loader.num_workers": 2}!r}
            print("done", train(samples, lightly_config=config, output_dir={str(tmp_path / "out")!r}))
        """)
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("done") == 1


# What cannot be trained


def test_no_epochs_and_no_checkpoint(photo_samples, tmp_path):
    with pytest.raises(InputError, match=r"max_epochs is 0.*no checkpoint.*set max_epochs.*checkpoint="):
        train(photo_samples, max_epochs=0, output_dir=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_epochs_give_the_checkpoint_back(photo_samples, tiny_model, tmp_path, heard):
    path = train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path / "a", on_event=heard)
    assert train(photo_samples, max_epochs=0, checkpoint=path, output_dir=tmp_path / "b") == path
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_images(photo_samples, tmp_path, heard, n):
    with pytest.raises(InputError, match=rf"got {n} image.*takes at least 2; add images"):
        train(photo_samples.take(range(n)), output_dir=tmp_path / "out", on_event=heard)
    assert not (tmp_path / "out").exists()


def test_samples_without_a_source(tmp_path, heard):
    with pytest.raises(InputError, match=r"no source to read images from"):
        train(Samples(pd.DataFrame(index=["a.jpg", "b.jpg"])), output_dir=tmp_path, on_event=heard)


def test_broken_images_are_left_out_and_named_once(photo_samples, tiny_model, tmp_path, heard, monkeypatch):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(photo_samples.filenames[:10]):
        (folder / f"{number}.jpg").write_bytes(photo_samples.source.read(name))
    whole = (folder / "2.jpg").read_bytes()
    (folder / "2.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "8.jpg").write_bytes(b"")
    monkeypatch.setattr(
        device, "MOST_MEMORY", 3 * 9103 * 5
    )  # the first is met while reading, the other later
    config = tiny_model | {"loader.batch_size": 2, "loader.drop_last": False}
    path = train(
        samples_of(folder), max_epochs=3, lightly_config=config, output_dir=tmp_path / "a", on_event=heard
    )
    assert load_checkpoint(path).epochs == 3
    named = [message for message in heard.warnings if "left out of training" in message]
    assert [message.split()[0] for message in named] == ["2.jpg", "8.jpg"]
    assert "truncated JPEG" in named[0]
    assert "0 bytes" in named[1]


def test_nothing_but_broken_images(tmp_path, heard):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match="0 of 3 images can be read"):
        train(samples_of(folder), output_dir=tmp_path / "out", on_event=heard)
    assert len(heard.warnings) == 3


def test_an_unknown_method_and_an_unknown_key(photo_samples, tmp_path):
    with pytest.raises(InputError, match=r"model\.method: got 'simsiam', allowed are simclr, vicreg"):
        train(photo_samples, lightly_config={"model.method": "simsiam"}, output_dir=tmp_path)
    with pytest.raises(ConfigError, match="Did you mean"):
        train(photo_samples, lightly_config={"trainer.max_epoch": 1}, output_dir=tmp_path)


def test_a_checkpoint_of_another_model_than_configured(photo_samples, tiny_model, tmp_path, heard):
    path = train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path / "a", on_event=heard)
    with pytest.raises(CheckpointError, match=r"expected model\.name resnet-18, got resnet-9"):
        train(photo_samples, lightly_config={}, checkpoint=path, output_dir=tmp_path / "b", on_event=heard)
    with pytest.raises(CheckpointError, match=r"nowhere\.ckpt: does not exist"):
        train(photo_samples, checkpoint=tmp_path / "nowhere.ckpt", output_dir=tmp_path / "b", on_event=heard)


def test_checkpoints_of_an_earlier_training_are_not_overwritten(photo_samples, tiny_model, tmp_path, heard):
    old = tmp_path / "lightly_epoch_7.ckpt"
    old.write_bytes(b"precious")
    with pytest.raises(
        InputError, match=r"holds lightly_epoch_7\.ckpt of an earlier training.*another output_dir"
    ):
        train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path, on_event=heard)
    assert old.read_bytes() == b"precious"


def test_an_output_folder_that_cannot_be_made(photo_samples, tiny_model, tmp_path, heard):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasourceError, match=r"output_dir .*cannot be made"):
        train(photo_samples, lightly_config=tiny_model, output_dir=tmp_path / "file" / "out", on_event=heard)


def test_a_loss_that_diverges_stops_the_training(photo_samples, tiny_model, tmp_path, heard):
    config = tiny_model | {"optimizer.lr": 1e30}
    with pytest.raises(
        RunError, match=r"loss became (nan|inf) in epoch 1.*Lower optimizer\.lr \(it is 1e\+30\)"
    ):
        train(photo_samples, max_epochs=3, lightly_config=config, output_dir=tmp_path, on_event=heard)


def test_files_that_vanish_while_training(photo_samples, tiny_model, tmp_path, heard, monkeypatch):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(photo_samples.filenames[:4]):
        (folder / f"{number}.jpg").write_bytes(photo_samples.source.read(name))
    monkeypatch.setattr(device, "MOST_MEMORY", 0)  # none is kept

    def vanish(event):
        heard(event)
        if "epoch_loss" in event.get("metrics", {}):
            for file in folder.iterdir():
                file.unlink()

    with pytest.raises(RunError, match="no image could be read in epoch 2"):
        train(
            samples_of(folder),
            max_epochs=3,
            lightly_config=tiny_model,
            output_dir=tmp_path / "o",
            on_event=vanish,
        )
    assert len([message for message in heard.warnings if "left out" in message]) == 4
    assert (tmp_path / "o" / "lightly_epoch_1.ckpt").exists()
