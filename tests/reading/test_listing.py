"""Listing: which files become samples, in which order, from which forms of source, and what is said."""

from __future__ import annotations

import os
import pickle
import random
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st

from lightly_nb.datasource import Datasource, Entry, open_datasource
from lightly_nb.errors import DatasourceError, InputError, RunCanceled
from lightly_nb.events import Event, Stage, silent
from lightly_nb.reading import IMAGE_TYPES, list_samples
from lightly_nb.reading.listing import samples_table_of
from lightly_nb.samples import Samples
from lightly_nb.states import DatasourcePurpose


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode("utf-8", "surrogateescape"))
    return folder


def listed(source: object, **options: object) -> Samples:
    return list_samples(source, **{"on_event": silent, **options})  # type: ignore[arg-type]


def test_image_types_are_listed_whatever_their_case_and_nothing_else(tmp_path: Path) -> None:
    images = [f"sub/{number}.{suffix}" for number, suffix in enumerate(IMAGE_TYPES)]
    make(
        tmp_path,
        *images,
        "B.JPG",
        "c.d.Png",
        "e.txt",
        "jpg",
        ".jpg",
        "f.jpg.bak",
        "g.mp4",
        "h.gif",
        "sub/.DS_Store",
    )
    assert listed(tmp_path).filenames == sorted([*images, "B.JPG", "c.d.Png"])


def test_images_that_are_not_read_are_counted_where_people_look_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightly_nb.pictures.kinds.reads_heif", lambda: False)
    make(tmp_path, "a.jpg", "b.jfif", "c.JPE", "d.HEIC", "sub/e.heic", "f.cr2", "g.gif", "h.txt")
    heard: list[Event] = []
    samples = listed(tmp_path, on_event=heard.append)
    assert samples.filenames == ["a.jpg", "b.jfif", "c.JPE"]
    expected = (
        "2 .heic (install the plug-in for them: pip install 'lightly_nb[heif]'), "
        "1 .cr2 (export them from your raw converter as JPEG or 16-bit TIFF), "
        "1 .gif (convert them to JPEG or PNG)"
    )
    warnings = [event["message"] for event in heard if event.get("level") == "warning"]
    assert warnings == [f"images that are not read: {expected}"]
    assert [event["message"] for event in heard if event.get("level") == "info"] == ["not images: 1 .txt"]
    assert f"not read: {expected}" in repr(samples.take([0]))
    assert "2 .heic (install" in samples._repr_html_()
    with pytest.raises(InputError, match=r"no images in .*: images that are not read: 1 \.heic \(install"):
        listed(tmp_path / "sub")
    quarantine = listed([tmp_path / "a.jpg", tmp_path / "d.HEIC"]).quarantine
    assert quarantine["reason"].tolist() == ["images of type .heic are not read"]
    assert "lightly_nb[heif]" in quarantine["what_to_do"][0]


def test_with_the_plug_in_heic_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightly_nb.pictures.kinds.reads_heif", lambda: True)
    make(tmp_path, "a.jpg", "b.heic")
    assert listed(tmp_path).filenames == ["a.jpg", "b.heic"]


def test_table_has_size_and_version_as_plain_columns(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "bb.jpg")
    (tmp_path / "empty.jpg").touch()
    os.utime(tmp_path / "a.jpg", ns=(5, 12_345_678_901))
    table = listed(tmp_path).table
    assert table.index.name == "filename"
    assert table["lightly.sizeInBytes"].dtype == np.int64
    assert table["lightly.sizeInBytes"].tolist() == [5, 6, 0]
    assert table["version"]["a.jpg"] == "12345678901"
    assert listed(tmp_path).quarantine.empty


def test_a_million_names_would_be_arrow_text_and_no_python_objects(tmp_path: Path) -> None:
    table = listed(make(tmp_path, "a.jpg", "b.jpg")).table
    for values in (table.index.array, table["version"].array):
        assert pa.types.is_large_string(pa.array(values).type)


