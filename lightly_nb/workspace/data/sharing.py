"""Sharing a dataset with other users by their e-mail addresses."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lightly_nb.errors import BadRequestException
from lightly_nb.workspace.data.datasets import get_dataset
from lightly_nb.workspace.store.schema import Share, User
from lightly_nb.workspace.users.users import checked_email


def share_dataset_only_with(
    session: Session, user: User, dataset_id: str, user_emails: Iterable[str]
) -> None:
    """Share a dataset with exactly these users: the list replaces the one before, `[]` revokes all.

    An address need not belong to a user yet. The owner always has access and is left out of the list.

    Raises
    ------
    BadRequestException
        If an e-mail address is none; nothing is changed then.
    NotFoundException, ForbiddenException
        If this user does not see the dataset, or does not own it.
    """
    dataset = get_dataset(session, user, dataset_id, to_own=True)
    if isinstance(user_emails, str | bytes):
        raise BadRequestException(
            f"user_emails is a list of e-mail addresses, got {user_emails!r}; write [...]"
        )
    emails = {checked_email(email) for email in user_emails} - {user.email}
    session.execute(delete(Share).where(Share.dataset_id == dataset.id))
    session.add_all(Share(dataset_id=dataset.id, email=email) for email in sorted(emails))
    session.flush()


def get_shared_users(session: Session, user: User, dataset_id: str) -> list[str]:
    """Return the e-mail addresses that a dataset is shared with, in alphabetical order, without the owner."""
    dataset = get_dataset(session, user, dataset_id)
    emails = select(Share.email).where(Share.dataset_id == dataset.id).order_by(Share.email)
    return list(session.scalars(emails))
