"""From what was asked to what the greedy loop needs: rows, parts, and sizes that fit the data."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lightly_nb.errors import InputError, SelectionError
from lightly_nb.samples import Samples
from lightly_nb.samples.rows import described, names_of
from lightly_nb.selection.inputs import check_objects, finite
from lightly_nb.selection.notes import ZERO
from lightly_nb.selection.strategy import Part, Request, Strategy
from lightly_nb.vectors.distances import Rows

Names = Any
"""File names, or what holds them: a list, an array, a `Selection`, `Samples`, a table indexed by name."""
UNIT_TOLERANCE = 1e-3
"""How far from 1 the length of a vector may be where a minimum distance is used."""


@dataclass(frozen=True)
class Plan:
    """Everything that a selection is about to do. Rows are in file-name order.

    Parameters
    ----------
    samples : Samples
        In file-name order.
    order : numpy.ndarray
        int64: row in the caller's samples of every row here.
    entries : list of dict
        `label`, `input`, `strategy` of every strategy.
    parts : list of Part
        What each of them became.
    preselected, lock, ban : list of int
        Rows the user named.
    allowed : numpy.ndarray
        bool: rows that may be picked.
    minimum_distance : float
        0 for none.
    n_picks : int
        Number of samples to pick, the locked ones included.
    seed : int
        Of the random selections that the curve shows beside the picks.
    zeros : numpy.ndarray
        int64: rows whose embedding is all zeros, where a strategy looks at embeddings.
    """

    samples: Samples
    order: Rows
    entries: list[dict[str, Any]]
    parts: list[Part]
    preselected: list[int]
    lock: list[int]
    ban: list[int]
    allowed: np.ndarray
    minimum_distance: float
    n_picks: int
    seed: int = 0
    zeros: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def in_name_order(samples: Samples) -> tuple[Samples, Rows]:
    """Return `samples` sorted by file name, and the row in `samples` of every row of the result."""
    names = samples.filenames
    if all(map(operator.le, names, names[1:])):
        return samples, np.arange(len(names))
    order = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)
    return samples.take(order), order


def prepared(
    samples: Samples,
    entries: Sequence[Mapping[str, Any]],
    table: Mapping[str, Strategy],
    seed: int,
    query: np.ndarray | Mapping[tuple[str | None, str], np.ndarray] | None,
) -> list[Part]:
    """Return what every strategy brings; this is where their errors are raised."""

    def query_of(source: Mapping[str, Any]) -> np.ndarray | None:
        if not isinstance(query, Mapping):
            return query
        return query.get((source.get("dataset_id"), source.get("tag_name", "")))

    for entry in entries:
        check_objects(samples, entry["input"], entry["label"])
    return [
        table[entry["strategy"]["type"]].prepare(
            Request(
                samples, entry["input"], entry["strategy"], entry["label"], seed, query_of(entry["input"])
            )
        )
        for entry in entries
    ]


def named_rows(samples: Samples, names: Any, what: str) -> list[int]:
    """Return the rows of `names`, or of what holds names, ascending, so in file-name order."""
    try:
        found = names_of(names, what)
        if what == "preselected":  # a selection goes on from what was preselected for it
            found = [*getattr(names, "preselected", ()), *found]
        return sorted(samples.rows_of(found).tolist())
    except InputError as error:
        said = str(error)
        raise SelectionError(said if said.startswith(f"{what}:") else f"{what}: {said}") from error


def check_seed(seed: Any) -> None:
    """Raise `SelectionError` unless `seed` is a whole number."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise SelectionError(f"seed: got {described(seed)}; allowed is a whole number")


def zero_embeddings(samples: Samples, entries: Sequence[Mapping[str, Any]]) -> Rows:
    """Return the rows whose embedding is all zeros, none where no strategy looks at embeddings."""
    looks = any(entry["input"].get("type") == "EMBEDDINGS" for entry in entries)
    if not looks or "embeddings" not in samples.arrays:
        return np.empty(0, dtype=np.int64)
    zeros: Rows = np.flatnonzero(~samples.embeddings.any(axis=1)).astype(np.int64)
    return zeros


def check_named(samples: Samples, preselected: list[int], lock: list[int], ban: list[int]) -> None:
    """Raise `SelectionError` when one sample was named for two contradictory things."""
    pairs = [
        ("lock", lock, "ban", ban),
        ("lock", lock, "preselected", preselected),
        ("preselected", preselected, "ban", ban),
    ]
    for first, rows, second, others in pairs:
        both = sorted(set(rows) & set(others))
        if both:
            raise SelectionError(
                f"select: {samples.table.index[both[:3]].tolist()} are in both '{first}' and '{second}'; "
                "name each in one of them"
            )


def allowed_rows(
    plan_samples: Samples, parts: Sequence[Part], taken: Sequence[int], ban: Sequence[int]
) -> np.ndarray:
    """Return which rows may be picked freely: past every filter, not banned, not taken."""
    allowed = np.ones(len(plan_samples), dtype=bool)
    for part in parts:
        if part.allowed is not None:
            allowed &= part.allowed
    if not allowed.any():
        filters = [part.constraint for part in parts if part.constraint]
        raise SelectionError(
            f"select: no sample passes all filters together, so nothing is left of {len(allowed):,} "
            f"samples; filters: "
            f"{filters}"
        )
    allowed[list(ban)] = False
    allowed[list(taken)] = False
    return allowed


