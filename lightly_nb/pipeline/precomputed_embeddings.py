"""Embeddings that the user brings along, in place of training and embedding."""

from __future__ import annotations

import pandas as pd

from lightly_nb.embeddings_csv import EmbeddingsTable
from lightly_nb.errors import InputError
from lightly_nb.samples import Samples, quarantine_table

STAGE = "given embeddings"
PRESELECTED = "preselected"


def with_precomputed_embeddings(samples: Samples, precomputed: EmbeddingsTable, path: str) -> Samples:
    """Return the samples that `given` has embeddings for, with them and with the column `preselected`.

    Samples that are masked or have no row go to quarantine; rows without a sample are passed over.

    Raises
    ------
    InputError
        If no sample is left.
    """
    rows = pd.Index(precomputed.filenames).get_indexer(pd.Index(samples.filenames))
    masked = (rows >= 0) & precomputed.masked[rows]
    left_out = quarantine_table(
        {
            "filename": name,
            "stage": STAGE,
            "reason": "masked in the embeddings file" if is_masked else "no row in the embeddings file",
            "what_to_do": f"change its row in {path}" if is_masked else f"add a row for it to {path}",
        }
        for name, row, is_masked in zip(samples.filenames, rows, masked, strict=True)
        if row < 0 or is_masked
    )
    if len(left_out) == len(samples):
        raise InputError(
            f"worker_config.embeddings: '{path}' has {len(precomputed.filenames):,} rows, but none that "
            f"counts for the {len(samples):,} samples; its names must be relative to the input folder, "
            f"for example '{samples.filenames[0]}', got '{precomputed.filenames[0]}'"
        )
    usable = rows[(rows >= 0) & ~masked]
    kept = samples.without(left_out).with_columns({PRESELECTED: precomputed.selected[usable]})
    return kept.with_array("embeddings", precomputed.embeddings[usable])


def preselected_names(samples: Samples) -> list[str]:
    """Return the names of the samples that count as selected already."""
    if PRESELECTED not in samples.table:
        return []
    return [str(name) for name in samples.table.index[samples.table[PRESELECTED].to_numpy(dtype=bool)]]
