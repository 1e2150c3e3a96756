"""Thumbnails: small JPEGs in one packed file, with a table of offsets beside it.

`NAME` holds the JPEGs one after the other, `NAME.offsets.npy` n + 1 int64 byte positions: thumbnail i
is the bytes from offsets[i] to offsets[i + 1].
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg

from lightly_nb.errors import InputError, RunError
from lightly_nb.files import written_aside

THUMBNAIL_SIZE = 128
QUALITY = 70


def thumbnail_jpeg(rgb: np.ndarray, size: int = THUMBNAIL_SIZE) -> bytes:
    """Return `rgb` (uint8, height × width × 3) as a JPEG whose longer side is at most `size` pixels."""
    height, width = rgb.shape[:2]
    scale = min(1.0, size / max(height, width))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    while height >= 2 * small[1] and width >= 2 * small[0]:  # means of 2 × 2 pixels: no aliasing, little cost
        height, width = (height + 1) // 2, (width + 1) // 2
        rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_LINEAR)
    if (width, height) != small:
        rgb = cv2.resize(rgb, small, interpolation=cv2.INTER_LINEAR)
    content: bytes = simplejpeg.encode_jpeg(rgb, quality=QUALITY, colorsubsampling="420")
    return content


class ThumbnailPack:
    """Thumbnails by number, read from a packed file that is mapped into memory on first use.

    Parameters
    ----------
    path : str or path
        The packed file; its offsets lie beside it.
    keep : object
        Kept alive as long as the pack is, such as the temporary folder that it lies in.

    Raises
    ------
    InputError
        If the files are missing or do not belong together.
    """

    def __init__(self, path: str | os.PathLike[str], keep: object = None):
        self.path, self._keep = Path(path), keep
        self._content: np.ndarray | None = None
        try:
            self.offsets = np.load(offsets_path(self.path), mmap_mode="r")
            size = self.path.stat().st_size
        except (OSError, ValueError) as error:
            raise InputError(
                f"thumbnails {self.path}: cannot be read ({error}); embed the samples again"
            ) from error
        if size != int(self.offsets[-1]):
            raise InputError(
                f"thumbnails {self.path}: the offsets beside it are of another pack (they end at byte "
                f"{int(self.offsets[-1])}, the file has {size}); embed the samples again"
            )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def read(self, number: int) -> bytes:
        """Return the JPEG of thumbnail `number`, 0 to len - 1."""
        if not 0 <= number < len(self):
            raise InputError(f"thumbnail {number}: '{self.path.name}' has the numbers 0 to {len(self) - 1}")
        if self._content is None:
            self._content = np.memmap(self.path, np.uint8, "r")
        return self._content[self.offsets[number] : self.offsets[number + 1]].tobytes()

    def __reduce__(self) -> tuple[Any, ...]:
        return (ThumbnailPack, (self.path,))

    def __repr__(self) -> str:
        return f"ThumbnailPack('{self.path}', {len(self):,} thumbnails)"


def offsets_path(path: Path) -> Path:
    """Return where the offsets of the pack at `path` lie."""
    return path.with_name(path.name + ".offsets.npy")


def write_thumbnails(path: Path, jpegs: Iterable[bytes]) -> None:
    """Write a pack aside, JPEG by JPEG, and rename it when it is whole.

    Raises
    ------
    RunError
        If it cannot be written (a full disk); a pack that was there before is untouched.
    """
    ends = [0]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_aside(offsets_path(path)) as offsets_aside, written_aside(path) as aside:
            with open(aside, "wb") as stream:
                for jpeg in jpegs:
                    stream.write(jpeg)
                    ends.append(ends[-1] + len(jpeg))
            with open(offsets_aside, "wb") as stream:
                np.save(stream, np.array(ends, dtype=np.int64))
    except OSError as error:
        raise RunError(
            f"cannot write the thumbnails {path}: {error.strerror or error}; free some space or give a "
            "folder that can be written, then embed again: finished chunks are kept"
        ) from error
