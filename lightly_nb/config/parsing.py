"""Configurations in and out: dicts, dotted dicts, YAML text and files, and the old form."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, overload

from lightly_nb.config import yaml_text
from lightly_nb.config.lightly import LightlyConfig
from lightly_nb.config.old_form import old_keys_given, translated, without_old_form
from lightly_nb.config.problems import shown
from lightly_nb.config.section import Config, Section, SectionT, build
from lightly_nb.config.selection import SelectionConfig
from lightly_nb.config.worker import WorkerConfig
from lightly_nb.errors import ConfigError

Value = Mapping[str, Any] | Section | str | os.PathLike[str] | None
MODELS: Mapping[str, type[Config]] = {
    model.WHERE: model for model in (WorkerConfig, LightlyConfig, SelectionConfig)
}


@dataclass(frozen=True)
class Configs:
    """The three configurations of a run, checked.

    Attributes
    ----------
    worker : WorkerConfig
        Never holds the old form of a selection: it was translated into `selection`.
    lightly : LightlyConfig
    selection : SelectionConfig or None
        None where no selection was asked for.
    """

    worker: WorkerConfig
    lightly: LightlyConfig
    selection: SelectionConfig | None


def parse(model_class: type[SectionT], value: Value = None, where: str | None = None) -> SectionT:
    """Return `value` as a checked configuration.

    Parameters
    ----------
    model_class : type
        `WorkerConfig`, `LightlyConfig`, `SelectionConfig` or a section of one.
    value : mapping, instance of `model_class`, str, path or None
        Nested or dotted keys, or a mix; YAML text; the path of a .yaml, .yml or .json file; None for all
        defaults.
    where : str, optional
        How the errors name the configuration. None = its own name, for example `worker_config`.

    Raises
    ------
    ConfigError
        With one line for each problem.

    Examples
    --------
    >>> parse(LightlyConfig, {"loader.batch_size": 8, "loader": {"shuffle": False}}).loader.batch_size
    8
    """
    return _parse(model_class, value, where, {})


def _parse(
    model_class: type[SectionT], value: Value, where: str | None, elsewhere: Mapping[str, type[Config]]
) -> SectionT:
    if isinstance(value, model_class):
        return value
    where = where or str(getattr(model_class, "WHERE", model_class.__name__))
    if isinstance(value, str | os.PathLike):
        value = yaml_text.read(value, where)
    if value is not None and not isinstance(value, Mapping):
        raise ConfigError.at(
            where,
            f"not allowed (got {shown(value)}). Allowed here: a mapping of keys to values, a"
            f" {model_class.__name__}, YAML text of a mapping, or the path of a .yaml file",
        )
    return build(model_class, value or {}, where, elsewhere)


def parse_configs(
    worker_config: Value = None, lightly_config: Value = None, selection_config: Value = None
) -> Configs:
    """Return the three configurations of a run, checked, with the old form of a selection translated.

    Parameters
    ----------
    worker_config, lightly_config, selection_config : mapping, config, str, path or None
        As for `parse`. None or {} = defaults; `selection` is then None, unless worker_config holds the old
        form.

    Raises
    ------
    ConfigError
        With one line for each problem of all three, and if a selection is given in both forms.

    Examples
    --------
    >>> configs = parse_configs({"method": "coreset", "stopping_condition": {"n_samples": 0.1}})
    >>> configs.selection.proportion_samples, configs.worker.method
    (0.1, None)
    """
    errors: list[ConfigError] = []
    worker = _collected(WorkerConfig, worker_config, errors)
    lightly = _collected(LightlyConfig, lightly_config, errors)
    selection = None
    if selection_config is not None and selection_config != {}:
        selection = _collected(SelectionConfig, selection_config, errors)
    if errors or worker is None or lightly is None:
        found = [problem for error in errors for problem in error.problems]
        raise ConfigError("\n".join(map(str, errors)), found)
    old = old_keys_given(worker)
    if old and selection is not None:
        raise ConfigError.at(
            f"worker_config.{old[0]}",
            f"the old form of a selection ({', '.join(old)}) and selection_config are"
            " both given; leave out one of them",
        )
    if old:
        selection, worker = translated(worker), without_old_form(worker)
    return Configs(worker, lightly, _fitting(selection, worker))


def _collected(model_class: type[SectionT], value: Value, errors: list[ConfigError]) -> SectionT | None:
    others = {name: model for name, model in MODELS.items() if model is not model_class}
    try:
        return _parse(model_class, value, None, others)
    except ConfigError as error:
        errors.append(error)
        return None


def _fitting(selection: SelectionConfig | None, worker: WorkerConfig) -> SelectionConfig | None:
    length = worker.selected_sequence_length
    if selection is not None and selection.n_samples is not None and selection.n_samples % length:
        raise ConfigError.at(
            "selection_config.n_samples",
            f"not a multiple of worker_config.selected_sequence_length {length}"
            f" (got {selection.n_samples}). Nearest below: {selection.n_samples // length * length}",
        )
    return selection


def to_dict(config: Section | Configs) -> dict[str, Any]:
    """Return a configuration as plain Python values for YAML or JSON; secrets are masked.

    All keys are there, those of a `SelectionConfig` without the ones that are null. `Configs` gives a dict of
    `worker_config`, `lightly_config` and `selection_config`.
    """
    if isinstance(config, Configs):
        parts = {f"{field.name}_config": getattr(config, field.name) for field in fields(config)}
        return {name: to_dict(part) for name, part in parts.items() if part is not None}
    keep_none = not isinstance(config, SelectionConfig)
    return config.model_dump(mode="json", exclude_none=not keep_none)


def to_yaml(config: Section | Configs) -> str:
    """Return a configuration as YAML text, from which `from_yaml` makes an equal one; secrets are masked."""
    return yaml_text.dump(to_dict(config))


@overload
def from_yaml(text_or_path: str | os.PathLike[str], model_class: type[Configs]) -> Configs: ...
@overload
def from_yaml(text_or_path: str | os.PathLike[str], model_class: type[SectionT]) -> SectionT: ...
def from_yaml(text_or_path: str | os.PathLike[str], model_class: type[Any]) -> Any:
    """Return the configuration that a YAML text or file holds.

    Parameters
    ----------
    text_or_path : str or path
        YAML text, or a path that ends in .yaml, .yml or .json.
    model_class : type
        `WorkerConfig`, `LightlyConfig`, `SelectionConfig`, a section, or `Configs` for all three.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not YAML, or holds something else.
    """
    if model_class is not Configs:
        return parse(model_class, text_or_path)
    value = yaml_text.read(text_or_path, "configs")
    if not isinstance(value, Mapping) or not set(value) <= set(MODELS):
        raise ConfigError.at(
            "configs", f"not allowed (got {shown(value)}). Allowed here: {', '.join(MODELS)}"
        )
    return parse_configs(**value)
