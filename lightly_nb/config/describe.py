"""What a field of a configuration is, in words: the one source of the docs table and the errors."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from lightly_nb.config.fields import Allowed, Choices


def members(annotation: Any) -> tuple[Any, ...]:
    """Return the alternatives of a type: those of a union without None, else the type itself."""
    if get_origin(annotation) is Annotated:
        return members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(part for each in get_args(annotation) for part in members(each) if part is not NoneType)
    return (annotation,)


def notes(field: FieldInfo) -> list[Any]:
    """Return what is noted on a field (bounds, `Allowed`), also on the alternatives of its type."""
    inner = [part for part in get_args(field.annotation) if get_origin(part) is Annotated]
    return [note for part in inner for note in get_args(part)[1:]] + field.metadata


def sections(annotation: Any) -> tuple[type[BaseModel], ...]:
    """Return the models that a type may hold (through lists and unions), none for a plain value."""
    found: list[type[BaseModel]] = []
    for part in members(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            found.append(part)
        elif get_origin(part) is tuple:
            found.extend(sections(get_args(part)[0]))
    return tuple(found)


def is_list(annotation: Any) -> bool:
    """Whether a type is a list of sections."""
    return get_origin(annotation) is tuple


def tag(model: type[BaseModel]) -> str | None:
    """Return the value of `type` that marks a model in a union; None without one."""
    field = model.model_fields.get("type")
    return None if field is None else str(get_args(field.annotation)[0])


def is_secret(field: FieldInfo) -> bool:
    """Whether the value of a field must never be shown."""
    return SecretStr in members(field.annotation)


def choices(field: FieldInfo) -> tuple[Any, ...]:
    """Return the values that a field offers, none for fields that take anything of a kind."""
    found: list[Any] = [value for note in notes(field) if isinstance(note, Choices) for value in note.values]
    for part in members(field.annotation):
        if get_origin(part) is Literal:
            found.extend(get_args(part))
    return tuple(found)


def allowed(field: FieldInfo) -> str:
    """Return in words what a field allows.

    Examples
    --------
    >>> from lightly_nb.config import LightlyConfig
    >>> allowed(LightlyConfig.model_fields["seed"])
    'a whole number in [0, 4294967295]'
    """
    optional = NoneType in get_args(field.annotation)
    return _allowed(field) + (" or null" if optional else "")


def _allowed(field: FieldInfo) -> str:
    said = [item.text for item in notes(field) if isinstance(item, Allowed)]
    if said:
        return said[-1]
    if choices(field):
        return " or ".join(repr(choice) for choice in choices(field))
    models = sections(field.annotation)
    if len(models) > 1:
        return "a mapping with 'type' " + " or ".join(f"'{tag(model)}'" for model in models)
    if models:
        return "a mapping with the keys " + ", ".join(models[0].model_fields)
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return (words[members(field.annotation)[0]] + " " + bounds(field)).strip()


def bounds(field: FieldInfo) -> str:
    """Return the range of a number in words: `>= 0`, `in (0, 1]`; '' without one."""
    low = high = None
    for item in notes(field):
        low = (">=", item.ge) if hasattr(item, "ge") else (">", item.gt) if hasattr(item, "gt") else low
        high = ("<=", item.le) if hasattr(item, "le") else ("<", item.lt) if hasattr(item, "lt") else high
    if low and high:
        left, right = "[" if low[0] == ">=" else "(", "]" if high[0] == "<=" else ")"
        return f"in {left}{low[1]:.10g}, {high[1]:.10g}{right}"
    return " ".join(f"{sign} {value:.10g}" for sign, value in filter(None, (low, high)))


def type_name(annotation: Any) -> str:
    """Return the name of a field's type for the docs table: `int`, `float or list`, `secret`."""
    names = {SecretStr: "secret", tuple: "list", dict: "mapping"}
    found: list[str] = []
    for part in members(annotation):
        origin = get_origin(part) or part
        kind = type(get_args(part)[0]) if origin is Literal else origin
        word = names.get(kind, "mapping" if sections(kind) else kind.__name__)
        found += [] if word in found else [word]
    return " or ".join(found)
