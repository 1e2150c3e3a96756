"""The client's methods that list a dataset's files as its datasources have them: names and read URLs.

Shards, redirects and progress bars of the platform's client are accepted and not needed. Files are not chosen
by time (`from_`, `to`): buckets do not all tell it alike, and a run knows by itself what is new.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from lightly_nb.api.session import ApiSession
from lightly_nb.datasource import Datasource
from lightly_nb.datasource.sample_files import WEEK, SampleFiles
from lightly_nb.errors import BadRequestException
from lightly_nb.events import Event
from lightly_nb.lightly_source.metadata_schema import METADATA
from lightly_nb.lightly_source.predictions import PREDICTIONS
from lightly_nb.states import DatasetType, DatasourcePurpose
from lightly_nb.workspace.data import raw_files
from lightly_nb.workspace.data.datasources import get_datasource, open_lightly
from lightly_nb.workspace.data.raw_files import NameAndUrl
from lightly_nb.workspace.data.sample_files import open_sample_files


def download_raw_samples(
    self: ApiSession,
    from_: int = 0,
    to: int | None = None,
    relevant_filenames_file_name: str | None = None,
    divide_and_conquer_shards: int = 1,
    use_redirected_read_url: bool = False,
    progress_bar: Any = None,
) -> list[NameAndUrl]:
    """Return file name and read URL of every image of INPUT, or of those in a relevant filenames file."""
    _refuse_times(from_, to)
    lightly = _lightly(self) if relevant_filenames_file_name else None
    return list(raw_files.raw_samples(_input(self), lightly, relevant_filenames_file_name, _silent))


def download_raw_predictions(
    self: ApiSession,
    task_name: str,
    from_: int = 0,
    to: int | None = None,
    relevant_filenames_file_name: str | None = None,
    run_id: str | None = None,
    relevant_filenames_artifact_id: str | None = None,
    divide_and_conquer_shards: int = 1,
    use_redirected_read_url: bool = False,
    progress_bar: Any = None,
) -> list[NameAndUrl]:
    """Return name and read URL of the prediction files of a task that images of INPUT have."""
    return list(
        download_raw_predictions_iter(
            self, task_name, from_, to, relevant_filenames_file_name, run_id, relevant_filenames_artifact_id
        )
    )


def download_raw_predictions_iter(
    self: ApiSession,
    task_name: str,
    from_: int = 0,
    to: int | None = None,
    relevant_filenames_file_name: str | None = None,
    run_id: str | None = None,
    relevant_filenames_artifact_id: str | None = None,
    divide_and_conquer_shards: int = 1,
    use_redirected_read_url: bool = False,
    progress_bar: Any = None,
) -> Iterator[NameAndUrl]:
    """Return an iterator over what `download_raw_predictions` returns."""
    _refuse_times(from_, to)
    _refuse_artifact(relevant_filenames_artifact_id)
    return _companions(self, f"{PREDICTIONS}/{task_name}", relevant_filenames_file_name)


def download_raw_metadata(
    self: ApiSession,
    from_: int = 0,
    to: int | None = None,
    run_id: str | None = None,
    relevant_filenames_artifact_id: str | None = None,
    relevant_filenames_file_name: str | None = None,
    divide_and_conquer_shards: int = 1,
    use_redirected_read_url: bool = False,
    progress_bar: Any = None,
) -> list[NameAndUrl]:
    """Return name and read URL of the metadata files that images of INPUT have."""
    return list(
        download_raw_metadata_iter(
            self, from_, to, run_id, relevant_filenames_artifact_id, relevant_filenames_file_name
        )
    )


def download_raw_metadata_iter(
    self: ApiSession,
    from_: int = 0,
    to: int | None = None,
    run_id: str | None = None,
    relevant_filenames_artifact_id: str | None = None,
    relevant_filenames_file_name: str | None = None,
    divide_and_conquer_shards: int = 1,
    use_redirected_read_url: bool = False,
    progress_bar: Any = None,
) -> Iterator[NameAndUrl]:
    """Return an iterator over what `download_raw_metadata` returns."""
    _refuse_times(from_, to)
    _refuse_artifact(relevant_filenames_artifact_id)
    return _companions(self, METADATA, relevant_filenames_file_name)


def get_prediction_read_url(self: ApiSession, filename: str) -> str:
    """Return a read URL of a file of LIGHTLY, such as `.lightly/predictions/TASK/image.json`."""
    return _lightly(self).read_url(filename, WEEK)


def get_metadata_read_url(self: ApiSession, filename: str) -> str:
    """Return a read URL of a file of LIGHTLY, such as `.lightly/metadata/image.json`."""
    return _lightly(self).read_url(filename, WEEK)


def get_custom_embedding_read_url(self: ApiSession, filename: str) -> str:
    """Return a read URL of a file of LIGHTLY, such as `.lightly/embeddings/mine.csv`."""
    return _lightly(self).read_url(filename, WEEK)


def _companions(self: ApiSession, folder: str, relevant: str | None) -> Iterator[NameAndUrl]:
    return raw_files.raw_companions(folder, _input(self), _lightly(self), relevant, _silent)


def _input(self: ApiSession) -> SampleFiles:
    settings = self._read_dataset(get_datasource, DatasourcePurpose.INPUT)
    return open_sample_files(settings, DatasetType.IMAGES)


def _lightly(self: ApiSession) -> Datasource:
    return open_lightly(self._read_dataset(get_datasource, DatasourcePurpose.LIGHTLY))


def _silent(event: Event) -> None:
    """Say nothing: these methods are called by scripts."""


def _refuse_times(from_: int, to: int | None) -> None:
    if from_ or (to is not None and to < time.time() - 60):
        raise BadRequestException(
            f"from_={from_!r}, to={to!r}: files are not chosen by time here; name them in a relevant "
            "filenames file, or let a run with a datapool find what is new"
        )


def _refuse_artifact(artifact_id: str | None) -> None:
    if artifact_id is not None:
        raise BadRequestException(
            "relevant_filenames_artifact_id: runs keep no such artifact here; give "
            "relevant_filenames_file_name, a file of the LIGHTLY datasource"
        )
