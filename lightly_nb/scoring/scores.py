"""Active-learning scores: one function each, from the predictions of one task to a number in [0, 1] a sample.

Uncertainty is scaled linearly, so that a certain prediction gives 0 and a uniform one gives 1. A new score is
one function and one line in `SCORES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from lightly_nb.samples.predictions import TASK_TYPES, Predictions
from lightly_nb.vectors.distances import Floats

_AT_ONCE = 2**22
"""Numbers of class vectors that are looked at at a time."""


class ScoreSettings(NamedTuple):
    """Parameters of `object_frequency`, as in `worker_config.scorer_config`."""

    frequency_penalty: float = 0.25
    """What a further object of a category counts, where the first counts 1."""
    min_score: float = 0.9
    """Lowest score; the scores of all samples are scaled to the range from it to 1."""


class Score(NamedTuple):
    """One line of the table of scores."""

    compute: Callable[[Predictions, ScoreSettings], Floats]
    """Returns float64 of shape (n_samples,)."""
    types: frozenset[str] = frozenset(TASK_TYPES)
    """Types of task that it is for."""


def least_confidence(vectors: Floats) -> Floats:
    """Return 1 - p1 of each class vector, over what a uniform vector has.

    Examples
    --------
    >>> least_confidence(np.array([[0.7, 0.2, 0.1], [1, 0, 0]])).round(2).tolist()
    [0.45, 0.0]
    """
    result: Floats = (1 - vectors.max(axis=1)) / (1 - 1 / vectors.shape[1])
    return result


def margin(vectors: Floats) -> Floats:
    """Return 1 - (p1 - p2) of each class vector.

    Examples
    --------
    >>> margin(np.array([[0.7, 0.2, 0.1], [1, 0, 0]])).round(2).tolist()
    [0.5, 0.0]
    """
    best = np.partition(vectors, -2, axis=1)[:, -2:]
    result: Floats = 1 - (best[:, 1] - best[:, 0])
    return result


def entropy(vectors: Floats) -> Floats:
    """Return the entropy of each class vector over that of a uniform one.

    Examples
    --------
    >>> entropy(np.array([[0.5, 0.5, 0], [1, 0, 0]])).round(4).tolist()
    [0.6309, 0.0]
    """
    logs = np.log(vectors, out=np.zeros(vectors.shape), where=vectors > 0)
    result: Floats = (vectors * -logs).sum(axis=1) / np.log(vectors.shape[1])
    return result


def uncertainty(of_vectors: Callable[[Floats], Floats]) -> Callable[[Predictions, ScoreSettings], Floats]:
    """Return the score of a sample, from a function on class vectors.

    That of a classification itself; of objects and keypoints the largest, of segments the mean; 0 without
    any. With a single category the vector is (score, 1 - score): the category against all else.
    """

    def compute(predictions: Predictions, settings: ScoreSettings) -> Floats:
        found = np.zeros(len(predictions))
        has_any = predictions.counts > 0
        if predictions.task.is_classification:
            found[has_any] = of_vectors(_binary(predictions.classifications()[has_any]))
            return np.clip(found, 0, 1)
        width = len(predictions.task.categories)
        step = max(1, _AT_ONCE // width)
        values = np.zeros(predictions.n_singletons)
        for start in range(0, len(values), step):
            vectors = predictions.vectors(start, min(start + step, len(values)))
            values[start : start + step] = of_vectors(_binary(vectors))
        starts = predictions.offsets[:-1][has_any]
        if len(starts) and predictions.task.type.endswith("segmentation"):
            found[has_any] = np.add.reduceat(values, starts) / predictions.counts[has_any]
        elif len(starts):
            found[has_any] = np.maximum.reduceat(values, starts)
        return np.clip(found, 0, 1)

    return compute


def _binary(vectors: Floats) -> Floats:
    return np.hstack([vectors, 1 - vectors]) if vectors.shape[1] == 1 else vectors


def object_frequency(predictions: Predictions, settings: ScoreSettings) -> Floats:
    """Return how many objects there are, scaled over all samples to [min_score, 1].

    The first object of a category counts 1, each further one `frequency_penalty`. If all samples have the
    same, it is 1 for all, and `min_score` where that is nothing.
    """
    width = len(predictions.task.categories)
    kinds = np.unique(predictions.sample_rows * width + predictions.category) // width
    n_kinds = np.bincount(kinds, minlength=len(predictions))
    values = n_kinds + (predictions.counts - n_kinds) * settings.frequency_penalty
    lowest, highest = (values.min(), values.max()) if len(values) else (0.0, 0.0)
    if lowest == highest:
        return np.full(len(values), 1.0 if highest > 0 else settings.min_score)
    share = (values - lowest) / (highest - lowest)
    return np.clip(settings.min_score + (1 - settings.min_score) * share, 0, 1)


def objectness_least_confidence(predictions: Predictions, settings: ScoreSettings) -> Floats:
    """Return 1 - the mean score of the objects; 0 without any."""
    found = np.zeros(len(predictions))
    has_any = predictions.counts > 0
    if has_any.any():
        sums = np.add.reduceat(predictions.score.astype(np.float64), predictions.offsets[:-1][has_any])
        found[has_any] = 1 - sums / predictions.counts[has_any]
    return np.clip(found, 0, 1)


OBJECTS = frozenset({"object-detection", "instance-segmentation", "keypoint-detection"})
"""Types of task that have objects to count."""

SCORES: Mapping[str, Score] = MappingProxyType(
    {
        "uncertainty_least_confidence": Score(uncertainty(least_confidence)),
        "uncertainty_margin": Score(uncertainty(margin)),
        "uncertainty_entropy": Score(uncertainty(entropy)),
        "object_frequency": Score(object_frequency, OBJECTS),
        "objectness_least_confidence": Score(objectness_least_confidence, OBJECTS),
    }
)
"""All scores by name."""


def scores_of(task_type: str, table: Mapping[str, Score] | None = None) -> list[str]:
    """Return the names of the scores of `table` (None: `SCORES`) that a type of task has.

    Examples
    --------
    >>> scores_of("classification")
    ['uncertainty_least_confidence', 'uncertainty_margin', 'uncertainty_entropy']
    """
    return [name for name, one in (SCORES if table is None else table).items() if task_type in one.types]
