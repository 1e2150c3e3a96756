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
from lightly_nb.models.model import EmbeddingModel, fingerprint_of
from lightly_nb.models.resolve import resolve_model
from lightly_nb.models.shipped import Backbone, shipped, shipped_backbone
from lightly_nb.models.zoo import pretrained

__all__ = [
    "METHODS",
    "Backbone",
    "Checkpoint",
    "EmbeddingModel",
    "Method",
    "ModelSettings",
    "build_backbone",
    "embedding_model",
    "fingerprint_of",
    "load_checkpoint",
    "model_fingerprint",
    "pretrained",
    "resolve_model",
    "save_checkpoint",
    "shipped",
    "shipped_backbone",
]
