"""From what a form holds to a configuration, or to what is wrong by key: as the configuration says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lightly_nb.config import describe, parse
from lightly_nb.config.not_yet import is_hidden
from lightly_nb.config.problems import dotted_keys
from lightly_nb.config.section import Config
from lightly_nb.errors import ConfigError, Problem
from lightly_nb.widgets.config_editor.inputs import as_held, as_value


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields that a form shows, by dotted key: no lists of sections, no tags, nothing refused."""
    return {
        key: field
        for key, field in dotted_keys(model)
        if not describe.sections(field.annotation)
        and key.rpartition(".")[2] != "type"
        and not is_hidden(str(getattr(model, "WHERE", "")), key)
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
            wrong[key] = error.problems[0].text
    return _without_empty_sections(model, values), wrong


def checked(model: type[Config], values: Mapping[str, Any]) -> tuple[Config | None, dict[str, str]]:
    """Return the configuration of these values, nested or dotted, or None and what is wrong by dotted key."""
    try:
        return parse(model, values), {}
    except ConfigError as error:
        return None, texts_by_key(error.problems, model.WHERE)


def texts_by_key(problems: Iterable[Problem], where: str) -> dict[str, str]:
    r"""Return what is wrong by dotted key inside the configuration `where`; '' is the configuration itself.

    >>> texts_by_key([Problem("c.a.b", "not allowed"), Problem("c.a.b", "too large")], "c")
    {'a.b': 'not allowed\ntoo large'}
    """
    texts: dict[str, list[str]] = {}
    for key, text in problems:
        texts.setdefault(key.removeprefix(where).lstrip("."), []).append(text)
    return {key: "\n".join(found) for key, found in texts.items()}


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
