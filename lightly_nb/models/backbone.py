"""The backbone: a ResNet of the `lightly` package, cut before its last layer, narrowed to `num_ftrs`."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from lightly_nb.config.lightly import RESNETS
from lightly_nb.errors import InputError
from lightly_nb.models.model import MEAN, STD


@dataclass(frozen=True)
class ModelSettings:
    """What a model is: enough to build it again and to feed it.

    Parameters
    ----------
    name : str
        One of `RESNETS`, or a pretrained backbone.
    width : float
        Factor on the number of channels of a ResNet, > 0; 1 is the ResNet of the paper.
    num_ftrs : int
        Length of an embedding.
    out_dim : int
        Length of a projection, on which the loss is computed.
    input_size : int
        Side in pixels of the square that the model is trained on.
    method : str
        The self-supervised method, a key of `METHODS`.
    embedding_size : int
        Side in pixels of the square at which images are embedded, if it is larger than `input_size`; 0: it
        is not.
    mean, std : tuple of 3 floats
        What is subtracted from red, green and blue in 0 to 1, and what they are then divided by.
    """

    name: str = "resnet-18"
    width: float = 1.0
    num_ftrs: int = 32
    out_dim: int = 128
    input_size: int = 64
    method: str = "simclr"
    embedding_size: int = 0
    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD


def build_backbone(name: str = "resnet-18", width: float = 1.0, num_ftrs: int = 32) -> nn.Sequential:
    """Build the backbone, with random weights from torch's global generator.

    Input batch norm over 3 channels, the ResNet without its last linear layer, a 1x1 convolution to
    `num_ftrs` channels (index 7), a global average.

    Parameters
    ----------
    name : str
        One of `RESNETS`.
    width : float
        Factor on the number of channels, > 0.
    num_ftrs : int
        Number of output channels.

    Returns
    -------
    torch.nn.Sequential
        Maps float (n, 3, height, width) to (n, num_ftrs, 1, 1).

    Raises
    ------
    InputError
        If there is no such ResNet, or it would have no channels.

    Examples
    --------
    >>> backbone = build_backbone("resnet-9", 0.125, 16)
    >>> backbone(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 16, 1, 1])
    """
    from lightly.models import ResNetGenerator
    from lightly.models.batchnorm import get_norm_layer

    if name not in RESNETS:
        raise InputError(f"model.name: got {name!r}, allowed are {', '.join(RESNETS)}")
    if int(64 * width) < 1 or num_ftrs < 1:
        raise InputError(
            f"model: width {width} and num_ftrs {num_ftrs} leave no channels; "
            "width must be at least 1/64, num_ftrs at least 1"
        )
    resnet = ResNetGenerator(name, width)
    *layers, linear = resnet.children()
    return nn.Sequential(
        get_norm_layer(3, 0), *layers, nn.Conv2d(linear.in_features, num_ftrs, 1), nn.AdaptiveAvgPool2d(1)
    )


def backbone_shapes(name: str, width: float, num_ftrs: int) -> dict[str, torch.Size]:
    """Return the shape of every weight of that backbone, without allocating any."""
    with torch.device("meta"):
        backbone = build_backbone(name, width, num_ftrs)
    return {key: weight.shape for key, weight in backbone.state_dict().items()}
