"""The connection to the database: how it waits, what it promises, and what is said when it fails."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from lightly_nb.errors import WorkspaceError

_RETRIED = {"40001": "serialization_failure", "40P01": "deadlock_detected", "23505": "unique_violation"}
"""SQLSTATEs after which the same transaction may well succeed. Code here looks before it inserts, so a
unique violation means that another process inserted in between; a second look then says what is wrong."""


class PassingError(WorkspaceError):
    """The store cannot be used now, and may well be later: it is locked, its disk full, its server away."""


class InTheWayError(PassingError):
    """Another process wrote at the same time; the transaction was undone and may be tried again."""


def make_engine(url: URL, *, wait: float) -> Engine:
    """Return an engine that is safe with threads, forks and several processes.

    Parameters
    ----------
    url : URL
        Where the database is.
    wait : float
        Seconds to wait for a lock (SQLite) or for a connection (a server).
    """
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    is_file = url.get_backend_name() == "sqlite"
    try:
        if is_file:
            engine = create_engine(
                url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": wait}
            )
        else:
            engine = create_engine(url, pool_pre_ping=True, pool_timeout=wait, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        said = f"cannot open {shown(url)}: {error}. Install the driver of this database, or correct the URL"
        raise WorkspaceError(said) from None
    if is_file:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        _forget_after_fork(engine)
    return engine


def shown(url: URL) -> str:
    """Return `url` without its password and without its options, which may hold one.

    Examples
    --------
    >>> from sqlalchemy import make_url
    >>> shown(make_url("postgresql+psycopg://me:hunter2@db.local/team?sslpassword=x"))
    'postgresql+psycopg://me:***@db.local/team'
    """
    return url.set(query={}).render_as_string(hide_password=True)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Take transactions into our own hands; keep references; a commit is on the disk when it returns."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    """Begin as the reader or writer that this connection is: a reader is never upgraded to a writer."""
    how = connection.get_execution_options().get("lightly_nb_begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {how}")


def _forget_after_fork(engine: Engine) -> None:
    """Let a forked child open its own connections: two processes on one socket talk nonsense."""
    alive = weakref.ref(engine)

    def forget() -> None:
        if (mine := alive()) is not None:
            mine.dispose(close=False)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)


@contextmanager
def failures_of(engine: Engine) -> Iterator[None]:
    """Turn what a database says into a `WorkspaceError` that names the store and what to do; no secrets."""
    try:
        yield
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state in _RETRIED:
            said = "another process changed the same thing at the same time; try again"
            raise InTheWayError(f"{shown(engine.url)}: {said} ({_RETRIED[state]})") from None
        if isinstance(error, IntegrityError):
            raise
        said = _said(error, engine.url)
        is_passing = any(sign in said.lower() for sign in _PASSING)
        raise (PassingError if is_passing else WorkspaceError)(said) from None


def damage(engine: Engine, fault: str) -> WorkspaceError:
    """Return the error of a store in which something stands that nobody writes."""
    where = engine.url.database if engine.url.get_backend_name() == "sqlite" else shown(engine.url)
    return WorkspaceError(
        f"the workspace's database {where} is damaged: {fault}. Nothing was changed; restore a copy of it, "
        "or set LIGHTLY_NB_HOME or LIGHTLY_NB_URL to another"
    )


def _said(error: DBAPIError, url: URL) -> str:
    first_line = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error).__name__
    if url.password:
        first_line = first_line.replace(str(url.password), "***")
    advice = next((advice for sign, advice in _ADVICE if sign in first_line.lower()), _OTHER)
    where = url.database if url.get_backend_name() == "sqlite" else shown(url)
    return f"the workspace's database {where} cannot be used: {first_line}; {advice}"


_PASSING = ("is locked", "is full", "no space left", "disk i/o error", "connection")
"""Signs of what passes by itself, or when somebody frees some space."""
_OTHER = "check that it is there and that you may use it"
_ADVICE = (
    (
        "database is locked",
        "another process has been writing for long: wait for it or end it, then try again",
    ),
    (
        "readonly database",
        "allow yourself to write this file and its folder, or set LIGHTLY_NB_HOME to another",
    ),
    ("unable to open", "allow yourself to write this file and its folder, or set LIGHTLY_NB_HOME to another"),
    ("read-only", "give this user of the database the right to write, or use another database"),
    ("disk is full", "free some space; what was being written was undone, what was done before is kept"),
    ("no space left", "free some space; what was being written was undone, what was done before is kept"),
    ("disk i/o error", "check the disk and its free space; what was reported as done before is kept"),
    ("not a database", "it is some other file: move it away, or set LIGHTLY_NB_HOME to another folder"),
    ("malformed", "the file is damaged: restore a copy of it, or set LIGHTLY_NB_HOME to another folder"),
    ("permission denied", "ask the owner of the database for the right to read and write these tables"),
    ("authentication", "check user and password in LIGHTLY_NB_URL"),
    ("connection", "check that the server runs and that host and port in LIGHTLY_NB_URL are right"),
)
"""What to do, by a sign in what the database said (in lower case)."""
