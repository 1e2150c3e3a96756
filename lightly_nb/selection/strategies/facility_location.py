"""FACILITY_LOCATION: prefer samples that stand for many others which nothing selected stands for yet.

F = the sum over all samples of the largest cosine, at least 0, to a selected sample, of the embeddings at
unit length less their mean. docs/strategies.md says what speaks for centring. Alone, its greedy picks
reach at least 1 - 1/e of the largest F of as many samples (Nemhauser, Wolsey and Fisher 1978).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lightly_nb.engines import local
from lightly_nb.selection.facility import FacilityLocation, sums
from lightly_nb.selection.inputs import finite, random_numbers
from lightly_nb.selection.strategy import Part, Request, Strategy
from lightly_nb.vectors.cosines import centre_of_directions, length_of, similarities
from lightly_nb.vectors.coverage import evenly_spaced
from lightly_nb.vectors.distances import Floats, Rows
from lightly_nb.vectors.threads import threads_for

EXACT_ROWS = 30_000
"""Up to this number of samples, every pick is the best one; above, see `levels`."""
JUDGES = 8192
"""Above, beside other strategies, it is judged by so many samples, drawn by a hash of the names."""
BOUND_JUDGES = 1024
"""The same for the estimate of how near the best possible selection is."""
STRIP = 256
"""Picks in one matrix product of the measure."""


def prepare(request: Request) -> Part:
    """Return facility location on the samples' embeddings, and its minimum distance as a constraint."""
    vectors = finite(request.samples.embeddings, request.samples, request.label)
    centre = centre_of_directions(vectors)
    minimum = request.settings.get("stopping_condition_minimum_distance")
    term = FacilityLocation(vectors, request.strength, centre=centre)
    note, shares = "", dict[int, float]()
    if len(vectors) > EXACT_ROWS:
        order = np.argsort(random_numbers(request.samples.filenames, 0), kind="stable")
        term = FacilityLocation(
            vectors, request.strength, np.sort(order[:JUDGES]), centre=centre, order=order
        )
        note = f"{len(vectors):,} samples have too many pairs to look at, so picks are approximately the best"
    return Part(
        term=term,
        minimum_distance=float(minimum or 0.0),
        asked={} if minimum is None else {"minimum_distance": float(minimum)},
        got=lambda rows: _got(term, rows, shares),
        measure=("mean similarity", lambda rows: mean_similarities(term, rows)),
        note=note,
    )


def mean_similarities(term: FacilityLocation, rows: Rows) -> Floats:
    """Return for every prefix of `rows` the mean similarity of the samples to the nearest of it.

    Of 4,000 evenly spaced samples where there are more.
    """
    judges = term.directions(evenly_spaced(len(term.vectors)))
    best = np.zeros((len(judges), 1), dtype=np.float32)
    means = np.empty(len(rows))
    for start in range(0, len(rows), STRIP):
        found = similarities(judges, term.directions(rows[start : start + STRIP]))
        np.maximum(found[:, :1], best, out=found[:, :1])
        np.maximum.accumulate(found, axis=1, out=found)
        means[start : start + STRIP] = found.mean(axis=0, dtype=np.float64)
        best = found[:, -1:].copy()
    return means / length_of(term.vectors.shape[1]) ** 2


def _got(term: FacilityLocation, rows: Rows, shares: dict[int, float]) -> dict[str, Any]:
    """Return the mean similarity, and what share of the best possible it is at least.

    The share is computed when all picks are asked for that were made, and kept in `shares` by their number.
    """
    n_selected, n_samples = len(rows), len(term.vectors)
    if not n_selected or rows.tolist() != term.selected[:n_selected]:
        return {}
    if n_selected == len(term.selected) and term.strength > 0 and n_selected not in shares:
        shares[n_selected] = _proven_share(term) if term.order is None else _estimated_share(term, rows)
    if term.order is None:
        name, mean = "proven", term.totals[n_selected] / n_samples / length_of(term.vectors.shape[1]) ** 2
    else:
        name, mean = "estimated", float(mean_similarities(term, rows)[-1])
    share = {f"{name}_share_of_optimum": shares[n_selected]} if n_selected in shares else {}
    return {"mean_similarity": mean, **share}


def _proven_share(term: FacilityLocation) -> float:
    term.settle()
    return _share(term.total, term.bound, len(term.selected) - term.n_before)


def _share(total: float, gains: Floats, n_picks: int) -> float:
    """Return what share of the largest F of `n_picks` samples `total` is at least.

    F is submodular: no `n_picks` samples can add more to it than the `n_picks` largest gains together.
    """
    largest = np.partition(gains, len(gains) - n_picks)[len(gains) - n_picks :] if n_picks else gains[:0]
    most = total + float(np.maximum(largest, 0).sum())
    return total / most if most > 0 else 1.0


def _estimated_share(term: FacilityLocation, rows: Rows) -> float:
    """Return the same for F over some samples alone, drawn by a hash of the names.

    These are served best by a selection made for them, so the share for all samples is rather larger.
    """
    assert term.order is not None, "only large selections are estimated"
    judged = term.directions(term.order[:BOUND_JUDGES])
    best = np.zeros(len(judged), dtype=np.float32)
    for start in range(0, len(rows), STRIP):
        found = similarities(judged, term.directions(rows[start : start + STRIP]))
        np.maximum(best, found.max(axis=1), out=best)

    def gains_from(start: int) -> Floats:
        return sums(term.directions(slice(start, start + JUDGES)), judged, best)

    with threads_for(0):
        gains = np.concatenate(list(local.map(gains_from, range(0, len(term.vectors), JUDGES))))
    return _share(float(best.sum(dtype=np.float64)), gains, len(rows) - term.n_before)


STRATEGY = Strategy(accepts=frozenset({"EMBEDDINGS"}), prepare=prepare)
