"""SIMILARITY: prefer samples near any query sample, by exp(-d / mean d) of the nearest."""

from __future__ import annotations

import numpy as np

from lightly_nb.errors import SelectionError
from lightly_nb.selection.inputs import finite
from lightly_nb.selection.strategy import Part, Request, Strategy, prefix_means
from lightly_nb.selection.terms import Weights
from lightly_nb.vectors.neighbors import Floats, nearest


def prepare(request: Request) -> Part:
    """Return the similarity of every sample to its nearest query vector, in (0, 1]."""
    vectors = finite(request.samples.embeddings, request.samples, request.label)
    query = request.query
    if query is None or not len(query):
        raise SelectionError(
            f"{request.label}: no query samples; pass query=samples (or an array of their embeddings), "
            f"or name a "
            "dataset_id and tag_name that has some"
        )
    if query.ndim != 2 or query.shape[1] != vectors.shape[1]:
        raise SelectionError(
            f"{request.label}: the query has shape {query.shape}, but the samples' embeddings have "
            f"{vectors.shape[1]} features; embed both with the same checkpoint"
        )
    if not np.isfinite(query).all():
        raise SelectionError(f"{request.label}: the query vectors hold NaN or infinity")
    distances = query_distances(vectors, query)
    weights = similarity(distances)
    return Part(
        term=Weights(weights, request.strength),
        asked={"n_query": len(query)},
        measure=("mean similarity", prefix_means(weights)),
        got=lambda rows: {
            "mean_distance_to_query": float(distances[rows].mean()) if len(rows) else None,
            "mean_distance_of_all": float(distances.mean()),
        },
    )


def query_distances(vectors: np.ndarray, query: np.ndarray) -> Floats:
    """Return the distance of each of `vectors` to its nearest query vector, float64."""
    both = np.concatenate([np.asarray(query, dtype=np.float32), vectors])
    return nearest(both, np.arange(len(query), len(both)), np.arange(len(query)), certain=True)[1]


def similarity(distances: Floats) -> Floats:
    """Return exp(-d / mean d); 1 for every sample when all distances are 0."""
    mean = distances.mean()
    result: Floats = np.exp(-distances / mean) if mean > 0 else np.ones(len(distances))
    return result


STRATEGY = Strategy(accepts=frozenset({"EMBEDDINGS"}), prepare=prepare)
