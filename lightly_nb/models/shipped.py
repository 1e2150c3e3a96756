"""The embedder that ships with the package: EfficientNet-Lite0, trained on ImageNet. No download.

Its 1280 features are projected to 256 dimensions by directions that never change (those that its own
ImageNet classifier tells classes apart by), so embeddings of every run lie in one space.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lightly_nb.errors import InputError
from lightly_nb.models.cpu import has_vnni
from lightly_nb.models.efficientnet_lite0 import N_FEATURES, empty_efficientnet_lite0
from lightly_nb.models.model import EmbeddingModel

NAME = "efficientnet-lite0"
LICENCE = "Apache-2.0"
INPUT_SIZE, SMALLEST_INPUT_SIZE = 224, 32
DIMENSIONS = 256
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3
WEIGHTS = Path(__file__).parent / "weights" / "efficientnet_lite0.npz"
INT8 = WEIGHTS.with_suffix(".int8.onnx")
INT8_STEP = 32
"""Its padding is that of sizes that can be halved five times."""
PRECISIONS = ("bf16",)


class Backbone(NamedTuple):
    """A pretrained backbone, to train on from."""

    module: nn.Module
    """Maps normalised images, float (n, 3, height, width), to (n, n_features); in evaluation mode."""
    n_features: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def check_size(input_size: int, dimensions: int) -> None:
    """Raise `InputError` if the embedder that ships has no such size."""
    if input_size < SMALLEST_INPUT_SIZE:
        raise InputError(f"input_size: got {input_size}, {NAME} needs at least {SMALLEST_INPUT_SIZE} pixels")
    if not (1 <= dimensions <= DIMENSIONS or dimensions == N_FEATURES):
        raise InputError(
            f"dimensions: got {dimensions}, {NAME} gives 1 to {DIMENSIONS}, or {N_FEATURES} unprojected"
        )


def shipped(input_size: int = INPUT_SIZE, dimensions: int = DIMENSIONS) -> EmbeddingModel:
    """Return the embedder that ships with the package.

    Parameters
    ----------
    input_size : int
        Side in pixels, at least 32. 224 is what the weights were trained for; half of it takes a quarter
        of the time and costs accuracy.
    dimensions : int
        Length of an embedding: 1 to 256, the most telling directions first, or 1280 for the features as
        they are.

    Returns
    -------
    EmbeddingModel
        With its own mean, deviation and licence.

    Raises
    ------
    InputError
        If it has no such size.

    Examples
    --------
    >>> model = shipped(96)
    >>> model.module(torch.zeros(1, 3, 96, 96)).shape, model.licence
    (torch.Size([1, 256]), 'Apache-2.0')
    """
    check_size(input_size, dimensions)
    module = shipped_backbone().module
    if dimensions != N_FEATURES:
        module = nn.Sequential(module, fixed_projection(dimensions)).eval()
    fingerprint = hashlib.sha256(f"{_content_hash()} {input_size} {dimensions}".encode()).hexdigest()[:32]
    return EmbeddingModel(
        module,
        input_size,
        fingerprint,
        MEAN,
        STD,
        NAME,
        LICENCE,
        dimensions,
        PRECISIONS,
        partial(_in_int8, dimensions) if input_size % INT8_STEP == 0 else None,
    )


def shipped_backbone() -> Backbone:
    """Return its backbone alone, a copy of one's own, with 1280 features."""
    module = empty_efficientnet_lite0()
    stored = _stored()
    weights = {
        key: torch.tensor(0) if key.endswith("num_batches_tracked") else stored[key].float()
        for key in module.state_dict()
    }
    module.load_state_dict(weights, assign=True)
    return Backbone(module.eval(), N_FEATURES, MEAN, STD)


def _in_int8(dimensions: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return it in 8-bit integers: the backbone in onnxruntime, one thread a call, then the projection.

    Without VNNI sums of 8-bit products overflow in onnxruntime (cosine .92 to fp32, not .99). There the
    same arithmetic is done in floats, so that the embeddings are those of a machine with VNNI.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            "precision: 'int8' needs the package onnxruntime, which is not installed; "
            "install it with: pip install 'lightly_nb[int8]'"
        ) from error

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    if not has_vnni():
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(INT8), options, providers=["CPUExecutionProvider"])
    projection = None
    if dimensions != N_FEATURES:
        projection = fixed_projection(dimensions).weight.detach().numpy().T

    def run(images: np.ndarray) -> np.ndarray:
        features: np.ndarray = session.run(None, {"images": images})[0]
        return features if projection is None else features @ projection

    return run


def fixed_projection(dimensions: int) -> nn.Linear:
    """Return the projection of its 1280 features to the most telling 1 to 256 directions."""
    linear = nn.Linear(N_FEATURES, dimensions, bias=False)
    linear.weight = nn.Parameter(_stored()["projection"].float().T[:dimensions].contiguous())
    return linear


def _stored() -> dict[str, Tensor]:
    with np.load(WEIGHTS, allow_pickle=False) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


@cache
def _content_hash() -> str:
    return hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
