"""Tags: named subsets of a dataset, each written whole, in one transaction, and never changed afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import reduce
from typing import Any

import numpy as np
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lightly_nb.errors import (
    BadRequestException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
)
from lightly_nb.workspace.data.datasets import touch
from lightly_nb.workspace.data.samples import (
    Numbers,
    SampleRow,
    add_samples,
    count_samples,
    get_numbers,
    get_samples,
)
from lightly_nb.workspace.store.clock import later_than_all
from lightly_nb.workspace.store.engine import damage
from lightly_nb.workspace.store.schema import ComputeRun, Dataset, ScheduledRun, Tag, User

INITIAL_TAG = "initial-tag"

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9 .:;=@_-]+")
_SHORTEST, _LONGEST = 3, 254


class TagOperation(StrEnum):
    """What can be done with two sets of samples."""

    UNION = "UNION"
    INTERSECTION = "INTERSECTION"
    DIFFERENCE = "DIFFERENCE"


def create_run_tag(
    session: Session,
    dataset: Dataset,
    filenames: Sequence[str],
    *,
    run_id: str | None = None,
    name: str | None = None,
    prev_tag_id: str | None = None,
    metas: Mapping[str, dict[str, Any]] | None = None,
) -> Tag:
    """Make the tag of a run, adding its files to the dataset: `initial-tag` first, then one per run.

    Parameters
    ----------
    filenames : sequence of str
        The files of the tag, in the order that they were chosen in.
    name : str, optional
        Of any tag but the first; by default `run-` and the time (UTC).
    prev_tag_id : str, optional
        The tag that it stands on; by default `initial-tag`.
    metas : mapping, optional
        Metadata of new files, by file name.
    """
    initial = session.scalar(select(Tag.id).where(Tag.dataset_id == dataset.id, Tag.name == INITIAL_TAG))
    numbers = add_samples(session, dataset, filenames, metas)
    if initial is None:
        return _store(session, dataset, INITIAL_TAG, numbers, run_id=run_id)
    name = name or _free_name(session, dataset, f"run-{datetime.now(UTC):%Y-%m-%d-%H-%M-%S}")
    return _store(session, dataset, name, numbers, prev_tag_id=prev_tag_id or initial, run_id=run_id)


def create_tag_from_filenames(
    session: Session,
    dataset: Dataset,
    filenames: Sequence[str],
    name: str,
    *,
    parent_tag_id: str | None = None,
) -> Tag:
    """Make a tag of files that the dataset has, in their order, each once.

    Parameters
    ----------
    parent_tag_id : str, optional
        The tag that it stands on; by default `initial-tag`.

    Raises
    ------
    ConflictException
        If there is a tag of that name.
    BadRequestException
        If the dataset does not have some of the files, or has no tag yet, or the name is none.
    """
    parent = parent_tag_id or _initial_tag(session, dataset).id
    numbers = get_numbers(session, dataset, filenames)
    return _store(session, dataset, name, numbers, prev_tag_id=parent)


def combine_tags(
    session: Session, dataset: Dataset, operation: TagOperation | str, tag_ids: Sequence[str], name: str
) -> Tag:
    """Make a tag of other tags' samples: in any of them, in all, or in the first and none of the others.

    Samples keep the order of the first tag; those of the next follow in theirs.

    Raises
    ------
    ConflictException, BadRequestException, NotFoundException
        If the name is taken or none, the operation is none, a tag is not there or is given alone.
    """
    if len(tag_ids) < 2:
        raise BadRequestException(f"give two tags or more to combine, got {len(tag_ids)}")
    tags = [get_tag(session, dataset, tag_id=tag_id) for tag_id in tag_ids]
    operation = _checked_operation(operation)
    numbers = reduce(
        lambda left, right: combined(operation, left, right), [numbers_in_tag(session, tag) for tag in tags]
    )
    parent = _initial_tag(session, dataset) if operation is TagOperation.UNION else tags[0]
    return _store(session, dataset, name, numbers, prev_tag_id=parent.id)


def combined(operation: TagOperation, left: Numbers, right: Numbers) -> Numbers:
    """Return the union, intersection or difference, in the order of `left` and then of `right`.

    Examples
    --------
    >>> one, two = np.array([3, 1, 2], dtype=np.uint32), np.array([5, 1], dtype=np.uint32)
    >>> combined(TagOperation.UNION, one, two).tolist()
    [3, 1, 2, 5]
    >>> combined(TagOperation.DIFFERENCE, one, two).tolist()
    [3, 2]
    """
    if operation is TagOperation.UNION:
        return np.concatenate([left, right[~np.isin(right, left)]])
    in_both = np.isin(left, right)
    return left[in_both] if operation is TagOperation.INTERSECTION else left[~in_both]


def get_tags(session: Session, dataset: Dataset) -> Sequence[Tag]:
    """Return all tags of a dataset, the newest first, so that `initial-tag` is the last."""
    tags = select(Tag).where(Tag.dataset_id == dataset.id).order_by(Tag.created_at.desc(), Tag.id.desc())
    return sorted(session.scalars(tags), key=lambda tag: tag.name == INITIAL_TAG)


def get_tag(session: Session, dataset: Dataset, *, tag_id: str | None = None, name: str | None = None) -> Tag:
    """Return one tag by its id or its name.

    Raises
    ------
    NotFoundException
        If the dataset has none such; the message names those that it has.
    """
    wanted = Tag.id == tag_id if tag_id is not None else Tag.name == name
    tag = session.scalar(select(Tag).where(Tag.dataset_id == dataset.id, wanted))
    if tag is None:
        names = [repr(tag.name) for tag in get_tags(session, dataset)]
        shown = ", ".join(names[:10]) + (" …" if len(names) > 10 else "") or "none yet: run a job first"
        which = f"id {tag_id!r}" if tag_id is not None else f"name {name!r}"
        raise NotFoundException(
            f"the dataset {dataset.name!r} has no tag with the {which}; its tags: {shown}"
        )
    return tag


def numbers_in_tag(session: Session, tag: Tag) -> Numbers:
    """Return the numbers of a tag's samples, in its order, read-only."""
    content = session.scalar(select(Tag.members).where(Tag.id == tag.id)) or b""
    numbers: Numbers = np.frombuffer(content, dtype="<u4", count=len(content) // 4)
    if len(content) != 4 * tag.total or len(np.unique(numbers)) != tag.total:
        engine = session.get_bind().engine
        raise damage(engine, f"the tag {tag.name!r} has not the {tag.total} samples that it was made of")
    return numbers


def get_samples_in_tag(
    session: Session, dataset: Dataset, tag: Tag, *, exclude_parent_tag: bool = False
) -> list[SampleRow]:
    """Return a tag's samples, in its order.

    Parameters
    ----------
    exclude_parent_tag : bool
        Whether to leave out what is in the tag that it stands on.
    """
    numbers = numbers_in_tag(session, tag)
    if exclude_parent_tag and tag.prev_tag_id is not None:
        parent = get_tag(session, dataset, tag_id=tag.prev_tag_id)
        numbers = combined(TagOperation.DIFFERENCE, numbers, numbers_in_tag(session, parent))
    return get_samples(session, dataset, numbers)


def get_filenames_in_tag(
    session: Session, dataset: Dataset, tag: Tag, *, exclude_parent_tag: bool = False
) -> list[str]:
    """Return the file names of a tag's samples, in its order."""
    rows = get_samples_in_tag(session, dataset, tag, exclude_parent_tag=exclude_parent_tag)
    return [row.filename for row in rows]


def bit_mask_of(session: Session, dataset: Dataset, tag: Tag) -> str:
    """Return the tag as the platform writes it: bit n of a hex number is sample n of the dataset."""
    bits = np.zeros(count_samples(session, dataset), dtype=bool)
    bits[numbers_in_tag(session, tag)] = True
    return hex(int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little"))


def delete_tag(session: Session, dataset: Dataset, tag_id: str, user: User) -> None:
    """Delete a tag; no sample and no image goes with it.

    Raises
    ------
    ConflictException
        If other tags stand on it, a run that was asked for and has not ended compares with it, or it is
        `initial-tag`, which the dataset itself stands on.
    ForbiddenException
        If a run of another user made it, and the dataset is only shared with `user`.
    """
    tag = get_tag(session, dataset, tag_id=tag_id)
    run = session.get(ComputeRun, tag.run_id) if tag.run_id else None
    if run is not None and user.id not in (run.owner_id, dataset.owner_id):
        raise ForbiddenException(
            f"a run of another user made the tag {tag.name!r}, and the dataset {dataset.name!r} is shared "
            "with you: ask that user, or the owner of the dataset, to delete it"
        )
    if reader := next(_readers(session, dataset, tag), None):
        raise ConflictException(
            f"the scheduled run {reader} compares with the tag {tag.name!r} (SIMILARITY): wait for its end "
            "or cancel it first"
        )
    above = session.scalars(select(Tag.name).where(Tag.prev_tag_id == tag.id)).all()
    if above:
        shown = ", ".join(repr(name) for name in above[:10]) + (" …" if len(above) > 10 else "")
        raise ConflictException(f"the tags {shown} stand on the tag {tag.name!r}: delete them first")
    if tag.name == INITIAL_TAG:
        raise ConflictException(f"the dataset stands on {INITIAL_TAG!r}: delete the dataset, or keep the tag")
    session.execute(delete(Tag).where(Tag.id == tag.id))
    session.expunge(tag)
    touch(session, dataset)


def _readers(session: Session, dataset: Dataset, tag: Tag) -> Iterator[str]:
    """Yield the scheduled runs, waiting or under way, whose selection compares with a tag."""
    waiting = select(ScheduledRun).where(ScheduledRun.state.in_(("OPEN", "LOCKED")))
    for scheduled in session.scalars(waiting):
        for strategy in scheduled.selection_config.get("strategies", ()):
            read = strategy["input"]
            of = read.get("dataset_id") or scheduled.dataset_id
            if (of, read.get("tag_name")) == (dataset.id, tag.name):
                yield scheduled.id


def _store(
    session: Session,
    dataset: Dataset,
    name: str,
    numbers: Numbers,
    *,
    prev_tag_id: str | None = None,
    run_id: str | None = None,
) -> Tag:
    """Write a tag: the one place where that is done."""
    name = _checked_name(name)
    if session.scalar(select(Tag.id).where(Tag.dataset_id == dataset.id, Tag.name == name)):
        raise ConflictException(f"There already exists a tag with tag_name {name!r}: choose another name.")
    if prev_tag_id is not None:
        get_tag(session, dataset, tag_id=prev_tag_id)
    _, first = np.unique(numbers, return_index=True)
    members = numbers[np.sort(first)].astype("<u4")
    tag = Tag(
        dataset_id=dataset.id,
        name=name,
        prev_tag_id=prev_tag_id,
        run_id=run_id,
        total=len(members),
        members=members.tobytes(),
        created_at=later_than_all(session, Tag.created_at, Tag.dataset_id == dataset.id),
    )
    session.add(tag)
    session.flush()
    touch(session, dataset)
    return tag


def _initial_tag(session: Session, dataset: Dataset) -> Tag:
    tag = session.scalar(select(Tag).where(Tag.dataset_id == dataset.id, Tag.name == INITIAL_TAG))
    if tag is None:
        raise BadRequestException(
            f"There exists no {INITIAL_TAG} for the dataset {dataset.name!r}: the first run makes it; run a "
            "job first"
        )
    return tag


def _free_name(session: Session, dataset: Dataset, basename: str) -> str:
    names = {tag.name for tag in get_tags(session, dataset)}
    candidates = (basename if number == 0 else f"{basename}_{number}" for number in range(len(names) + 1))
    return next(name for name in candidates if name not in names)


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not _SHORTEST <= len(name) <= _LONGEST or not _NAME.fullmatch(name):
        raise BadRequestException(
            f"{name!r} cannot be the name of a tag: write {_SHORTEST} to {_LONGEST} letters, digits, blanks "
            "or any of .:;=@_- (a-z, A-Z, 0-9), starting with a letter or digit"
        )
    return name


def _checked_operation(operation: TagOperation | str) -> TagOperation:
    try:
        return TagOperation(operation)
    except ValueError:
        allowed = ", ".join(TagOperation)
        raise BadRequestException(f"{operation!r} is not a tag operation; there are {allowed}") from None
