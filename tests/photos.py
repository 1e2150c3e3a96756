"""Small real photographs for tests: crops of those that ship inside scikit-image and scikit-learn."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 96


@cache
def photographs() -> tuple[np.ndarray, ...]:
    """Return some real photographs as uint8 RGB arrays."""
    import skimage
    import sklearn

    folders = {
        Path(skimage.__file__).parent / "data": ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"),
        Path(sklearn.__file__).parent / "datasets" / "images": ("china.jpg", "flower.jpg"),
    }
    pictures = []
    for folder, names in folders.items():
        for name in names:
            with Image.open(folder / name) as image:
                pictures.append(np.asarray(image.convert("RGB")))
    return tuple(pictures)


def crops(n: int, seed: int = 0, side: int = SIDE) -> list[np.ndarray]:
    """Return `n` different square crops, uint8 RGB, from the photographs in turn."""
    rng = np.random.default_rng(seed)
    pictures = photographs()
    result = []
    for number in range(n):
        picture = pictures[number % len(pictures)]
        top = rng.integers(0, picture.shape[0] - side)
        left = rng.integers(0, picture.shape[1] - side)
        result.append(picture[top : top + side, left : left + side])
    return result


def write_photographs(folder: Path, n: int, seed: int = 0) -> list[str]:
    """Write `n` JPEG crops below `folder`, in two nested sub-folders; return their names, sorted."""
    names = []
    for number, crop in enumerate(crops(n, seed)):
        name = f"{'été à Zürich' if number % 2 else 'garden/日本'}/photo {number:03d}.jpg"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(path, quality=92)
        names.append(name)
    return sorted(names)
