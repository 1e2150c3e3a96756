"""What a person sees, as numbers: pixels of screenshots, contrast of colours."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image


def pixels(shown: Any) -> np.ndarray:
    """Return a screenshot of a page or an element as uint8 RGB of shape (height, width, 3)."""
    with Image.open(io.BytesIO(shown.screenshot())) as image:
        return np.asarray(image.convert("RGB"))


def pixels_around(page: Any, x: float, y: float, reach: int = 1) -> np.ndarray:
    """Return the mean RGB of the pixels around a place on the page."""
    side = 2 * reach + 1
    clip = {"x": round(x) - reach, "y": round(y) - reach, "width": side, "height": side}
    with Image.open(io.BytesIO(page.screenshot(clip=clip))) as image:
        mean: np.ndarray = np.asarray(image.convert("RGB"), dtype=np.float64).mean(axis=(0, 1))
    return mean


def rgb(css: str) -> tuple[float, ...]:
    """Return the channels of a computed colour, 0 to 255."""
    scale = 255 if css.startswith("color(") else 1  # what color-mix computes to, 0 to 1
    return tuple(scale * float(part) for part in re.findall(r"[\d.]+", css)[:3])


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the contrast ratio of the Web Content Accessibility Guidelines 2, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Sequence[float]) -> float:
    parts = np.asarray(color, dtype=np.float64)[:3] / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def text_contrasts(root: Any) -> dict[str, float]:
    """Return, for every visible text below `root`, its contrast with the first opaque ground behind it."""
    found = root.evaluate(
        """root => {
          const ground = node => {
            for (let at = node; at; at = at.parentElement) {
              const color = getComputedStyle(at).backgroundColor;
              if (!/rgba\\(.*, 0\\)|transparent/.test(color)) return color;
            }
            return 'rgb(255, 255, 255)';
          };
          const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), texts = [];
          while (walker.nextNode()) {
            const node = walker.currentNode, holder = node.parentElement;
            const unread = ['STYLE', 'OPTION', 'I'].includes(holder.tagName);
            if (unread || !node.data.trim() || !holder.checkVisibility()) continue;
            texts.push([node.data.trim(), getComputedStyle(holder).color, ground(holder)]);
          }
          return texts;
        }"""
    )
    return {text: contrast(rgb(color), rgb(ground)) for text, color, ground in found}
