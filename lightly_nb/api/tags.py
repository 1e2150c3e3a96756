"""The client's methods on tags."""

from __future__ import annotations

from sqlalchemy.orm import Session

from lightly_nb.api.models import TagData
from lightly_nb.api.rows import tag_data
from lightly_nb.api.session import ApiSession
from lightly_nb.errors import NotFoundException
from lightly_nb.workspace.data import tags
from lightly_nb.workspace.data.datasets import get_dataset
from lightly_nb.workspace.store.schema import Dataset, User


class TagDoesNotExistError(NotFoundException):
    """The dataset has no tag of this name."""


def get_all_tags(self: ApiSession) -> list[TagData]:
    """Return the tags of the current dataset, the newest first, so that `initial-tag` is the last."""
    return self._read_dataset(_listed)


def get_tag_by_id(self: ApiSession, tag_id: str) -> TagData:
    """Return a tag of the current dataset.

    Raises
    ------
    ApiException
        With the status 404 if there is none.
    """
    return self._read_dataset(
        lambda session, dataset: tag_data(session, dataset, tags.get_tag(session, dataset, tag_id=tag_id))
    )


def get_tag_by_name(self: ApiSession, tag_name: str) -> TagData:
    """Return a tag of the current dataset.

    Raises
    ------
    TagDoesNotExistError
        If there is none of that name.
    """

    def found(session: Session, dataset: Dataset) -> TagData:
        try:
            return tag_data(session, dataset, tags.get_tag(session, dataset, name=tag_name))
        except NotFoundException as error:
            raise TagDoesNotExistError(f"Your tag_name does not exist: {tag_name}. {error}") from None

    return self._read_dataset(found)


def get_filenames_in_tag(
    self: ApiSession,
    tag_data: TagData,
    filenames_on_server: list[str] | None = None,
    exclude_parent_tag: bool = False,
) -> list[str]:
    """Return the file names of a tag's samples, in its order.

    Parameters
    ----------
    filenames_on_server : list of str, optional
        Not needed here; accepted for scripts that give it.
    exclude_parent_tag : bool
        Whether to leave out what is in the tag that it stands on.
    """

    def names(session: Session, dataset: Dataset) -> list[str]:
        tag = tags.get_tag(session, dataset, tag_id=tag_data.id)
        return tags.get_filenames_in_tag(session, dataset, tag, exclude_parent_tag=exclude_parent_tag)

    return self._read_dataset(names)


def create_tag_from_filenames(
    self: ApiSession,
    fnames_new_tag: list[str],
    new_tag_name: str,
    parent_tag_id: str | None = None,
) -> TagData:
    """Make a tag of files that the dataset has; `parent_tag_id` None is `initial-tag`.

    Raises
    ------
    ApiException
        Also a RuntimeError, as on the platform: if the name is taken, a file is not in the dataset, or there
        is no tag yet.
    """

    def make(session: Session, dataset: Dataset) -> TagData:
        names = list(dict.fromkeys(fnames_new_tag))
        tag = tags.create_tag_from_filenames(
            session, dataset, names, new_tag_name, parent_tag_id=parent_tag_id
        )
        return tag_data(session, dataset, tag)

    return self._write_dataset(make)


def combine_tags(self: ApiSession, operation: str, tag_ids: list[str], new_tag_name: str) -> TagData:
    """Make a tag of others: their `UNION`, `INTERSECTION`, or `DIFFERENCE` (the first without the rest)."""

    def make(session: Session, dataset: Dataset) -> TagData:
        tag = tags.combine_tags(session, dataset, operation, tag_ids, new_tag_name)
        return tag_data(session, dataset, tag)

    return self._write_dataset(make)


def delete_tag_by_id(self: ApiSession, tag_id: str) -> None:
    """Delete a tag; no sample and no image goes with it.

    Raises
    ------
    ApiException
        If other tags stand on it, a run that was asked for compares with it, it is `initial-tag` (409), or a
        run of another user made it and the dataset is only shared with you (403).
    """

    def delete(session: Session, user: User) -> None:
        tags.delete_tag(session, get_dataset(session, user, dataset_id), tag_id, user)

    dataset_id = self.dataset_id
    self._write(delete)


def delete_tag_by_name(self: ApiSession, tag_name: str) -> None:
    """Delete a tag by its name."""
    delete_tag_by_id(self, get_tag_by_name(self, tag_name).id)


def _listed(session: Session, dataset: Dataset) -> list[TagData]:
    return [tag_data(session, dataset, one) for one in tags.get_tags(session, dataset)]
