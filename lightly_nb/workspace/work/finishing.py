"""What a finished run brings into the store: samples and a tag, its artifacts, its datapool."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy.orm import Session

from lightly_nb.pipeline import Run
from lightly_nb.states import ArtifactType, RunState
from lightly_nb.workspace.data.artifacts import (
    REPORTS,
    artifact_files,
    register_artifacts,
    write_artifact_files,
)
from lightly_nb.workspace.data.crops import add_crops, crop_metas
from lightly_nb.workspace.data.pools import keep_pool
from lightly_nb.workspace.data.tags import create_run_tag
from lightly_nb.workspace.store.schema import ComputeRun, Dataset
from lightly_nb.workspace.work.active_run import ActiveRun, Ended
from lightly_nb.workspace.work.runs import record_state

OF_IMAGE = "lightly."
"""How the columns of a sample table begin that are computed from the image."""


def completed(active: ActiveRun, run: Run, pool: Path | None) -> Ended:
    """Return what is to be stored of a run that has ended well; all of it in one transaction."""
    names, made = run.selection.filenames, None
    metas = metas_of(run.samples.table.loc[names])
    offers_report = run.job.configs.worker.upload_report
    if run.folder.report_json.is_file() and offers_report:
        active.report(RunState.UPLOADING_REPORT, "preparing the report for download")
    write_artifact_files(run.folder)
    files = artifact_files(run.folder)
    if not offers_report:
        files = {kind: path for kind, path in files.items() if kind not in REPORTS}
    level = run.job.configs.worker.object_level
    if level.task_name:
        images = run.full_images
        found = pd.read_parquet(run.folder.full_images).set_index("filename")
        made = partial(
            add_crops, names=names, metas=crop_metas(run.samples.table.loc[names], metas), level=level
        )
        names, metas = images, metas_of(found)
    store = partial(_store, names=names, metas=metas, files=files, pool=pool, made=made)
    return Ended(RunState.COMPLETED, run.message, store)


def ended_early(run: Run) -> Ended:
    """Return what is to be stored of a run that failed, crashed or was aborted: its log, for one."""
    files = artifact_files(run.folder)
    return Ended(run.state, run.message, lambda session, row: register_artifacts(session, row, files))


def metas_of(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return what was computed from each image, as JSON, by file name.

    Examples
    --------
    >>> metas_of(pd.DataFrame({"lightly.width": [640], "thumbnail": [0]}, index=["a.jpg"]))
    {'a.jpg': {'lightly': {'width': 640}}}
    """
    columns = [name for name in table.columns if name.startswith(OF_IMAGE)]
    values = table[columns].astype(object).to_numpy().tolist()
    keys = [name.removeprefix(OF_IMAGE) for name in columns]
    return {
        str(filename): {"lightly": {key: _plain(value) for key, value in zip(keys, row, strict=True)}}
        for filename, row in zip(table.index, values, strict=True)
    }


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _store(
    session: Session,
    row: ComputeRun,
    *,
    names: list[str],
    metas: dict[str, dict[str, Any]],
    files: dict[ArtifactType, Path],
    pool: Path | None,
    made: Callable[[Session, Dataset, str], object] | None = None,
) -> None:
    dataset = session.get_one(Dataset, row.dataset_id)
    create_run_tag(session, dataset, names, run_id=row.id, metas=metas)
    if made is not None:
        made(session, dataset, row.id)
    register_artifacts(session, row, files)
    if pool is not None:
        keep_pool(session, row, pool)
    if any(kind in files for kind in REPORTS):
        record_state(session, row, RunState.UPLOADED_REPORT, "the report can be downloaded")
    record_state(session, row, RunState.UPLOADING_ARTIFACTS, f"storing {len(files)} artifacts")
    record_state(session, row, RunState.UPLOADED_ARTIFACTS, f"{len(files)} artifacts can be downloaded")
