"""The detector that a run is given: by name or as an object, and what it will find."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

from lightly_nb.config import SelectionConfig, WorkerConfig
from lightly_nb.config.old_form import PRETAGGING_TASK
from lightly_nb.config.worker import PRETAGGING_CATEGORIES
from lightly_nb.errors import ConfigError
from lightly_nb.pipeline.selection_inputs import Inputs, check_inputs, check_object_level
from lightly_nb.samples import Task


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
    uploads = {
        "pretagging_upload": worker.pretagging_upload,
        "crops.enable_upload": worker.crops.enable_upload,
    }
    if lightly_source is None and any(uploads.values()):
        raise ConfigError.at(
            f"worker_config.{next(key for key, asked in uploads.items() if asked)}",
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


def with_pretagging(inputs: Inputs, worker: WorkerConfig, detector: Any, is_named: bool) -> Inputs:
    """Return the inputs of a selection with the task of the pretagging as it will be, if there is any.

    A task of this name that LIGHTLY has is not read then. The categories are those of the detectors by name,
    or those that the object `detector` says; if it does not, they are not known before it has run.
    """
    from lightly_nb.pretagging.detection import categories_of

    if not worker.pretagging:
        return inputs
    tasks = {name: task for name, task in inputs.tasks.items() if name != PRETAGGING_TASK}
    categories = PRETAGGING_CATEGORIES if is_named else categories_of(detector, "detector")
    if categories is not None:
        tasks[PRETAGGING_TASK] = Task(PRETAGGING_TASK, "object-detection", tuple(categories))
    return replace(inputs, tasks=tasks, made=(PRETAGGING_TASK,))


def checked_inputs(
    inputs: Inputs, selection: SelectionConfig, worker: WorkerConfig, detector: Any, is_named: bool
) -> Inputs:
    """Return the inputs of a selection as they will be, or refuse what it cannot ask of them.

    Parameters
    ----------
    inputs : Inputs
        What LIGHTLY, and samples that were handed in, have.
    selection, worker : SelectionConfig, WorkerConfig
        What is asked for: strategies on predictions and metadata, and the task of the objects.
    detector, is_named
        That of the pretagging, as `with_pretagging` takes it.

    Raises
    ------
    ConfigError
        Names each key, what is there, and the nearest name.
    """
    inputs = with_pretagging(inputs, worker, detector, is_named)
    check_inputs(selection, inputs, worker)
    check_object_level(worker, inputs)
    return inputs
