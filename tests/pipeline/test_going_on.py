"""A run folder in which something is left over, gone, cut or replaced; and what resuming makes of it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import lightly_nb as lnb
from lightly_nb.errors import CheckpointError, DatasourceError, LightlyNBError, RunError
from lightly_nb.events import silent
from lightly_nb.pipeline.runs import prepare
from lightly_nb.states import RunState
from tests.conftest import TINY_MODEL, fill_with_photographs
from tests.photos import write_photographs

OPTIONS = {"worker_config": {"enable_training": True, "generate_report": False, "dump_dataset": True}}


class Killed(BaseException):
    """As a process that is killed: nothing handles it, and what it was at is left as it was."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> lnb.Run:
    """One run that tests copy."""
    folder = tmp_path_factory.mktemp("finished")
    photos = fill_with_photographs(folder / "photos")
    return lnb.run(photos, folder / "out", n_samples=5, lightly_config=TINY_MODEL, **OPTIONS, on_event=silent)


@pytest.fixture
def run(finished: lnb.Run, tmp_path: Path) -> lnb.Run:
    """A copy of it."""
    return lnb.open_run(shutil.copytree(finished.path, tmp_path / "run"))


def contents(run: lnb.Run) -> dict[str, bytes]:
    """Return the files of the results, by name."""
    files = (path for path in run.path.rglob("*") if path.is_file())
    names = {path.relative_to(run.path).as_posix(): path for path in files}
    own = ("events.jsonl", "log.txt", "config/hydra.yaml", "config/overrides.yaml", "data/sizes.json")
    return {name: path.read_bytes() for name, path in sorted(names.items()) if name not in own}


def go_on(run: lnb.Run) -> list[str]:
    """Go on with a run in this process; return the warnings."""
    heard: list[str] = []

    def hear(event):
        if event.get("level") == "warning":
            heard.append(event["message"])

    lnb.pipeline.execute(run.folder, on_event=hear)
    assert run.state is RunState.COMPLETED
    return heard


def test_a_complete_run_is_whole_and_left_alone(run):
    before = run.folder.events.read_bytes()
    assert run.is_whole
    assert run.resume() is run
    assert run.folder.events.read_bytes() == before


@pytest.mark.parametrize("how", ["gone", "cut"])
def test_what_follows_from_the_rest_is_made_again(run, finished, how):
    folder = run.folder
    derived = [
        *(folder.embeddings, folder.normalized_embeddings, folder.selected_embeddings, folder.thumbnails),
        *(folder.sampled_filenames, folder.removed_filenames, folder.corrupt_filenames),
    ]
    for path in derived:
        path.unlink() if how == "gone" else path.write_bytes(path.read_bytes()[:-3])
    folder.overrides.unlink()
    folder.hydra.unlink()
    next(folder.sampled.rglob("*.png")).unlink()
    assert not run.is_whole
    said = go_on(run)
    assert any("made again" in text and "data/embeddings.csv" in text for text in said)
    before, now = contents(finished), contents(run)
    pictures = {"data/thumbnails.arrow"}
    assert {name for name in before if before[name] != now.get(name)} <= pictures
    assert lnb.open_run(run.path).samples.thumbnail(3) == finished.samples.thumbnail(3)
    assert "worker_config.enable_training=true" in folder.overrides.read_text()
    assert lnb.open_run(run.path).is_whole


@pytest.mark.parametrize(
    "name",
    ["data/samples.parquet", "data/arrays/embeddings.npy", "data/quarantine.csv", "data/selection.json"],
)
def test_a_cut_result_gets_words_and_is_computed_again(run, finished, name):
    path = run.path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert not run.is_whole
    assert any("again" in text for text in go_on(run))
    assert contents(run) == contents(finished)


def test_an_array_that_is_gone_is_no_run_without_embeddings(run, finished):
    (run.folder.arrays / "computed_embeddings.npy").unlink()
    assert any("computed_embeddings.npy' is gone" in text for text in go_on(run))
    assert contents(run) == contents(finished)


