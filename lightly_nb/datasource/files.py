"""What a kind of datasource must be able to do: the one interface that a new kind implements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from lightly_nb.errors import DatasourceError

Wanted = Callable[[str], bool]
"""Called once with the name of each file found; False leaves it out, unread."""


class Entry(NamedTuple):
    """One file of a listing, or one file or folder that a listing had to refuse."""

    name: str
    """Relative to the datasource, `/` between folders."""
    size: int = 0
    """In bytes; 0 also when it could not be found out."""
    version: str = ""
    """Changes when the content does: the modification time in ns, or an etag. '' when unknown."""
    refused: str = ""
    """Why this cannot be a sample; '' when it can."""
    what_to_do: str = ""


class Files(Protocol):
    """Files below one root. Picklable; names are checked by every method."""

    @property
    def url(self) -> str:
        """Where the root is, without credentials."""

    @property
    def folder(self) -> str | None:
        """The real path of the root on this machine, None for anything remote."""

    def entries(
        self, wanted: Wanted, exclude: Collection[str], below: str = "", lightly: bool = False
    ) -> Iterator[Entry]:
        """Walk the files in folder `below` in any order, nothing below one of `exclude`.

        Nothing below `.lightly/` either, unless `lightly` is true.
        """

    def look(self, name: str) -> Entry:
        """Return the entry of one file."""

    def read(self, name: str, end: int | None = None) -> bytes:
        """Return the content of one file, or its first `end` bytes."""

    def read_url(self, name: str, seconds: int) -> str:
        """Return a URL that reads one file without credentials, for so long."""

    def write(self, name: str, content: bytes) -> None:
        """Put `content` in place whole or not at all."""

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""


Kind = Callable[[str, Mapping[str, Any]], Files]
"""A kind of datasource: from the URL and the storage options to its files."""


def failure(doing: str, name: str, url: str, why: object) -> DatasourceError:
    """Return the error of one file: what was tried, on which file, where, and why it failed."""
    return DatasourceError(f"cannot {doing} {name!r} in {url}: {why}")
