"""Files that were delivered again with other content: what a datapool and a rerun make of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

import lightly_nb as lnb
from lightly_nb.errors import CheckpointError, InputError
from lightly_nb.events import silent
from lightly_nb.pipeline.datapool.files import COMMITTED, FILES, read_datapool, write_datapool
from tests.photos import crops


def add(folder: Path, prefix: str, n: int, seed: int) -> list[str]:
    """Write photographs; return their names."""
    folder.mkdir(exist_ok=True)
    names = [f"{prefix}{number:02d}.jpg" for number in range(n)]
    for name, crop in zip(names, crops(n, seed), strict=True):
        Image.fromarray(crop).save(folder / name, quality=92)
    return names


def warnings_of(run: lnb.Run) -> str:
    """Return the warnings of a run, in a line each."""
    return "\n".join(event["message"] for event in run.events() if event.get("level") == "warning")


class Scene:
    """A folder of photographs, a datapool, and runs."""

    def __init__(self, root: Path, checkpoint: str):
        self.root, self.photos, self.pool = root, root / "photos", root / "pool"
        self.quick = {"generate_report": False, "checkpoint": checkpoint}
        add(self.photos, "a", 8, 1)

    def run(self, n_samples: int = 2, **worker: object) -> lnb.Run:
        """Run with the datapool."""
        return lnb.run(
            self.photos,
            self.root / "out",
            n_samples=n_samples,
            worker_config={**self.quick, **worker},
            datapool=self.pool,
            on_event=silent,
        )

    def deliver_again(self, name: str, seed: int = 9) -> None:
        """Put another picture in the place of a file."""
        Image.fromarray(crops(1, seed)[0]).save(self.photos / name, quality=90)


@pytest.fixture
def scene(tmp_path: Path, tiny_checkpoint: str) -> Scene:
    """A new scene."""
    return Scene(tmp_path, tiny_checkpoint)


def test_a_file_of_a_datapool_delivered_again_is_told_and_the_user_chooses(scene):
    first = scene.run(2)
    picked = first.selection.filenames[0]
    other = next(name for name in first.samples.filenames if name not in first.selection.filenames)
    for name in (picked, other):
        scene.deliver_again(name, seed=ord(name[2]))
    kept = scene.run(2)
    assert "2 files that earlier runs with this datapool looked at have another content" in warnings_of(kept)
    assert "1 of them selected: they count as what they were" in warnings_of(kept)
    assert "nothing is new" in kept.message
    assert "have another content" in warnings_of(scene.run(2))  # until something is done about it
    with pytest.raises(InputError, match=r"another content now \(.*put the files back, or set worker_config"):
        scene.run(2, datapool={"changed_files": "refuse"})
    again = scene.run(2, datapool={"changed_files": "process"})
    assert sorted(again.selection.filenames) == sorted([picked, other])
    pool = read_datapool(scene.pool)
    assert sorted(pool.samples.filenames) == sorted({*first.selection.filenames, other})
    row = pool.samples.rows_of([picked])[0]
    now = again.samples.table.loc[picked, "content_hash"]
    assert pool.samples.table["content_hash"].iloc[row] == now
    assert "another content" not in warnings_of(scene.run(2))


def test_a_file_that_was_only_copied_is_the_same_file_and_read_once(scene, monkeypatch):
    scene.run(2)
    for path in scene.photos.iterdir():
        os.utime(path, (1, 1))
    assert "another content" not in warnings_of(scene.run(2))
    monkeypatch.setattr("lightly_nb.pipeline.circumstances._hash_of", lambda source, name: pytest.fail(name))
    scene.run(2)


def test_a_datapool_of_an_earlier_version_learns_the_versions(scene):
    scene.run(2)
    pool = read_datapool(scene.pool)
    pool.processed.drop(columns="version").reset_index().to_parquet(scene.pool / FILES[2])
    assert "another content" not in warnings_of(scene.run(2))
    scene.deliver_again("a03.jpg")
    assert "1 files that earlier runs" in warnings_of(scene.run(2))


# Absence is not "new"


@pytest.mark.parametrize("name", FILES)
def test_a_half_deleted_datapool_is_no_new_one(scene, name):
    scene.run(2)
    (scene.pool / name).unlink()
    before = {path.name: path.read_bytes() for path in scene.pool.glob("*.*")}
    with pytest.raises(InputError, match=rf"datapool .*{name} is gone.*nothing was changed"):
        scene.run(2)
    assert {path.name: path.read_bytes() for path in scene.pool.glob("*.*")} == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("datapool_latest.csv", b"", "is empty, without even its first line"),
        ("datapool_latest.csv", None, "ends in the middle of a line"),
        ("datapool_processed.parquet", b"", "cannot be read"),
        ("datapool.json", b"{}", "no 'model'"),
    ],
)
def test_a_cut_datapool_is_damage(scene, name, content, said):
    scene.run(2)
    whole = (scene.pool / name).read_bytes()
    (scene.pool / name).write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(InputError, match=rf"datapool .*{said}"):
        scene.run(2)


def test_only_a_history_is_no_new_datapool(scene):
    (scene.pool / "history").mkdir(parents=True)
    with pytest.raises(InputError, match="are gone"):
        scene.run(2)


def test_rows_that_were_taken_out_are_told(scene):
    scene.run(3)
    latest = scene.pool / "datapool_latest.csv"
    latest.write_text("".join(latest.read_text().splitlines(keepends=True)[:-1]))
    messages = [event.get("message", "") for event in scene.run(2).events()]
    assert any("1 were taken out of datapool_latest.csv" in text for text in messages)


@pytest.mark.parametrize("moved", range(5))
def test_a_datapool_that_was_killed_at_its_writing_is_the_old_or_the_new_one(scene, monkeypatch, moved):
    scene.run(2)
    old, calls = read_datapool(scene.pool), []
    new = old.__class__(old.samples.take([0]), old.processed.iloc[:3], old.model, "elsewhere")
    replace = os.replace

    class Killed(BaseException):
        pass

    def dying(source, target):
        if Path(source).parent.name == COMMITTED:
            calls.append(target)
            if len(calls) > moved:
                raise Killed
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dying)
        if moved < len(FILES):
            with pytest.raises(Killed):
                write_datapool(scene.pool, new)
        else:
            write_datapool(scene.pool, new)
    found = read_datapool(scene.pool)
    assert (len(found), len(found.processed), found.input) == (1, 3, "elsewhere")
    assert not (scene.pool / COMMITTED).exists()


# A rerun


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: str) -> lnb.Run:
    """A run to repeat, whose input tests copy."""
    root = tmp_path_factory.mktemp("first")
    add(root / "photos", "a", 8, 1)
    worker = {"generate_report": False, "checkpoint": tiny_checkpoint}
    return lnb.run(root / "photos", root / "out", n_samples=3, worker_config=worker, on_event=silent)


@pytest.fixture
def moved(first: lnb.Run, tmp_path: Path) -> lnb.Run:
    """A copy of it with an input of its own."""
    path = shutil.copytree(first.path, tmp_path / "run")
    shutil.copytree(first.job.input, tmp_path / "photos")  # with their dates
    config = path / "config" / "config.yaml"
    config.write_text(config.read_text().replace(first.job.input, str(tmp_path / "photos")))
    return lnb.open_run(path)


def rerun(run: lnb.Run, **options: object) -> lnb.Run:
    """Repeat a run."""
    return lnb.rerun(run.path, run.path.parent / "again", on_event=silent, **options)


def test_a_rerun_on_the_same_files_says_nothing(moved):
    for path in (moved.path.parent / "photos").iterdir():
        os.utime(path, (1, 1))
    again = rerun(moved, if_changed="refuse")
    assert "since the run" not in warnings_of(again)
    assert again.selection.filenames == moved.selection.filenames


def test_a_rerun_tells_what_was_added_removed_and_changed(moved):
    photos = moved.path.parent / "photos"
    add(photos, "new", 2, 5)
    both = rerun(moved, if_changed="same_files")
    assert both.selection.filenames == moved.selection.filenames
    assert "files of" in warnings_of(both)
    assert "2 added (new00.jpg, new01.jpg); those are left out" in warnings_of(both)
    (photos / "a00.jpg").unlink()
    Image.fromarray(crops(1, 7)[0]).save(photos / "a01.jpg")
    again = rerun(moved)
    said = "2 added (new00.jpg, new01.jpg), 1 removed (a00.jpg), 1 changed (a01.jpg); the selection is among"
    assert said in warnings_of(again)
    assert len(again.samples) == 9
    for choice in ("refuse", "same_files"):
        with pytest.raises(InputError, match=r"1 changed \(a01\.jpg\): nothing was computed"):
            rerun(moved, if_changed=choice)
    with pytest.raises(InputError, match="if_changed: got a str, 'perhaps'; allowed is go_on or"):
        rerun(moved, if_changed="perhaps")


def test_a_rerun_of_a_list_of_files_looks_at_them_again(tmp_path, tiny_checkpoint):
    names = add(tmp_path / "photos", "a", 5, 1)
    some = [tmp_path / "photos" / name for name in names[:4]]
    worker = {"generate_report": False, "checkpoint": tiny_checkpoint}
    run = lnb.run(some, tmp_path / "out", n_samples=2, worker_config=worker, on_event=silent)
    Image.fromarray(crops(1, 7)[0]).save(some[2])
    some[3].unlink()
    with pytest.raises(InputError, match=r"1 removed \(a03\.jpg\), 1 changed \(a02\.jpg\)"):
        lnb.rerun(run.path, tmp_path / "again", if_changed="refuse", on_event=silent)


def test_a_rerun_tells_of_replaced_weights(tmp_path):
    from lightly_nb.embeddings_csv import write_embeddings_csv

    names = add(tmp_path / "photos", "a", 5, 1)
    own = tmp_path / "own.csv"
    write_embeddings_csv(own, names, [[1.0, float(number)] for number in range(5)])
    options = {"n_samples": 2, "worker_config": {"generate_report": False, "embeddings": str(own)}}
    run = lnb.run(tmp_path / "photos", tmp_path / "out", **options, on_event=silent)
    assert "own.csv" not in warnings_of(lnb.rerun(run.path, tmp_path / "b", on_event=silent))
    write_embeddings_csv(own, names, [[1.0, float(number**2)] for number in range(5)])
    again = lnb.rerun(run.path, tmp_path / "c", on_event=silent)
    assert "own.csv' has been replaced: it was another file in the run that this one repeats" in warnings_of(
        again
    )
    with pytest.raises(CheckpointError, match=r"own\.csv' has been replaced.*if_changed='go_on'"):
        lnb.rerun(run.path, tmp_path / "d", if_changed="refuse", on_event=silent)
