"""Pretrained backbones, on which training goes on: the one that ships, and those of timm and torchvision.

A checkpoint of one holds its weights, so nothing is read from elsewhere when it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import nn

from lightly_nb.config.lightly import is_pretrained
from lightly_nb.errors import InputError
from lightly_nb.models.backbone import ModelSettings, build_backbone
from lightly_nb.models.efficientnet_lite0 import N_FEATURES, efficientnet_lite0
from lightly_nb.models.shipped import (
    DIMENSIONS,
    INPUT_SIZE,
    MEAN,
    NAME,
    STD,
    fixed_projection,
    shipped_backbone,
)
from lightly_nb.models.sources import SOURCES
from lightly_nb.models.sources.licences import consent
from lightly_nb.models.sources.torchvision_library import without_classifier

NOT_TRAINED = (
    "training starts from open-source weights only: embed with it as it is (model=…, accept_licence=True), "
    "or train another model"
)


class PretrainedBackbone(NamedTuple):
    """A backbone with its weights."""

    module: nn.Module
    """Maps normalised images, float (n, 3, height, width), to features (n, n_features)."""
    n_features: int
    n_dimensions: int
    """Length of an embedding: of the features, after a projection if it has one."""
    input_size: int
    """Side in pixels that it was trained for."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def pretrained_backbone(name: str) -> PretrainedBackbone:
    """Return a backbone with its weights, in evaluation mode, a copy of one's own.

    Raises
    ------
    InputError
        If there is none of that name, or the licence of its weights is not an open-source one.
    CheckpointError
        If its weights are not here and cannot be downloaded.
    """
    if name == NAME:
        return PretrainedBackbone(shipped_backbone().module, N_FEATURES, DIMENSIONS, INPUT_SIZE, MEAN, STD)
    source, rest = _source_of(name)
    model = SOURCES[source](rest, None, consent(False, NOT_TRAINED))
    with torch.inference_mode():
        features = model.module.eval()(torch.zeros(1, 3, model.input_size, model.input_size)).flatten(1)
    n = features.shape[1]
    return PretrainedBackbone(model.module, n, n, model.input_size, model.mean, model.std)


def untrained_backbone(settings: ModelSettings) -> nn.Module:
    """Return the backbone of a model, with random weights from torch's global generator."""
    if not is_pretrained(settings.name):
        return build_backbone(settings.name, settings.width, settings.num_ftrs)
    if settings.name == NAME:
        return efficientnet_lite0()
    source, rest = _source_of(settings.name)
    return _UNTRAINED[source](rest)


def projection_of(settings: ModelSettings) -> nn.Module:
    """Return what makes embeddings of the features of a backbone: a fixed projection, or nothing."""
    return fixed_projection(settings.num_ftrs) if settings.name == NAME else nn.Flatten(1)


def n_features(settings: ModelSettings) -> int:
    """Return how many features the backbone of a model has."""
    return N_FEATURES if settings.name == NAME else settings.num_ftrs


@cache
def settings_of(name: str) -> ModelSettings:
    """Return the settings of a model with a pretrained backbone, the rest as by default."""
    backbone = pretrained_backbone(name)
    return ModelSettings(
        name,
        num_ftrs=backbone.n_dimensions,
        embedding_size=backbone.input_size,
        mean=backbone.mean,
        std=backbone.std,
    )


def _untrained_of_timm(name: str) -> nn.Module:
    try:
        import timm
    except ImportError as error:
        raise InputError(
            f"model timm/{name}: needs the package timm, which is not installed; "
            "install it with: pip install 'lightly_nb[timm]'"
        ) from error
    if not timm.is_model(name):
        raise InputError(f"model timm/{name}: timm {timm.__version__} has no model of that name")
    module: nn.Module = timm.create_model(name, pretrained=False, num_classes=0)
    return module


def _untrained_of_torchvision(name: str) -> nn.Module:
    from torchvision import models

    if name not in models.list_models(module=models):
        raise InputError(f"model torchvision/{name}: torchvision has no classifier of that name")
    return without_classifier(models.get_model(name, weights=None), f"torchvision/{name}")


_UNTRAINED: dict[str, Callable[[str], nn.Module]] = {
    "timm": _untrained_of_timm,
    "torchvision": _untrained_of_torchvision,
}


def _source_of(name: str) -> tuple[str, str]:
    source, _, rest = name.partition("/")
    if source not in _UNTRAINED or not rest:
        raise InputError(
            f"model.name: got {name!r}, pretrained backbones are {NAME}, timm/NAME and torchvision/NAME"
        )
    return source, rest
