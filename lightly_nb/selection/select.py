"""`select`: the one call. It plans, runs the greedy loop, and returns a `Selection`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lightly_nb.errors import RunCanceled, SelectionError
from lightly_nb.events import Listener, ProgressBar, Stage, say
from lightly_nb.samples import Samples, as_samples
from lightly_nb.samples.arguments import FUNCTION, MAPPING, accepts
from lightly_nb.selection import notes
from lightly_nb.selection import plan as planning
from lightly_nb.selection.engine import Search, nearest_the_mean, search_for, steering_terms
from lightly_nb.selection.facility import FacilityLocation
from lightly_nb.selection.outcome import selection_of
from lightly_nb.selection.plan import Names, Plan
from lightly_nb.selection.query import query_vectors
from lightly_nb.selection.result import Selection
from lightly_nb.selection.settings import plain_strategies
from lightly_nb.selection.strategies import STRATEGIES
from lightly_nb.selection.strategy import Strategy
from lightly_nb.selection.terms import Diversity
from lightly_nb.vectors.threads import threads_for

STEP = "SAMPLING"


@accepts(strategy_table=MAPPING, on_event=FUNCTION)
def select(
    samples: Samples | Any,
    n_samples: int | None = None,
    *,
    proportion_samples: float | None = None,
    strategies: Sequence[Any] | None = None,
    minimum_distance: float | None = None,
    preselected: Names = (),
    lock: Names = (),
    ban: Names = (),
    seed: int = 0,
    query: Any = None,
    strategy_table: Mapping[str, Strategy] | None = None,
    on_event: Listener | None = None,
) -> Selection:
    """Choose the samples worth labelling, greedily, by one or several strategies.

    The answer depends on the samples (file names, embeddings, values) and not on their order; ties are
    broken by file name. The first k of n picks are the picks for k, except under a `target_range`.

    Parameters
    ----------
    samples : Samples, array, DataFrame, …
        With the arrays and columns that the strategies read (see `lightly_nb.selection.inputs`); or
        embeddings of your own, a row per sample, in any form that `Samples.from_embeddings` takes.
    n_samples : int or None
        Number of samples to pick, on top of the preselected ones.
    proportion_samples : float or None
        The same as a share in (0, 1] of `samples`, rounded down, at least 1. With neither, a stopping
        condition must be given.
    strategies : sequence or None
        `[{"input": {"type": …}, "strategy": {"type": …}}, …]`, or parsed config models; their order has
        no effect. None is FACILITY_LOCATION on EMBEDDINGS.
    minimum_distance : float or None
        Candidates nearer than this to a selected sample are skipped, in [0, 2]; needs embeddings of unit
        length.
    preselected : Selection, sequence of str, Samples or DataFrame
        What counts as selected before the first pick: file names, or what holds them. Of a selection that is
        what it picked and what was preselected for it.
    lock : Selection, sequence of str, Samples or DataFrame
        What must be selected: it is picked first, in file-name order, and counts. At most `n_samples`.
    ban : Selection, sequence of str, Samples or DataFrame
        What must not be selected.
    seed : int
        Seed of the RANDOM input where it has none of its own, and of the random selections of the curve.
    query : Samples, array, sequence of str, Selection, mapping or None
        Query samples of SIMILARITY, their embeddings of shape (n_query, n_features), or names among
        `samples`; or those of several strategies, by their input's `(dataset_id, tag_name)` or `tag_name`.
    strategy_table : mapping or None
        Strategies by type. None: `lightly_nb.selection.STRATEGIES`; pass
        `{**STRATEGIES, "MINE": Strategy(…)}` for a home-made one.
    on_event : Listener or None
        Gets the progress. If it raises `RunCanceled`, that exception carries the valid prefix as
        `.selection`.

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
    >>> from lightly_nb.events import silent
    >>> samples = Samples(
    ...     pd.DataFrame(index=["a.jpg", "b.jpg", "c.jpg"]), {"embeddings": [[0, 1], [0.6, 0.8], [1, 0]]}
    ... )
    >>> select(samples, 2, on_event=silent).filenames
    ['b.jpg', 'c.jpg']
    """
    on_event = on_event or ProgressBar()
    samples = as_samples(samples, "select")
    if not len(samples):
        raise SelectionError("select: there are no samples to select from")
    planning.check_seed(seed)
    strategy_table = STRATEGIES if strategy_table is None else strategy_table
    ordered, order = planning.in_name_order(samples)
    entries = plain_strategies(strategies, strategy_table, query is not None)
    queries = query_vectors(query, samples, entries)
    before, locked, banned = (
        planning.named_rows(ordered, names, what)
        for names, what in ((preselected, "preselected"), (lock, "lock"), (ban, "ban"))
    )
    planning.check_named(ordered, before, locked, banned)
    parts = planning.prepared(ordered, entries, strategy_table, seed, queries)
    smallest = planning.smallest_distance(minimum_distance, parts, ordered)
    zeros = planning.zero_embeddings(ordered, entries)
    allowed = planning.allowed_rows(ordered, parts, [*before, *locked], banned)
    parts = notes.with_notes(ordered, entries, parts, locked, zeros)
    if not notes.come_last(parts):
        allowed[zeros] = False
    can_stop = smallest > 0 or any(part.budget is not None or part.constraint for part in parts)
    n_free = int(allowed.sum()) + len(locked)
    n_picks = planning.size(n_samples, proportion_samples, len(samples), n_free, can_stop, len(locked))
    _warn_of_embeddings(samples, entries, on_event)
    plan = Plan(
        ordered, order, entries, parts, before, locked, banned, allowed, smallest, n_picks, seed, zeros
    )
    return _run(plan, on_event)


def _warn_of_embeddings(samples: Samples, entries: Sequence[Mapping[str, Any]], on_event: Listener) -> None:
    """Say so where a strategy looks at embeddings that the embedding check has refused."""
    check = samples.embedding_check
    looks = any(entry["input"].get("type") == "EMBEDDINGS" for entry in entries)
    if check is not None and check.is_refused and looks:
        say(on_event, STEP, f"{check.short}. {check.what_to_do}", "warning")


def _run(plan: Plan, on_event: Listener) -> Selection:
    for entry, part in zip(plan.entries, plan.parts, strict=True):
        if part.note:
            say(on_event, STEP, f"{entry['label']}: {part.note}", "warning" if part.warns else "info")
    return continued(plan, started(plan), plan.n_picks, on_event)


def started(plan: Plan) -> Search:
    """Return a search that has the preselected and locked samples, and a first one if it needs it."""
    search = search_for(plan)
    search.seed(plan.preselected)
    for term in steering_terms(plan):
        if isinstance(term, FacilityLocation):
            term.n_before = len(plan.preselected)
    search.take(plan.lock)
    kinds = {type(term) for term in steering_terms(plan)}
    if kinds == {Diversity} and not plan.preselected and not plan.lock:
        search.take([nearest_the_mean(plan.samples.embeddings, np.flatnonzero(plan.allowed))])
    return search


def continued(plan: Plan, search: Search, n_picks: int, on_event: Listener) -> Selection:
    """Return the selection of `n_picks`: what `search` has already, or as many more steps as it takes."""

    def selection() -> Selection:
        return selection_of(plan, search.picks.first(n_picks), n_picks, extend)

    def extend(n_more: int, listener: Listener) -> Selection:
        return continued(plan, search, n_more, listener)

    n_before = len(search.picks.rows)
    if n_picks > n_before and not search.picks.stopped:
        try:
            with threads_for(_size(plan)), Stage(on_event, STEP, total=n_picks, unit="sample") as stage:
                stage.advance(n_before)
                search.run(n_picks, stage.advance)
        except (RunCanceled, KeyboardInterrupt) as stop:
            stop.selection = replace(selection(), stopped="canceled")  # type: ignore[union-attr]
            raise
        if search.picks.stopped:
            got = f"{len(search.picks.rows):,} of {n_picks:,} samples selected"
            say(on_event, STEP, f"{got}; stopped: {search.picks.stopped}", "warning")
        made = selection()
        for label, text in notes.found_at_the_end(plan.parts, made.strategies):
            say(on_event, STEP, f"{label}: {text}", "warning")
        return made
    return selection()


def _size(plan: Plan) -> int:
    """Return how many numbers the search works on: all embeddings, or the similarities of all pairs."""
    if any(isinstance(term, FacilityLocation) for term in steering_terms(plan)):
        return len(plan.samples) ** 2
    return int(plan.samples.arrays["embeddings"].size) if "embeddings" in plan.samples.arrays else 0
