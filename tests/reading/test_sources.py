"""Whose rows are whose: wrong paths, `root`, patterns, folders in a list, what comes back of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from lightly_nb.errors import InputError
from lightly_nb.events import silent
from lightly_nb.reading import list_samples
from lightly_nb.samples import Samples

ALL = ["train/cat/1.jpg", "train/cat/2.jpg", "train/dog/3.jpg", "val/cat/4.jpg"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("data") / "photos"
    for name in [*ALL, "train/notes.txt"]:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(name.encode())
    return top


def listed(source: Any, **options: Any) -> Samples:
    return list_samples(source, **{"on_event": silent, **options})


def readable(samples: Samples, top: Path) -> list[str]:
    """Return the names, each checked to be that of its own file."""
    assert samples.source is not None
    for name in samples.filenames:
        assert (top / samples.source.read(name).decode()).as_posix().endswith(name)
    return samples.filenames


@pytest.mark.parametrize("wrong", ["/nowhere/x.jpg", "{}/../y.jpg", "relative.jpg", "{}/train/cat/none.jpg"])
def test_a_wrong_path_renames_nothing(folder: Path, wrong: str) -> None:
    right = [str(folder / name) for name in ALL[:2]]
    samples = listed([*right, wrong.format(folder)])
    assert readable(samples, folder) == ["1.jpg", "2.jpg"]
    assert len(samples.quarantine) == 1
    assert samples.quarantine["reason"].tolist() == ["there is no such file"]
    assert samples.quarantine["filename"].iat[0].endswith(wrong.rpartition("/")[2])
    frame = pd.DataFrame({"path": [wrong.format(folder), *right], "n": [0, 1, 2]})
    samples = listed(frame)
    assert samples.table["n"].to_dict() == {"1.jpg": 1, "2.jpg": 2}
    assert samples.table["path"].tolist() == right


def test_a_wrong_path_of_a_bucket_renames_nothing() -> None:
    files = MemoryFileSystem()
    for name in ("a/1.jpg", "a/2.jpg"):
        files.pipe_file(f"/wrong-paths/{name}", name.encode())
    try:
        urls = [f"memory://wrong-paths/{name}" for name in ("a/1.jpg", "a/2.jpg", "b/3.jpg")]
        samples = listed(urls)
        assert samples.filenames == ["1.jpg", "2.jpg"]
        assert samples.source.read("1.jpg") == b"a/1.jpg"  # type: ignore[union-attr]
        assert samples.quarantine["filename"].tolist()[0].endswith("wrong-paths/b/3.jpg")
        assert listed(["memory://wrong-paths/a", "memory://wrong-paths/a/1.jpg"]).filenames == [
            "1.jpg",
            "2.jpg",
        ]
        assert listed("memory://wrong-paths/**/2.jpg").filenames == ["a/2.jpg"]
        assert listed(urls[:2], root="memory://wrong-paths").filenames == ["a/1.jpg", "a/2.jpg"]
    finally:
        files.rm("/wrong-paths", recursive=True)


@pytest.mark.parametrize("as_text", [str, Path])
def test_root_is_what_names_are_relative_to(folder: Path, as_text: Any) -> None:
    root = as_text(folder)
    assert readable(listed([folder / ALL[0]], root=root), folder) == ALL[:1]
    assert readable(listed(ALL[:2], root=root), folder) == ALL[:2]
    assert readable(listed(folder / "val", root=root), folder) == ALL[3:]
    assert readable(listed("val/*/*.jpg", root=root), folder) == ALL[3:]
    assert readable(listed(pd.DataFrame({"path": ALL}), root=root), folder) == ALL
    windows = pd.DataFrame({"path": [name.replace("/", "\\") for name in ALL]})
    samples = listed(windows, root=root)
    assert readable(samples, folder) == ALL
    assert samples.table["path"].tolist() == windows["path"].tolist(), "as they were written"


def test_what_is_outside_of_root_is_named(folder: Path) -> None:
    samples = listed([str(folder / ALL[0]), str(folder / ALL[3])], root=folder / "train")
    assert samples.filenames == ["cat/1.jpg"]
    assert samples.quarantine["reason"].tolist() == ["outside of root"]
    assert samples.quarantine["filename"].tolist() == [str(folder / ALL[3])]
    frame = pd.DataFrame({"path": [str(folder / ALL[3]), str(folder / ALL[0])], "n": [1, 2]})
    assert listed(frame, root=folder / "train").table["n"].tolist() == [2]


def test_relative_paths_that_begin_with_root_are_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert listed([f"photos/{ALL[0]}"], root="photos").filenames == ALL[:1]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("train/cat/*.jpg", ["1.jpg", "2.jpg"]),
        ("train/*/*.jpg", ["cat/1.jpg", "cat/2.jpg", "dog/3.jpg"]),
        ("**/*.jpg", ALL),
        ("**", ALL),
        ("*/cat/?.jpg", [ALL[0], ALL[1], ALL[3]]),
        ("train/**/[!1-2].jpg", ["dog/3.jpg"]),
        ("train/c*/1.*", ["cat/1.jpg"]),
    ],
)
def test_patterns(folder: Path, pattern: str, names: list[str]) -> None:
    assert readable(listed(f"{folder}/{pattern}"), folder) == names
    assert listed([folder / pattern]).filenames == names


def test_a_pattern_without_a_match_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="no images in"):
        listed(f"{folder}/*.png")


def test_a_name_with_brackets_is_a_name(tmp_path: Path) -> None:
    for name in ("a[1].jpg", "a1.jpg"):
        (tmp_path / name).write_bytes(b"x")
    assert listed([tmp_path / "a[1].jpg"]).filenames == ["a[1].jpg"]
    assert listed(f"{tmp_path}/a[1].*").filenames == ["a1.jpg"]


def test_a_list_of_folders(folder: Path) -> None:
    assert readable(listed([folder / "train", folder / "val"]), folder) == ALL
    assert readable(listed([f"{folder}/train/"]), folder) == ["cat/1.jpg", "cat/2.jpg", "dog/3.jpg"]
    mixed = [folder / "train/dog", folder / ALL[0], f"{folder}/train/d*/*"]
    assert readable(listed(mixed), folder) == ["cat/1.jpg", "dog/3.jpg"]
    assert readable(listed([folder / "train", folder / "val"], exclude=["val"]), folder) == ALL[:3]
    with_wrong = listed([folder / "train/dog", "/nowhere"])
    assert with_wrong.filenames == ["3.jpg"]
    assert len(with_wrong.quarantine) == 1


def test_marks_and_line_ends_of_text_files_are_no_part_of_a_path(folder: Path) -> None:
    lines = [f"\ufeff{folder / ALL[0]}\r\n", f"{folder / ALL[1]}\n"]
    assert listed(lines).filenames == ["1.jpg", "2.jpg"]
    assert listed(pd.DataFrame({"\ufeffpath": [folder / ALL[0]], "n": [1]})).table["n"].tolist() == [1]


def test_the_index_of_a_table_comes_back(folder: Path) -> None:
    paths = [str(folder / name) for name in reversed(ALL)]
    assert listed(pd.DataFrame({"path": paths})).table["index"].tolist() == [3, 2, 1, 0]
    named = pd.DataFrame({"path": paths}, index=pd.Index(list("dcba"), name="id"))
    assert listed(named).table["id"].tolist() == list("abcd")
    levels = pd.DataFrame(
        {"path": paths}, index=pd.MultiIndex.from_product([[1, 2], list("xy")], names=["u", "v"])
    )
    assert listed(levels).table["v"].tolist() == list("yxyx")


def test_a_column_of_embeddings_becomes_the_embeddings(folder: Path) -> None:
    paths = [str(folder / name) for name in reversed(ALL)]
    samples = listed(pd.DataFrame({"path": paths, "embedding": list(np.eye(4))}))
    np.testing.assert_array_equal(samples.embeddings, np.eye(4)[::-1])
    assert "embedding" not in samples.table


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        (pd.DataFrame({"path": ["a"], "filename": ["b"]}), {"path_column": "filename"}, "rename one of them"),
        (["a.jpg"], {"root": "/nowhere-at-all"}, "no such folder"),
        ([], {"root": "."}, "no files given"),
    ],
)
def test_what_cannot_be_said_of_a_source_gets_words(source: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises((InputError, OSError), match=said):
        listed(source, **options)
