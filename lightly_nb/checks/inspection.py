"""One look at one file: what its picture is like, or what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from lightly_nb.pictures import CorruptImageError, decode
from lightly_nb.reading.crops import CropSource
from lightly_nb.reading.image_metadata import IMAGE_METADATA, Picture
from lightly_nb.samples import NOTE_SEPARATOR, Source

TOO_LITTLE_MEMORY = (
    "too little memory for a picture of this size",
    "close other work, or scale the file down, then run again",
)
"""Reason and advice for a sound file that this machine cannot hold."""
_WORDS_FOR_NO_MEMORY = ("insufficient memory", "outofmemoryerror", "allocate memory", "out of memory")


@dataclass(frozen=True)
class Inspection:
    """What one look at one file tells.

    Parameters
    ----------
    content_hash : str
        SHA-256 of the bytes as 64 hex digits; empty if they could not be read.
    reason, what_to_do : str
        What is wrong with the file and what helps; empty for a sound one.
    metadata : tuple of float
        A value per key of `IMAGE_METADATA`; empty if there is no picture.
    rgb : numpy.ndarray or None
        The picture, uint8 of shape (height, width, 3).
    note : str
        What a person should know of a file that is kept; empty for nothing.
    """

    content_hash: str = ""
    reason: str = ""
    what_to_do: str = ""
    metadata: tuple[float, ...] = ()
    rgb: np.ndarray | None = None
    note: str = ""


def inspect(source: Source, filename: str, *, min_size: int | None = None, strict: bool = True) -> Inspection:
    """Read and decode one file, once; nothing that is wrong with the file raises.

    Parameters
    ----------
    source : Source
        Where it is read from.
    filename : str
        Its name there.
    min_size : int or None
        As in `decode_rgb`.
    strict : bool
        False lets damage pass that still leaves a picture.
    """
    if isinstance(source, CropSource):
        return _inspect_crop(source, filename, strict)
    content_hash = ""
    try:
        content = read(source, filename)
        content_hash = sha256(content).hexdigest()
        found = decode(content, min_size=min_size, filename=filename, strict=strict)
        picture = Picture(found.rgb, found.width, found.height, len(content), found.n_pages)
        metadata = tuple(float(compute(picture)) for compute in IMAGE_METADATA.values())
    except CorruptImageError as error:
        return Inspection(content_hash, error.reason, error.what_to_do)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return Inspection(content_hash, *TOO_LITTLE_MEMORY)
    return Inspection(content_hash, metadata=metadata, rgb=found.rgb, note=NOTE_SEPARATOR.join(found.notes))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory has run out, in the words of Python, OpenCV or torch.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("can't allocate memory: 9 bytes"))
    (True, True)
    """
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(words in said for words in _WORDS_FOR_NO_MEMORY)


def _inspect_crop(source: CropSource, filename: str, strict: bool) -> Inspection:
    """Look at a crop, whose image is decoded once for all its crops and never at a reduced scale."""
    try:
        rgb, content_hash, size_in_bytes = source.look(filename, strict=strict)
    except CorruptImageError as error:
        return Inspection("", error.reason, error.what_to_do)
    picture = Picture(rgb, rgb.shape[1], rgb.shape[0], size_in_bytes)
    metadata = tuple(float(compute(picture)) for compute in IMAGE_METADATA.values())
    return Inspection(content_hash, metadata=metadata, rgb=rgb)


def read(source: Source, filename: str) -> bytes:
    """Return the bytes of a file; whatever its source raises becomes a `CorruptImageError`."""
    try:
        return source.read(filename)
    except Exception as error:  # a source may be anything; one file that cannot be read must not stop a run
        said = str(error) or type(error).__name__
        raise CorruptImageError(
            f"cannot be read: {said}", "check that it is there and may be read, then run again"
        ) from error
