"""PGM and PPM of more than 8 bits: numbers as they are in the file, and the largest that it allows."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from lightly_nb.pictures.corrupt import damaged, refuse_bomb

_SPACE = rb"(?:\s|#[^\r\n]*[\r\n])+"
_HEAD = re.compile(rb"P([2356])" + 3 * (_SPACE + rb"(\d{1,9})") + rb"\s")


class Netpbm(NamedTuple):
    """The numbers of a file."""

    values: np.ndarray
    """uint16 of shape (height, width) or (height, width, 3)."""
    largest: int
    """What the file calls white."""


def read_deep_netpbm(content: bytes, strict: bool) -> Netpbm | None:
    """Return the numbers of a PGM or PPM of more than 8 bits a sample, None for any other.

    Raises
    ------
    CorruptImageError
        If it is cut or holds something else than numbers, and `strict`; or is too large.
    """
    head = _HEAD.match(content)
    if head is None or not 255 < int(head[4]) <= 65535:
        return None
    form, width, height, largest = (int(text) for text in head.groups())
    refuse_bomb(width, height)
    shape = (height, width, 3) if form in (3, 6) else (height, width)
    n_values = int(np.prod(shape))
    if form in (5, 6):
        values = np.frombuffer(content, ">u2", min(n_values, (len(content) - head.end()) // 2), head.end())
    else:
        values = _plain(content[head.end() :], n_values)
    if len(values) < n_values:
        if strict or not len(values):
            raise damaged("netpbm", "unexpected end of file")
        values = np.pad(values, (0, n_values - len(values)))
    return Netpbm(values.astype(np.uint16).reshape(shape), largest)


def _plain(text: bytes, n_values: int) -> np.ndarray:
    words = re.sub(rb"#[^\r\n]*", b"", text).split(maxsplit=n_values)[:n_values]
    try:
        return np.array(words, dtype="S9").astype(np.int64).clip(0, 65535)
    except ValueError as error:
        raise damaged("netpbm", "something else than a number among the pixels") from error
