"""Which model a run embeds with: a checkpoint, its own, a pretrained one; or the user's own embeddings."""

from __future__ import annotations

from pathlib import Path

from lightly_nb.embeddings_csv import EmbeddingsTable, read_embeddings_csv
from lightly_nb.pipeline.job import Job
from lightly_nb.runfolder import RunFolder


def trains(job: Job) -> bool:
    """Whether the run trains."""
    return job.configs.worker.enable_training and job.configs.lightly.trainer.max_epochs > 0


def starting_point(job: Job) -> Path | EmbeddingsTable | None:
    """Return the checkpoint or embeddings to start from, read before any work; None: train from nothing."""
    from lightly_nb.models import load_checkpoint, pretrained

    worker, lightly = job.configs.worker, job.configs.lightly
    if worker.embeddings:
        return read_embeddings_csv(Path(job.shared_dir, worker.embeddings))
    if job.checkpoint or worker.checkpoint:
        path = Path(job.shared_dir, job.checkpoint or worker.checkpoint)
        if not trains(job):
            return load_checkpoint(path).path
        model = lightly.model
        return load_checkpoint(path, name=model.name, width=model.width, num_ftrs=model.num_ftrs).path
    if trains(job):
        return None
    return pretrained(lightly.model.name, lightly.model.num_ftrs or 32, lightly.model.width)


def newest_checkpoint(folder: RunFolder) -> Path | None:
    """Return the newest checkpoint that the run has trained, None without one."""
    paths = folder.path.glob("lightly_epoch_*.ckpt")
    return max(paths, key=lambda path: int(path.stem.rpartition("_")[2]), default=None)


def fingerprint_of_run(job: Job, folder: RunFolder) -> str:
    """Return the fingerprint of the model that a run has embedded with, '' for embeddings of the user."""
    from lightly_nb.models import model_fingerprint

    path = newest_checkpoint(folder) if trains(job) else starting_point(job)
    return "" if path is None or isinstance(path, EmbeddingsTable) else model_fingerprint(path)
