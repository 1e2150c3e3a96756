"""What an editor can be opened from: a configuration, a mapping, a file, or a past run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from lightly_nb.config import Configs, SelectionConfig, WorkerConfig, parse, yaml_text
from lightly_nb.config.not_yet import refuse_not_yet
from lightly_nb.config.parsing import MODELS
from lightly_nb.config.section import Config
from lightly_nb.errors import ConfigError
from lightly_nb.pipeline import Run, open_run

ConfigT = TypeVar("ConfigT", bound=Config)

FIRST_SELECTION = SelectionConfig(proportion_samples=0.1)
"""What the selection editor starts with: a selection has no default size, and a tenth fits every folder."""


def opened(model: type[ConfigT], config: Any) -> ConfigT:
    """Return the configuration that `config` is, holds, or that a past run had; its form shows all of it.

    Raises
    ------
    ConfigError
        If it holds no such configuration, a wrong one, or one that asks for what is not there yet.
    RunError
        If it is a folder, but not one of a run.
    """
    found = _opened(model, config)
    if isinstance(found, WorkerConfig):
        refuse_not_yet(found)
    return found


def _opened(model: type[ConfigT], config: Any) -> ConfigT:
    if config is None:
        return parse(model, FIRST_SELECTION if model is SelectionConfig else None)
    if isinstance(config, str | os.PathLike) and "\n" not in os.fspath(config):
        config = _from_path(Path(config).expanduser())
    if isinstance(config, Run):
        config = config.job.configs
    if isinstance(config, Configs):
        return _part(model, config)
    if isinstance(config, Mapping) and model.WHERE in config:  # a run's config.yaml, or all three together
        config = config[model.WHERE]
        if config is None:
            raise ConfigError.at(model.WHERE, "there is none in it; open the editor without it")
    elif isinstance(config, Mapping) and set(config) & set(MODELS):
        raise ConfigError.at(model.WHERE, f"not in it (got {', '.join(sorted(set(config) & set(MODELS)))})")
    return parse(model, config)


def _from_path(path: Path) -> Any:
    if path.is_dir():
        return open_run(path)
    if not path.is_file():
        raise ConfigError(
            f"'{path}': no such file or folder; give the folder of a run, or a .yaml, .yml or .json file"
        )
    return yaml_text.load(path.read_text(encoding="utf-8"), str(path))


def _part(model: type[ConfigT], configs: Configs) -> ConfigT:
    parts = (configs.worker, configs.lightly, configs.selection)
    for part in parts:
        if isinstance(part, model):
            return part
    raise ConfigError.at(model.WHERE, "there is none in it; open the editor without it")
