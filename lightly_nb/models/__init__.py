"""The models: a backbone, the self-supervised methods that train it, checkpoints and pretrained weights."""

from lightly_nb.models.backbone import ModelSettings, build_backbone
from lightly_nb.models.checkpoint import (
    Checkpoint,
    embedding_model,
    load_checkpoint,
    model_fingerprint,
    save_checkpoint,
)
from lightly_nb.models.methods import METHODS, Method
from lightly_nb.models.zoo import pretrained

__all__ = [
    "METHODS",
    "Checkpoint",
    "Method",
    "ModelSettings",
    "build_backbone",
    "embedding_model",
    "load_checkpoint",
    "model_fingerprint",
    "pretrained",
    "save_checkpoint",
]
