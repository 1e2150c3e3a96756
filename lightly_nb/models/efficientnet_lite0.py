"""EfficientNet-Lite0 (Tan, Le 2019; the Lite variant of Google's TPU repository): the backbone alone.

An own module instead of timm's, for two reasons: torch can trace it, and so fold its batch norms into the
convolutions, because its padding holds for every input size without asking for one; and nothing else
needs to be installed.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

N_FEATURES = 1280
EPSILON = 1e-3
"""Of the batch norms."""


class _Stage(NamedTuple):
    expansion: int
    kernel: int
    stride: int
    channels: int
    n_blocks: int


STEM_CHANNELS = 32
STAGES = (
    _Stage(1, 3, 1, 16, 1),
    _Stage(6, 3, 2, 24, 2),
    _Stage(6, 5, 2, 40, 2),
    _Stage(6, 3, 2, 80, 3),
    _Stage(6, 5, 1, 112, 3),
    _Stage(6, 5, 2, 192, 4),
    _Stage(6, 3, 1, 320, 1),
)


class SamePadding(nn.Module):
    """What TensorFlow's "same" pads before a convolution of stride 2: an odd zero goes right and below."""

    def __init__(self, kernel: int):
        super().__init__()
        self.kernel = kernel

    def forward(self, images: Tensor) -> Tensor:
        """Return `images` with zeros around them."""
        # arithmetic without conditions, so that tracing keeps it for images of every size
        rows = self.kernel - 2 + images.shape[2] % 2
        columns = self.kernel - 2 + images.shape[3] % 2
        top, left = rows // 2, columns // 2
        return nn.functional.pad(images, [left, columns - left, top, rows - top])


class Residual(nn.Sequential):
    """Layers whose output is added to their input."""

    def forward(self, images: Tensor) -> Tensor:
        """Return the sum."""
        changed = images
        for layer in self:
            changed = layer(changed)
        return images + changed


def efficientnet_lite0() -> nn.Sequential:
    """Build the backbone, with random weights from torch's global generator.

    Returns
    -------
    torch.nn.Sequential
        Maps float (n, 3, height, width), at least 32 pixels each, to features (n, 1280).

    Examples
    --------
    >>> efficientnet_lite0().eval()(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 1280])
    """
    stem = [SamePadding(3), *_convolution(3, STEM_CHANNELS, 3, stride=2), nn.ReLU6(inplace=True)]
    n_in, stages = STEM_CHANNELS, []
    for stage in STAGES:
        blocks = []
        for number in range(stage.n_blocks):
            blocks.append(_block(n_in, stage, 1 if number else stage.stride))
            n_in = stage.channels
        stages.append(nn.Sequential(*blocks))
    head = [*_convolution(n_in, N_FEATURES, 1), nn.ReLU6(inplace=True)]
    return nn.Sequential(
        nn.Sequential(*stem), *stages, nn.Sequential(*head), nn.AdaptiveAvgPool2d(1), nn.Flatten(1)
    )


def _block(n_in: int, stage: _Stage, stride: int) -> nn.Sequential:
    """Return an inverted residual: widen, filter each channel, narrow."""
    wide = n_in * stage.expansion
    layers: list[nn.Module] = []
    if stage.expansion > 1:
        layers += [*_convolution(n_in, wide, 1), nn.ReLU6(inplace=True)]
    if stride == 2:
        layers.append(SamePadding(stage.kernel))
    layers += [*_convolution(wide, wide, stage.kernel, stride=stride, groups=wide), nn.ReLU6(inplace=True)]
    layers += _convolution(wide, stage.channels, 1)
    kind = Residual if stride == 1 and n_in == stage.channels else nn.Sequential
    return kind(*layers)


def _convolution(n_in: int, n_out: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    padding = 0 if stride == 2 else kernel // 2
    convolution = nn.Conv2d(n_in, n_out, kernel, stride, padding, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(n_out, eps=EPSILON)]


def empty_efficientnet_lite0() -> nn.Sequential:
    """Return the backbone without weights, for `load_state_dict(…, assign=True)`."""
    with torch.device("meta"):
        return efficientnet_lite0()
