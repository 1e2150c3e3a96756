"""Checkpoints: read without running anything from them, check, write aside and rename.

A checkpoint is a torch file with a `state_dict` whose keys start `model.backbone.` and
`model.projection_head.`. Ours also hold, under `lightly_nb`, the model settings as a plain dict, so that
nothing else is needed to embed with them. Without it the settings are read off the shapes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lightly_nb.config.lightly import RESNETS, is_pretrained
from lightly_nb.errors import CheckpointError, InputError, RunError
from lightly_nb.files import written_aside
from lightly_nb.models.backbone import ModelSettings, backbone_shapes
from lightly_nb.models.foreign_keys import as_torchvision, renamed, state_of
from lightly_nb.models.pretrained import projection_of, untrained_backbone

OWN_KEY = "lightly_nb"
FORM = "a torch file with a 'state_dict' whose keys start with 'model.backbone.'"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory.

    Parameters
    ----------
    path : pathlib.Path
        Where it was read from.
    settings : ModelSettings
        The model, from the file or read off its shapes.
    weights : mapping of str to torch.Tensor
        Keys start `backbone.` and `projection_head.`.
    epochs : int or None
        How many epochs it has been trained for; None if the file does not say.
    training : mapping
        How the training went: `loss`, `chance_loss` (None where the method has none), `at_chance`,
        `representation_std`, `collapsed`; empty if the file does not say.
    resume : mapping or None
        What training needs to go on as if it had never stopped; only in `last.ckpt`.
    note : str
        What had to be done to read it; '' if nothing.
    """

    path: Path
    settings: ModelSettings
    weights: Mapping[str, Tensor]
    epochs: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    resume: Mapping[str, Any] | None = None
    note: str = ""


def load_checkpoint(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    width: float | None = None,
    num_ftrs: int | None = None,
) -> Checkpoint:
    """Read a checkpoint without running any code from it, and check that it is a model of ours.

    Checkpoints of the platform and of old versions of `lightly` (`features` for `backbone`, heads without
    `layers`) are read too; and, with a note, weights under other names (`module.`, `_orig_mod.`, `net.`, a
    bare state_dict) and ResNets of torchvision.

    Parameters
    ----------
    path : str or path
        The file.
    name, width, num_ftrs
        The model that it must be of, as in `lightly_config.model`; None: whatever it is of.

    Raises
    ------
    CheckpointError
        If it is missing, is no checkpoint, carries code, or is of another architecture.
    """
    path = Path(path)
    content = _read(path)
    weights, note = _weights(content, path)
    own = content.get(OWN_KEY, {})
    stored = own.get("model", {})
    foreign = None if stored else as_torchvision(weights)
    if foreign is not None:
        weights, guessed = foreign
        stored = {key: value for key, value in dataclasses.asdict(guessed).items() if key != "out_dim"}
        how = f"embeds at {guessed.embedding_size} px with ImageNet's mean and std"
        said = f"it is of {guessed.name}, which {how}"
        note = f"{note}, {said}" if note else said
    settings = _settings(stored, weights, path)
    for word, wanted in (("name", name), ("width", width), ("num_ftrs", num_ftrs)):
        got = getattr(settings, word)
        if wanted is not None and got != wanted:
            raise CheckpointError(
                f"checkpoint {path}: expected model.{word} {wanted}, got {got} "
                f"(the file is of {_described(settings)}); "
                f"set lightly_config model.{word} to {got}, or pass another checkpoint"
            )
    told = f"checkpoint {path}: {note}" if note else ""
    training, resume = own.get("training", {}), own.get("resume")
    return Checkpoint(path, settings, weights, own.get("epochs"), training, resume, told)


