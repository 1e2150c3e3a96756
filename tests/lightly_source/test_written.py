"""Thumbnails are written below `.lightly/`, once, and what cannot be written is counted."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightly_nb.datasource import WritableDatasource, open_datasource
from lightly_nb.errors import DatasourceError, RunCanceled
from lightly_nb.events import Event
from lightly_nb.lightly_source.written import (
    GIVE_UP,
    Written,
    thumbnail_name,
    thumbnail_pattern_problem,
    write_thumbnails,
)
from lightly_nb.samples.thumbnails import thumbnail_jpeg
from lightly_nb.states import DatasourcePurpose

PATTERN = ".lightly/thumbnails/[filename]_thumb.[extension]"
NAMES = ["a b/été.jpg", "a b/日本.png", "c.webp", "d.JPEG", "e.bmp", "f.tif", "g.hevc-0.png", "h.ppm"]
JPEG = thumbnail_jpeg(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8), 32)


def quiet(event: Event) -> None:
    """Hear nothing."""


@pytest.fixture
def lightly(tmp_path: Path) -> WritableDatasource:
    return open_datasource(tmp_path, purpose=DatasourcePurpose.LIGHTLY)


def write(lightly: WritableDatasource, pattern: str = PATTERN, names: list[str] = NAMES) -> Written:
    return write_thumbnails(lightly, pattern, names, lambda number: JPEG, quiet)


def test_every_thumbnail_is_a_file_of_the_type_that_its_name_says(
    lightly: WritableDatasource, tmp_path: Path
) -> None:
    assert write(lightly) == Written(len(NAMES), 0, [])
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {thumbnail_name(PATTERN, name) for name in NAMES}
    assert ".lightly/thumbnails/a b/été_thumb.jpg" in found
    types = {".jpg": "JPEG", ".JPEG": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF"}
    for name in found:
        with Image.open(tmp_path / name) as image:
            assert image.format == {**types, ".ppm": "PPM"}[Path(name).suffix]
            assert image.size == (32, 24)
    assert (tmp_path / ".lightly/thumbnails/a b/été_thumb.jpg").read_bytes() == JPEG


def test_those_that_are_there_stay_and_others_are_written_again(
    lightly: WritableDatasource, tmp_path: Path
) -> None:
    write(lightly)
    first, second = (tmp_path / thumbnail_name(PATTERN, name) for name in NAMES[:2])
    before = first.stat().st_mtime_ns
    second.write_bytes(b"cut")
    assert write(lightly) == Written(1, len(NAMES) - 1, [])
    assert first.stat().st_mtime_ns == before
    with Image.open(second) as image:
        image.load()


def test_a_stopped_writing_goes_on_where_it_was(lightly: WritableDatasource) -> None:
    def stop(event: Event) -> None:
        if event.get("done", 0) >= 1:
            raise RunCanceled("stop")

    names = [f"{number}.jpg" for number in range(100)]
    with pytest.raises(RunCanceled):
        write_thumbnails(lightly, PATTERN, names, lambda number: JPEG, stop)
    written = write(lightly, names=names)
    assert written.n_there > 0
    assert written.n_there + written.n_written == 100


def test_what_cannot_be_written_is_one_warning_and_the_others_are_written(
    lightly: WritableDatasource, tmp_path: Path
) -> None:
    (tmp_path / ".lightly" / "thumbnails" / "c_thumb.webp").mkdir(parents=True)
    heard: list[Event] = []
    written = write_thumbnails(lightly, PATTERN, NAMES, lambda number: JPEG, heard.append)
    assert (written.n_written, len(written.problems)) == (len(NAMES) - 1, 1)
    (told,) = [event for event in heard if "message" in event]
    assert told["level"] == "warning"
    assert told["message"].startswith(
        "1 of 8 thumbnails could not be written to LIGHTLY (cannot write '.lightly/"
    )


def test_a_bucket_that_may_not_be_written_is_given_up(
    lightly: WritableDatasource, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def refuse(self: WritableDatasource, name: str, content: bytes) -> None:
        tried.append(name)
        raise DatasourceError(f"cannot write {name!r}: no permission")

    monkeypatch.setattr(WritableDatasource, "write", refuse)
    n = 5 * GIVE_UP
    written = write(lightly, names=[f"{number}.jpg" for number in range(n)])
    assert len(written.problems) == n
    assert GIVE_UP <= len(tried) < 2 * GIVE_UP
    assert written.warning.startswith("500 of 500 thumbnails could not be written to LIGHTLY (cannot write ")


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("[filename]_thumb.jpg", "leads out of .lightly/"),
        (".lightly/thumbnails/thumb.jpg", r"has no \[filename\]"),
        (".lightly/../[filename].jpg", "'..'"),
        ("/tmp/[filename].jpg", "leads out"),
        (".lightly/predictions/task/[filename].json", "where other files of yours lie"),
    ],
)
def test_nothing_is_written_where_it_does_not_belong(
    lightly: WritableDatasource, tmp_path: Path, pattern: str, what: str
) -> None:
    problem = thumbnail_pattern_problem(pattern)
    assert problem is not None
    assert re.search(what, problem)
    written = write(lightly, pattern)
    assert written.n_written == 0
    assert pattern in written.warning
    assert list(tmp_path.rglob("*")) == []


def test_a_sample_without_a_thumbnail_is_passed_over(lightly: WritableDatasource) -> None:
    written = write_thumbnails(
        lightly, PATTERN, ["a.jpg", "b.jpg"], lambda number: b"" if number else JPEG, quiet
    )
    assert written == Written(1, 1, [])
    assert Image.open(io.BytesIO(lightly.read(".lightly/thumbnails/a_thumb.jpg"))).size == (32, 24)
