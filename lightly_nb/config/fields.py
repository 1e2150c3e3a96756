"""The kinds of values that a configuration holds, stricter than pydantic's own.

A flag is never a number, a number with a point is never a whole one, nothing is truncated. Numbers of numpy
are accepted like those of Python, and a text such as `1e-5`, which YAML 1.1 does not read as a number, is
accepted where a number belongs. Every kind refuses as a whole, so a wrong value gives one problem.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, SecretStr
from pydantic_core import PydanticCustomError

MASK = "**********"
"""What stands for a secret wherever a configuration is shown or written; read back it means "not given"."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Allowed:
    """Says in words what a field allows, where its type and bounds alone do not."""

    text: str


@dataclass(frozen=True)
class Choices:
    """Names the values that are offered to choose from, for a field that also takes others."""

    values: tuple[str, ...]


class FrozenDict(dict[str, Any]):
    """A dict that cannot be changed, so that a frozen configuration is frozen all the way down."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a configuration is frozen; make a changed copy with model_copy(update={...})")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = _refuse
    __ior__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (dict(self),))


class ContradictionError(ValueError):
    """Several keys of one section do not fit together: `keys`, by their paths inside it."""

    def __init__(self, text: str, *keys: str):
        super().__init__(text)
        self.keys = keys


def refused() -> PydanticCustomError:
    """Return the error of a value that a field does not allow; the message is written in `problems`."""
    return PydanticCustomError("not_allowed", "not allowed")


def plain(value: Any) -> Any:
    """Return the Python value of a numpy scalar, anything else as it is."""
    is_scalar = getattr(value, "ndim", None) == 0 and hasattr(value, "item")
    return value.item() if is_scalar else value


def whole(value: Any) -> int:
    """Accept whole numbers only: no flags, no floats, no text."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise refused()
    return int(value)


def number(value: Any) -> float:
    """Accept finite numbers, and text that spells one (`1e-5` is text to YAML 1.1)."""
    value = plain(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise refused()
    try:
        result = float(value)
    except OverflowError:
        raise refused() from None
    if not math.isfinite(result):
        raise refused()
    return result


def flag(value: Any) -> bool:
    """Accept true and false only."""
    value = plain(value)
    if not isinstance(value, bool):
        raise refused()
    return value


def is_list(value: Any) -> bool:
    """Whether a value is a list of values, not a text."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def text(value: Any) -> str:
    """Accept text only."""
    if not isinstance(value, str):
        raise refused()
    return str(value)


def name(value: Any) -> str:
    """Accept text that is not empty."""
    if not text(value):
        raise refused()
    return str(value)


def names(value: Any) -> tuple[str, ...]:
    """Accept a list of different, not empty texts."""
    if not is_list(value) or not value:
        raise refused()
    result = tuple(name(item) for item in value)
    if len(set(result)) != len(result):
        raise refused()
    return result


def path_text(value: Any) -> str:
    """Accept text or a `pathlib` path."""
    return text(os.fspath(value) if isinstance(value, os.PathLike) else value)


def below_root(value: Any) -> str:
    """Accept a relative path that cannot leave its folder."""
    path = path_text(value).replace("\\", "/")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path) or ".." in path.split("/"):
        raise refused()
    return path


def secret(value: Any) -> SecretStr:
    """Accept text as a secret; the mask of an earlier dump means that none is given."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    value = text(value)
    return SecretStr("" if value == MASK else value)


def pair(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function that accepts two values, each as `convert` does."""

    def accept(value: Any) -> Any:
        if not is_list(value) or len(value) != 2:
            raise refused()
        return (convert(value[0]), convert(value[1]))

    return accept


def ordered(value: tuple[float, float]) -> tuple[float, float]:
    """Accept a pair whose first is not above its second."""
    if value[0] > value[1]:
        raise refused()
    return value


def minus_one_or_positive(value: int) -> int:
    """Accept -1 and whole numbers from 1."""
    if value != -1 and value < 1:
        raise refused()
    return value


def shares(value: Any) -> FrozenDict:
    """Accept {category: share}, each share in [0, 1] and together at most 1."""
    if not isinstance(value, Mapping) or not value:
        raise refused()
    result = FrozenDict({category(key): number(share) for key, share in value.items()})
    if len(result) != len(value):
        raise PydanticCustomError("clear", "a category is named twice")
    for key, share in result.items():
        if share < 0:
            raise PydanticCustomError(
                "clear", "the share of {key} is negative: {share}", {"key": repr(key), "share": share}
            )
    total = math.fsum(result.values())
    if total > 1 + 1e-9:
        raise PydanticCustomError("clear", "the shares sum to {total}, above 1", {"total": f"{total:g}"})
    return result


def thawed(value: FrozenDict) -> dict[str, float]:
    """Return a dict that can be changed and written."""
    return dict(value)


def category(value: Any) -> str:
    """Accept the name of a category; a whole number is written out, since YAML and JSON keys differ there."""
    value = plain(value)
    if isinstance(value, bool):
        raise PydanticCustomError(
            "clear",
            "a category reads as true or false; put its name in quotes ('yes', 'no', 'true', 'false')",
        )
    return name(str(value) if isinstance(value, int) else value)


Whole = Annotated[int, BeforeValidator(whole)]
Number = Annotated[float, BeforeValidator(number)]
Flag = Annotated[bool, BeforeValidator(flag)]
Text = Annotated[str, BeforeValidator(text)]
Name = Annotated[str, BeforeValidator(name), Allowed("text, not empty")]
Names = Annotated[tuple[str, ...], BeforeValidator(names), Allowed("a list of different texts, at least one")]
PathText = Annotated[str, BeforeValidator(path_text), Allowed("text, a path")]
BelowRoot = Annotated[
    str, BeforeValidator(below_root), Allowed("text, a relative path without '..', or '' for none")
]
Secret = Annotated[SecretStr, BeforeValidator(secret), Allowed("text")]
Count = Annotated[
    int,
    BeforeValidator(whole),
    AfterValidator(minus_one_or_positive),
    Allowed("-1 (as many as there are CPUs) or a whole number >= 1"),
]
Shares = Annotated[
    dict[str, float],
    BeforeValidator(shares),
    AfterValidator(FrozenDict),
    PlainSerializer(thawed),
    Allowed("{category: share}, each share in [0, 1], together at most 1"),
]
