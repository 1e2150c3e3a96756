"""What cannot work is refused here, before any work: of a run, of a scheduled run, on the command line alike.

Only what needs no data is looked at: configurations, names of models and columns, files that must be there.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from lightly_nb.config import Configs, SelectionConfig
from lightly_nb.config.lightly import is_pretrained
from lightly_nb.config.not_yet import refuse_not_yet
from lightly_nb.errors import ConfigError, InputError, LightlyNBError
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.query_embeddings import check_queries
from lightly_nb.reading.image_metadata import COUNTS, IMAGE_METADATA

READ_FROM_FILES = ("SCORES", "PREDICTIONS")


def refuse_impossible(configs: Configs, columns: pd.DataFrame | None = None) -> SelectionConfig:
    """Return what is to be selected, or refuse configurations that no run could carry out.

    Parameters
    ----------
    configs : Configs
        All three.
    columns : pandas.DataFrame, optional
        The table that came with the files, if one did.

    Raises
    ------
    ConfigError
        With the key, what was got and what is allowed.
    """
    refuse_not_yet(configs.worker)
    if configs.selection is None:
        raise ConfigError.at(
            "selection_config", "got none; give exactly one of n_samples and proportion_samples"
        )
    for number, strategy in enumerate(configs.selection.strategies):
        _refuse_missing_input(strategy, f"selection_config.strategies[{number}]", columns)
    _refuse_unknown_model(configs)
    return configs.selection


def refuse_impossible_job(job: Job) -> None:
    """Refuse a job that cannot work: its configurations, its queries, the files that it names.

    Raises
    ------
    ConfigError, InputError, CheckpointError
        If it cannot.
    """
    selection = refuse_impossible(job.configs, job.listing)
    check_queries(selection, job.queries)
    worker = job.configs.worker
    if worker.embeddings:
        _refuse_missing_file(Path(job.shared_dir, worker.embeddings), "worker_config.embeddings", job)
    if worker.checkpoint and not job.checkpoint:
        _refuse_missing_file(Path(job.shared_dir, worker.checkpoint), "worker_config.checkpoint", job)
    if job.checkpoint:
        _refuse_missing_file(Path(job.checkpoint), "checkpoint", job)
    n_listed = None if job.listing is None else len(job.listing)
    if n_listed is not None and selection.n_samples is not None and selection.n_samples > n_listed:
        raise InputError(
            f"selection_config.n_samples: asked for {selection.n_samples:,} samples, but '{job.input}' has "
            f"{n_listed:,} image files; ask for at most that many, or for a share with proportion_samples"
        )


def _refuse_missing_input(strategy: Any, where: str, columns: pd.DataFrame | None) -> None:
    """Refuse an input that no sample of the run will have."""
    source, kind = strategy.input, strategy.strategy.type
    there = set() if columns is None else {str(name) for name in columns.columns}
    if source.type == "METADATA":
        _refuse_missing_metadata(source.key, kind, f"{where}.input.key", there)
    elif source.type == "SCORES" and f"score.{source.task}.{source.score}" not in there:
        raise ConfigError.at(
            f"{where}.input",
            f"got SCORES of the task '{source.task}', but this version cannot read predictions yet; give "
            f"a table of files with a column 'score.{source.task}.{source.score}', or leave the strategy out",
        )
    elif source.type == "PREDICTIONS":
        raise ConfigError.at(
            f"{where}.input",
            f"got PREDICTIONS of the task '{source.task}', but this version cannot read predictions yet; "
            "leave the strategy out, or call lightly_nb.select with samples that have the array",
        )


def _refuse_missing_metadata(key: str, kind: str, where: str, there: Collection[str]) -> None:
    if key in there:
        return
    if key not in IMAGE_METADATA:
        import difflib

        near = difflib.get_close_matches(key, [*IMAGE_METADATA, *there], n=1)
        guess = f" Did you mean '{near[0]}'?" if near else ""
        own = f", and the table of files has {', '.join(sorted(there)[:12])}" if there else ""
        raise ConfigError.at(
            where,
            f"got '{key}', which no sample will have: computed are {', '.join(IMAGE_METADATA)}{own}; "
            f"metadata of your own come as columns of a table of files.{guess}",
        )
    if kind == "BALANCE" and key not in COUNTS:
        raise ConfigError.at(
            where, f"got '{key}', which is a number, but BALANCE needs categories; use WEIGHTS or THRESHOLD"
        )


def _refuse_unknown_model(configs: Configs) -> None:
    """Refuse a name that no model has; what has to be downloaded is found out by the run."""
    worker, name = configs.worker, configs.lightly.model.name
    given = worker.checkpoint or worker.checkpoint_run_id or worker.embeddings
    trains = worker.enable_training and configs.lightly.trainer.max_epochs > 0
    is_asked = bool(worker.model) or (is_pretrained(name) and (trains or not given))
    if not (is_asked or worker.dimensions or worker.input_size):
        return
    from lightly_nb.models.resolve import check_model_name

    key = "worker_config.model" if worker.model else "lightly_config.model.name"
    try:
        check_model_name(
            worker.model or (name if is_pretrained(name) else None),
            input_size=None if given or trains else worker.input_size,
            dimensions=None if given or trains else worker.dimensions,
            accept_licence=worker.accept_licence,
        )
    except LightlyNBError as error:
        raise ConfigError.at(key, str(error)) from error


def _refuse_missing_file(path: Path, key: str, job: Job) -> None:
    if path.is_file():
        return
    what = "is a folder" if path.is_dir() else "does not exist"
    raise ConfigError.at(
        key, f"'{path}' {what}; relative paths start at shared_dir, which is '{job.shared_dir}'"
    )
