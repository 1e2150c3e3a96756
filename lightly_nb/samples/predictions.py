"""`Predictions`: what a model has predicted for samples, in one task, as flat arrays.

What belongs to sample `row` is at `offsets[row]:offsets[row + 1]` of every flat array; an entry is one
object, segment or classification, a *singleton* in the platform's words. A million detections take 25 MB.
Filter and reorder by `take` alone, or by `Samples.take`, which takes the predictions along.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lightly_nb.errors import InputError, did_you_mean

TASK_TYPES = (
    "classification",
    "object-detection",
    "semantic-segmentation",
    "instance-segmentation",
    "keypoint-detection",
)
_AT_ONCE = 2**22
"""Numbers of class vectors that are made at a time."""
ADD_PREDICTIONS = "call lightly_nb.add_predictions first"


@dataclass(frozen=True)
class Task:
    """A prediction task.

    Parameters
    ----------
    name : str
        Its name, by which strategies ask for it.
    type : str
        One of `TASK_TYPES`.
    categories : tuple of str
        Their names, in the order of the schema, which is that of all vectors over categories.
    category_ids : tuple of int
        What the files call them, in the same order. None given: 0, 1, …
    keypoint_names : tuple of str
        Of a keypoint detection whose schema names them.
    """

    name: str
    type: str
    categories: tuple[str, ...]
    category_ids: tuple[int, ...] = ()
    keypoint_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.category_ids:
            object.__setattr__(self, "category_ids", tuple(range(len(self.categories))))

    @property
    def is_classification(self) -> bool:
        """Whether a sample has one vector over the categories, rather than objects."""
        return self.type == "classification"


class Ragged(NamedTuple):
    """Lists of numbers of different lengths: list `i` is `values[offsets[i]:offsets[i + 1]]`."""

    offsets: np.ndarray
    """int64, one more than there are lists."""
    values: np.ndarray

    def of(self, number: int) -> np.ndarray:
        """Return one list."""
        return self.values[self.offsets[number] : self.offsets[number + 1]]

    def take(self, numbers: np.ndarray) -> Ragged:
        """Return the lists of `numbers`, in that order."""
        places, offsets = flat_places(self.offsets, numbers)
        return Ragged(offsets, self.values[places])


def flat_places(offsets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where in a flat array the entries of `rows` are, and the offsets of the result.

    Examples
    --------
    >>> places, offsets = flat_places(np.array([0, 2, 2, 5]), np.array([2, 0]))
    >>> places.tolist(), offsets.tolist()
    ([2, 3, 4, 0, 1], [0, 3, 5])
    """
    counts = (offsets[1:] - offsets[:-1])[rows]
    result = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    places = np.arange(result[-1]) + np.repeat(offsets[:-1][rows] - result[:-1], counts)
    return places, result


