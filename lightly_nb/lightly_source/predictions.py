"""Predictions that a user adds to a dataset, as files below `.lightly/predictions/` of LIGHTLY.

    tasks.json                   all tasks
    TASK/schema.json             its type and categories
    TASK/path/of/image.json      the predictions of one sample

The layout is the platform's, so the same files can as well be written by hand. Two schemas written
at a time may lose a line of `tasks.json`: write one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from lightly_nb.datasource import Datasource, WritableDatasource
from lightly_nb.errors import BadRequestException, InputError
from lightly_nb.events import Listener, Stage, say, silent
from lightly_nb.lightly_source.companions import (
    BadFile,
    companion_files,
    optional_json,
    read_companions,
    say_what_was_read,
)
from lightly_nb.lightly_source.json_files import as_dict, json_name, read_json, text_of, write_json
from lightly_nb.lightly_source.prediction_rules import (
    SINGLETON_FIELDS,
    predictions_problem,
    schema_problem,
    singleton_problem,
    task_name_problem,
    task_of,
    unread_keys,
)
from lightly_nb.samples.predictions import Packer, Predictions, Task

PREDICTIONS = ".lightly/predictions"
STEP = "LOADING_PREDICTION"


def read_tasks(datasource: Datasource) -> dict[str, Task]:
    """Return the tasks of `tasks.json` by name, with what their schemas say; none without that file.

    Raises
    ------
    InputError
        If `tasks.json` or a schema is missing or cannot be used; names the file and what is allowed.
    DatasourceError
        If they cannot be read.
    """
    where = f"{PREDICTIONS}/tasks.json in {datasource.url}"
    names = optional_json(datasource, f"{PREDICTIONS}/tasks.json")
    if names is None:
        return {}
    if not isinstance(names, list):
        raise InputError(f"{where}: got {names!r}; allowed is a list of the tasks' names")
    problems = [problem for name in names if (problem := task_name_problem(name))]
    if problems:
        raise InputError(f"{where}: {problems[0]}")
    return {name: _read_task(datasource, name) for name in dict.fromkeys(names)}


def _read_task(datasource: Datasource, name: str) -> Task:
    file = f"{PREDICTIONS}/{name}/schema.json"
    schema = optional_json(datasource, file)
    if schema is None:
        raise InputError(
            f"{file} in {datasource.url}: there is no such file, but tasks.json names the task {name!r}; "
            "write it (task_type, categories), or take the task off tasks.json"
        )
    if problem := schema_problem(schema):
        raise InputError(f"{file} in {datasource.url}: {problem}")
    return task_of(name, schema)


def read_predictions(
    datasource: Datasource, filenames: Sequence[str], task: Task, on_event: Listener | None = None
) -> tuple[Predictions, list[BadFile]]:
    """Read what is predicted for samples in one task, and which files cannot be used.

    Parameters
    ----------
    datasource : Datasource
        LIGHTLY. The files of the task are listed once and fetched by several threads.
    filenames : sequence of str
        The samples. One without a file, or whose file cannot be used, has no predictions.
    task : Task
        One of `read_tasks`.
    on_event : Listener or None
        Gets the progress of step LOADING_PREDICTION, and of unusable files a warning each.
    """
    on_event = on_event or silent
    packer, bad, unread = Packer(task), [], Counter[str]()

    def check(body: dict[str, Any]) -> str | None:
        return predictions_problem(body.get("predictions"), task)

    files = companion_files(datasource, f"{PREDICTIONS}/{task.name}", filenames)
    with Stage(on_event, STEP, len(filenames), "sample") as stage:
        for read in read_companions(datasource, filenames, files, check):
            found = None if read.body is None else read.body["predictions"]
            packer.add(found)
            for one in found or ():
                if len(one) > 2:
                    unread.update(unread_keys(one, task))
            if read.bad:
                bad.append(read.bad)
            stage.advance()
    what = f"predictions of task '{task.name}'"
    say_what_was_read(on_event, STEP, what, files, bad, "has no predictions")
    if unread:
        shown = ", ".join(_with_guess(key, count) for key, count in unread.most_common(5))
        say(on_event, STEP, f"{what}: nothing reads the keys {shown}", "warning")
    return packer.predictions(), bad


def _with_guess(key: str, count: int) -> str:
    near = get_close_matches(key, [one for one in SINGLETON_FIELDS if one != key], n=1)
    return f"{key!r} ({count:,} times{f', did you mean {near[0]!r}?' if near else ''})"


def write_task_schema(datasource: WritableDatasource, schema: Any) -> None:
    """Write the schema of a prediction task and put the task on the list of tasks.

    Parameters
    ----------
    schema : mapping or object
        With `name`, `type` (`"OBJECT_DETECTION"` and `"object-detection"` mean the same) and `categories`,
        each with `id` and `name`.

    Raises
    ------
    BadRequestException
        If a part is missing or cannot be.
    DatasourceError
        If it cannot be written.
    """
    fields = as_dict(schema)
    name, categories = fields.get("name"), [as_dict(one) for one in fields.get("categories") or ()]
    task_type = text_of(fields.get("type")).lower().replace("_", "-")
    _refuse(task_name_problem(name))
    if problem := schema_problem({**fields, "task_type": task_type, "categories": categories}):
        said = f"schema.{problem}".replace("schema.task_type is", "schema.type is")
        raise BadRequestException(said)
    rest = {key: fields[key] for key in ("keypoint_names", "keypoint_skeleton") if fields.get(key)}
    body = {
        "task_type": task_type,
        "categories": [{"id": one["id"], "name": one["name"]} for one in categories],
        **rest,
    }
    write_json(datasource, f"{PREDICTIONS}/{name}/schema.json", body)
    tasks = read_json(datasource, f"{PREDICTIONS}/tasks.json", [])
    if name not in tasks:
        write_json(datasource, f"{PREDICTIONS}/tasks.json", [*tasks, name])


def write_predictions(datasource: WritableDatasource, filename: str, singletons: Iterable[Any]) -> None:
    """Write the predictions of one sample, a file for each task among them; replaces those it had there.

    Parameters
    ----------
    filename : str
        The sample.
    singletons : iterable of mappings or objects
        Each with `task_name`, `category_id`, `score` and what its type needs, in snake_case or camelCase.

    Raises
    ------
    BadRequestException
        If a singleton cannot be (by the rules that reading has too), or its task has no schema.
    DatasourceError
        If a file cannot be written.
    """
    by_task: dict[str, list[dict[str, Any]]] = {}
    tasks: dict[str, Task] = {}
    for number, fields in enumerate(as_dict(one) for one in singletons):
        where = f"prediction_singletons[{number}] of {filename!r}"
        missing = [key for key in ("task_name", "category_id", "score") if fields.get(key) is None]
        if missing:
            raise BadRequestException(f"{where} has no {', '.join(missing)}")
        name = fields["task_name"]
        task = tasks[name] = tasks.get(name) or _task_to_write(datasource, name)
        one = {key: _plain(fields[key]) for key in SINGLETON_FIELDS if fields.get(key) is not None}
        said_type = text_of(fields.get("type")).lower().replace("_", "-")
        if said_type and said_type != task.type:
            said = f"type is {fields['type']!r}, but the task {task.name!r} is one of {task.type}"
            raise BadRequestException(f"{where}: {said}")
        if problem := singleton_problem(one, task) or _meaningless(one, task):
            raise BadRequestException(f"{where}: {problem}")
        by_task.setdefault(name, []).append(one)
    for name, found in by_task.items():
        if problem := predictions_problem(found, tasks[name]):
            raise BadRequestException(f"predictions of {filename!r} in task {name!r}: {problem}")
    for name, found in by_task.items():
        body = {"file_name": filename, "predictions": found}
        write_json(datasource, json_name(f"{PREDICTIONS}/{name}", filename), body)


def _meaningless(one: Mapping[str, Any], task: Task) -> str | None:
    keys = sorted(unread_keys(one, task))
    return f"{keys[0]} means nothing in a task of {task.type}; leave it out" if keys else None


def _task_to_write(datasource: WritableDatasource, name: Any) -> Task:
    _refuse(task_name_problem(name))
    schema = read_json(datasource, f"{PREDICTIONS}/{name}/schema.json", None)
    if schema is None:
        said = f"the task {name!r} has no schema yet; call create_or_update_prediction_task_schema first"
        raise BadRequestException(said)
    if problem := schema_problem(schema):
        raise BadRequestException(f"the schema of the task {name!r} cannot be used: {problem}")
    return task_of(name, schema)


def _refuse(problem: str | None) -> None:
    if problem:
        raise BadRequestException(problem)


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
