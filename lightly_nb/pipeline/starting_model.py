"""Which model a run embeds with: shipped, by name, a checkpoint, its own; or embeddings as given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lightly_nb.config import Configs
from lightly_nb.config.lightly import ModelConfig, is_pretrained
from lightly_nb.embeddings_csv import EmbeddingsTable
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
    return f"{model.name}/simclr/d{model.num_ftrs}/w{float(model.width)}"


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
        return _embedding_model(job, path or model_name(job.configs))
    if path is None:
        return None
    return load_checkpoint(path, name=model.name, width=model.width, num_ftrs=model.num_ftrs).path


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


def fingerprint_of_run(job: Job, folder: RunFolder) -> str:
    """Return the fingerprint of the model that a run has embedded with, '' for embeddings of the user."""
    model = newest_checkpoint(folder) if trains(job) else starting_point(job)
    if model is None or isinstance(model, EmbeddingsTable):
        return ""
    return (_embedding_model(job, model) if isinstance(model, Path) else model).fingerprint
