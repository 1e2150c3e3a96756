"""The embedding check where labels are known: the 5-NN accuracy on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from lightly_nb.display.text import percent
from lightly_nb.embedding.small_pictures import small_pictures, tiny
from lightly_nb.errors import InputError
from lightly_nb.samples import Samples
from lightly_nb.samples.categories import FOLDER, codes_of, folders_of, is_categorical, metadata_columns
from lightly_nb.samples.embedding_check import (
    BETTER,
    NOT_WORTH,
    UNCLEAR,
    LabelAccuracy,
)
from lightly_nb.vectors.retrieval import neighbor_accuracy

MOST_LABELLED = 1000
"""Labelled samples that are used; of more, so many are drawn."""
FEWEST_LABELLED = 20
BETTER_FROM, WORTHLESS_BELOW = 0.2, 0.1
"""Share of what simple means leave wrong that the embeddings put right: the limits of the verdict."""


def accuracies(samples: Samples, labels: Any, seed: int) -> tuple[LabelAccuracy, ...]:
    """Return the 5-NN accuracy on `labels`, and on every categorical column of the table."""
    if labels is not None:
        name = labels if isinstance(labels, str) else "the labels"
        found = _accuracy(samples, name, _column(samples, labels), seed)
        if found is None:
            raise InputError(
                f"labels: at least {FEWEST_LABELLED} samples must have one, and at least two must differ; "
                "label some more"
            )
        return (found,)
    table = samples.table
    columns = {str(name): table[name] for name in metadata_columns(samples) if is_categorical(table[name])}
    each = [_accuracy(samples, f"'{name}'", values, seed) for name, values in columns.items()]
    return tuple(one for one in each if one is not None)


def verdict_on(found: LabelAccuracy) -> tuple[str, str]:
    """Return the verdict on an accuracy, and the sentence that explains it."""
    simple = max(found.majority, found.thumbnails or 0.0)
    better_by = found.accuracy - simple
    share = better_by / (1 - simple) if simple < 1 else 0.0
    noise = 2 * float(np.sqrt(max(found.accuracy * (1 - found.accuracy), 0.01) / found.n_labelled))
    verdict = UNCLEAR
    if share < WORTHLESS_BELOW:
        verdict = NOT_WORTH
    elif share >= BETTER_FROM and better_by > noise:
        verdict = BETTER
    right = percent(max(0.0, share))
    return verdict, (
        f"{found.text}: of what the better of the two leaves wrong, {right} is right (below "
        f"{percent(WORTHLESS_BELOW)} not worth selecting from, from {percent(BETTER_FROM)} on better than "
        "thumbnails)"
    )


def _column(samples: Samples, labels: Any) -> pd.Series:
    """Return one label a sample, missing where there is none."""
    if isinstance(labels, str):
        if labels == FOLDER:
            return folders_of(samples.table.index)
        if labels not in samples.table:
            names = [FOLDER, *(str(name) for name in metadata_columns(samples))]
            raise InputError(f"labels: the samples have no column '{labels}'; allowed are {', '.join(names)}")
        return samples.table[labels]
    if isinstance(labels, Mapping):
        samples.rows_of(list(labels))
        return pd.Series([labels.get(name) for name in samples.filenames], dtype="object")
    column = pd.Series(list(labels), dtype="object")
    if len(column) != len(samples):
        raise InputError(
            f"labels: got {len(column)} for {len(samples)} samples; give one a sample (None for those "
            "without), or a mapping from file name to label"
        )
    return column


def _accuracy(samples: Samples, name: str, column: pd.Series, seed: int) -> LabelAccuracy | None:
    codes = codes_of(column.reset_index(drop=True))[0]
    rows = np.flatnonzero(codes >= 0)
    if len(rows) > MOST_LABELLED:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_LABELLED, replace=False))
    used = codes[rows]
    counts = np.bincount(used) if len(used) else np.zeros(1, dtype=np.int64)
    n_classes = int((counts > 0).sum())
    if len(rows) < FEWEST_LABELLED or n_classes < 2:
        return None
    pictures, places = small_pictures(samples, rows)
    has_pictures = len(places) == len(rows)
    return LabelAccuracy(
        name=name,
        n_labelled=len(rows),
        n_classes=n_classes,
        accuracy=neighbor_accuracy(samples.embeddings[rows], used),
        majority=float(counts.max() / len(rows)),
        thumbnails=neighbor_accuracy(tiny(pictures), used) if has_pictures else None,
    )
