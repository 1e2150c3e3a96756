"""The tables of the store. What they hold is changed only by the functions of this room.

Ids are 24 hex digits, as the platform's; times are Unix milliseconds (UTC), as in the platform's answers.
Texts that a person gave (configurations, labels, settings) are JSON. Nothing here is a secret in plain text:
`User.token_hash` is a hash, `DatasourceConfig.secrets_encrypted` is encrypted.

A change to a table needs a new file in `migrations/versions`; the versions that exist are never edited.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = "0001"
"""The last file in `migrations/versions`."""

ID_LENGTH = 24


def new_id() -> str:
    """Return a new id: 4 bytes of time, so that ids sort by age, and 8 random bytes; 24 hex digits.

    Examples
    --------
    >>> len(new_id()), new_id() == new_id()
    (24, False)
    """
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def now_ms() -> int:
    """Return the time as the store keeps it: milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


class Base(DeclarativeBase):
    """What all tables share: the names of constraints, so that a migration can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own form
        int: BigInteger,
        dict[str, Any]: JSON(none_as_null=True),
        list[str]: JSON(none_as_null=True),
    }

    def __repr__(self) -> str:
        """Name the row by its key alone: no value of a row can leak into a log."""
        keys = {column.name: getattr(self, column.name) for column in self.__table__.primary_key}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in keys.items())})"


def _id() -> Mapped[str]:
    return mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)


def _reference(column: str, *, on_delete: str = "CASCADE", **options: Any) -> Mapped[Any]:
    return mapped_column(String(ID_LENGTH), ForeignKey(column, ondelete=on_delete), **options)


class User(Base):
    """Someone with a token. `email` is in lower case."""

    __tablename__ = "users"

    id: Mapped[str] = _id()
    email: Mapped[str] = mapped_column(String(254), unique=True)
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    """SHA-256 of the token in hex; None: no token was given out."""
    login: Mapped[str | None] = mapped_column(String(254), unique=True)
    """On a local store, the login of this machine that is this user without a token."""
    created_at: Mapped[int] = mapped_column(default=now_ms)


class Dataset(Base):
    """A named set of samples, with its datasources, runs and tags."""

    __tablename__ = "datasets"
    __table_args__ = (UniqueConstraint("owner_id", "name"),)

    id: Mapped[str] = _id()
    name: Mapped[str] = mapped_column(String(254))
    type: Mapped[str] = mapped_column(String(32))
    """A `DatasetType`."""
    owner_id: Mapped[str] = _reference("users.id", on_delete="RESTRICT")
    parent_id: Mapped[str | None] = _reference("datasets.id", on_delete="SET NULL", index=True)
    """The dataset whose images these crops were cut from."""
    crop_info: Mapped[dict[str, Any] | None]
    """How the crops were cut (task, padding); None for anything but crops."""
    created_at: Mapped[int] = mapped_column(default=now_ms)
    last_modified_at: Mapped[int] = mapped_column(default=now_ms, onupdate=now_ms)


class Share(Base):
    """A dataset is open to the user of an e-mail address, who may come later."""

    __tablename__ = "shares"

    dataset_id: Mapped[str] = _reference("datasets.id", primary_key=True)
    email: Mapped[str] = mapped_column(String(254), primary_key=True, index=True)


class DatasourceConfig(Base):
    """Where a dataset's files are, for one purpose."""

    __tablename__ = "datasource_configs"

    dataset_id: Mapped[str] = _reference("datasets.id", primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32), primary_key=True)
    """A `DatasourcePurpose`."""
    id: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(32))
    """A key of `datasources.KINDS`."""
    settings: Mapped[dict[str, Any]]
    """The fields that are no secrets."""
    secrets_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The secret fields as encrypted JSON; None when the kind has none."""
    last_processed: Mapped[dict[str, Any] | None]
    """How far the datapool has read this datasource; the run that reads it decides what stands here."""


class Worker(Base):
    """A machine that waits for runs."""

    __tablename__ = "workers"
    __table_args__ = (UniqueConstraint("owner_id", "name"),)

    id: Mapped[str] = _id()
    name: Mapped[str] = mapped_column(String(254))
    owner_id: Mapped[str] = _reference("users.id", on_delete="RESTRICT")
    labels: Mapped[list[str]]
    state: Mapped[str] = mapped_column(String(32), default="OFFLINE")
    """OFFLINE, CRASHED, IDLE or BUSY."""
    process: Mapped[dict[str, Any] | None]
    """Which process of which machine holds this id (`processes.this_process`); None: none."""
    created_at: Mapped[int] = mapped_column(default=now_ms)
    last_modified_at: Mapped[int] = mapped_column(default=now_ms, onupdate=now_ms)
    last_seen_at: Mapped[int | None]


class ScheduledRun(Base):
    """A run that was asked for, with its three configurations as parsed."""

    __tablename__ = "scheduled_runs"
    __table_args__ = (Index(None, "state", "priority", "created_at"),)

    id: Mapped[str] = _id()
    dataset_id: Mapped[str] = _reference("datasets.id", index=True)
    owner_id: Mapped[str] = _reference("users.id", on_delete="RESTRICT")
    creator: Mapped[str] = mapped_column(String(32), default="USER_PIP")
    priority: Mapped[int]
    """The higher, the sooner."""
    runs_on: Mapped[list[str]]
    """A worker takes the run only when it has all of these labels."""
    state: Mapped[str] = mapped_column(String(32), default="OPEN")
    """OPEN, LOCKED, DONE or CANCELED."""
    worker_id: Mapped[str | None] = _reference("workers.id", on_delete="SET NULL")
    lock_token: Mapped[str | None] = mapped_column(String(64))
    locked_until: Mapped[int | None]
    worker_config: Mapped[dict[str, Any]]
    lightly_config: Mapped[dict[str, Any]]
    selection_config: Mapped[dict[str, Any]]
    created_at: Mapped[int] = mapped_column(default=now_ms)
    last_modified_at: Mapped[int] = mapped_column(default=now_ms, onupdate=now_ms)


class ComputeRun(Base):
    """A run that a worker has taken."""

    __tablename__ = "compute_runs"

    id: Mapped[str] = _id()
    dataset_id: Mapped[str] = _reference("datasets.id", index=True)
    scheduled_run_id: Mapped[str | None] = _reference("scheduled_runs.id", unique=True)
    """Unique: whatever else goes wrong, a run that was asked for starts once."""
    worker_id: Mapped[str | None] = _reference("workers.id", on_delete="SET NULL")
    owner_id: Mapped[str] = _reference("users.id", on_delete="RESTRICT")
    state: Mapped[str] = mapped_column(String(64))
    """A `RunState`: that of the last change."""
    message: Mapped[str | None] = mapped_column(Text)
    run_folder: Mapped[str | None] = mapped_column(Text)
    """Absolute path on the worker's machine."""
    process: Mapped[dict[str, Any] | None]
    """Which process of which machine works, or worked, on it (`processes.this_process`)."""
    abort_requested: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[int] = mapped_column(default=now_ms)
    last_modified_at: Mapped[int] = mapped_column(default=now_ms, onupdate=now_ms)
    ended_at: Mapped[int | None]


