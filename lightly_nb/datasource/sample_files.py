"""Where the files of samples are in a datasource, and the URLs by which others read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lightly_nb.datasource import Datasource
from lightly_nb.errors import DatasourceError

WEEK = 7 * 24 * 3600
"""Seconds. The longest that S3 and Google sign a URL for."""


@dataclass(frozen=True)
class SampleFiles:
    """The files of samples: names in a folder of a datasource.

    Parameters
    ----------
    datasource : Datasource
        Holds them.
    folder : str
        The folder in there, '' or ending in '/'.
    url_for : callable, optional
        Makes the read URL of a file name, in place of a signed or `file://` one: for a web server of yours.
    seconds : int
        How long a signed URL works.
    """

    datasource: Datasource
    folder: str = ""
    url_for: Callable[[str], str] | None = None
    seconds: int = WEEK

    def read(self, filename: str, end: int | None = None) -> bytes:
        """Return the content of a sample's file: all of it, or its first `end` bytes."""
        return self.datasource.read(self.folder + filename, end)

    def size_in_bytes(self, filename: str) -> int:
        """Return how long a sample's file is, 0 if that is not known."""
        entry = self.datasource.look(self.folder + filename)
        if entry.refused:
            raise DatasourceError(f"{self.datasource_url(filename)}: {entry.refused}; {entry.what_to_do}")
        return entry.size

    def datasource_url(self, filename: str) -> str:
        """Return the sample's place in its datasource, without credentials."""
        return f"{self.datasource.url.rstrip('/')}/{self.folder}{filename}"

    def read_url(self, filename: str) -> str:
        """Return a URL that a labelling tool can open.

        Raises
        ------
        DatasourceError
            If the datasource cannot sign one.
        """
        if self.url_for is not None:
            return self.url_for(filename)
        try:
            return self.datasource.read_url(self.folder + filename, self.seconds)
        except DatasourceError as error:
            hint = "give url_for=, a function that makes a URL of a file name"
            raise DatasourceError(f"{error}; {hint}") from None
