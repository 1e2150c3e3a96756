"""A workspace of its own for every test of the client, with two users and a dataset that has tags."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightly_nb.api import ApiWorkflowClient, DatasourcePurpose
from lightly_nb.workspace import open_workspace, transact
from lightly_nb.workspace.data.datasets import get_dataset
from lightly_nb.workspace.data.tags import create_run_tag
from lightly_nb.workspace.users.users import add_user
from tests.photos import write_photographs

N = 12


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace that no person uses, in a current folder that is empty."""
    for name in ("LIGHTLY_NB_URL", "LIGHTLY_NB_KEY", "LIGHTLY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LIGHTLY_NB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIGHTLY_NB_KEYRING", "off")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home"


@pytest.fixture
def client(home: Path) -> ApiWorkflowClient:
    """Ada's client, without a dataset."""
    return ApiWorkflowClient(new_token("ada@example.com"))


@pytest.fixture
def bob(client: ApiWorkflowClient) -> ApiWorkflowClient:
    """Another user's client."""
    return ApiWorkflowClient(new_token("bob@example.com"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_photographs(tmp_path / "photos", N)
    return tmp_path / "photos"


@pytest.fixture
def names(photos: Path) -> list[str]:
    return sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.jpg"))


@pytest.fixture
def filled(client: ApiWorkflowClient, photos: Path, names: list[str], tmp_path: Path) -> ApiWorkflowClient:
    """Ada's client on a dataset of which a run has selected all but the last two photographs."""
    client.create_dataset("photos")
    (tmp_path / "lightly").mkdir()
    client.set_local_config(str(photos), purpose=DatasourcePurpose.INPUT)
    client.set_local_config(str(tmp_path / "lightly"), purpose=DatasourcePurpose.LIGHTLY)
    run_tag(client, names[:-2])
    return client


def new_token(email: str) -> str:
    """Add a user; return the token."""
    return transact(open_workspace(), add_user, email)[1].get_secret_value()


def run_tag(client: ApiWorkflowClient, filenames: list[str], name: str | None = None) -> str:
    """Do what the end of a run does: make its tag. Returns the id of the tag."""
    return client._write(
        lambda session, user: create_run_tag(
            session, get_dataset(session, user, client.dataset_id), filenames, name=name
        )
    ).id
