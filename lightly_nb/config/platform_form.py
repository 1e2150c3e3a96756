"""Forms that the platform's client takes beside ours: camelCase, null for "not given", keys no run reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

NOT_GIVEN: tuple[Any, ...] = (None, "", [], (), {})
"""What stands for "not given" in a key that runs here know nothing to do with."""


def as_ours(model: type[BaseModel], values: Mapping[str, Any], beside: Iterable[str]) -> dict[str, Any]:
    """Return `values` with our keys: camelCase as snake_case, and without those that are not given.

    null is "not given" wherever a section has a default. `beside` are the platform's other keys of such a
    section: left out where they are empty, refused by name elsewhere.

    Examples
    --------
    >>> from lightly_nb.config import LightlyConfig
    >>> as_ours(LightlyConfig, {"checkpointCallback": {}, "seed": None, "autoTasks": []}, ["auto_tasks"])
    {'checkpoint_callback': {}}
    """
    result: dict[str, Any] = {}
    known = {*model.model_fields, *beside}
    for key, value in values.items():
        name = _ours(key, known)
        if name in result or (name != key and name in values):
            raise ValueError(f"'{name}' is given twice, once as '{key}'; give it once")
        result[name] = value
    return {key: value for key, value in result.items() if not _is_not_given(model, key, value, beside)}


def snake_case(key: str) -> str:
    """Return a camelCase key as snake_case.

    Examples
    --------
    >>> snake_case("stoppingConditionMaxSum"), snake_case("datasource.processAll"), snake_case("n_samples")
    ('stopping_condition_max_sum', 'datasource.process_all', 'n_samples')
    """
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()


def _ours(key: str, known: set[str]) -> str:
    head, dot, rest = key.partition(".")
    is_camel_case = re.fullmatch("[a-z][a-z0-9]*([A-Z][a-z0-9]*)+", head) is not None
    if is_camel_case and head not in known and snake_case(head) in known:
        head = snake_case(head)
    return f"{head}{dot}{rest}"


def _is_not_given(model: type[BaseModel], key: str, value: Any, beside: Iterable[str]) -> bool:
    field = model.model_fields.get(key)
    if field is None:
        return key in beside and value in NOT_GIVEN
    return value is None and not field.is_required() and not _takes_none(field)


def _takes_none(field: FieldInfo) -> bool:
    return field.default is None or type(None) in get_args(field.annotation)
