"""Predictions that a user adds to a dataset, as files below `.lightly/predictions/` of LIGHTLY.

    tasks.json                   all tasks
    TASK/schema.json             its type and categories
    TASK/path/of/image.json      the predictions of one sample

The layout is the platform's, so the same files can as well be written by hand. Two schemas written
at a time may lose a line of `tasks.json`: write one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from numbers import Real
from typing import Any

from lightly_nb.datasource import WritableDatasource
from lightly_nb.errors import BadRequestException
from lightly_nb.lightly_source.json_files import as_dict, is_whole, json_name, read_json, text_of, write_json

PREDICTIONS = ".lightly/predictions"

_TASK_TYPES = (
    "classification",
    "object-detection",
    "semantic-segmentation",
    "instance-segmentation",
    "keypoint-detection",
)
_SINGLETON_FIELDS = ("category_id", "score", "bbox", "segmentation", "keypoints", "probabilities")


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
    _check_task_name(name)
    if task_type not in _TASK_TYPES:
        said = f"schema.type is {fields.get('type')!r}; there are {', '.join(_TASK_TYPES)}"
        raise BadRequestException(said)
    ids = [one.get("id") for one in categories]
    if not categories or len(set(ids)) < len(ids) or not all(map(is_whole, ids)):
        said = "schema.categories needs one entry or more, each with its own whole number 'id' and a 'name'"
        raise BadRequestException(f"{said}; got {categories!r}")
    rest = {key: fields[key] for key in ("keypoint_names", "keypoint_skeleton") if fields.get(key)}
    body = {
        "task_type": task_type,
        "categories": [{"id": one["id"], "name": text_of(one.get("name"))} for one in categories],
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
        If a singleton is incomplete or its task has no schema.
    DatasourceError
        If a file cannot be written.
    """
    by_task: dict[str, list[dict[str, Any]]] = {}
    for number, fields in enumerate(as_dict(one) for one in singletons):
        where = f"prediction_singletons[{number}] of {filename!r}"
        missing = [key for key in ("task_name", "category_id", "score") if fields.get(key) is None]
        if missing:
            raise BadRequestException(f"{where} has no {', '.join(missing)}")
        if not isinstance(fields["score"], Real) or not 0 <= float(fields["score"]) <= 1:
            raise BadRequestException(f"{where}: score is {fields['score']!r}, which is not from 0 to 1")
        singleton = {key: fields[key] for key in _SINGLETON_FIELDS if fields.get(key) is not None}
        by_task.setdefault(fields["task_name"], []).append(singleton)
    for task in by_task:
        _check_categories(datasource, task, by_task[task])
    for task, found in by_task.items():
        body = {"file_name": filename, "predictions": found}
        write_json(datasource, json_name(f"{PREDICTIONS}/{task}", filename), body)


def _check_categories(datasource: WritableDatasource, task: str, found: list[dict[str, Any]]) -> None:
    _check_task_name(task)
    schema = read_json(datasource, f"{PREDICTIONS}/{task}/schema.json", None)
    if schema is None:
        said = f"the task {task!r} has no schema yet; call create_or_update_prediction_task_schema first"
        raise BadRequestException(said)
    known = {one["id"] for one in schema["categories"]}
    unknown = sorted({one["category_id"] for one in found} - known)
    if unknown:
        said = f"category_id {unknown[0]!r} is not in the schema of task {task!r}, which has {sorted(known)}"
        raise BadRequestException(said)


def _check_task_name(name: Any) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9 _-]*", name):
        raise BadRequestException(f"{name!r} cannot be the name of a task: use a-z, A-Z, 0-9, blank, _ and -")
