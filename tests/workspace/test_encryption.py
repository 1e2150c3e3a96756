"""The key of stored credentials: where it is, who may read it, and what happens without it."""

from __future__ import annotations

import stat

import keyring
import keyring.backend
import keyring.errors
import pytest
from cryptography.fernet import Fernet

from lightly_nb.errors import WorkspaceError
from lightly_nb.workspace import reading, transact
from lightly_nb.workspace.data.datasets import create_dataset, get_datasets
from lightly_nb.workspace.data.datasource_kinds import datasource_settings
from lightly_nb.workspace.data.datasources import get_datasource, set_datasource
from lightly_nb.workspace.store.encryption import KEY_FILE
from lightly_nb.workspace.store.schema import DatasourceConfig
from lightly_nb.workspace.store.store import open_workspace
from lightly_nb.workspace.users.users import authenticate
from tests.workspace import killed
from tests.workspace.test_datasources import FIELDS, SECRET
from tests.workspace.test_kills import in_processes

S3 = datasource_settings("S3", **FIELDS["S3"])


def secret_of(workspace, dataset) -> str:
    with reading(workspace) as session:
        return get_datasource(session, dataset).secrets()["secret_access_key"]


def test_the_key_is_a_file_of_its_owner_alone_and_not_in_the_database(workspace, photos):
    transact(workspace, set_datasource, photos, S3)
    file = workspace.folder / KEY_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in workspace.folder.iterdir() if KEY_FILE in path.name] == [KEY_FILE]
    with reading(workspace) as session:
        encrypted = session.get_one(DatasourceConfig, (photos.id, "INPUT_OUTPUT")).secrets_encrypted
    assert encrypted is not None
    assert file.read_bytes().strip() not in encrypted
    assert secret_of(workspace, photos) == SECRET


def test_the_same_secret_is_never_encrypted_to_the_same_text(workspace, photos):
    def encrypted() -> bytes | None:
        return transact(workspace, set_datasource, photos, S3).secrets_encrypted

    assert encrypted() != encrypted()


def test_without_secrets_no_key_is_made(workspace, photos):
    transact(workspace, set_datasource, photos, datasource_settings("LOCAL"))
    assert not (workspace.folder / KEY_FILE).exists()


def test_a_missing_key_is_said_and_no_second_one_made(workspace, photos, ada):
    transact(workspace, set_datasource, photos, S3)
    key = (workspace.folder / KEY_FILE).read_text()
    (workspace.folder / KEY_FILE).unlink()
    other = transact(workspace, create_dataset, ada, "other")
    for doing in (
        lambda: secret_of(workspace, photos),
        lambda: transact(workspace, set_datasource, other, S3),
    ):
        with pytest.raises(
            WorkspaceError, match=r"the key of the stored credentials .*secrets\.key"
        ) as caught:
            doing()
        assert SECRET not in str(caught.value)
    assert not (workspace.folder / KEY_FILE).exists()
    (workspace.folder / KEY_FILE).write_text(key)
    assert secret_of(workspace, photos) == SECRET


OTHER_KEY = Fernet.generate_key().decode()


@pytest.mark.parametrize(
    "content", [OTHER_KEY, "not a key", "", "\x00é"], ids=["another key", "words", "empty", "bytes"]
)
def test_a_wrong_key_is_said(workspace, photos, content):
    transact(workspace, set_datasource, photos, S3)
    (workspace.folder / KEY_FILE).write_text(content)
    with pytest.raises(
        WorkspaceError, match=r"the key of the stored credentials|secrets\.key holds is not a key"
    ):
        secret_of(workspace, photos)


def test_a_key_of_the_environment_serves_several_machines(workspace, photos, monkeypatch, tmp_path):
    monkeypatch.setenv("LIGHTLY_NB_KEY", Fernet.generate_key().decode())
    transact(workspace, set_datasource, photos, S3)
    assert not (workspace.folder / KEY_FILE).exists()
    assert secret_of(workspace, photos) == SECRET
    monkeypatch.setenv("LIGHTLY_NB_KEY", "too short")
    with pytest.raises(WorkspaceError, match="what LIGHTLY_NB_KEY holds is not a key"):
        secret_of(workspace, photos)


def test_after_a_key_was_lost_the_datasources_can_be_set_again(workspace, photos, ada, monkeypatch):
    transact(workspace, set_datasource, photos, S3)
    other = transact(workspace, create_dataset, ada, "other")
    transact(workspace, set_datasource, other, S3)
    (workspace.folder / KEY_FILE).unlink()
    monkeypatch.setenv("LIGHTLY_NB_KEY", Fernet.generate_key().decode())
    transact(workspace, set_datasource, photos, S3)
    assert secret_of(workspace, photos) == SECRET
    with pytest.raises(WorkspaceError, match="if it is lost, set LIGHTLY_NB_KEY to a new one"):
        secret_of(workspace, other)


def test_damaged_credentials_are_said(workspace, photos):
    transact(workspace, set_datasource, photos, S3)

    def damage(session):
        row = session.get_one(DatasourceConfig, (photos.id, "INPUT_OUTPUT"))
        row.secrets_encrypted = row.secrets_encrypted[:-9] + b"AAAAAAAA="

    transact(workspace, damage)
    with pytest.raises(WorkspaceError, match=r"stored credentials are damaged.*set the datasource again"):
        secret_of(workspace, photos)


def test_several_processes_that_need_a_first_key_make_one(tmp_path):
    url = f"sqlite:///{tmp_path / 'store' / 'workspace.sqlite3'}"
    names = in_processes(killed.open_and_set_secrets, 4, url)
    workspace = open_workspace(url)
    with reading(workspace) as session:
        datasets = get_datasets(session, authenticate(workspace))
        secrets = {d.name: get_datasource(session, d).secrets()["secret_access_key"] for d in datasets}
    assert secrets == {name: f"hush-{name}" for name in names}
    assert len(secrets) == 4


# A keyring


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring of a desktop, in memory."""

    priority = 5  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")
        self.kept[service, username] = password


@pytest.fixture
def desktop(monkeypatch):
    before, mine = keyring.get_keyring(), MemoryKeyring()
    monkeypatch.setenv("LIGHTLY_NB_KEYRING", "on")
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def test_where_there_is_a_keyring_the_key_is_there(desktop, workspace, photos, ada):
    transact(workspace, set_datasource, photos, S3)
    assert not (workspace.folder / KEY_FILE).exists()
    assert len(set(desktop.kept.values())) == 1
    assert secret_of(workspace, photos) == SECRET
    other = transact(workspace, create_dataset, ada, "other")
    transact(workspace, set_datasource, other, S3)
    assert len(set(desktop.kept.values())) == 1
    desktop.locked = True
    with pytest.raises(WorkspaceError, match="neither in LIGHTLY_NB_KEY, nor in this system's keyring"):
        secret_of(workspace, photos)


def test_a_locked_keyring_is_not_waited_for(desktop, workspace, photos):
    desktop.locked = True
    transact(workspace, set_datasource, photos, S3)
    assert (workspace.folder / KEY_FILE).exists()
    desktop.locked = False
    assert secret_of(workspace, photos) == SECRET


def test_a_keyring_can_be_switched_off(desktop, workspace, photos, monkeypatch):
    monkeypatch.setenv("LIGHTLY_NB_KEYRING", "off")
    transact(workspace, set_datasource, photos, S3)
    assert desktop.kept == {}
    assert (workspace.folder / KEY_FILE).exists()
