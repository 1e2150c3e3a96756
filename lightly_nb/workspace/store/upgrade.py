"""The version of the store's tables: made, upgraded under a lock, or refused when newer."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from lightly_nb.errors import WorkspaceError
from lightly_nb.workspace.store.engine import damage, shown
from lightly_nb.workspace.store.schema import SCHEMA_VERSION, Base

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_233_172_941_106
"""The number of PostgreSQL's advisory lock that upgrades hold; any that others do not use."""


def upgrade(engine: Engine, *, wait: float) -> None:
    """Bring the tables to `SCHEMA_VERSION`, one process at a time; nothing is done when they are there.

    Raises
    ------
    WorkspaceError
        If the tables are of a newer version than this package knows.
    """
    is_file = engine.url.get_backend_name() == "sqlite"
    if is_file:
        _keep_a_write_ahead_log(engine, wait)
    with engine.execution_options(lightly_nb_begin="DEFERRED").connect() as connection:
        if not _is_older(connection):
            return
    with engine.connect() as connection:
        if is_file:  # else dropping a table for its new form would empty what refers to it
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            if _is_older(connection):
                _run_migrations(connection)
                _check_references(connection)


def _is_older(connection: Connection) -> bool:
    """Whether the tables are older than this package's, or not there at all."""
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" not in tables:
        _refuse_half_a_store(connection, tables)
        return True
    found = connection.scalar(text("SELECT version_num FROM alembic_version")) or ""
    if not (found.isdigit() and len(found) == len(SCHEMA_VERSION) and int(found)):
        raise damage(connection.engine, f"its tables say {found!r} of their version, which there never was")
    if found > SCHEMA_VERSION:
        raise WorkspaceError(
            f"the workspace {shown(connection.engine.url)} was written by a newer lightly_nb (its tables are "
            f"of version {found}, this one knows up to {SCHEMA_VERSION}): upgrade lightly_nb (pip install "
            "--upgrade lightly_nb), or set LIGHTLY_NB_HOME or LIGHTLY_NB_URL to another workspace"
        )
    return found < SCHEMA_VERSION


def _refuse_half_a_store(connection: Connection, tables: set[str]) -> None:
    """Refuse tables of ours without their version, and the file of another program."""
    if ours := sorted(tables & set(Base.metadata.tables)):
        raise damage(connection.engine, f"it has the tables {', '.join(ours[:3])} … and not their version")
    if tables and connection.dialect.name == "sqlite":
        raise WorkspaceError(
            f"{shown(connection.engine.url)} is the database of another program (it has the table "
            f"{min(tables)!r}): give a folder, or a file of its own"
        )


def _run_migrations(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, SCHEMA_VERSION)


def _check_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise WorkspaceError(
            f"the workspace {shown(connection.engine.url)} cannot be upgraded: rows refer to rows that are "
            "gone; nothing was changed; restore a copy of it"
        )


def _keep_a_write_ahead_log(engine: Engine, wait: float) -> None:
    """Let readers go on while one writes. The file keeps this mode; changing to it never waits by itself."""
    deadline = time.monotonic() + wait
    while True:
        connection = None
        try:
            connection = engine.raw_connection()
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode")
            if cursor.fetchone() != ("wal",):
                cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.Error as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise DBAPIError("PRAGMA journal_mode", None, error) from None
            time.sleep(0.01)
        finally:
            if connection is not None:
                connection.close()
