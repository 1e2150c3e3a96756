"""Pretrained backbones, on which training goes on: the one that ships with the package.

A checkpoint of one holds its weights, so nothing is read from elsewhere when it is used.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from torch import nn

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

PRETRAINED = (NAME,)
"""The names that `model.name` may have beside those of ResNets."""


class PretrainedBackbone(NamedTuple):
    """A pretrained backbone."""

    module: nn.Module
    """Maps normalised images, float (n, 3, height, width), to features (n, n_features)."""
    n_features: int
    n_dimensions: int
    """Length of an embedding: of the features, after a projection if it has one."""
    input_size: int
    """Side in pixels at which it embeds best."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def pretrained_backbone(name: str) -> PretrainedBackbone:
    """Return a backbone with its weights, in evaluation mode, a copy of one's own.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name != NAME:
        raise InputError(f"model.name: got {name!r}, pretrained backbones are {', '.join(PRETRAINED)}")
    return PretrainedBackbone(shipped_backbone().module, N_FEATURES, DIMENSIONS, INPUT_SIZE, MEAN, STD)


def untrained_backbone(settings: ModelSettings) -> nn.Module:
    """Return the backbone of a model, with random weights from torch's global generator."""
    if settings.name in PRETRAINED:
        return efficientnet_lite0()
    return build_backbone(settings.name, settings.width, settings.num_ftrs)


def projection_of(settings: ModelSettings) -> nn.Module:
    """Return what makes embeddings of the features of a backbone: a fixed projection, or nothing."""
    return fixed_projection(settings.num_ftrs) if settings.name == NAME else nn.Identity()


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
