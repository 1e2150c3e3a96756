"""Where the files of a dataset's samples are."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from sqlalchemy.orm import Session

from lightly_nb.datasource.sample_files import SampleFiles
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
