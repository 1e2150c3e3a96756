"""What a run does with a datapool: before its work, between its steps, and when all else is done."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lightly_nb.config import SelectionConfig
from lightly_nb.embeddings_csv import EmbeddingsTable
from lightly_nb.errors import ConfigError, InputError, RunError
from lightly_nb.events import Listener, say
from lightly_nb.pipeline import results
from lightly_nb.pipeline.circumstances import changed_files, named
from lightly_nb.pipeline.datapool.files import held, read_datapool, write_datapool
from lightly_nb.pipeline.datapool.pool import (
    Datapool,
    check_model,
    joined_thumbnails,
    new_files,
    processed_by,
    updated,
    with_datapool,
    with_versions,
    without_changed,
    without_known_content,
)
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.job_file import load_job
from lightly_nb.pipeline.precomputed_embeddings import preselected_names
from lightly_nb.pipeline.starting_model import fingerprint_of_run, trains
from lightly_nb.runfolder import RunFolder
from lightly_nb.samples import Samples

if TYPE_CHECKING:
    from lightly_nb.models import EmbeddingModel
    from lightly_nb.selection import Selection

STEP = "LOADING_DATASET"


def opened_datapool(
    job: Job, start: Path | EmbeddingModel | EmbeddingsTable | None, emit: Listener
) -> Datapool | None:
    """Return the datapool of a job, None if it has none, and refuse what cannot go with it.

    Raises
    ------
    ConfigError
        If the run would train, while the datapool has embeddings of an earlier model.
    InputError
        If its embeddings and those of the run are not of one model, or the input is a list of files below
        another folder.
    """
    from lightly_nb.models import EmbeddingModel

    if job.datapool is None:
        return None
    pool = read_datapool(job.datapool)
    if pool.n_written is not None and len(pool) < pool.n_written:
        n_taken = pool.n_written - len(pool)
        said = f"the datapool has {len(pool):,} samples; {n_taken:,} were taken out of datapool_latest.csv"
        say(emit, STEP, f"{said} since the last run, and count as not selected")
    if len(pool) and trains(job):
        raise ConfigError.at(
            "worker_config.enable_training",
            f"the datapool '{job.datapool}' has embeddings of an earlier "
            "model, which those of a newly trained one cannot stand beside; set it to false and give the "
            "checkpoint that the datapool was made with, or begin a new datapool in another folder",
        )
    if isinstance(start, EmbeddingsTable):
        check_model(pool, "", start.embeddings.shape[1], job.datapool)
    elif isinstance(start, EmbeddingModel):
        check_model(pool, start.fingerprint, start.n_features, job.datapool)
    if pool.input and pool.input != job.input:
        if job.listing is not None:
            raise InputError(
                f"datapool '{job.datapool}': its names are relative to {pool.input}, those of this list of "
                f"files to {job.input}; give files with the same folder in common, or the folder itself"
            )
        said = f"the datapool was made from {pool.input}: files of the same name count as the same files"
        say(emit, STEP, said, "warning")
    return pool


def files_to_process(
    job: Job, listed: Samples, pool: Datapool, emit: Listener
) -> tuple[Samples, Datapool, list[str]]:
    """Return what is new since the last run, the pool that it joins, and what has changed and is left alone.

    With `datasource.process_all`, all is new that is not in the pool. A file that was delivered again with
    another content is told; `datapool.changed_files` says whether it is new, and no more in the pool.

    Raises
    ------
    InputError
        If there is nothing new and nothing in the pool either, or files have changed and that is refused.
    """
    worker = job.configs.worker
    changed = _changed_since(job, listed, pool, emit)
    kept: list[str] = []
    if worker.datapool.changed_files != "process":
        changed, kept = [], changed
    pool = without_changed(pool, changed)
    new = new_files(listed, pool, process_all=worker.datasource.process_all, changed=changed)
    if not len(new) and not len(pool):
        raise InputError(
            f"datapool '{job.datapool}': all {len(listed):,} files were processed before and the pool is "
            "empty; to process them again set worker_config datasource.process_all to true"
        )
    earlier = f"{len(listed) - len(new):,} were processed before; {len(pool):,} samples are in the datapool"
    say(emit, STEP, f"{len(new):,} of {len(listed):,} files to process, {earlier}")
    return new, pool, kept


def _changed_since(job: Job, listed: Samples, pool: Datapool, emit: Listener) -> list[str]:
    """Return the files that earlier runs looked at and whose content is another one now; say or refuse it."""
    if pool.processed.empty or "version" not in listed.table or listed.source is None:
        return []
    known = pool.processed[pool.processed["unusable_version"] == ""]  # those are looked at again anyway
    changed = changed_files(listed.source, known, listed.table["version"].astype(str), emit, STEP)
    if not changed:
        return []
    choice = job.configs.worker.datapool.changed_files
    in_pool = sum(pool.samples.table.index.isin(changed)) if len(pool) else 0
    said = (
        f"{len(changed):,} files that earlier runs with this datapool looked at have another content now "
        f"{named(changed)}, {in_pool:,} of them selected"
    )
    other = "set worker_config datapool.changed_files to"
    if choice == "refuse":
        raise InputError(
            f"datapool '{job.datapool}': {said}; put the files back, or {other} 'keep' or 'process'"
        )
    done = {
        "keep": f"they count as what they were; to look at them again {other} 'process'",
        "process": "they are looked at again, and what the datapool knew of them is forgotten",
    }
    say(emit, STEP, f"{said}: {done[choice]}", "warning")
    return changed


def joined(job: Job, folder: RunFolder, samples: Samples, pool: Datapool) -> Samples:
    """Return the embedded samples of the run with those of the pool, which count as selected."""
    if job.configs.worker.remove_exact_duplicates:
        samples = without_known_content(samples, pool)
    return joined_thumbnails(with_datapool(samples, pool), folder.thumbnails)


def size_among_new(config: SelectionConfig, n_new: int) -> int:
    """Return how many of the new samples to select: all of them, where there are not as many as asked for."""
    if config.n_samples is not None:
        return min(config.n_samples, n_new)
    return max(1, math.floor((config.proportion_samples or 0) * n_new + 1e-9))


def nothing_selected(samples: Samples, n_asked: int | None, why: str) -> Selection:
    """Return the selection of a run that has nothing to select from: all samples are preselected."""
    from lightly_nb.selection import Selection

    names = preselected_names(samples)
    table = pd.DataFrame(index=samples.table.index)
    table = table.assign(selected=False, preselected=True, step=pd.array([pd.NA] * len(table), dtype="Int64"))
    table = table.assign(nearest=None, distance=np.nan, reason="preselected")
    rows = np.zeros(0, dtype=np.int64)
    return Selection([], rows, names, [], stopped=why, n_asked=n_asked, _tables={"table": table})


def update_datapool(datapool: str | Path, folder: RunFolder | str | Path) -> Datapool:
    """Add what the finished run of `folder` has selected to the datapool in folder `datapool`.

    A run with `datapool=` does this itself. Adding a run twice changes nothing. `datapool.keep_history` of
    the run's configuration is honoured. It waits for a run that works with the datapool.

    Raises
    ------
    RunError
        If the run has not selected yet, or the datapool cannot be written; it is then as it was.
    InputError
        If the datapool has embeddings of another model, or is damaged.
    """
    folder = folder if isinstance(folder, RunFolder) else RunFolder(Path(folder).expanduser().absolute())
    if not folder.listed_files.is_file():
        load_job(folder)
        raise RunError(f"the run in '{folder.path}' has not listed its files yet; wait for it")
    with held(datapool):
        return add_to_datapool(datapool, folder)


def add_to_datapool(datapool: str | Path, folder: RunFolder) -> Datapool:
    """Do what `update_datapool` does for who holds the datapool."""
    job, pool = load_job(folder), read_datapool(datapool)
    if not folder.listed_files.is_file():
        raise RunError(f"the run in '{folder.path}' has not listed its files yet; wait for it")
    samples = results.load_samples_without_source(folder)
    samples = samples.with_array("embeddings", samples.arrays.get(results.COMPUTED, samples.embeddings))
    selection = results.load_selection(folder)
    model = fingerprint_of_run(job, folder)
    check_model(pool, model, samples.embeddings.shape[1], str(datapool))
    listed = pd.read_parquet(folder.listed_files)
    processed = processed_by(listed, samples)
    pool = updated(
        with_versions(pool, listed), samples, selection, processed, model=model, input_url=job.input
    )
    write_datapool(datapool, pool, keep_history=job.configs.worker.datapool.keep_history)
    return pool


def completion_message(selection: Selection, samples: Samples, pool_is_used: bool) -> str:
    """Return what a run says when it is done."""
    n_new = len(samples) - len(selection.preselected)
    check = samples.embedding_check
    doubt = f"; {check.short}" if check is not None and check.is_refused else ""
    if not pool_is_used:
        return f"{len(selection):,} of {len(samples):,} samples selected{doubt}"
    if not n_new:
        return f"nothing selected: {selection.stopped}"
    before = f"on top of {len(selection.preselected):,} in the datapool"
    return f"{len(selection):,} of {n_new:,} new samples selected, {before}{doubt}"


def with_reason(selection: Selection, n_asked: int | None, n_new: int) -> Selection:
    """Return the selection of a run that had fewer new samples than were asked for, with that said."""
    if n_asked is None or n_asked <= n_new:
        return selection
    return replace(selection, n_asked=n_asked, stopped=f"there are only {n_new:,} new samples")
