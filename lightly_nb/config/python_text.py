"""A configuration as the Python code that makes it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightly_nb.config.describe import is_secret
from lightly_nb.config.parsing import to_dict
from lightly_nb.config.problems import dotted_keys
from lightly_nb.config.section import Config

LONGEST_LINE = 88


def changed_values(config: Config) -> dict[str, Any]:
    """Return the keys that differ from their defaults, nested, as plain values; secrets are left out.

    Examples
    --------
    >>> from lightly_nb.config import LightlyConfig
    >>> changed_values(LightlyConfig(trainer={"max_epochs": 3}, seed=1))
    {'trainer': {'max_epochs': 3}}
    """
    return _without_secrets(config, config.model_dump(mode="json", exclude_defaults=True))


def all_values(config: Config) -> dict[str, Any]:
    """Return all keys, nested, as plain values; secrets are left out."""
    return _without_secrets(config, to_dict(config))


def to_python(config: Config, *, all_keys: bool = False) -> str:
    """Return Python code that makes `config` again, except for its secrets, which are never written.

    Parameters
    ----------
    config : WorkerConfig, LightlyConfig or SelectionConfig
        What to write.
    all_keys : bool
        Whether the keys that are at their default are written too.

    Examples
    --------
    >>> from lightly_nb.config import SelectionConfig
    >>> print(to_python(SelectionConfig(n_samples=50)))
    from lightly_nb.config import SelectionConfig
    <BLANKLINE>
    selection_config = SelectionConfig(
        n_samples=50,
    )
    <BLANKLINE>
    """
    values = all_values(config) if all_keys else changed_values(config)
    name = type(config).__name__
    lines = "".join(f"    {key}={_literal(value, 4, len(key) + 6)},\n" for key, value in values.items())
    call = f"{name}(\n{lines})" if lines else f"{name}()"
    return f"from lightly_nb.config import {name}\n\n{config.WHERE} = {call}\n"


def _without_secrets(config: Config, values: dict[str, Any]) -> dict[str, Any]:
    secret = [path.split(".") for path, field in dotted_keys(type(config)) if is_secret(field)]
    for path in secret:
        values = _without(values, path)
    return values


def _without(values: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    head, *rest = path
    if not rest:
        return {key: value for key, value in values.items() if key != head}
    if head not in values:
        return dict(values)
    return {**values, head: _without(values[head], rest)}


def _literal(value: Any, indent: int, taken: int) -> str:
    """Return `value` as Python text: on one line where `taken` columns leave room, else a line an item."""
    flat = _flat(value)
    if not isinstance(value, dict | list) or not value or taken + len(flat) <= LONGEST_LINE:
        return flat
    inner = " " * (indent + 4)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    items = (
        [(f"{_quoted(key)}: ", item) for key, item in value.items()]
        if isinstance(value, dict)
        else [("", item) for item in value]
    )
    lines = [f"{inner}{key}{_literal(item, indent + 4, indent + 5 + len(key))},\n" for key, item in items]
    return f"{opening}\n{''.join(lines)}{' ' * indent}{closing}"


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)}: {_flat(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flat, value)) + "]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """Return a text in double quotes where that needs no escape, as code formatters do."""
    written = repr(text)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written else written
