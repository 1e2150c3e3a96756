"""Users and their tokens: who asks.

A token is 256 random bits, so a plain SHA-256 of it is safe to keep: there is nothing to guess, and a slow
hash (as for passwords, which people choose) would only slow down every call.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import secrets
from collections.abc import Sequence

from pydantic import SecretStr
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from lightly_nb.errors import (
    BadRequestException,
    ConflictException,
    NotFoundException,
    UnauthorizedException,
)
from lightly_nb.workspace.store.schema import ComputeRun, Dataset, ScheduledRun, Share, User, Worker
from lightly_nb.workspace.store.store import Workspace, reading, transact

TOKEN_PREFIX = "lnb_"
"""Lets a scanner for leaked secrets find a token, and keeps a command line from reading it as a number."""


def authenticate(workspace: Workspace, token: str | SecretStr | None = None) -> User:
    """Return the user of a token.

    Without a token, on a workspace that is a file of this machine, it is the user of this login: made on
    first use, as long as no other user has a token there.

    Raises
    ------
    UnauthorizedException
        If the token is not known, or there is none where one is needed.
    """
    text = token.get_secret_value() if isinstance(token, SecretStr) else token
    with reading(workspace) as session:
        user = _user_of_token(session, text) if text else _user_of_login(session)
        needs_token = not workspace.is_local or _any_token(session)
    if user is not None:
        return user
    if text:
        raise UnauthorizedException(
            f"this token is not one of the workspace {workspace.url}; check it, or make a new one "
            "(lightly-nb user rotate EMAIL; for a new user, lightly-nb user add EMAIL)"
        )
    if needs_token:
        raise UnauthorizedException(
            f"the workspace {workspace.url} needs a token: pass token=... or set LIGHTLY_TOKEN "
            "(lightly-nb user add EMAIL prints one)"
        )
    return transact(workspace, _local_user)


def add_user(session: Session, email: str, *, me: bool = False) -> tuple[User, SecretStr]:
    """Make a user; return it with its token, which cannot be shown again.

    Parameters
    ----------
    email : str
        Compared without regard to case.
    me : bool
        Whether this is the user of this login, whom a local workspace knows without a token. What that login
        did without a token is then this user's.

    Raises
    ------
    ConflictException
        If there is such a user, or (`me`) this login has a user with a token.
    BadRequestException
        If the e-mail address is none, or (`me`) the workspace is not local.
    """
    address = checked_email(email)
    if session.scalar(select(User.id).where(User.email == address)):
        said = f"there is a user {address} already; lightly-nb user rotate {address} makes a new token"
        raise ConflictException(said)
    user = _mine(session) if me else User()
    user.email = address
    token = _give_token(user)
    session.add(user)
    session.flush()
    return user, token


def rotate_token(session: Session, email: str) -> SecretStr:
    """Return a new token for a user; the old one is worth nothing from now on."""
    return _give_token(get_user(session, email))


def remove_user(session: Session, email: str, *, with_datasets: bool = False) -> None:
    """Remove a user, its token and its workers, and what others shared with it.

    Runs that it started on other users' datasets stay there, as their owners'.

    Raises
    ------
    ConflictException
        If it owns datasets, unless `with_datasets`: they are deleted too.
    NotFoundException
        If there is no such user.
    """
    user = get_user(session, email)
    names = session.scalars(select(Dataset.name).where(Dataset.owner_id == user.id)).all()
    if names and not with_datasets:
        shown = ", ".join(repr(name) for name in names[:5]) + (" …" if len(names) > 5 else "")
        raise ConflictException(
            f"{user.email} owns {len(names)} datasets ({shown}): delete them first, or remove the user with "
            "them (lightly-nb user remove --with-datasets)"
        )
    session.execute(delete(Dataset).where(Dataset.owner_id == user.id))
    for table in (ComputeRun, ScheduledRun):
        owner = select(Dataset.owner_id).where(Dataset.id == table.dataset_id).scalar_subquery()
        session.execute(update(table).where(table.owner_id == user.id).values(owner_id=owner))
    session.execute(delete(Worker).where(Worker.owner_id == user.id))
    session.execute(delete(Share).where(Share.email == user.email))
    session.delete(user)
    session.flush()


def get_users(session: Session) -> Sequence[User]:
    """Return all users, by e-mail address."""
    return session.scalars(select(User).order_by(User.email)).all()


def get_user(session: Session, email: str) -> User:
    """Return the user of an e-mail address.

    Raises
    ------
    NotFoundException
        If there is none.
    """
    user = session.scalar(select(User).where(User.email == checked_email(email)))
    if user is None:
        raise NotFoundException(f"there is no user {checked_email(email)}; lightly-nb user list names them")
    return user


def _give_token(user: User) -> SecretStr:
    token = _new_token()
    user.token_hash = _hash(token)
    return SecretStr(token)


def _new_token() -> str:
    return TOKEN_PREFIX + secrets.token_hex(32)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _user_of_token(session: Session, token: str) -> User | None:
    """Look the hash up: how long that takes tells about the hash, from which no token can be made."""
    wanted = _hash(token)
    user = session.scalar(select(User).where(User.token_hash == wanted))
    return user if user and secrets.compare_digest(user.token_hash or "", wanted) else None


def _user_of_login(session: Session) -> User | None:
    if not _is_local(session):
        return None
    return session.scalar(select(User).where(User.login == _login()))


def _any_token(session: Session) -> bool:
    return session.scalar(select(User.id).where(User.token_hash.is_not(None)).limit(1)) is not None


def _is_local(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _local_user(session: Session) -> User:
    """Return the user of this login, made if need be."""
    user = _user_of_login(session)
    if user is None:
        login = _login()
        name = re.sub(r"[^a-z0-9._+-]", "-", login.lower())[:64] or "me"
        user = User(email=f"{name}@localhost", login=login)
        session.add(user)
        session.flush()
    return user


def _mine(session: Session) -> User:
    """Return the user of this login for `add_user` to fill in: the one there is, or a new one."""
    if not _is_local(session):
        raise BadRequestException(
            "only on a workspace in a folder of this machine can a login be a user without a token"
        )
    user = _user_of_login(session)
    if user is not None and user.token_hash is not None:
        said = f"this login is the user {user.email} already"
        raise ConflictException(f"{said}; lightly-nb user rotate {user.email} makes a new token")
    return user or User(login=_login())


def _login() -> str:
    """Return the name of the account that runs this process, not what the environment says of it."""
    try:
        import pwd
    except ImportError:  # Windows
        return getpass.getuser()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a name
        return f"uid{os.getuid()}"


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


_EMAIL = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)*{_LABEL}")


_LONGEST = 254


def checked_email(email: str) -> str:
    """Return an e-mail address in lower case and without blanks around it.

    The rule is that of HTML's e-mail field; `me@localhost` is one.

    Raises
    ------
    BadRequestException
        If it is none.

    Examples
    --------
    >>> checked_email(" Ada@Example.com ")
    'ada@example.com'
    """
    text = email.strip() if isinstance(email, str) else ""
    if len(text) > _LONGEST or not _EMAIL.fullmatch(text):
        raise BadRequestException(f"{email!r} is not an e-mail address; write it like name@example.com")
    return text.lower()
