"""VICReg (Bardes, Ponce, LeCun 2022): views agree while every dimension varies and no two correlate.

It has no negatives, so it also learns from small batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightly_nb.config.lightly import is_pretrained
from lightly_nb.models.backbone import ModelSettings
from lightly_nb.models.joint_embedding import JointEmbedding, Method, view_settings
from lightly_nb.models.pretrained import n_features, untrained_backbone


def create(settings: ModelSettings, criterion: Mapping[str, Any], collate: Mapping[str, Any]) -> Method:
    """Return VICReg with the head, loss and views of the `lightly` package, and random weights.

    Parameters
    ----------
    settings : ModelSettings
        The model to build; the three layers of the head are `out_dim` wide.
    criterion : mapping
        Not used: temperature and memory bank belong to contrastive losses.
    collate : mapping
        Keyword arguments of `lightly.transforms.VICRegTransform`.
    """
    from lightly.loss import VICRegLoss
    from lightly.models.modules.heads import VICRegProjectionHead
    from lightly.transforms import VICRegTransform

    head = VICRegProjectionHead(n_features(settings), settings.out_dim, settings.out_dim)
    module = JointEmbedding(untrained_backbone(settings), head, is_pretrained(settings.name))
    return Method(module, VICRegLoss(), VICRegTransform(**view_settings(settings, collate)))
