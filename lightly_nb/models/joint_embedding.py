"""What a method that compares two views of an image is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint_sequential

from lightly_nb.models.backbone import ModelSettings


class JointEmbedding(nn.Module):
    """A backbone and its projection head, under the names that checkpoints use.

    Parameters
    ----------
    backbone : torch.nn.Module
        Maps (n, 3, height, width) to (n, num_ftrs, 1, 1).
    projection_head : torch.nn.Module
        Maps (n, num_ftrs) to (n, out_dim).
    is_pretrained : bool
        Whether the backbone stays in evaluation mode whatever happens: its batch norms keep the statistics
        that they were trained with, without which a few epochs on few images do more harm than good.
    """

    def __init__(self, backbone: nn.Module, projection_head: nn.Module, is_pretrained: bool = False):
        super().__init__()
        self.backbone = backbone
        self.projection_head = projection_head
        self.is_pretrained = is_pretrained
        self.saves_memory = False
        """Whether the layers of a backbone that is a sequence are computed a second time on the way back,
        instead of keeping all that they computed; the result is the same to the last bit."""

    def train(self, mode: bool = True) -> Self:
        """Set training mode: of the head alone where the backbone is pretrained."""
        super().train(mode)
        if self.is_pretrained:
            self.backbone.eval()
        return self

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Return the representations (n, num_ftrs) and the projections (n, out_dim) of `views`."""
        if self.saves_memory and isinstance(self.backbone, nn.Sequential):
            layers = len(self.backbone)
            features = checkpoint_sequential(  # type: ignore[no-untyped-call]
                self.backbone, layers, views, use_reentrant=False
            )
        else:
            features = self.backbone(views)
        features = features.flatten(start_dim=1)
        return features, self.projection_head(features)


class Method(NamedTuple):
    """A self-supervised method: what is trained, on what loss, on what views."""

    module: nn.Module
    """Has `backbone` and `projection_head`; maps a batch of views to (representations, projections)."""
    loss: nn.Module
    """Maps the float32 projections of the two views, each (n, out_dim), to a scalar."""
    transform: Callable[[Any], list[Tensor]]
    """Maps one PIL image to its two views, each float32 (3, input_size, input_size)."""


def view_settings(settings: ModelSettings, collate: Mapping[str, Any]) -> dict[str, Any]:
    """Return `collate`, and what the model wants of its input, as keyword arguments of a transform."""
    # kernel_size is accepted for old configurations; lightly derives the blur from sigmas alone
    views = {key: value for key, value in collate.items() if key != "kernel_size"}
    for key in ("sigmas", "rr_degrees"):
        if isinstance(views.get(key), list):
            views[key] = tuple(views[key])
    return {**views, "normalize": {"mean": list(settings.mean), "std": list(settings.std)}}