def reasons_of(plan: Plan, n_picked: int, stopped: str, distances: np.ndarray | None) -> list[str]:
    """Return per row why it was not picked, were it not: what removed it, or what ended the run.

    `distances` are those to the nearest selected sample, NaN for none.
    """
    reasons = np.full(len(plan.samples), stopped or f"not among the {n_picked:,} best", dtype=object)
    if plan.minimum_distance > 0 and distances is not None:
        reasons[distances < plan.minimum_distance] = (
            f"nearer than the minimum distance {plan.minimum_distance:g}"
        )
    for part in plan.parts:
        if part.allowed is not None:
            reasons[~part.allowed] = part.constraint
    if len(plan.zeros):
        reasons[plan.zeros] = ZERO
    reasons[plan.ban] = "banned"
    return [str(reason) for reason in reasons]


def smallest_distance(minimum_distance: float | None, parts: Sequence[Part], samples: Samples) -> float:
    """Return the larger minimum distance, the call's or a strategy's, if the vectors have length 1."""
    if minimum_distance is not None and not (_is_number(minimum_distance) and 0 <= minimum_distance <= 2):
        raise SelectionError(
            f"minimum_distance: got {minimum_distance!r}; allowed is 0 to 2, the range of distances "
            f"between vectors of "
            "unit length"
        )
    result = max([float(minimum_distance or 0.0), *(part.minimum_distance for part in parts)])
    if result > 0:
        finite(samples.embeddings, samples, "minimum_distance")
        check_unit_length(samples.embeddings, samples.table.index)
    return result


def check_unit_length(vectors: np.ndarray, filenames: Sequence[str] | pd.Index[Any] | None = None) -> None:
    """Raise `SelectionError` unless every vector has length 1 (within 0.001)."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    bad = np.flatnonzero(np.abs(lengths - 1) > UNIT_TOLERANCE)
    if len(bad):
        first = [filenames[row] if filenames is not None else f"row {row}" for row in bad[:3]]
        raise SelectionError(
            f"minimum_distance: {len(bad):,} of {len(vectors):,} vectors do not have length 1 (first: "
            f"{first}, length "
            f"{lengths[bad[0]]:.4g}), so a distance means nothing on its own; normalize the embeddings "
            "(normalize_embeddings) or leave the minimum distance out"
        )


def size(
    n_samples: int | None,
    proportion_samples: float | None,
    n_input: int,
    n_free: int,
    can_stop: bool,
    n_locked: int = 0,
) -> int:
    """Return how many samples to pick, or raise `SelectionError` when that cannot be.

    Parameters
    ----------
    n_input : int
        Samples handed in: what a share is a share of.
    n_free : int
        Samples that may be picked, the locked ones included.
    can_stop : bool
        Whether a stopping condition can end the run, so that no size need be given.
    n_locked : int
        Samples that must be picked.
    """
    n_picks = _size(n_samples, proportion_samples, n_input, n_free, can_stop)
    if n_locked > n_picks:
        raise SelectionError(
            f"lock: {n_locked:,} samples must be selected, but only {n_picks:,} were asked for; ask for at "
            f"least {n_locked:,}, or lock fewer (what was selected before is preselected=, beside which n "
            "are picked)"
        )
    return n_picks


def _size(
    n_samples: int | None, proportion_samples: float | None, n_input: int, n_free: int, can_stop: bool
) -> int:
    if n_samples is not None and proportion_samples is not None:
        raise SelectionError("select: give n_samples or proportion_samples, not both")
    if n_samples is None and proportion_samples is None:
        if not can_stop:
            raise SelectionError(
                "select: how many? Give n_samples, proportion_samples, or a stopping condition such as "
                "minimum_distance"
            )
        return n_free
    if proportion_samples is not None:
        if not _is_number(proportion_samples) or not 0 < proportion_samples <= 1:
            raise SelectionError(
                f"proportion_samples: got {proportion_samples!r}; allowed is above 0, up to 1"
            )
        wanted = max(1, math.floor(proportion_samples * n_input + 1e-9))
        return min(wanted, n_free) if can_stop else _fits(wanted, n_input, n_free, "proportion_samples")
    if isinstance(n_samples, bool) or not isinstance(n_samples, (int, np.integer)) or n_samples < 1:
        raise SelectionError(f"n_samples: got {n_samples!r}; allowed is a whole number of at least 1")
    return _fits(int(n_samples), n_input, n_free, "n_samples")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _fits(wanted: int, n_input: int, n_free: int, what: str) -> int:
    if wanted > n_free:
        why = (
            ""
            if n_free == n_input
            else f", of which {n_input - n_free:,} are preselected, banned, filtered out or all zeros"
        )
        raise SelectionError(
            f"{what}: {wanted:,} samples were asked for but only {n_free:,} can be selected: there are "
            f"{n_input:,} "
            f"samples{why}; ask for at most {n_free:,}"
        )
    return wanted
