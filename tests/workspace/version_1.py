"""A store as the first release wrote it, as SQL, and how it was made: `python -m tests.workspace.version_1`.

Made once, from the tables that were released. A change of those is a new migration, not a new file here.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

from sqlalchemy.orm import Session

from lightly_nb.workspace import open_workspace, transact
from lightly_nb.workspace.data.datasets import create_dataset
from lightly_nb.workspace.data.datasource_kinds import datasource_settings
from lightly_nb.workspace.data.datasources import set_datasource
from lightly_nb.workspace.data.sharing import share_dataset_only_with
from lightly_nb.workspace.data.tags import create_run_tag, create_tag_from_filenames
from lightly_nb.workspace.store.schema import Artifact, ComputeRun, RunStateChange, ScheduledRun, Worker
from lightly_nb.workspace.users.users import add_user

DUMP = Path(__file__).with_name("version_1.sql")
KEY = "tP2cUiQ4mYMp8VhRMxQmGQ3F0hHzPq0Xl5wB3o8Zt6E="
TOKENS = ("lnb_" + "a" * 64, "lnb_" + "b" * 64)


def fill(session: Session) -> None:
    """Write something into every table."""
    ada, _ = add_user(session, "ada@example.com", me=True)
    bob, _ = add_user(session, "bob@example.com")
    photos = create_dataset(session, ada, "photos")
    share_dataset_only_with(session, ada, photos.id, [bob.email])
    keys = {"access_key": "AKIA", "secret_access_key": "hush-hush"}
    settings = datasource_settings("S3", resource_path="s3://photos/2024", region="eu-central-1", **keys)
    set_datasource(session, photos, settings, "INPUT")
    ada_s = {"owner_id": ada.id}
    worker = Worker(name="desk", labels=["gpu"], **ada_s)
    session.add(worker)
    session.flush()
    configs = {"worker_config": {}, "lightly_config": {}, "selection_config": {"n_samples": 2}}
    scheduled = ScheduledRun(
        dataset_id=photos.id,
        priority=1,
        runs_on=["gpu"],
        state="DONE",
        worker_id=worker.id,
        **ada_s,
        **configs,
    )
    session.add(scheduled)
    session.flush()
    run = ComputeRun(
        dataset_id=photos.id, scheduled_run_id=scheduled.id, state="COMPLETED", message="done", **ada_s
    )
    session.add(run)
    session.flush()
    session.add(RunStateChange(run_id=run.id, number=0, state="COMPLETED", message="done"))
    session.add(Artifact(run_id=run.id, type="LOG", file_name="log.txt", path="/runs/1/log.txt"))
    metas = {"1.jpg": {"lightly.sharpness": 1.5}}
    create_run_tag(session, photos, ["1.jpg", "2.jpg", "été/3.jpg"], run_id=run.id, metas=metas)
    create_tag_from_filenames(session, photos, ["été/3.jpg", "1.jpg"], "best")


def main() -> None:
    """Write `DUMP`."""
    tokens = iter(TOKENS)
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, LIGHTLY_NB_KEY=KEY):
        workspace = open_workspace(folder)
        with patch("lightly_nb.workspace.users.users._new_token", lambda: next(tokens)):
            transact(workspace, fill)
        with closing(sqlite3.connect(Path(folder) / "workspace.sqlite3")) as connection:
            DUMP.write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
