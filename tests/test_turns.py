"""What those who share a machine or a process can rely on: held folders, turns, temporary folders."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lightly_nb import processes
from lightly_nb.files import exclusive, sweep, written_aside
from lightly_nb.processes import own_temporary_folder, sweep_temporary_folders, temporary_folder
from lightly_nb.turns import in_turn, taking_turns

HOLDS = """
import os, sys
from lightly_nb.files import exclusive
with exclusive(sys.argv[1], lambda: None):
    number = int(open(sys.argv[2]).read()) if os.path.exists(sys.argv[2]) else 0
    open(sys.argv[2], "w").write(str(number + 1))
    if "die" in sys.argv:
        os.kill(os.getpid(), 9)
"""


def test_processes_that_come_at_once_hold_a_folder_one_after_the_other(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    command = [sys.executable, "-c", HOLDS, str(tmp_path / "deep" / "folder"), str(counter)]
    root = Path(__file__).parents[1]
    started = [subprocess.Popen(command, cwd=root) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0] * 4
    assert counter.read_text() == "4"
    assert {path.name for path in (tmp_path / "deep").rglob("*")} <= {"folder", ".lock"}  # at most, and empty
    assert subprocess.run([*command, "die"], cwd=root, check=False).returncode == -9
    with exclusive(tmp_path / "deep" / "folder"):  # what a killed one held is free
        assert counter.read_text() == "5"


def test_threads_hold_a_folder_one_after_the_other(tmp_path: Path) -> None:
    counts = [0]

    def count() -> None:
        for _ in range(20):
            with exclusive(tmp_path, lambda: None):
                before = counts[0]
                threading.Event().wait(0.0005)
                counts[0] = before + 1

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [60]


def test_waiting_for_a_folder_can_be_given_up(tmp_path: Path) -> None:
    def enough() -> None:
        raise KeyboardInterrupt

    with exclusive(tmp_path), pytest.raises(KeyboardInterrupt), exclusive(tmp_path, enough):
        pass
    (tmp_path / "mine.txt").write_text("kept")
    with exclusive(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_was_written_aside_is_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in (".writing-0123456789abcdef", "a.txt", ".hidden"):
        (tmp_path / name).write_text("")
    (tmp_path / ".writing-folder").mkdir()
    (tmp_path / ".writing-folder" / "x").write_text("")
    assert sweep(tmp_path) == [".writing-0123456789abcdef", ".writing-folder"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "a.txt"]
    assert sweep(tmp_path / "nowhere") == []
    with written_aside(tmp_path / "b.txt") as aside:
        assert aside.name.startswith(".writing-")
        aside.write_text("")


def test_temporary_folders_of_the_dead_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own = own_temporary_folder("chunks")
    machine = own.name.split("-")[2]
    others = ("cafe0123", machine)
    dead, elsewhere, old, foreign = (
        tmp_path / f"lightly_nb-umap-{machine}-{os.getpid()}-7-abcdefgh",
        tmp_path / f"lightly_nb-chunks-{others[0]}-{os.getpid()}-7-abcdefgh",
        tmp_path / "lightly_nb-thumbnails-abcdefgh",
        tmp_path / "somebody-chunks-abcdefgh",
    )
    for folder in (dead, elsewhere, old, foreign):
        folder.mkdir()
        (folder / "file").write_text("")
    with temporary_folder("timing") as mine:
        assert sorted(tmp_path.iterdir()) == sorted([own, elsewhere, old, foreign, mine])
    monkeypatch.setattr(processes, "SECONDS_UNTIL_FORGOTTEN", -1.0)
    assert sorted(sweep_temporary_folders(tmp_path)) == sorted([elsewhere.name, old.name])
    assert sorted(tmp_path.iterdir()) == sorted([own, foreign])


def test_an_embedding_with_its_own_chunks_leaves_no_temporary_folder(
    tmp_path: Path, photo_folder: Path, tiny_checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lightly_nb as lnb
    from lightly_nb.events import Event, silent

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen = []

    def look(event: Event) -> None:
        seen.extend(path.name for path in tmp_path.glob("lightly_nb-*"))

    samples = lnb.list_samples(photo_folder, on_event=silent)
    options = {"check_embeddings": False, "thumbnail_size": None}
    lnb.embed(samples, tiny_checkpoint, chunks_dir=tmp_path / "chunks", on_event=look, **options)
    assert not seen
    lnb.embed(samples, tiny_checkpoint, on_event=look, **options)
    assert seen
    assert not list(tmp_path.glob("lightly_nb-*"))


def test_turns_may_be_nested_and_whoever_waits_can_give_up() -> None:
    waits = []

    def enough() -> None:
        waits.append(1)
        raise InterruptedError

    @taking_turns
    def other() -> int:
        return 1

    def wait() -> None:
        try:
            with in_turn(enough):
                pass
        except InterruptedError:
            waits.append(2)

    with in_turn(), in_turn():
        assert other() == 1
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(10)
    assert waits == [1, 2]
