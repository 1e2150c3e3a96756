"""Pretagging within a run: its detector, what it leaves behind, what is written to LIGHTLY."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lightly_nb.config.old_form import PRETAGGING_TASK
from lightly_nb.events import Listener
from lightly_nb.pipeline.datasources import lightly_to_write
from lightly_nb.pipeline.detector import imported_detector
from lightly_nb.pipeline.job import Job
from lightly_nb.runfolder import RunFolder
from lightly_nb.samples import Samples
from lightly_nb.samples.predictions_file import write_predictions_file

if TYPE_CHECKING:
    from lightly_nb.pretagging import Detector

STEP = "PRETAGGING"


def given_detector(job: Job, detector: Any) -> Any:
    """Return the detector that a run was given as an object, imported if need be; None for one by its name.

    Raises
    ------
    ConfigError
        If it cannot be imported.
    """
    return imported_detector(job.detector) if job.detector is not None and detector is None else detector


def detector_of(job: Job, detector: Any) -> Detector | None:
    """Return the detector of a run, ready to detect; None where it has no pretagging. Before any work.

    Raises
    ------
    CheckpointError
        If its weights are not here and cannot be downloaded.
    """
    from lightly_nb.pretagging import resolve_detector

    worker = job.configs.worker
    if not worker.pretagging:
        return None
    return resolve_detector(worker.pretagging_detector if detector is None else detector)[1]


def pretagged(job: Job, folder: RunFolder, samples: Samples, detector: Detector, emit: Listener) -> Samples:
    """Return the samples of a run with what the detector has found; the run folder has its files."""
    from lightly_nb.pretagging import pretag
    from lightly_nb.pretagging.bounding_boxes import write_bounding_boxes, write_examples

    worker = job.configs.worker
    samples = pretag(
        samples,
        detector,
        num_workers=worker.num_threads,
        progress_path=folder.pretagging_progress,
        on_event=emit,
    )
    write_predictions_file(folder.made_predictions(PRETAGGING_TASK), samples.predictions[PRETAGGING_TASK])
    write_bounding_boxes(folder.bounding_boxes, samples)
    if worker.pretagging_debug:
        write_examples(folder.bounding_boxes_examples, samples, on_event=emit)
    folder.pretagging_progress.unlink(missing_ok=True)
    return samples


def upload_pretagging(
    job: Job, samples: Samples, storage_options: Mapping[str, Any] | None, emit: Listener
) -> None:
    """Write the detections of a run to LIGHTLY as predictions; what fails is a warning."""
    from lightly_nb.lightly_source.written_task import write_task

    lightly = lightly_to_write(job, storage_options, "the detections", STEP, emit)
    if lightly is not None:
        write_task(lightly, samples.filenames, samples.predictions[PRETAGGING_TASK], step=STEP, on_event=emit)
