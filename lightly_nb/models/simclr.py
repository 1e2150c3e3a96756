"""SimCLR (Chen, Kornblith, Norouzi, Hinton 2020): two views of an image attract, all others repel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightly_nb.models.backbone import ModelSettings, build_backbone
from lightly_nb.models.joint_embedding import JointEmbedding, Method, view_settings


def create(settings: ModelSettings, criterion: Mapping[str, Any], collate: Mapping[str, Any]) -> Method:
    """Return SimCLR with the head, loss and views of the `lightly` package.

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
    from lightly.transforms import SimCLRTransform

    backbone = build_backbone(settings.name, settings.width, settings.num_ftrs)
    head = SimCLRProjectionHead(settings.num_ftrs, settings.num_ftrs, settings.out_dim, batch_norm=False)
    bank = criterion.get("memory_bank_size", 0)
    if isinstance(bank, int) and bank > 0:
        bank = (bank, settings.out_dim)
    loss = NTXentLoss(temperature=criterion.get("temperature", 0.5), memory_bank_size=bank)
    return Method(JointEmbedding(backbone, head), loss, SimCLRTransform(**view_settings(collate)))
