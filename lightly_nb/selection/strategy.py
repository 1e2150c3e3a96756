"""What a strategy is: the inputs that it accepts, and what turns settings and data into a `Part`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lightly_nb.samples import Samples
from lightly_nb.selection.terms import Term
from lightly_nb.vectors.distances import Floats, Rows


@dataclass(frozen=True)
class Request:
    """What a strategy gets to work with.

    Parameters
    ----------
    samples : Samples
        In file-name order; rows below mean this order.
    source : mapping
        The `input` of the strategy, e.g. `{"type": "METADATA", "key": "lightly.sharpness"}`.
    settings : mapping
        The `strategy` itself, e.g. `{"type": "WEIGHTS", "strength": 2.0}`.
    label : str
        Its name in tables and errors, unique within the selection.
    seed : int
        Seed of everything random.
    query : numpy.ndarray or None
        Query vectors of SIMILARITY, float32, shape (n_query, n_features).
    """

    samples: Samples
    source: Mapping[str, Any]
    settings: Mapping[str, Any]
    label: str
    seed: int = 0
    query: np.ndarray | None = None

    @property
    def strength(self) -> float:
        """The factor of the strategy's gain, 1 where not given."""
        strength = self.settings.get("strength")
        return 1.0 if strength is None else float(strength)


def prefix_means(values: Floats) -> Callable[[Rows], Floats]:
    """Return a function from rows to the mean of `values` over every prefix of them."""
    return lambda rows: np.cumsum(values[rows]) / np.arange(1, len(rows) + 1)


@dataclass(frozen=True)
class Budget:
    """Bounds on the sum of `values` over the newly selected samples."""

    values: Floats
    maximum: float = np.inf
    minimum: float = -np.inf


@dataclass(frozen=True)
class Part:
    """What a strategy brings to the selection; every field but the first may be left out.

    Parameters
    ----------
    term : Term or None
        Steers the picks; None for a strategy that only filters.
    allowed : numpy.ndarray or None
        bool, shape (n_samples,): False for samples that must not be picked.
    constraint : str
        Why `allowed` is False, for the tables.
    minimum_distance : float
        Nearer candidates are skipped; 0 for no constraint.
    budget : Budget or None
        Bounds on a sum over the newly selected samples.
    asked : mapping
        What was asked for, in plain values.
    got : callable
        Takes the rows selected (the preselected included), returns what was reached, in plain values.
    measure : tuple or None
        Name and function of how well the strategy is served: it takes rows in the order selected and
        returns one number for every prefix of them.
    note : str
        Anything a user should be told.
    warns : bool
        Whether the note is of something that is not as asked.
    unmet : callable or None
        Takes the rows selected and the number of them that were preselected; returns in words what was asked
        for and not reached, '' if all was.
    """

    term: Term | None = None
    allowed: np.ndarray | None = None
    constraint: str = ""
    minimum_distance: float = 0.0
    budget: Budget | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    got: Callable[[Rows], Mapping[str, Any]] | None = None
    measure: tuple[str, Callable[[Rows], Floats]] | None = None
    note: str = ""
    warns: bool = False
    unmet: Callable[[Rows, int], str] | None = None


@dataclass(frozen=True)
class Strategy:
    """One line of the table of strategies."""

    accepts: frozenset[str]
    prepare: Callable[[Request], Part]
