"""Folders of distinct JPEGs for the benchmarks, cut from the photographs of scikit-image and scikit-learn.

Enlarged photographs would decode faster than real ones, so large images are mosaics of native crops.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_images


def sources() -> list[np.ndarray]:
    """Return the colour photographs that ship inside the two packages, uint8 of shape (height, width, 3)."""
    images = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket(), data.cat()]
    images += [data.hubble_deep_field(), data.immunohistochemistry(), data.retina()]
    return [np.ascontiguousarray(image[..., :3]) for image in [*images, *load_sample_images().images]]


def mosaic(rng: np.random.Generator, images: list[np.ndarray], width: int, height: int) -> np.ndarray:
    """Return one picture of `width` × `height` made of random native crops side by side."""
    tile_width, tile_height = min(width, 480), min(height, 360)
    canvas = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, tile_height):
        for left in range(0, width, tile_width):
            image = images[rng.integers(len(images))]
            spot = canvas[top : top + tile_height, left : left + tile_width]
            y = rng.integers(max(1, image.shape[0] - spot.shape[0] + 1))
            x = rng.integers(max(1, image.shape[1] - spot.shape[1] + 1))
            crop = image[y : y + spot.shape[0], x : x + spot.shape[1]]
            reach = ((0, spot.shape[0] - crop.shape[0]), (0, spot.shape[1] - crop.shape[1]), (0, 0))
            spot[:] = np.pad(crop, reach, mode="reflect")
    return canvas


def write_photographs(folder: Path, count: int, width: int, height: int, quality: int = 88) -> Path:
    """Write `count` distinct JPEGs of `width` × `height` below `folder` and return it."""
    rng, images = np.random.default_rng(1), sources()
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture = Image.fromarray(mosaic(rng, images, width, height))
        picture.save(folder / f"{number:06d}.jpg", "JPEG", quality=quality)
    return folder
