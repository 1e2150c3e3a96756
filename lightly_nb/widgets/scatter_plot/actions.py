"""What the buttons of the scatter do, as functions on samples and rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lightly_nb.errors import InputError
from lightly_nb.samples import Samples

if TYPE_CHECKING:
    from lightly_nb.events import Listener
    from lightly_nb.selection import Selection


def more_like(samples: Samples, rows: np.ndarray, n: int, leave_out: Sequence[int] = ()) -> np.ndarray:
    """Return the `n` samples most like those of `rows`, most alike first, int64.

    Alike is the cosine between a sample's embedding and the mean direction of the embeddings of `rows`.

    Parameters
    ----------
    leave_out : sequence of int
        Rows that must not come back; `rows` themselves never do.

    Raises
    ------
    InputError
        If `rows` is empty or `n` below 1.
    """
    if not len(rows):
        raise InputError("more like these: no samples are in the lasso; draw one or set `selected` first")
    if n < 1:
        raise InputError(f"more like these: n is {n}; allowed are 1 and more")
    vectors = samples.embeddings
    asked = vectors[rows]
    direction = (asked / _lengths(asked)[:, None]).mean(axis=0)
    likeness = vectors @ direction / _lengths(vectors)
    likeness[rows] = -np.inf
    likeness[np.asarray(leave_out, dtype=np.int64)] = -np.inf
    likeness = np.where(np.isnan(likeness), -np.inf, likeness)
    best = np.argsort(-likeness, kind="stable")[:n]
    return best[np.isfinite(likeness[best])].astype(np.int64)


def select_around(
    samples: Samples,
    picks: Selection | None,
    around: np.ndarray,
    locked: np.ndarray,
    banned: np.ndarray,
    n_samples: int | None,
    on_event: Listener | None = None,
    **options: Any,
) -> Selection:
    """Select again: `around` counts as selected, the locked are picked, the banned are not.

    Parameters
    ----------
    picks : Selection or None
        Where the strategies, the preselected samples and the default of `n_samples` (as many picks as before)
        come from.
    options : Any
        Handed to `lightly_nb.select`, for example `strategies`.
    """
    from lightly_nb.selection import select

    names = np.array(samples.filenames, dtype=object)
    if n_samples is None and "proportion_samples" not in options:
        if picks is None:
            raise InputError("reselect: n_samples is needed, as there is no selection to take it from")
        n_samples = len(picks)
    if picks is not None:
        as_before = [{"input": entry["input"], "strategy": entry["strategy"]} for entry in picks.strategies]
        options = {"strategies": as_before, **options}
    before = list(picks.preselected) if picks is not None else []
    settled = set(names[locked]) | set(names[banned])
    preselected = [name for name in dict.fromkeys([*before, *names[around]]) if name not in settled]
    return select(
        samples,
        n_samples,
        preselected=preselected,
        lock=list(names[locked]),
        ban=list(names[banned]),
        on_event=on_event,
        **options,
    )


def described(samples: Samples, rows: np.ndarray, picks: Selection | None) -> pd.DataFrame:
    """Return the table of `rows`, with `row` and, given picks, `selected`, `step` and `reason`."""
    table = samples.table.iloc[rows].copy()
    table.insert(0, "row", rows)
    if picks is not None:
        why = picks.table()[["selected", "step", "reason"]].reindex(table.index)
        fresh = [name for name in why.columns if name not in table.columns]
        table = table.join(why[fresh])
    return table


def _lengths(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1)
    return np.where(lengths > 0, lengths, 1)
