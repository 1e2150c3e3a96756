"""`torchvision/NAME`: a classifier of torchvision with its default weights, without its last linear layer."""

from __future__ import annotations

import difflib
from typing import Any

from torch import nn

from lightly_nb.errors import CheckpointError, InputError
from lightly_nb.models.model import EmbeddingModel
from lightly_nb.models.sources.licences import Consent
from lightly_nb.models.sources.reaching import reachable, socket_timeout, weights_folder

LICENCE = "BSD-3-Clause"
"""Of torchvision; the few weights with one of their own say so in their `meta`."""
TIMEOUT = 20.0


def from_torchvision(name: str, input_size: int | None, consent: Consent) -> EmbeddingModel:
    """Return a classifier of torchvision as an embedder; the other arguments are those of a `Source`.

    Raises
    ------
    InputError
        If torchvision has no such classifier, or its licence needs consent.
    CheckpointError
        If the weights are not here and cannot be downloaded.
    """
    weights, licence = check_torchvision_name(name, consent)
    preset = weights.transforms()
    return EmbeddingModel(
        without_classifier(_loaded(name, weights), f"torchvision/{name}"),
        input_size or preset.crop_size[0],
        mean=tuple(preset.mean),
        std=tuple(preset.std),
        name=f"torchvision/{name}",
        licence=licence,
    )


def check_torchvision_name(name: str, consent: Consent) -> tuple[Any, str]:
    """Return the weights of a classifier, unloaded, and their licence.

    Raises
    ------
    InputError
        If torchvision has no such classifier, or its licence needs consent.
    """
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        guess = f"did you mean {' or '.join(near)}? " if near else ""
        raise InputError(
            f"model torchvision/{name}: torchvision has no classifier of that name; {guess}"
            "torchvision.models.list_models() has all"
        )
    weights: Any = models.get_model_weights(name).DEFAULT
    licence = str(weights.meta.get("license", LICENCE))
    consent(f"torchvision/{name} ({weights.name})", licence)
    return weights, licence


def _loaded(name: str, weights: Any) -> nn.Module:
    from torchvision import models

    path = weights_folder() / weights.url.rsplit("/", 1)[-1]
    advice = f"go online and try again, or put the file there as {path}"
    if not path.exists() and not reachable(weights.url):
        raise CheckpointError(
            f"model torchvision/{name}: no weights here, and {weights.url} cannot be reached; {advice}"
        )
    try:
        with socket_timeout(TIMEOUT):
            module: nn.Module = models.get_model(name, weights=weights, progress=False)
    except (OSError, RuntimeError) as error:
        said = str(error).splitlines()[0]
        raise CheckpointError(
            f"model torchvision/{name}: its weights could not be loaded ({said}); {advice}"
        ) from error
    return module.eval()


def without_classifier(module: nn.Module, name: str) -> nn.Module:
    """Return `module` with its last linear layer, by which it classifies, replaced by nothing.

    Raises
    ------
    InputError
        If it has none.
    """
    linear = [key for key, layer in module.named_modules() if type(layer) is nn.Linear]
    if not linear:
        raise InputError(f"model {name}: it has no linear layer to leave out, so it has no features to embed")
    parent, _, last = linear[-1].rpartition(".")
    setattr(module.get_submodule(parent), last, nn.Identity())
    return module
