"""FACILITY_LOCATION: prefer samples that stand for many others which nothing selected stands for yet.

F = the sum over all samples of the largest cosine, at least 0, to a selected sample. Alone, its greedy picks
reach at least 1 - 1/e of the largest F of as many samples (Nemhauser, Wolsey and Fisher 1978).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lightly_nb.selection.facility import FacilityLocation
from lightly_nb.selection.inputs import finite
from lightly_nb.selection.strategy import Part, Request, Strategy
from lightly_nb.vectors.cosines import length_of, similarities
from lightly_nb.vectors.coverage import evenly_spaced
from lightly_nb.vectors.distances import Floats, Rows, mean_point

ROUNDING = 1e-5
"""Of the longest embedding: what is shorter after centring is a rounding error."""
STRIP = 256
"""Picks in one matrix product of the measure."""


def prepare(request: Request) -> Part:
    """Return facility location on the samples' embeddings, and its minimum distance as a constraint."""
    vectors = as_seen(finite(request.samples.embeddings, request.samples, request.label))
    minimum = request.settings.get("stopping_condition_minimum_distance")
    term = FacilityLocation(vectors, request.strength)
    return Part(
        term=term,
        minimum_distance=float(minimum or 0.0),
        asked={} if minimum is None else {"minimum_distance": float(minimum)},
        got=lambda rows: _got(term, rows),
        measure=("mean similarity", lambda rows: mean_similarities(term, rows)),
    )


def as_seen(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors whose cosines count: the embeddings less their mean.

    The one place that decides it; docs/strategies.md says what speaks for either. What centring leaves of
    equal embeddings is rounding, which has no direction: zeros.
    """
    centred = (vectors - mean_point(vectors, np.arange(len(vectors)))).astype(np.float32)
    lengths, before = (np.sqrt(np.einsum("ij,ij->i", x, x)) for x in (centred, vectors))
    centred[lengths <= ROUNDING * before.max(initial=0.0)] = 0.0
    return centred


def mean_similarities(term: FacilityLocation, rows: Rows) -> Floats:
    """Return for every prefix of `rows` the mean similarity of the samples to the nearest of it.

    Of 4,000 evenly spaced samples where there are more.
    """
    judges = term.points[evenly_spaced(len(term.points))]
    best = np.zeros((len(judges), 1), dtype=np.float32)
    means = np.empty(len(rows))
    for start in range(0, len(rows), STRIP):
        found = similarities(judges, term.points[rows[start : start + STRIP]])
        np.maximum(found[:, :1], best, out=found[:, :1])
        np.maximum.accumulate(found, axis=1, out=found)
        means[start : start + STRIP] = found.mean(axis=0, dtype=np.float64)
        best = found[:, -1:].copy()
    return means / length_of(term.points.shape[1]) ** 2


def _got(term: FacilityLocation, rows: Rows) -> dict[str, Any]:
    n_selected = len(rows)
    if rows.tolist() != term.selected[:n_selected]:
        return {}
    return {
        "mean_similarity": term.totals[n_selected] / len(term.vectors) / length_of(term.vectors.shape[1]) ** 2
    }


STRATEGY = Strategy(accepts=frozenset({"EMBEDDINGS"}), prepare=prepare)
