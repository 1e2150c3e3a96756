"""The steps of a run that look into its images: check, train, embed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lightly_nb.embeddings_csv import EmbeddingsTable
from lightly_nb.events import Listener
from lightly_nb.pipeline.circumstances import hash_of_file, note
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.precomputed_embeddings import with_precomputed_embeddings
from lightly_nb.pipeline.process.telling import enter
from lightly_nb.pipeline.starting_model import resolved, trains
from lightly_nb.runfolder import RunFolder
from lightly_nb.samples import Samples
from lightly_nb.states import RunState

if TYPE_CHECKING:
    from lightly_nb.models import EmbeddingModel


def embedded_samples(
    job: Job,
    folder: RunFolder,
    samples: Samples,
    start: Path | EmbeddingModel | EmbeddingsTable | None,
    emit: Listener,
) -> Samples:
    """Return checked and embedded samples, with the model trained first if the run trains one."""
    from lightly_nb.models import EmbeddingModel

    if isinstance(start, EmbeddingsTable):
        enter(emit, RunState.CHECKING_CORRUPTNESS, f"checking {len(samples):,} images")
        checked = checked_samples(job, samples, emit)
        path = job.configs.worker.embeddings or "the embeddings of the samples"
        return _judged(with_precomputed_embeddings(checked, start, path, job.input, emit), emit)
    if trains(job):
        enter(emit, RunState.TRAINING, f"training on {len(samples):,} images")
        assert not isinstance(start, EmbeddingModel)
        start = trained(job, folder, samples, start, emit)
    by = f" with {start.name} at {start.input_size} px" if isinstance(start, EmbeddingModel) else ""
    enter(emit, RunState.EMBEDDING, f"one pass: checks, metadata, thumbnails and embeddings{by}")
    return embedded(job, folder, samples, start, emit)


def checked_samples(job: Job, samples: Samples, emit: Listener) -> Samples:
    """Return samples after the check for damage and duplicates, without embeddings."""
    from lightly_nb.checks import check

    worker = job.configs.worker
    return check(
        samples,
        decode=worker.decode,
        enable_corruptness_check=worker.enable_corruptness_check,
        remove_exact_duplicates=worker.remove_exact_duplicates,
        num_workers=worker.num_threads,
        on_event=emit,
    )


def _judged(samples: Samples, emit: Listener) -> Samples:
    """Return samples whose embeddings were brought along with what can be said of those."""
    from lightly_nb.embedding.check import run_check

    why = "the embeddings were brought along, so there is no model to embed changed copies with"
    return replace(samples, embedding_check=run_check(samples, why, on_event=emit))


def trained(job: Job, folder: RunFolder, samples: Samples, checkpoint: Path | None, emit: Listener) -> Path:
    """Train on samples, or find that it was done; return the checkpoint."""
    from lightly_nb.pipeline import restoring
    from lightly_nb.training import train

    lightly = job.configs.lightly
    if (trained := restoring.finished_training(folder, job.configs, emit)) is None:
        restoring.begin_training_again_if_damaged(folder, emit)
    else:
        restoring.sweep_checkpoints(folder, job.configs)
        return trained
    path = train(
        samples,
        checkpoint=checkpoint,
        output_dir=folder.path,
        # named, so that a run without a model.name trains the platform's and not the one of `train`
        lightly_config=lightly.model_copy(update={"model.name": lightly.model.name}),
        on_event=emit,
    )
    note(folder, trained={"name": path.name, "sha256": hash_of_file(path)})
    restoring.sweep_checkpoints(folder, job.configs)
    return path


def embedded(
    job: Job, folder: RunFolder, samples: Samples, model: Path | EmbeddingModel | None, emit: Listener
) -> Samples:
    """Return checked samples with embeddings as the model computes them."""
    from lightly_nb.embedding import embed

    worker = job.configs.worker
    model = resolved(job, model)
    note(folder, embedded_with=model.fingerprint)
    return embed(
        samples,
        model,
        input_size=worker.input_size,
        precision="32" if job.datapool else None,  # what a datapool keeps stands beside other machines' runs
        normalize_embeddings=False,
        decode=worker.decode,
        enable_corruptness_check=worker.enable_corruptness_check,
        remove_exact_duplicates=worker.remove_exact_duplicates,
        num_workers=worker.num_threads,
        thumbnail_size=worker.thumbnail_size,
        thumbnails_path=folder.thumbnails,
        chunks_dir=folder.chunks,
        on_event=emit,
    )
