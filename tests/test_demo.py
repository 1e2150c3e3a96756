"""The demo photographs: what is in the folder, that it is the same each time, and what can go wrong."""

from __future__ import annotations

import csv
import hashlib
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lightly_nb.demo import __main__ as command_line
from lightly_nb.demo import demo_images, gather, packages, traps
from lightly_nb.demo.cutting import crop_boxes, overlap
from lightly_nb.demo.gather import SOURCES, is_complete, write_demo
from lightly_nb.demo.photographs import IN_DEBIAN_PACKAGES, IN_WHEELS, ROOTS, WHEELS, WHOLE
from lightly_nb.errors import DatasourceError
from lightly_nb.events import silent

N_CROPS = 42


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo folder, cut from the photographs in the wheels."""
    folder = tmp_path_factory.mktemp("demo") / "photographs"
    write_demo(folder, in_wheels(), N_CROPS, silent)
    return folder


def in_wheels():
    folders = {package: packages.wheel_folder(package) for package in WHEELS}
    return packages.present(IN_WHEELS, folders)


def rows_of(folder: Path, kind: str) -> list[dict[str, str]]:
    with (folder / SOURCES).open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["kind"] == kind]


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def test_every_listed_wheel_photograph_is_in_its_wheel():
    assert len(in_wheels()) == len(IN_WHEELS)


def test_the_table_names_each_photograph_once_with_author_and_licence():
    table = [*IN_DEBIAN_PACKAGES, *IN_WHEELS]
    assert len({(photo.package, photo.file) for photo in table}) == len(table)
    assert len({photo.name for photo in table}) == len(table)
    assert all(photo.author and photo.licence and photo.package in ROOTS for photo in table)
    assert set(WHOLE) <= {f"{photo.package}/{photo.file}" for photo in table}


def test_the_folder_holds_what_its_table_of_sources_says(made):
    files = set(contents(made)) - {SOURCES}
    with (made / SOURCES).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["filename"] for row in rows} == files
    assert Counter(row["kind"] for row in rows) == {
        "crop": N_CROPS,
        "whole": 2,
        "odd": len(traps.ODD),
        "broken": len(traps.BROKEN),
        "duplicate": traps.N_DUPLICATES,
    }
    assert all(row["author"] and row["licence"] for row in rows)
    assert is_complete(made)


def test_only_the_duplicates_repeat_a_file(made):
    hashes = contents(made)
    duplicates = rows_of(made, "duplicate")
    for row in duplicates:
        assert hashes[row["filename"]] == hashes[row["photograph"]]
    originals = [name for name in hashes if name not in {row["filename"] for row in duplicates}]
    assert len({hashes[name] for name in originals}) == len(originals)
    order = [row["filename"] < row["photograph"] for row in duplicates]
    assert True in order
    assert False in order


def test_good_files_decode_and_broken_ones_do_not(made):
    import simplejpeg

    for kind in ("crop", "whole", "odd", "duplicate"):
        for row in rows_of(made, kind):
            with Image.open(made / row["filename"]) as image:
                image.load()
    for row in rows_of(made, "broken"):
        content = (made / row["filename"]).read_bytes()
        with pytest.raises((OSError, ValueError, SyntaxError)):  # noqa: PT012
            if content[:2] == b"\xff\xd8":
                simplejpeg.decode_jpeg(content, strict=True)
            with Image.open(made / row["filename"]) as image:
                image.load()


def test_odd_files_are_what_their_names_say(made):
    def opened(name: str) -> Image.Image:
        return Image.open(made / "odd but good" / name)

    assert opened("CMYK.jpg").mode == "CMYK"
    assert opened("16 bits.png").mode.startswith("I;16")
    assert opened("256 colours.png").mode == "P"
    assert opened("transparent.png").mode == "RGBA"
    assert opened("gris é.jpg").mode == "L"
    assert opened("on its side (EXIF).JPG").getexif()[0x0112] == 6
    assert {opened(name).format for name in ("scan.tiff", "from the web 🌐.webp")} == {"TIFF", "WEBP"}


def test_names_have_spaces_unicode_and_nested_folders(made):
    names = [row["filename"] for row in rows_of(made, "crop")]
    for part in (" ", "é", "頤", "🐈"):
        assert any(part in name for name in names)
    assert max(name.count("/") for name in names) == 2


def test_two_gatherings_give_the_same_bytes(made, tmp_path):
    write_demo(tmp_path / "again", in_wheels(), N_CROPS, silent)
    assert contents(tmp_path / "again") == contents(made)


@given(
    width=st.integers(300, 3000),
    height=st.integers(300, 3000),
    n=st.integers(1, 40),
    seed=st.text(max_size=5),
)
def test_crops_lie_inside_and_differ(width, height, n, seed):
    boxes = crop_boxes((width, height), n, seed)
    assert len(boxes) == n
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
    pairs = [(a, b) for number, a in enumerate(boxes) for b in boxes[:number]]
    assert all(overlap(a, b) <= 0.99 for a, b in pairs)


@pytest.fixture
def few_crops(monkeypatch):
    monkeypatch.setattr(gather, "N_CROPS", N_CROPS)


@pytest.mark.usefixtures("few_crops")
def test_gathering_is_done_once_and_redone_when_a_file_is_gone_or_cut(tmp_path, capsys):
    folder = demo_images(tmp_path / "demo" / "photos", wheels_only=True, on_event=silent)
    assert "scikit-image" in capsys.readouterr().out
    first = contents(folder)
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    demo_images(folder, wheels_only=True, on_event=silent)
    assert "already there" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == stamps

    crops = [row["filename"] for row in rows_of(folder, "crop")]
    (folder / crops[0]).unlink()
    (folder / crops[1]).write_bytes(b"cut")
    (folder / "my own.txt").write_text("kept")
    demo_images(folder, wheels_only=True, on_event=silent)
    after = contents(folder)
    assert after.pop("my own.txt") == hashlib.sha256(b"kept").hexdigest()
    assert after == first
    assert [path.name for path in folder.parent.iterdir()] == ["photos"]


@pytest.mark.usefixtures("few_crops")
def test_an_interrupted_gathering_leaves_nothing_and_can_be_repeated(tmp_path):
    def interrupt(event):
        if event.get("done"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo_images(tmp_path / "photos", wheels_only=True, on_event=interrupt)
    assert list(tmp_path.iterdir()) == []
    assert is_complete(demo_images(tmp_path / "photos", wheels_only=True, on_event=silent))


def test_a_folder_of_other_files_is_left_alone(tmp_path):
    (tmp_path / "mine.jpg").write_bytes(b"mine")
    with pytest.raises(DatasourceError, match="holds files that are not demo photographs; name a new or an"):
        demo_images(tmp_path, on_event=silent)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.jpg"]
    with pytest.raises(DatasourceError, match="is a file; name a folder"):
        demo_images(tmp_path / "mine.jpg", on_event=silent)


def test_an_older_recipe_is_replaced(made, tmp_path, monkeypatch):
    folder = tmp_path / "photos"
    shutil.copytree(made, folder)
    text = (folder / SOURCES).read_text(encoding="utf-8")
    old = text.replace(f",{gather.RECIPE}\n", ",0\n").replace(f",{gather.RECIPE}\r\n", ",0\r\n")
    (folder / "old.jpg").write_bytes(b"old")
    (folder / SOURCES).write_text(old + "old.jpg,3,crop,a/b,c,d,0\n", encoding="utf-8")
    monkeypatch.setattr(gather, "N_CROPS", N_CROPS)
    demo_images(folder, wheels_only=True, on_event=silent)
    assert contents(folder) == contents(made)


def test_a_missing_wheel_says_what_to_install(monkeypatch):
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DatasourceError, match=r"scikit-image, which is not installed; run: pip install"):
        packages.wheel_folder("skimage")


class FakeApt:
    """Answers for `apt-get` with what a machine would print; counts what was asked."""

    def __init__(self, answers: dict[str, tuple[int, str]]):
        self.answers, self.asked = answers, []

    def __call__(self, command, **options):
        words = [word for word in command if word in ("update", "download") or word in self.answers]
        self.asked.append(" ".join(words))
        code, message = self.answers.get(words[-1], (0, ""))
        return subprocess.CompletedProcess(command, code, "", message)


def test_without_a_package_network_the_error_says_so_and_offers_another_way(tmp_path, monkeypatch):
    apt = FakeApt({"pictures": (100, "E: Failed to fetch http://mirror/pictures.deb  Could not resolve")})
    monkeypatch.setattr(packages.subprocess, "run", apt)
    with pytest.raises(DatasourceError, match=r"Could not resolve.*--wheels-only"):
        packages.unpacked_debian_packages(["pictures"], tmp_path, silent)
    assert apt.asked == ["download pictures", "update", "download pictures"]


def test_if_no_package_is_known_the_failed_update_is_shown(tmp_path, monkeypatch):
    answers = {
        "pictures": (100, "E: Unable to locate package pictures"),
        "update": (0, "W: no route to host"),
    }
    monkeypatch.setattr(packages.subprocess, "run", FakeApt(answers))
    with pytest.raises(DatasourceError, match=r"no route to host.*apt-get download mate-backgrounds"):
        packages.unpacked_debian_packages(["pictures"], tmp_path, silent)


@pytest.mark.skipif(not packages.has_apt(), reason="needs dpkg-deb")
def test_packages_are_unpacked_and_those_unknown_here_are_left_out_with_a_warning(tmp_path, monkeypatch):
    really_run = subprocess.run
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share/backgrounds").mkdir(parents=True)
    (tree / "usr/share/backgrounds/hello.txt").write_text("hello")
    control = (
        "Package: lomiri-wallpapers-20.04\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: b\n"
    )
    (tree / "DEBIAN/control").write_text(control)

    def run(command, **options):
        if command[0] == "dpkg-deb":
            return really_run(command, **options)
        if command[-1] != "lomiri-wallpapers-20.04":
            return subprocess.CompletedProcess(command, 100, "", f"E: Unable to locate package {command[-1]}")
        deb = Path(options["cwd"]) / "lomiri-wallpapers-20.04_1_all.deb"
        return really_run(["dpkg-deb", "--build", str(tree), str(deb)], check=False, capture_output=True)

    monkeypatch.setattr(packages.subprocess, "run", run)
    heard = []
    work = tmp_path / "work"
    work.mkdir()
    found = packages.unpacked_debian_packages(["lxqt-themes", "lomiri-wallpapers-20.04"], work, heard.append)
    assert (found["lomiri-wallpapers-20.04"] / "hello.txt").read_text() == "hello"
    assert [event["message"] for event in heard if event.get("level") == "warning"] == [
        "not in this distribution, left out: lxqt-themes"
    ]


def test_the_command_prints_one_line_on_an_error(tmp_path, capsys):
    (tmp_path / "mine.jpg").write_bytes(b"mine")
    assert command_line.main([str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
