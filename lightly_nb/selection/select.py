"""`select`: the one call. It plans, runs the greedy loop, and returns a `Selection`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lightly_nb.errors import RunCanceled, SelectionError
from lightly_nb.events import Listener, ProgressBar, Stage, say
from lightly_nb.samples import Samples
from lightly_nb.selection import plan as planning
from lightly_nb.selection.distances import mean_point, squared_distances
from lightly_nb.selection.explain import nearest_selected, selection_table
from lightly_nb.selection.greedy import TOO_NEAR, Picks, PlainSearch
from lightly_nb.selection.plan import Plan
from lightly_nb.selection.result import Selection
from lightly_nb.selection.settings import plain_strategies
from lightly_nb.selection.strategies import STRATEGIES
from lightly_nb.selection.strategy import Strategy
from lightly_nb.selection.terms import Diversity

STEP = "SAMPLING"


def select(
    samples: Samples,
    n_samples: int | None = None,
    *,
    proportion_samples: float | None = None,
    strategies: Sequence[Any] | None = None,
    minimum_distance: float | None = None,
    preselected: Sequence[str] = (),
    lock: Sequence[str] = (),
    ban: Sequence[str] = (),
    seed: int = 0,
    query: Samples | np.ndarray | None = None,
    strategy_table: Mapping[str, Strategy] = STRATEGIES,
    on_event: Listener | None = None,
) -> Selection:
    """Choose the samples worth labelling, greedily, by one or several strategies.

    The answer depends on the samples (file names, embeddings, values) and not on their order; ties are broken by
    file name. The first k of n picks are the picks for k, except under a `target_range`.

    Parameters
    ----------
    samples : Samples
        With the arrays and columns that the strategies read (see `lightly_nb.selection.inputs`).
    n_samples : int or None
        Number of samples to pick, on top of the preselected ones.
    proportion_samples : float or None
        The same as a share in (0, 1] of `samples`, rounded down, at least 1. With neither, a stopping condition must
        be given.
    strategies : sequence or None
        `[{"input": {"type": …}, "strategy": {"type": …}}, …]`, or parsed config models; their order has no effect. None
        is DIVERSITY on EMBEDDINGS.
    minimum_distance : float or None
        Candidates nearer than this to a selected sample are skipped, in [0, 2]; needs embeddings of unit length.
    preselected : sequence of str
        File names that count as selected before the first pick.
    lock : sequence of str
        File names that must be selected: they are picked first, in file-name order, and count.
    ban : sequence of str
        File names that must not be selected.
    seed : int
        Seed of the RANDOM input where it has none of its own.
    query : Samples, numpy.ndarray or None
        Query samples of SIMILARITY, or their embeddings, float32 of shape (n_query, n_features).
    strategy_table : mapping
        Strategies by type; pass `{**STRATEGIES, "MINE": Strategy(…)}` for a home-made one.
    on_event : Listener or None
        Gets the progress. If it raises `RunCanceled`, that exception carries the valid prefix as `.selection`.

    Returns
    -------
    Selection

    Raises
    ------
    SelectionError
        If the samples cannot give what was asked for.

    Examples
    --------
    >>> import pandas as pd
    >>> samples = Samples(
    ...     pd.DataFrame(index=["a.jpg", "b.jpg", "c.jpg"]), {"embeddings": [[0, 1], [0.6, 0.8], [1, 0]]}
    ... )
    >>> select(samples, 2, on_event=lambda event: None).filenames
    ['b.jpg', 'c.jpg']
    """
    on_event = on_event or ProgressBar()
    if not len(samples):
        raise SelectionError("select: there are no samples to select from")
    ordered, order = planning.in_name_order(samples)
    entries = plain_strategies(strategies, strategy_table)
    rows = [
        planning.named_rows(ordered, names, what)
        for names, what in ((preselected, "preselected"), (lock, "lock"), (ban, "ban"))
    ]
    planning.check_named(ordered, *rows)
    parts = planning.prepared(ordered, entries, strategy_table, seed, _vectors(query))
    smallest = planning.smallest_distance(minimum_distance, parts, ordered)
    allowed = planning.allowed_rows(ordered, parts, [*rows[0], *rows[1]], rows[2])
    can_stop = smallest > 0 or any(part.budget is not None or part.constraint for part in parts)
    n_free = int(allowed.sum()) + len(rows[1])
    n_picks = planning.size(n_samples, proportion_samples, len(samples), n_free, can_stop)
    plan = Plan(ordered, order, entries, parts, *rows, allowed, smallest, n_picks)
    return _run(plan, on_event)


def _vectors(query: Samples | np.ndarray | None) -> np.ndarray | None:
    if query is None:
        return None
    return query.embeddings if isinstance(query, Samples) else np.asarray(query, dtype=np.float32)


def _run(plan: Plan, on_event: Listener) -> Selection:
    for entry, part in zip(plan.entries, plan.parts, strict=True):
        if part.note:
            say(on_event, STEP, f"{entry['label']}: {part.note}")
    search = _search(plan)
    try:
        with Stage(on_event, STEP, total=plan.n_picks, unit="sample") as stage:
            search.run(plan.n_picks, stage.advance)
    except (RunCanceled, KeyboardInterrupt) as stop:
        search.picks.stopped = "canceled"
        stop.selection = _selection(plan, search.picks)  # type: ignore[union-attr]
        raise
    if search.picks.stopped:
        say(on_event, STEP, f"{len(search.picks.rows):,} samples selected; stopped: {search.picks.stopped}")
    return _selection(plan, search.picks)


def _search(plan: Plan) -> PlainSearch:
    terms = [part.term for part in plan.parts if part.term is not None and part.term.strength != 0]
    spacing = next((term for term in terms if isinstance(term, Diversity)), None)
    if spacing is None and plan.minimum_distance > 0:
        spacing = Diversity(plan.samples.embeddings)
    budgets = [part.budget for part in plan.parts if part.budget is not None]
    search = PlainSearch(terms, plan.allowed, spacing, plan.minimum_distance, budgets)
    search.seed(plan.preselected)
    for row in plan.lock:
        search.take([row])
    if all(isinstance(term, Diversity) for term in terms) and not plan.preselected and not plan.lock:
        search.take([_default_start(plan)])
    return search


def _default_start(plan: Plan) -> int:
    """Return the candidate nearest the mean of the candidates."""
    rows = np.flatnonzero(plan.allowed)
    vectors = plan.samples.embeddings
    return int(rows[np.argmin(squared_distances(vectors, rows, mean_point(vectors, rows)))])


def _selection(plan: Plan, picks: Picks) -> Selection:
    chosen = np.array(picks.rows, dtype=np.int64)
    names = plan.samples.filenames
    counted = np.array([*plan.preselected, *picks.rows], dtype=np.int64)
    strategies = [
        {
            "label": entry["label"],
            "input": entry["input"],
            "strategy": entry["strategy"],
            "strength": entry["strategy"].get("strength", 1.0),
            "asked": dict(part.asked),
            "got": dict(part.got(counted)),
            "note": part.note,
        }
        for entry, part in zip(plan.entries, plan.parts, strict=True)
    ]
    return Selection(
        filenames=[names[row] for row in picks.rows],
        rows=plan.order[chosen],
        preselected=[names[row] for row in plan.preselected],
        strategies=strategies,
        stopped=picks.stopped,
        n_asked=plan.n_picks,
        _compute={"table": lambda: _table(plan, picks)},
    )


def _table(plan: Plan, picks: Picks) -> Any:
    labels = [
        entry["label"]
        for entry, part in zip(plan.entries, plan.parts, strict=True)
        if part.term is not None and part.term.strength != 0
    ]
    nearest = None
    if "embeddings" in plan.samples.arrays:
        nearest = nearest_selected(plan.samples.embeddings, plan.preselected, picks)
    reasons = planning.reasons_of(plan, picks.stopped)
    if picks.stopped == TOO_NEAR:
        reasons = [TOO_NEAR if reason == picks.stopped else reason for reason in reasons]
    table = selection_table(plan.samples.filenames, picks, plan.preselected, reasons, labels, nearest)
    return table.iloc[np.argsort(plan.order)]
