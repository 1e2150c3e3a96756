"""Where a training starts from: its configuration, and the checkpoint that it goes on from, if any."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightly_nb.config import LightlyConfig
from lightly_nb.config.lightly import SHIPPED, ModelConfig, is_pretrained
from lightly_nb.config.section import expanded
from lightly_nb.errors import CheckpointError, InputError
from lightly_nb.models import METHODS, Checkpoint, ModelSettings, load_checkpoint, settings_of
from lightly_nb.training.checkpoint_files import LAST

AnyConfig = LightlyConfig | Mapping[str, Any] | None
DEFAULT_BACKBONE = SHIPPED
"""Of a training that names neither a model nor a checkpoint."""
KEYS_OF_A_RESNET = {"name", "width", "num_ftrs"}
"""Of `model`: who sets one of them has named a model."""


def starting_checkpoint(path: str | os.PathLike[str] | None, lightly_config: AnyConfig) -> Checkpoint | None:
    """Read the checkpoint to start from; it must be of the model that `lightly_config`, if any, asks for."""
    if path is None:
        return None
    if lightly_config is None:
        return load_checkpoint(path)
    model = parsed(lightly_config).model
    return load_checkpoint(path, name=model.name, width=model.width, num_ftrs=model.num_ftrs)


def parsed(lightly_config: AnyConfig) -> LightlyConfig:
    """Return a `LightlyConfig` of what a user gave."""
    if isinstance(lightly_config, LightlyConfig):
        return lightly_config
    return LightlyConfig(**(lightly_config or {}))


def _with_a_model(lightly_config: AnyConfig) -> LightlyConfig:
    """Return a `LightlyConfig` of what a user gave, of `DEFAULT_BACKBONE` where no model is named."""
    if isinstance(lightly_config, LightlyConfig):
        given: set[str] = lightly_config.model.model_fields_set
    else:
        lightly_config = expanded(LightlyConfig, lightly_config or {})
        model = lightly_config.get("model") or {}
        given = model.model_fields_set if isinstance(model, ModelConfig) else set(model)
    if given & KEYS_OF_A_RESNET:
        return parsed(lightly_config)
    if isinstance(lightly_config, LightlyConfig):
        return lightly_config.model_copy(update={"model.name": DEFAULT_BACKBONE})
    return LightlyConfig(**{**lightly_config, "model.name": DEFAULT_BACKBONE})


def settled_config(
    lightly_config: AnyConfig, start: Checkpoint | None, max_epochs: int | None, seed: int | None
) -> LightlyConfig:
    """Return the whole configuration: arguments over `lightly_config` over the model of the checkpoint.

    Where neither a checkpoint nor a model is named, the backbone is `DEFAULT_BACKBONE`.
    """
    config = _with_a_model(lightly_config) if start is None else parsed(lightly_config)
    update: dict[str, Any] = {}
    if lightly_config is None and start is not None:
        settings = start.settings
        keys = ("name", "out_dim", "method") if is_pretrained(settings.name) else _ALL_OF_A_MODEL
        for key in keys:
            update[f"model.{key}"] = getattr(settings, key)
        update["collate.input_size"] = settings.input_size
    if max_epochs is not None:
        update["trainer.max_epochs"] = max_epochs
    if seed is not None:
        update["seed"] = seed
    config = config.model_copy(update=update)
    if config.model.method not in METHODS:
        raise InputError(
            f"lightly_config model.method: got {config.model.method!r}, allowed are {', '.join(METHODS)}"
        )
    return config


_ALL_OF_A_MODEL = ("name", "width", "num_ftrs", "out_dim", "method")


def model_settings(config: LightlyConfig) -> ModelSettings:
    """Return the model that `config` asks for."""
    model, input_size = config.model, config.collate.input_size
    if is_pretrained(model.name):
        return dataclasses.replace(
            settings_of(model.name), out_dim=model.out_dim, input_size=input_size, method=model.method
        )
    assert model.num_ftrs is not None  # refused by the configuration
    return ModelSettings(
        model.name, float(model.width), model.num_ftrs, model.out_dim, input_size, model.method
    )


def interrupted_training(folder: Path, settings: ModelSettings) -> Checkpoint | None:
    """Return the `last.ckpt` of `folder`, None if there is none.

    Raises
    ------
    CheckpointError
        If it is of another model: that training is not overwritten.
    """
    if not (folder / LAST).exists():
        return None
    last = load_checkpoint(folder / LAST)
    if last.settings != settings:
        raise CheckpointError(
            f"output_dir '{folder}' holds an unfinished training of another model: expected {settings}, got "
            f"{last.settings}; nothing was overwritten: give another output_dir"
        )
    return last
