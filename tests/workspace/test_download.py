"""A download leaves whole files under their names, goes on where it stopped, and says what failed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lightly_nb.datasource import open_datasource
from lightly_nb.datasource.sample_files import SampleFiles
from lightly_nb.errors import DatasourceError, InputError, RunCanceled
from lightly_nb.events import Event
from lightly_nb.workspace.data.download import Downloaded, download_files, problems_text
from tests.photos import write_photographs

N = 12


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_photographs(tmp_path / "photos", N)
    return tmp_path / "photos"


@pytest.fixture
def files(source: Path) -> SampleFiles:
    return SampleFiles(open_datasource(source))


@pytest.fixture
def names(source: Path) -> list[str]:
    return sorted(path.relative_to(source).as_posix() for path in source.rglob("*.jpg"))


def content(folder: Path) -> dict[str, bytes]:
    """All files of a folder, by name; half files and the like too."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


class Counting(SampleFiles):
    """Sample files that note what is read, and fail or wait where told."""

    def read(self, filename: str) -> bytes:
        COUNTED.append(filename)
        if filename in FAILING:
            raise FAILING[filename]
        return super().read(filename)


COUNTED: list[str] = []
FAILING: dict[str, BaseException] = {}


@pytest.fixture
def counting(files: SampleFiles) -> Counting:
    COUNTED.clear()
    FAILING.clear()
    return Counting(files.datasource)


def test_files_are_copied_byte_for_byte_under_their_names(
    source: Path, files: SampleFiles, names: list[str], tmp_path: Path
) -> None:
    done = download_files(names[:8], files, tmp_path / "new" / "out")
    assert done == [Downloaded(name) for name in names[:8]]
    whole = content(source)
    assert content(tmp_path / "new" / "out") == {name: whole[name] for name in names[:8]}
    assert problems_text(done) == ""


def test_a_second_call_reads_only_what_is_missing_or_cut(
    source: Path, counting: Counting, names: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    download_files(names, counting, out)
    assert sorted(COUNTED) == names
    (out / names[1]).unlink()
    (out / names[2]).write_bytes(b"half")
    COUNTED.clear()
    done = download_files(names, counting, out)
    assert sorted(COUNTED) == names[1:3]
    assert [one.was_there for one in done] == [name not in names[1:3] for name in names]
    assert content(out) == content(source)


def test_a_file_that_fails_does_not_lose_the_others(
    source: Path, counting: Counting, names: list[str], tmp_path: Path
) -> None:
    FAILING[names[0]] = DatasourceError("no permission to read it")
    (source / names[3]).unlink()
    done = download_files(names, counting, tmp_path / "out", max_workers=3)
    assert sorted(content(tmp_path / "out")) == [name for name in names if name not in (names[0], names[3])]
    assert [one.filename for one in done if one.problem] == [names[0], names[3]]
    said = problems_text(done)
    assert said.startswith(f"2 of {N} files were not downloaded; call again to try only these:")
    assert f"{names[0]}: no permission to read it" in said
    assert "there is no such file" in said


def test_many_problems_are_counted() -> None:
    done = [Downloaded(f"{number}.jpg", problem="x") for number in range(30)]
    assert problems_text(done, shown=5).splitlines()[-1] == "  … and 25 more"


@pytest.mark.parametrize("name", ["../out.jpg", "/etc/passwd", "a/../../b.jpg", "a\\..\\b.jpg", ""])
def test_a_name_cannot_leave_the_folder(name: str, files: SampleFiles, tmp_path: Path) -> None:
    before = content(tmp_path)
    done = download_files([name], files, tmp_path / "out")
    assert done[0].problem.endswith("rename the file in its source")
    assert content(tmp_path) == before


def test_a_link_does_not_lead_out_of_the_folder(
    source: Path, files: SampleFiles, names: list[str], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    name = next(name for name in names if name.startswith("garden/"))
    (tmp_path / "out" / "garden").symlink_to(tmp_path / "elsewhere")
    done = download_files([name], files, tmp_path / "out")
    assert "a link in " in done[0].problem
    assert content(tmp_path / "elsewhere") == {}


def test_a_full_disk_stops_at_once_and_leaves_whole_files(
    source: Path, counting: Counting, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if len(content(tmp_path / "out")) >= 5:
            write(self, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        DatasourceError, match=r"is full .* free some space and call again: files that are there"
    ):
        download_files(names, counting, tmp_path / "out", max_workers=1)
    whole, found = content(source), content(tmp_path / "out")
    assert len(found) == 5
    assert all(found[name] == whole[name] for name in found)
    assert len(COUNTED) < N
    monkeypatch.undo()
    download_files(names, counting, tmp_path / "out")
    assert content(tmp_path / "out") == whole


def test_a_listener_hears_of_the_progress_and_can_stop_it(
    source: Path, files: SampleFiles, names: list[str], tmp_path: Path
) -> None:
    heard: list[Event] = []
    download_files(names, files, tmp_path / "out", on_event=heard.append)
    assert (heard[-1]["done"], heard[-1]["total"], heard[-1]["unit"]) == (N, N, "file")

    def stop(event: Event) -> None:
        raise RunCanceled("enough")

    with pytest.raises(RunCanceled):
        download_files(names, files, tmp_path / "again", on_event=stop)
    whole = content(source)
    assert all(whole[name] == data for name, data in content(tmp_path / "again").items())


@pytest.mark.parametrize("max_workers", [0, -1, 1.5, True, "8"])
def test_a_number_of_workers_that_is_none_is_refused(
    max_workers: Any, files: SampleFiles, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"max_workers is .*; give a whole number, 1 or more"):
        download_files([], files, tmp_path, max_workers=max_workers)


def test_an_output_dir_that_is_a_file_is_refused(files: SampleFiles, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match=r"output_dir '.*out' cannot be made: .*; give a folder to write to"):
        download_files([], files, tmp_path / "out")


SLOWLY = """
import sys, time
from pathlib import Path
from lightly_nb.datasource import open_datasource
from lightly_nb.workspace.data import download
from lightly_nb.datasource.sample_files import SampleFiles

write = Path.write_bytes

def slowly(self, data):
    half = len(data) // 2
    with self.open("wb") as file:
        file.write(data[:half])
        file.flush()
        time.sleep(0.05)
        return file.write(data[half:])

Path.write_bytes = slowly
source, out = sys.argv[1:]
names = sorted(path.relative_to(source).as_posix() for path in Path(source).rglob("*.jpg"))
print("begins", flush=True)
download.download_files(names * 50, SampleFiles(open_datasource(source)), out, max_workers=2)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_leaves_whole_files_only(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", SLOWLY, str(source), str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        until = time.monotonic() + 30
        while len(list(out.rglob("*.jpg"))) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in said
    whole, found = content(source), content(out)
    assert 3 <= len(found) < N
    assert all(found[name] == whole[name] for name in found)  # so no half file beside them either