def test_leftovers_are_swept(run, finished):
    for below in (run.path, run.folder.data, run.folder.arrays, run.folder.config.parent):
        (below / ".writing-0123456789abcdef").write_bytes(b"half")
    run.folder.chunks.mkdir()
    (run.folder.chunks / "000000.npz").write_bytes(b"chunk")
    (run.path / "lightly_epoch_0.ckpt").write_bytes(b"surplus")
    assert not run.is_whole
    go_on(run)
    assert not list(run.path.rglob(".writing-*"))
    assert not run.folder.chunks.exists()
    assert not list(run.path.rglob(".lock"))
    assert contents(finished).keys() <= contents(run).keys()


def back_to_training(run: lnb.Run) -> None:
    """Make a run one that was killed after its training."""
    for path in (run.folder.samples, run.folder.selection):
        path.unlink()
    events = [line for line in run.folder.events.read_text().splitlines() if "EMBEDDING" not in line]
    run.folder.events.write_text("\n".join(line for line in events if "COMPLETED" not in line) + "\n")


def test_a_checkpoint_that_was_replaced_after_its_training_is_noticed(run, finished):
    back_to_training(run)
    other = finished.checkpoint.read_bytes().replace(b"lightly_nb", b"lightly_xx")
    run.checkpoint.write_bytes(other)
    (run.path / "lightly_epoch_0.ckpt").write_bytes(b"surplus")
    said = go_on(run)
    assert any("is not the file that this run has trained: it is made again" in text for text in said)
    assert [path.name for path in run.path.glob("lightly_epoch_*")] == ["lightly_epoch_1.ckpt"]
    assert run.selection.filenames == finished.selection.filenames


@pytest.mark.parametrize("last", [None, b"cut"])
def test_a_training_without_a_usable_last_checkpoint_begins_again(run, finished, last):
    back_to_training(run)
    started = json.loads(run.folder.started_with.read_text())
    del started["trained"]
    run.folder.started_with.write_text(json.dumps(started))
    (run.path / "last.ckpt").unlink() if last is None else (run.path / "last.ckpt").write_bytes(last)
    assert any("begins again" in text for text in go_on(run))
    assert (run.path / "last.ckpt").read_bytes() == (finished.path / "last.ckpt").read_bytes()
    assert run.selection.filenames == finished.selection.filenames


def test_a_checkpoint_that_is_replaced_or_gone_before_it_is_used_is_refused(finished, tmp_path):
    start = tmp_path / "start.ckpt"
    shutil.copy(finished.checkpoint, start)

    def stop(event):
        if event.get("state") == "EMBEDDING":
            raise Killed

    options = {"worker_config": {"generate_report": False}, "checkpoint": start, "n_samples": 3}
    with pytest.raises(Killed):
        lnb.run(finished.job.input, tmp_path / "out", **options, on_event=stop)
    run = lnb.open_run(next(tmp_path.rglob("events.jsonl")).parent)
    assert run.state is RunState.ABORTED
    shutil.copy(finished.path / "last.ckpt", start)
    for has in ("has been replaced", "is gone"):
        with pytest.raises(CheckpointError, match=rf"start\.ckpt' {has}.*put the earlier file back"):
            lnb.pipeline.execute(run.folder, on_event=silent)
        start.unlink(missing_ok=True)
    shutil.copy(finished.checkpoint, start)
    assert not any("start.ckpt" in text for text in go_on(run))
    start.unlink()
    run.folder.selection.unlink()
    assert any("start.ckpt' is gone" in text for text in go_on(run))  # no more needed


def test_a_contradicting_model_is_refused(finished, tmp_path):
    options = {"n_samples": 3, "on_event": silent, "output_dir": tmp_path}
    quick = {"generate_report": False}
    other = {"model.name": "resnet-34"}
    with pytest.raises(CheckpointError, match=r"expected model\.name resnet-34, got resnet-9"):
        lnb.run(
            finished.job.input,
            checkpoint=finished.checkpoint,
            lightly_config=other,
            worker_config=quick,
            **options,
        )
    with pytest.raises(LightlyNBError, match=r"worker_config\.model.*asks for another one \(name resnet-34"):
        lnb.run(
            finished.job.input,
            lightly_config=other,
            worker_config={**quick, "model": "timm/resnet18"},
            **options,
        )


