"""Masks in the forms of the tools: from the run lengths that predictions have, row by row, zeros first."""

from __future__ import annotations

from typing import Any

import numpy as np

from lightly_nb.errors import InputError

_RUN_BITS = ((3, 0), (4, 1), (8, 2), (16, 3))
"""Of Label Studio's run lengths: with how many bits a length is written, and the index of that number."""


def mask_of(runs: np.ndarray, width: int, height: int, where: str) -> np.ndarray:
    """Return a mask, bool of shape (height, width).

    Examples
    --------
    >>> mask_of(np.array([1, 2, 1]), 2, 2, "").astype(int).tolist()
    [[0, 1], [1, 0]]

    Raises
    ------
    InputError
        If the runs are not of an image of that size; `where` says which it is.
    """
    runs = np.asarray(runs, np.int64)
    if runs.sum() != width * height:
        raise InputError(
            f"{where}: the run lengths of a segmentation cover {runs.sum():,} pixels, but the upright image "
            f"is {width} × {height}, {width * height:,}; mend the prediction, or leave the sample out"
        )
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)


def runs_of(values: np.ndarray) -> list[int]:
    """Return the run lengths of a flat bool array, beginning with the count of False.

    Examples
    --------
    >>> runs_of(np.array([True, True, False]))
    [0, 2, 1]
    """
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    runs: list[int] = np.diff(np.concatenate([[0], edges, [len(values)]])).tolist()
    return [0, *runs] if len(values) and values[0] else runs


def coco_rle(mask: np.ndarray) -> dict[str, Any]:
    """Return the uncompressed run lengths of COCO, column by column: every reader takes them."""
    return {"counts": runs_of(mask.T.ravel()), "size": list(mask.shape)}


def box_of(mask: np.ndarray) -> tuple[float, float, float, float] | None:
    """Return x, y, width, height of what is in a mask, None if nothing is."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return None
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y


def label_studio_rle(runs: np.ndarray) -> list[int]:
    """Return what a brush of Label Studio takes: the bytes of run lengths over four channels.

    After `label_studio_sdk.converter.brush`: 32 bits of how many bytes there are, 5 of the word size, 4 times
    4 of the sizes of lengths; then of each run 1, the index of its size, its length - 1 and its value.
    """
    lengths = 4 * np.asarray(runs, np.int64)
    bits = [f"{int(lengths.sum()):032b}", f"{7:05b}", *(f"{size - 1:04b}" for size, _ in _RUN_BITS)]
    for number, length in enumerate(lengths.tolist()):
        value = "11111111" if number % 2 else "00000000"
        while length > 0:
            part = min(length, 2**16)
            size, index = next(one for one in _RUN_BITS if part <= 2 ** one[0])
            bits.append(f"1{index:02b}{part - 1:0{size}b}{value}")
            length -= part
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def polygons_of(mask: np.ndarray) -> list[np.ndarray]:
    """Return the outlines of a mask, int of shape (n_points, 2) each: x, y of pixels on the edge.

    A polygon is one part with its holes, which hang on it by a cut of no width: filled by the even-odd rule,
    edges included, the polygons are the mask again.
    """
    import cv2

    found, tree = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outlines = [outline.reshape(-1, 2) for outline in found]
    result = []
    for number, outline in enumerate(outlines):
        if tree[0][number][3] < 0:  # no parent: an outer edge
            holes = [hole for other, hole in enumerate(outlines) if tree[0][other][3] == number]
            result.append(joined([outline, *holes]))
    return result


def joined(outlines: list[np.ndarray]) -> np.ndarray:
    """Return one polygon of several, joined at their nearest points by lines that go there and back.

    Examples
    --------
    >>> joined([np.array([[0, 0], [1, 0]]), np.array([[5, 0], [9, 0]])]).tolist()
    [[0, 0], [1, 0], [5, 0], [9, 0], [5, 0], [1, 0]]
    """
    result = outlines[0]
    for other in outlines[1:]:
        away = ((result[:, None, :] - other[None, :, :]) ** 2).sum(axis=2)
        here, there = np.unravel_index(int(away.argmin()), away.shape)
        around = np.concatenate([other[there:], other[: there + 1]])
        result = np.concatenate([result[: here + 1], around, result[here:]])
    return result
