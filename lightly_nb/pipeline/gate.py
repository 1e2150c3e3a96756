"""What cannot work is refused here, before any work: of a run, of a scheduled run, on the command line alike.

Only what needs no data is looked at: configurations, names of models and columns, files that must be there.
"""

from __future__ import annotations

from pathlib import Path

from lightly_nb.config import Configs, SelectionConfig
from lightly_nb.config.lightly import is_pretrained
from lightly_nb.config.not_yet import refuse_not_yet
from lightly_nb.config.selection import EmbeddingsInput
from lightly_nb.errors import ConfigError, InputError, LightlyNBError, Problem
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.query_embeddings import check_queries


def refuse_impossible(configs: Configs) -> SelectionConfig:
    """Return what is to be selected, or refuse configurations that no run could carry out.

    Parameters
    ----------
    configs : Configs
        All three. What strategies ask for of predictions and metadata is looked at where the LIGHTLY
        datasource is known, by `selection_inputs.check_inputs`.

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
    _refuse_other_tasks_of_embeddings(configs.selection, configs.worker.object_level.task_name)
    _refuse_unknown_model(configs)
    return configs.selection


def refuse_impossible_job(job: Job) -> None:
    """Refuse a job that cannot work: its configurations, its queries, the files that it names.

    Raises
    ------
    ConfigError, InputError, CheckpointError
        If it cannot.
    """
    selection = refuse_impossible(job.configs)
    check_queries(selection, job.queries)
    worker = job.configs.worker
    if worker.embeddings:
        _refuse_missing_file(Path(job.shared_dir, worker.embeddings), "worker_config.embeddings", job)
    if worker.checkpoint and not job.checkpoint:
        _refuse_missing_file(Path(job.shared_dir, worker.checkpoint), "worker_config.checkpoint", job)
    if job.checkpoint:
        _refuse_missing_file(Path(job.checkpoint), "checkpoint", job)
    if job.listing is not None:
        refuse_impossible_size(job, len(job.listing))


def refuse_impossible_size(job: Job, n_listed: int) -> None:
    """Raise `InputError` if more samples are asked for than files were listed."""
    size = job.configs.selection.n_samples if job.configs.selection else None
    if size is not None and size > n_listed:
        raise InputError(
            f"selection_config.n_samples: asked for {size:,} samples, but '{job.input}' has {n_listed:,} "
            "image files; ask for at most that many, or for a share with proportion_samples"
        )


def _refuse_other_tasks_of_embeddings(selection: SelectionConfig, embedded: str) -> None:
    """Refuse EMBEDDINGS of the objects of a task, unless it is the one whose crops the run embeds."""
    problems = []
    for number, one in enumerate(selection.strategies):
        task = one.input.task if isinstance(one.input, EmbeddingsInput) else None
        if task is None or task == embedded:
            continue
        said = f"this run embeds the objects of '{embedded}' (worker_config.object_level.task_name)"
        advice = f"give '{embedded}', or leave it out, which means the same"
        if not embedded:
            said = "this run embeds whole images"
            advice = (
                "leave it out to select by those, or set worker_config.object_level.task_name to "
                f"'{task}' to select among the objects of that task"
            )
        key = f"selection_config.strategies[{number}].input.task"
        problems.append(Problem(key, f"got '{task}', but {said}; {advice}"))
    if problems:
        raise ConfigError("\n".join(f"{one.key}: {one.text}" for one in problems), problems)


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