def test_lightly_folders_and_mac_forks_are_left_out_at_any_level(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", ".lightly/crops/b.jpg", "sub/.lightly/c.jpg", "sub/._d.jpg", ".hidden/e.jpg")
    assert listed(tmp_path).filenames == [".hidden/e.jpg", "a.jpg"]


def test_a_lightly_folder_can_itself_be_the_source(tmp_path: Path) -> None:
    make(tmp_path, ".lightly/crops/b.jpg")
    assert listed(tmp_path / ".lightly/crops").filenames == ["b.jpg"]


def test_order_is_by_code_points_however_the_folder_is_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [
        "Z.jpg",
        "a-b/c.jpg",
        "a.jpg",
        "a/b.jpg",
        "a10.jpg",
        "a9.jpg",
        "é.jpg",
        "ﬀ.jpg",
        "😀.jpg",
        " b.jpg",
    ]
    make(tmp_path, *names)
    tables = []
    for seed in range(5):
        monkeypatch.setattr("lightly_nb.datasource.local.scandir", shuffled_scandir(seed))
        tables.append(listed(tmp_path).table)
    assert tables[0].index.tolist() == sorted(names)
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])


def shuffled_scandir(seed: int) -> object:
    class Shuffled:
        def __init__(self, path: str) -> None:
            with os.scandir(path) as items:
                self.items = list(items)
            random.Random(seed).shuffle(self.items)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.items

        def __exit__(self, *error: object) -> None:
            pass

    return Shuffled


@settings(deadline=None)
@given(st.sets(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1), min_size=1), st.randoms())
def test_order_and_alignment_hold_for_any_text(names: set[str], rng: random.Random) -> None:
    entries = [Entry(name, len(name), name * 2) for name in names]
    rng.shuffle(entries)
    with Stage(silent, "LOADING_DATASET", None) as stage:
        table, refused = samples_table_of(iter(entries), stage)
    assert table.index.tolist() == sorted(names)
    assert table["lightly.sizeInBytes"].tolist() == [len(name) for name in sorted(names)]
    assert table["version"].tolist() == [name * 2 for name in sorted(names)]
    assert refused == []


def test_more_files_than_one_chunk_are_all_there(tmp_path: Path) -> None:
    names = [f"{number:05d}.jpg" for number in range(4_500)]
    with Stage(silent, "LOADING_DATASET", None) as stage:
        table, refused = samples_table_of(
            (Entry(name, number, "", "bad" * (number % 2)) for number, name in enumerate(names)), stage
        )
    assert table.index.tolist() == names[::2]
    assert [entry.name for entry in refused] == names[1::2]


def test_unicode_forms_and_spaces_are_kept_as_they_are_on_disk(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "été à la plage.jpg") for form in ("NFC", "NFD")]
    assert names[0] != names[1]
    samples = listed(make(tmp_path, *names, " leading and trailing .jpg"))
    assert set(samples.filenames) == {*names, " leading and trailing .jpg"}
    assert [samples.source.read(name) for name in names] == [name.encode() for name in names]  # type: ignore[union-attr]


def test_what_cannot_be_a_sample_is_on_the_quarantine_table(tmp_path: Path) -> None:
    make(tmp_path / "outside", "x.jpg")
    root = make(tmp_path / "in", "a.jpg", "two\nlines.jpg", "latin-\udce9.jpg")
    (root / "link.jpg").symlink_to(tmp_path / "outside/x.jpg")
    (root / "other.txt").symlink_to(tmp_path / "outside/x.jpg")
    heard: list[Event] = []
    samples = listed(root, on_event=heard.append)
    assert samples.filenames == ["a.jpg"]
    quarantine = samples.quarantine
    assert quarantine["filename"].tolist() == ["latin-\\udce9.jpg", "link.jpg", "two\\nlines.jpg"]
    assert set(quarantine["stage"]) == {"listing"}
    assert quarantine["reason"].str.contains("UTF-8|leads out|line break").all()
    assert quarantine["what_to_do"].str.contains("rename it|copy the file").all()
    assert quarantine["duplicate_of"].isna().all()
    warnings = [event["message"] for event in heard if event.get("level") == "warning"]
    assert len(warnings) == 1
    assert warnings[0].startswith("3 left out, see .quarantine; first 'latin-")


