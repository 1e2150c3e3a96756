"""What every method of the client stands on: who asks, the current dataset, and the ways to the store."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from pydantic import SecretStr
from sqlalchemy.orm import Session

from lightly_nb.api.enums import Creator
from lightly_nb.errors import NotFoundException
from lightly_nb.states import DatasetType
from lightly_nb.workspace.data.datasets import get_dataset, get_datasets
from lightly_nb.workspace.store.schema import Dataset, User
from lightly_nb.workspace.store.store import open_workspace, reading, transact
from lightly_nb.workspace.users.users import authenticate

P = ParamSpec("P")
R = TypeVar("R")


class ApiSession:
    """A client without its methods. `_read` and `_write` are the only ways to the store.

    Parameters are those of `ApiWorkflowClient`.
    """

    def __init__(
        self,
        token: str | None = None,
        dataset_id: str | None = None,
        embedding_id: str | None = None,
        creator: str = Creator.USER_PIP,
        *,
        url: str | os.PathLike[str] | None = None,
    ) -> None:
        text = token.get_secret_value() if isinstance(token, SecretStr) else token
        text = text or os.environ.get("LIGHTLY_TOKEN")
        self._token = SecretStr(text) if text else None
        self._workspace = open_workspace(url)
        self._dataset_id = dataset_id
        self.embedding_id = embedding_id
        self._creator = str(creator)
        authenticate(self._workspace, self._token)

    @property
    def dataset_id(self) -> str:
        """The dataset that methods are about; see the class."""
        if self._dataset_id is None:
            found = sorted(self._read(get_datasets), key=lambda one: one.last_modified_at)
            if not found:
                raise NotFoundException("you have no dataset yet; make one with create_dataset(name)")
            self._dataset_id = found[-1].id
            said = f"Dataset has not been specified, taking the last modified dataset {found[-1].name}."
            warnings.warn(said, UserWarning, stacklevel=2)
        return self._dataset_id

    @dataset_id.setter
    def dataset_id(self, dataset_id: str) -> None:
        self._read(get_dataset, dataset_id)
        self._dataset_id = dataset_id

    @property
    def dataset_type(self) -> DatasetType:
        """The type of the current dataset."""
        return DatasetType(self._read(get_dataset, self.dataset_id).type)

    @property
    def token(self) -> str | None:
        """The token, in plain text."""
        return self._token.get_secret_value() if self._token else None

    def _read(
        self, function: Callable[Concatenate[Session, User, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return `function(session, user, …)` as of one moment."""
        user = authenticate(self._workspace, self._token)
        with reading(self._workspace) as session:
            return function(session, user, *args, **kwargs)

    def _write(
        self, function: Callable[Concatenate[Session, User, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return `function(session, user, …)`, which may change the store: all of it or nothing."""
        user = authenticate(self._workspace, self._token)
        return transact(self._workspace, function, user, *args, **kwargs)

    def _read_dataset(
        self, function: Callable[Concatenate[Session, Dataset, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return `function(session, dataset, …)` for the current dataset, as of one moment."""
        return self._read(_of_dataset(self.dataset_id, function), *args, **kwargs)

    def _write_dataset(
        self, function: Callable[Concatenate[Session, Dataset, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return `function(session, dataset, …)` for the current dataset, which it may change."""
        return self._write(_of_dataset(self.dataset_id, function), *args, **kwargs)

    def _write_own_dataset(
        self, function: Callable[Concatenate[Session, Dataset, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Do the same where that is up to the owner of the dataset: others are refused."""
        return self._write(_of_dataset(self.dataset_id, function, to_own=True), *args, **kwargs)

    def _check_own_dataset(self) -> None:
        """Raise a `ForbiddenException` if the current dataset is only shared with this user."""
        self._read(get_dataset, self.dataset_id, to_own=True)


def _of_dataset(
    dataset_id: str, function: Callable[Concatenate[Session, Dataset, P], R], *, to_own: bool = False
) -> Callable[Concatenate[Session, User, P], R]:
    def of_user(session: Session, user: User, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return function(session, get_dataset(session, user, dataset_id, to_own=to_own), *args, **kwargs)

    return of_user
