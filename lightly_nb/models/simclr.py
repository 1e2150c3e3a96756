"""SimCLR (Chen, Kornblith, Norouzi, Hinton 2020): two views of an image attract, all others repel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from lightly_nb.config.lightly import is_pretrained
from lightly_nb.models.backbone import ModelSettings
from lightly_nb.models.joint_embedding import JointEmbedding, Method, view_settings
from lightly_nb.models.pretrained import n_features, untrained_backbone

HEAD_WIDTH = 512
"""Of the head on a pretrained backbone, whose features are many."""


def create(settings: ModelSettings, criterion: Mapping[str, Any], collate: Mapping[str, Any]) -> Method:
    """Return SimCLR with the head, loss and views of the `lightly` package, and random weights.

    Parameters
    ----------
    settings : ModelSettings
        The model to build.
    criterion : mapping
        `temperature` (> 0) and `memory_bank_size` (a number of negatives, or [number, out_dim]).
    collate : mapping
        Keyword arguments of `lightly.transforms.SimCLRTransform`.
    """
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead
    from lightly.models.modules.heads import ProjectionHead
    from lightly.transforms import SimCLRTransform

    backbone, n, pretrained = untrained_backbone(settings), n_features(settings), is_pretrained(settings.name)
    head: nn.Module = SimCLRProjectionHead(n, n, settings.out_dim, batch_norm=False)
    if pretrained:
        inner = (n, HEAD_WIDTH, nn.BatchNorm1d(HEAD_WIDTH), nn.ReLU())
        head = ProjectionHead([inner, (HEAD_WIDTH, settings.out_dim, None, None)])
    bank = criterion.get("memory_bank_size", 0)
    if isinstance(bank, int) and bank > 0:
        bank = (bank, settings.out_dim)
    loss = NTXentLoss(temperature=criterion.get("temperature", 0.5), memory_bank_size=bank)
    transform = SimCLRTransform(**view_settings(settings, collate))
    return Method(JointEmbedding(backbone, head, pretrained), loss, transform)
