"""Arguments of public functions that are of another type: words at the door, not Python's deep inside."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from lightly_nb.errors import InputError
from lightly_nb.samples.rows import described
from lightly_nb.samples.samples import Samples

Function = TypeVar("Function", bound=Callable[..., Any])


class Kind(NamedTuple):
    """What an argument may be: a test, and how to say it."""

    fits: Callable[[Any], bool]
    words: str


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, os.PathLike) and isinstance(os.fspath(value), str))


SAMPLES = Kind(
    lambda value: isinstance(value, Samples),
    "Samples, which lightly_nb.list_samples makes of files and Samples.from_embeddings of embeddings",
)
FUNCTION = Kind(callable, "a function")
WHOLE = Kind(_is_whole, "a whole number")
POSITIVE = Kind(lambda value: _is_whole(value) and value >= 1, "a whole number of at least 1")
TEXT = Kind(lambda value: isinstance(value, str), "text")
FLAG = Kind(lambda value: isinstance(value, bool | np.bool_), "True or False")
PATH = Kind(_is_path, "a path, as text or pathlib.Path")
MAPPING = Kind(lambda value: isinstance(value, Mapping), "a dict")
MANY = Kind(lambda value: isinstance(value, Iterable) and not isinstance(value, str | bytes), "a list")
LABELS = Kind(
    lambda value: isinstance(value, Iterable) and not isinstance(value, bytes | os.PathLike),
    "the name of a column, a mapping from file name to label, or one label per sample",
)
CONFIG = Kind(
    lambda value: isinstance(value, Mapping | str | os.PathLike) or hasattr(value, "model_dump"),
    "a dict, a configuration, YAML text or the path of a YAML file",
)
SELECTION = Kind(
    lambda value: hasattr(value, "filenames") and hasattr(value, "strategies"),
    "a Selection, as lightly_nb.select returns it",
)


def or_none(kind: Kind) -> Kind:
    """Return the kind that takes None too, of an argument whose default is another value."""
    return Kind(lambda value: value is None or kind.fits(value), f"{kind.words}, or None")


def accepts(**kinds: Kind) -> Callable[[Function], Function]:
    """Decorate a function so that it says whose argument is of another kind; None means "left out".

    >>> @accepts(size=WHOLE)
    ... def scaled(size: int = 1) -> int:
    ...     return size
    >>> scaled("large")
    Traceback (most recent call last):
    lightly_nb.errors.InputError: scaled: size: got a str, 'large'; allowed is a whole number
    """

    def decorated(function: Function) -> Function:
        signature = inspect.signature(function)
        called = function.__qualname__.removesuffix(".__init__").rpartition(".")[2]

        @functools.wraps(function)
        def checked(*arguments: Any, **named: Any) -> Any:
            given = dict(zip(signature.parameters, arguments, strict=False)) | named
            refuse_other_kinds(called, given, kinds, signature)
            return function(*arguments, **named)

        return cast(Function, checked)

    return decorated


def refuse_other_kinds(
    function: str,
    given: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    signature: inspect.Signature | None = None,
) -> None:
    """Raise `InputError` for the first argument that is not of its kind; None is left out where it may be."""
    for name, kind in kinds.items():
        if name not in given or kind.fits(given[name]):
            continue
        value = given[name]
        default = signature.parameters[name].default if signature is not None else None
        if value is None and default is None:
            continue
        what = f"{described(value)}, {value!r}" if isinstance(value, str) else described(value)
        also = " or None" if default is None else ""
        raise InputError(f"{function}: {name}: got {what}; allowed is {kind.words}{also}")
