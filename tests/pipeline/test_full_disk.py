"""A disk that fills up in the middle of a run: a real one, a few hundred kilobytes of tmpfs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import lightly_nb as lnb
from lightly_nb.errors import DatasourceError, RunError
from lightly_nb.events import silent
from lightly_nb.states import RunState


def mount(folder: Path, *options: str) -> bool:
    command = ["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    if not mount(folder, "-o", "size=1m"):
        pytest.skip("mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "free", [pytest.param(1000, marks=SLOW), 300, pytest.param(150, marks=SLOW), pytest.param(40, marks=SLOW)]
)
def test_a_run_on_a_full_disk_says_so_keeps_what_it_has_and_goes_on(
    free, small_disk, photo_folder, tmp_path, tiny_model
):
    (small_disk / "mine.bin").write_bytes(b"0" * (1024 * (1024 - free)))
    with pytest.raises(RunError, match=r"No space left.*(resume|free some)"):
        lnb.run(
            photo_folder,
            small_disk,
            n_samples=4,
            worker_config={"enable_training": True, "generate_report": False},
            lightly_config={**tiny_model, "model.width": 0.25},
            on_event=silent,
        )
    assert (small_disk / "mine.bin").stat().st_size == 1024 * (1024 - free)
    (events,) = small_disk.rglob("events.jsonl")
    run = lnb.open_run(events.parent)
    assert run.state in (RunState.FAILED, RunState.CRASHED)
    assert mount(small_disk, "-o", "remount,size=50m")
    run.resume().wait(timeout=120, progress=False)
    assert run.state is RunState.COMPLETED
    assert len(lnb.open_run(run.path).selection.filenames) == 4


def test_a_disk_that_is_full_from_the_start(small_disk, photo_folder):
    with pytest.raises(OSError, match="No space left"), (small_disk / "all.bin").open("wb") as stream:
        stream.write(b"0" * 2_000_000)
    with pytest.raises(DatasourceError, match="cannot be written"):
        lnb.run(photo_folder, small_disk, n_samples=4, worker_config={"enable_training": True})
