"""The main job, inline: a folder of photographs in, the subset and a whole run folder out."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from lightly.models import zoo
from lightly.utils.io import check_embeddings, load_embeddings

import lightly_nb as lnb
from lightly_nb.config import LightlyConfig, SelectionConfig, WorkerConfig
from lightly_nb.errors import (
    CheckpointError,
    ConfigError,
    DatasourceError,
    InputError,
    LightlyNBError,
    RunCanceled,
    RunError,
)
from lightly_nb.events import silent
from lightly_nb.states import RunState
from tests.conftest import TINY_MODEL, fill_with_photographs
from tests.photos import write_photographs

SEQUENCES = {
    "selected_sequence_length": 3,
    "enable_corruptness_check": False,
    "remove_exact_duplicates": False,
}
TRAIN = {"enable_training": True, "generate_report": False}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> lnb.Run:
    """One run that many tests look at and none changes."""
    folder = tmp_path_factory.mktemp("finished")
    return lnb.run(
        fill_with_photographs(folder / "photos"),
        folder / "out put",
        n_samples=5,
        worker_config=TRAIN,
        lightly_config=TINY_MODEL,
        on_event=silent,
    )


@pytest.fixture(scope="module")
def reported(finished: lnb.Run, tmp_path_factory: pytest.TempPathFactory) -> lnb.Run:
    """The same samples, selected once more, with a report."""
    return lnb.run(
        Path(finished.job.input),
        tmp_path_factory.mktemp("reported"),
        n_samples=5,
        worker_config={"checkpoint": str(finished.checkpoint)},
        on_event=silent,
    )


def test_a_run_selects_from_the_sound_files_and_says_what_it_left_out(finished, photo_folder):
    assert finished.state is RunState.COMPLETED
    assert len(finished.samples) == 24
    assert len(set(finished.selection.filenames)) == 5
    left_out = finished.quarantine.set_index("filename")
    assert sorted(left_out.index) == ["cut.jpg", "empty.png", "zz copy.jpg"]
    original = sorted(finished.samples.filenames)[0]
    assert left_out.loc["zz copy.jpg", "duplicate_of"] == original
    assert left_out["reason"].str.len().min() > 5
    assert left_out["what_to_do"].str.len().min() > 5


def test_the_run_folder_has_every_file_and_the_lists_add_up(finished):
    folder = finished.folder
    for path in (folder.embeddings, folder.normalized_embeddings, folder.selected_embeddings):
        check_embeddings(str(path))
    embeddings, labels, names = load_embeddings(str(folder.normalized_embeddings))
    assert names == finished.samples.filenames
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(embeddings.astype(np.float32), finished.samples.embeddings)
    assert sorted(set(labels)) == [0, 1]

    def lines(path: Path) -> list[str]:
        return path.read_text(encoding="utf-8").splitlines()

    assert lines(folder.corrupt_filenames) == ["cut.jpg", "empty.png"]
    assert lines(folder.duplicate_filenames) == ["zz copy.jpg"]
    assert lines(folder.sampled_filenames) == finished.selection.filenames
    assert sorted(lines(folder.sampled_filenames) + lines(folder.removed_filenames)) == names
    assert load_embeddings(str(folder.selected_embeddings))[2] == finished.selection.filenames
    assert finished.checkpoint == finished.path / "lightly_epoch_1.ckpt"
    config = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
    assert config["lightly_config"]["model"]["name"] == "resnet-9"
    assert yaml.safe_load(folder.hydra.read_text())["packages"]["torch"]
    assert "worker_config.enable_training=true" in yaml.safe_load(folder.overrides.read_text())
    assert not folder.chunks.exists()
    assert "COMPLETED" in folder.log.read_text(encoding="utf-8")


def test_states_come_in_the_documented_order_and_progress_is_counted(finished):
    states = [event["state"] for event in finished.events() if "state" in event]
    order = list(RunState)
    assert states == sorted(states, key=order.index)
    assert states[0] == "STARTED"
    assert states[-1] == "COMPLETED"
    assert {"TRAINING", "EMBEDDING", "SAMPLING", "SAVING_RESULTS"} < set(states)
    counted = [event for event in finished.events() if event["step"] == "EMBEDDING" and "done" in event]
    embedding = [event for event in counted if event["unit"] == "image"]
    assert embedding[-1]["done"] == embedding[-1]["total"] == 27
    training = [event for event in finished.events() if event["step"] == "TRAINING" and "metrics" in event]
    assert np.isfinite(training[-1]["metrics"]["loss"])


def test_a_rerun_gives_the_same_selection_bit_for_bit_in_whatever_order_files_are_listed(
    finished, tmp_path, monkeypatch
):
    scandir = os.scandir

    class Reversed:
        def __init__(self, path: object):
            with scandir(path) as entries:
                self.entries = list(entries)[::-1]

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *error: object) -> None:
            pass

    with monkeypatch.context() as patch:
        patch.setattr("lightly_nb.datasource.local.scandir", Reversed)
        again = lnb.rerun(finished.path, tmp_path / "again", on_event=silent)
    assert again.path != finished.path
    assert again.selection.filenames == finished.selection.filenames
    np.testing.assert_array_equal(again.samples.embeddings, finished.samples.embeddings)


def test_the_samples_of_a_run_bring_their_thumbnails(finished):
    samples = finished.samples
    html = samples._repr_html_()
    assert html.count("data:image/jpeg;base64,") >= 5
    assert samples.thumbnail(3).startswith(b"\xff\xd8")


def test_a_run_with_thumbnails_of_an_older_version_opens_without_them_and_says_so(finished, tmp_path):
    old = shutil.copytree(finished.path, tmp_path / "old")
    (old / "data" / "thumbnails.arrow").rename(old / "data" / "thumbnails.pack")
    with pytest.warns(UserWarning, match=r"old/data/thumbnails\.pack' holds .* of version 0\.1, .*run on"):
        samples = lnb.open_run(old).samples
    assert samples.filenames == finished.samples.filenames
    assert not samples.has_thumbnails
    assert samples.thumbnail(0) == b""


def test_a_second_run_reuses_a_checkpoint_and_preselects_nothing(finished, photo_folder, tmp_path):
    run = lnb.run(
        photo_folder,
        tmp_path / "second",
        proportion_samples=0.5,
        worker_config={"generate_report": False, "checkpoint": "lightly_epoch_1.ckpt"},
        shared_dir=finished.path,
        on_event=silent,
    )
    assert len(run.selection.filenames) == 12
    np.testing.assert_array_equal(run.samples.embeddings, finished.samples.embeddings)
    assert run.checkpoint is None


def test_given_embeddings_replace_training_and_embedding(finished, photo_folder, tmp_path):
    run = lnb.run(
        photo_folder,
        tmp_path / "given",
        n_samples=5,
        worker_config={"generate_report": False, "embeddings": "data/embeddings.csv"},
        shared_dir=finished.path,
        on_event=silent,
    )
    assert run.selection.filenames == finished.selection.filenames
    states = {event["state"] for event in run.events() if "state" in event}
    assert not states & {"TRAINING", "EMBEDDING"}


def test_a_list_of_files_and_a_table_do_in_place_of_a_folder(finished, photo_folder, tmp_path):
    some = [photo_folder / name for name in finished.samples.filenames[:9]]
    table = pd.DataFrame({"path": [str(path) for path in some], "camera": list("abcabcabc")})
    for source in (some, table):
        run = lnb.run(
            source,
            tmp_path / "listed",
            n_samples=3,
            worker_config={"generate_report": False, "checkpoint": str(finished.checkpoint)},
            on_event=silent,
        )
        assert len(run.samples) == 9
        again = lnb.rerun(run.path, on_event=silent)
        assert again.selection.filenames == run.selection.filenames
    assert set(run.samples.table["camera"]) == {"a", "b", "c"}


def test_cancel_keeps_what_is_finished_and_resume_goes_on(photo_folder, tmp_path, tiny_model):
    def cancel_when_embedding(event):
        if event.get("step") == "EMBEDDING" and event.get("done", 0) > 0:
            raise RunCanceled("enough")

    with pytest.raises(RunCanceled, match="enough"):
        lnb.run(
            photo_folder,
            tmp_path,
            n_samples=3,
            worker_config=TRAIN,
            lightly_config=tiny_model,
            on_event=cancel_when_embedding,
        )
    (path,) = [events.parent for events in tmp_path.rglob("events.jsonl")]
    run = lnb.open_run(path)
    assert run.state is RunState.ABORTED
    trained = run.checkpoint.read_bytes()
    run.resume().wait(timeout=120, progress=False)
    assert run.state is RunState.COMPLETED
    assert run.checkpoint.read_bytes() == trained
    assert len(run.selection.filenames) == 3


def test_a_run_ends_with_its_report(reported):
    states = [event["state"] for event in reported.events() if "state" in event]
    assert states[-2:] == ["GENERATING_REPORT", "COMPLETED"]
    for path in (reported.folder.report_pdf, reported.folder.report_html, reported.folder.report_json):
        assert path.stat().st_size > 10_000
    assert (reported.path / "plots" / "scatter_pca.png").stat().st_size > 5_000
    assert "<" in reported.report()._repr_html_()


def test_a_report_that_fails_leaves_the_selection_and_is_made_by_resuming(finished, tmp_path, monkeypatch):
    def full_disk(*arguments: object, **options: object) -> None:
        raise RunError("No space left on device")

    monkeypatch.setattr("lightly_nb.report.write_report", full_disk)
    with pytest.raises(RunError, match="No space left"):
        lnb.run(
            Path(finished.job.input),
            tmp_path,
            n_samples=5,
            worker_config={"checkpoint": str(finished.checkpoint)},
            on_event=silent,
        )
    (events,) = tmp_path.rglob("events.jsonl")
    run = lnb.open_run(events.parent)
    assert run.state is RunState.FAILED
    assert run.selection.filenames == finished.selection.filenames
    with pytest.raises(RunError, match="no report"):
        run.report()
    monkeypatch.undo()
    lnb.pipeline.execute(run.folder, on_event=silent)
    assert run.state is RunState.COMPLETED
    assert run.report() is not None


# Bad input: before any work, with a message that helps; nothing there is lost


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, ConfigError, "exactly one of"),
        ({"n_samples": 3, "proportion_samples": 0.5}, ConfigError, "both given; give one"),
        ({"n_samples": 28}, InputError, r"n_samples.*asked for 28.*has 27"),
        (
            {"n_samples": 3, "worker_config": {"enable_trainin": 1}},
            ConfigError,
            "Did you mean 'enable_training'",
        ),
        (
            {"n_samples": 3, "worker_config": SEQUENCES},
            ConfigError,
            "selected_sequence_length.*cannot do that yet",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_refused(photo_folder, tmp_path, tiny_model, arguments, error, text):
    settings = {"worker_config": TRAIN, "lightly_config": tiny_model, **arguments}
    with pytest.raises(error, match=text):
        lnb.run(photo_folder, tmp_path / "out", on_event=silent, **settings)


def test_more_samples_than_are_usable_fails_after_embedding_and_keeps_it(photo_folder, tmp_path, tiny_model):
    with pytest.raises(LightlyNBError, match=r"26.*24"):
        lnb.run(
            photo_folder,
            tmp_path,
            n_samples=26,
            worker_config=TRAIN,
            lightly_config=tiny_model,
            on_event=silent,
        )
    (path,) = [events.parent for events in tmp_path.rglob("events.jsonl")]
    run = lnb.open_run(path)
    assert run.state is RunState.FAILED
    assert "26" in run.message
    assert "Traceback" in run.log()
    assert len(run.samples) == 24


def test_no_such_folder(tmp_path):
    with pytest.raises(DatasourceError, match="nowhere"):
        lnb.run(tmp_path / "nowhere", tmp_path / "out", n_samples=1, worker_config=TRAIN, on_event=silent)


def test_an_empty_folder_and_a_folder_of_broken_images(tmp_path, tiny_model):
    empty = tmp_path / "empty"
    empty.mkdir()
    settings = {"worker_config": TRAIN, "lightly_config": tiny_model, "on_event": silent}
    with pytest.raises(InputError, match="no images"):
        lnb.run(empty, tmp_path / "out", n_samples=1, **settings)
    for name in ("a.jpg", "b.png"):
        (empty / name).write_bytes(b"this is not an image")
    with pytest.raises(InputError, match="0 of 2 images can be read"):
        lnb.run(empty, tmp_path / "out", n_samples=1, **settings)


def test_one_image_can_be_embedded_and_selected_but_not_trained_on(finished, tmp_path, tiny_model):
    folder = tmp_path / "one"
    write_photographs(folder, 1)
    with pytest.raises(InputError, match=r"1 image"):
        lnb.run(
            folder,
            tmp_path / "o",
            n_samples=1,
            worker_config=TRAIN,
            lightly_config=tiny_model,
            on_event=silent,
        )
    run = lnb.run(
        folder,
        tmp_path / "o",
        n_samples=1,
        worker_config={"generate_report": False, "checkpoint": str(finished.checkpoint)},
        on_event=silent,
    )
    assert run.selection.filenames == run.samples.filenames


def test_output_that_cannot_be_written(photo_folder, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("keep me")
    with pytest.raises(DatasourceError, match="cannot be written"):
        lnb.run(photo_folder, blocked / "below", n_samples=1, worker_config=TRAIN, on_event=silent)
    assert blocked.read_text() == "keep me"


def test_a_run_directory_that_holds_something_is_left_alone(photo_folder, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(DatasourceError, match="not empty"):
        lnb.run(
            photo_folder,
            tmp_path,
            n_samples=1,
            worker_config={**TRAIN, "run_directory": "mine"},
            on_event=silent,
        )
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_checkpoint_that_is_none_is_refused_before_the_files_are_read(photo_folder, tmp_path):
    (tmp_path / "bad.ckpt").write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match=r"bad\.ckpt"):
        lnb.run(
            photo_folder,
            tmp_path / "out",
            n_samples=1,
            worker_config={"generate_report": False, "checkpoint": "bad.ckpt"},
            shared_dir=tmp_path,
            on_event=silent,
        )
    events = [json.loads(line) for line in next(tmp_path.rglob("events.jsonl")).read_text().splitlines()]
    assert "LOADING_DATASET" not in {event.get("state") for event in events}
    assert events[-1]["state"] == "FAILED"


def refused_before_listing(folder, error, match, **options):
    with pytest.raises(error, match=match):
        lnb.run(**options, output_dir=folder / "out", n_samples=1, on_event=silent)
    run = lnb.open_run(next(folder.rglob("events.jsonl")).parent)
    assert "LOADING_DATASET" not in {event.get("state") for event in run.events()}


def test_weights_that_cannot_be_had_are_refused_before_any_work(photo_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setitem(zoo.ZOO, "resnet-18/simclr/d32/w1.0", "http://127.0.0.1:9/weights.pth")
    worker = {"model": "resnet-18/simclr/d32/w1.0"}
    options = {"source": photo_folder, "worker_config": worker}
    refused_before_listing(tmp_path, CheckpointError, r"enable_training.*checkpoint=", **options)


@pytest.mark.parametrize(
    ("worker", "message"),
    [
        ({"model": "efficientnet-light"}, "did you mean 'efficientnet-lite0'"),
        ({"model": "timm/vit_small_patch16_dinov3.lvd1689m"}, "dinov3-license.*accept_licence"),
        ({"dimensions": 999}, "efficientnet-lite0 gives 1 to 256, or 1280"),
        ({"input_size": 8}, "efficientnet-lite0 needs at least 32 pixels"),
    ],
)
@pytest.mark.parametrize("make", [lnb.run, lnb.start])
def test_a_model_that_cannot_be_used_is_refused_at_the_gate(photo_folder, tmp_path, worker, message, make):
    with pytest.raises(ConfigError, match=message):
        make(photo_folder, tmp_path / "out", n_samples=1, worker_config=worker)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("worker", "options", "message"),
    [
        ({"model": "timm/resnet18", "checkpoint": "a.ckpt"}, {}, "model and a checkpoint are both given"),
        (
            {"model": "timm/resnet18", "enable_training": True},
            {},
            "embeds as it is; set enable_training to false",
        ),
        ({"model": "timm/resnet18", "embeddings": "a.csv"}, {}, "embeddings are given, so no model is used"),
        ({"model": "timm/resnet18"}, {"checkpoint": "a.ckpt"}, "given together with checkpoint="),
    ],
)
def test_a_model_beside_what_excludes_it_is_refused(photo_folder, tmp_path, worker, options, message):
    with pytest.raises(ConfigError, match=message):
        lnb.run(photo_folder, tmp_path, n_samples=1, worker_config=worker, on_event=silent, **options)


def test_without_training_and_checkpoint_the_shipped_model_embeds(photo_folder, tmp_path):
    worker = {"generate_report": False, "input_size": 64, "dimensions": 32}
    run = lnb.run(photo_folder, tmp_path, n_samples=3, worker_config=worker, on_event=silent)
    assert run.samples.embeddings.shape[1] == 32
    assert any("with efficientnet-lite0 at 64 px" in event.get("message", "") for event in run.events())


def test_a_checkpoint_of_another_architecture_is_refused_early(finished, photo_folder, tmp_path):
    with pytest.raises(CheckpointError, match=r"expected model.name resnet-18, got resnet-9"):
        lnb.run(
            photo_folder,
            tmp_path / "out",
            n_samples=1,
            worker_config={**TRAIN, "checkpoint": str(finished.checkpoint)},
            on_event=silent,
        )
    run = lnb.open_run(next(tmp_path.rglob("events.jsonl")).parent)
    assert "LOADING_DATASET" not in {event.get("state") for event in run.events()}


def test_a_folder_without_a_run_cannot_be_opened(tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        lnb.open_run(tmp_path)


def test_the_output_folder_may_lie_inside_the_input_folder(photo_folder, finished):
    for _ in range(2):
        run = lnb.run(
            photo_folder,
            photo_folder / "outputs",
            n_samples=2,
            worker_config={"generate_report": False, "checkpoint": str(finished.checkpoint)},
            on_event=silent,
        )
        assert len(run.samples) == 24


def test_parsed_configurations_are_noted_by_what_differs_from_the_defaults(tmp_path):
    (tmp_path / "empty").mkdir()
    configs = {
        "worker_config": WorkerConfig(run_directory="r", enable_training=True),
        "lightly_config": LightlyConfig(trainer={"max_epochs": 3}),
        "selection_config": SelectionConfig(n_samples=5),
    }
    with pytest.raises(LightlyNBError):
        lnb.run(tmp_path / "empty", tmp_path / "out", **configs)
    noted = yaml.safe_load((tmp_path / "out" / "r" / "config" / "overrides.yaml").read_text())
    assert set(noted) == {
        "worker_config.run_directory=r",
        "worker_config.enable_training=true",
        "lightly_config.trainer.max_epochs=3",
        "selection_config.n_samples=5",
    }
