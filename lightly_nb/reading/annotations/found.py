"""What every form of predictions is turned into: names of samples with their singletons."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lightly_nb.errors import InputError
from lightly_nb.samples import Samples


class Found(NamedTuple):
    """What is predicted for one image."""

    name: Any
    """Of the image, as the form has it; an int is the row of a sample."""
    singletons: Any
    """Like those of the platform; `category` may stand for `category_id`: a name."""
    path: str = ""
    """The file that it was read from. What is wrong with it is told, and the file passed over."""
    problem: str = ""
    """Why the file cannot be used."""


@dataclass(frozen=True)
class Form:
    """Predictions on their way in.

    Parameters
    ----------
    found : iterable of Found
        One for each image.
    categories : mapping of int to str, or None
        Names of the categories by id, where the form has them.
    by_stem : bool
        Whether names are without endings, as those of label files are.
    """

    found: Iterable[Found]
    categories: Mapping[int, str] | None = None
    by_stem: bool = False


@dataclass(frozen=True)
class Request:
    """What a form may look at.

    Parameters
    ----------
    samples : Samples
        Whose predictions they are.
    predictions : object
        What was handed in.
    categories : mapping of int to str, or None
        Names of the categories by id, as handed in.
    images : object
        Of COCO results: which image an id means.
    """

    samples: Samples
    predictions: Any
    categories: Mapping[int, str] | None = None
    images: Any = None
    where: str = "add_predictions"
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def size_of(self, filename: str) -> tuple[int, int]:
        """Return width and height of an image: of the table, else of the file's first bytes."""
        table = self.samples.table
        if {"lightly.width", "lightly.height"} <= set(table):
            row = table.index.get_loc(filename)
            width, height = (table[f"lightly.{side}"].to_numpy()[row] for side in ("width", "height"))
            return int(width), int(height)
        if filename not in self.sizes:
            self.sizes[filename] = _size_in_file(self.samples, filename, self.where)
        return self.sizes[filename]


def _size_in_file(samples: Samples, filename: str, where: str) -> tuple[int, int]:
    import io

    from PIL import Image

    if samples.source is None:
        raise InputError(f"{where}: the size of '{filename}' is needed, and these samples have no source")
    with Image.open(io.BytesIO(samples.source.read(filename))) as image:
        width, height = image.size
        if image.getexif().get(0x0112, 1) >= 5:  # it stands on its side
            width, height = height, width
    return width, height


def rows_by_name(samples: Samples, by_stem: bool = False) -> Callable[[Any], int | None]:
    """Return a function from a name to the row of its sample, None for no such sample.

    A name is that of the sample; or an absolute path to its file; or its last part alone, where only one
    sample has it. With `by_stem` endings do not count, unless two samples differ by it alone.
    """
    names = samples.filenames
    exact = {name: row for row, name in enumerate(names)}
    folder = getattr(samples.source, "folder", None)
    stems = _unique({row: _stem(name) for row, name in enumerate(names)}) if by_stem else {}
    last = _unique({row: posixpath.basename(name) for row, name in enumerate(names)})
    last_stems = (
        _unique({row: _stem(posixpath.basename(n)) for row, n in enumerate(names)}) if by_stem else {}
    )

    def row_of(name: Any) -> int | None:
        if isinstance(name, int | np.integer) and not isinstance(name, bool):
            return int(name) if 0 <= name < len(names) else None
        text = os.fspath(name) if isinstance(name, os.PathLike) else str(name)
        if folder is not None and os.path.isabs(text):
            text = os.path.relpath(os.path.realpath(text), folder)
        text = text.replace(os.sep, "/").removeprefix("./")
        for table, key in ((exact, text), (stems, text), (last, text), (last_stems, text)):
            if key in table:
                return table[key]
        return None

    return row_of


def _stem(name: str) -> str:
    return posixpath.splitext(name)[0]


def _unique(keys: Mapping[int, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row, key in keys.items():
        found[key] = -1 if key in found else row
    return {key: row for key, row in found.items() if row >= 0}


def as_numpy(value: Any) -> np.ndarray:
    """Return an array, list or tensor as a NumPy array, from whatever device it is on."""
    for step in ("detach", "cpu"):
        value = getattr(value, step)() if hasattr(value, step) else value
    if getattr(value, "dtype", None) is not None and "bfloat16" in str(value.dtype):
        value = value.float()
    return np.asarray(value)


def run_lengths(mask: np.ndarray) -> list[int]:
    """Return the run lengths of a mask, row by row, beginning with the count of zeros.

    Examples
    --------
    >>> run_lengths(np.array([[0, 0, 1], [1, 0, 0]]))
    [2, 2, 2]
    >>> run_lengths(np.array([[1, 0]]))
    [0, 1, 1]
    """
    flat = np.asarray(mask, dtype=bool).reshape(-1)
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths = np.diff(np.concatenate([[0], changes, [len(flat)]])).tolist()
    return [0, *lengths] if len(flat) and flat[0] else lengths


def corner_boxes(boxes: Any) -> list[list[float]]:
    """Return boxes [x1, y1, x2, y2] as [x, y, width, height]."""
    array = as_numpy(boxes).reshape(-1, 4).astype(np.float64)
    array[:, 2:] -= array[:, :2]
    return list(array.tolist())


def singletons_of(
    categories: Sequence[Any],
    scores: Sequence[float],
    key: str = "category_id",
    **more: Sequence[Any] | None,
) -> list[dict[str, Any]]:
    """Return singletons from columns; a further one that is None is left out."""
    there = {name: values for name, values in more.items() if values is not None}
    return [
        {
            key: category,
            "score": float(scores[number]),
            **{name: values[number] for name, values in there.items()},
        }
        for number, category in enumerate(categories)
    ]
