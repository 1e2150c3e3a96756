"""Where the files of a dataset's samples are, and how they are read from there."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy.orm import Session

from lightly_nb.datasource import Datasource
from lightly_nb.errors import DatasourceError, InputError
from lightly_nb.states import DatasetType, DatasourcePurpose
from lightly_nb.workspace.data.datasource_kinds import DatasourceSettings
from lightly_nb.workspace.data.datasources import get_datasource, open_input
from lightly_nb.workspace.store.schema import Dataset

ROOTS = {
    DatasetType.IMAGES: (DatasourcePurpose.INPUT, ""),
    DatasetType.VIDEOS: (DatasourcePurpose.LIGHTLY, ".lightly/frames/"),
    DatasetType.CROPS: (DatasourcePurpose.LIGHTLY, ".lightly/crops/"),
}
"""By type of dataset: the datasource that holds its samples' files, and the folder in there."""

WEEK = 7 * 24 * 3600
"""Seconds. The longest that S3 and Google sign a URL for."""

_FIRST_BYTES = 64 * 1024
_ORIENTATION, _FIRST_SIDEWAYS = 274, 5


@dataclass(frozen=True)
class SampleFiles:
    """The files of a dataset's samples.

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

    def read(self, filename: str) -> bytes:
        """Return the content of a sample's file."""
        return self.datasource.read(self.folder + filename)

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


def sample_files_settings(session: Session, dataset: Dataset) -> DatasourceSettings:
    """Return the settings of the datasource that holds the files of a dataset's samples.

    Raises
    ------
    NotFoundException
        If it is not set.
    """
    return get_datasource(session, dataset, ROOTS[DatasetType(dataset.type)][0])


def open_sample_files(
    settings: DatasourceSettings, dataset_type: str, url_for: Callable[[str], str] | None = None
) -> SampleFiles:
    """Open the files of a dataset's samples. A web server that a folder's settings name makes their URLs."""
    folder = ROOTS[DatasetType(dataset_type)][1]
    server = getattr(settings, "web_server_location", None)
    if url_for is None and server:

        def served(filename: str) -> str:
            return f"{server.rstrip('/')}/{quote(folder + filename)}"

        url_for = served
    return SampleFiles(open_input(settings), folder, url_for)


def image_size(filename: str, files: SampleFiles) -> tuple[int, int]:
    """Return width and height of an image in pixels, upright, from its first bytes if these will do.

    Raises
    ------
    DatasourceError, InputError
        If the file cannot be read, or is no image.
    """
    name = files.folder + filename
    start = files.datasource.read(name, _FIRST_BYTES)
    size = _size(start) or (_size(files.datasource.read(name)) if len(start) == _FIRST_BYTES else None)
    if size is None:
        said = "is no image that can be opened; leave it out of the tag"
        raise InputError(f"{files.datasource_url(filename)} {said}")
    return size


def _size(content: bytes) -> tuple[int, int] | None:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            has_exif = (
                image.format != "PNG" or "exif" in image.info
            )  # else Pillow decodes a PNG to look for it
            sideways = has_exif and image.getexif().get(_ORIENTATION, 1) >= _FIRST_SIDEWAYS
            width, height = image.size
            if image.format == "TIFF":  # whose size Pillow turns by itself, sooner or later by its version
                width, height = image.tag_v2[256], image.tag_v2[257]  # type: ignore[attr-defined]
            return (height, width) if sideways else (width, height)
    except Exception:  # an image that is cut off fails in many ways
        return None
