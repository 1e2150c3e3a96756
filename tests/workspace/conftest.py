"""A workspace on SQLite and one on a real PostgreSQL: every test that asks for one runs on both."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL

from lightly_nb.workspace import Workspace, open_workspace, transact
from lightly_nb.workspace.data.datasets import create_dataset
from lightly_nb.workspace.store.schema import Base, Dataset, User
from lightly_nb.workspace.users.users import add_user
from tests.workspace.postgres import new_database, postgres_server

_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def _no_workspace_of_mine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test touches a person's own workspace, key or keyring."""
    for name in ("LIGHTLY_NB_URL", "LIGHTLY_NB_KEY", "LIGHTLY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LIGHTLY_NB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIGHTLY_NB_KEYRING", "off")


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """A PostgreSQL server, started when the first test asks for it."""
    with postgres_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres: URL) -> Iterator[str]:
    """An empty database of its own."""
    with new_database(postgres, f"test_{next(_NUMBERS)}") as url:
        yield url


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole workers that are killed and followed run on SQLite; on PostgreSQL too among the slow tests.

    Four workers that race for runs do so on both: there the locks of the two differ.
    """
    for item in items:
        is_of_processes = item.path.name in ("test_worker.py", "test_kills.py")
        if is_of_processes and "[postgresql" in item.name and "racing" not in item.name:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store may be made: on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store' / 'workspace.sqlite3'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def shared_postgres_url(postgres: URL) -> Iterator[str]:
    """One database for all tests that only need a workspace: making one takes longer than most tests."""
    with new_database(postgres, "shared") as url:
        yield url


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store that nothing is in, to copy."""
    folder = tmp_path_factory.mktemp("empty")
    with closing(sqlite3.connect(open_workspace(folder).folder / "workspace.sqlite3")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / "workspace.sqlite3"


@pytest.fixture(params=["sqlite", "postgresql"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    """An open, empty store: on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        file = tmp_path / "store" / "workspace.sqlite3"
        file.parent.mkdir()
        shutil.copy(request.getfixturevalue("empty_sqlite"), file)
        opened = open_workspace(file.parent)
    else:
        opened = open_workspace(request.getfixturevalue("shared_postgres_url"))
        with opened.engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(table.delete())
    yield opened
    opened.engine.dispose()


@pytest.fixture
def ada(workspace: Workspace) -> User:
    return transact(workspace, add_user, "ada@example.com")[0]


@pytest.fixture
def bob(workspace: Workspace) -> User:
    return transact(workspace, add_user, "bob@example.com")[0]


@pytest.fixture
def photos(workspace: Workspace, ada: User) -> Dataset:
    """A dataset of ada's."""
    return transact(workspace, create_dataset, ada, "photos")
