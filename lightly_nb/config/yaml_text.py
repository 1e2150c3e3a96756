"""YAML read safely: no code, no key twice, no part of the text in an error (it may hold a secret)."""

from __future__ import annotations

import os
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from lightly_nb.errors import ConfigError

SUFFIXES = (".yaml", ".yml", ".json")


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if key.tag == "tag:yaml.org,2002:str"]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"key '{twice[0]}' twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def _as_text(loader: _Loader, node: yaml.Node) -> str:
    return str(node.value)


_Loader.add_constructor("tag:yaml.org,2002:value", _as_text)  # a lone '='
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _as_text)  # a date stays as it is written


def load(text: str, where: str) -> Any:
    """Return what a YAML text says; `where` names it in the error.

    Raises
    ------
    ConfigError
        If it is not YAML, or has a key twice.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError.at(where, f"not valid YAML{at}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    if not isinstance(error, yaml.constructor.ConstructorError):
        return "check quotes, brackets and indentation there"
    problem = error.problem or ""
    return problem if problem.endswith("twice") else "a tag or value that a configuration cannot have"


class _Dumper(yaml.SafeDumper):
    """A safe dumper that escapes every line break in a text; PyYAML would turn some of them into spaces."""


def _represent_text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = '"' if any(mark in value for mark in "\r\n\x85\u2028\u2029\ufeff") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _represent_text)


def dump(value: Any) -> str:
    """Return plain Python values as YAML text, keys in order, from which `load` gives the same values."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True))


def is_path(value: Any) -> bool:
    """Whether a value names a YAML file rather than being YAML text."""
    if isinstance(value, os.PathLike):
        return True
    return isinstance(value, str) and "\n" not in value and value.strip().lower().endswith(SUFFIXES)


def read(text_or_path: str | os.PathLike[str], where: str) -> Any:
    """Return what a YAML text, or the file at a path that ends in .yaml, .yml or .json, says.

    Raises
    ------
    ConfigError
        If the file cannot be read or what it holds is not YAML.
    """
    if not is_path(text_or_path):
        return load(str(text_or_path), where)
    path = Path(text_or_path)
    try:
        return load(path.read_text(encoding="utf-8"), f"{where} in {path}")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError.at(where, f"cannot read {path}: {reason}") from None
