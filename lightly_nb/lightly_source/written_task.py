"""Predictions of a whole task, written below `.lightly/predictions/` by several threads."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from lightly_nb.datasource import WritableDatasource
from lightly_nb.engines import local
from lightly_nb.errors import BadRequestException, DatasourceError, InputError
from lightly_nb.events import Listener, Stage, say
from lightly_nb.lightly_source.json_files import json_name, write_json
from lightly_nb.lightly_source.predictions import PREDICTIONS, read_tasks, write_task_schema
from lightly_nb.samples import Predictions

SHOWN = 3


def write_task(
    datasource: WritableDatasource,
    filenames: Sequence[str],
    predictions: Predictions,
    *,
    step: str,
    on_event: Listener,
) -> int:
    """Write schema and predictions of a task; return how many samples could not be written.

    What fails is told as a warning with a count; nothing raises but `on_event`.

    Parameters
    ----------
    datasource : WritableDatasource
        LIGHTLY.
    filenames : sequence of str
        The samples. Those without predictions get no file.
    predictions : Predictions
        Of these samples.
    step : str
        The step of the events.
    on_event : callable
        Gets them.
    """
    task = predictions.task
    rows = [row for row in range(len(filenames)) if predictions.is_predicted[row]]
    try:
        _check_schema(datasource, predictions)
        write_task_schema(
            datasource,
            {
                "name": task.name,
                "type": task.type,
                "categories": [
                    {"id": number, "name": name}
                    for number, name in zip(task.category_ids, task.categories, strict=True)
                ],
            },
        )
    except (DatasourceError, BadRequestException, InputError) as error:
        what = f"the predictions of task '{task.name}' are not written to {datasource.url}"
        say(on_event, step, f"{what} ({len(rows):,} samples): {error}", "warning")
        return len(rows)
    problems = _written(datasource, filenames, predictions, rows, step, on_event)
    if problems:
        shown = "; ".join(f"'{name}': {problem}" for name, problem in problems[:SHOWN])
        said = f"{len(problems):,} of {len(rows):,} files of task '{task.name}' are not written"
        say(on_event, step, f"{said} to {datasource.url}, first {shown}", "warning")
    return len(problems)


def _check_schema(datasource: WritableDatasource, predictions: Predictions) -> None:
    """Raise `InputError` if the task is there with other categories, which its other files count by."""
    task, there = predictions.task, read_tasks(datasource).get(predictions.task.name)
    if there is not None and (there.type, there.categories, there.category_ids) != (
        task.type,
        task.categories,
        task.category_ids,
    ):
        raise InputError(
            "there are predictions of this task already, with other categories "
            f"({', '.join(there.categories)}); delete {PREDICTIONS}/{task.name} or give another name"
        )


def _written(
    datasource: WritableDatasource,
    filenames: Sequence[str],
    predictions: Predictions,
    rows: Sequence[int],
    step: str,
    on_event: Listener,
) -> list[tuple[str, str]]:
    """Return the samples whose file could not be written, and why."""
    folder = f"{PREDICTIONS}/{predictions.task.name}"
    first: dict[str, str] = {}

    def write(row: int) -> str:
        filename = filenames[row]
        try:
            name = json_name(folder, filename)
            if (other := first.setdefault(name, filename)) != filename:
                return f"its file {name} is that of '{other}' too"
            write_json(datasource, name, {"file_name": filename, "predictions": predictions.singletons(row)})
        except (DatasourceError, BadRequestException) as error:
            return str(error)
        return ""

    problems = []
    with Stage(on_event, step, len(rows), "file") as stage, closing(local.map(write, rows)) as results:
        for row, problem in zip(rows, results, strict=True):
            if problem:
                problems.append((filenames[row], problem))
            stage.advance()
    return problems
