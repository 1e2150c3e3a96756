"""Whether a store is whole: what is damaged, cut or half gone is said, and never taken for a new one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import JSON, URL, Connection, Engine, String, inspect, text

from lightly_nb.errors import WorkspaceError
from lightly_nb.workspace.store.engine import damage, make_engine
from lightly_nb.workspace.store.schema import Base
from lightly_nb.workspace.store.upgrade import upgrade

MAGIC = b"SQLite format 3\x00"
SMALLEST = 512
"""Bytes of the smallest database of SQLite; it takes a file that is shorter for a new one."""
CHECKED_UP_TO = 256 * 2**20
"""Bytes up to which a file is looked through when it is opened: about 7 seconds a gigabyte."""
COMPARED_UP_TO = 4 * 2**20
"""Bytes up to which its indexes are compared with its tables as well, which takes seven times as long."""
TRACES = ("secrets.key", "embeddings", "workers")
"""What lies beside a database that was in use."""

_whole: dict[str, tuple[int, ...]] = {}
"""Files that this process has looked through, and their sizes and times then."""


def make_or_find(file: Path, *, wait: float) -> None:
    """Make a database file, whole or not at all, where there is none and never was one.

    Raises
    ------
    WorkspaceError
        If what is there is no database, or one is gone that was there.
    """
    restore = "restore a copy of it, or set LIGHTLY_NB_HOME to another folder"
    if file.is_dir():
        raise WorkspaceError(f"the workspace's database {file} is a folder; move it away, or {restore}")
    if file.exists():
        if fault := _fault_of_size(file):
            raise WorkspaceError(f"the workspace's database {file} {fault}. Nothing was changed; {restore}")
        return
    log = file.with_name(f"{file.name}-wal")
    traces = [name for name in TRACES if (file.parent / name).exists()]
    if traces or (log.exists() and log.stat().st_size):
        found = ", ".join([*traces, *([log.name] if log.exists() else [])])
        raise WorkspaceError(
            f"the workspace's database {file} is gone, but {found} beside it shows that there was one. "
            f"Nothing was changed; {restore}, or move this folder away to begin anew"
        )
    _make(file, wait=wait)


def _fault_of_size(file: Path) -> str:
    """Return what the size of a file alone says against it; SQLite takes very short ones for new ones."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(18)
    if not head.startswith(MAGIC[: len(head)]) and size < SMALLEST:
        return "is not a database; it is some other file: move it away"
    page = int.from_bytes(head[16:18], "big")
    is_cut = size < SMALLEST or (head.startswith(MAGIC) and page >= SMALLEST and size % page)
    log = file.with_name(f"{file.name}-wal")
    if not is_cut or (size and log.exists() and log.stat().st_size):  # the log will complete it
        return ""
    return f"is damaged: it was cut to {size} bytes"


def _make(file: Path, *, wait: float) -> None:
    """Make the tables in a file aside, then give it its name; where another process was faster, keep its."""
    aside = Path(mkdtemp(prefix=".new-", dir=file.parent))
    try:
        engine = make_engine(URL.create("sqlite", database=str(aside / file.name)), wait=wait)
        upgrade(engine, wait=wait)
        engine.dispose()
        with suppress(FileExistsError):
            try:
                os.link(aside / file.name, file)
            except FileExistsError:
                raise
            except OSError:  # a disk that knows no links
                if not file.exists():
                    os.replace(aside / file.name, file)
    finally:
        for path in aside.iterdir():
            path.unlink(missing_ok=True)
        aside.rmdir()


def check(engine: Engine) -> None:
    """Refuse a store with a damaged file, or without some of its tables.

    A file is looked through once for each time that it has changed.

    Raises
    ------
    WorkspaceError
        That says what is damaged.
    """
    file = Path(str(engine.url.database)) if engine.url.get_backend_name() == "sqlite" else None
    with engine.execution_options(lightly_nb_begin="DEFERRED").connect() as connection:
        gone = sorted(set(Base.metadata.tables) - set(inspect(connection).get_table_names()))
        if gone:
            raise damage(engine, f"its tables {', '.join(gone)} are gone")
        if file is None or file.stat().st_size > CHECKED_UP_TO:
            return
        seen = _state_of(file)
        if _whole.get(str(file)) != seen:
            for fault in _faults(connection, file.stat().st_size):
                raise damage(engine, fault)
            _whole[str(file)] = seen


def _faults(connection: Connection, size: int) -> Iterator[str]:
    """Yield what is wrong with a file of SQLite: pages, then texts that hold zeros, then lost references."""
    how = "integrity_check" if size <= COMPARED_UP_TO else "quick_check"
    found = connection.exec_driver_sql(f"PRAGMA {how}(1)").scalar()
    if found != "ok":
        yield f"malformed ({found})"
    for table in Base.metadata.sorted_tables:
        texts = [column.name for column in table.columns if isinstance(column.type, String | JSON)]
        zeros = " OR ".join(f"instr(CAST({name} AS BLOB), x'00')" for name in texts)
        if connection.execute(text(f"SELECT 1 FROM {table.name} WHERE {zeros} LIMIT 1")).first():
            yield f"texts of its table {table.name} were overwritten with zeros"
    if lost := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        yield f"a row of its table {lost[0]} refers to one of {lost[2]} that is gone"


def _state_of(file: Path) -> tuple[int, ...]:
    found: list[int] = []
    for path in (file, file.with_name(f"{file.name}-wal")):
        with suppress(FileNotFoundError):
            status = path.stat()
            if status.st_size:  # readers make and remove an empty log
                found += [status.st_size, status.st_mtime_ns]
    return tuple(found)
