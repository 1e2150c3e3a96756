"""What SIMILARITY strategies and `checkpoint_run_id` stand for: vectors of a tag, and a file of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from lightly_nb.config import SelectionConfig
from lightly_nb.embeddings_csv import read_embeddings_csv
from lightly_nb.errors import ArtifactNotExist, NotFoundException
from lightly_nb.states import ArtifactType
from lightly_nb.workspace.data.artifacts import get_artifact
from lightly_nb.workspace.data.datasets import get_dataset
from lightly_nb.workspace.data.embeddings import get_embeddings
from lightly_nb.workspace.data.tags import get_filenames_in_tag
from lightly_nb.workspace.store.schema import User
from lightly_nb.workspace.store.store import Workspace, reading
from lightly_nb.workspace.work.runs import get_run, get_runs
from lightly_nb.workspace.work.scheduling import find_query_tag, query_tags


def query_vectors(
    workspace: Workspace, user: User, dataset_id: str, selection: SelectionConfig | None
) -> dict[str | tuple[str | None, str], np.ndarray]:
    """Return the embeddings of each tag that a strategy compares with, by its (dataset id, tag name).

    They are of the newest run of that dataset, of this user or its owner, that has embedded all samples of
    the tag, or were uploaded.

    Returns
    -------
    dict
        float32 of shape (n_samples_of_tag, n_features) for each; the dataset id is None where the strategy
        names none: the dataset of the run.

    Raises
    ------
    NotFoundException
        If a tag is gone, or its samples' embeddings are not on this machine.
    """
    return {key: _vectors(workspace, user, key[0] or dataset_id, key[1]) for key in query_tags(selection)}


def _vectors(workspace: Workspace, user: User, dataset_id: str, tag_name: str) -> np.ndarray:
    with reading(workspace) as session:
        dataset = get_dataset(session, user, dataset_id)
        tag = find_query_tag(session, user, dataset_id, tag_name)
        names = get_filenames_in_tag(session, dataset, tag)
        trusted = (user.id, dataset.owner_id)  # other guests' runs may embed with another model
        runs = [run for run in get_runs(session, user, dataset_id) if run.owner_id in trusted]
    for embedding in get_embeddings(workspace, dataset_id, runs):
        table = read_embeddings_csv(embedding.path)
        row_of = {name: row for row, name in enumerate(table.filenames)}
        if all(name in row_of for name in names):
            return table.embeddings[[row_of[name] for name in names]]
    raise NotFoundException(
        f"selection_config.strategies: no run of the dataset {dataset.name!r} on this machine has embedded "
        f"all {len(names)} samples of its tag {tag_name!r}; run one there, or upload embeddings of them"
    )


def checkpoint_of_run(session: Session, user: User, run_id: str) -> Path:
    """Return the checkpoint file of a run.

    Raises
    ------
    NotFoundException
        If there is no such run, it has trained nothing, or its file is not on this machine.
    """
    run = get_run(session, user, run_id)
    path = Path(get_artifact(session, run, ArtifactType.CHECKPOINT).path)
    if not path.is_file():
        raise ArtifactNotExist(
            f"worker_config.checkpoint_run_id: the checkpoint of the run {run_id} is not at '{path}' on this "
            "machine; start the worker where it is, or copy it to the shared directory and name it with "
            "worker_config.checkpoint"
        )
    return path
