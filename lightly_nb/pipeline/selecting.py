"""The step of a run that selects, and saves what is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lightly_nb.config import SelectionConfig
from lightly_nb.embeddings_csv import EmbeddingsTable
from lightly_nb.events import Listener, say
from lightly_nb.pipeline import results
from lightly_nb.pipeline.datapool.steps import nothing_selected, size_among_new, with_reason
from lightly_nb.pipeline.datasources import Access
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.object_level import full_images, save_full_images
from lightly_nb.pipeline.precomputed_embeddings import preselected_names
from lightly_nb.pipeline.process.telling import enter, renamed
from lightly_nb.pipeline.starting_model import newest_checkpoint, starting_point, trains
from lightly_nb.runfolder import RunFolder
from lightly_nb.samples import Samples
from lightly_nb.states import RunState
from lightly_nb.vectors.directions import unit_length

if TYPE_CHECKING:
    from lightly_nb.selection import Selection


def select_samples(
    job: Job, folder: RunFolder, samples: Samples, config: SelectionConfig, access: Access, emit: Listener
) -> None:
    """Select from the samples of a run and save the selection; of crops, the whole images too."""
    enter(emit, RunState.SAMPLING, f"selecting from {len(samples):,} samples")
    selection = _selected(job, samples, config, emit)
    if job.configs.worker.object_level.task_name:
        _embed_full_images(job, folder, samples, selection, access, emit)
    enter(emit, RunState.SAVING_RESULTS, f"saving {len(selection):,} selected samples")
    results.save_selection(folder, samples, selection, job.configs.worker.dump_sampled_embeddings)


def _selected(job: Job, samples: Samples, config: SelectionConfig, emit: Listener) -> Selection:
    from lightly_nb.selection import select

    preselected = preselected_names(samples)
    n_new = len(samples) - len(preselected)
    n_samples, share = config.n_samples, config.proportion_samples
    if job.datapool is not None:
        if not n_new:
            why = "nothing is new since the last run; to select among all files set datasource.process_all"
            return nothing_selected(samples, n_samples, why)
        n_samples, share = size_among_new(config, n_new), None
    normalized = job.configs.worker.normalize_embeddings
    named = [(one.input.dataset_id, one.input.tag_name) for one in _similar(config)]
    unused = [q.key for q in job.queries if q.key not in named]
    if unused:
        say(emit, RunState.SAMPLING, f"queries: no strategy names {unused}, so they are not used", "warning")
    queries = {
        q.key: unit_length(q.embeddings, np.float32) if normalized else q.embeddings
        for q in job.queries
        if q.key in named
    }
    selection = select(
        samples,
        n_samples,
        proportion_samples=share,
        strategies=config.strategies,
        preselected=preselected,
        seed=job.configs.lightly.seed,
        query=queries or None,
        on_event=emit,
    )
    return selection if job.datapool is None else with_reason(selection, config.n_samples, n_new)


def _similar(config: SelectionConfig) -> list[Any]:
    return [one for one in config.strategies if one.strategy.type == "SIMILARITY"]


def _embed_full_images(
    job: Job, folder: RunFolder, crops: Samples, selection: Selection, access: Access, emit: Listener
) -> None:
    """Embed the whole images that hold a selected crop; they are the tag of the dataset of images."""
    names = full_images(crops, selection)
    enter(emit, RunState.EMBEDDING_FULL_IMAGES, f"embedding {len(names):,} images with a selected crop")
    model = newest_checkpoint(folder) if trains(job) else starting_point(job)
    assert not isinstance(model, EmbeddingsTable)
    save_full_images(job, folder, names, model, access.input, renamed(emit, "EMBEDDING_FULL_IMAGES"))
