"""What a detector is, and what it returns, checked: nothing past this file doubts a box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from lightly_nb.errors import InputError

KEYS = ("boxes", "scores", "labels")


class Detector(Protocol):
    """Anything called with pictures that returns `boxes, scores, labels`: lists with one entry a picture.

    A picture is a uint8 RGB array (height, width, 3), upright, at full scale. Its boxes are numbers
    `x1, y1, x2, y2` in its pixels, shape (n, 4); its scores n numbers from 0 to 1; its labels n names of
    categories, or positions in `categories`. Arrays, tensors and lists will do, as will what torchvision's
    detectors return: a list of dicts with these three keys.

    An attribute `categories`, all names in their order, is used where there is one; without it the
    categories are those that were found, in alphabetical order.
    """

    def __call__(self, images: list[np.ndarray], /) -> Any:
        """Return `boxes, scores, labels` of `images`."""


class Found(NamedTuple):
    """What was detected in one picture, clipped to it, the highest score first."""

    boxes: np.ndarray
    """float32 (n, 4): x1, y1, x2, y2 in pixels."""
    scores: np.ndarray
    """float32 (n,), from 0 to 1."""
    labels: list[str]
    """Names of categories."""
    n_outside: int = 0
    """How many more boxes had no area within the picture."""


class Seen(NamedTuple):
    """One sample: what was found in it and how large it is, or why it could not be looked at."""

    found: Found | None
    width: int = 0
    height: int = 0
    problem: str = ""


def categories_of(detector: Any, name: str) -> tuple[str, ...] | None:
    """Return the names of a detector's categories, None if it does not say them.

    Raises
    ------
    InputError
        If they are not different names.
    """
    categories = getattr(detector, "categories", None)
    if categories is None:
        return None
    problem = "" if isinstance(categories, Sequence | np.ndarray) else "not a list"
    problem = problem or ("empty" if not len(categories) else "")
    problem = problem or ("not all names" if not all(isinstance(c, str) and c for c in categories) else "")
    problem = problem or ("not all different" if len(set(categories)) < len(categories) else "")
    if problem or isinstance(categories, str):
        raise InputError(
            f"{name}: its categories are {problem or 'one text'} (got {_shown(categories)}); allowed is a "
            "list of different names, in the order of the labels"
        )
    return tuple(map(str, categories))


def detected(
    detector: Detector,
    name: str,
    filenames: Sequence[str],
    images: list[np.ndarray],
    categories: Sequence[str] | None,
    min_score: float,
) -> list[Found]:
    """Call `detector` on a few pictures and return what it has found in each, checked.

    Parameters
    ----------
    detector : Detector
        What is called.
    name : str
        What to call it in an error.
    filenames : sequence of str
        The pictures' names, for errors.
    images : list of numpy.ndarray
        The pictures.
    categories : sequence of str or None
        The names that labels may have; None: any.
    min_score : float
        Detections with a lower score are left out.

    Raises
    ------
    InputError
        If what it returns is anything else than `Detector` says; names the picture and what is allowed.
    """
    results = _by_picture(detector(images), name, len(images))
    return [
        _found(result, image, f"{name}, for '{filename}'", categories, min_score)
        for result, image, filename in zip(results, images, filenames, strict=True)
    ]


def _by_picture(output: Any, name: str, n_images: int) -> list[tuple[Any, Any, Any]]:
    """Return boxes, scores and labels of each picture."""
    if isinstance(output, list | tuple) and output and all(isinstance(one, Mapping) for one in output):
        lacking = [key for key in KEYS if any(key not in one for one in output)]
        if lacking:
            raise InputError(
                f"{name}: it returned dicts without {', '.join(map(repr, lacking))}; {_allowed()}"
            )
        columns: Any = [[one[key] for one in output] for key in KEYS]
    else:
        columns = output
    try:
        boxes, scores, labels = (list(column) for column in columns)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: it returned a {type(output).__name__} ({error}); {_allowed()}") from error
    lengths = dict(zip(KEYS, map(len, (boxes, scores, labels)), strict=True))
    if set(lengths.values()) != {n_images}:
        said = ", ".join(f"{count} entries of {key}" for key, count in lengths.items())
        raise InputError(f"{name}: it returned {said} for {n_images} pictures; {_allowed()}")
    return list(zip(boxes, scores, labels, strict=True))


def _allowed() -> str:
    return (
        "allowed is boxes, scores, labels: three lists with one entry for each picture (boxes of shape "
        "(n, 4) as x1, y1, x2, y2 in pixels, n scores, n labels)"
    )


def _found(
    result: tuple[Any, Any, Any],
    image: np.ndarray,
    where: str,
    categories: Sequence[str] | None,
    min_score: float,
) -> Found:
    boxes, scores = _numbers(result[0], where, "boxes"), _numbers(result[1], where, "scores")
    labels = _labels(result[2], where, categories)
    boxes = boxes.reshape(-1, 4) if not boxes.size else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != (len(boxes),) or len(labels) != len(boxes):
        raise InputError(
            f"{where}: boxes have the shape {boxes.shape}, scores {scores.shape}, and there are "
            f"{len(labels)} labels; allowed are (n, 4), (n,) and n"
        )
    if (bad := (scores < 0) | (scores > 1)).any():
        raise InputError(f"{where}: a score is {scores[bad][0]:g}; allowed is 0 to 1")
    if (bad := (boxes[:, 2] < boxes[:, 0]) | (boxes[:, 3] < boxes[:, 1])).any():
        raise InputError(
            f"{where}: a box is {boxes[bad][0].tolist()}; allowed is x1, y1, x2, y2 with x1 <= x2 and "
            "y1 <= y2 (not x, y, width, height)"
        )
    kept = scores >= min_score
    boxes = boxes.clip(0, [image.shape[1], image.shape[0]] * 2)
    inside = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    rows = np.flatnonzero(kept & inside)
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    return Found(
        boxes[rows].astype(np.float32),
        scores[rows].astype(np.float32),
        [labels[row] for row in rows],
        int((kept & ~inside).sum()),
    )


def _numbers(values: Any, where: str, what: str) -> np.ndarray:
    values = values.detach().cpu() if hasattr(values, "detach") else values
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {what} are {_shown(values)}, which are no numbers ({error})") from error
    if not np.isfinite(array).all():
        raise InputError(f"{where}: {what} hold NaN or infinity; allowed are finite numbers")
    return array


def _labels(values: Any, where: str, categories: Sequence[str] | None) -> list[str]:
    values = values.tolist() if hasattr(values, "tolist") else list(values)
    names = []
    for value in values:
        if isinstance(value, int | np.integer) and not isinstance(value, bool) and categories is not None:
            if not 0 <= value < len(categories):
                raise InputError(
                    f"{where}: a label is {value}; allowed are 0 to {len(categories) - 1}, positions in its "
                    "categories, or their names"
                )
            names.append(categories[int(value)])
        elif not isinstance(value, str) or not value or (categories is not None and value not in categories):
            known = "a name" if categories is None else f"one of {_shown(list(categories))}"
            raise InputError(
                f"{where}: a label is {value!r}; allowed is {known}, or, if the detector has an attribute "
                "'categories', a position in it"
            )
        else:
            names.append(value)
    return names


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