def save_checkpoint(
    path: Path,
    module: nn.Module,
    settings: ModelSettings,
    *,
    epochs: int,
    training: Mapping[str, Any],
    resume: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint aside and rename it, so that an earlier file stays whole until the new one is.

    Parameters
    ----------
    path : pathlib.Path
        The file; its folder exists.
    module : torch.nn.Module
        Has `backbone` and `projection_head`.
    settings, epochs, training, resume
        As in `Checkpoint`; plain values and tensors only.

    Raises
    ------
    RunError
        If it cannot be written (a full disk); what was at `path` before is still there.
    """
    weights = {
        f"model.{key}": value.detach().cpu().contiguous() for key, value in module.state_dict().items()
    }
    own = {"model": dataclasses.asdict(settings), "epochs": epochs, "training": dict(training)}
    if resume is not None:
        own["resume"] = dict(resume)
    buffer = io.BytesIO()
    torch.save({"state_dict": weights, OWN_KEY: own}, buffer)
    try:
        with written_aside(path) as aside, open(aside, "wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RunError(
            f"cannot save the checkpoint {path}: {error.strerror or error}; "
            "what was saved before is untouched; free some space or allow writing there, "
            "then train on from it with checkpoint=…"
        ) from error


def embedding_model(checkpoint: Checkpoint) -> nn.Module:
    """Return the model that embeds, in evaluation mode on the CPU: (n, 3, h, w) to (n, num_ftrs)."""
    settings = checkpoint.settings
    with torch.device("meta"):
        backbone = untrained_backbone(settings)
    weights = {key.removeprefix("backbone."): value for key, value in checkpoint.weights.items()}
    backbone.load_state_dict(
        {key: value for key, value in weights.items() if key in backbone.state_dict()}, assign=True
    )
    if is_pretrained(settings.name):
        return nn.Sequential(backbone, projection_of(settings)).eval()
    assert isinstance(backbone, nn.Sequential)  # a ResNet
    return nn.Sequential(*backbone, nn.Flatten(1)).eval()


def model_fingerprint(checkpoint: Checkpoint | str | os.PathLike[str]) -> str:
    """Return 32 hex digits that stay the same as long as the weights of the backbone do.

    Part of the key under which embeddings are kept: it does not depend on the file's name, date or head.
    """
    if not isinstance(checkpoint, Checkpoint):
        checkpoint = load_checkpoint(checkpoint)
    digest = hashlib.sha256()
    for key in sorted(key for key in checkpoint.weights if key.startswith("backbone.")):
        weight = checkpoint.weights[key]
        digest.update(f"{key} {weight.dtype} {tuple(weight.shape)}".encode())
        digest.update(weight.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:32]


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise CheckpointError(
            f"checkpoint {path}: {what}; give the path of a file such as lightly_epoch_9.ckpt"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # on pickles of a form that torch does not write
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _carries_code(path, str(error)) from error
    except OSError as error:
        raise CheckpointError(f"checkpoint {path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # torch raises RuntimeError, EOFError, KeyError, … on files of another kind
        said = (str(error).splitlines() or [""])[0][:100]
        raise CheckpointError(
            f"checkpoint {path}: not a checkpoint, or a damaged one ({type(error).__name__}: {said}); "
            f"expected {FORM}"
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"checkpoint {path}: expected {FORM}, got a {type(content).__name__}")
    return content


def _carries_code(path: Path, said: str) -> CheckpointError:
    found = re.search(r"GLOBAL (\S+)", said)
    return CheckpointError(
        f"checkpoint {path}: it holds more than weights{f' ({found[1]})' if found else ''}: "
        "a pickle that could run code, so it was not loaded and nothing of it ran; "
        "if you made it yourself, open it where you trust it and save {'state_dict': …} alone with torch.save"
    )


def _weights(content: Mapping[str, Any], path: Path) -> tuple[dict[str, Tensor], str]:
    """Return the weights by today's names, and a note on what was done for that."""
    state, key = state_of(content)
    if state is None:
        raise CheckpointError(
            f"checkpoint {path}: expected {FORM}, got a file with the keys {_first(content)}"
        )
    weights, note = renamed(state, f"checkpoint {path}")
    if not any(name.startswith("backbone.") for name in weights):
        raise CheckpointError(
            f"checkpoint {path}: of another architecture: expected keys that start with 'model.backbone.', "
            f"got {_first(state)}"
        )
    if key != "state_dict":
        where = f"under {key!r}" if key else "in the file itself, without a 'state_dict'"
        note = f"weights are {where}, {note}" if note else f"weights are {where}"
    return weights, note


def _settings(stored: Mapping[str, Any], weights: Mapping[str, Tensor], path: Path) -> ModelSettings:
    """Return the settings that the shapes show, joined with those that only the file itself can tell."""
    shapes = {
        key.removeprefix("backbone."): weight.shape
        for key, weight in weights.items()
        if key.startswith("backbone.")
    }
    pretrained = _pretrained_architecture(shapes, stored, path)
    name, width, num_ftrs = pretrained or _architecture(shapes, stored, path)
    for key, weight in weights.items():
        if weight.is_floating_point() and not torch.isfinite(weight).all():
            raise CheckpointError(
                f"checkpoint {path}: {key} holds values that are not finite; "
                "train again with a lower optimizer.lr"
            )
    last = [weight for key, weight in weights.items() if key.startswith("projection_head.")]
    default = ModelSettings()
    return ModelSettings(
        name=name,
        width=width,
        num_ftrs=num_ftrs,
        out_dim=int(last[-1].shape[0]) if last else default.out_dim,
        input_size=int(stored.get("input_size", default.input_size)),
        method=str(stored.get("method", default.method)),
        embedding_size=int(stored.get("embedding_size", default.embedding_size)),
        mean=tuple(stored.get("mean", default.mean)),
        std=tuple(stored.get("std", default.std)),
    )


def _pretrained_architecture(
    shapes: Mapping[str, torch.Size], stored: Mapping[str, Any], path: Path
) -> tuple[str, float, int] | None:
    """Return what `_architecture` does, for the pretrained backbone that the file names; None without one."""
    name, num_ftrs = str(stored.get("name", RESNETS[0])), int(stored.get("num_ftrs") or 1)
    if not is_pretrained(name):
        return None
    try:
        with torch.device("meta"):
            backbone = untrained_backbone(ModelSettings(name))
    except InputError as error:
        raise CheckpointError(f"checkpoint {path}: cannot be built: {error}") from error
    expected = {key: weight.shape for key, weight in backbone.state_dict().items()}
    if expected != dict(shapes):
        raise CheckpointError(
            f"checkpoint {path}: its weights are not those of {name}, which it says it is of; "
            f"{_first_difference(expected, shapes)}"
        )
    return name, 1.0, num_ftrs


def _architecture(
    shapes: Mapping[str, torch.Size], stored: Mapping[str, Any], path: Path
) -> tuple[str, float, int]:
    stem, narrow = shapes.get("1.weight"), shapes.get("7.weight")
    if stem is None or len(stem) != 4 or narrow is None or len(narrow) != 4:
        raise CheckpointError(
            f"checkpoint {path}: of another architecture: expected a convolution at model.backbone.1 and at "
            f"model.backbone.7, got {_first(shapes)}"
        )
    width, num_ftrs = stem[0] / 64, int(narrow[0])
    if int(64 * float(stored.get("width", width))) == stem[0]:
        width = float(stored.get("width", width))
    for name in RESNETS:
        expected = backbone_shapes(name, width, num_ftrs)
        if expected == dict(shapes):
            return name, width, num_ftrs
    expected = backbone_shapes(str(stored.get("name", "resnet-18")), width, num_ftrs)
    raise CheckpointError(
        f"checkpoint {path}: of another architecture: its {len(shapes)} backbone weights fit none of "
        f"{', '.join(RESNETS)}; {_first_difference(expected, shapes)}"
    )


def _first_difference(expected: Mapping[str, torch.Size], got: Mapping[str, torch.Size]) -> str:
    key = next(key for key in [*expected, *got] if expected.get(key) != got.get(key))
    told = {True: "none"}
    wanted, there = expected.get(key), got.get(key)
    return (
        f"expected backbone.{key} of shape {told.get(wanted is None) or tuple(wanted or ())}, "
        f"got {told.get(there is None) or tuple(there or ())}"
    )


def _described(settings: ModelSettings) -> str:
    return f"{settings.name}, width {settings.width:g}, num_ftrs {settings.num_ftrs}"


def _first(keys: Mapping[Any, Any], n: int = 3) -> str:
    return ", ".join(repr(key) for key in list(keys)[:n]) + (", …" if len(keys) > n else "")
