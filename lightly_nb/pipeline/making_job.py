"""The job that is asked for: what a person gave, checked, with everything said that is not used.

The listing of a folder is made by the run itself; a list of files or a table is listed here, so that the
run can be repeated without the caller's Python objects.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lightly_nb.config import Configs, WorkerConfig
from lightly_nb.datasource import open_datasource
from lightly_nb.errors import ConfigError, DatasourceError, RunError
from lightly_nb.events import Event, ProgressBar, combined
from lightly_nb.pipeline.datasources import Access, inputs_of, opened_lightly
from lightly_nb.pipeline.detector import check_detector, checked_inputs
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.options import RunOptions, as_path, check_path, with_defaults
from lightly_nb.pipeline.query_embeddings import as_queries
from lightly_nb.pipeline.selection_inputs import asks_for_annotations
from lightly_nb.reading.crops import CropSource
from lightly_nb.reading.listing import is_pattern
from lightly_nb.samples import Samples

OTHER_EMBEDDINGS = ("embeddings", "enable_training", "checkpoint", "checkpoint_run_id", "model")
"""Keys of worker_config that ask for other embeddings than those that come with the samples."""


def as_job(source: Any, configs: Configs, output_dir: str | os.PathLike[str], options: RunOptions) -> Job:
    """Return the job for `source`: a folder, a URL, a list of files, a table or `Samples`.

    `options` are those of `lightly_nb.run`; the configurations among them are in `configs` already.

    Raises
    ------
    DatasourceError
        If there is no such folder, or it is the output folder too.
    ConfigError
        If two checkpoints are given, or a datapool is asked for and none is named.
    """
    options = with_defaults(options)
    given = options["shared_dir"]
    shared = as_path(os.getcwd() if given is None or given == "" else given, "shared_dir")
    output = as_path(output_dir, "output_dir")
    checkpoint, lightly_source = options["checkpoint"], options["lightly_source"]
    if isinstance(source, str | os.PathLike):
        check_path(source, "source")
    if lightly_source is not None:
        check_path(lightly_source, "lightly_source")
    job = replace(
        _job_of(source, configs, shared, output, options["storage_options"]),
        datapool=_datapool_folder(configs.worker, shared, options["datapool"]),
        checkpoint=None if checkpoint is None else as_path(checkpoint, "checkpoint"),
        queries=as_queries(options["queries"]),
    )
    if lightly_source is not None:
        lightly = open_datasource(lightly_source, storage_options=options["lightly_storage_options"])
        job = replace(job, lightly_source=lightly.url)
    elif options["lightly_storage_options"]:
        raise ConfigError("lightly_storage_options are for a lightly_source, but none is given")
    _check(job)
    detector = check_detector(configs.worker, options["detector"], job.lightly_source)
    _check_annotations(job, options)
    return replace(job, detector=detector)


def _check_annotations(job: Job, options: RunOptions) -> None:
    """Refuse strategies on predictions and metadata that are not there."""
    selection, worker = job.configs.selection, job.configs.worker
    if selection is None or not asks_for_annotations(selection, worker):
        return
    access = Access(options["storage_options"], options["lightly_storage_options"])
    detector = options["detector"]
    inputs = inputs_of(job, opened_lightly(job, access))
    checked_inputs(inputs, selection, worker, detector, is_named=detector is None)


def _job_of(source: Any, configs: Configs, shared: str, output: str, storage_options: Any) -> Job:
    if isinstance(source, str | os.PathLike) and not is_pattern(source):
        datasource = open_datasource(source, storage_options=storage_options)
        if datasource.folder is not None and datasource.folder == Path(output).resolve():
            raise DatasourceError(
                f"output folder '{output}' is the input folder itself; give a folder beside or below it"
            )
        return Job(datasource.url, configs, shared, output)
    told: list[str] = []
    samples = source if isinstance(source, Samples) else _listed(source, storage_options, told)
    if isinstance(samples.source, CropSource):
        raise RunError(
            "these samples are crops, which a run makes itself: give the whole images and "
            "worker_config.object_level, or call embed and select on the crops"
        )
    url = getattr(samples.source, "url", None)
    if url is None:
        raise RunError(
            "these samples have no source to read images from, and a run reads them; give a folder, a list "
            "of files, or a table with their paths and a column 'embedding'; lightly_nb.select needs no "
            "images"
        )
    embeddings = _brought_along(samples, configs, told)
    table, quarantine = samples.table, samples.quarantine
    return Job(
        url,
        configs,
        shared,
        output,
        table,
        quarantine=quarantine,
        embeddings=embeddings,
        predictions=dict(samples.predictions),
        told=tuple(told),
    )


def _brought_along(samples: Samples, configs: Configs, told: list[str]) -> np.ndarray | None:
    """Return embeddings that came with the samples, None where the run is to make its own; say which."""
    worker = configs.worker
    if "embeddings" not in samples.arrays:
        return None
    other = next((key for key in OTHER_EMBEDDINGS if getattr(worker, key)), None)
    if other is None and samples.embedding_check is None and not samples.has_thumbnails:
        return samples.embeddings
    made = "lightly_nb.embed made them, and a run embeds again"
    why = f"worker_config.{other} asks for others" if other else made
    advice = "to select from them call lightly_nb.select(samples)"
    told.append(f"the embeddings of these samples are not used: {why}; {advice}")
    return None


def _datapool_folder(
    worker: WorkerConfig, shared: str, datapool: str | os.PathLike[str] | None
) -> str | None:
    """Return the folder given, or the one that `worker_config.datapool.name` names; None for no datapool."""
    name = worker.datapool.name
    if datapool is not None:
        return as_path(datapool, "datapool")
    if not name and worker.use_datapool:
        raise ConfigError.at(
            "worker_config.use_datapool",
            "no datapool is named; give its folder with datapool=, or a name "
            "with worker_config.datapool.name",
        )
    if name and (name in (".", "..") or any(mark in name for mark in "/\\:")):
        raise ConfigError.at(
            "worker_config.datapool.name",
            f"got {name!r}; allowed is the name of a folder, without '/', "
            "'\\' and ':'; for a folder elsewhere give datapool=",
        )
    return str(Path(shared, "datapools", name)) if name else None


def _check(job: Job) -> None:
    worker = job.configs.worker
    if job.checkpoint and (worker.checkpoint or worker.embeddings):
        key = "checkpoint" if worker.checkpoint else "embeddings"
        raise ConfigError.at(f"worker_config.{key}", "given together with checkpoint=; give one of them")
    if job.checkpoint and worker.model:
        raise ConfigError.at("worker_config.model", "given together with checkpoint=; give one of them")
    if worker.checkpoint_run_id and not job.checkpoint:
        raise ConfigError.at(
            "worker_config.checkpoint_run_id",
            f"run '{worker.checkpoint_run_id}' can only be found by a "
            "worker that knows it; give the file itself with checkpoint= or worker_config.checkpoint",
        )
    if worker.relevant_filenames_file and job.listing is not None:
        raise ConfigError.at(
            "worker_config.relevant_filenames_file",
            "the input is a list of files already; leave it out, or give the folder of the files as input",
        )


def _listed(source: Any, storage_options: Any, told: list[str]) -> Samples:
    from lightly_nb.reading import list_samples

    def note(event: Event) -> None:
        if event.get("level") == "warning":
            told.append(str(event["message"]))

    listeners = combined(note, ProgressBar())
    return list_samples(source, storage_options=storage_options, on_event=listeners)
