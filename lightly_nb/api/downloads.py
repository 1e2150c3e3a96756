"""The client's methods that download: the files of a tag, embeddings."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from sqlalchemy.orm import Session

from lightly_nb.api.models import DatasetEmbeddingData
from lightly_nb.api.rows import embedding_data
from lightly_nb.api.session import ApiSession
from lightly_nb.errors import NotFoundException
from lightly_nb.events import Listener, ProgressBar
from lightly_nb.workspace.data import embeddings
from lightly_nb.workspace.data.datasource_kinds import DatasourceSettings
from lightly_nb.workspace.data.download import Downloaded, download_files, problems_text
from lightly_nb.workspace.data.sample_files import open_sample_files, sample_files_settings
from lightly_nb.workspace.data.tags import INITIAL_TAG, get_filenames_in_tag, get_tag
from lightly_nb.workspace.store.schema import Dataset
from lightly_nb.workspace.work import runs


class EmbeddingDoesNotExistError(NotFoundException):
    """The dataset has no embeddings of this name."""


def download_dataset(
    self: ApiSession,
    output_dir: str,
    tag_name: str = INITIAL_TAG,
    max_workers: int = 8,
    verbose: bool = True,
) -> None:
    """Copy the files of a tag to a folder under their names, byte for byte.

    Files that are there with the right size are not read again, so a second call goes on where the first one
    stopped. A file that fails does not stop the others; a UserWarning at the end names those that failed.

    Parameters
    ----------
    output_dir : str
        Made if need be.
    max_workers : int
        Files at a time.
    verbose : bool
        Whether to show a progress bar.

    Raises
    ------
    ApiException
        If there is no such tag (also a ValueError).
    DatasourceError
        If the disk is full.
    """
    on_event = ProgressBar() if verbose else None
    done = download_tag(self, output_dir, tag_name, max_workers=max_workers, on_event=on_event)
    if said := problems_text(done):
        warnings.warn(said, UserWarning, stacklevel=2)


def download_tag(
    self: ApiSession,
    output_dir: str | os.PathLike[str],
    tag_name: str = INITIAL_TAG,
    *,
    max_workers: int = 8,
    on_event: Listener | None = None,
) -> list[Downloaded]:
    """Do what `download_dataset` does; return what became of each file. `on_event` may raise to stop."""

    def found(session: Session, dataset: Dataset) -> tuple[list[str], DatasourceSettings]:
        names = get_filenames_in_tag(session, dataset, get_tag(session, dataset, name=tag_name))
        return names, sample_files_settings(session, dataset)

    names, settings = self._read_dataset(found)
    files = open_sample_files(settings, self.dataset_type)
    return download_files(names, files, output_dir, max_workers=max_workers, on_event=on_event)


def get_all_embedding_data(self: ApiSession) -> list[DatasetEmbeddingData]:
    """Return the embeddings of the current dataset, of its runs and uploaded ones, the newest first."""
    return [embedding_data(one) for one in embeddings_of(self)]


def get_embedding_data_by_name(self: ApiSession, name: str) -> DatasetEmbeddingData:
    """Return the embeddings of exactly this name.

    Raises
    ------
    EmbeddingDoesNotExistError
        If there are none; also a ValueError.
    """
    return get_embedding_by_name(self, name, ignore_suffix=False)


def get_embedding_by_name(self: ApiSession, name: str, ignore_suffix: bool = True) -> DatasetEmbeddingData:
    """Return the newest embeddings of this name or, with `ignore_suffix`, whose name starts with it.

    Raises
    ------
    EmbeddingDoesNotExistError
        If there are none; also a ValueError.
    """
    for one in get_all_embedding_data(self):
        if one.name == name or (ignore_suffix and one.name.startswith(name)):
            return one
    raise EmbeddingDoesNotExistError(
        f"Embedding with the specified name does not exist: {name}; see get_all_embedding_data()"
    )


def set_embedding_id_to_latest(self: ApiSession) -> None:
    """Set `embedding_id` to the newest embeddings of the current dataset."""
    found = get_all_embedding_data(self)
    if not found:
        raise NotFoundException(f"There are no known embeddings for dataset_id {self.dataset_id}.")
    self.embedding_id = found[0].id


def download_embeddings_csv_by_id(self: ApiSession, embedding_id: str, output_path: str) -> None:
    """Write embeddings to a CSV file with the columns `filenames`, `embedding_0` … and `labels`."""
    embeddings.copy_embeddings(embedding_by_id(self, embedding_id), Path(output_path))


def download_embeddings_csv(self: ApiSession, output_path: str) -> None:
    """Write the embeddings of the last completed run to a CSV file.

    Raises
    ------
    ApiException
        If there are none; also a RuntimeError.
    """
    for one in get_all_embedding_data(self):
        if one.name.startswith("default"):
            download_embeddings_csv_by_id(self, one.id, output_path)
            return
    raise NotFoundException(
        f"Could not find embeddings for dataset with id '{self.dataset_id}': no run on it was completed on "
        "this machine"
    )


def embeddings_of(self: ApiSession) -> list[embeddings.Embedding]:
    """Return the embeddings of the current dataset with where they lie."""
    dataset_id = self.dataset_id
    found = self._read(runs.get_runs, dataset_id)
    return embeddings.get_embeddings(self._workspace, dataset_id, found)


def embedding_by_id(self: ApiSession, embedding_id: str) -> embeddings.Embedding:
    """Return embeddings of the current dataset.

    Raises
    ------
    EmbeddingDoesNotExistError
        If there are none of that id.
    """
    for one in embeddings_of(self):
        if one.id == embedding_id:
            return one
    raise EmbeddingDoesNotExistError(
        f"the dataset has no embeddings with the id {embedding_id!r}; see get_all_embedding_data()"
    )
