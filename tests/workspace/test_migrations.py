"""Versions of the tables: made, upgraded by one of several processes, refused when newer."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from lightly_nb.errors import WorkspaceError
from lightly_nb.workspace import Workspace, open_workspace, reading, transact
from lightly_nb.workspace.data.datasets import create_dataset, get_datasets
from lightly_nb.workspace.data.datasources import get_datasource
from lightly_nb.workspace.data.sharing import get_shared_users
from lightly_nb.workspace.data.tags import get_filenames_in_tag, get_tag
from lightly_nb.workspace.store import upgrade
from lightly_nb.workspace.store.schema import SCHEMA_VERSION, Base, ComputeRun, User
from lightly_nb.workspace.users.users import add_user, authenticate
from tests.workspace import killed, version_1
from tests.workspace.test_kills import in_processes

SECOND_VERSION = '''
"""Made up by the tests: a new table, a new column, and a change that SQLite rebuilds a table for."""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "9999", "{before}"
def upgrade():
    op.create_table("made_by_0002", sa.Column("email", sa.String(254)))
    op.execute("INSERT INTO made_by_0002 SELECT email FROM users")
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("nickname", sa.Text()))
        table.alter_column("email", type_=sa.Text())
    {more}
'''


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    return migrations_with_one_more(tmp_path / "migrations")


@pytest.fixture
def own_store(store_url: str) -> Iterator[Workspace]:
    """A store of this test alone, since its tables are changed."""
    opened = open_workspace(store_url)
    yield opened
    opened.engine.dispose()


def migrations_with_one_more(folder: Path, more: str = "") -> Path:
    shutil.copytree(upgrade.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "versions" / "v9999_made_up.py"
    file.write_text(SECOND_VERSION.format(before=SCHEMA_VERSION, more=more), encoding="utf-8")
    return folder


def test_the_migrations_make_the_tables_of_the_models(workspace):
    with workspace.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == SCHEMA_VERSION


def test_the_version_is_that_of_the_last_migration():
    config = Config()
    config.set_main_option("script_location", str(upgrade.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_VERSION]


def test_a_store_of_version_1_keeps_all_that_is_in_it(tmp_path, monkeypatch):
    """The file was written by the first release; every later one must open it."""
    monkeypatch.setenv("LIGHTLY_NB_KEY", version_1.KEY)
    with closing(sqlite3.connect(tmp_path / "workspace.sqlite3")) as connection:
        connection.executescript(version_1.DUMP.read_text(encoding="utf-8"))
    workspace = open_workspace(tmp_path)
    ada, bob = (authenticate(workspace, token) for token in version_1.TOKENS)
    with reading(workspace) as session:
        (photos,) = get_datasets(session, ada)
        assert get_datasets(session, bob, shared=True) == [photos]
        assert get_shared_users(session, ada, photos.id) == ["bob@example.com"]
        tag = get_tag(session, photos, name="best")
        assert get_filenames_in_tag(session, photos, tag) == ["été/3.jpg", "1.jpg"]
        secrets = get_datasource(session, photos).secrets()
        assert secrets["secret_access_key"] == "hush-hush"
        (run,) = session.scalars(select(ComputeRun))
        assert (run.state, run.message) == ("COMPLETED", "done")


def test_an_older_store_is_upgraded_once_by_several_processes(store_url, next_version):
    workspace = open_workspace(store_url)
    for name in ("ada", "bob"):
        transact(workspace, add_user, f"{name}@example.com")
    counts = in_processes(killed.upgrade_to, 4, store_url, str(next_version), "9999")
    assert counts == [2, 2, 2, 2]
    with workspace.engine.connect() as connection:
        rows = connection.execute(text("SELECT email, nickname FROM users ORDER BY email")).all()
        assert rows == [("ada@example.com", None), ("bob@example.com", None)]
    workspace.engine.dispose()


def test_a_new_store_is_made_once_by_several_processes(store_url, next_version):
    assert in_processes(killed.upgrade_to, 4, store_url, str(next_version), "9999") == [0, 0, 0, 0]


def test_what_refers_to_a_rebuilt_table_is_not_lost(own_store, next_version, monkeypatch):
    workspace = own_store
    user, _ = transact(workspace, add_user, "ada@example.com")
    transact(workspace, create_dataset, user, "photos")
    opened_as(workspace, next_version, monkeypatch)
    with workspace.engine.connect() as connection:
        assert connection.execute(text("SELECT name FROM datasets")).all() == [("photos",)]


def test_a_migration_that_fails_changes_nothing(own_store, tmp_path, monkeypatch):
    workspace = own_store
    transact(workspace, add_user, "ada@example.com")
    broken = migrations_with_one_more(tmp_path / "broken", more="raise RuntimeError('no power')")
    with pytest.raises(RuntimeError, match="no power"):
        opened_as(workspace, broken, monkeypatch)
    monkeypatch.undo()
    again = open_workspace(workspace.engine.url.render_as_string(hide_password=False))
    with reading(again) as session:
        assert session.scalars(select(User.email)).all() == ["ada@example.com"]
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == SCHEMA_VERSION
    again.engine.dispose()


def test_a_store_of_a_newer_version_is_refused_and_left_alone(own_store, next_version, monkeypatch):
    workspace = own_store
    opened_as(workspace, next_version, monkeypatch)
    monkeypatch.undo()
    url = workspace.engine.url.render_as_string(hide_password=False)
    with pytest.raises(WorkspaceError, match=r"newer lightly_nb \(its tables are of version 9999.*upgrade"):
        open_workspace(url)
    with workspace.engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def opened_as(workspace: Workspace, migrations: Path, monkeypatch: Any) -> None:
    """Open the store as the made-up version of the package would."""
    monkeypatch.setattr(upgrade, "MIGRATIONS", migrations)
    monkeypatch.setattr(upgrade, "SCHEMA_VERSION", "9999")
    open_workspace(workspace.engine.url.render_as_string(hide_password=False)).engine.dispose()
