"""`EmbeddingModel`: a module together with what its input must look like."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue in ImageNet, as in `lightly-embed`."""


@dataclass(frozen=True)
class EmbeddingModel:
    """Any torch module that maps normalised images, float (n, 3, s, s), to features (n, d).

    Parameters
    ----------
    module : torch.nn.Module
        Left as it is: a copy in evaluation mode is used. Features may have further axes of length 1.
    input_size : int
        Side s of the square that images are resized to, in pixels.
    fingerprint : str
        Changes when the weights, or the pixels that they see, do. Empty: computed from them.
    mean, std : tuple of 3 floats
        What is subtracted from red, green and blue in 0 to 1, and what they are then divided by. Default:
        those of ImageNet.
    name : str
        What events and errors call it.
    licence : str
        Of the weights, as an SPDX identifier where there is one; '' where unknown.
    n_features : int or None
        Length of an embedding; None where only the model itself knows.
    precisions : tuple of str
        Number formats that are known to keep the neighbours of its embeddings: "int8", "bf16" or "16".
    int8 : callable or None
        Makes what does the same as `module` in 8-bit integers on CPUs: a function of normalised float32
        arrays (n, 3, s, s).
    note : str
        What a person should be told of how it was read.
    """

    module: nn.Module
    input_size: int = 64
    fingerprint: str = ""
    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD
    name: str = "model"
    licence: str = ""
    n_features: int | None = None
    precisions: tuple[str, ...] = ()
    int8: Callable[[], Callable[[np.ndarray], np.ndarray]] | None = None
    note: str = ""


def fingerprint_of(model: EmbeddingModel) -> str:
    """Return the fingerprint of a model: 32 hex digits of its weights and of the pixels that they see."""
    if model.fingerprint:
        return model.fingerprint
    digest = hashlib.sha256(str(model.module).encode())
    for key, value in model.module.state_dict().items():
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    digest.update(repr((model.input_size, model.mean, model.std)).encode())
    return digest.hexdigest()[:32]
