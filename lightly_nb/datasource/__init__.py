"""Where files come from and go to: a `Datasource` lists and reads, a `WritableDatasource` also writes.

A kind of datasource is one function from a URL and its storage options to `Files`, named in `KINDS` by the
URL's scheme. What is not named there is opened by fsspec.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, overload

from lightly_nb.datasource.assumed_role import s3_files
from lightly_nb.datasource.files import Entry, Files, Kind, Wanted, failure
from lightly_nb.datasource.local import local_files
from lightly_nb.datasource.names import LIGHTLY_FOLDER, scheme_of
from lightly_nb.datasource.remote import fsspec_files
from lightly_nb.errors import InputError
from lightly_nb.states import DatasourcePurpose

__all__ = ["KINDS", "Datasource", "Entry", "WritableDatasource", "open_datasource"]

KINDS: Mapping[str, Kind] = MappingProxyType(
    {"": local_files, "file": local_files, "local": local_files, "s3": s3_files}
)
"""Kinds by URL scheme; '' is a plain path. Any other scheme goes to `fsspec_files`."""


@dataclass(frozen=True, repr=False)
class Datasource:
    """Files to list and to read. There is no method that writes. Get one from `open_datasource`.

    Picklable, so that worker processes read through it; the pickle holds its credentials, its repr does not.
    """

    _files: Files

    @property
    def url(self) -> str:
        """The folder or URL, without credentials."""
        return self._files.url

    @property
    def folder(self) -> Path | None:
        """The folder on this machine (links resolved), None for a remote datasource."""
        return None if self._files.folder is None else Path(self._files.folder)

    def list(
        self,
        wanted: Wanted | None = None,
        *,
        exclude: Collection[str] = (),
        below: str = "",
        lightly: bool = False,
    ) -> Iterator[Entry]:
        """Walk the files, in any order, one at a time.

        Parameters
        ----------
        wanted : callable, optional
            Called once with each name; where it returns False the file is left out. None: all files.
        exclude : collection of str
            Folders, relative to the datasource, that are not walked. `.lightly/` is not either.
        below : str
            The one folder to walk, relative to the datasource; '' is all of it. One that is not there is
            like an empty one.
        lightly : bool
            Whether `.lightly/` is walked all the same: for what `below` it is no input.

        Yields
        ------
        Entry
            One file, or with `refused` set, a file or folder that was left out and why.

        Raises
        ------
        DatasourceError
            If the datasource itself cannot be listed.
        """
        wanted = wanted or (lambda _name: True)
        if lightly:
            return self._files.entries(wanted, frozenset(exclude), below, lightly=True)
        return self._files.entries(wanted, frozenset(exclude), below)

    def look(self, filename: str) -> Entry:
        """Return what a listing would say of one file; `refused` when there is no such file."""
        return self._files.look(filename)

    def read(self, filename: str, end: int | None = None) -> bytes:
        """Return the content of one file: all of it, or its first `end` bytes.

        Raises
        ------
        DatasourceError
            If it cannot be read, or the name or a link leads out of the datasource.
        """
        return self._files.read(filename, end)

    def read_url(self, filename: str, seconds: int) -> str:
        """Return a URL that reads one file without credentials: signed for `seconds`, or `file://` here.

        Raises
        ------
        DatasourceError
            If such a store or such credentials cannot sign.
        """
        return self._files.read_url(filename, seconds)

    def read_only(self) -> Datasource:
        """Return the same files without any method that writes."""
        return Datasource(self._files)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"


class WritableDatasource(Datasource):
    """Files that can also be written: the LIGHTLY purpose."""

    def write(self, filename: str, content: bytes) -> None:
        """Write one file, whole or not at all, making its folders.

        Below `.lightly/` a file of that name is replaced; anywhere else it is refused, since INPUT and
        LIGHTLY may be the same folder.

        Raises
        ------
        DatasourceError
            If it cannot be written, would replace a file outside `.lightly/`, or leads out of the datasource.
        """
        if LIGHTLY_FOLDER not in filename.split("/")[:-1] and self._files.exists(filename):
            advice = f"only files below {LIGHTLY_FOLDER}/ are replaced; give another name"
            raise failure("write", filename, self.url, f"there is such a file already, and {advice}")
        self._files.write(filename, content)

    def exists(self, filename: str) -> bool:
        """Whether there is such a file."""
        return self._files.exists(filename)


@overload
def open_datasource(
    location: str | os.PathLike[str],
    *,
    purpose: Literal[DatasourcePurpose.INPUT] = ...,
    storage_options: Mapping[str, Any] | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> Datasource: ...


@overload
def open_datasource(
    location: str | os.PathLike[str],
    *,
    purpose: Literal[DatasourcePurpose.LIGHTLY, DatasourcePurpose.INPUT_OUTPUT],
    storage_options: Mapping[str, Any] | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> WritableDatasource: ...


def open_datasource(
    location: str | os.PathLike[str],
    *,
    purpose: DatasourcePurpose = DatasourcePurpose.INPUT,
    storage_options: Mapping[str, Any] | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> Datasource:
    """Open a folder or a bucket.

    Parameters
    ----------
    location : str or path
        A path (`~` is resolved), a `file://` URL, or any URL that fsspec opens (`s3://`, `memory://`, …).
    purpose : DatasourcePurpose
        INPUT to list and read; LIGHTLY (or INPUT_OUTPUT, which is both) to write as well.
    storage_options : mapping, optional
        Keys, regions and so on for the file system of a URL, as fsspec takes them. Never shown.
    kinds : mapping of str to Kind, optional
        What opens which URL scheme. None: `KINDS`.

    Returns
    -------
    Datasource or WritableDatasource

    Raises
    ------
    DatasourceError
        If there is no such folder, or the file system cannot be opened.
    InputError
        If the location is empty or not text.

    Examples
    --------
    >>> open_datasource("memory://photos", purpose=DatasourcePurpose.LIGHTLY)
    WritableDatasource('memory://photos')
    """
    text = os.fspath(location) if isinstance(location, str | os.PathLike) else None
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise InputError(f"a datasource is a folder or URL (str or pathlib.Path), got {location!r}")
    open_files = (KINDS if kinds is None else kinds).get(scheme_of(text), fsspec_files)
    files = open_files(text, storage_options or {})
    writable = DatasourcePurpose(purpose) is not DatasourcePurpose.INPUT
    return WritableDatasource(files) if writable else Datasource(files)
