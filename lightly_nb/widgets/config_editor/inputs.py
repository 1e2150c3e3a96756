"""What a form field holds, and the value that a configuration reads from it, both ways. No widgets here.

A form holds text, a flag or one of a few choices. What it holds is never judged here: what cannot be a value
is handed on as it was written, and the configuration says what is wrong with it.
"""

from __future__ import annotations

import re
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from lightly_nb.config import describe, yaml_text

Kind = Literal["flag", "choice", "number", "numbers", "lines", "mapping", "secret", "text"]

_WHOLE = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def kind_of(field: FieldInfo) -> Kind:
    """Return how a field is shown.

    >>> from lightly_nb.config import LightlyConfig
    >>> collate = LightlyConfig.model_fields["collate"].annotation.model_fields
    >>> kind_of(collate["input_size"]), kind_of(collate["sigmas"])
    ('number', 'numbers')
    """
    if describe.is_secret(field):
        return "secret"
    if describe.choices(field):
        return "choice"
    parts = describe.members(field.annotation)
    kinds = [get_origin(part) or part for part in parts]
    if tuple in kinds:
        item = get_args(parts[kinds.index(tuple)])[0]
        return "lines" if item is str else "numbers"
    by_type: dict[Any, Kind] = {bool: "flag", dict: "mapping", int: "number", float: "number"}
    return by_type.get(kinds[0], "text")


def is_optional(field: FieldInfo) -> bool:
    """Whether a field may be null."""
    return NoneType in get_args(field.annotation)


def as_held(value: Any, field: FieldInfo) -> Any:
    """Return what a form field holds for a value."""
    kind = kind_of(field)
    if kind in ("flag", "choice", "secret"):
        return value
    if value is None:
        return ""
    if kind == "lines":
        return "\n".join(value)
    if kind == "mapping":
        return yaml_text.dump(dict(value)).strip()
    if isinstance(value, tuple):
        return ", ".join(_number_text(item, field) for item in value)
    return _number_text(value, field) if kind in ("number", "numbers") else str(value)


def as_value(held: Any, field: FieldInfo, where: str) -> Any:
    """Return the value that a form field holds; `where` names it in the error.

    Raises
    ------
    ConfigError
        If a mapping is not YAML.
    """
    kind = kind_of(field)
    if kind in ("flag", "choice", "secret"):
        return held
    written = held.strip()
    if not written and is_optional(field):
        return None
    if kind == "lines":
        return [line.strip() for line in held.splitlines() if line.strip()]
    if kind == "mapping":
        return yaml_text.load(held, where)
    if kind == "number" or (kind == "numbers" and "," not in written):
        return _as_number(written)
    if kind == "numbers":
        return [_as_number(part.strip()) for part in written.strip("[]()").split(",")]
    return held


def choices_of(field: FieldInfo) -> list[tuple[str, Any]]:
    """Return the names and values of a choice, null among them where it is allowed."""
    named = [(str(choice), choice) for choice in describe.choices(field)]
    return [("not given", None), *named] if is_optional(field) else named


def unset(field: FieldInfo) -> Any:
    """Return what a form field holds before anything is given: its default, if it has one."""
    if not field.is_required():
        return as_held(field.get_default(call_default_factory=True), field)
    return choices_of(field)[0][1] if kind_of(field) == "choice" else ""


def is_set(held: Any, field: FieldInfo) -> bool:
    """Whether a form field holds something else than its default."""
    default = "" if field.is_required() else unset(field)
    if isinstance(held, SecretStr):
        return bool(held.get_secret_value())
    return bool(held != default)


def hint_of(field: FieldInfo) -> tuple[str, str]:
    """Return the description of a field, and what it allows with its default."""
    parts = []
    if kind_of(field) not in ("flag", "choice", "secret"):
        parts.append(describe.allowed(field).replace(" or null", ""))
    if field.is_required():
        parts.append("required")
    elif kind_of(field) != "secret":
        default = unset(field)
        default = {True: "on", False: "off"}.get(default, default) if kind_of(field) == "flag" else default
        parts.append(f"default {default}" if default not in ("", None) else "")
    return field.description or "", " · ".join(filter(None, parts))


def _number_text(value: Any, field: FieldInfo) -> str:
    """Return a number as people write it; 1.0 keeps its point where a whole number means something else."""
    text = repr(value)
    means_both = {int, float} <= set(describe.members(field.annotation))
    return text if means_both else text.removesuffix(".0")


def _as_number(written: str) -> Any:
    if _WHOLE.fullmatch(written):
        return int(written)
    return float(written) if _NUMBER.fullmatch(written) else written