class RunStateChange(Base):
    """One step of a run's history, numbered from 0."""

    __tablename__ = "run_state_changes"

    run_id: Mapped[str] = _reference("compute_runs.id", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    time: Mapped[int] = mapped_column(default=now_ms)
    state: Mapped[str] = mapped_column(String(64))
    message: Mapped[str | None] = mapped_column(Text)


class Artifact(Base):
    """A file that a run offers for download."""

    __tablename__ = "artifacts"

    id: Mapped[str] = _id()
    run_id: Mapped[str] = _reference("compute_runs.id", index=True)
    type: Mapped[str] = mapped_column(String(64))
    file_name: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    """Absolute path on the worker's machine."""
    created_at: Mapped[int] = mapped_column(default=now_ms)


class Sample(Base):
    """One file of a dataset. `number` counts from 0 in the order in which runs brought them, without gaps."""

    __tablename__ = "samples"
    __table_args__ = (UniqueConstraint("dataset_id", "filename"),)

    dataset_id: Mapped[str] = _reference("datasets.id", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    filename: Mapped[str] = mapped_column(Text)
    meta: Mapped[dict[str, Any] | None]


class Tag(Base):
    """A named subset of a dataset's samples, in an order; never changed once made."""

    __tablename__ = "tags"
    __table_args__ = (UniqueConstraint("dataset_id", "name"),)

    id: Mapped[str] = _id()
    dataset_id: Mapped[str] = _reference("datasets.id")
    name: Mapped[str] = mapped_column(String(254))
    prev_tag_id: Mapped[str | None] = _reference("tags.id", on_delete="NO ACTION", index=True)
    """The tag that this one stands on; None for `initial-tag`."""
    run_id: Mapped[str | None] = _reference("compute_runs.id", on_delete="SET NULL")
    total: Mapped[int]
    """How many samples the tag has."""
    members: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)
    """The samples' numbers in the tag's order, little-endian uint32; read through `tags.numbers_in_tag`.
    A million samples are 4 MB in one row, which is whole or absent."""
    created_at: Mapped[int] = mapped_column(default=now_ms)
