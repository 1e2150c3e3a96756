"""JSON files below `.lightly/` of a LIGHTLY datasource: read, or written whole or not at all."""

from __future__ import annotations

import json
import math
import posixpath
import re
from collections.abc import Mapping
from typing import Any

from lightly_nb.datasource import WritableDatasource
from lightly_nb.datasource.names import name_problem
from lightly_nb.errors import BadRequestException, DatasourceError


def json_name(folder: str, filename: str) -> str:
    """Return the name of the JSON file of a sample: its own, below `folder`, with the ending .json.

    Examples
    --------
    >>> json_name(".lightly/metadata", "a/b.tar.png")
    '.lightly/metadata/a/b.tar.json'
    """
    if problem := name_problem(filename):
        raise BadRequestException(f"{filename!r} is no name of a sample: {problem}")
    return f"{folder}/{posixpath.splitext(filename)[0]}.json"


def as_dict(model: Any) -> dict[str, Any]:
    """Return a mapping, model or plain object as a dict with snake_case keys."""
    inner = getattr(model, "actual_instance", model)
    for method in ("model_dump", "to_dict"):
        if callable(found := getattr(inner, method, None)):
            inner = found()
            break
    if not isinstance(inner, Mapping):
        inner = vars(inner) if hasattr(inner, "__dict__") else {}
    return {re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower(): value for key, value in inner.items()}


def is_number(value: Any) -> bool:
    """Whether `value` is a finite number, of Python or NumPy; a truth value is none."""
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is int:
        return abs(value) < 2**63
    return _kind(value) in ("i", "u", "f") and math.isfinite(value)


def is_whole(value: Any) -> bool:
    """Whether `value` is a whole number, of Python or NumPy; neither a truth value nor 1.0 is one."""
    return abs(value) < 2**63 if type(value) is int else _kind(value) in ("i", "u")


def _kind(value: Any) -> str:
    """Return 'i', 'u', 'f', … for a scalar of NumPy, '' for anything else."""
    return (
        getattr(value.dtype, "kind", "") if getattr(value, "ndim", 1) == 0 and hasattr(value, "dtype") else ""
    )


def text_of(value: Any) -> str:
    """Return a text or the value of an enum member; '' for None."""
    return str(getattr(value, "value", value) or "")


def read_json(datasource: WritableDatasource, name: str, missing: Any) -> Any:
    """Return what a JSON file holds, `missing` if there is none."""
    if not datasource.exists(name):
        return missing
    try:
        return json.loads(datasource.read(name))
    except ValueError as error:
        raise DatasourceError(f"{name} in {datasource.url} is no JSON: {error}; mend or remove it") from None


def write_json(datasource: WritableDatasource, name: str, body: Any) -> None:
    """Write a JSON file; NumPy values are allowed."""
    try:
        text = json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise BadRequestException(f"{name}: what was given cannot be written as JSON: {error}") from None
    datasource.write(name, text.encode())


def _plain(value: Any) -> Any:
    """Return a NumPy number or array as JSON has it."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON")
