"""The datapool: runs that build on each other, and what leaves it as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightly.utils.io import check_embeddings
from PIL import Image

import lightly_nb as lnb
from lightly_nb.embeddings_csv import read_embeddings_csv, write_embeddings_csv
from lightly_nb.errors import ConfigError, InputError, RunCanceled, RunError
from lightly_nb.events import silent
from lightly_nb.pipeline import update_datapool
from lightly_nb.pipeline.datapool.files import read_datapool
from lightly_nb.pipeline.datapool.pool import Datapool, new_files, processed_table, updated
from lightly_nb.report import build_report
from lightly_nb.report.sections import SECTIONS
from lightly_nb.samples import Samples
from lightly_nb.selection import select
from lightly_nb.states import RunState
from tests.conftest import TINY_MODEL
from tests.photos import crops

PLAIN = {"generate_report": False}


def add(folder: Path, prefix: str, n: int, seed: int) -> list[str]:
    folder.mkdir(exist_ok=True)
    names = [f"{prefix}{number:02d}.jpg" for number in range(n)]
    for name, crop in zip(names, crops(n, seed), strict=True):
        Image.fromarray(crop).save(folder / name, quality=92)
    return names


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    add(folder / "photos", "a", 16, 0)
    samples = lnb.list_samples(folder / "photos", on_event=silent)
    return lnb.train(samples, output_dir=folder, lightly_config=dict(TINY_MODEL), on_event=silent)


class Scene:
    """A folder that grows, a datapool, and runs over them."""

    def __init__(self, root: Path, checkpoint: Path):
        self.root, self.checkpoint = root, checkpoint
        self.photos, self.pool = root / "photos", root / "pool"

    def run(self, n_samples: int = 3, worker: object = None, **options: object) -> lnb.Run:
        settings = {**PLAIN, "checkpoint": str(self.checkpoint), **(worker or {})}
        options = {"datapool": self.pool, "on_event": silent, "n_samples": n_samples, **options}
        return lnb.run(self.photos, self.root / "out", worker_config=settings, **options)

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.pool)): path.read_bytes() for path in self.pool.rglob("*.*")}

    def latest(self) -> list[str]:
        return read_embeddings_csv(self.pool / "datapool_latest.csv").filenames


@pytest.fixture
def scene(tmp_path: Path, checkpoint: Path) -> Scene:
    scene = Scene(tmp_path, checkpoint)
    add(scene.photos, "a", 8, 1)
    return scene


def test_a_second_run_processes_what_is_new_and_keeps_what_was_selected(scene: Scene):
    first = scene.run(3)
    assert first.message == "3 of 8 new samples selected, on top of 0 in the datapool"
    assert scene.latest() == first.selection.filenames
    kept = read_embeddings_csv(scene.pool / "datapool_latest.csv").embeddings
    new = add(scene.photos, "b", 6, 2)
    for name in first.selection.filenames[:2]:
        (scene.photos / name).unlink()  # its vector stays
    second = scene.run(2)
    assert second.message == "2 of 6 new samples selected, on top of 3 in the datapool"
    assert second.samples.filenames == [*new, *sorted(first.selection.filenames)]
    assert set(second.selection.filenames) < set(new)
    assert sorted(second.selection.preselected) == sorted(first.selection.filenames)
    assert scene.latest() == [*first.selection.filenames, *second.selection.filenames]
    check_embeddings(str(scene.pool / "datapool_latest.csv"))
    now = read_embeddings_csv(scene.pool / "datapool_latest.csv").embeddings
    np.testing.assert_array_equal(now[:3], kept)
    (earlier,) = (scene.pool / "history").iterdir()
    np.testing.assert_array_equal(read_embeddings_csv(earlier).embeddings, kept)
    including = read_embeddings_csv(second.folder.selected_embeddings_including_datapool)
    assert sorted(including.filenames) == sorted(scene.latest())
    assert second.folder.sampled_filenames.read_text().split() == second.selection.filenames
    embedding = [event for event in second.events() if event["step"] == "EMBEDDING" and "done" in event]
    assert embedding[-1]["done"] == 6


def test_the_picks_are_those_of_a_selection_with_the_earlier_ones_preselected(scene: Scene):
    first = scene.run(3)
    new = add(scene.photos, "b", 6, 2)
    second = scene.run(2, worker={"use_datapool": True})
    alone = lnb.embed(lnb.list_samples(scene.photos, on_event=silent), scene.checkpoint, on_event=silent)
    alone = alone.take(alone.rows_of([*new, *first.selection.filenames]))
    expected = select(alone, 2, preselected=first.selection.filenames, on_event=silent)
    assert second.selection.filenames == expected.filenames


def test_metadata_and_thumbnails_of_earlier_samples_stay_with_them(scene: Scene):
    first = scene.run(3)
    add(scene.photos, "b", 4, 2)
    by_sharpness = [
        {"input": {"type": "METADATA", "key": "lightly.sharpness"}, "strategy": {"type": "WEIGHTS"}}
    ]
    second = scene.run(2, strategies=by_sharpness)
    for name in first.selection.filenames:
        before, now = (run.samples.rows_of([name])[0] for run in (first, second))
        assert (
            second.samples.table["lightly.sharpness"].iloc[now]
            == first.samples.table["lightly.sharpness"].iloc[before]
        )
        pictures = [run.samples.thumbnail(row) for run, row in ((first, before), (second, now))]
        assert pictures[0] == pictures[1] != b""
    assert "thumbnail_jpeg" not in second.samples.table


def test_nothing_new_is_a_whole_run_that_says_so(scene: Scene):
    first = scene.run(3)
    before = scene.latest()
    second = scene.run(3)
    assert second.state is RunState.COMPLETED
    assert "nothing is new since the last run" in second.message
    assert "process_all" in second.message
    assert len(second.selection) == 0
    assert sorted(second.selection.preselected) == sorted(first.selection.filenames)
    assert second.folder.sampled_filenames.read_text() == ""
    assert set(second.selection.table()["reason"]) == {"preselected"}
    assert scene.latest() == before
    sections = {name: section for name, section in SECTIONS.items() if name != "maps"}  # which take seconds
    report = build_report(second.samples, second.selection, sections=sections, on_event=silent)
    assert not [
        name for name, facts in report.facts.items() if isinstance(facts, dict) and facts.get("failed")
    ]


def test_fewer_new_files_than_asked_for_are_all_selected(scene: Scene):
    scene.run(3)
    new = add(scene.photos, "b", 2, 2)
    second = scene.run(5)
    assert sorted(second.selection.filenames) == new
    assert "only 2 new" in second.selection.stopped
    assert second.selection.n_asked == 5
    add(scene.photos, "c", 4, 3)
    assert len(scene.run(None, proportion_samples=0.5).selection) == 2  # a share of the new ones


def test_process_all_looks_at_all_files_again_except_those_in_the_pool(scene: Scene):
    first = scene.run(3)
    second = scene.run(2, worker={"datasource.process_all": True})
    assert len(second.samples) == 8
    assert not set(second.selection.filenames) & set(first.selection.filenames)
    assert len(scene.latest()) == 5


def test_without_update_the_pool_is_used_and_left_as_it_is(scene: Scene):
    scene.run(3)
    add(scene.photos, "b", 4, 2)
    before = scene.files()
    second = scene.run(2, worker={"datasource.enable_datapool_update": False})
    assert len(second.selection.preselected) == 3
    assert scene.files() == before
    scene.run(2, worker={"datapool.keep_history": False})
    assert not (scene.pool / "history").exists()


def test_a_copy_of_an_earlier_file_is_a_duplicate_and_a_mended_file_is_new(scene: Scene):
    whole = (scene.photos / "a03.jpg").read_bytes()
    broken = (scene.photos / "a05.jpg").read_bytes()
    (scene.photos / "a05.jpg").write_bytes(broken[:600])
    first = scene.run(3)
    assert list(first.quarantine["filename"]) == ["a05.jpg"]
    (scene.photos / "copy.jpg").write_bytes(whole)
    second = scene.run(1)
    assert list(second.quarantine["duplicate_of"]) == ["a03.jpg"]
    assert "nothing is new" in second.message
    (scene.photos / "a05.jpg").write_bytes(broken)
    assert scene.run(2).selection.filenames == ["a05.jpg"]


@pytest.mark.parametrize("error", [RunCanceled("enough"), RunError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("state", ["EMBEDDING", "SAVING_RESULTS"])
def test_a_run_that_does_not_end_well_leaves_the_pool_as_it_was(scene: Scene, error, state):
    scene.run(3)
    add(scene.photos, "b", 4, 2)
    before = scene.files()

    def stop(event: dict[str, object]) -> None:
        if event.get("state") == state:
            raise error

    with pytest.raises(type(error)):
        scene.run(2, on_event=stop)
    assert scene.files() == before
    newest = max((scene.root / "out").rglob("events.jsonl"), key=lambda path: path.stat().st_mtime).parent
    lnb.pipeline.execute(lnb.open_run(newest).folder, on_event=silent)
    assert len(scene.latest()) == 5
    update_datapool(scene.pool, newest)  # twice is once
    assert len(scene.latest()) == 5


def test_a_report_that_fails_leaves_the_pool_as_it_was(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    def full(*arguments: object, **options: object) -> None:
        raise RunError("No space left on device")

    monkeypatch.setattr("lightly_nb.report.write_report", full)
    with pytest.raises(RunError, match="No space left"):
        scene.run(3, worker={"generate_report": True})
    assert not scene.pool.exists()


def test_a_pool_that_cannot_be_written_is_as_it_was(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    scene.run(3)
    add(scene.photos, "b", 4, 2)
    before = scene.files()

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("lightly_nb.pipeline.datapool.files._write_csv", full)
        with pytest.raises(RunError, match=r"datapool .*No space left.*as it was.*resume"):
            scene.run(2, worker={"datapool.keep_history": False})
    assert scene.files() == before


def test_training_starts_a_pool_and_is_refused_once_it_has_samples(scene: Scene):
    train = {"enable_training": True, "checkpoint": "", **PLAIN}
    first = scene.run(3, worker=train, lightly_config=dict(TINY_MODEL))
    assert len(scene.latest()) == 3
    add(scene.photos, "b", 4, 2)
    before = scene.files()
    with pytest.raises(ConfigError, match=r"enable_training.*earlier model.*begin a new datapool"):
        scene.run(3, worker=train, lightly_config=dict(TINY_MODEL))
    with pytest.raises(InputError, match="another model"):  # of the module's checkpoint
        scene.run(3)
    assert scene.files() == before
    second = scene.run(2, worker={"checkpoint": str(first.checkpoint)})
    assert len(second.selection) == 2


def test_embeddings_of_another_size_are_refused_before_any_work(scene: Scene):
    scene.run(3)
    names = add(scene.photos, "b", 4, 2)
    write_embeddings_csv(scene.root / "own.csv", names, np.eye(4))
    with pytest.raises(InputError, match=r"have 16 features, those of this run have 4"):
        scene.run(2, worker={"checkpoint": "", "embeddings": str(scene.root / "own.csv")})


def test_a_pool_with_the_embeddings_of_the_user(scene: Scene):
    names = sorted(path.name for path in scene.photos.iterdir())
    rng = np.random.default_rng(0)
    write_embeddings_csv(scene.root / "own.csv", names[:6], rng.normal(size=(6, 4)))
    own = {"checkpoint": "", "embeddings": str(scene.root / "own.csv")}
    scene.run(2, worker=own)
    write_embeddings_csv(scene.root / "own.csv", names, rng.normal(size=(8, 4)))
    second = scene.run(2, worker=own)
    assert sorted(second.selection.filenames) == names[6:]  # the rest had a row before


def test_the_folder_of_a_named_datapool(scene: Scene):
    scene.run(3, worker={"datapool.name": "night drives"}, datapool=None, shared_dir=scene.root)
    assert (scene.root / "datapools" / "night drives" / "datapool_latest.csv").is_file()
    for worker, text in (
        ({"use_datapool": True}, r"no datapool is named.*datapool="),
        ({"datapool.name": "../x"}, r"datapool\.name.*'\.\./x'"),
    ):
        with pytest.raises(ConfigError, match=text):
            scene.run(3, worker=worker, datapool=None)


def test_a_run_without_a_pool_can_be_added_to_one_afterwards(scene: Scene):
    first = scene.run(3, datapool=None)
    assert first.message == "3 of 8 samples selected"
    pool = update_datapool(scene.pool, first.folder)
    assert pool.samples.filenames == first.selection.filenames
    add(scene.photos, "b", 4, 2)
    assert len(scene.run(2).samples) == 7


def test_another_input_is_said_and_for_a_list_of_files_refused(scene: Scene, tmp_path: Path):
    scene.run(3)
    (scene.photos / "week 2").mkdir()
    shutil.copy(scene.photos / "a00.jpg", scene.photos / "week 2" / "a00.jpg")
    shutil.copytree(scene.photos, tmp_path / "moved")
    settings = {**PLAIN, "checkpoint": str(scene.checkpoint)}
    options = {"datapool": scene.pool, "n_samples": 1, "worker_config": settings, "on_event": silent}
    with pytest.raises(InputError, match=r"relative to .*photos, those of this list of files to .*week 2"):
        lnb.run([scene.photos / "week 2" / "a00.jpg"], tmp_path / "out", **options)
    moved = lnb.run(tmp_path / "moved", tmp_path / "out", **options)
    warnings = [event["message"] for event in moved.events() if event.get("level") == "warning"]
    assert any("was made from" in said and "photos" in said for said in warnings)
    assert list(moved.quarantine["duplicate_of"]) == ["a00.jpg"]


def test_damaged_files_of_a_pool_are_named_and_nothing_is_lost(scene: Scene):
    scene.run(3)
    shutil.copy(scene.pool / "datapool.json", scene.pool / "datapool_samples.parquet")
    with pytest.raises(InputError, match=r"datapool .*cannot be read.*another"):
        scene.run(3)


NAMES = st.sets(st.sampled_from([f"{number}.jpg" for number in range(12)]), min_size=1)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, st.integers(1, 4)), min_size=1, max_size=5))
def test_no_file_is_processed_or_selected_twice(runs: list[tuple[set[str], int]]):
    """Whatever files come and go between runs; oracle: plain sets."""
    pool, seen, selected = Datapool(Samples(pd.DataFrame()), processed_table()), set(), []
    for names, n in runs:
        listed = Samples(pd.DataFrame({"version": "1"}, index=sorted(names)))
        new = new_files(listed, pool)
        assert set(new.filenames) == names - seen
        if not len(new):
            continue
        seen |= names
        vectors = np.array([[len(name), int(name[:-4])] for name in new.filenames], dtype=np.float32)
        samples = new.with_array("embeddings", vectors)
        chosen = select(samples, min(n, len(new)), on_event=silent)
        selected += chosen.filenames
        pool = updated(pool, samples, chosen, processed_table((name, "", "") for name in new.filenames))
        assert pool.samples.filenames == selected
        assert pool.samples.embeddings[:, 1].astype(int).tolist() == [int(name[:-4]) for name in selected]
        assert set(pool.processed.index) == seen


def test_no_pool_yet_is_an_empty_one(tmp_path: Path):
    assert len(read_datapool(tmp_path / "nowhere")) == 0
