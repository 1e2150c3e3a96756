"""The command line's `key=value` arguments, sorted into the three configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from lightly_nb.config import describe, yaml_text
from lightly_nb.config.parsing import MODELS
from lightly_nb.config.problems import dotted_keys, shown
from lightly_nb.config.worker import WorkerProcessConfig
from lightly_nb.errors import ConfigError

SELECTION_KEYS = ("n_samples", "proportion_samples", "strategies")


def parse_overrides(
    arguments: Sequence[str],
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return the worker, lightly and selection configuration that `key=value` arguments ask for, unchecked.

    Bare keys belong to worker_config, except the sizes and strategies of a selection. `lightly.` and
    `selection.` (or `lightly_config.`, `selection_config.`) lead to the others, `worker.` and
    `worker_config.` to worker_config; its own section `worker` (`worker.worker_id`, `worker.force_start`)
    needs no second prefix. Values are YAML, except that a key that takes text takes what is written. A key
    given again replaces the earlier one.

    Raises
    ------
    ConfigError
        If an argument has no `=`, or its value is not YAML.

    Examples
    --------
    >>> parse_overrides(["enable_training=true", "lightly.trainer.max_epochs=2", "n_samples=50"])
    ({'enable_training': True}, {'trainer': {'max_epochs': 2}}, {'n_samples': 50})
    """
    sorted_out: dict[str, dict[str, Any]] = {name: {} for name in MODELS}
    for argument in arguments:
        key, equals, written = argument.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                f"{shown(argument)}: not an override. Write key=value, as in lightly.trainer.max_epochs=2"
            )
        name, path = _home(key.strip())
        sorted_out[name] = _with(sorted_out[name], path.split("."), _value(name, path, written))
    worker, lightly, selection = sorted_out.values()
    return worker, lightly, selection


def _home(key: str) -> tuple[str, str]:
    """Return the name of the configuration that a key belongs to, and the key inside it."""
    head, _, rest = key.partition(".")
    if head == "worker" and rest.split(".")[0] in (*WorkerProcessConfig.model_fields, ""):
        return "worker_config", key
    for name in MODELS:
        if rest and head in (name, name.removesuffix("_config")):
            return name, rest
    return ("selection_config" if head in SELECTION_KEYS else "worker_config"), key


def _value(name: str, path: str, written: str) -> Any:
    field = dict(dotted_keys(MODELS[name])).get(path)
    quoted = written[:1] in ("'", '"')
    if field is not None and _takes_text(field) and not quoted:
        return written
    return yaml_text.load(written, f"{name}.{path}")


def _takes_text(field: FieldInfo) -> bool:
    return describe.members(field.annotation)[0] in (str, SecretStr)


def _with(values: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    if len(path) == 1:
        return {**values, path[0]: value}
    inner = values.get(path[0])
    return {**values, path[0]: _with(inner if isinstance(inner, Mapping) else {}, path[1:], value)}
