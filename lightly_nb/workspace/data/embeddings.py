"""Embeddings of a dataset: those of its runs, and those that a user uploads.

A run's are its `data/embeddings.csv`, where it ran. Uploaded ones lie beside the database, in
`embeddings/DATASET_ID/EMBEDDING_ID.csv` with a `.json` that says name and time; they are whole or not there.
On a shared database they are on the machine that uploaded them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lightly_nb.embeddings_csv import EmbeddingsTable, read_embeddings_csv, write_embeddings_csv
from lightly_nb.errors import BadRequestException, InputError
from lightly_nb.files import written_aside
from lightly_nb.runfolder import RunFolder
from lightly_nb.states import RunState
from lightly_nb.workspace.store.schema import ComputeRun, new_id, now_ms
from lightly_nb.workspace.store.store import Workspace


class Embedding(NamedTuple):
    """One table of embeddings of a dataset."""

    id: str
    name: str
    created_at: int
    """Milliseconds since 1970."""
    path: Path


def get_embeddings(workspace: Workspace, dataset_id: str, runs: Iterable[ComputeRun]) -> list[Embedding]:
    """Return the embeddings that can be read on this machine, the newest first.

    Those of completed runs are called `default_` and the time of the run's end.
    """
    found = [*_of_runs(runs), *_uploaded(workspace, dataset_id)]
    return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)


def upload_embeddings(
    workspace: Workspace, dataset_id: str, filenames: Sequence[str], csv_path: str | Path, name: str
) -> Embedding:
    """Keep an embeddings CSV with a dataset, its rows in the order of the dataset's samples.

    Raises
    ------
    InputError
        If the file is no embeddings CSV, or its names are not those of the dataset.
    """
    table = read_embeddings_csv(csv_path)
    ordered = _in_order(table, filenames, csv_path)
    embedding_id, created_at = new_id(), now_ms()
    folder = _folder(workspace, dataset_id)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{embedding_id}.csv"
    with written_aside(path) as aside:
        write_embeddings_csv(aside, ordered.filenames, ordered.embeddings, ordered.labels)
    with written_aside(path.with_suffix(".json")) as aside:
        aside.write_text(json.dumps({"name": name, "created_at": created_at}), encoding="utf-8")
    return Embedding(embedding_id, name, created_at, path)


def append_embeddings(csv_path: str | Path, kept: Embedding) -> None:
    """Write the rows of `kept` into a CSV file; where both have a name, the row of the file stays.

    Raises
    ------
    BadRequestException
        If the two have embeddings of different lengths.
    """
    local, old = read_embeddings_csv(csv_path), read_embeddings_csv(kept.path)
    if local.embeddings.shape[1] != old.embeddings.shape[1]:
        raise BadRequestException(
            f"Column mismatch! {csv_path} has embeddings of {local.embeddings.shape[1]} numbers, "
            f"{kept.name!r} of {old.embeddings.shape[1]}; embed both with one model"
        )
    row_of = {name: row for row, name in enumerate(local.filenames)}
    added = sorted(set(row_of) - set(old.filenames), key=row_of.__getitem__)
    names = [*old.filenames, *added]
    embeddings = np.concatenate([old.embeddings, local.embeddings[[row_of[name] for name in added]]])
    labels = np.concatenate([old.labels, local.labels[[row_of[name] for name in added]]])
    for row, name in enumerate(old.filenames):
        if name in row_of:
            embeddings[row], labels[row] = local.embeddings[row_of[name]], local.labels[row_of[name]]
    with written_aside(csv_path) as aside:
        write_embeddings_csv(aside, names, embeddings, labels)


def delete_embeddings(workspace: Workspace, dataset_id: str) -> None:
    """Delete what was uploaded for a dataset; the embeddings of runs stay in their folders."""
    for path in _folder(workspace, dataset_id).glob("*"):
        path.unlink(missing_ok=True)


def copy_embeddings(embedding: Embedding, output_path: str | Path) -> None:
    """Write the CSV to `output_path`, whole or not at all."""
    target = Path(output_path).expanduser()
    target.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(target) as aside:
        aside.write_bytes(embedding.path.read_bytes())


def _folder(workspace: Workspace, dataset_id: str) -> Path:
    return workspace.folder / "embeddings" / dataset_id


def _of_runs(runs: Iterable[ComputeRun]) -> Iterable[Embedding]:
    for run in runs:
        if run.state == RunState.COMPLETED and run.run_folder and run.ended_at:
            path = RunFolder(Path(run.run_folder)).embeddings
            if path.is_file():
                ended = time.strftime("%Y%m%d_%Hh%Mm%Ss", time.gmtime(run.ended_at / 1000))
                yield Embedding(run.id, f"default_{ended}", run.ended_at, path)


def _uploaded(workspace: Workspace, dataset_id: str) -> Iterable[Embedding]:
    for path in _folder(workspace, dataset_id).glob("*.json"):
        said = json.loads(path.read_text(encoding="utf-8"))
        yield Embedding(path.stem, said["name"], said["created_at"], path.with_suffix(".csv"))


def _in_order(table: EmbeddingsTable, filenames: Sequence[str], csv_path: str | Path) -> EmbeddingsTable:
    row_of = {name: row for row, name in enumerate(table.filenames)}
    missing = [name for name in filenames if name not in row_of]
    others = set(row_of) - set(filenames)
    if missing or others:
        examples = ", ".join(repr(name) for name in [*missing[:2], *sorted(others)[:2]])
        raise InputError(
            f"{csv_path}: its {len(row_of)} names are not the dataset's {len(filenames)}: {len(missing)} are "
            f"missing and {len(others)} unknown (such as {examples}); give one row for each sample"
        )
    rows = [row_of[name] for name in filenames]
    flags = {flag: getattr(table, flag)[rows] for flag in ("masked", "selected")}
    return EmbeddingsTable(list(filenames), table.embeddings[rows], table.labels[rows], **flags)
