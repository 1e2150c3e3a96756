"""DIVERSITY: prefer samples far from everything selected (farthest-first, k-center greedy).

Alone it is Gonzalez (1985), the core-set method of Sener and Savarese (2018): the largest distance of any
sample to the selection is at most twice the smallest possible with as many samples.
"""

from __future__ import annotations

from lightly_nb.selection.inputs import finite
from lightly_nb.selection.strategy import Part, Request, Strategy
from lightly_nb.selection.terms import Diversity


def prepare(request: Request) -> Part:
    """Return the diversity of the samples' embeddings, and its minimum distance as a constraint."""
    vectors = finite(request.samples.embeddings, request.samples, request.label)
    minimum = request.settings.get("stopping_condition_minimum_distance")
    asked = {} if minimum is None else {"minimum_distance": float(minimum)}
    return Part(
        term=Diversity(vectors, request.strength),
        minimum_distance=float(minimum or 0.0),
        asked=asked,
    )


STRATEGY = Strategy(accepts=frozenset({"EMBEDDINGS"}), prepare=prepare)
