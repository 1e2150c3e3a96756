"""The client's methods on datasets, and on sharing them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from sqlalchemy.orm import Session

from lightly_nb.api.models import DatasetData
from lightly_nb.api.rows import dataset_data
from lightly_nb.api.session import ApiSession
from lightly_nb.errors import NotFoundException
from lightly_nb.states import DatasetType
from lightly_nb.workspace.data import datasets, embeddings, sharing
from lightly_nb.workspace.data.samples import get_filenames as filenames_of
from lightly_nb.workspace.store.schema import User


def create_dataset(self: ApiSession, dataset_name: str, dataset_type: str = DatasetType.IMAGES) -> None:
    """Make a dataset; the client goes on with it.

    Raises
    ------
    ApiException
        If there is one of that name (also a ValueError), or the name or the type is none.
    """
    self._dataset_id = self._write(datasets.create_dataset, dataset_name, dataset_type).id


def create_new_dataset_with_unique_name(
    self: ApiSession, dataset_basename: str, dataset_type: str = DatasetType.IMAGES
) -> None:
    """Make a dataset named `dataset_basename`, or that and `_1`, `_2` …, whichever is free first."""

    def make(session: Session, user: User) -> str:
        made = datasets.create_dataset_with_unique_name(session, user, dataset_basename, dataset_type)
        return made.id

    self._dataset_id = self._write(make)


def dataset_exists(self: ApiSession, dataset_id: str) -> bool:
    """Whether there is such a dataset among yours and those shared with you."""
    try:
        get_dataset_by_id(self, dataset_id)
    except NotFoundException:
        return False
    return True


def dataset_name_exists(self: ApiSession, dataset_name: str, shared: bool | None = False) -> bool:
    """Whether there is a dataset of this name; `shared` as in `get_datasets`."""
    return bool(get_datasets_by_name(self, dataset_name, shared))


def get_dataset_by_id(self: ApiSession, dataset_id: str) -> DatasetData:
    """Return a dataset.

    Raises
    ------
    ApiException
        With the status 404 if there is none among yours and those shared with you.
    """
    return self._read(
        lambda session, user: dataset_data(session, user, datasets.get_dataset(session, user, dataset_id))
    )


def get_datasets_by_name(
    self: ApiSession, dataset_name: str, shared: bool | None = False
) -> list[DatasetData]:
    """Return the datasets of this name; `shared` as in `get_datasets`."""
    return self._read(_listed, dataset_name, shared)


def get_datasets(self: ApiSession, shared: bool | None = False) -> list[DatasetData]:
    """Return datasets, the oldest first.

    Parameters
    ----------
    shared : bool or None
        False: yours. True: those that others share with you. None: both.
    """
    return self._read(_listed, None, shared)


def get_datasets_iter(self: ApiSession, shared: bool | None = False) -> Iterator[DatasetData]:
    """Return an iterator over what `get_datasets` returns."""
    return iter(get_datasets(self, shared))


def get_all_datasets(self: ApiSession) -> list[DatasetData]:
    """Return your datasets and those shared with you. Deprecated: `get_datasets(shared=None)`."""
    said = "get_all_datasets() is deprecated in favour of get_datasets(shared=None)"
    warnings.warn(said, DeprecationWarning, stacklevel=2)
    return get_datasets(self, shared=None)


def set_dataset_id_by_name(self: ApiSession, dataset_name: str, shared: bool | None = False) -> None:
    """Go on with the dataset of this name; `shared` as in `get_datasets`.

    Raises
    ------
    ValueError
        If there is none.
    """
    found = get_datasets_by_name(self, dataset_name, shared)
    if not found:
        said = f"A dataset with the name '{dataset_name}' does not exist. Please create it first."
        raise NotFoundException(said)
    self._dataset_id = found[0].id
    if len(found) > 1:
        ids = [one.id for one in found]
        said = f"Found {len(found)} datasets with the name '{dataset_name}': {ids}. The first one is taken."
        warnings.warn(said, UserWarning, stacklevel=2)


def delete_dataset_by_id(self: ApiSession, dataset_id: str) -> None:
    """Delete a dataset with its tags, runs and settings; no image is touched."""
    self._write(datasets.delete_dataset, dataset_id)
    embeddings.delete_embeddings(self._workspace, dataset_id)
    if self._dataset_id == dataset_id:
        self._dataset_id = None


def get_filenames(self: ApiSession) -> list[str]:
    """Return all file names of the current dataset, in the order in which runs brought them."""
    return self._read_dataset(filenames_of)


def share_dataset_only_with(self: ApiSession, dataset_id: str, user_emails: list[str]) -> None:
    """Share a dataset with exactly these users: the list replaces the one before, `[]` revokes all.

    Raises
    ------
    ApiException
        If an e-mail address is none (400), the dataset is not there (404) or not yours (403).
    """
    self._write(sharing.share_dataset_only_with, dataset_id, user_emails)


def get_shared_users(self: ApiSession, dataset_id: str) -> list[str]:
    """Return the e-mail addresses that a dataset is shared with."""
    return self._read(sharing.get_shared_users, dataset_id)


def _listed(session: Session, user: User, name: str | None, shared: bool | None) -> list[DatasetData]:
    found = datasets.get_datasets(session, user, name=name, shared=shared)
    return [dataset_data(session, user, one) for one in found]
