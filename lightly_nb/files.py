"""Files that are whole or not there, written aside, then renamed to their name; and folders held by one."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ASIDE = ".writing-"
"""How the names begin under which files, and folders, are written aside."""
LOCK = ".lock"
DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
"""Numbers of the errors of a disk that is full, or of which a user has all that is allowed."""
SECONDS_BETWEEN_TRIES = 0.1


@contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a new name beside `path` to write to, and rename it to `path` when the body ends well.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written. What stood at `path` before is untouched, as it
        is when the body raises anything; no half file is left.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with written_aside(folder / "names.txt") as aside:
    ...     _ = aside.write_text("a.jpg")
    >>> [file.name for file in folder.iterdir()]
    ['names.txt']
    """
    target = Path(path)
    aside = target.with_name(f"{ASIDE}{secrets.token_hex(8)}")
    try:
        yield aside
        os.replace(aside, target)
    except BaseException:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def sweep(folder: str | os.PathLike[str]) -> list[str]:
    """Delete what was written aside in `folder` and never renamed; return the names.

    Only for who holds the folder: what another process is writing now would go as well.
    """
    swept = []
    with suppress(OSError):
        for path in sorted(Path(folder).glob(f"{ASIDE}*")):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()
            swept.append(path.name)
    return swept


@contextmanager
def exclusive(folder: str | os.PathLike[str], wait: Callable[[], object] | None = None) -> Iterator[None]:
    """Hold a folder, made if need be, for one piece of work among all processes and threads of a machine.

    A holder that dies, however, gives it back. The lock is the file `.lock`, which goes with it, as does a
    folder that was made for it and is still empty. On a file system without locks everybody holds it.

    Parameters
    ----------
    folder : str or path
        The folder.
    wait : callable or None
        Called ten times a second while another one holds it; it may raise. None: do not wait.

    Raises
    ------
    BlockingIOError
        If another one holds it and `wait` is None.
    OSError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with exclusive(folder):
    ...     with exclusive(folder):
    ...         pass
    Traceback (most recent call last):
    BlockingIOError: ...
    """
    made = _missing(Path(folder))
    while (lock := _taken(Path(folder) / LOCK)) is None:
        if wait is None:
            raise BlockingIOError(errno.EAGAIN, "another process or thread holds it", str(folder))
        wait()
        time.sleep(SECONDS_BETWEEN_TRIES)
    try:
        yield
    finally:
        with suppress(OSError):
            (Path(folder) / LOCK).unlink()
        os.close(lock)
        with suppress(OSError):
            for path in made:
                path.rmdir()


def _missing(folder: Path) -> list[Path]:
    """Return the folder and those above it that are not there, the deepest first."""
    missing = []
    for path in (folder, *folder.parents):
        if path.exists():
            break
        missing.append(path)
    return missing


def _taken(path: Path) -> int | None:
    """Lock a file and return its descriptor; None if another one holds it."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        except FileNotFoundError:  # its holder took the folder away between the two lines
            continue
        try:
            if not _lock(descriptor):
                os.close(descriptor)
                return None
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except FileNotFoundError:  # its last holder deleted it while this one waited: it is no lock any more
            pass
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock an open file; False if another one has. True too where the file system has no locks."""
    try:
        if os.name == "nt":
            import msvcrt

            getattr(msvcrt, "locking")(descriptor, getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009 - for mypy
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True
