"""A real PostgreSQL for the tests: Debian's, in a folder of its own, gone when they end."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, create_engine, text

INSTALL = "the tests need PostgreSQL: apt-get install postgresql (or run tools/get_postgres.sh)"
PASSWORD = "hunter2-of-the-database"


def folder_of_programs() -> Path:
    """Return the folder of initdb and postgres."""
    named = os.environ.get("LIGHTLY_NB_POSTGRES_BIN")
    found = [named] if named else sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    if not found and (program := shutil.which("initdb")):
        found = [str(Path(program).resolve().parent)]
    if not found:
        raise RuntimeError(INSTALL)
    return Path(found[0])


@contextmanager
def postgres_server() -> Iterator[URL]:
    """Start a server on a loopback port; yield the URL of its first database."""
    programs = folder_of_programs()
    with tempfile.TemporaryDirectory(prefix="lightly_nb-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        password_file, data = folder / "password", folder / "data"
        password_file.write_text(PASSWORD, encoding="utf-8")
        data.mkdir()
        as_user: list[str] = []
        if os.getuid() == 0:  # it refuses to run as root
            account = pwd.getpwnam("postgres")
            for path in (password_file, data):
                os.chown(path, account.pw_uid, account.pw_gid)
            as_user = ["runuser", "-u", "postgres", "--"]
        make = [*as_user, str(programs / "initdb"), "-D", str(data), "-U", "tester", "-A", "scram-sha-256"]
        checked([*make, "--pwfile", str(password_file), "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
        url = URL.create("postgresql", "tester", PASSWORD, "127.0.0.1", free_port(), "postgres")
        options = f"-c listen_addresses=127.0.0.1 -c port={url.port} -c unix_socket_directories= -c fsync=off"
        control = [*as_user, str(programs / "pg_ctl"), "-D", str(data), "-w"]
        checked([*control, "-l", str(data / "log"), "-o", options, "start"])
        try:
            yield url
        finally:
            checked([*control, "-m", "immediate", "stop"])


def checked(command: Sequence[str]) -> None:
    """Run a program; say what it said when it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stdout}{done.stderr}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def new_database(server: URL, name: str) -> Iterator[str]:
    """Make a database of its own for one test; yield its URL, password and all."""
    engine = create_engine(
        server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", hide_parameters=True
    )
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        engine.dispose()
