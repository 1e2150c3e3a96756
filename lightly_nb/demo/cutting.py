"""Cutting a photograph into samples: seeded crops of many scales, no two alike."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

ASPECTS = ((4, 3), (4, 3), (3, 2), (16, 9), (1, 1), (3, 4))
SMALLEST_SHARE, LARGEST_SHARE = 0.35, 0.95
"""Of the largest crop of the same aspect that the photograph holds."""
WORKING_EDGE = 2000
"""Photographs are first reduced to this longest edge in pixels, so that a crop shows something."""
LONGEST_EDGE = 640
"""Longest edge of a sample in pixels; crops are never enlarged."""
JPEG_QUALITY = 90

Box = tuple[int, int, int, int]


def crop_boxes(size: tuple[int, int], n: int, seed: str) -> list[Box]:
    """Return `n` different boxes (left, top, right, bottom), in pixels, inside an image of `size`.

    `size` is (width, height).

    Boxes overlap by at most 60 % (intersection over union) where there is room for that, more where
    many are asked for, and never wholly.

    Examples
    --------
    >>> boxes = crop_boxes((400, 300), 5, seed="a")
    >>> boxes == crop_boxes((400, 300), 5, seed="a"), len(set(boxes))
    (True, 5)
    """
    rng = random.Random(seed)
    boxes: list[Box] = []
    most = 0.6
    while len(boxes) < n:
        for _ in range(60):
            box = _random_box(size, rng)
            if all(overlap(box, other) <= most for other in boxes):
                boxes.append(box)
                break
        else:
            most = min(0.98, most + 0.02)
    return boxes


def overlap(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes, in [0, 1]."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(0, width) * max(0, height)
    return common / (_area(a) + _area(b) - common)


def opened(path: Path) -> Any:
    """Return the photograph as an RGB `PIL.Image.Image`, at most `WORKING_EDGE` pixels long."""
    from PIL import Image

    with Image.open(path) as image:
        image.draft("RGB", (WORKING_EDGE, WORKING_EDGE))
        rgb = image.convert("RGB")
    rgb.thumbnail((WORKING_EDGE, WORKING_EDGE), Image.Resampling.LANCZOS)
    return rgb


def cut(image: Any, box: Box) -> Any:
    """Return the crop, reduced to `LONGEST_EDGE` where it is longer."""
    from PIL import Image

    crop = image.crop(box)
    crop.thumbnail((LONGEST_EDGE, LONGEST_EDGE), Image.Resampling.LANCZOS)
    return crop


def _random_box(size: tuple[int, int], rng: random.Random) -> Box:
    wide, high = rng.choice(ASPECTS)
    scale = min(size[0] / wide, size[1] / high) * rng.uniform(SMALLEST_SHARE, LARGEST_SHARE)
    width, height = round(wide * scale), round(high * scale)
    left, top = rng.randint(0, size[0] - width), rng.randint(0, size[1] - height)
    return left, top, left + width, top + height


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
