"""Pretagging within a run: which detector, what is left behind, what is written to LIGHTLY."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lightly_nb.config import WorkerConfig
from lightly_nb.datasource import open_datasource
from lightly_nb.errors import ConfigError, DatasourceError
from lightly_nb.events import Listener, say
from lightly_nb.runfolder import RunFolder
from lightly_nb.samples import Samples
from lightly_nb.states import DatasourcePurpose

if TYPE_CHECKING:
    from lightly_nb.pipeline.job import Job
    from lightly_nb.pretagging import Detector

STEP = "PRETAGGING"


def importable_name(detector: Any) -> str:
    """Return `module:name` of a detector, by which `imported_detector` finds a function again.

    >>> from lightly_nb.embedding import embed
    >>> importable_name(embed)
    'lightly_nb.embedding.embed:embed'
    """
    named = detector if hasattr(detector, "__qualname__") else type(detector)
    suffix = "" if named is detector else "()"
    return f"{getattr(named, '__module__', '?')}:{named.__qualname__}{suffix}"


def imported_detector(name: str) -> Any:
    """Return the detector that `importable_name` has named.

    Raises
    ------
    ConfigError
        If it can only be had from the process that made it.
    """
    module, _, path = name.partition(":")
    try:
        if module == "__main__" or "<" in path or path.endswith("()"):
            raise AttributeError("it is an object of the process that made it")
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError.at(
            "detector",
            f"'{name}' cannot be imported here ({error}); a run in another process, a resumed and a repeated "
            "one need a function at the top of a module that can be imported. Put it there, or call "
            "lightly_nb.run with it",
        ) from error
    return found


def check_detector(worker: WorkerConfig, detector: Any, lightly_source: str | None) -> str | None:
    """Return the name of the detector that a run is given as an object; None for one by name.

    Raises
    ------
    ConfigError
        If it cannot be called, the configuration says otherwise, or nothing can be written where it shall be.
    """
    if worker.pretagging_upload and lightly_source is None:
        raise ConfigError.at(
            "worker_config.pretagging_upload",
            "no LIGHTLY datasource is named, and nothing is ever written to the input; give lightly_source=",
        )
    if detector is None:
        return None
    if not callable(detector):
        raise ConfigError.at(
            "detector",
            f"got a {type(detector).__name__}; allowed is a callable that takes a list of uint8 RGB arrays "
            "and returns boxes, scores, labels. One by its name is worker_config.pretagging_detector",
        )
    if not worker.pretagging:
        raise ConfigError.at(
            "worker_config.pretagging", "a detector is given, but this is false; set it to true"
        )
    if worker.pretagging_detector != WorkerConfig().pretagging_detector:
        raise ConfigError.at(
            "worker_config.pretagging_detector", "given together with detector=; give one of them"
        )
    return importable_name(detector)


def detector_of(job: Job, detector: Any) -> Detector | None:
    """Return the detector of a run, ready to detect; None where it has no pretagging. Before any work.

    Raises
    ------
    ConfigError, CheckpointError
        If it cannot be imported, or its weights are not here and cannot be downloaded.
    """
    from lightly_nb.pretagging import resolve_detector

    worker = job.configs.worker
    if not worker.pretagging:
        return None
    if job.detector is not None and detector is None:
        detector = imported_detector(job.detector)
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
    from lightly_nb.pretagging import TASK

    assert job.lightly_source is not None
    try:
        lightly = open_datasource(
            job.lightly_source, purpose=DatasourcePurpose.LIGHTLY, storage_options=storage_options
        )
    except DatasourceError as error:
        say(emit, STEP, f"the detections are not written to {job.lightly_source}: {error}", "warning")
        return
    write_task(lightly, samples.filenames, samples.predictions[TASK], step=STEP, on_event=emit)
