"""What the tests run in processes of their own: writers that report what is done, and are killed."""

from __future__ import annotations

import itertools
import random
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from lightly_nb.workspace import open_workspace, transact
from lightly_nb.workspace.data.datasets import create_dataset_with_unique_name, get_dataset
from lightly_nb.workspace.data.datasource_kinds import datasource_settings
from lightly_nb.workspace.data.datasources import set_datasource
from lightly_nb.workspace.data.tags import create_run_tag
from lightly_nb.workspace.store import upgrade
from lightly_nb.workspace.store.schema import ComputeRun, RunStateChange, User
from lightly_nb.workspace.users.users import authenticate

Report = tuple[str, ...]


def write_and_report(url: str, token: str, seed: int, reports: Connection) -> None:
    """Write to the store until killed; send a report after each transaction, never before."""
    rng = random.Random(seed)
    workspace = open_workspace(url)
    user = authenticate(workspace, token)
    for number in itertools.count():
        dataset = transact(workspace, create_dataset_with_unique_name, user, "photos")
        reports.send(("dataset", dataset.id, dataset.name))
        names = [f"{seed}/{number}/{index}.jpg" for index in range(rng.randrange(1, 300))]
        for tag_number in range(rng.randrange(1, 4)):
            name = f"tag-{number}-{tag_number}"
            tag = transact(workspace, tag_and_history, user, dataset.id, names[tag_number:], name)
            reports.send(("tag", dataset.id, tag, str(len(names[tag_number:]))))


def tag_and_history(session: Session, user: User, dataset_id: str, names: list[str], name: str) -> str:
    """Change several tables in one transaction."""
    dataset = get_dataset(session, user, dataset_id)
    run = ComputeRun(dataset_id=dataset_id, owner_id=user.id, state="STARTED")
    session.add(run)
    session.flush()
    tag = create_run_tag(session, dataset, names, name=name, run_id=run.id)
    session.add_all(RunStateChange(run_id=run.id, number=n, state="EMBEDDING") for n in range(3))
    run.state = "COMPLETED"
    return tag.name


def make_many(url: str, token: str, reports: Connection) -> None:
    """Open the store with others at the same moment, and make datasets of one base name."""
    workspace = open_workspace(url)
    user = authenticate(workspace, token)
    made = [transact(workspace, create_dataset_with_unique_name, user, "photos").name for _ in range(5)]
    reports.send(made)


def open_and_set_secrets(url: str, reports: Connection) -> None:
    """Open a store that may not be there yet, and be the first, or not, to need a key."""
    workspace = open_workspace(url)
    user = authenticate(workspace, None)
    dataset = transact(workspace, create_dataset_with_unique_name, user, "photos")
    keys = {"access_key": "AKIA", "secret_access_key": f"hush-{dataset.name}"}
    settings = datasource_settings("S3", resource_path="s3://photos/a", region="eu", **keys)
    transact(workspace, set_datasource, dataset, settings, "INPUT")
    reports.send(dataset.name)


def upgrade_to(url: str, migrations: str, version: str, reports: Connection) -> None:
    """Open the store as a version of the package that has more migrations."""
    patched: Any = upgrade
    patched.MIGRATIONS, patched.SCHEMA_VERSION = Path(migrations), version
    workspace = open_workspace(url)
    with workspace.engine.connect() as connection:
        reports.send(connection.exec_driver_sql("SELECT count(*) FROM made_by_0002").scalar())
