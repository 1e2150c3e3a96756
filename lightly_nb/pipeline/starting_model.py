"""Which model a run embeds with: shipped, by name, a checkpoint, its own; or embeddings as given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightly_nb.config import Configs
from lightly_nb.config.lightly import ModelConfig, is_pretrained
from lightly_nb.embeddings_csv import EmbeddingsTable
from lightly_nb.errors import ConfigError
from lightly_nb.pipeline.circumstances import read_started_with
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.precomputed_embeddings import given_embeddings
from lightly_nb.runfolder import RunFolder

if TYPE_CHECKING:
    from lightly_nb.models import EmbeddingModel


def trains(job: Job) -> bool:
    """Whether the run trains."""
    return job.configs.worker.enable_training and job.configs.lightly.trainer.max_epochs > 0


def model_name(configs: Configs) -> str | None:
    """Return the name of the model that a run embeds with which neither trains nor has a checkpoint.

    None: the one that ships. `lightly_config.model` counts where it asks for another one than by default:
    then the weights of lightly's zoo are taken.

    >>> from lightly_nb.config import parse_configs
    >>> model_name(parse_configs()), model_name(parse_configs(None, {"model.num_ftrs": 16}))
    (None, 'resnet-18/simclr/d16/w1.0')
    """
    model, default = configs.lightly.model, ModelConfig()
    if configs.worker.model:
        return configs.worker.model
    if is_pretrained(model.name):
        return model.name
    if (model.name, model.num_ftrs, model.width) == (default.name, default.num_ftrs, default.width):
        return None
    return model_name_of(model)


def starting_point(job: Job) -> Path | EmbeddingModel | EmbeddingsTable | None:
    """Return what to start from, read before any work.

    That is embeddings of the user; for a run that trains a checkpoint, or None to train from nothing; for
    any other run the model that embeds.
    """
    from lightly_nb.models import load_checkpoint

    worker, model = job.configs.worker, job.configs.lightly.model
    if worker.embeddings or job.embeddings is not None:
        return given_embeddings(job)
    checkpoint = job.checkpoint or worker.checkpoint
    path = Path(job.shared_dir, checkpoint) if checkpoint else None
    if not trains(job):
        _refuse_contradiction(job, path)
        return _embedding_model(job, path or model_name(job.configs))
    if path is None:
        return None
    return load_checkpoint(path, name=model.name, width=model.width, num_ftrs=model.num_ftrs).path


def _refuse_contradiction(job: Job, path: Path | None) -> None:
    """Refuse a model that `lightly_config.model` names beside another one that would embed in its place."""
    from lightly_nb.models import load_checkpoint

    model, default, worker = job.configs.lightly.model, ModelConfig(), job.configs.worker
    keys = ("name", "width", "num_ftrs")
    asked: dict[str, Any] = {
        key: getattr(model, key) for key in keys if getattr(model, key) not in (None, getattr(default, key))
    }
    if not asked:
        return
    if path is not None:
        load_checkpoint(path, **asked)
    elif worker.model and worker.model != model_name_of(model):
        named = ", ".join(f"{key} {value}" for key, value in asked.items())
        raise ConfigError.at(
            "worker_config.model",
            f"got '{worker.model}', but lightly_config.model asks for another one ({named}); without "
            "training only one of them can embed: leave the other out",
        )


def model_name_of(model: ModelConfig) -> str:
    """Return the name of a configured model as `worker_config.model` has it."""
    if is_pretrained(model.name):
        return model.name
    return f"{model.name}/simclr/d{model.num_ftrs}/w{float(model.width)}"


def _embedding_model(job: Job, model: str | Path | None) -> EmbeddingModel:
    from lightly_nb.models import resolve_model

    worker = job.configs.worker
    return resolve_model(
        model,
        input_size=worker.input_size,
        dimensions=worker.dimensions,
        accept_licence=worker.accept_licence,
    )


def newest_checkpoint(folder: RunFolder) -> Path | None:
    """Return the newest checkpoint that the run has trained, None without one."""
    paths = folder.path.glob("lightly_epoch_*.ckpt")
    return max(paths, key=lambda path: int(path.stem.rpartition("_")[2]), default=None)


def weights_file(job: Job) -> Path | None:
    """Return the file of weights or embeddings that the run reads, None if it reads none."""
    worker = job.configs.worker
    name = worker.embeddings or job.checkpoint or worker.checkpoint
    if name:
        return Path(job.shared_dir, name)
    own = Path(worker.model) if worker.model else None
    return own if own is not None and own.is_file() else None


def resolved(job: Job, model: Path | EmbeddingModel | None) -> EmbeddingModel:
    """Return the model that embeds; of the path of a checkpoint that the run has trained, the model in it."""
    from lightly_nb.models import EmbeddingModel, resolve_model

    if isinstance(model, EmbeddingModel):
        return model
    return resolve_model(model, input_size=job.configs.worker.input_size)


def fingerprint_of_run(job: Job, folder: RunFolder) -> str:
    """Return the fingerprint of the model that a run has embedded with, '' for embeddings of the user."""
    if job.configs.worker.embeddings:
        return ""
    known = (read_started_with(folder) or {}).get("embedded_with")
    if known:
        return str(known)
    model = newest_checkpoint(folder) if trains(job) else starting_point(job)
    if model is None or isinstance(model, EmbeddingsTable):
        return ""
    return (_embedding_model(job, model) if isinstance(model, Path) else model).fingerprint
