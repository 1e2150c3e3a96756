"""`Job`: all that a run needs to know, and its form on disk (`config/` of the run folder).

The listing of a folder is made by the run itself; a list of files or a table is listed here and kept
as `config/input.parquet`, so that the run can be repeated without the caller's Python objects.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from lightly_nb.config import Configs, WorkerConfig, parse_configs, to_dict, yaml_text
from lightly_nb.config.python_text import changed_values
from lightly_nb.datasource import open_datasource
from lightly_nb.errors import ConfigError, DatasourceError, RunError
from lightly_nb.pipeline.detector import check_detector, with_pretagging
from lightly_nb.pipeline.options import RunOptions, with_defaults
from lightly_nb.pipeline.query_embeddings import Query, as_queries, load_queries, save_queries
from lightly_nb.pipeline.selection_inputs import (
    asks_for_annotations,
    check_inputs,
    check_object_level,
    read_inputs,
)
from lightly_nb.reading.crops import CropSource
from lightly_nb.runfolder import RunFolder, new_run_folder, write_aside, write_text
from lightly_nb.samples import Predictions, Samples
from lightly_nb.samples.predictions_file import read_predictions_file, write_predictions_file

REPORTED_PACKAGES = ("lightly_nb", "lightly", "torch", "torchvision", "numpy", "pandas", "simplejpeg")


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
    detector : str or None
        `module:name` of the detector that pretags, where it was given as an object; None: the one that
        `worker_config.pretagging_detector` names.
    predictions : mapping of str to Predictions
        Those of the samples that were handed in, by task; a row for each of `listing`.
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
    detector: str | None = None
    predictions: Mapping[str, Predictions] = field(default_factory=dict)

    @property
    def listed_names(self) -> list[str]:
        """The names of `listing`, in its order."""
        return [] if self.listing is None else [str(name) for name in self.listing.index]

    def again(self, output_dir: str | os.PathLike[str] | None) -> Job:
        """Return the same job for a new folder by date and time, below `output_dir` (None: as before)."""
        worker = self.configs.worker.model_copy(update={"run_directory": ""})
        output = _absolute(output_dir or self.output_dir)
        return replace(self, configs=replace(self.configs, worker=worker), output_dir=output)


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
    shared, output = _absolute(options["shared_dir"] or os.getcwd()), _absolute(output_dir)
    checkpoint, lightly_source = options["checkpoint"], options["lightly_source"]
    job = replace(
        _job_of(source, configs, shared, output, options["storage_options"]),
        datapool=_datapool_folder(configs.worker, shared, options["datapool"]),
        checkpoint=None if checkpoint is None else _absolute(checkpoint),
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
    if selection is None or not (asks_for_annotations(selection) or worker.object_level.task_name):
        return
    lightly = open_datasource(
        job.lightly_source or job.input,
        storage_options=options["lightly_storage_options" if job.lightly_source else "storage_options"],
    )
    columns = () if job.listing is None else [str(name) for name in job.listing]
    tasks = {name: one.task for name, one in job.predictions.items()}
    inputs = with_pretagging(
        read_inputs(lightly, tasks, columns),
        worker,
        options["detector"],
        options["detector"] is None,
    )
    check_inputs(selection, inputs, worker)
    check_object_level(worker, inputs)


def _job_of(source: Any, configs: Configs, shared: str, output: str, storage_options: Any) -> Job:
    if isinstance(source, str | os.PathLike):
        datasource = open_datasource(source, storage_options=storage_options)
        if datasource.folder is not None and datasource.folder == Path(output).resolve():
            raise DatasourceError(
                f"output folder '{output}' is the input folder itself; give a folder beside or below it"
            )
        return Job(datasource.url, configs, shared, output)
    samples = source if isinstance(source, Samples) else _listed(source, storage_options)
    if isinstance(samples.source, CropSource):
        raise RunError(
            "these samples are crops, which a run makes itself: give the whole images and "
            "worker_config.object_level, or call embed and select on the crops"
        )
    url = getattr(samples.source, "url", None)
    if url is None:
        raise RunError("these samples have no source to read from; give a folder, a list of files or a table")
    predictions = dict(samples.predictions)
    return Job(url, configs, shared, output, samples.table, predictions=predictions)


def _datapool_folder(
    worker: WorkerConfig, shared: str, datapool: str | os.PathLike[str] | None
) -> str | None:
    """Return the folder given, or the one that `worker_config.datapool.name` names; None for no datapool."""
    name = worker.datapool.name
    if datapool is not None:
        return _absolute(datapool)
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


def _absolute(path: str | os.PathLike[str]) -> str:
    return str(Path(path).expanduser().absolute())


def _listed(source: Any, storage_options: Any) -> Samples:
    from lightly_nb.reading import list_samples

    return list_samples(source, storage_options=storage_options)


def save_job(job: Job, asked: Mapping[str, Any]) -> RunFolder:
    """Make a run folder that holds `job`; `asked` is what the user gave, before defaults."""
    folder = new_run_folder(job.output_dir, job.configs.worker.run_directory or None)
    content = {
        "input": job.input,
        "lightly_source": job.lightly_source,
        "shared_dir": job.shared_dir,
        "output_dir": job.output_dir,
        "datapool": job.datapool,
        "checkpoint": job.checkpoint,
        "queries": save_queries(folder, job.queries),
        "detector": job.detector,
        "predictions": list(job.predictions),
        "worker_config": to_dict(job.configs.worker),
        "lightly_config": to_dict(job.configs.lightly),
        "selection_config": to_dict(job.configs.selection) if job.configs.selection else None,
    }
    write_text(folder.config, yaml_text.dump(content))
    write_text(folder.overrides, yaml_text.dump(_masked_like(asked, content)))
    write_text(folder.hydra, yaml_text.dump(_circumstances(folder)))
    if job.listing is not None:
        table = job.listing.reset_index()
        write_aside(folder.input_table, table.to_parquet)
    for name, predictions in job.predictions.items():
        write_predictions_file(folder.input_predictions(name), predictions)
    return folder


def load_job(folder: RunFolder) -> Job:
    """Read the job of a run folder back.

    Raises
    ------
    RunError
        If the folder is not one of a run.
    """
    if not folder.config.is_file():
        raise RunError(
            f"'{folder.path}' is not a run folder: it has no config/config.yaml. Give the folder that a run "
            "printed when it started, for example lightly_outputs/2026-01-31/12-00-00"
        )
    content = yaml_text.load(folder.config.read_text(encoding="utf-8"), str(folder.config))
    configs = parse_configs(content["worker_config"], content["lightly_config"], content["selection_config"])
    listing = None
    if folder.input_table.is_file():
        listing = pd.read_parquet(folder.input_table).set_index("filename")
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
        detector=content.get("detector"),
        predictions={
            name: read_predictions_file(folder.input_predictions(name))
            for name in content.get("predictions", ())
        },
    )


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


def _circumstances(folder: RunFolder) -> dict[str, Any]:
    return {
        "run": {"dir": str(folder.path)},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "executable": sys.executable,
        "packages": {name: _version(name) for name in REPORTED_PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
