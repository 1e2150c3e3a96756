"""Splits of a training set: the share of the images that is for training, for validation and so on."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lightly_nb.errors import InputError
from lightly_nb.exports.images import Images

SPLITS: Mapping[str, float] = {"train": 0.8, "val": 0.2}
"""Shares of the images; `train` and `val` are what Ultralytics asks for."""

_FRAME = re.compile(r"(?P<video>.+)-\d+-\w+\.png", re.IGNORECASE)


def splits_of(images: Images, splits: Mapping[str, float] | str | None) -> list[str]:
    """Return the split of each image, by shares or by a column of the samples.

    Raises
    ------
    InputError
        If the shares are no shares, or there is no such column.
    """
    splits = SPLITS if splits is None else splits
    if isinstance(splits, str):
        return _named_splits(images, splits)
    shares = list(splits.values()) if isinstance(splits, Mapping) else []
    are_numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in shares)
    if not shares or not are_numbers or min(shares) < 0 or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise InputError(
            f"splits is {splits!r}; give shares of sum 1, such as {{'train': 0.8, 'val': 0.2}}, or the name "
            "of a column of the samples"
        )
    for name in splits:
        _check_split(name)
    return split_by_shares(images.filenames, splits)


def split_by_shares(filenames: Sequence[str], shares: Mapping[str, float]) -> list[str]:
    """Return a split for each file: always the same one for the same names, whatever their order.

    Frames of a video go together. With as many videos and images as splits, none with a share is empty.

    Examples
    --------
    >>> names = [f"{number}.jpg" for number in range(10)]
    >>> split_by_shares(names, {"train": 0.8, "val": 0.2}).count("val")
    2
    """
    groups = [frame["video"] if (frame := _FRAME.fullmatch(name)) else name for name in filenames]
    sizes = Counter(groups)
    order = sorted(sizes, key=lambda group: hashlib.sha256(group.encode()).digest())
    wanted = {split: share * len(filenames) for split, share in shares.items() if share > 0}
    counts = dict.fromkeys(wanted, 0)
    split_of = {}
    for number, group in enumerate(order):
        empty = [split for split, count in counts.items() if count == 0]
        free = empty if len(order) - number <= len(empty) else list(wanted)
        split = max(free, key=lambda one: (wanted[one] - counts[one]) / wanted[one])
        counts[split] += sizes[group]
        split_of[group] = split
    return [split_of[group] for group in groups]


def _named_splits(images: Images, column: str) -> list[str]:
    result = []
    for name, number in zip(images.filenames, images.numbers, strict=True):
        values = images.metadata(number)
        if column not in values:
            there = ", ".join(map(str, values)) or "none"
            raise InputError(f"splits is {column!r}, but the samples have no such column; theirs: {there}")
        _check_split(values[column], f"{name!r}: ")
        result.append(str(values[column]))
    return result


def _check_split(name: Any, where: str = "") -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[\w-]+", name):
        raise InputError(f"{where}a split cannot be called {name!r}; use letters, digits, _ and -")
