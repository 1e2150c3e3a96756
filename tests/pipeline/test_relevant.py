"""What a run reads beside its images: relevant filenames, queries of other tags, another run's checkpoint."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

import lightly_nb as lnb
from lightly_nb.cli import main
from lightly_nb.embeddings_csv import write_embeddings_csv
from lightly_nb.errors import ConfigError, DatasourceError, InputError, RunError, SelectionError
from lightly_nb.events import silent
from lightly_nb.pipeline import execute, prepare
from lightly_nb.pipeline.dumping import dump_images
from lightly_nb.selection import select
from tests.photos import crops

LIST = ".lightly/relevant_filenames.txt"
NAMES = [f"sub dir/{number}.png" for number in range(6)] + ["top.jpg", "other.jpg"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name, crop in zip(NAMES, crops(len(NAMES)), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(folder / name)
    rng = np.random.default_rng(0)
    write_embeddings_csv(tmp_path / "own.csv", NAMES, rng.normal(size=(len(NAMES), 4)))
    return folder


@pytest.fixture
def bucket(photos: Path) -> Iterator[str]:
    memory = MemoryFileSystem()
    for name in NAMES:
        memory.pipe_file(f"/photos/{name}", (photos / name).read_bytes())
    yield "memory://photos"
    for folder in ("/photos", "/lightly"):
        if memory.exists(folder):
            memory.rm(folder, recursive=True)


def write_list(folder: Path, text: str) -> Path:
    (folder / LIST).parent.mkdir(parents=True, exist_ok=True)
    (folder / LIST).write_text(text)
    return folder


def run(
    source: object, tmp_path: Path, worker: object = None, n_samples: int = 2, **options: object
) -> lnb.Run:
    """Run on the user's own embeddings, which takes no model."""
    settings = {"generate_report": False, "embeddings": str(tmp_path / "own.csv"), **(worker or {})}
    options = {"n_samples": n_samples, "on_event": silent, **options}
    return lnb.run(source, tmp_path / "out", worker_config=settings, **options)


RELEVANT = {"relevant_filenames_file": LIST}


def test_a_run_looks_at_the_relevant_files_only(photos: Path, bucket: str, tmp_path: Path):
    write_list(photos, "top.jpg\nsub dir/* 4.png 5.png\ngone.jpg\n")
    lightly = write_list(tmp_path / "lightly", "top.jpg\nsub dir/* 4.png 5.png\ngone.jpg\n")
    MemoryFileSystem().pipe_file(f"/lightly/{LIST}", (lightly / LIST).read_bytes())
    expected = sorted([*NAMES[:4], "top.jpg"])
    for source, lightly_source in (
        (photos, None),
        (photos, lightly),
        (bucket, lightly),
        (bucket, "memory://lightly"),
    ):
        done = run(source, tmp_path, RELEVANT, lightly_source=lightly_source)
        assert done.samples.filenames == expected
        missing = done.quarantine.set_index("filename")["reason"]
        assert missing["gone.jpg"] == "there is no such file"
        assert done.job.lightly_source == (None if lightly_source is None else str(lightly_source))
    again = lnb.rerun(done.path, on_event=silent)
    assert again.selection.filenames == done.selection.filenames


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (None, r"relevant_filenames\.txt' in .*photos: there is no such file.*name the LIGHTLY datasource"),
        ("", "no entries"),
        ("top.jpg\n../x.jpg", r"relevant_filenames\.txt.*line 2: '\.\./x\.jpg'"),
        ("gone.jpg", "no images in .*1 left out.*there is no such file"),
    ],
)
def test_a_list_that_cannot_be_used_fails_the_run_before_any_work(photos: Path, tmp_path: Path, text, error):
    if text is not None:
        write_list(photos, text)
    with pytest.raises(InputError, match=f"(?s){error}"):
        run(photos, tmp_path, RELEVANT)


def test_what_contradicts_itself_is_refused(photos: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="the input is a list of files already"):
        run([photos / "top.jpg"], tmp_path, RELEVANT)
    with pytest.raises(ConfigError, match="lightly_storage_options are for a lightly_source"):
        run(photos, tmp_path, lightly_storage_options={"key": "secret"})
    with pytest.raises(DatasourceError, match="nowhere"):
        run(photos, tmp_path, lightly_source=tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"worker_config\.embeddings: given together with checkpoint="):
        run(photos, tmp_path, checkpoint="a.ckpt")
    with pytest.raises(ConfigError, match=r"checkpoint_run_id: run 'r1' can only be found.*checkpoint="):
        run(photos, tmp_path, {"embeddings": "", "checkpoint_run_id": "r1"})


def test_secrets_of_the_lightly_source_reach_the_process_but_no_file(
    photos: Path, bucket: str, tmp_path: Path
):
    lightly = write_list(tmp_path / "lightly", "top.jpg\nother.jpg")
    given = {"generate_report": False, "embeddings": str(tmp_path / "own.csv"), **RELEVANT}
    options = {"lightly_source": "memory://lightly", "lightly_storage_options": {"secret_key": "hunter2"}}
    started = lnb.start(photos, tmp_path / "out", n_samples=1, worker_config=given, **options)
    with pytest.raises(RunError, match="there is no such file"):  # the memory of that process is empty
        started.wait(timeout=60, progress=False)
    folder = prepare(photos, tmp_path / "out", n_samples=1, worker_config=given, lightly_source=lightly)
    with pytest.raises(InputError, match="secret_key"):  # a local folder takes none: they did arrive
        execute(folder, lightly_storage_options={"secret_key": "hunter2"}, on_event=silent)
    for path in started.path.rglob("*"):
        assert path.is_dir() or b"hunter2" not in path.read_bytes(), path


