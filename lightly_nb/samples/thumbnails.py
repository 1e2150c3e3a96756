"""Thumbnails: small JPEGs in one Arrow file, mapped into memory.

A pack is an Arrow IPC file with one uncompressed binary column, `jpeg`, which any Arrow reader opens. Reading
thumbnail i touches the pages that it lies on and no others, however large the pack is.
"""

from __future__ import annotations

import io
import mmap
import os
import shutil
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import simplejpeg

from lightly_nb.errors import InputError, RunError
from lightly_nb.files import written_aside

THUMBNAIL_SIZE = 128
QUALITY = 70
COLUMN = "jpeg"
BATCH_BYTES = 4 * 2**20
"""A pack is written whenever so many bytes have come."""
SMALL_QUALITY = 60
PREVIEW_HEIGHT = 112
LARGEST_PREVIEW = 32 * 2**20
"""Bytes of a file above which no preview is decoded on the fly."""


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


def small_jpeg(content: bytes, height: int) -> bytes:
    """Return a picture at `height` pixels and at most twice as wide: small enough for a static output."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (4 * height, 2 * height))
        small = ImageOps.exif_transpose(image).convert("RGB")
    small.thumbnail((2 * height, height))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=SMALL_QUALITY)
    return buffer.getvalue()


def preview_jpeg(content: bytes) -> bytes:
    """Return a small picture of a whole file, for samples that have no thumbnails yet; decoded as everywhere.

    Raises
    ------
    InputError
        If the file is large, or gives no picture.
    """
    from lightly_nb.pictures import decode_rgb

    if len(content) > LARGEST_PREVIEW:
        raise InputError(f"a file of {len(content):,} bytes is too large for a preview; embed the samples")
    rgb = decode_rgb(content, min_size=2 * PREVIEW_HEIGHT, strict=False)
    height, width = rgb.shape[:2]
    return thumbnail_jpeg(rgb, min(2 * PREVIEW_HEIGHT, max(1, PREVIEW_HEIGHT * max(height, width) // height)))


class ThumbnailPack:
    """Thumbnails by number, read from an Arrow file that is mapped into memory.

    Parameters
    ----------
    path : str or path
        The file that `write_thumbnails` wrote.
    is_temporary : bool
        Whether the folder that it lies in goes when the pack does.

    Raises
    ------
    InputError
        If the file is missing, cut, damaged or of another kind.
    """

    def __init__(self, path: str | os.PathLike[str], is_temporary: bool = False):
        self.path = Path(path)
        if is_temporary:
            weakref.finalize(self, _delete, self.path.parent, os.getpid())
        try:
            with pa.ipc.open_file(_mapped(self.path)) as reader:
                self._jpegs = reader.read_all().column(COLUMN)
            if not pa.types.is_binary(self._jpegs.type):
                raise ValueError(f"'{COLUMN}' is a column of {self._jpegs.type}, not of binary")
            self._jpegs.validate(full=True)  # a position outside of the file would end the process
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise InputError(
                f"thumbnails {self.path}: cannot be read ({error}); embed the samples again"
            ) from error

    def __len__(self) -> int:
        return len(self._jpegs)

    def read(self, number: int) -> bytes:
        """Return the JPEG of thumbnail `number`, 0 to len - 1."""
        if not 0 <= number < len(self):
            raise InputError(f"thumbnail {number}: '{self.path.name}' has the numbers 0 to {len(self) - 1}")
        content: bytes = self._jpegs[number].as_py()
        return content

    def __reduce__(self) -> tuple[Any, ...]:
        return (ThumbnailPack, (self.path,))

    def __repr__(self) -> str:
        return f"ThumbnailPack('{self.path}', {len(self):,} thumbnails)"


def _delete(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # not a process that was forked from it
        shutil.rmtree(folder, ignore_errors=True)


def _mapped(path: Path) -> pa.Buffer:
    """Return the content of a file, of which only what is looked at is read from the disk.

    `pyarrow.memory_map` asks for every batch ahead, which is the whole pack.
    """
    with path.open("rb") as stream:
        content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    if hasattr(content, "madvise"):
        content.madvise(mmap.MADV_RANDOM)
    return pa.py_buffer(content)


def write_thumbnails(path: Path, jpegs: Iterable[bytes]) -> None:
    """Write a pack aside, some megabytes at a time, and rename it when it is whole.

    Raises
    ------
    RunError
        If it cannot be written (a full disk); a pack that was there before is untouched.
    """
    schema = pa.schema([pa.field(COLUMN, pa.binary(), nullable=False)])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            written_aside(path) as aside,
            open(aside, "wb") as stream,
            pa.ipc.new_file(stream, schema) as pack,
        ):
            for batch in _batches(jpegs):
                pack.write_batch(pa.record_batch([pa.array(batch, pa.binary())], schema=schema))
    except OSError as error:
        raise RunError(
            f"cannot write the thumbnails {path}: {error.strerror or error}; free some space or give a "
            "folder that can be written, then embed again: finished chunks are kept"
        ) from error


def _batches(jpegs: Iterable[bytes]) -> Iterable[list[bytes]]:
    """Yield `jpegs` in lists of about `BATCH_BYTES`."""
    batch: list[bytes] = []
    n_bytes = 0
    for jpeg in jpegs:
        batch.append(jpeg)
        n_bytes += len(jpeg)
        if n_bytes >= BATCH_BYTES:
            yield batch
            batch, n_bytes = [], 0
    if batch:
        yield batch