@dataclass(frozen=True, eq=False)
class Predictions:
    """What is predicted in one task: `offsets` and flat arrays; all read-only.

    Parameters
    ----------
    task : Task
        Name, type and categories.
    offsets : numpy.ndarray
        int64 of shape (n_samples + 1,).
    category : numpy.ndarray
        int32 of shape (n_singletons,): row in `task.categories`.
    score : numpy.ndarray
        float32 of shape (n_singletons,), in [0, 1].
    bbox : numpy.ndarray or None
        float32 of shape (n_singletons, 4): x, y, width, height in pixels of the upright image, NaN where a
        singleton has none. Boxes may have no area and reach out of the image: who crops, clips.
    probabilities : numpy.ndarray or None
        float32 of shape (n_singletons, n_categories), NaN where a singleton has only a score.
    segmentation : Ragged or None
        int32 run lengths of each singleton's mask, row by row, beginning with the count of zeros.
    keypoints : Ragged or None
        float32 x, y, score of each singleton's keypoints, one after the other.
    is_predicted : numpy.ndarray
        bool of shape (n_samples,): False for a sample that nobody has predicted anything for, not even that
        nothing is in it.

    Raises
    ------
    InputError
        If the arrays do not fit each other.

    Examples
    --------
    >>> cars = Task("cars", "object-detection", ("car", "bus"))
    >>> rows = [[{"category_id": 1, "score": 0.5, "bbox": [0, 0, 4, 3]}], [], None]
    >>> predictions = packed(cars, rows)
    >>> len(predictions), predictions.n_singletons, predictions.is_predicted.tolist()
    (3, 1, [True, True, False])
    >>> predictions.take([2, 0]).singletons(1)
    [{'category_id': 1, 'score': 0.5, 'bbox': [0.0, 0.0, 4.0, 3.0]}]
    """

    task: Task
    offsets: np.ndarray
    category: np.ndarray
    score: np.ndarray
    bbox: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    segmentation: Ragged | None = None
    keypoints: Ragged | None = None
    is_predicted: np.ndarray = field(default_factory=lambda: np.ones(0, bool))

    def __post_init__(self) -> None:
        n, width = len(self.category), len(self.task.categories)
        shapes: dict[str, tuple[int, ...]] = {
            "score": (n,),
            "bbox": (n, 4),
            "probabilities": (n, width),
            "is_predicted": (len(self),),
        }
        wrong = [
            f"{name} has the shape {value.shape}, not {shape}"
            for name, shape in shapes.items()
            if (value := getattr(self, name)) is not None and value.shape != shape
        ]
        if int(self.offsets[-1]) != n:
            wrong.append(f"offsets end at {self.offsets[-1]}, and there are {n} singletons")
        if wrong:
            raise InputError(f"predictions of task '{self.task.name}': {'; '.join(wrong)}")
        for name in ("offsets", "category", *shapes):
            if (value := getattr(self, name)) is not None:
                view = value.view()
                view.flags.writeable = False
                object.__setattr__(self, name, view)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return (
            f"Predictions({self.task.name!r}, {self.task.type}, {len(self.task.categories)} categories, "
            f"{self.n_singletons:,} for {int(self.is_predicted.sum()):,} of {len(self):,} samples)"
        )

    @property
    def n_singletons(self) -> int:
        """How many there are, of all samples together."""
        return len(self.category)

    @property
    def counts(self) -> np.ndarray:
        """How many singletons each sample has, int64."""
        return np.diff(self.offsets)

    @property
    def sample_rows(self) -> np.ndarray:
        """The row of the sample that each singleton belongs to, int64."""
        return np.repeat(np.arange(len(self)), self.counts)

    def take(self, rows: Any) -> Predictions:
        """Return the predictions of the samples of `rows` (integers or a mask); -1 is one without any."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        there = rows >= 0
        if not there.all():
            padded = np.append(self.offsets, self.offsets[-1])  # one more sample at the end, without any
            places, offsets = flat_places(padded, np.where(there, rows, len(self)))
        else:
            places, offsets = flat_places(self.offsets, rows)
        return Predictions(
            self.task,
            offsets,
            self.category[places],
            self.score[places],
            None if self.bbox is None else self.bbox[places],
            None if self.probabilities is None else self.probabilities[places],
            None if self.segmentation is None else self.segmentation.take(places),
            None if self.keypoints is None else self.keypoints.take(places),
            there & self.is_predicted[rows] if len(self) else there & False,
        )

    def singletons(self, row: int) -> list[dict[str, Any]]:
        """Return what is predicted for one sample as the files have it, a dict for each."""
        found = []
        for number in range(int(self.offsets[row]), int(self.offsets[row + 1])):
            one: dict[str, Any] = {
                "category_id": self.task.category_ids[self.category[number]],
                "score": short(self.score[number]),
            }
            if self.bbox is not None and not np.isnan(self.bbox[number]).any():
                one["bbox"] = [short(value) for value in self.bbox[number]]
            if self.segmentation is not None and len(self.segmentation.of(number)):
                one["segmentation"] = self.segmentation.of(number).tolist()
            if self.keypoints is not None and len(self.keypoints.of(number)):
                one["keypoints"] = [short(value) for value in self.keypoints.of(number)]
            if self.probabilities is not None and not np.isnan(self.probabilities[number]).any():
                one["probabilities"] = [short(value) for value in self.probabilities[number]]
            found.append(one)
        return found

    def vectors(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return class vectors of the singletons from `start` to `stop`, float64 (n, n_categories).

        The probabilities where there are any, scaled to the sum 1; else the score on the category, and the
        rest spread evenly over the others. With one category in all it is the score alone.
        """
        part = slice(start, self.n_singletons if stop is None else stop)
        score, category = self.score[part].astype(np.float64), self.category[part]
        width = len(self.task.categories)
        rest = (1.0 - score) / max(1, width - 1)
        result = np.repeat(rest[:, None], width, axis=1)
        result[np.arange(len(score)), category] = score
        if self.probabilities is not None:
            given = self.probabilities[part].astype(np.float64)
            there = ~np.isnan(given).any(axis=1)
            result[there] = given[there] / given[there].sum(axis=1, keepdims=True)
        return result

    def class_distribution(self) -> np.ndarray:
        """Return a vector over the categories for each sample, float32: 0 everywhere without predictions.

        That of the classification; of objects the sum over their vectors.
        """
        if self.task.is_classification:
            return self.classifications().astype(np.float32)
        width = len(self.task.categories)
        result = np.zeros((len(self), width), np.float32)
        rows, step = self.sample_rows, max(1, _AT_ONCE // width)
        for start in range(0, self.n_singletons, step):
            part = rows[start : start + step]
            np.add.at(result, part, self.vectors(start, start + step).astype(np.float32))
        return result

    def category_count(self) -> np.ndarray:
        """Return how many singletons of each category each sample has, float32 (n_samples, n_categories).

        A classification counts once, for its highest score.
        """
        result = np.zeros((len(self), len(self.task.categories)), np.float32)
        if self.task.is_classification:
            best = self._best()
            result[self.counts > 0, self.category[best]] = 1
        else:
            np.add.at(result, (self.sample_rows, self.category), 1)
        return result

    def _best(self) -> np.ndarray:
        """Return the singleton with the highest score of each sample that has any, the first of equals."""
        order: np.ndarray = np.lexsort((np.arange(self.n_singletons), -self.score, self.sample_rows))
        result: np.ndarray = order[self.offsets[:-1][self.counts > 0]]
        return result

    def classifications(self) -> np.ndarray:
        """Return the class vector of each sample of a classification, float64; zeros where it has none.

        The probabilities, scaled to the sum 1. Without them the score on its category, or several scores on
        theirs, and the rest spread evenly over the other categories; scores of a sum above 1 are scaled to 1.
        """
        width, rows = len(self.task.categories), self.sample_rows
        result = np.zeros((len(self), width))
        named = np.zeros((len(self), width), bool)
        result[rows, self.category] = self.score
        named[rows, self.category] = True
        n_others = width - named.sum(axis=1)
        rest = np.maximum(0.0, 1.0 - result.sum(axis=1)) / np.maximum(1, n_others)
        result = np.where(named, result, np.where(self.counts > 0, rest, 0.0)[:, None])
        if width > 1:
            total = result.sum(axis=1, keepdims=True)
            unknown = (total[:, 0] == 0) & (self.counts > 0)
            result = np.where(unknown[:, None], 1 / width, result / np.where(total > 0, total, 1))
        if self.probabilities is not None:
            there = ~np.isnan(self.probabilities).any(axis=1)
            given = self.probabilities[there].astype(np.float64)
            result[rows[there]] = given / given.sum(axis=1, keepdims=True)
        return result


def short(value: Any) -> float:
    """Return the shortest number that is the same float32."""
    return float(str(np.float32(value)))


class Packer:
    """Takes the predictions of one sample after the other, and packs them: no object per prediction stays."""

    def __init__(self, task: Task):
        self.task = task
        self._row_of = {number: row for row, number in enumerate(task.category_ids)}
        self._none = [float("nan")] * len(task.categories)
        self._predicted, self._offsets = bytearray(), array("q", [0])
        self._category, self._score = array("i"), array("f")
        self._bbox, self._probabilities = array("f"), array("f")
        self._lists: dict[str, tuple[array[int], Any]] = {
            "segmentation": (array("q", [0]), array("i")),
            "keypoints": (array("q", [0]), array("f")),
        }
        self._has = dict.fromkeys(("bbox", "probabilities", "segmentation", "keypoints"), False)

    def add(self, singletons: Sequence[Mapping[str, Any]] | None) -> None:
        """Take what is predicted for the next sample; None for nothing at all. It must be valid."""
        for one in singletons or ():
            self._category.append(self._row_of[one["category_id"]])
            self._score.append(one["score"])
            self._flat("bbox", self._bbox, one.get("bbox"), 4)
            self._flat("probabilities", self._probabilities, one.get("probabilities"), len(self._none))
            for name, (offsets, values) in self._lists.items():
                if one.get(name) is not None:
                    self._has[name] = True
                    values.extend(one[name])
                offsets.append(len(values))
        self._predicted.append(singletons is not None)
        self._offsets.append(len(self._category))

    def _flat(self, name: str, values: array[float], given: Any, width: int) -> None:
        if given is not None and not self._has[name]:  # the first one: those before have none
            self._has[name] = True
            values.extend(self._none[:1] * (width * (len(self._category) - 1)))
        if self._has[name]:
            values.extend(self._none[:1] * width if given is None else given)

    def predictions(self) -> Predictions:
        """Return all that were added."""

        def lists(name: str, dtype: type) -> Ragged | None:
            offsets, values = self._lists[name]
            return Ragged(_numpy(offsets, np.int64), _numpy(values, dtype)) if self._has[name] else None

        width = len(self.task.categories)
        return Predictions(
            self.task,
            _numpy(self._offsets, np.int64),
            _numpy(self._category, np.int32),
            _numpy(self._score, np.float32),
            _numpy(self._bbox, np.float32).reshape(-1, 4) if self._has["bbox"] else None,
            _numpy(self._probabilities, np.float32).reshape(-1, width)
            if self._has["probabilities"]
            else None,
            lists("segmentation", np.int32),
            lists("keypoints", np.float32),
            np.frombuffer(bytes(self._predicted), dtype=bool),
        )


def _numpy(values: Any, dtype: Any) -> np.ndarray:
    return np.frombuffer(values, dtype=dtype) if len(values) else np.zeros(0, dtype)


def packed(task: Task, rows: Iterable[Sequence[Mapping[str, Any]] | None]) -> Predictions:
    """Return the predictions of samples, given one list of singletons each, None for nothing at all."""
    packer = Packer(task)
    for singletons in rows:
        packer.add(singletons)
    return packer.predictions()


def predictions_of(
    found: Mapping[str, Predictions],
    task: str,
    where: str = "",
    advice: str = ADD_PREDICTIONS,
) -> Predictions:
    """Return the predictions of a task, or raise `InputError` with those that there are and the nearest.

    Parameters
    ----------
    found : mapping of str to Predictions
        Those of some samples.
    task : str
        Which.
    where : str
        How the message begins, such as `crops: `.
    advice : str
        What to do where there are none.
    """
    if task in found:
        return found[task]
    there = sorted(found)
    have = f"they have {there}.{did_you_mean(task, there)}" if there else f"they have none at all; {advice}"
    raise InputError(f"{where}the samples have no predictions of task '{task}'; {have}")
