"""From a datasource to the samples that a run selects from: of its images, or of the objects in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lightly_nb.embeddings_csv import EmbeddingsTable
from lightly_nb.events import Listener
from lightly_nb.pipeline import results
from lightly_nb.pipeline.annotations import check_data, read_annotations, scored, with_annotations
from lightly_nb.pipeline.comparing import compared_with_first
from lightly_nb.pipeline.datapool.steps import files_to_process, joined, opened_datapool
from lightly_nb.pipeline.datasources import Access, listed_samples, opened_lightly
from lightly_nb.pipeline.embedding_steps import checked_samples, embedded, embedded_samples, trained
from lightly_nb.pipeline.gate import refuse_impossible_size
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.object_level import crops_of, keep_crops
from lightly_nb.pipeline.pretagging_step import detector_of, pretagged, upload_pretagging
from lightly_nb.pipeline.process.telling import enter, renamed
from lightly_nb.pipeline.selection_inputs import Inputs
from lightly_nb.pipeline.starting_model import starting_point, trains
from lightly_nb.runfolder import RunFolder
from lightly_nb.samples import Samples
from lightly_nb.states import RunState

if TYPE_CHECKING:
    from lightly_nb.models import EmbeddingModel
    from lightly_nb.pipeline.datapool.pool import Datapool
    from lightly_nb.pretagging import Detector


def make_samples(
    job: Job, folder: RunFolder, access: Access, inputs: Inputs, detector: Detector | None, emit: Listener
) -> None:
    """List, check, read, pretag, train, embed and score what a run selects from, and save it."""
    start = starting_point(job)
    pool = opened_datapool(job, start, emit)
    detector = detector_of(job, detector)
    if job.configs.worker.object_level.task_name:
        samples = _crops_to_select_from(job, folder, start, access, inputs, detector, emit)
    else:
        samples = _samples_to_select_from(job, folder, start, pool, access, inputs, emit)
        samples = with_annotations(samples, folder)
        if detector is not None:
            samples = _pretagged(job, folder, samples, detector, access, emit)
    if samples.predictions:
        tasks = ", ".join(samples.predictions)
        enter(emit, RunState.COMPUTING_ACTIVE_LEARNING_SCORES, f"scores of {tasks}")
        samples = scored(job, folder, samples, emit)
    results.save_samples(folder, samples, job.configs.worker.normalize_embeddings)


def _samples_to_select_from(
    job: Job,
    folder: RunFolder,
    start: Path | EmbeddingModel | EmbeddingsTable | None,
    pool: Datapool | None,
    access: Access,
    inputs: Inputs,
    emit: Listener,
) -> Samples:
    enter(emit, RunState.LOADING_DATASET, f"listing {job.input}")
    listed = compared_with_first(job, folder, listed_samples(job, access, emit), emit)
    if pool is None:
        refuse_impossible_size(job, len(listed))
    _load_annotations(job, folder, listed, pool, access, inputs, emit)
    if pool is None:
        results.save_listed_files(folder, listed)
        return embedded_samples(job, folder, listed, start, emit)
    samples, pool, changed = files_to_process(job, listed, pool, emit)
    results.save_listed_files(folder, listed, samples, changed)
    if len(samples):
        samples = embedded_samples(job, folder, samples, start, emit)
    return joined(job, folder, samples, pool)


def _crops_to_select_from(
    job: Job,
    folder: RunFolder,
    start: Path | EmbeddingModel | EmbeddingsTable | None,
    access: Access,
    inputs: Inputs,
    detector: Detector | None,
    emit: Listener,
) -> Samples:
    """Return the embedded crops of a run on objects; its images are checked first, for all their crops."""
    level = job.configs.worker.object_level
    enter(emit, RunState.LOADING_DATASET, f"listing {job.input}")
    images = compared_with_first(job, folder, listed_samples(job, access, emit), emit)
    _load_annotations(job, folder, images, None, access, inputs, emit)
    results.save_listed_files(folder, images)
    enter(emit, RunState.CHECKING_CORRUPTNESS, f"checking {len(images):,} images")
    images = with_annotations(checked_samples(job, images, emit), folder)
    if detector is not None:
        images = _pretagged(job, folder, images, detector, access, emit)
    enter(emit, RunState.INITIALIZING_OBJECT_CROPS, f"cutting out the objects of '{level.task_name}'")
    found = crops_of(job, images, emit)
    if trains(job):
        enter(emit, RunState.TRAINING, f"training on {len(found):,} crops")
        assert start is None or isinstance(start, Path)
        start = trained(job, folder, found, start, emit)
    assert not isinstance(start, EmbeddingsTable)
    enter(emit, RunState.EMBEDDING_OBJECT_CROPS, f"embedding {len(found):,} crops, decoding each image once")
    return keep_crops(folder, embedded(job, folder, found, start, renamed(emit, "EMBEDDING_OBJECT_CROPS")))


def _load_annotations(
    job: Job,
    folder: RunFolder,
    listed: Samples,
    pool: Datapool | None,
    access: Access,
    inputs: Inputs,
    emit: Listener,
) -> None:
    """Read predictions and metadata of what was listed, and check what the selection wants of them."""
    if inputs.metadata:
        enter(emit, RunState.LOADING_METADATA, f"metadata: {', '.join(e.path for e in inputs.metadata)}")
    if inputs.tasks_to_read:
        enter(emit, RunState.LOADING_PREDICTION, f"predictions of {', '.join(inputs.tasks_to_read)}")
    before = [] if pool is None else pool.samples.filenames
    names = sorted({*listed.filenames, *before})
    if inputs.metadata or inputs.tasks_to_read:
        read_annotations(job, folder, opened_lightly(job, access), names, inputs, emit)
    assert job.configs.selection is not None
    if job.configs.worker.object_level.task_name:  # what it says of images is not what it says of crops
        return
    check_data(job.configs.selection, with_annotations(listed, folder), job.configs.lightly.seed)


def _pretagged(
    job: Job, folder: RunFolder, samples: Samples, detector: Detector, access: Access, emit: Listener
) -> Samples:
    enter(emit, RunState.PRETAGGING, f"detecting objects in {len(samples):,} images")
    samples = pretagged(job, folder, samples, detector, emit)
    if job.configs.worker.pretagging_upload:
        upload_pretagging(job, samples, access.lightly, emit)
    return samples
