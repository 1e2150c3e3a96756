"""Everything that fsspec can open by URL. URL and storage options may hold secrets: neither is shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import fsspec

from lightly_nb.datasource.files import Entry, Wanted, failure
from lightly_nb.datasource.names import RENAME, is_below, name_problem, without_credentials
from lightly_nb.errors import DatasourceError

_CHANGES_WITH_CONTENT = (
    *("ETag", "etag", "md5Hash", "content_md5"),
    *("mtime", "LastModified", "last_modified", "updated", "created"),
)
"""What file systems call the fact that changes with the content, the best first."""


class Secret:
    """Holds a value that no repr, `asdict` or JSON may show. It is pickled, for worker processes."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret('**********')"

    def reveal(self) -> Any:
        """Return the value itself."""
        return self._value


def fsspec_files(url: str, storage_options: Mapping[str, Any]) -> FsspecFiles:
    """Return the files below any URL that fsspec knows; `storage_options` go to its file system."""
    files = FsspecFiles(without_credentials(url), Secret((url, dict(storage_options))))
    with files.errors_of("open"):
        files.open()
    return files


@dataclass(frozen=True, eq=False)
class FsspecFiles:
    """The files below one URL."""

    url: str
    _secret: Secret = field(repr=False)

    @property
    def folder(self) -> str | None:
        return None

    def open(self) -> tuple[Any, str]:
        """Return the file system and the root in it; fsspec caches one a process, so this is cheap."""
        url, options = self._secret.reveal()
        file_system, root = fsspec.core.url_to_fs(url, **options)
        return file_system, root.rstrip("/")

    def entries(
        self, wanted: Wanted, exclude: Collection[str], below: str = "", lightly: bool = False
    ) -> Iterator[Entry]:
        if below and (name_problem(below) or is_below(below, exclude, lightly=not lightly)):
            return
        with self.errors_of("list"):
            file_system, root = self.open()
            file_system.invalidate_cache()
        pending = [below]
        while pending:
            folder = pending.pop()
            try:
                with self.errors_of("list"):
                    infos = _content(file_system, f"{root}/{folder}".rstrip("/") or "/", folder == "")
            except DatasourceError as error:
                if not folder:
                    raise
                advice = "grant permission to list it, then list again"
                yield Entry(folder + "/", refused=str(error), what_to_do=advice)
                continue
            for info in infos:
                name = info["name"].rstrip("/")[len(root) :].removeprefix("/")
                if name == folder or is_below(
                    name, exclude, lightly=not lightly
                ):  # a bucket may list a folder in itself
                    continue
                if info.get("type") == "directory":
                    pending.append(name)
                elif wanted(name):
                    yield _entry_of(name, info)

    def look(self, name: str) -> Entry:
        if problem := name_problem(name):
            return Entry(name, refused=problem, what_to_do=RENAME)
        with self.errors_of("look at", name):
            file_system, root = self.open()
            try:
                return _entry_of(name, file_system.info(f"{root}/{name}"))
            except FileNotFoundError:
                return Entry(name, refused="there is no such file", what_to_do="check the path")

    def read(self, name: str, end: int | None = None) -> bytes:
        with self.errors_of("read", name):
            file_system, root = self.open()
            part = {} if end is None else {"start": 0, "end": end}
            content: bytes = file_system.cat_file(f"{root}/{name}", **part)
            return content

    def read_url(self, name: str, seconds: int) -> str:
        with self.errors_of("make a read URL of", name):
            file_system, root = self.open()
            return str(file_system.sign(f"{root}/{name}", expiration=seconds))

    def write(self, name: str, content: bytes) -> None:
        """Put `content` in place, as whole as one `put` of the file system is."""
        with self.errors_of("write", name):
            file_system, root = self.open()
            file_system.pipe_file(f"{root}/{name}", content)

    def exists(self, name: str) -> bool:
        with self.errors_of("look for", name):
            file_system, root = self.open()
            return bool(file_system.isfile(f"{root}/{name}"))

    @contextmanager
    def errors_of(self, doing: str, name: str | None = None) -> Iterator[None]:
        """Refuse a bad `name`, and turn every error of a file system into ours, its text without secrets."""
        if name is not None and (problem := name_problem(name)):
            raise failure(doing, name, self.url, problem)
        try:
            yield
        except DatasourceError:
            raise
        except Exception as error:
            why = f"{type(error).__name__}: {_masked(str(error), self._secret)}"
            if name is not None:
                raise failure(doing, name, self.url, why) from None
            raise DatasourceError(f"cannot {doing} {self.url}: {why}") from None


def _content(file_system: Any, path: str, must_be_there: bool) -> list[Any]:
    try:
        return list(file_system.ls(path, detail=True))
    except (FileNotFoundError, NotADirectoryError):
        if must_be_there:
            raise
        return []


def _entry_of(name: str, info: Mapping[str, Any]) -> Entry:
    if problem := name_problem(name):
        return Entry(name, refused=problem, what_to_do=RENAME)
    if info.get("type") == "directory":
        return Entry(name, refused="not a regular file", what_to_do="give files, not folders")
    version = next((info[key] for key in _CHANGES_WITH_CONTENT if info.get(key) is not None), "")
    version = version.timestamp() if isinstance(version, datetime) else version
    return Entry(name, int(info.get("size") or 0), str(version))


def _masked(text: str, secret: Secret) -> str:
    """Return `text` without the secrets of URL and options, and without those of any other URL in it."""
    url, options = secret.reveal()
    for link in [*url.split("::"), *text.split()]:
        if "://" in link:
            text = text.replace(link, without_credentials(link))
    for value in sorted(_texts([options, _hidden_parts(url)]), key=len, reverse=True):
        text = text.replace(value, "**********")
    return text


def _hidden_parts(url: str) -> set[str]:
    """Return the passwords, tokens and query values of `url`: what is not in its shown form."""
    separators = r"[:/@?&=#]+"
    password = url.rpartition("@")[0].partition("://")[2].partition(":")[2]
    parts = {password, unquote(password), *re.split(separators, url), *re.split(separators, unquote(url))}
    return parts - set(re.split(separators, without_credentials(url)))


def _texts(value: Any) -> set[str]:
    """Return every text of some length inside `value`; any of them may be a secret."""
    if isinstance(value, Mapping):
        return set().union(*map(_texts, value.values()))
    if isinstance(value, list | tuple | set):
        return set().union(*map(_texts, value))
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return {text} if len(text) > 3 and not isinstance(value, bool | int | float | None) else set()
