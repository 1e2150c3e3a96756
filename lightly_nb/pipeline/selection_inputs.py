"""What strategies may ask for of predictions and metadata, checked before any work: only schemas are read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lightly_nb.config import SelectionConfig, WorkerConfig
from lightly_nb.config.old_form import PRETAGGING_TASK
from lightly_nb.config.selection import (
    BalanceStrategy,
    MetadataInput,
    PredictionsInput,
    ScoresInput,
    StrategyConfig,
)
from lightly_nb.datasource import Datasource
from lightly_nb.errors import ConfigError, InputError, Problem, did_you_mean
from lightly_nb.lightly_source.metadata_schema import RESERVED, MetadataEntry, read_metadata_schema
from lightly_nb.lightly_source.predictions import read_tasks
from lightly_nb.samples.predictions import Task
from lightly_nb.scoring.score import check_score

SHOWN = 20
WITH_BOXES = ("object-detection", "instance-segmentation", "keypoint-detection")
"""Types of tasks whose predictions can have a box."""


@dataclass(frozen=True)
class Inputs:
    """What is known of samples before they are listed.

    Parameters
    ----------
    tasks : mapping of str to Task
        Prediction tasks by name.
    metadata : tuple of MetadataEntry
        The entries of the metadata schema.
    columns : collection of str
        Columns of the table that was handed in as the input, if any.
    where : str
        Where LIGHTLY is.
    made : collection of str
        Tasks that the run will make itself: those of `tasks` are known, of others only the name.
    has_crops : bool
        Whether the samples will be crops, which have metadata of their own.
    """

    tasks: Mapping[str, Task] = field(default_factory=dict)
    metadata: tuple[MetadataEntry, ...] = ()
    columns: Collection[str] = ()
    where: str = ""
    made: Collection[str] = ()
    has_crops: bool = False

    @property
    def tasks_to_read(self) -> dict[str, Task]:
        """The tasks whose predictions are there."""
        return {name: task for name, task in self.tasks.items() if name not in self.made}


def read_inputs(
    lightly: Datasource, tasks: Mapping[str, Task] | None = None, columns: Collection[str] = ()
) -> Inputs:
    """Read the schemas of LIGHTLY.

    Parameters
    ----------
    lightly : Datasource
        Holds `.lightly/predictions` and `.lightly/metadata`, or nothing of the kind.
    tasks : mapping of str to Task, optional
        Tasks whose predictions are handed in; they come before those of LIGHTLY.
    columns : collection of str
        Columns of the table that is handed in.

    Raises
    ------
    InputError
        If a schema cannot be used.
    """
    schemas = read_metadata_schema(lightly)
    return Inputs({**read_tasks(lightly), **(tasks or {})}, schemas, columns, lightly.url)


def check_inputs(selection: SelectionConfig, inputs: Inputs, worker: WorkerConfig | None = None) -> None:
    """Refuse strategies whose task, score, categories or metadata are not there, or of the wrong kind.

    `worker` says whether pretagging will make a task of its own.

    Raises
    ------
    ConfigError
        Names each such key, what is there, and the nearest name.
    """
    made = {PRETAGGING_TASK} if worker is not None and worker.pretagging else set()
    made -= set(inputs.tasks)
    if worker is not None and worker.object_level.task_name:
        inputs = replace(inputs, has_crops=True)
    problems = [
        Problem(f"selection_config.strategies[{number}].{key}", text)
        for number, entry in enumerate(selection.strategies)
        for key, text in _problems(entry, inputs, made)
    ]
    if problems:
        raise ConfigError("\n".join(f"{one.key}: {one.text}" for one in problems), problems)


def check_object_level(worker: WorkerConfig, inputs: Inputs) -> None:
    """Refuse a selection of objects whose task is not there or has no boxes.

    Raises
    ------
    ConfigError
        Names the task and those that are there.
    """
    name, key = worker.object_level.task_name, "worker_config.object_level.task_name"
    if not name:
        return
    task = inputs.tasks.get(name)
    if task is None and name not in inputs.made:
        advice = ""
        if name == PRETAGGING_TASK:
            advice = "; set worker_config.pretagging to true"
        raise ConfigError.at(key, f"got '{name}', {_tasks_there(name, inputs)}{advice}")
    if task is not None and task.type not in WITH_BOXES:
        raise ConfigError.at(
            key, f"got '{name}', which is one of {task.type}; allowed are those of {', '.join(WITH_BOXES)}"
        )


def asks_for_annotations(selection: SelectionConfig, worker: WorkerConfig) -> bool:
    """Whether a strategy, or the selection of objects, is about predictions or metadata."""
    return bool(worker.object_level.task_name) or any(
        isinstance(entry.input, ScoresInput | PredictionsInput | MetadataInput)
        for entry in selection.strategies
    )


def _problems(entry: StrategyConfig, inputs: Inputs, made: set[str]) -> Iterator[tuple[str, str]]:
    source = entry.input
    if isinstance(source, MetadataInput):
        yield from _of_metadata(source.key, entry, inputs)
    elif isinstance(source, ScoresInput | PredictionsInput) and source.task not in made:
        if isinstance(source, ScoresInput) and f"score.{source.task}.{source.score}" in inputs.columns:
            return
        task = inputs.tasks.get(source.task)
        if task is None:
            yield "input.task", f"got '{source.task}', {_tasks_there(source.task, inputs)}"
        elif isinstance(source, ScoresInput):
            try:
                check_score(source.score, task.name, task.type)
            except InputError as error:
                yield "input.score", str(error)
        else:
            yield from _of_categories(source, entry, task)


def _tasks_there(name: str, inputs: Inputs) -> str:
    if inputs.tasks:
        return f"but there are the tasks {_listed(inputs.tasks)}.{did_you_mean(name, inputs.tasks)}"
    return (
        f"but there are no predictions at all: {inputs.where} has no .lightly/predictions/tasks.json. Write "
        "them there (docs/predictions.md), name the LIGHTLY datasource that has them, or hand in samples "
        "with lightly_nb.add_predictions"
    )


def _of_categories(source: PredictionsInput, entry: StrategyConfig, task: Task) -> Iterator[tuple[str, str]]:
    known = list(task.categories)
    for name in source.categories or ():
        if name not in known:
            yield "input.categories", _unknown_category(name, task.name, known)
    if isinstance(entry.strategy, BalanceStrategy):
        counted = list(source.categories or known)
        for name in entry.strategy.target or ():
            if name not in counted:
                yield "strategy.target", _unknown_category(str(name), task.name, counted)


def _unknown_category(name: str, task: str, known: Sequence[str]) -> str:
    said = f"got '{name}', but the categories of task '{task}' that count are {_listed(known)}"
    return f"{said}.{did_you_mean(name, known)}"


def _of_metadata(key: str, entry: StrategyConfig, inputs: Inputs) -> Iterator[tuple[str, str]]:
    from lightly_nb.reading.crops import BOX, CATEGORY, IMAGE, SCORE
    from lightly_nb.reading.image_metadata import COUNTS, IMAGE_METADATA

    kind = entry.strategy.type
    if key in inputs.columns:  # looked at as soon as the samples are listed
        return
    entries = {one.path: one for one in inputs.metadata}
    of_crops = (*BOX, SCORE, CATEGORY, IMAGE) if inputs.has_crops else ()
    if key in of_crops:
        is_number = key in (*BOX, SCORE)
        if is_number == (kind == "BALANCE"):
            needs, use = ("categories", "WEIGHTS or THRESHOLD") if is_number else ("numbers", "BALANCE")
            said = f"{kind} needs {needs}, and '{key}' is {'a number' if is_number else 'a category'}"
            yield "input.key", f"{said}; use {use}"
    elif key in IMAGE_METADATA:
        if kind == "BALANCE" and key not in COUNTS:
            yield "input.key", f"BALANCE needs categories, and '{key}' is a number; use WEIGHTS or THRESHOLD"
    elif key not in entries:
        own = [name for name in inputs.columns if name not in entries]
        there = [*entries, *of_crops, *IMAGE_METADATA, *own]
        where = f"; the keys are those of .lightly/metadata/schema.json in {inputs.where}"
        where = "" if key.startswith(RESERVED) else where
        yield "input.key", f"got '{key}', but there are {_listed(there)}{where}.{did_you_mean(key, there)}"
    elif kind == "BALANCE" and entries[key].is_numeric:
        said = f"BALANCE needs categories, and '{key}' is {entries[key].value_type} in the schema"
        yield "input.key", f"{said}; use WEIGHTS or THRESHOLD, or make it CATEGORICAL_INT"
    elif kind != "BALANCE" and not entries[key].is_numeric:
        said = f"{kind} needs numbers, and '{key}' is {entries[key].value_type} in the schema"
        yield "input.key", f"{said}; use BALANCE, or make it NUMERIC_INT or NUMERIC_FLOAT"


def _listed(names: Collection[str]) -> str:
    shown = list(names)[:SHOWN]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(str, shown)) + more
