"""`resolve_model`: from whatever names a model to the model: a name, a checkpoint, a module with its size."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from lightly_nb.errors import InputError
from lightly_nb.models.checkpoint import Checkpoint, embedding_model, load_checkpoint, model_fingerprint
from lightly_nb.models.model import EmbeddingModel, fingerprint_of
from lightly_nb.models.shipped import DIMENSIONS, INPUT_SIZE, NAME, check_size, shipped
from lightly_nb.models.sources import NAMES, SOURCES, Source
from lightly_nb.models.sources.licences import consent
from lightly_nb.models.zoo import pretrained, zoo_keys

ZOO_LICENCE = "MIT"
"""Of the `lightly` package, which publishes the zoo."""
ZOO_KEY = re.compile(r"(resnet-\d+)/simclr/d(\d+)/w([\d.]+)")
CHECKPOINT_SUFFIXES = (".ckpt", ".pth", ".pt", ".tar", ".bin")


def resolve_model(
    model: str | os.PathLike[str] | Checkpoint | EmbeddingModel | None = None,
    *,
    input_size: int | None = None,
    dimensions: int | None = None,
    accept_licence: bool = False,
    sources: Mapping[str, Source] | None = None,
) -> EmbeddingModel:
    """Return the model that is asked for, ready to embed.

    Parameters
    ----------
    model : str, path, Checkpoint, EmbeddingModel or None
        A name: "efficientnet-lite0" (the one that ships with the package, as None does), "timm/NAME",
        "torchvision/NAME", "hf/OWNER/NAME", a key of lightly's zoo such as "resnet-18/simclr/d32/w1.0"; the
        path of a checkpoint; or any torch module as `EmbeddingModel(module, input_size, mean=…, std=…)`.
    input_size : int or None
        Side in pixels of the square that images are resized to. None: the model's own.
    dimensions : int or None
        Length of an embedding of "efficientnet-lite0": 1 to 256 (None), or 1280. Others have no choice.
    accept_licence : bool
        Whether weights may be used whose licence is not an open-source one.
    sources : mapping
        The sources of models by the first part of a name. None: `lightly_nb.models.sources.SOURCES`.

    Raises
    ------
    InputError
        If there is no such model, its licence needs consent, or an option does not fit.
    CheckpointError
        If the checkpoint cannot be used, or the weights are not here and cannot be downloaded.
    """
    if input_size is not None and (not isinstance(input_size, int) or input_size < 1):
        raise InputError(f"input_size: got {input_size!r}, allowed is a whole number of pixels from 1")
    if dimensions is not None and (isinstance(dimensions, bool) or not isinstance(dimensions, int)):
        raise InputError(f"dimensions: got {dimensions!r}, allowed is a whole number")
    if model is None or (isinstance(model, str) and model == NAME):
        return shipped(input_size or INPUT_SIZE, DIMENSIONS if dimensions is None else dimensions)
    if dimensions is not None:
        raise InputError(f"dimensions: got {dimensions}, but only {NAME} has a choice; leave it out")
    found = _found(model, input_size, accept_licence, SOURCES if sources is None else sources)
    if input_size is not None and input_size != found.input_size:
        found = replace(found, input_size=input_size, fingerprint="")
    return replace(found, fingerprint=fingerprint_of(found))


def check_model_name(
    model: str | None,
    *,
    input_size: int | None = None,
    dimensions: int | None = None,
    accept_licence: bool = False,
) -> None:
    """Raise the error of `resolve_model` where a name alone tells it; nothing is loaded or downloaded.

    Parameters
    ----------
    model, input_size, dimensions, accept_licence
        As of `resolve_model`.

    Raises
    ------
    InputError
        If no source has such a model, or it has no such size.
    """
    if model is None or model == NAME:
        check_size(input_size or INPUT_SIZE, DIMENSIONS if dimensions is None else dimensions)
        return
    if dimensions is not None:
        raise InputError(f"dimensions: got {dimensions}, but only {NAME} has a choice; leave it out")
    first, _, rest = model.partition("/")
    if ZOO_KEY.fullmatch(model):
        if model not in zoo_keys():
            raise _unknown(model, SOURCES)
    elif first in NAMES and rest and not Path(model).is_file():
        NAMES[first](rest, consent(accept_licence))
    elif first not in SOURCES and not _looks_like_a_path(model):
        raise _unknown(model, SOURCES)


def _found(
    model: Any, input_size: int | None, accept_licence: bool, sources: Mapping[str, Source]
) -> EmbeddingModel:
    if isinstance(model, EmbeddingModel):
        if not isinstance(model.module, nn.Module):
            raise InputError(
                f"model: an EmbeddingModel of a {type(model.module).__name__}; give a torch module"
            )
        return model
    if isinstance(model, Checkpoint):
        return _of_checkpoint(model)
    if isinstance(model, nn.Module):
        raise InputError(
            "model: a torch module alone does not say what it was trained on; wrap it: "
            "lnb.EmbeddingModel(module, input_size=224, mean=(…), std=(…))"
        )
    if not isinstance(model, str | os.PathLike):
        raise InputError(
            f"model: got a {type(model).__name__}; allowed are a name, the path of a checkpoint, an "
            "EmbeddingModel and None"
        )
    if isinstance(model, str):
        first, _, rest = model.partition("/")
        if key := ZOO_KEY.fullmatch(model):
            loaded = load_checkpoint(pretrained(key[1], int(key[2]), float(key[3])))
            return replace(_of_checkpoint(loaded), name=model, licence=ZOO_LICENCE)
        if first in sources and rest and not Path(model).is_file():
            return sources[first](rest, input_size, consent(accept_licence))
        if not _looks_like_a_path(model):
            raise _unknown(model, sources)
    return _of_checkpoint(load_checkpoint(model))


def _of_checkpoint(loaded: Checkpoint) -> EmbeddingModel:
    settings = loaded.settings
    return EmbeddingModel(
        embedding_model(loaded),
        max(settings.input_size, settings.embedding_size),
        model_fingerprint(loaded),
        settings.mean,
        settings.std,
        name=str(loaded.path),
        n_features=settings.num_ftrs,
        note=loaded.note,
    )


def _looks_like_a_path(name: str) -> bool:
    path = Path(name)
    return path.exists() or path.is_absolute() or name.startswith(".") or path.suffix in CHECKPOINT_SUFFIXES


def _unknown(name: str, sources: Mapping[str, Source]) -> InputError:
    whole = [NAME, *zoo_keys()]
    near = difflib.get_close_matches(name.lower(), whole, n=1, cutoff=0.5)
    if "/" in name:
        first, _, rest = name.partition("/")
        near = near or [f"{one}/{rest}" for one in difflib.get_close_matches(first.lower(), sources, n=1)]
    elif not near:
        near = [f"{one}/{name}" for one in ("timm", "torchvision") if one in sources]
    guess = f"did you mean '{' or '.join(near)}'? " if near else ""
    return InputError(
        f"model: there is no '{name}', neither as a model nor as a file; {guess}Allowed are {NAME}, "
        f"{', '.join(f'{one}/…' for one in sources)}, {', '.join(zoo_keys())}, and the path of a checkpoint"
    )