def test_excluded_folders_may_be_relative_or_absolute(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "runs/1/b.jpg", "runs/2/c.jpg", "runs-old/d.jpg")
    assert listed(tmp_path, exclude=["runs/"]).filenames == ["a.jpg", "runs-old/d.jpg"]
    assert listed(tmp_path, exclude=[tmp_path / "runs/1"]).filenames == [
        "a.jpg",
        "runs-old/d.jpg",
        "runs/2/c.jpg",
    ]
    assert len(listed(tmp_path, exclude=["/elsewhere", "../up", "./runs/2"])) == 3
    with pytest.raises(InputError, match="is the source itself"):
        listed(tmp_path, exclude=[tmp_path])
    with pytest.raises(InputError, match=r"exclude is a list of folders, got 'runs'"):
        listed(tmp_path, exclude="runs")


def test_no_such_folder_and_a_file_for_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasourceError, match=r"no such folder: .*/nowhere does not exist"):
        listed(tmp_path / "nowhere")
    with pytest.raises(DatasourceError, match=r"a\.jpg is a file, not a folder; to use one file give a list"):
        listed(make(tmp_path, "a.jpg") / "a.jpg")


def test_an_empty_folder_and_one_without_images_say_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        InputError, match=r"no images in .*/empty: it is empty; image types are jpg, jpeg, png"
    ):
        listed(tmp_path / "empty")
    make(tmp_path / "other", "a.mp4", "b.MP4", "sub/c.txt", "README")
    heard: list[Event] = []
    with pytest.raises(InputError, match=r"found 2 \.mp4, 1 without ending, 1 \.txt; image types"):
        listed(tmp_path / "other", on_event=heard.append)
    assert "not images: 2 .mp4, 1 without ending, 1 .txt" in [event.get("message") for event in heard]
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.jpg").symlink_to("gone.jpg")
    with pytest.raises(InputError, match=r"1 left out, first 'a.jpg': there is no such file"):
        listed(tmp_path / "bad")


def test_a_datasource_is_a_source_and_loses_its_write_method(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    samples = listed(open_datasource(tmp_path, purpose=DatasourcePurpose.LIGHTLY))
    assert type(samples.source) is Datasource
    assert samples.source.read("a.jpg") == b"a.jpg"
    with pytest.raises(InputError, match="a Datasource has its own"):
        listed(open_datasource(tmp_path), storage_options={"key": "x"})


def test_samples_read_their_files_after_pickling(tmp_path: Path) -> None:
    samples = pickle.loads(pickle.dumps(listed(make(tmp_path, "a.jpg"))))
    assert samples.source.read("a.jpg") == b"a.jpg"


def test_a_bucket_is_a_source() -> None:
    files = MemoryFileSystem()
    for name in ["b.jpg", "a/b c.PNG", ".lightly/x.jpg", "notes.txt"]:
        files.pipe_file(f"/photos/{name}", b"content")
    try:
        samples = listed("memory://photos", exclude=["/not-here"])
        assert samples.filenames == ["a/b c.PNG", "b.jpg"]
        assert samples.table["lightly.sizeInBytes"].tolist() == [7, 7]
        by_name = listed(["memory://photos/b.jpg", "memory://photos/a/b c.PNG", "memory://photos/gone.jpg"])
        pd.testing.assert_frame_equal(by_name.table, samples.table)
        assert by_name.quarantine["reason"].tolist() == ["there is no such file"]
    finally:
        files.rm("/photos", recursive=True)


# Files one by one


def test_a_list_of_files_is_named_from_their_common_folder(tmp_path: Path) -> None:
    make(tmp_path, "x/1/a.jpg", "x/2/a.jpg", "x/b.jpg", "y.jpg")
    expected = ["1/a.jpg", "2/a.jpg"]
    paths = [tmp_path / "x/2/a.jpg", tmp_path / "x/1/a.jpg"]
    assert listed(paths).filenames == expected
    assert listed(map(str, paths)).filenames == expected
    assert listed((tmp_path / "x").glob("?/*.jpg")).filenames == expected
    assert listed([path.as_uri() for path in paths]).filenames == expected
    assert listed(pd.Series([*map(str, paths)])).filenames == expected
    assert listed([paths[0]]).filenames == ["a.jpg"]
    samples = listed(paths)
    assert [samples.source.read(name) for name in expected] == [b"x/1/a.jpg", b"x/2/a.jpg"]  # type: ignore[union-attr]
    pd.testing.assert_frame_equal(samples.table, listed(tmp_path / "x").table.loc[expected])


def test_folders_that_start_alike_are_told_apart(tmp_path: Path) -> None:
    make(tmp_path, "b/1.jpg", "b-c/2.jpg", "b/d/3.jpg")
    assert listed(tmp_path.rglob("*.jpg")).filenames == ["b-c/2.jpg", "b/1.jpg", "b/d/3.jpg"]


def test_relative_paths_start_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "x/1/a.jpg", "x/2/a.jpg")
    monkeypatch.chdir(tmp_path / "x")
    assert listed(["1/a.jpg", "../x/2/a.jpg", str(tmp_path / "x/1/a.jpg")]).filenames == [
        "1/a.jpg",
        "2/a.jpg",
    ]


