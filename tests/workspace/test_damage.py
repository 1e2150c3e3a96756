"""A store that is cut, overwritten, half gone or another thing is refused, never taken for a new one."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from lightly_nb.errors import WorkspaceError
from lightly_nb.workspace import open_workspace, reading, transact
from lightly_nb.workspace.data.datasets import create_dataset, get_datasets
from lightly_nb.workspace.data.tags import create_run_tag, get_filenames_in_tag, get_tags
from lightly_nb.workspace.store import health
from lightly_nb.workspace.users.users import authenticate

PAGE = 4096
NAMES = [f"a folder/{number:05d}.jpg" for number in range(300)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a store with a dataset and a tag."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LIGHTLY_NB_URL", raising=False)
        workspace = open_workspace(folder)
        dataset = transact(workspace, create_dataset, authenticate(workspace), "photos")
        transact(workspace, create_run_tag, dataset, NAMES)
    with closing(sqlite3.connect(folder / "workspace.sqlite3")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (folder / "workspace.sqlite3").read_bytes()


def names_in(folder: Path) -> list[str]:
    """Open a store and read all that the tests put there."""
    workspace = open_workspace(folder)
    with reading(workspace) as session:
        (dataset,) = get_datasets(session, authenticate(workspace))
        (tag,) = get_tags(session, dataset)
        return get_filenames_in_tag(session, dataset, tag)


def refused(folder: Path, content: bytes, said: str) -> None:
    """See that a file is refused, and left as it is."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "workspace.sqlite3").write_bytes(content)
    with pytest.raises(WorkspaceError, match=said):
        names_in(folder)
    assert (folder / "workspace.sqlite3").read_bytes() == content
    assert not list(folder.glob(".new-*"))


def test_a_store_that_is_cut_anywhere(whole, tmp_path):
    for size in (0, 1, 100, 511):
        refused(tmp_path / "cut", whole[:size], rf"workspace\.sqlite3 is damaged: it was cut to {size} bytes")
    for size in (512, PAGE - 1, PAGE, len(whole) // 2, len(whole) - PAGE, len(whole) - 1):
        refused(
            tmp_path / "cut", whole[:size], r"workspace\.sqlite3.* (damaged|malformed).*restore a copy of it"
        )


def test_zeros_in_the_middle_are_noticed_when_it_is_opened(whole, tmp_path):
    for start in range(0, len(whole), 5 * PAGE):
        zeros = whole[:start] + bytes(PAGE) + whole[start + PAGE :]
        refused(tmp_path / "page", zeros, r"workspace\.sqlite3.*(damaged|not a database)")
    for name in (whole.index(NAMES[150].encode()), whole.rindex(NAMES[150].encode())):  # table and index
        inside_a_name = whole[: name + 2] + bytes(4) + whole[name + 6 :]
        refused(
            tmp_path / "name", inside_a_name, r"damaged: (malformed|texts of its table samples were over)"
        )


def test_zeros_in_a_large_file_are_noticed_too(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(health, "COMPARED_UP_TO", 0)
    names = [place for place in range(len(whole)) if whole.startswith(NAMES[150].encode(), place)]
    content = bytearray(whole)
    for place in names:
        content[place + 2 : place + 6] = bytes(4)
    refused(tmp_path / "name", bytes(content), "texts of its table samples were overwritten with zeros")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TABLE shares", "its tables shares are gone"),
        ("DROP TABLE alembic_version", "it has the tables artifacts, compute_runs, datasets … and not their"),
        ("DELETE FROM alembic_version", "its tables say '' of their version, which there never was"),
        ("UPDATE alembic_version SET version_num = 'x1'", "its tables say 'x1' of their version"),
        ("UPDATE alembic_version SET version_num = '0000'", "its tables say '0000' of their version"),
        ("UPDATE alembic_version SET version_num = '9999'", "was written by a newer lightly_nb"),
        ("DELETE FROM users", "a row of its table datasets refers to one of users that is gone"),
        ("UPDATE tags SET members = x'0000'", "the tag 'initial-tag' has not the 300 samples"),
        ("UPDATE tags SET members = zeroblob(1200)", "the tag 'initial-tag' has not the 300 samples"),
        ("DELETE FROM samples WHERE number = 7", "the dataset 'photos' has lost its sample 7"),
        ("UPDATE samples SET meta = '{half' WHERE number = 3", "a text in it is no JSON"),
    ],
)
def test_what_nobody_writes_is_damage(statement, said, whole, tmp_path):
    file = tmp_path / "workspace.sqlite3"
    file.write_bytes(whole)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(statement)
    with pytest.raises(WorkspaceError, match=said):
        names_in(tmp_path)


def test_a_folder_or_another_program_in_its_place(tmp_path):
    (tmp_path / "a" / "workspace.sqlite3").mkdir(parents=True)
    with pytest.raises(WorkspaceError, match=r"workspace\.sqlite3 is a folder; move it away"):
        open_workspace(tmp_path / "a")
    (tmp_path / "b").mkdir()
    with closing(sqlite3.connect(tmp_path / "b" / "their.db")) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(WorkspaceError, match=r"is the database of another program .*'bookmarks'"):
        open_workspace(f"sqlite:///{tmp_path / 'b' / 'their.db'}")


@pytest.mark.parametrize(
    "trace",
    [
        lambda folder: (folder / "secrets.key").write_text("a key"),
        lambda folder: (folder / "embeddings").mkdir(),
        lambda folder: (folder / "workspace.sqlite3-wal").write_bytes(b"0" * 4152),
    ],
)
def test_a_database_that_is_gone_is_not_made_anew(trace: Callable[[Path], object], tmp_path):
    trace(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(WorkspaceError, match=rf"is gone, but {before[0]} beside it shows .*begin anew"):
        open_workspace(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_what_was_never_used_is_made(tmp_path):
    (tmp_path / "README.txt").write_text("killed before the database was there")
    (tmp_path / "workspace.sqlite3-wal").touch()
    open_workspace(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("workspace*")) == ["workspace.sqlite3"]


def test_a_disk_without_links(tmp_path, monkeypatch):
    def no_links(*paths: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(health.os, "link", no_links)
    open_workspace(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["workspace.sqlite3"]


def test_a_file_is_looked_through_once_for_each_change(whole, tmp_path, monkeypatch):
    looks = []
    faults = health._faults
    monkeypatch.setattr(health, "_faults", lambda *given: looks.append(1) or faults(*given))
    (tmp_path / "workspace.sqlite3").write_bytes(whole)
    for _ in range(3):
        assert names_in(tmp_path) == NAMES
    assert len(looks) == 1
    workspace = open_workspace(tmp_path)
    transact(workspace, create_dataset, authenticate(workspace), "more")
    open_workspace(tmp_path)
    assert len(looks) == 2
