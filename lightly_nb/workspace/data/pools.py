"""The datapool of a dataset, from run to run.

Each run works on a copy of what the run before it left. Which copy counts is noted in the store, in the same
transaction as the run's tag: so the datapool and the tags always tell of the same runs.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from sqlalchemy.orm import Session

from lightly_nb.errors import NotFoundException, WorkspaceError
from lightly_nb.files import DISK_IS_FULL, written_aside
from lightly_nb.workspace.data.datasources import get_datasource_config
from lightly_nb.workspace.store.engine import PassingError
from lightly_nb.workspace.store.schema import ComputeRun, Dataset

FOLDER = "datapools"


def current_pool(session: Session, dataset: Dataset) -> Path | None:
    """Return the folder of the datapool that the last run left; None before the first one.

    Raises
    ------
    NotFoundException
        If it is not on this machine.
    """
    said = get_datasource_config(session, dataset).last_processed
    if not said:
        return None
    folder = Path(said["datapool"])
    if not folder.is_dir():
        raise NotFoundException(
            f"the datapool of the dataset {dataset.name!r} is not at '{folder}' on this machine; start the "
            "worker where it is, or give your workers an output_dir that their machines share"
        )
    return folder


def copy_pool(current: Path | None, output_dir: Path, dataset_id: str, run_id: str) -> Path:
    """Make the folder in which a run finds the datapool, and return it. No file of `current` is changed.

    What other runs had there is deleted: only one at a time works on a dataset, and `current` is what counts.

    Raises
    ------
    WorkspaceError
        If it cannot be written.
    """
    folder = output_dir / FOLDER / dataset_id / run_id
    for stale in set(folder.parent.glob("*")) - {current}:
        shutil.rmtree(stale, ignore_errors=True)
    try:
        if current is None:
            folder.mkdir(parents=True, exist_ok=True)
        else:
            shutil.copytree(current, folder, copy_function=_link_or_copy)
    except OSError as error:
        is_full = error.errno in DISK_IS_FULL
        raise (PassingError if is_full else WorkspaceError)(
            f"the datapool '{folder}' could not be written ({error.strerror or error}); free some space"
        ) from error
    return folder


def keep_pool(session: Session, run: ComputeRun, folder: Path) -> None:
    """Make the datapool that a run has left the one that counts."""
    dataset = session.get_one(Dataset, run.dataset_id)
    with suppress(NotFoundException):  # the datasource was taken away meanwhile: its next one begins anew
        get_datasource_config(session, dataset).last_processed = {"datapool": str(folder), "run_id": run.id}
        session.flush()


def _link_or_copy(source: str, target: str) -> str:
    """Share the file where the disk can: its files are only ever replaced as a whole, never written into."""
    try:
        os.link(source, target)
    except OSError:
        with written_aside(target) as aside:
            shutil.copy2(source, aside)
    return target
