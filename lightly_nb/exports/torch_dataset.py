"""The class behind `to_torch`: a file of its own, since its base is torch's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from lightly_nb.errors import InputError
from lightly_nb.pictures import CorruptImageError, decode_rgb
from lightly_nb.samples import Source


class ImageDataset(Dataset[tuple[Any, Any]]):
    """Images of samples, decoded as everywhere else in the package, each with its target.

    Parameters
    ----------
    source : Source
        Where they are read from.
    filenames : sequence of str
        Names of the images.
    targets : sequence
        What comes with each.
    transform : callable or None
        Takes a `PIL.Image`; None makes a float tensor (3, height, width) in [0, 1].
    """

    def __init__(
        self,
        source: Source,
        filenames: Sequence[str],
        targets: Sequence[Any],
        transform: Callable[[Any], Any] | None = None,
    ):
        self.source, self.filenames, self.targets, self.transform = source, filenames, targets, transform

    def __len__(self) -> int:
        return len(self.filenames)

    def __getitem__(self, row: int) -> tuple[Any, Any]:
        name = self.filenames[row]
        try:
            rgb = decode_rgb(self.source.read(name), strict=False)
        except CorruptImageError as error:
            raise InputError(f"{name}: {error}; lightly_nb.check(samples) leaves such files out") from error
        return self._as_asked(rgb), self.targets[row]

    def _as_asked(self, rgb: np.ndarray) -> Any:
        if self.transform is None:
            return torch.from_numpy(rgb.transpose(2, 0, 1).copy()).float() / 255
        from PIL import Image

        return self.transform(Image.fromarray(rgb))