def test_all_ways_to_begin_a_run_take_the_same_parameters():
    ways = {way: dict(inspect.signature(way).parameters) for way in (lnb.run, lnb.start, prepare)}
    ways[lnb.run].pop("on_event")
    assert ways[lnb.run] == ways[lnb.start] == ways[prepare]


def similar_to(tag: str, dataset_id: str | None = None) -> dict[str, object]:
    source = {"type": "EMBEDDINGS", "tag_name": tag, "dataset_id": dataset_id}
    return {"input": source, "strategy": {"type": "SIMILARITY"}}


def test_similarity_takes_the_embeddings_that_its_tags_stand_for(photos: Path, tmp_path: Path):
    rng = np.random.default_rng(1)
    near, far = rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
    write_embeddings_csv(tmp_path / "far.csv", ["x", "y"], far)
    queries = {"near": near, ("d1", "near"): tmp_path / "far.csv"}
    strategies = [similar_to("near"), similar_to("near", "d1")]
    done = run(photos, tmp_path, strategies=strategies, queries=queries)
    vectors = {(None, "near"): near, ("d1", "near"): far}
    unit = {key: value / np.linalg.norm(value, axis=1, keepdims=True) for key, value in vectors.items()}
    expected = select(done.samples, 2, strategies=strategies, query=unit, on_event=silent)
    assert done.selection.filenames == expected.filenames
    one = run(photos, tmp_path, strategies=strategies[:1], queries=queries)
    distances = np.linalg.norm(one.samples.embeddings[:, None] - unit[None, "near"], axis=2).min(axis=1)
    nearest = [one.samples.filenames[row] for row in np.argsort(distances)[:2]]
    assert one.selection.filenames == nearest
    (tmp_path / "far.csv").unlink()  # the run has its own copy
    assert lnb.rerun(done.path, on_event=silent).selection.filenames == done.selection.filenames


def test_a_tag_without_embeddings_is_refused_before_any_work(photos: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match=r"strategies\[0\]\.input: no embeddings.*'near' of dataset 'd1'"):
        run(photos, tmp_path, strategies=[similar_to("near", "d1")], queries={"near": np.eye(4)})
    with pytest.raises(InputError, match=r"queries\['near'\].*shape \(0, 4\)"):
        run(photos, tmp_path, strategies=[similar_to("near")], queries={"near": np.zeros((0, 4))})
    with pytest.raises(SelectionError, match="4 features; embed both with the same checkpoint"):
        run(photos, tmp_path, strategies=[similar_to("near")], queries={"near": np.eye(5)})


def test_the_checkpoint_of_another_run_is_the_one_that_is_used(photos: Path, tmp_path: Path):
    (tmp_path / "given.ckpt").write_bytes(b"none")
    with pytest.raises(lnb.errors.CheckpointError, match=r"given\.ckpt"):
        run(
            photos,
            tmp_path,
            {"embeddings": "", "checkpoint_run_id": "r1"},
            checkpoint=tmp_path / "given.ckpt",
        )


def test_selected_images_are_copied_where_asked_for(photos: Path, tmp_path: Path):
    worker = {"dump_dataset": True, "output_image_size": 24, "output_image_format": "jpg"}
    done = run(photos, tmp_path, worker, n_samples=3)
    copies = [path.relative_to(done.folder.sampled).as_posix() for path in done.folder.sampled.rglob("*.*")]
    assert sorted(copies) == sorted(name.rpartition(".")[0] + ".jpg" for name in done.selection.filenames)
    for name in copies:
        with Image.open(done.folder.sampled / name) as image:
            assert (min(image.size), image.format) == (24, "JPEG")


@pytest.mark.parametrize(
    ("size", "image_format", "shape"),
    [(-1, "png", (96, 96)), ((10, 20), "webp", (20, 10)), (48, "pgm", (48, 48))],
)
def test_copies_have_the_size_and_type_asked_for(photos: Path, tmp_path: Path, size, image_format, shape):
    source = lnb.list_samples(photos, on_event=silent).source
    options = {"image_size": size, "image_format": image_format, "on_event": silent}
    names = dump_images(source, ["sub dir/0.png", "top.jpg"], tmp_path / "copies", **options)
    assert names == [f"sub dir/0.{image_format}", f"top.{image_format}"]
    for name in names:
        with Image.open(tmp_path / "copies" / name) as image:
            assert image.size == shape
    if image_format == "png":
        assert (tmp_path / "copies" / names[0]).read_bytes() == (photos / "sub dir/0.png").read_bytes()


def test_the_command_line_takes_them_too(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    lightly = write_list(tmp_path / "lightly", "sub dir/*")
    line = [
        "run",
        photos,
        "--lightly",
        lightly,
        "--datapool",
        tmp_path / "pool",
        "--output",
        tmp_path / "out",
    ]
    line += ["n_samples=2", "generate_report=false", f"embeddings={tmp_path / 'own.csv'}"]
    line += [f"relevant_filenames_file={LIST}"]
    assert main([str(word) for word in line]) == 0
    assert "2 of 6 new samples selected, on top of 0 in the datapool" in capsys.readouterr().out
    assert main([str(word) for word in line]) == 0
    assert "nothing selected: nothing is new since the last run" in capsys.readouterr().out
