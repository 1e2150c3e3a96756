"""The images to train on, decoded once and kept small in memory.

Decoding whole photographs in every epoch would take most of the time on a few CPUs. So each image is shrunk
once, and kept as far as memory allows; the rest is read again whenever it is needed, and shrunk the same
way, so that what is learned does not depend on how much was kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import torch

from lightly_nb.engines import local
from lightly_nb.errors import LightlyNBError
from lightly_nb.events import Listener, Stage
from lightly_nb.pictures import decode_rgb
from lightly_nb.samples import Source

NARROWEST_CROP = 3 / 4
"""Aspect ratio of the narrowest crop of torchvision's `RandomResizedCrop`."""


def pixels_needed(input_size: int, min_scale: float) -> int:
    """Return how many pixels an image needs so that no crop of it is enlarged.

    The smallest crop has `min_scale` of the area and a shorter side of sqrt(area * min_scale * 3/4); this is
    `input_size` exactly for an image of that many pixels. Larger images gain nothing.

    Examples
    --------
    >>> pixels_needed(64, 0.15)
    36409
    """
    return int(np.ceil(input_size**2 / (min_scale * NARROWEST_CROP)))


def shrink(image: np.ndarray, pixels: int) -> np.ndarray:
    """Return `image`, uint8 (height, width, 3), scaled down by area to at most `pixels`; never enlarged."""
    import cv2

    height, width = image.shape[:2]
    factor = np.sqrt(pixels / (height * width))
    if factor >= 1:
        return image
    size = (max(1, int(width * factor)), max(1, int(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


@dataclass(frozen=True)
class Images:
    """Shrunk images by number, from memory where they are kept, else from the source.

    Parameters
    ----------
    source : Source
        Where the files are read from.
    filenames : sequence of str
        Their names; the position is the number.
    pixels : int
        No image has more.
    kept : torch.Tensor
        uint8 (n_kept, 3 * pixels): the first images, each row filled from the left.
    shapes : numpy.ndarray
        int32 (n, 2): height and width of the kept images; 0 where none is kept.
    """

    source: Source
    filenames: Sequence[str]
    pixels: int
    kept: torch.Tensor = field(repr=False)
    shapes: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.filenames)

    def __getitem__(self, number: int) -> np.ndarray:
        """Return image `number`, uint8 (height, width, 3).

        Raises
        ------
        Exception
            If its file cannot be read or decoded.
        """
        height, width = self.shapes[number]
        if height:
            row: np.ndarray = self.kept[number, : 3 * height * width].numpy()
            return row.reshape(height, width, 3)
        return shrink(decode_rgb(self.source.read(self.filenames[number])), self.pixels)

    def take(self, numbers: Sequence[int]) -> Images:
        """Return the images of `numbers`, renumbered; nothing is copied if they are all."""
        if list(numbers) == list(range(len(self))):
            return self
        rows = [number for number in numbers if number < len(self.kept)]
        names = [self.filenames[number] for number in numbers]
        return Images(self.source, names, self.pixels, self.kept[rows], self.shapes[list(numbers)])


def read_images(
    source: Source,
    filenames: Sequence[str],
    *,
    pixels: int,
    max_bytes: int,
    on_broken: Callable[[str, str], None],
    on_event: Listener,
) -> Images:
    """Read, decode and shrink as many images as fit into `max_bytes`; leave out those that are broken.

    Parameters
    ----------
    source, filenames, pixels
        As in `Images`.
    max_bytes : int
        Images beyond are read when they are needed.
    on_broken : callable
        Called with the name of each file that cannot be used, and why.
    on_event : Listener
        Gets the progress, as step LOADING_DATASET.
    """
    n_kept = min(len(filenames), max_bytes // (3 * pixels))
    kept = torch.empty((n_kept, 3 * pixels), dtype=torch.uint8)  # pages are taken only when written
    shapes = np.zeros((len(filenames), 2), np.int32)
    images = Images(source, filenames, pixels, kept, shapes)
    broken: set[int] = set()

    def load(number: int) -> np.ndarray | Exception:
        try:
            return images[number]
        except Exception as error:  # decoders raise anything on damage, and one bad file never stops a run
            return error

    with (
        Stage(on_event, "LOADING_DATASET", total=n_kept, unit="image") as stage,
        closing(local.map(load, range(n_kept), min(8, os.cpu_count() or 1))) as results,
    ):
        for number, image in enumerate(results):
            if isinstance(image, Exception):
                on_broken(filenames[number], reason_of(image))
                broken.add(number)
            else:
                kept[number, : image.size] = torch.from_numpy(np.ascontiguousarray(image).reshape(-1))
                shapes[number] = image.shape[:2]
            stage.advance()
    return images.take([number for number in range(len(filenames)) if number not in broken])


def reason_of(error: Exception) -> str:
    """Return what is wrong with a file in words; of an error that is not ours, its kind too."""
    return str(error) if isinstance(error, LightlyNBError) else f"{type(error).__name__}: {error}"
