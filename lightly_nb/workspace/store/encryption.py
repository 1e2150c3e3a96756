"""Credentials at rest: encrypted with a key that is not in the database.

The key is, in this order: what LIGHTLY_NB_KEY says; an entry of the system's keyring; the file `secrets.key`
(readable by its owner alone) in the workspace's folder. A new one goes to the keyring, or where there is none
(a server, a container) or LIGHTLY_NB_KEYRING is `off`, to the file. What is encrypted begins with the number
of its key (a hash of it), so that a wrong key is told from a damaged text.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lightly_nb.errors import WorkspaceError
from lightly_nb.workspace.store.schema import DatasourceConfig

KEY_FILE = "secrets.key"
SERVICE = "lightly_nb"
_VARIABLE = "LIGHTLY_NB_KEY"
_CURRENT = "current key"


def encrypt(session: Session, plain: bytes) -> bytes:
    """Return `plain` encrypted with the key of this workspace, which is made when nothing is encrypted yet.

    LIGHTLY_NB_KEY, where it is set, is that key, also when others were used before.

    Raises
    ------
    WorkspaceError
        If the key that other credentials of this workspace were encrypted with cannot be found.
    """
    from cryptography.fernet import Fernet

    folder, named = _folder(session), os.environ.get(_VARIABLE)
    stored = DatasourceConfig.secrets_encrypted
    other: bytes | None = session.scalar(select(stored).where(stored.is_not(None)).limit(1))
    if other and not named:
        key = _find(folder, _number_in(other))
    else:
        key = next(_keys(folder), None) or _make(folder)
    return _number(key).encode() + b":" + Fernet(key.encode()).encrypt(plain)


def decrypt(session: Session, encrypted: bytes) -> bytes:
    """Return what `encrypt` was given.

    Raises
    ------
    WorkspaceError
        If its key cannot be found, or it was changed since.
    """
    from cryptography.fernet import Fernet, InvalidToken

    key = _find(_folder(session), _number_in(encrypted))
    try:
        return Fernet(key.encode()).decrypt(encrypted.partition(b":")[2])
    except InvalidToken:
        raise WorkspaceError(
            "stored credentials are damaged: they were changed after they were encrypted; set the datasource "
            "again"
        ) from None


def _folder(session: Session) -> Path:
    folder: Path = session.info["folder"]
    return folder


def _number(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _number_in(encrypted: bytes) -> str:
    return encrypted.partition(b":")[0].decode("ascii", "replace")


def _find(folder: Path, number: str) -> str:
    """Return the key of that number."""
    found = next((key for key in _keys(folder, number) if _number(key) == number), None)
    if found is None:
        raise WorkspaceError(
            f"the key of the stored credentials (number {number}) is neither in LIGHTLY_NB_KEY, nor in this "
            f"system's keyring, nor in {folder / KEY_FILE}: run as the user who set the datasource, or take "
            "the key from there; if it is lost, set LIGHTLY_NB_KEY to a new one (docs/workspace.md) and set "
            "the datasources again"
        )
    return found


def _keys(folder: Path, number: str = _CURRENT) -> Iterator[str]:
    """Yield the keys at hand, the first the one to encrypt with."""
    if named := os.environ.get(_VARIABLE):
        yield _checked(named.strip(), _VARIABLE)
    keyring = _keyring()
    if keyring is not None:
        with suppress(keyring.errors.KeyringError):
            entry = number if number != _CURRENT else f"{_CURRENT} of {folder}"
            if kept := keyring.get_password(SERVICE, entry):
                yield kept
    try:
        yield _checked((folder / KEY_FILE).read_text(encoding="ascii", errors="replace").strip(), KEY_FILE)
    except FileNotFoundError:
        return
    except OSError as error:
        said = f"the key of the stored credentials, {folder / KEY_FILE}, cannot be read: {error.strerror}"
        raise WorkspaceError(f"{said}; only the user who made it may: run as that user") from None


def _make(folder: Path) -> str:
    """Make a key and keep it; where another process was faster, return that one's."""
    from cryptography.fernet import Fernet

    key = Fernet.generate_key().decode()
    keyring = _keyring()
    if keyring is not None:
        with suppress(keyring.errors.KeyringError):
            keyring.set_password(SERVICE, _number(key), key)
            keyring.set_password(SERVICE, f"{_CURRENT} of {folder}", key)
            return key
    return _keep_in_file(folder, key)


def _keep_in_file(folder: Path, key: str) -> str:
    """Write the key aside, then link it to its name: it is whole, and the first one stays."""
    aside = folder / f".{KEY_FILE}-{os.getpid()}-{_number(key)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(key + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            with suppress(FileExistsError):
                os.link(aside, folder / KEY_FILE)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        said = f"the key of the credentials cannot be written to {folder / KEY_FILE}: {error.strerror}"
        raise WorkspaceError(f"{said}; make that folder writable, or set LIGHTLY_NB_HOME") from None
    return _checked((folder / KEY_FILE).read_text(encoding="ascii").strip(), KEY_FILE)


def _checked(key: str, where: str) -> str:
    from cryptography.fernet import Fernet

    try:
        Fernet(key.encode())
    except ValueError:
        raise WorkspaceError(
            f"what {where} holds is not a key (32 bytes as url-safe base64); copy it whole from where it was "
            "made"
        ) from None
    return key


def _keyring() -> Any | None:
    """Return the package `keyring` when the system has a keyring that is safe, unless it is switched off."""
    if os.environ.get("LIGHTLY_NB_KEYRING", "").lower() in ("off", "0", "false", "no"):
        return None
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return None
    return keyring if keyring.get_keyring().priority >= 1 else None
