"""Strongly changed copies of a picture: another crop, mirrored, other colours, gray, blurred.

The changes are those of SimCLR (Chen et al. 2020, appendix A) with stronger colours. They are drawn from
a generator of the file's name, so a copy is the same whatever is computed beside it, and in which order.
"""

from __future__ import annotations

import hashlib

import cv2
import numpy as np

CROP = (0.2, 1.0)
"""Share of the area that a crop keeps."""
RATIO = (3 / 4, 4 / 3)
"""Width over height of a crop, relative to the picture's own."""
BRIGHTNESS = CONTRAST = SATURATION = 0.7
"""Factors are drawn from 1 - this to 1 + this."""
HUE = 0.2
"""Largest turn of the colour circle."""
COLOR_CHANCE, GRAY_CHANCE, BLUR_CHANCE = 0.8, 0.2, 0.5
BLUR = (0.1, 2.0)
"""Standard deviation of the blur, in 224ths of the side."""
GRAY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in a gray value (ITU-R BT.601)."""


def generator_of(filename: str, seed: int, copy: int) -> np.random.Generator:
    """Return the generator of one copy of one file."""
    digest = hashlib.sha256(f"{seed} {copy} {filename}".encode("utf-8", "surrogateescape")).digest()
    return np.random.default_rng(np.frombuffer(digest[:16], dtype=np.uint32))


def changed_copy(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a strongly changed copy of a square picture, of the same size.

    Parameters
    ----------
    rgb : numpy.ndarray
        uint8 of shape (side, side, 3).
    rng : numpy.random.Generator
        What the changes are drawn from.

    Returns
    -------
    numpy.ndarray
        uint8 of shape (side, side, 3).
    """
    side = len(rgb)
    image = _cropped(rgb, rng).astype(np.float32)
    image = image[:, ::-1] if rng.random() < 0.5 else image
    image = _recolored(image, rng) if rng.random() < COLOR_CHANCE else image
    if rng.random() < GRAY_CHANCE:
        image = np.repeat((image @ GRAY)[..., None], 3, axis=2)
    if rng.random() < BLUR_CHANCE:
        image = cv2.GaussianBlur(np.ascontiguousarray(image), (0, 0), rng.uniform(*BLUR) * side / 224)
    return np.asarray(np.rint(np.clip(image, 0, 255)), dtype=np.uint8)


def _cropped(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a crop of random area, shape and place, at the size of the whole."""
    side = len(rgb)
    area = rng.uniform(*CROP)
    ratio = np.exp(rng.uniform(*np.log(RATIO)))
    width, height = (min(side, max(1, round(side * (area * r) ** 0.5))) for r in (ratio, 1 / ratio))
    left, top = rng.integers(0, side - width + 1), rng.integers(0, side - height + 1)
    crop = np.ascontiguousarray(rgb[top : top + height, left : left + width])
    return np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_LINEAR))


def _recolored(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture of other brightness, contrast, saturation and hue."""
    brightness, contrast, saturation = (
        rng.uniform(1 - by, 1 + by) for by in (BRIGHTNESS, CONTRAST, SATURATION)
    )
    image = np.clip(image * np.float32(brightness), 0, 255)
    middle = np.float32((image @ GRAY).mean())
    image = np.clip(middle + np.float32(contrast) * (image - middle), 0, 255)
    gray = (image @ GRAY)[..., None]
    image = np.clip(gray + np.float32(saturation) * (image - gray), 0, 255).astype(np.float32)
    hsv = cv2.cvtColor(image / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + 360 * rng.uniform(-HUE, HUE)) % 360
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255, dtype=np.float32)
