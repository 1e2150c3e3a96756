"""Local folders. Links may point anywhere inside the root; what leads out of it is refused.

A link to a folder is followed once: its files are listed below the link's name too (and under their real
name, so the duplicate check keeps one of each). Folder links found below a followed link are not followed
again, and a link to a folder that contains the link never is, so that cycles end and nothing is lost.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from os import scandir
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from lightly_nb.datasource.files import Entry, Wanted, failure
from lightly_nb.datasource.names import RENAME, is_below, name_problem, scheme_of
from lightly_nb.errors import DatasourceError, InputError
from lightly_nb.files import written_aside

LEADS_OUT = "a link that leads out of the source folder"
COPY_IN = "copy the file into the source folder, or use a source folder that holds link and file"


def local_files(location: str, storage_options: Mapping[str, Any]) -> LocalFiles:
    """Return the files of a local folder, given as a path or a `file://` URL."""
    if storage_options:
        raise InputError(
            f"storage_options {sorted(storage_options)} are for buckets; {location!r} is a local folder"
        )
    root = os.path.abspath(local_path(location))
    if not os.path.isdir(root):
        problem = "is a file, not a folder" if os.path.exists(root) else "does not exist"
        advice = "to use one file give a list: [path]" if os.path.exists(root) else "check the spelling"
        raise DatasourceError(f"no such folder: {root} {problem}; {advice}")
    return LocalFiles(root, os.path.realpath(root))


def local_path(location: str) -> str:
    """Return the path of a plain path or `file://` URL, `~` resolved, `%20` and the like decoded."""
    if not scheme_of(location):
        return os.path.expanduser(location)
    rest = location.split("://", 1)[1].removeprefix("localhost")
    if not rest.startswith("/"):
        raise InputError(f"{location!r} is relative; a file URL has three slashes: file:///home/me/photos")
    rest = rest[1:] if os.name == "nt" else rest
    return rest if os.path.exists(rest) else unquote(rest)


class _Folder(NamedTuple):
    """A folder still to be walked: '' or a name that ends in '/', and whether a link led to it."""

    name: str
    linked: bool


@dataclass(frozen=True)
class LocalFiles:
    """The files below one local folder."""

    url: str
    folder: str
    """Real path of the root: no link in it."""

    def entries(
        self, wanted: Wanted, exclude: Collection[str], below: str = "", lightly: bool = False
    ) -> Iterator[Entry]:
        def skipped(name: str) -> bool:
            return is_below(name, exclude, lightly=not lightly)

        if below and (name_problem(below) or skipped(below)):
            return
        real = self._real(below)
        if not self._holds(real):
            yield Entry(below + "/", refused=LEADS_OUT, what_to_do=COPY_IN)
            return
        is_linked = real != os.path.join(self.folder, below) if below else False
        pending = [_Folder(below and below + "/", is_linked)]
        while pending:
            folder = pending.pop()
            try:
                with scandir(os.path.join(self.folder, folder.name)) as items:
                    for item in items:
                        found = self._entry(item, folder, wanted, skipped)
                        if isinstance(found, _Folder):
                            pending.append(found)
                        elif found is not None:
                            yield found
            except OSError as error:
                if not folder.name:
                    raise DatasourceError(f"cannot list {self.url}: {error.strerror}") from error
                if isinstance(error, FileNotFoundError | NotADirectoryError):
                    continue
                yield Entry(
                    folder.name,
                    refused=f"the folder cannot be listed: {error.strerror}",
                    what_to_do="grant read and enter permission on it, then list again",
                )

    def look(self, name: str) -> Entry:
        if problem := name_problem(name):
            return Entry(name, refused=problem, what_to_do=RENAME)
        real = self._real(name)
        if not self._holds(real):
            return Entry(name, refused=LEADS_OUT, what_to_do=COPY_IN)
        return _entry_of(name, real)

    def read(self, name: str, end: int | None = None) -> bytes:
        real = self._allowed(name, "read")
        try:
            with open(real, "rb", buffering=0, opener=_open_without_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise failure("read", name, self.url, "it is not a regular file")
                return file.read(-1 if end is None else end)
        except DatasourceError:
            raise
        except OSError as error:
            raise failure("read", name, self.url, error.strerror) from error

    def read_url(self, name: str, seconds: int) -> str:
        if problem := name_problem(name):
            raise failure("make a read URL of", name, self.url, problem)
        return Path(self.folder, name).as_uri()

    def write(self, name: str, content: bytes) -> None:
        if problem := name_problem(name):
            raise failure("write", name, self.url, problem)
        parent, _, last = name.rpartition("/")
        folder = self._allowed(parent, "write below") if parent else self.folder
        try:
            os.makedirs(folder, exist_ok=True)
            with written_aside(os.path.join(folder, last)) as aside:
                aside.write_bytes(content)
        except OSError as error:
            raise failure("write", name, self.url, error.strerror) from error

    def exists(self, name: str) -> bool:
        return os.path.isfile(self._allowed(name, "look for"))

    def _real(self, name: str) -> str:
        return os.path.realpath(os.path.join(self.folder, name))

    def _holds(self, real: str) -> bool:
        root = os.path.normcase(self.folder)
        real = os.path.normcase(real)
        return real == root or real.startswith(root if root.endswith(os.sep) else root + os.sep)

    def _allowed(self, name: str, doing: str) -> str:
        """Return the real path of `name`, or refuse a name that leads out of the root."""
        problem = name_problem(name)
        if problem is None and os.name == "nt" and ":" in name:
            problem = "the name has a colon in it"
        if problem is None and not self._holds(real := self._real(name)):
            problem = LEADS_OUT
        if problem is not None:
            raise failure(doing, name, self.url, problem)
        return real

    def _entry(
        self, item: os.DirEntry[str], folder: _Folder, wanted: Wanted, skipped: Wanted
    ) -> Entry | _Folder | None:
        name = folder.name + item.name
        if _is_link(item):
            return self._linked_entry(item, name, folder, wanted, skipped)
        is_folder = item.is_dir(follow_symlinks=False)
        if is_folder and skipped(name):
            return None
        if not is_folder and not wanted(name):
            return None
        if problem := name_problem(item.name):
            return Entry(name, refused=problem, what_to_do=RENAME)
        return _Folder(name + "/", folder.linked) if is_folder else _file_entry(item, name)

    def _linked_entry(
        self, item: os.DirEntry[str], name: str, folder: _Folder, wanted: Wanted, skipped: Wanted
    ) -> Entry | _Folder | None:
        real = os.path.realpath(item.path)
        is_folder = os.path.isdir(real)
        if skipped(name) or not (is_folder or wanted(name)):
            return None
        if problem := name_problem(item.name):
            return Entry(name, refused=problem, what_to_do=RENAME)
        if not self._holds(real):
            return Entry(name, refused=LEADS_OUT, what_to_do=COPY_IN)
        inner = os.path.relpath(real, self.folder).replace(os.sep, "/")
        if inner != "." and skipped(inner):
            return None
        if not is_folder:
            return _entry_of(name, real)
        holds_the_link = inner == "." or folder.name.startswith(inner + "/")
        return None if folder.linked or holds_the_link else _Folder(name + "/", linked=True)


def _is_link(item: os.DirEntry[str]) -> bool:
    is_junction = getattr(item, "is_junction", None)  # Windows, Python 3.12
    return item.is_symlink() or (is_junction is not None and is_junction())


def _file_entry(item: os.DirEntry[str], name: str) -> Entry:
    """Return the entry of a directory item; `DirEntry.stat` is a third faster than `os.stat`."""
    if not item.is_file(follow_symlinks=False):
        return _not_a_file(name)
    try:
        info = item.stat(follow_symlinks=False)
    except OSError:  # it stays on the list: the corruptness check tells what is wrong with it
        return Entry(name)
    return Entry(name, info.st_size, str(info.st_mtime_ns))


def _entry_of(name: str, real: str) -> Entry:
    try:
        info = os.stat(real)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return Entry(name)
        return Entry(name, refused="there is no such file", what_to_do="check the path or mend the link")
    if not stat.S_ISREG(info.st_mode):
        return _not_a_file(name)
    return Entry(name, info.st_size, str(info.st_mtime_ns))


def _not_a_file(name: str) -> Entry:
    return Entry(name, refused="not a regular file", what_to_do="give files, not folders, pipes or devices")


def _open_without_waiting(path: str, flags: int) -> int:
    """Open without blocking on a pipe that nobody writes to."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
