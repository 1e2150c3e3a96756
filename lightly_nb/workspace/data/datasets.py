"""Datasets: named, with one owner, seen by that owner and those it is shared with, and by nobody else.

Whoever holds a `Dataset` was let in by `get_dataset`, `get_datasets` or a function that makes one; the
functions on tags, samples and datasources take it as their proof.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from lightly_nb.errors import (
    BadRequestException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
)
from lightly_nb.states import END_STATES, DatasetType
from lightly_nb.workspace.store.clock import later_than_all
from lightly_nb.workspace.store.schema import ComputeRun, Dataset, Share, User, now_ms

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9 _-]+")
_SHORTEST, _LONGEST = 3, 254


def create_dataset(
    session: Session,
    user: User,
    name: str,
    dataset_type: DatasetType | str = DatasetType.IMAGES,
    *,
    parent_id: str | None = None,
    crop_info: dict[str, Any] | None = None,
) -> Dataset:
    """Make a dataset of this user.

    Parameters
    ----------
    name : str
        3 to 254 of `a-z A-Z 0-9`, blank, `_` and `-`, the first a letter or digit.
    parent_id : str, optional
        For crops: the dataset whose images they are cut from.
    crop_info : dict, optional
        For crops: how they were cut.

    Raises
    ------
    ConflictException
        If this user has a dataset of that name.
    BadRequestException
        If the name or the type is none.
    """
    name = checked_name(name)
    if _name_taken(session, user, name):
        raise ConflictException(
            f"A dataset with the name {name!r} already exists! Use set_dataset_id_by_name() to go on with it "
            "or create_new_dataset_with_unique_name() for another one."
        )
    dataset = Dataset(
        name=name,
        type=_checked_type(dataset_type),
        owner_id=user.id,
        parent_id=parent_id,
        crop_info=crop_info,
        created_at=later_than_all(session, Dataset.created_at, Dataset.owner_id == user.id),
    )
    session.add(dataset)
    session.flush()
    return dataset


def create_dataset_with_unique_name(
    session: Session,
    user: User,
    basename: str,
    dataset_type: DatasetType | str = DatasetType.IMAGES,
    **options: Any,
) -> Dataset:
    """Make a dataset named `basename`, or `basename_1`, `basename_2` and so on, the first that is free."""
    name, number = checked_name(basename), 0
    while _name_taken(session, user, name):
        number += 1
        name = f"{basename}_{number}"
    return create_dataset(session, user, name, dataset_type, **options)


def get_dataset(session: Session, user: User, dataset_id: str, *, to_own: bool = False) -> Dataset:
    """Return a dataset that this user owns or that is shared with this user.

    Parameters
    ----------
    to_own : bool
        Whether what follows is for its owner alone.

    Raises
    ------
    NotFoundException
        If there is none, or this user may not see it; the answer is the same.
    ForbiddenException
        If it is shared with this user, and `to_own`.
    """
    dataset = session.scalar(select(Dataset).where(Dataset.id == dataset_id, _seen_by(user)))
    if dataset is None:
        said = f"there is no dataset with the id {dataset_id!r} among yours and those shared with you"
        raise NotFoundException(said)
    if to_own and dataset.owner_id != user.id:
        raise ForbiddenException(
            f"the dataset {dataset.name!r} is shared with you; deleting and sharing it, and changing what "
            "its runs read (datasources, predictions, metadata, embeddings), is up to its owner: ask "
            f"{session.get_one(User, dataset.owner_id).email}"
        )
    return dataset


def get_datasets(
    session: Session, user: User, *, name: str | None = None, shared: bool | None = False
) -> Sequence[Dataset]:
    """Return datasets, the oldest first.

    Parameters
    ----------
    name : str, optional
        Only those of exactly this name.
    shared : bool or None
        False: those this user owns. True: those that others share with this user. None: both.
    """
    chosen: list[ColumnElement[bool]] = [_seen_by(user)]
    if shared is not None:
        chosen.append((Dataset.owner_id != user.id) if shared else (Dataset.owner_id == user.id))
    if name is not None:
        chosen.append(Dataset.name == name)
    return session.scalars(select(Dataset).where(*chosen).order_by(Dataset.created_at, Dataset.id)).all()


def delete_dataset(session: Session, user: User, dataset_id: str) -> None:
    """Delete a dataset with its tags, samples, datasource settings and runs; no image is touched.

    Raises
    ------
    ConflictException
        If a run is at work on it.
    """
    dataset = get_dataset(session, user, dataset_id, to_own=True)
    at_work = select(ComputeRun.id).where(
        ComputeRun.dataset_id == dataset.id, ComputeRun.state.not_in(sorted(END_STATES))
    )
    if run_id := session.scalar(at_work.limit(1)):
        raise ConflictException(
            f"the run {run_id} is at work on the dataset {dataset.name!r}: abort it or wait for its end, "
            "then delete the dataset"
        )
    session.execute(delete(Dataset).where(Dataset.id == dataset.id))
    session.expunge(dataset)


def touch(session: Session, dataset: Dataset) -> None:
    """Note that what belongs to the dataset has changed."""
    session.execute(update(Dataset).where(Dataset.id == dataset.id).values(last_modified_at=now_ms()))


def checked_name(name: str, *, what: str = "dataset") -> str:
    """Return the name of a dataset (or of `what`) as it is, or refuse it as the platform does."""
    if not isinstance(name, str) or not _SHORTEST <= len(name) <= _LONGEST or not _NAME.fullmatch(name):
        raise BadRequestException(
            f"{name!r} cannot be the name of a {what}: write {_SHORTEST} to {_LONGEST} letters, digits, "
            "blanks, '_' or '-' (a-z, A-Z, 0-9), starting with a letter or digit"
        )
    return name


def _checked_type(dataset_type: DatasetType | str) -> str:
    try:
        return DatasetType(dataset_type).value
    except ValueError:
        allowed = ", ".join(repr(one.value) for one in DatasetType)
        said = f"{dataset_type!r} is not a type of dataset; there are {allowed} (see DatasetType)"
        raise BadRequestException(said) from None


def _name_taken(session: Session, user: User, name: str) -> bool:
    return (
        session.scalar(select(Dataset.id).where(Dataset.owner_id == user.id, Dataset.name == name))
        is not None
    )


def _seen_by(user: User) -> ColumnElement[bool]:
    shared = select(Share.dataset_id).where(Share.email == user.email)
    return or_(Dataset.owner_id == user.id, Dataset.id.in_(shared))
