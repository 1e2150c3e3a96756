"""Image metadata: numbers that describe a picture, computed from the one decode that all else uses.

A new one is one function and one line in `IMAGE_METADATA`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property

import cv2
import numpy as np


class Picture:
    """One decoded image, and what several of its metadata need, computed once.

    Parameters
    ----------
    rgb : numpy.ndarray
        uint8 of shape (height, width, 3); at a reduced scale with `decode="fast"`.
    width, height : int
        Pixels in the file, upright.
    size_in_bytes : int
        Length of the file.
    n_pages : int
        Pages or frames in the file; the picture is one of them.
    """

    def __init__(self, rgb: np.ndarray, width: int, height: int, size_in_bytes: int, n_pages: int = 1):
        self.rgb, self.width, self.height, self.size_in_bytes = rgb, width, height, size_in_bytes
        self.n_pages = n_pages

    @cached_property
    def luminance(self) -> np.ndarray:
        """Rounded 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601), uint8 of shape (height, width)."""
        return np.asarray(cv2.cvtColor(self.rgb, cv2.COLOR_RGB2GRAY))

    @cached_property
    def luminance_mean_and_std(self) -> tuple[float, float]:
        """Mean and standard deviation of the luminance, 0 to 255."""
        mean, std = cv2.meanStdDev(self.luminance)
        # a single pixel that differs by one step gives more than this, rounding in a constant picture less
        return float(mean[0, 0]), float(std[0, 0]) if std[0, 0] > 5e-5 else 0.0

    @cached_property
    def mean_color(self) -> tuple[float, float, float]:
        """Mean red, green and blue, 0 to 255."""
        red, green, blue, _ = cv2.mean(self.rgb)
        return red, green, blue


def sharpness(picture: Picture) -> float:
    """Standard deviation of the Laplacian of the luminance, 0 to about 1,000; low for blurred images.

    The Laplacian has the kernel [[0, 1, 0], [1, -4, 1], [0, 1, 0]], with border pixels repeated, so its mean
    is exactly 0. It depends on the scale: compare images of one size. Its square is the focus measure of
    Pech-Pacheco et al., ICPR 2000.
    """
    laplacian = cv2.Laplacian(picture.luminance, cv2.CV_16S, borderType=cv2.BORDER_REPLICATE)
    return math.sqrt(cv2.norm(laplacian, cv2.NORM_L2SQR) / laplacian.size)


def snr(picture: Picture) -> float:
    """Signal-to-noise ratio: mean over standard deviation of the luminance; 0 if it is constant."""
    mean, std = picture.luminance_mean_and_std
    return mean / std if std > 0 else 0.0


def contrast(picture: Picture) -> float:
    """RMS contrast: standard deviation of the luminance scaled to [0, 1], so 0 to 0.5. Peli, JOSA A 1990."""
    return picture.luminance_mean_and_std[1] / 255


IMAGE_METADATA: Mapping[str, Callable[[Picture], float]] = {
    "lightly.sharpness": sharpness,
    "lightly.snr": snr,
    "lightly.contrast": contrast,
    "lightly.meanRed": lambda picture: picture.mean_color[0],
    "lightly.meanGreen": lambda picture: picture.mean_color[1],
    "lightly.meanBlue": lambda picture: picture.mean_color[2],
    "lightly.width": lambda picture: picture.width,
    "lightly.height": lambda picture: picture.height,
    "lightly.sizeInBytes": lambda picture: picture.size_in_bytes,
    "lightly.pages": lambda picture: picture.n_pages,
}
"""Every image metadatum: its key, and the function that computes it."""

COUNTS = frozenset({"lightly.width", "lightly.height", "lightly.sizeInBytes", "lightly.pages"})
"""Those that are whole numbers."""


def metadata_columns(values: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns of `values`, float64 of shape (n, len(IMAGE_METADATA)), whole numbers as int64."""
    return {
        name: column.astype(np.int64) if name in COUNTS else np.ascontiguousarray(column)
        for name, column in zip(IMAGE_METADATA, values.T, strict=True)
    }
