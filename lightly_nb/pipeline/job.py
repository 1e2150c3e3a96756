"""`Job`: all that a run needs to know, and its form on disk (`config/` of the run folder).

The listing of a folder is made by the run itself; a list of files or a table is listed here and kept
as `config/input.parquet`, so that the run can be repeated without the caller's Python objects.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from pyarrow import ArrowException

from lightly_nb.config import Configs, WorkerConfig, parse_configs, to_dict, yaml_text
from lightly_nb.config.python_text import changed_values
from lightly_nb.datasource import open_datasource
from lightly_nb.errors import ConfigError, DatasourceError, RunError
from lightly_nb.events import Event, ProgressBar, combined
from lightly_nb.pipeline.circumstances import save_first, write_circumstances
from lightly_nb.pipeline.detector import check_detector, checked_inputs
from lightly_nb.pipeline.options import (
    IfChanged,
    RunOptions,
    as_path,
    check_kinds,
    check_path,
    with_defaults,
)
from lightly_nb.pipeline.query_embeddings import Query, as_queries, load_queries, save_queries
from lightly_nb.pipeline.selection_inputs import asks_for_annotations, read_inputs
from lightly_nb.reading.crops import CropSource
from lightly_nb.runfolder import RunFolder, new_run_folder, write_aside, write_text
from lightly_nb.samples import Predictions, Samples
from lightly_nb.samples.predictions_file import read_predictions_file, write_predictions_file
from lightly_nb.samples.table_file import read_table, write_table

OTHER_EMBEDDINGS = ("embeddings", "enable_training", "checkpoint", "checkpoint_run_id", "model")
"""Keys of worker_config that ask for other embeddings than those that come with the samples."""


@dataclass(frozen=True)
class Job:
    """What to run.

    Parameters
    ----------
    input : str
        Folder or URL of the INPUT datasource, without credentials.
    configs : Configs
        The three parsed configurations.
    shared_dir : str
        Folder that `worker_config.checkpoint` and `worker_config.embeddings` are relative to.
    output_dir : str
        Folder that the run folder is made below; never listed as input.
    listing : pandas.DataFrame or None
        The sample table, where the input was a list of files or a table; None: list `input`.
    lightly_source : str or None
        Folder or URL of the LIGHTLY datasource, without credentials; None: `input` serves as both.
    datapool : str or None
        Folder of the datapool that the run uses and adds to; None: no datapool.
    checkpoint : str or None
        The checkpoint file to start from, in place of `worker_config.checkpoint`; what
        `worker_config.checkpoint_run_id` stands for.
    queries : tuple of Query
        The embeddings of the tags that SIMILARITY strategies name.
    if_changed : str
        What a run that repeats another one does about files that are not as they were, as in `rerun`.
    detector : str or None
        `module:name` of the detector that pretags, where it was given as an object; None: the one that
        `worker_config.pretagging_detector` names.
    predictions : mapping of str to Predictions
        Those of the samples that were handed in, by task; a row for each of `listing`.
    quarantine : pandas.DataFrame or None
        Files of `listing` that were left out when it was made.
    embeddings : numpy.ndarray or None
        Embeddings of `listing`, brought along with it; then nothing is trained or embedded.
    told : tuple of str
        What a person was warned of while the job was made.
    """

    input: str
    configs: Configs
    shared_dir: str
    output_dir: str
    listing: pd.DataFrame | None = None
    lightly_source: str | None = None
    datapool: str | None = None
    checkpoint: str | None = None
    queries: tuple[Query, ...] = ()
    if_changed: IfChanged = "go_on"
    detector: str | None = None
    predictions: Mapping[str, Predictions] = field(default_factory=dict)
    quarantine: pd.DataFrame | None = None
    embeddings: np.ndarray | None = None
    told: tuple[str, ...] = ()

    @property
    def listed_names(self) -> list[str]:
        """The names of `listing`, in its order."""
        return [] if self.listing is None else [str(name) for name in self.listing.index]

    def again(self, output_dir: str | os.PathLike[str] | None, if_changed: IfChanged) -> Job:
        """Return the same job for a new folder by date and time, below `output_dir` (None: as before)."""
        worker = self.configs.worker.model_copy(update={"run_directory": ""})
        output = as_path(output_dir or self.output_dir, "output_dir")
        configs = replace(self.configs, worker=worker)
        return replace(self, configs=configs, output_dir=output, if_changed=if_changed)


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
    check_kinds(options)
    if isinstance(source, str | bytes | os.PathLike):
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
    lightly = open_datasource(
        job.lightly_source or job.input,
        storage_options=options["lightly_storage_options" if job.lightly_source else "storage_options"],
    )
    columns = () if job.listing is None else [str(name) for name in job.listing]
    tasks = {name: one.task for name, one in job.predictions.items()}
    detector = options["detector"]
    checked_inputs(read_inputs(lightly, tasks, columns), selection, worker, detector, detector is None)


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


def is_pattern(source: str | os.PathLike[str]) -> bool:
    """Whether a source is a pattern of file names, which is listed here like a list of files."""
    from lightly_nb.reading.listing import is_pattern

    return is_pattern(source)


def _listed(source: Any, storage_options: Any, told: list[str]) -> Samples:
    from lightly_nb.reading import list_samples

    def note(event: Event) -> None:
        if event.get("level") == "warning":
            told.append(str(event["message"]))

    listeners = combined(note, ProgressBar())
    return list_samples(source, storage_options=storage_options, on_event=listeners)


def save_job(job: Job, asked: Mapping[str, Any], first: RunFolder | None = None) -> RunFolder:
    """Make a run folder that holds `job`.

    Parameters
    ----------
    job : Job
        What to run.
    asked : mapping
        What the user gave, before defaults.
    first : RunFolder or None
        The run that this one repeats, whose threads are kept and whose files are compared.
    """

    def fill(folder: RunFolder, path: Path) -> None:
        content = {
            "input": job.input,
            "lightly_source": job.lightly_source,
            "shared_dir": job.shared_dir,
            "output_dir": job.output_dir,
            "datapool": job.datapool,
            "checkpoint": job.checkpoint,
            "is_listed": job.listing is not None,
            "if_changed": job.if_changed,
            "queries": save_queries(folder, job.queries),
            "detector": job.detector,
            "predictions": list(job.predictions),
            "told": list(job.told),
            "worker_config": to_dict(job.configs.worker),
            "lightly_config": to_dict(job.configs.lightly),
            "selection_config": to_dict(job.configs.selection) if job.configs.selection else None,
        }
        if job.listing is not None:
            write_aside(folder.input_table, partial(write_table, job.listing))
        if job.quarantine is not None and len(job.quarantine):
            write_aside(folder.input_quarantine, partial(job.quarantine.to_parquet, index=False))
        if job.embeddings is not None:
            write_aside(folder.input_embeddings, partial(_save_array, job.embeddings))
        for name, predictions in job.predictions.items():
            write_predictions_file(folder.input_predictions(name), predictions)
        if first is not None:
            save_first(folder, first)
        write_text(folder.overrides, yaml_text.dump(_masked_like(asked, content)))
        write_circumstances(folder, path)
        write_text(folder.config, yaml_text.dump(content))

    return new_run_folder(job.output_dir, job.configs.worker.run_directory or None, fill)


def _save_array(array: np.ndarray, path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, array)


def load_job(folder: RunFolder) -> Job:
    """Read the job of a run folder back.

    Raises
    ------
    RunError
        If the folder is not one of a run, or its configuration is damaged.
    """
    if not folder.config.is_file():
        raise RunError(
            f"'{folder.path}' is not a run folder: it has no config/config.yaml. Give the folder that a run "
            "printed when it started, for example lightly_outputs/2026-01-31/12-00-00"
        )
    try:
        return _job_in(folder)
    except (OSError, KeyError, TypeError, ValueError, ArrowException) as error:
        said = f"no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise RunError(
            f"the configuration of the run in '{folder.path}' is damaged ({said}): put the files of its "
            "folder config/ back from a copy, or start a new run"
        ) from error


def _job_in(folder: RunFolder) -> Job:
    content = yaml_text.load(folder.config.read_text(encoding="utf-8"), str(folder.config))
    if not isinstance(content, dict):
        raise ValueError(f"{folder.config} holds no keys")
    configs = parse_configs(content["worker_config"], content["lightly_config"], content["selection_config"])
    listing = None
    if content.get("is_listed", folder.input_table.is_file()):
        listing = read_table(folder.input_table)
    quarantine = pd.read_parquet(folder.input_quarantine) if folder.input_quarantine.is_file() else None
    embeddings = np.load(folder.input_embeddings) if folder.input_embeddings.is_file() else None
    return Job(
        input=content["input"],
        configs=configs,
        shared_dir=content["shared_dir"],
        output_dir=content["output_dir"],
        listing=listing,
        lightly_source=content["lightly_source"],
        datapool=content["datapool"],
        checkpoint=content["checkpoint"],
        queries=load_queries(folder, content["queries"]),
        if_changed=content.get("if_changed", "go_on"),
        detector=content.get("detector"),
        predictions={
            name: read_predictions_file(folder.input_predictions(name))
            for name in content.get("predictions", ())
        },
        quarantine=quarantine,
        embeddings=embeddings,
        told=tuple(content.get("told") or ()),
    )


def restore_config(folder: RunFolder, job: Job) -> None:
    """Write those files of `config/` again that are gone and that no run needs."""
    if not folder.overrides.is_file():
        configs = {
            "worker_config": job.configs.worker,
            "lightly_config": job.configs.lightly,
            "selection_config": job.configs.selection,
        }
        content = {name: to_dict(config) for name, config in configs.items() if config}
        write_text(folder.overrides, yaml_text.dump(_masked_like(configs, content)))
    if not folder.hydra.is_file():
        write_circumstances(folder, folder.path)


def _masked_like(asked: Mapping[str, Any], content: Mapping[str, Any]) -> list[str]:
    """Return the asked keys as `key=value` lines, with the values of `content`, whose secrets are masked."""
    lines: list[str] = []
    for config_name, config in asked.items():
        flat = _flat(content.get(config_name) or {})
        for key in _flat(config if isinstance(config, Mapping) else changed_values(config) if config else {}):
            shown = flat.get(key)
            lines.append(f"{config_name}.{key}={yaml.safe_dump(shown, default_flow_style=True, width=10**6)}")
    return [line.removesuffix("\n").removesuffix("\n...") for line in lines]


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
