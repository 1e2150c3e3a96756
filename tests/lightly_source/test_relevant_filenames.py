"""Relevant filenames: names, prefixes, patterns as git reads them, and what is wrong with a list."""

from __future__ import annotations

import os
import subprocess
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st

import lightly_nb as lnb
from lightly_nb.errors import InputError
from lightly_nb.events import Event
from lightly_nb.lightly_source.gitignore import ignoring
from lightly_nb.lightly_source.relevant_filenames import parse_relevant_filenames
from lightly_nb.samples import Samples

IMAGES = ["image_1.png", *(f"subdir/image_{n}.png" for n in (2, 3, 40, 41, 42)), "other/image_1.png"]


class Quiet:
    """A listener that remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, event: Event) -> None:
        self.said += [event["message"]] if "message" in event else []


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def listed(source: object, relevant: object, on_event: object = None) -> list[str]:
    return samples_of(source, relevant, on_event).filenames


def samples_of(source: object, relevant: object, on_event: object = None) -> Samples:
    return lnb.list_samples(source, relevant_filenames=relevant, on_event=on_event or Quiet())  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path / "input", *IMAGES, ".lightly/image_1.png", "notes.txt")


@pytest.fixture
def bucket(folder: Path) -> Iterator[str]:
    memory = MemoryFileSystem()
    for name in IMAGES:
        memory.pipe_file(f"/relevant/{name}", name.encode())
    yield "memory://relevant"
    memory.rm("/relevant", recursive=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("image_1.png\nsubdir/image_2.png\nsubdir/image_3.png", [IMAGES[0], IMAGES[1], IMAGES[2]]),
        ("image_1.png\nsubdir/*", IMAGES[:6]),
        (
            "image_1.png\nsubdir/* subdir/image_4* !subdir/image_41.png !subdir/image_42.png",
            [name for name in IMAGES[:6] if name != "subdir/image_40.png"],
        ),
        ("subdir/image_4*", IMAGES[3:6]),
        ("* subdir/", ["image_1.png", "other/image_1.png"]),
        ("*", IMAGES),
        ("subdir/**\nsubdir/image_2.png\nsubdir/image_*", IMAGES[1:6]),
        ("subdir/* *.png\nsubdir/* !*\n", IMAGES[1:6]),  # each line by itself
        ("\r\n  image_1.png \r\nimage_1.png\r\rsubdir/image_2.png", IMAGES[:2]),
        ("\ufeffimage_1.png", IMAGES[:1]),
    ],
)
def test_only_the_files_that_the_entries_stand_for(folder: Path, bucket: str, text: str, expected: list[str]):
    for source in (folder, bucket):
        assert listed(source, text) == sorted(expected)
        assert listed(source, text.encode()) == sorted(expected)
        assert listed(source, parse_relevant_filenames(text)) == sorted(expected)
    assert samples_of(folder, text).table.loc[expected[0], "lightly.sizeInBytes"] == len(expected[0])


def test_lines_may_be_a_list_or_an_open_file(folder: Path, tmp_path: Path):
    assert listed(folder, ["image_1.png", "subdir/image_2.png"]) == IMAGES[:2]
    (tmp_path / "list.txt").write_text("image_1.png\nsubdir/image_2.png\n")
    with open(tmp_path / "list.txt") as lines:
        assert listed(folder, lines) == IMAGES[:2]


def test_names_with_spaces_asterisks_and_other_alphabets_mean_themselves(tmp_path: Path):
    names = ["my photo.jpg", "a b/c* d.jpg", "été/日本 1.jpg", "#1.jpg", "!2.jpg", " led.jpg"]
    make(tmp_path, *names, "a b/c.jpg", "a b/e 1.jpg", "a b/e 2.jpg")
    assert listed(tmp_path, names) == sorted(names)
    assert listed(tmp_path, ["a b/* *\\ 2.jpg"]) == ["a b/c* d.jpg", "a b/c.jpg", "a b/e 1.jpg"]


def test_a_name_is_found_in_the_other_unicode_normalisation(tmp_path: Path):
    on_disk, in_list = (unicodedata.normalize(form, "été.jpg") for form in ("NFD", "NFC"))
    make(tmp_path, on_disk)
    assert listed(tmp_path, [in_list, on_disk]) == [on_disk]


def test_names_that_are_not_there_are_in_quarantine_and_said(folder: Path, bucket: str):
    text = "image_1.png\nimage_9.png\nnowhere/image_1.png\nnotes.txt\nsubdir\nsubdir/*.png\nnowhere/* *.jpg"
    for source in (folder, bucket):
        quiet = Quiet()
        samples = samples_of(source, text, quiet)
        assert samples.filenames == ["image_1.png"]
        reasons = samples.quarantine.set_index("filename")["reason"]
        assert reasons["image_9.png"] == reasons["nowhere/image_1.png"] == "there is no such file"
        assert "ending" in reasons["notes.txt"]
        assert len(reasons) == 5
        assert any("5 left out" in said and "image_9.png" in said for said in quiet.said)
        assert any("1 prefixes" in said and "'nowhere/* *.jpg'" in said for said in quiet.said)
    with pytest.raises(InputError, match=r"no images.*2 left out.*there is no such file"):
        listed(folder, "a.png\nb.png")


def test_what_lies_below_lightly_or_an_excluded_folder_never_counts(folder: Path):
    assert samples_of(folder, ".lightly/image_1.png\nimage_1.png").filenames == ["image_1.png"]
    assert listed(folder, ".lightly/*\nimage_1.png") == ["image_1.png"]
    chosen = lnb.list_samples(
        folder, relevant_filenames="subdir/*\nother/image_1.png\n*", exclude=["other"], on_event=Quiet()
    )
    assert chosen.filenames == [name for name in IMAGES if not name.startswith("other")]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_prefix_does_not_lead_out_of_the_folder(folder: Path, tmp_path: Path):
    make(tmp_path / "secret", "a.png")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "inner").symlink_to(folder / "subdir")
    samples = samples_of(folder, "image_1.png\nlink/*\nlink/a.png\ninner/*")
    assert samples.filenames == sorted(["image_1.png", *(f"inner/image_{n}.png" for n in (2, 3, 40, 41, 42))])
    assert set(samples.quarantine["filename"]) == {"link/", "link/a.png"}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("image_1.png\n./image_2.png", r"line 2: './image_2.png'.*'\.'.*relative to the input"),
        ("../a.png\n/b.png\na/../c.png\nd//e.png", r"line 1: .*line 2: .*absolute; line 3: .*\(and 1 more\)"),
        ("subdir\\a.png", r"line 1: .*backslash"),
        ("../* *.png", r"line 1: '../\* \*.png'.*'\.\.'"),
        ("s3://bucket/a.png", "line 1"),
        ("", "no entries.*leave it out"),
        (" \r\n\n", "no entries"),
        ([], "no entries"),
        ("a.png".encode("utf-16"), "not UTF-8.*save it as UTF-8"),
        (["a.png", 3], "line 2 is 3"),
    ],
)
def test_entries_that_cannot_be_are_refused_with_their_lines(folder: Path, content: object, text: str):
    with pytest.raises(InputError, match=f"(?s)relevant_filenames: .*{text}"):
        listed(folder, content)


def test_a_list_of_files_has_no_relevant_filenames(folder: Path):
    with pytest.raises(InputError, match="source is a list"):
        listed([folder / "image_1.png"], "image_1.png")


def test_names_alone_list_nothing_and_prefixes_only_their_folders(
    bucket: str, monkeypatch: pytest.MonkeyPatch
):
    looked_into = []
    ls = MemoryFileSystem.ls

    def spy(self: MemoryFileSystem, path: str, *arguments: object, **options: object) -> object:
        looked_into.append(path.strip("/"))
        return ls(self, path, *arguments, **options)

    monkeypatch.setattr(MemoryFileSystem, "ls", spy)
    listed(bucket, "image_1.png\nsubdir/image_2.png")
    assert looked_into == []
    listed(bucket, "image_1.png\nsubdir/image_4*\nsubdir/image_3*")
    assert looked_into == ["relevant/subdir"]


FILES = [
    "a.png",
    "b1.png",
    "d/a.png",
    "d/e/a.png",
    "d/e/b1.png",
    "e/d/a.png",
    "e/x y.png",
    "d/[a].png",
    "#a.png",
]
PIECES = ["a", "b", "d", "e", "1", "*", "**", "?", "/", ".png", "!", "\\", "[ab]", "[!a]", "[a-e]", "[e-a]"]
PIECES += ["[]a]", "[[:alpha:]]", "[[:foo:]]", "[b-", "x\\ y", "#", "d/", "*.png", "/**/", "d/e"]
LINES = st.lists(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join), min_size=1, max_size=4
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make(tmp_path_factory.mktemp("repository"), *FILES)
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


@settings(max_examples=30, deadline=None)
@given(many=st.lists(LINES, min_size=20, max_size=60))
def test_patterns_leave_out_what_git_ignores(repository: Path, many: list[list[str]]):
    """Every list of patterns gets a copy of the files below a folder of its own: one call of git for many."""
    names = [f"{number}/{name}" for number in range(len(many)) for name in FILES]
    for number, lines in enumerate(many):
        (repository / str(number)).mkdir(exist_ok=True)
        for name in FILES:
            (repository / str(number) / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / str(number) / ".gitignore").write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        ["git", "-c", "core.excludesFile=", "-C", repository, "check-ignore", "--no-index", "-z", "--stdin"],
        input="\0".join(names),
        capture_output=True,
        text=True,
        check=False,
    )
    ignored = set(done.stdout.split("\0")) - {""}
    for number, lines in enumerate(many):
        is_ignored = ignoring(lines)
        for name in FILES:
            assert is_ignored(name) == (f"{number}/{name}" in ignored), (lines, name)
