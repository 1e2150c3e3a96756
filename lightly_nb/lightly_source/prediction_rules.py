"""What predictions may be: one set of rules for whoever reads, writes or hands them in.

A rule returns what is wrong as a text that begins with the key, or None; the caller says where it is.
docs/predictions.md has the rules in words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lightly_nb.lightly_source.json_files import is_number, is_whole
from lightly_nb.samples.predictions import TASK_TYPES, Task

SINGLETON_FIELDS = ("category_id", "score", "bbox", "segmentation", "keypoints", "probabilities")
SUM_TOLERANCE = 0.01
"""How far from 1 the sum of probabilities may be: they are often rounded."""

_NEEDED = {
    "classification": (),
    "object-detection": ("bbox",),
    "semantic-segmentation": ("segmentation",),
    "instance-segmentation": ("segmentation",),
    "keypoint-detection": ("keypoints",),
}
_ALLOWED = {
    "classification": frozenset({"category_id", "score", "probabilities"}),
    "object-detection": frozenset({"category_id", "score", "probabilities", "bbox"}),
    "semantic-segmentation": frozenset({"category_id", "score", "probabilities", "segmentation"}),
    "instance-segmentation": frozenset({"category_id", "score", "probabilities", "segmentation", "bbox"}),
    "keypoint-detection": frozenset({"category_id", "score", "probabilities", "keypoints", "bbox"}),
}
_LARGEST_RUN = 2**31 - 1


def task_name_problem(name: Any) -> str | None:
    """Return why `name` cannot be the name of a task, which is also that of a folder."""
    if isinstance(name, str) and re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9 _-]*", name):
        return None
    return f"{name!r} cannot be the name of a task: use a-z, A-Z, 0-9, blank, _ and -"


def schema_problem(schema: Any) -> str | None:
    """Return what is wrong with the content of a schema.json, None if nothing is."""
    if not isinstance(schema, Mapping):
        return f"it is no object with task_type and categories, got {_shown(schema)}"
    if schema.get("task_type") not in TASK_TYPES:
        return f"task_type is {_shown(schema.get('task_type'))}; there are {', '.join(TASK_TYPES)}"
    categories = schema.get("categories")
    needs = "categories needs one entry or more, each with its own whole number 'id' and its own 'name'"
    if not _is_list(categories) or not len(categories):  # type: ignore[arg-type]
        return f"{needs}; got {_shown(categories)}"
    ids: set[Any] = set()
    names: set[Any] = set()
    for number, one in enumerate(categories):  # type: ignore[arg-type]
        fields = one if isinstance(one, Mapping) else {}
        number_of, name = fields.get("id"), fields.get("name")
        if not is_whole(number_of) or not isinstance(name, str) or not name.strip():
            return f"{needs}; categories[{number}] is {_shown(one)}"
        if number_of in ids or name in names:
            which = f"id {number_of}" if number_of in ids else f"name {name!r}"
            return f"{needs}; categories[{number}] has the {which} of one before it"
        ids.add(number_of)
        names.add(name)
    names_of = schema.get("keypoint_names")
    if names_of is not None and not (_is_list(names_of) and all(isinstance(one, str) for one in names_of)):
        return f"keypoint_names is {_shown(names_of)}; allowed is a list of texts"
    return None


def task_of(name: str, schema: Mapping[str, Any]) -> Task:
    """Return the task of a valid schema."""
    categories = schema["categories"]
    return Task(
        name,
        schema["task_type"],
        tuple(one["name"] for one in categories),
        tuple(int(one["id"]) for one in categories),
        tuple(schema.get("keypoint_names") or ()),
    )


def predictions_problem(predictions: Any, task: Task) -> str | None:
    """Return what is wrong with the list of what is predicted for one sample, None if nothing is."""
    if not _is_list(predictions):
        return f"predictions is {_shown(predictions)}; allowed is a list, [] for nothing in the image"
    known = set(task.category_ids)
    for number, one in enumerate(predictions):
        if problem := singleton_problem(one, task, known):
            return f"predictions[{number}].{problem}"
    if task.is_classification and len(predictions) > 1:
        return _of_several(predictions)
    return None


def _of_several(predictions: Sequence[Mapping[str, Any]]) -> str | None:
    """A classification is one singleton with probabilities, or one a category with scores."""
    ids = [one["category_id"] for one in predictions]
    if len(set(ids)) < len(ids):
        repeated = next(one for one in ids if ids.count(one) > 1)
        return f"predictions: category_id {repeated} comes twice; a classification names a category once"
    if any(one.get("probabilities") is not None for one in predictions):
        return (
            f"predictions: {len(ids)} with probabilities; a classification is one entry with probabilities, "
            "or several with a score each"
        )
    return None


def singleton_problem(one: Any, task: Task, known: set[int] | None = None) -> str | None:
    """Return what is wrong with one singleton, None if nothing is."""
    if not isinstance(one, Mapping):
        return f"it is {_shown(one)}; allowed is an object with category_id and score"
    known = set(task.category_ids) if known is None else known
    number, score = one.get("category_id"), one.get("score")
    if number is None:
        return f"category_id is missing; the schema of task {task.name!r} has {_some(task.category_ids)}"
    if not is_whole(number) or number not in known:
        has = f"which has {_some(task.category_ids)}"
        return f"category_id {_shown(number)} is not in the schema of task {task.name!r}, {has}"
    if score is None:
        return "score is missing; allowed is a number from 0 to 1"
    if not is_number(score) or not 0 <= score <= 1:
        return f"score is {_shown(score)}, which is not from 0 to 1"
    for key in _NEEDED[task.type]:
        if one.get(key) is None:
            return f"{key} is missing, which a singleton of {task.type} needs"
    for key, rule in _RULES.items():
        if (value := one.get(key)) is not None and (problem := rule(value, task)):
            return problem
    return None


def unread_keys(one: Mapping[str, Any], task: Task) -> set[str]:
    """Return the keys of a singleton that say nothing in such a task."""
    return set(one) - _ALLOWED[task.type]


def _bbox(value: Any, task: Task) -> str | None:
    if _is_list(value) and len(value) == 4 and all(map(is_number, value)) and min(value[2], value[3]) >= 0:
        return None
    return f"bbox is {_shown(value)}; allowed is [x, y, width, height] in pixels, width and height at least 0"


def _probabilities(value: Any, task: Task) -> str | None:
    width = len(task.categories)
    if not _is_list(value) or len(value) != width or not all(map(is_number, value)):
        return f"probabilities is {_shown(value)}; allowed are {width} numbers, in the schema's order"
    if min(value) < 0 or max(value) > 1 or not abs(math.fsum(value) - 1) <= SUM_TOLERANCE:
        total = math.fsum(value)
        allowed = f"allowed are numbers from 0 to 1 of sum 1, here it is {total:.6g}"
        return f"probabilities is {_shown(value)}; {allowed}"
    return None


def _segmentation(value: Any, task: Task) -> str | None:
    are_whole = _is_list(value) and len(value) and all(map(is_whole, value))
    if are_whole and min(value) >= 0 and max(value) <= _LARGEST_RUN:
        return None
    what = "run lengths, whole numbers of at least 0, row by row, beginning with the count of zeros"
    return f"segmentation is {_shown(value)}; allowed are {what}"


def _keypoints(value: Any, task: Task) -> str | None:
    n_named = len(task.keypoint_names)
    are_triples = _is_list(value) and len(value) and len(value) % 3 == 0 and all(map(is_number, value))
    if are_triples and (not n_named or len(value) == 3 * n_named):
        return None
    many = f"{3 * n_named} numbers" if n_named else "a multiple of 3 numbers"
    return f"keypoints is {_shown(value)}; allowed are {many}: x, y and score of each keypoint"


_RULES = {
    "bbox": _bbox,
    "probabilities": _probabilities,
    "segmentation": _segmentation,
    "keypoints": _keypoints,
}


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) or getattr(value, "ndim", 0) == 1


def _some(values: Sequence[Any]) -> str:
    return str(list(values[:20])) + (f" and {len(values) - 20} more" if len(values) > 20 else "")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
