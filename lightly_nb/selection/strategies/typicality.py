"""TYPICALITY: prefer samples with near neighbours, the middle of what there is much of.

w = mean over the K nearest neighbours of exp(-d_k / mean d), in (0, 1], with the mean over all samples'
neighbours. `form="INVERSE_MEAN_DISTANCE"` gives 1 / mean d_k, the definition of Hacohen, Dekel and Weinshall
(2022), "Active Learning on a Budget"; there an exact duplicate has no finite value, so the bounded form
is the default.
"""

from __future__ import annotations

import numpy as np

from lightly_nb.errors import SelectionError
from lightly_nb.selection.inputs import finite, known
from lightly_nb.selection.strategy import Part, Request, Strategy, prefix_means
from lightly_nb.selection.terms import Weights
from lightly_nb.vectors.neighbors import Floats, neighbors

FORMS = ("EXPONENTIAL", "INVERSE_MEAN_DISTANCE")


def prepare(request: Request) -> Part:
    """Return the typicality of every sample, and its minimum as a constraint."""
    vectors = finite(request.samples.embeddings, request.samples, request.label)
    asked_neighbors = request.settings.get("num_nearest_neighbors")
    n_neighbors = 20 if asked_neighbors is None else int(asked_neighbors)
    form = request.settings.get("form") or FORMS[0]
    known([form], FORMS, request.label, "form")
    weights = typicality(vectors, min(n_neighbors, len(vectors) - 1), form)
    minimum = request.settings.get("stopping_condition_minimum_typicality")
    allowed = None if minimum is None else weights >= minimum
    if allowed is not None and not allowed.any():
        raise SelectionError(
            f"{request.label}: no sample has a typicality of at least {minimum}; they go from "
            f"{weights.min():.4g} to "
            f"{weights.max():.4g}"
        )
    return Part(
        term=Weights(weights, request.strength),
        allowed=allowed,
        constraint="" if minimum is None else f"{request.label}: typicality below {minimum}",
        measure=("mean typicality", prefix_means(weights)),
        asked={"num_nearest_neighbors": n_neighbors, "minimum_typicality": minimum},
        got=lambda rows: {
            "mean": float(weights[rows].mean()) if len(rows) else None,
            "mean_of_all": float(weights.mean()),
        },
    )


def typicality(vectors: np.ndarray, n_neighbors: int, form: str = FORMS[0]) -> Floats:
    """Return the typicality of each of `vectors`, float64, shape (n_samples,)."""
    if n_neighbors < 1:
        return np.ones(len(vectors))
    everything = np.arange(len(vectors))
    distances = neighbors(vectors, everything, everything, n_neighbors, certain=True)[1]
    if form == "INVERSE_MEAN_DISTANCE":
        inverse: Floats = 1.0 / np.maximum(distances.mean(axis=1), np.finfo(np.float32).tiny)
        return inverse
    mean = distances.mean()
    if mean == 0:
        return np.ones(len(vectors))
    result: Floats = np.exp(-distances / mean).mean(axis=1)
    return result


STRATEGY = Strategy(accepts=frozenset({"EMBEDDINGS"}), prepare=prepare)
