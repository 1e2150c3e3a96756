"""Weights under the names that other programs give them, renamed to ours: `backbone.` and `projection_head.`.

`torch.compile` puts `_orig_mod.` before or inside a name, `DataParallel` `module.`; people call what holds
the model `net`, `student`, `encoder`. A backbone without any prefix is read too, and so is a ResNet of
torchvision, by its names or as the `Sequential` of its layers that tutorials of `lightly` make.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lightly_nb.errors import CheckpointError
from lightly_nb.models.backbone import ModelSettings
from lightly_nb.models.pretrained import untrained_backbone

HEAD = "projection_head"
WRAPPERS = ("module", "_orig_mod")
"""Parts of a name that a wrapper adds, wherever they stand."""
BACKBONES = (
    "backbone",
    "features",
    "student_backbone",
    "online_backbone",
    "encoder_q",
    "base_encoder",
    "encoder",
)
"""What a backbone is called, the most telling first."""
STATES = ("state_dict", "model_state_dict", "model", "net", "weights", "state", "student")
"""Where a file holds its weights."""
OURS = ("", "model")
LAYERS = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
"""Of `Sequential(*resnet.children())`, by number."""
RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "resnext50_32x4d")
INPUT_SIZE = 224
"""Pixels at which a ResNet of torchvision embeds, where the file does not say what it was trained at."""


class Renamed(NamedTuple):
    """Weights by our names, and what was done to those of the file."""

    weights: dict[str, Tensor]
    note: str
    """'' where nothing was."""


def state_of(content: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """Return the weights of a file, and the key that they stand under; '' for the file itself."""
    for key in STATES:
        if isinstance(content.get(key), Mapping):
            return content[key], key
    dotted = [key for key, value in content.items() if isinstance(value, Tensor) and "." in str(key)]
    return (content, "") if dotted and len(dotted) * 2 > len(content) else (None, "")


def renamed(state: Mapping[str, Any], where: str) -> Renamed:
    """Return the weights of backbone and head by our names.

    Parameters
    ----------
    state : mapping of str to Tensor
        As in the file.
    where : str
        What an error begins with.

    Raises
    ------
    CheckpointError
        If it holds several backbones, and it is not clear which is meant.
    """
    tensors = {str(key): value for key, value in state.items() if isinstance(value, Tensor)}
    plain = {_without_wrappers(key): value for key, value in tensors.items()}
    if len(plain) < len(tensors):
        raise CheckpointError(
            f"{where}: it holds the same weights wrapped and unwrapped; save one of the two"
        )
    name, start = _backbone_of(plain, where)
    weights = {}
    for key, value in plain.items():
        rest = key.removeprefix(f"{start}{name}.") if name else key
        if not name or rest != key:
            weights[f"backbone.{rest}"] = value
        elif key.startswith(f"{start}{HEAD}."):
            weights[_of_head(key.removeprefix(start))] = value
    prefix = next(iter(tensors))[: len(next(iter(tensors))) - len(next(iter(plain)))] if plain else ""
    return Renamed(weights, _note(name, start, prefix, len(tensors) - len(weights)))


def as_torchvision(weights: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], ModelSettings] | None:
    """Return weights by torchvision's names and the ResNet that they are of, None if they are of none.

    Its classifier, `fc`, is left out.
    """
    inside = {
        key.removeprefix("backbone."): value for key, value in weights.items() if key.startswith("backbone.")
    }
    stem = inside.get("conv1.weight", inside.get("0.weight"))
    if stem is None or stem.shape[:1] != (64,) or stem.ndim != 4:
        return None
    if "conv1.weight" not in inside:
        inside = {_layer_name(key): value for key, value in inside.items()}
    inside = {key: value for key, value in inside.items() if not key.startswith("fc.")}
    shapes = {key: value.shape for key, value in inside.items()}
    for name in RESNETS:
        if _shapes_of(name) == shapes:
            n_features = 512 if name in RESNETS[:2] else 2048
            named = {f"backbone.{key}": value for key, value in inside.items()}
            head = {key: value for key, value in weights.items() if key.startswith(f"{HEAD}.")}
            settings = ModelSettings(f"torchvision/{name}", num_ftrs=n_features, embedding_size=INPUT_SIZE)
            return {**named, **head}, settings
    return None


@cache
def _shapes_of(name: str) -> dict[str, torch.Size]:
    with torch.device("meta"):
        backbone = untrained_backbone(ModelSettings(f"torchvision/{name}"))
    return {key: weight.shape for key, weight in backbone.state_dict().items()}


def _layer_name(key: str) -> str:
    first, dot, rest = key.partition(".")
    return LAYERS.get(first, first) + dot + rest


def _without_wrappers(key: str) -> str:
    return ".".join(part for part in key.split(".") if part not in WRAPPERS)


def _backbone_of(keys: Mapping[str, Tensor], where: str) -> tuple[str, str]:
    """Return the name of the backbone, '' where the keys are its own, and what stands before it."""
    for name in BACKBONES:
        starts = {f"{key.partition(f'{name}.')[0]}" for key in keys if f".{name}." in f".{key}"}
        starts = {start for start in starts if not start or start.endswith(".")}
        plain = [start for start in ("", "model.") if start in starts]
        if plain or len(starts) == 1:
            return name, plain[0] if plain else starts.pop()
        if starts:
            found = ", ".join(repr(f"{start}{name}.") for start in sorted(starts))
            raise CheckpointError(
                f"{where}: it holds several backbones, {found}; save the state_dict of the one that is to "
                "embed"
            )
    return "", ""


def _of_head(key: str) -> str:
    """Return a key of a projection head as today's, which counts its `layers`."""
    first, *rest = key.split(".")
    return ".".join([first, *rest] if rest and rest[0] == "layers" else [first, "layers", *rest])


def _note(name: str, start: str, wrapper: str, n_left: int) -> str:
    said = []
    if wrapper:
        said.append(f"names of weights were read without {wrapper!r}")
    if not name:
        said.append("names of weights have no prefix and were taken for those of the backbone")
    elif name not in ("backbone", "features") or start.rstrip(".") not in OURS:
        said.append(f"the backbone was taken from {start + name!r}")
    if n_left and said:
        said.append(f"{n_left} other weights were left out")
    return ", ".join(said)