def test_repeats_count_once_and_are_said(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b.jpg")
    heard: list[Event] = []
    samples = listed(
        [tmp_path / name for name in ["b.jpg", "a.jpg", "b.jpg", "./b.jpg"]], on_event=heard.append
    )
    assert samples.filenames == ["a.jpg", "b.jpg"]
    said = "2 paths came more than once, first 'b.jpg'; each is one sample"
    assert said in [event.get("message") for event in heard]


def test_files_asked_for_by_name_that_cannot_be_samples_are_each_explained(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "notes.txt", ".lightly/b.jpg", "folder.jpg/c.png")
    names = ["a.jpg", "notes.txt", ".lightly/b.jpg", "folder.jpg", "gone.jpg"]
    quarantine = listed([tmp_path / name for name in names]).quarantine.set_index("filename")["reason"]
    assert quarantine.to_dict() == {
        ".lightly/b.jpg": "below .lightly/, which is never input",
        "folder.jpg": "not a regular file",
        "gone.jpg": "there is no such file",
        "notes.txt": "not the ending of an image type",
    }
    with pytest.raises(InputError, match=r"1 left out, first 'gone.jpg': there is no such file"):
        listed([tmp_path / "gone.jpg"])


def test_exclude_holds_for_lists_too(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "runs/b.jpg")
    assert listed(tmp_path.rglob("*.jpg"), exclude=["runs"]).filenames == ["a.jpg"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], r"files: no files given; give at least one path"),
        (["a.jpg", 3], r"files: entry 1 is 3, not a path"),
        ([""], r"files: entry 0 is '', not a path"),
        (7, r"a list of files or a table with paths, got int"),
        (b"folder", r"got bytes"),
        ({"a.jpg": 1}, r"got dict"),
        (["s3://one/a.jpg", "gs://two/a.jpg"], r"one datasource only, got a mix of \['gs', 's3'\]"),
        (["s3://one/a.jpg", "s3://two/a.jpg"], r"no folder in common: s3://one and s3://two"),
        (["s3://k:secret@one/a.jpg", "s3://two/a.jpg"], r"no folder in common: s3://one and s3://two"),
        (["https://host/a.jpg?sig=secret"], r"addresses with a query"),
    ],
)
def test_sources_that_are_none_say_so(source: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        listed(source)
    assert "secret" not in str(caught.value)


# Tables


@pytest.mark.parametrize("column", ["path", "filename", "file_name", "filepath"])
def test_a_table_keeps_its_other_columns_beside_the_right_files(tmp_path: Path, column: str) -> None:
    make(tmp_path, "a.jpg", "sub/b.jpg", "c.jpg")
    names = ["c.jpg", "gone.jpg", "a.jpg", "sub/b.jpg"]
    frame = pd.DataFrame(
        {
            "label": ["C", "?", "A", "B"],
            column: [str(tmp_path / name) for name in names],
            "weight": [3.0, 9, 1, 2],
        },
        index=[7, 7, 8, 9],
    )
    before = frame.copy()
    table = listed(frame).table
    assert table.index.tolist() == ["a.jpg", "c.jpg", "sub/b.jpg"]
    assert table["label"].tolist() == ["A", "C", "B"]
    assert table["weight"].tolist() == [1, 3, 2]
    kept = "path" if column == "filename" else column
    assert list(table.columns) == ["lightly.sizeInBytes", "version", "index", "label", kept, "weight"]
    assert table["index"].tolist() == [8, 7, 9]
    assert table[kept].tolist() == [str(tmp_path / name) for name in table.index]
    pd.testing.assert_frame_equal(frame, before)


def test_a_table_may_name_files_that_are_not_unicode(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "latin-\udce9.jpg")
    paths = pd.Series([str(tmp_path / "latin-\udce9.jpg"), str(tmp_path / "a.jpg")], dtype="object")
    samples = listed(pd.DataFrame({"path": paths, "n": [1, 2]}))
    assert samples.table["n"].to_dict() == {"a.jpg": 2}
    assert pa.types.is_large_string(pa.array(samples.table.index.array).type)
    assert samples.quarantine["filename"].tolist() == ["latin-\\udce9.jpg"]


def test_path_column_says_otherwise(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    frame = pd.DataFrame({"image": [tmp_path / "a.jpg"], "path": ["lane 3"]})
    assert listed(frame, path_column="image").table["path"].tolist() == ["lane 3"]
    with pytest.raises(InputError, match=r"no column 'images'; it has 'image', 'path'"):
        listed(frame, path_column="images")
    with pytest.raises(
        InputError, match=r"no column of path, filename, file_name, filepath; it has 'image'; say"
    ):
        listed(frame[["image"]])


def test_rows_of_one_file_that_differ_are_refused_and_equal_ones_are_said(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b.jpg")
    frame = pd.DataFrame(
        {"path": [str(tmp_path / name) for name in ["b.jpg", "a.jpg", "b.jpg"]], "n": [1, 2, 3]}
    )
    said = r"1 files have several rows, first 'b.jpg' at index \[0, 2\], which differ in \['n'\]; .* keep one"
    with pytest.raises(InputError, match=said):
        listed(frame)
    heard: list[Event] = []
    assert listed(frame.assign(n=1), on_event=heard.append).table["n"].tolist() == [1, 1]
    assert heard[0]["level"] == "warning"


def test_tables_that_cannot_be_used_say_so(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg")
    path = str(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"table: column 'path': entry 1 is None, not a path"):
        listed(pd.DataFrame({"path": pd.Series([path, None], dtype="object")}))
    with pytest.raises(
        InputError, match=r"column names \['version'\] are used by the listing itself; rename"
    ):
        listed(pd.DataFrame({"path": [path], "version": ["2"]}))
    with pytest.raises(InputError, match=r"table: column 'path': no files given"):
        listed(pd.DataFrame({"path": []}))


# Events


def test_events_count_the_files_and_end_with_the_total(tmp_path: Path) -> None:
    heard: list[Event] = []
    listed(make(tmp_path, "a.jpg", "b.jpg", "c.txt"), on_event=heard.append)
    counted = [event for event in heard if "done" in event]
    assert counted[0]["total"] is None
    assert (counted[-1]["done"], counted[-1]["total"], counted[-1]["step"]) == (2, 2, "LOADING_DATASET")


def test_a_listener_that_cancels_stops_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walked = 0

    def endless(self: object, wanted: object, exclude: object, below: object) -> object:
        nonlocal walked
        while True:
            walked += 1
            yield Entry(f"{walked}.jpg")

    def cancel(event: Event) -> None:
        if event.get("done"):
            raise RunCanceled("stopped by the user")

    monkeypatch.setattr("lightly_nb.events.SECONDS_BETWEEN_EVENTS", 0)
    monkeypatch.setattr("lightly_nb.datasource.local.LocalFiles.entries", endless)
    with pytest.raises(RunCanceled):
        list_samples(tmp_path, on_event=cancel)
    assert 0 < walked < 10_000


@pytest.mark.slow
def test_a_million_names_take_less_than_400_mb() -> None:
    script = Path(__file__).parents[2] / "benchmarks/listing_memory.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    peaks = [int(peak) for peak in re.findall(r"peak (\d+) MB", done.stdout)]
    assert len(peaks) == 2
    assert max(peaks) < 400, done.stdout
