"""A disk that fills up while a tag is written: a real one, a few megabytes of tmpfs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightly_nb.errors import WorkspaceError
from lightly_nb.workspace import open_workspace, reading, transact
from lightly_nb.workspace.data.datasets import create_dataset, get_dataset, get_datasets
from lightly_nb.workspace.data.tags import create_run_tag, get_filenames_in_tag, get_tags, numbers_in_tag
from lightly_nb.workspace.users.users import authenticate
from tests.pipeline.test_full_disk import mount


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    if not mount(folder, "-o", "size=3m"):
        pytest.skip("mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_while_a_tag_is_written(small_disk):
    workspace = open_workspace(small_disk / "store")
    user = authenticate(workspace)
    dataset = transact(workspace, create_dataset, user, "photos")

    def names(number: int) -> list[str]:
        return [f"a folder with a long name/{number}/{index:06d}.jpg" for index in range(1500)]

    reported = 0

    def write_until_full() -> None:
        nonlocal reported
        for number in range(100):
            transact(workspace, create_run_tag, dataset, names(number), name=f"tag-{number}")
            reported += 1

    with pytest.raises(WorkspaceError, match=r"workspace\.sqlite3.*full; free some space.*undone"):
        write_until_full()
    assert 1 < reported < 100
    with reading(workspace) as session:
        tags = get_tags(session, dataset)
        assert len(tags) == reported, "half a tag, or one that was reported is gone"
        assert [tag.total for tag in tags] == [1500] * reported
        assert get_filenames_in_tag(session, dataset, tags[0]) == names(reported - 1)
        assert session.connection().exec_driver_sql("PRAGMA integrity_check").all() == [("ok",)]
    assert mount(small_disk, "-o", "remount,size=20m")
    more = transact(workspace, create_run_tag, dataset, names(reported), name="now-there-is-room")
    with reading(workspace) as session:
        assert len(numbers_in_tag(session, more)) == 1500
        assert get_dataset(session, user, dataset.id).last_modified_at >= dataset.created_at


def test_a_disk_that_is_full_from_the_start(small_disk):
    with pytest.raises(OSError, match="No space left"), (small_disk / "all.bin").open("wb") as stream:
        stream.write(b"0" * 4_000_000)
    with pytest.raises(WorkspaceError, match=r"small disk/store.*(free some space|LIGHTLY_NB_HOME)"):
        open_workspace(small_disk / "store")
    (small_disk / "all.bin").unlink()
    workspace = open_workspace(small_disk / "store")
    with reading(workspace) as session:
        assert get_datasets(session, authenticate(workspace)) == []
