"""Where the workspace is, how it is opened, and what a transaction is."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from lightly_nb.errors import WorkspaceError
from lightly_nb.workspace.store.engine import InTheWayError, damage, failures_of, make_engine, shown
from lightly_nb.workspace.store.health import check, make_or_find
from lightly_nb.workspace.store.upgrade import upgrade

FOLDER = ".lightly_nb"
DATABASE = "workspace.sqlite3"
WAIT_SECONDS = 30.0
_TRIES = 12

_README = """\
This folder is the workspace of lightly_nb: its datasets, tags, runs and users (workspace.sqlite3) and,
unless your system's keyring has it, the key of the credentials in there (secrets.key: keep it to yourself).
Delete the folder and they are gone; your images are elsewhere. LIGHTLY_NB_HOME names another folder.
"""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, repr=False)
class Workspace:
    """An open store. Its repr holds no password. Get one from `open_workspace`."""

    folder: Path
    """For the files beside the database; absolute. On a server's database, a folder of this machine."""
    engine: Engine

    @property
    def url(self) -> str:
        """Where the database is, without its password."""
        return shown(self.engine.url)

    @property
    def is_local(self) -> bool:
        """Whether the database is a file of this machine."""
        return self.engine.url.get_backend_name() == "sqlite"

    def environment(self) -> dict[str, str]:
        """Return the variables that open this workspace in another process. They hold the password."""
        url = self.engine.url.render_as_string(hide_password=False)
        return {"LIGHTLY_NB_URL": url, "LIGHTLY_NB_HOME": str(self.folder)}

    def __repr__(self) -> str:
        return f"Workspace({self.url!r})"


def open_workspace(url: str | os.PathLike[str] | None = None, *, wait: float = WAIT_SECONDS) -> Workspace:
    """Open the store, making it or upgrading its tables where needed.

    Parameters
    ----------
    url : str or path, optional
        A folder (its database is made in there) or the URL of a database as SQLAlchemy takes it
        (`postgresql://user:password@host/name`). None: LIGHTLY_NB_URL, else the folder LIGHTLY_NB_HOME,
        else `./.lightly_nb`.
    wait : float
        Seconds to wait for other processes that write, and for a connection.

    Raises
    ------
    WorkspaceError
        If it cannot be opened or written, was written by a newer version, or is damaged: cut, overwritten
        inside, or gone from a folder in which it was. Nothing is changed then.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     open_workspace(folder).is_local
    True
    """
    location, folder = _located(url)
    workspace = Workspace(folder, make_engine(location, wait=wait))
    with failures_of(workspace.engine):
        if workspace.is_local:
            _make_folder(folder)
            _make_database(Path(str(location.database)), wait)
        upgrade(workspace.engine, wait=wait)
        check(workspace.engine)
    return workspace


def _located(url: str | os.PathLike[str] | None) -> tuple[URL, Path]:
    """Return the URL of the database and the folder beside it."""
    home = Path(os.environ.get("LIGHTLY_NB_HOME") or FOLDER).expanduser().absolute()
    text = os.fspath(url) if url is not None else os.environ.get("LIGHTLY_NB_URL") or home
    if isinstance(text, Path) or "://" not in text:
        folder = Path(text).expanduser().absolute()
        return URL.create("sqlite", database=str(folder / DATABASE)), folder
    try:
        location = make_url(text)
    except (ArgumentError, ValueError):
        raise WorkspaceError(
            "LIGHTLY_NB_URL (or the url given) is not the URL of a database; "
            "write it as postgresql://user:password@host:5432/name, or give a folder"
        ) from None
    if location.get_backend_name() != "sqlite":
        return location, home
    if location.database in (None, "", ":memory:") or str(location.database).startswith("file:"):
        raise WorkspaceError(
            f"{shown(location)} cannot be shared between processes: give a folder, or sqlite:////path/to/file"
        )
    file = Path(str(location.database)).expanduser().absolute()
    return location.set(database=str(file)), file.parent


def _make_database(file: Path, wait: float) -> None:
    try:
        make_or_find(file, wait=wait)
    except OSError as error:
        raise WorkspaceError(
            f"the workspace's database {file} cannot be made: {error.strerror or error}; free some space, "
            "allow yourself to write this folder, or set LIGHTLY_NB_HOME to another"
        ) from None


def _make_folder(folder: Path) -> None:
    """Make the folder; a new one says what it is and stays out of version control."""
    try:
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("README.txt", _README), (".gitignore", "*\n")) if is_new else ():
            with suppress(FileExistsError), (folder / name).open("x", encoding="utf-8") as stream:
                stream.write(text)
    except OSError as error:
        raise WorkspaceError(
            f"the workspace's folder {folder} cannot be made or written: {error.strerror or error}; "
            "allow yourself to write it, or set LIGHTLY_NB_HOME to another folder"
        ) from None


def changes_of(workspace: Workspace) -> tuple[int, ...] | None:
    """Return what is another after each change to a store of this machine; None of one on a server.

    It costs a few microseconds, where a look into the store costs milliseconds.
    """
    if not workspace.is_local:
        return None
    file = Path(str(workspace.engine.url.database))
    found: list[int] = []
    for path in (file, file.with_name(f"{file.name}-wal")):
        with suppress(OSError):
            status = path.stat()
            if status.st_size:  # readers make and remove an empty log
                found += [status.st_ino, status.st_size, status.st_mtime_ns]
    return tuple(found)


@contextmanager
def reading(workspace: Workspace) -> Iterator[Session]:
    """Open a session that sees the store as of one moment; what it changes is thrown away."""
    with _session(workspace, "DEFERRED", "REPEATABLE READ") as session:
        yield session  # closing undoes; a rollback would also empty the rows that were read


@contextmanager
def writing(workspace: Workspace) -> Iterator[Session]:
    """Open a session whose changes are all stored at the end, or none of them after an error.

    On SQLite it waits for the write lock here. On a server another process may be in the way (an
    `InTheWayError`, a `WorkspaceError`): `transact` tries again, this does not.
    """
    with _session(workspace, "IMMEDIATE", "SERIALIZABLE") as session, session.begin():
        yield session


@contextmanager
def _session(workspace: Workspace, begin: str, isolation: str) -> Iterator[Session]:
    options: dict[str, Any] = (
        {"lightly_nb_begin": begin} if workspace.is_local else {"isolation_level": isolation}
    )
    engine, info = workspace.engine.execution_options(**options), {"folder": workspace.folder}
    with failures_of(workspace.engine), Session(engine, expire_on_commit=False, info=info) as session:
        try:
            yield session
        except JSONDecodeError as error:
            raise damage(workspace.engine, f"a text in it is no JSON ({error})") from None


def transact(
    workspace: Workspace, function: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Call `function(session, *args, **kwargs)` in one writing transaction; return what it returns.

    It is called again, after the changes of the last call were undone, when another process was in the way.

    Parameters
    ----------
    workspace : Workspace
        The store.
    function : callable
        Changes the store and does nothing else.
    *args, **kwargs
        Handed on.

    Raises
    ------
    WorkspaceError
        If others are in the way again and again, or the store cannot be written.
    """
    for attempt in range(_TRIES):
        try:
            with writing(workspace) as session:
                return function(session, *args, **kwargs)
        except InTheWayError:
            if attempt == _TRIES - 1:
                raise
            time.sleep(random.uniform(0.2, 1) * 0.01 * 2 ** min(attempt, 7))
    raise AssertionError("unreachable")
