"""The samples of a dataset: file names in a fixed order, numbered from 0, a million of them in seconds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from lightly_nb.errors import BadRequestException
from lightly_nb.workspace.data.datasets import touch
from lightly_nb.workspace.store.engine import damage
from lightly_nb.workspace.store.schema import Base, Dataset, Sample

Numbers = NDArray[np.uint32]
T = TypeVar("T")

_TABLE = Base.metadata.tables["samples"]

_FEW = 5_000
"""Up to so many rows are asked for one by one; for more, all of the dataset are read."""
_AT_ONCE = 500
_INSERTED_AT_ONCE = 50_000
_NAMED = 10


class SampleRow(NamedTuple):
    """What the store knows of one sample."""

    number: int
    filename: str
    meta: dict[str, Any] | None


def add_samples(
    session: Session,
    dataset: Dataset,
    filenames: Sequence[str],
    metas: Mapping[str, dict[str, Any]] | None = None,
) -> Numbers:
    """Add the files that the dataset does not have yet, in their order.

    Parameters
    ----------
    filenames : sequence of str
        Relative to INPUT. What the dataset has already keeps its number.
    metas : mapping, optional
        Metadata by file name, for files that are new. `set_metas` changes that of others.

    Returns
    -------
    numbers : (len(filenames),) uint32
        The samples' numbers, one for each name.
    """
    known = _numbers_by_name(session, dataset, filenames)
    first = count_samples(session, dataset)
    fresh = [name for name in dict.fromkeys(filenames) if name not in known]
    known.update((name, first + number) for number, name in enumerate(fresh))
    metas = metas or {}
    _insert(session, [(dataset.id, known[name], name, metas.get(name)) for name in fresh])
    touch(session, dataset)
    return np.array([known[name] for name in filenames], dtype=np.uint32)


def count_samples(session: Session, dataset: Dataset) -> int:
    """Return how many samples the dataset has."""
    of_dataset = select(func.max(Sample.number)).where(Sample.dataset_id == dataset.id)
    last = session.scalar(of_dataset)
    return 0 if last is None else last + 1


def get_filenames(session: Session, dataset: Dataset) -> list[str]:
    """Return all file names of the dataset, in the order of their numbers."""
    return [row.filename for row in get_samples(session, dataset)]


def get_samples(session: Session, dataset: Dataset, numbers: Numbers | None = None) -> list[SampleRow]:
    """Return samples by their numbers, in that order; None: all, in the order of their numbers."""
    columns = select(Sample.number, Sample.filename, Sample.meta).where(Sample.dataset_id == dataset.id)
    if numbers is None or len(numbers) > _FEW:
        rows = [SampleRow(*row) for row in session.execute(columns.order_by(Sample.number))]
        if numbers is None:
            return rows
        found = {row.number: row for row in rows}
        return [_known(session, dataset, found, number) for number in numbers.tolist()]
    found = {}
    for some in _batches(numbers.tolist(), _AT_ONCE):
        found |= {row[0]: SampleRow(*row) for row in session.execute(columns.where(Sample.number.in_(some)))}
    return [_known(session, dataset, found, number) for number in numbers.tolist()]


def _known(session: Session, dataset: Dataset, found: Mapping[int, SampleRow], number: int) -> SampleRow:
    if number not in found:
        raise damage(session.get_bind().engine, f"the dataset {dataset.name!r} has lost its sample {number}")
    return found[number]


def get_numbers(session: Session, dataset: Dataset, filenames: Sequence[str]) -> Numbers:
    """Return the numbers of files, one for each name.

    Raises
    ------
    BadRequestException
        If the dataset does not have some of them; the first ten are named.
    """
    known = _numbers_by_name(session, dataset, filenames)
    unknown = [name for name in dict.fromkeys(filenames) if name not in known]
    if unknown:
        shown = ", ".join(repr(name) for name in unknown[:_NAMED]) + (" …" if len(unknown) > _NAMED else "")
        example = select(Sample.filename).where(Sample.dataset_id == dataset.id, Sample.number == 0)
        raise BadRequestException(
            f"{len(unknown)} of {len(filenames)} filenames are not in the dataset {dataset.name!r}: {shown}; "
            f"a filename in it is {session.scalar(example)!r}"
        )
    return np.array([known[name] for name in filenames], dtype=np.uint32)


def set_metas(session: Session, dataset: Dataset, metas: Mapping[str, dict[str, Any]]) -> None:
    """Replace the metadata of samples, by file name.

    Raises
    ------
    BadRequestException
        If the dataset does not have some of the files.
    """
    numbers = get_numbers(session, dataset, list(metas))
    if not metas:
        return
    mine = (_TABLE.c.dataset_id == dataset.id) & (_TABLE.c.number == bindparam("its_number"))
    changes = [{"its_number": int(n), "meta": meta} for n, meta in zip(numbers, metas.values(), strict=True)]
    session.connection().execute(_TABLE.update().where(mine).values(meta=bindparam("meta")), changes)
    touch(session, dataset)


def _numbers_by_name(session: Session, dataset: Dataset, filenames: Sequence[str]) -> dict[str, int]:
    """Return the numbers of those `filenames` that the dataset has (and of others, when there are many)."""
    columns = select(Sample.filename, Sample.number).where(Sample.dataset_id == dataset.id)
    if len(filenames) > _FEW:
        return {name: number for name, number in session.execute(columns)}  # noqa: C416
    found: dict[str, int] = {}
    for some in _batches(filenames, _AT_ONCE):
        rows = session.execute(columns.where(Sample.filename.in_(some)))
        found |= {name: number for name, number in rows}  # noqa: C416 - dict() takes a result for a mapping
    return found


def _insert(session: Session, rows: Sequence[tuple[str, int, str, dict[str, Any] | None]]) -> None:
    connection = session.connection()
    if connection.dialect.driver == "psycopg":  # four times as fast as INSERT there
        columns = "samples (dataset_id, number, filename, meta)"
        cursor: Any = connection.connection.cursor()
        with cursor, cursor.copy(f"COPY {columns} FROM STDIN") as copy:
            for dataset_id, number, filename, meta in rows:
                copy.write_row((dataset_id, number, filename, None if meta is None else json.dumps(meta)))
        if len(rows) > _FEW:  # or look-ups are slow until the server takes notice by itself
            connection.exec_driver_sql("ANALYZE samples")
        return
    for some in _batches(rows, _INSERTED_AT_ONCE):
        keys = ("dataset_id", "number", "filename", "meta")
        connection.execute(_TABLE.insert(), [dict(zip(keys, row, strict=True)) for row in some])


def _batches(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (values[start : start + size] for start in range(0, len(values), size))
