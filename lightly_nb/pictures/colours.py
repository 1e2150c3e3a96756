"""Colours to sRGB: profiles are applied, transparency is laid over white."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

SPACES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK", "Lab": "LAB"}
"""Colour spaces of profiles, and the mode of a picture that each is for."""
SAME = 2
"""A profile that moves no colour by more than this many of 255 steps is not applied."""
_IGNORED = "colour profile ignored: "


def to_srgb(pixels: Any, profile: bytes | None) -> tuple[np.ndarray, str | None]:
    """Return a picture (L, RGB, CMYK or LAB; or an array, gray or RGB) in sRGB by its profile, and a note.

    Without a profile, gray and RGB are taken as sRGB, and CMYK as 255 minus ink.
    """
    if not profile:
        return _plain(pixels), None
    is_array = isinstance(pixels, np.ndarray)
    mode = ("L" if pixels.ndim == 2 else "RGB") if is_array else pixels.mode
    transform, note = _transform(profile, mode)
    if transform is None:
        return _plain(pixels), note
    image = Image.fromarray(pixels) if is_array else pixels
    return np.array(ImageCms.applyTransform(image, transform)), None


def _plain(pixels: Any) -> np.ndarray:
    if isinstance(pixels, np.ndarray):
        return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    if pixels.mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB")
        return np.array(ImageCms.applyTransform(pixels, transform))
    return np.array(pixels.convert("RGB"))


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> tuple[Any, str | None]:
    """Return the transform of pictures of a `mode` to sRGB, None for none to apply, and a note on why."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space.strip()
        if SPACES.get(space) != mode:
            return None, f"{_IGNORED}it is for {space}, the picture is {mode}"
        transform = ImageCms.buildTransform(opened, _srgb(), mode, "RGB")
        return (None if _changes_nothing(transform, mode) else transform), None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        return None, f"{_IGNORED}it is broken ({str(error) or type(error).__name__})"


@lru_cache(maxsize=1)
def _srgb() -> Any:
    return ImageCms.createProfile("sRGB")


def _changes_nothing(transform: Any, mode: str) -> bool:
    """Whether the colours of a coarse grid stay where they are."""
    if mode not in ("L", "RGB"):
        return False
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    if mode == "L":
        grid = steps[None]
    else:
        grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    image = Image.fromarray(grid)
    after = np.asarray(ImageCms.applyTransform(image, transform)).astype(int)
    return bool(np.abs(after - np.asarray(image.convert("RGB"))).max() <= SAME)


def over_white(colour: np.ndarray, alpha: np.ndarray, *, is_premultiplied: bool = False) -> np.ndarray:
    """Return a picture, uint8 (height, width, 3), laid over white; `alpha` is uint8 (height, width)."""
    if (alpha == 255).all():
        return colour
    part = alpha[..., None].astype(np.uint32)
    ink = colour.astype(np.uint32) * (255 if is_premultiplied else part)
    mixed = ink + (255 - part) * 255
    return np.asarray(np.minimum((mixed + 127) // 255, 255), dtype=np.uint8)


def flattened(
    colour: np.ndarray, alpha: np.ndarray, *, is_premultiplied: bool = False
) -> tuple[np.ndarray, str | None]:
    """Return a picture over white, or its colours where every pixel is transparent, and a note."""
    if alpha.any():
        return over_white(colour, alpha, is_premultiplied=is_premultiplied), None
    if (colour == colour[:1, :1]).all():
        return np.full_like(colour, 255), "transparent: every pixel is, and there is no picture underneath"
    return colour, "transparency ignored: every pixel is transparent; shown by its colours"
