"""Opening a store, transactions, and what is said when it cannot be used."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from lightly_nb.errors import WorkspaceError
from lightly_nb.workspace import Workspace, open_workspace, reading, transact, writing
from lightly_nb.workspace.store.engine import InTheWayError
from lightly_nb.workspace.store.schema import Dataset, User
from lightly_nb.workspace.users.users import add_user, get_users
from tests.pipeline.test_full_disk import mount
from tests.workspace.postgres import PASSWORD, free_port


def emails(workspace: Workspace) -> list[str]:
    with reading(workspace) as session:
        return [user.email for user in get_users(session)]


def test_by_default_the_store_is_a_folder_that_says_what_it_is(tmp_path, monkeypatch):
    monkeypatch.delenv("LIGHTLY_NB_HOME")
    monkeypatch.chdir(tmp_path)
    workspace = open_workspace()
    folder = tmp_path / ".lightly_nb"
    assert workspace.folder == folder
    assert workspace.is_local
    assert "workspace of lightly_nb" in (folder / "README.txt").read_text()
    assert (folder / ".gitignore").read_text() == "*\n"
    transact(workspace, add_user, "ada@example.com")
    assert emails(open_workspace()) == ["ada@example.com"]


def test_a_folder_that_was_there_gets_no_gitignore(tmp_path):
    open_workspace(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["workspace.sqlite3"]


def test_the_environment_names_the_store(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTLY_NB_HOME", str(tmp_path / "a"))
    assert open_workspace().folder == tmp_path / "a"
    monkeypatch.setenv("LIGHTLY_NB_URL", f"sqlite:///{tmp_path / 'b' / 'team.db'}")
    assert open_workspace().url == f"sqlite:///{tmp_path / 'b' / 'team.db'}"
    assert open_workspace(tmp_path / "c").folder == tmp_path / "c"


def test_another_process_opens_the_same_store_by_its_environment(workspace, ada):
    code = (
        "from lightly_nb.workspace import *; from lightly_nb.workspace.users.users import get_users\n"
        "with reading(open_workspace()) as session: print([user.email for user in get_users(session)])"
    )
    environment = {**os.environ, **workspace.environment()}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "['ada@example.com']\n", done.stderr


def test_an_error_undoes_the_whole_transaction(workspace):
    def add_two_and_fail(session):
        add_user(session, "ada@example.com")
        add_user(session, "bob@example.com")
        raise KeyError("something else")

    with pytest.raises(KeyError, match="something else"):
        transact(workspace, add_two_and_fail)
    assert emails(workspace) == []


def test_what_a_reading_session_changes_is_thrown_away(workspace, ada):
    with reading(workspace) as session:
        session.get_one(User, ada.id).email = "eve@example.com"
        session.autoflush = False
    assert emails(workspace) == ["ada@example.com"]


def test_rows_can_be_used_after_the_transaction(workspace):
    user, _ = transact(workspace, add_user, "ada@example.com")
    assert (user.email, len(user.id), user.created_at > 1_700_000_000_000) == ("ada@example.com", 24, True)


def test_readers_go_on_while_one_writes(workspace, ada):
    with writing(workspace) as session:
        add_user(session, "bob@example.com")
        assert emails(workspace) == ["ada@example.com"]
    assert emails(workspace) == ["ada@example.com", "bob@example.com"]


def test_two_that_read_and_then_write_the_same_lose_no_change(workspace, ada):
    """The classic lost update: both read a value, both write it plus one."""
    both_read = threading.Barrier(2, timeout=20)

    def add_one(session):
        row = session.get_one(User, ada.id)
        if not workspace.is_local and tries.setdefault(threading.get_ident(), 0) == 0:
            tries[threading.get_ident()] = 1
            both_read.wait()  # on SQLite the second waits before it reads
        row.created_at += 1

    tries: dict[int, int] = {}
    threads = [threading.Thread(target=transact, args=(workspace, add_one)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(workspace) as session:
        assert session.get_one(User, ada.id).created_at == ada.created_at + 2


def test_who_never_gets_through_is_told_so(workspace, monkeypatch):
    def always_in_the_way(session):
        calls.append(1)
        raise InTheWayError("another process changed the same thing")

    calls: list[int] = []
    monkeypatch.setattr("lightly_nb.workspace.store.store.time.sleep", lambda seconds: None)
    with pytest.raises(WorkspaceError, match="another process"):
        transact(workspace, always_in_the_way)
    assert len(calls) == 12


def test_the_import_of_the_package_loads_no_database():
    code = "import sys, lightly_nb, lightly_nb.cli; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# Stores that cannot be used


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder with a store that this process cannot write."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() == 0:
        if not mount(folder, "-o", "size=4m"):
            pytest.skip("mounting a tmpfs needs root")
        open_workspace(folder)
        assert mount(folder, "-o", "remount,ro")
        yield folder
        subprocess.run(["umount", "-l", str(folder)], check=True)
    else:
        open_workspace(folder)
        (folder / "workspace.sqlite3").chmod(0o400)
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)


def test_a_read_only_database(read_only):
    with pytest.raises(WorkspaceError, match=r"workspace\.sqlite3.*(LIGHTLY_NB_HOME)"):
        transact(open_workspace(read_only), add_user, "ada@example.com")


def test_a_server_where_one_may_only_read(postgres_url):
    workspace = open_workspace(postgres_url)
    with workspace.engine.connect() as connection:
        connection.exec_driver_sql("ALTER ROLE tester SET default_transaction_read_only = on")
        connection.commit()
    workspace.engine.dispose()
    try:
        with pytest.raises(WorkspaceError, match=r"read-only.*right to write"):
            transact(workspace, add_user, "ada@example.com")
    finally:
        with workspace.engine.connect() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ WRITE")
            connection.exec_driver_sql("ALTER ROLE tester RESET default_transaction_read_only")
            connection.commit()
        workspace.engine.dispose()


def test_a_locked_database(tmp_path):
    workspace = open_workspace(tmp_path, wait=0.1)
    with closing(sqlite3.connect(tmp_path / "workspace.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(WorkspaceError, match=r"workspace\.sqlite3.*locked; another process.*wait for it"):
            transact(workspace, add_user, "ada@example.com")
        assert emails(workspace) == []
    transact(workspace, add_user, "ada@example.com")


def test_a_writer_waits_for_another(tmp_path):
    workspace = open_workspace(tmp_path)
    with writing(workspace) as session:
        thread = threading.Thread(target=transact, args=(workspace, add_user, "bob@example.com"))
        thread.start()
        add_user(session, "ada@example.com")
    thread.join()
    assert emails(workspace) == ["ada@example.com", "bob@example.com"]


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "workspace.sqlite3").write_bytes(
        b"not a database at all, but long enough to be read as one" * 9
    )
    with pytest.raises(WorkspaceError, match=r"workspace\.sqlite3.*not a database.*move it away"):
        open_workspace(tmp_path)


def test_a_damaged_database(tmp_path):
    transact(open_workspace(tmp_path), add_user, "ada@example.com")
    file = tmp_path / "workspace.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(file.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"workspace\.sqlite3.*malformed.*restore a copy"):
        emails(open_workspace(tmp_path))


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("I am a file")
    with pytest.raises(WorkspaceError, match=r"folder .*file/store cannot be made.*LIGHTLY_NB_HOME"):
        open_workspace(tmp_path / "file" / "store")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "cannot be shared between processes"),
        ("sqlite:///:memory:", "cannot be shared between processes"),
        ("nonsense://host/name", "cannot open nonsense://host/name.*Install the driver"),
        ("postgresql://me:hush-hush@/name?port=zwölf", "correct the URL"),
        ("://", "not the URL of a database"),
    ],
)
def test_a_url_that_opens_nothing(url, said):
    with pytest.raises(WorkspaceError, match=said) as caught:
        open_workspace(url)
    assert "hush-hush" not in str(caught.value)


def test_a_server_that_is_not_there_or_does_not_know_me(postgres):
    gone = postgres.set(port=free_port()).render_as_string(hide_password=False)
    with pytest.raises(WorkspaceError, match="LIGHTLY_NB_URL") as caught:
        open_workspace(gone, wait=1)
    wrong = postgres.set(password="wrong-" + PASSWORD).render_as_string(hide_password=False)
    with pytest.raises(WorkspaceError, match="check user and password in LIGHTLY_NB_URL") as also:
        open_workspace(wrong, wait=1)
    assert PASSWORD not in f"{caught.value!r}{also.value!r}"


def test_the_password_of_the_database_is_nowhere(postgres_url, caplog):
    caplog.set_level("DEBUG")
    workspace = open_workspace(postgres_url + "?application_name=tests")
    transact(workspace, add_user, "ada@example.com")
    shown = [repr(workspace), str(workspace), workspace.url, repr(workspace.engine), caplog.text]
    workspace.engine.dispose()
    assert PASSWORD in postgres_url
    assert [text for text in shown if PASSWORD in text] == []


def test_no_repr_of_a_row_shows_what_is_in_it(workspace, ada):
    with reading(workspace) as session:
        row = session.scalars(select(User)).one()
        assert repr(row) == f"User(id='{ada.id}')"
    assert repr(Dataset(id="a", name="secret plans")) == "Dataset(id='a')"
