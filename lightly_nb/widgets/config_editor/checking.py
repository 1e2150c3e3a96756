"""From what a form holds to a configuration, or to what is wrong by key. No widgets here, and no rule of its
own: everything is decided, and said, by the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lightly_nb.config import describe, parse
from lightly_nb.config.problems import dotted_keys
from lightly_nb.config.section import Config
from lightly_nb.errors import ConfigError
from lightly_nb.widgets.config_editor.inputs import as_held, as_value

WHOLE_FORM = ""
"""Key of a problem that belongs to no field."""


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields that a form shows, by dotted key: no lists of sections, no tags of unions."""
    return {
        key: field
        for key, field in dotted_keys(model)
        if not describe.sections(field.annotation) and key.rpartition(".")[2] != "type"
    }


def held_by(config: BaseModel) -> dict[str, Any]:
    """Return what a form holds for a configuration or a section of one, by dotted key."""
    return {key: as_held(_value_at(config, key), field) for key, field in fields_of(type(config)).items()}


def values_of(
    model: type[BaseModel], held: Mapping[str, Any], where: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values that a form holds, and what is wrong with the unreadable ones, by dotted key."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for key, field in fields_of(model).items():
        try:
            values[key] = as_value(held[key], field, f"{where}.{key}")
        except ConfigError as error:
            wrong[key] = str(error).removeprefix(f"{where}.{key}: ")
    return _without_empty_sections(model, values), wrong


def checked(
    model: type[Config], values: Mapping[str, Any], keys: Iterable[str]
) -> tuple[Config | None, dict[str, str]]:
    """Return the configuration of these values, or None and what is wrong with it by key.

    Parameters
    ----------
    model : type
        Of the configuration.
    values : mapping
        Nested or dotted.
    keys : iterable of str
        The dotted keys that the form has a field for.
    """
    try:
        return parse(model, values), {}
    except ConfigError as error:
        return None, problems_by_key(str(error), model.WHERE, list(keys))


def problems_by_key(message: str, where: str, keys: Iterable[str]) -> dict[str, str]:
    """Return the lines of a `ConfigError` by the dotted key that they are about.

    A line about several keys together counts for each key that it names; one that names none, for the place
    that it is about, or for the whole form.

    >>> problems_by_key("c.a.b: not allowed (got 0)\\nc: x and y are both given", "c", ["a.b", "x", "y"])
    {'a.b': 'not allowed (got 0)', 'x': 'x and y are both given', 'y': 'x and y are both given'}
    """
    found: dict[str, str] = {}
    line_form = re.compile(rf"{re.escape(where)}\.?((?:\.?\w+|\[\d+\])*)(?: \(\w+\))?: (.*)", re.DOTALL)
    for line in message.splitlines():
        match = line_form.fullmatch(line)
        place, said = match.groups() if match else (WHOLE_FORM, line)
        for key in _places(place, said, keys):
            found[key] = f"{found[key]}\n{said}" if key in found else said
    return found


def _places(place: str, said: str, keys: Iterable[str]) -> list[str]:
    if place in keys:
        return [place]
    start = f"{place}." if place else ""
    below = {key: key.removeprefix(start) for key in keys if key.startswith(start)}
    named = [
        key for key, rest in below.items() if re.search(rf"(?<![\w.]){re.escape(rest)}(?!\w|\.\w)", said)
    ]
    return named or [place]


def _value_at(config: Any, key: str) -> Any:
    for name in key.split("."):
        config = None if config is None else getattr(config, name)
    return config


def _without_empty_sections(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the keys of sections that may be null and of which nothing is given."""
    optional = [
        f"{name}."
        for name, field in model.model_fields.items()
        if describe.sections(field.annotation) and NoneType in get_args(field.annotation)
    ]
    empty = [
        start
        for start in optional
        if all(value is None for key, value in values.items() if key.startswith(start))
    ]
    return {key: value for key, value in values.items() if not key.startswith(tuple(empty))}