# What makes a folder a run's comes last, all at once


def killed_at(monkeypatch: pytest.MonkeyPatch, write: int) -> None:
    """Kill at the nth file that is written while a run folder is made, without any cleaning up."""
    from lightly_nb import runfolder
    from lightly_nb.pipeline import circumstances, job_file

    calls = iter(range(100))
    real = runfolder.write_aside

    def dying(path, content):
        if next(calls) == write:
            monkeypatch.setattr(shutil, "rmtree", lambda *arguments, **options: None)
            raise Killed
        real(path, content)

    for module in (runfolder, job_file, circumstances):
        monkeypatch.setattr(module, "write_aside", dying)


@pytest.mark.parametrize("write", range(4))
def test_killed_while_the_folder_is_made_there_is_no_run_and_the_name_is_free(tmp_path, monkeypatch, write):
    photos = tmp_path / "photos"
    names = write_photographs(photos, 4)
    some = [photos / name for name in names[:2]]
    options = {"n_samples": 1, "worker_config": {"run_directory": "mine/first"}}
    with monkeypatch.context() as patch:
        killed_at(patch, write)
        with pytest.raises(Killed):
            prepare(some, tmp_path / "out", **options)
    left = [path.name for path in (tmp_path / "out" / "mine").iterdir()]
    assert len(left) == 1
    assert left[0].startswith(".writing-")
    with pytest.raises(RunError, match="not a run folder"):
        lnb.open_run(tmp_path / "out" / "mine" / "first")
    folder = prepare(some, tmp_path / "out", **options)
    assert [path.name for path in folder.path.parent.iterdir()] == ["first"]
    assert len(lnb.open_run(folder.path).job.listing) == 2


def test_a_list_of_files_that_is_gone_is_not_the_whole_folder(tmp_path):
    photos = tmp_path / "photos"
    names = write_photographs(photos, 4)
    folder = prepare([photos / names[0]], tmp_path / "out", n_samples=1)
    folder.input_table.unlink()
    with pytest.raises(RunError, match=r"configuration of the run .* is damaged .*input\.parquet"):
        lnb.open_run(folder.path)
    folder.config.write_text("worker_config: [")
    with pytest.raises(RunError, match=r"is damaged.*start a new run"):
        lnb.open_run(folder.path)


def test_what_an_older_version_was_killed_at_is_no_dead_end(tmp_path):
    photos = tmp_path / "photos"
    write_photographs(photos, 4)
    half = tmp_path / "out" / "mine" / "config"
    half.mkdir(parents=True)
    (half / "overrides.yaml").write_text("[]")
    (half / ".writing-0123456789abcdef").write_text("worker")
    folder = prepare(photos, tmp_path / "out", n_samples=1, worker_config={"run_directory": "mine"})
    assert lnb.open_run(folder.path).state is RunState.OPEN
    with pytest.raises(DatasourceError, match=r"not empty.*go on with that run: lightly-nb resume"):
        prepare(photos, tmp_path / "out", n_samples=1, worker_config={"run_directory": "mine"})


def test_copies_and_plots_of_runs_are_never_input(run, finished, tmp_path):
    mixed = tmp_path / "mixed"
    names = write_photographs(mixed, 3)
    shutil.copytree(run.path, mixed / "old" / "run")
    (mixed / "data" / "sampled").mkdir(parents=True)
    shutil.copy(mixed / names[0], mixed / "data" / "sampled" / "mine.jpg")  # not of a run
    heard = []
    listed = lnb.list_samples(mixed, on_event=heard.append)
    assert listed.filenames == sorted([*names, "data/sampled/mine.jpg"])
    said = "5 images are left out, as they lie in run folders (such as 'old/run')"
    assert any(said in event.get("message", "") for event in heard)
    assert os.listdir(run.folder.sampled)
