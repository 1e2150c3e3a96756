"""Embeddings that the user brings along, in place of training and embedding."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from lightly_nb.embeddings_csv import EmbeddingsTable, read_embeddings_csv
from lightly_nb.errors import InputError
from lightly_nb.events import Listener, say, silent
from lightly_nb.pipeline.job import Job
from lightly_nb.samples import Samples, quarantine_table
from lightly_nb.samples.own_embeddings import posix_name
from lightly_nb.samples.quarantine import NOT_EMBEDDED

STEP = "CHECKING_CORRUPTNESS"
PRESELECTED = "preselected"
FLAGS = ("masked", "selected")


def given_embeddings(job: Job) -> EmbeddingsTable:
    """Return the embeddings that came with the samples of a job, or those of the file that it names.

    Raises
    ------
    InputError
        If the file is not there or none of embeddings with names.
    """
    if job.embeddings is not None and job.listing is not None:
        return _without_flags([str(name) for name in job.listing.index], job.embeddings)
    path = Path(job.shared_dir, job.configs.worker.embeddings)
    if path.suffix.lower() in ("", ".csv"):
        return read_embeddings_csv(path)
    if path.suffix.lower() == ".npy":
        raise InputError(
            f"worker_config.embeddings: '{path}' has no names; give a .csv, .parquet or .npz file with a "
            "column 'filenames', or lightly_nb.select the array itself"
        )
    samples = Samples.from_embeddings(path)
    table = _without_flags(samples.filenames, samples.embeddings)
    flags = {flag: samples.table[flag].fillna(0).astype(bool) for flag in FLAGS if flag in samples.table}
    masked, selected = (np.asarray(flags.get(flag, getattr(table, flag)), dtype=bool) for flag in FLAGS)
    return replace(table, masked=masked, selected=selected)


def _without_flags(names: list[str], embeddings: np.ndarray) -> EmbeddingsTable:
    no = np.zeros(len(names), dtype=bool)
    return EmbeddingsTable(names, embeddings, np.zeros(len(names), dtype=np.int64), masked=no, selected=no)


def with_precomputed_embeddings(
    samples: Samples,
    precomputed: EmbeddingsTable,
    path: str,
    folder: str = "",
    on_event: Listener | None = None,
) -> Samples:
    """Return the samples that there are embeddings for, with them and with the column `preselected`.

    Samples that are masked or have no row go to quarantine, and are told; so are rows without a sample.

    Parameters
    ----------
    samples : Samples
        Checked.
    precomputed : EmbeddingsTable
        The embeddings. Names may be Windows paths, begin with './' or with `folder`.
    path : str
        What they are called in messages.
    folder : str
        Folder or URL of the input.
    on_event : callable, optional
        Gets the warnings.

    Raises
    ------
    InputError
        If no sample is left.
    """
    rows = _rows_of(samples, precomputed, path, folder)
    masked = (rows >= 0) & precomputed.masked[rows]
    left_out = quarantine_table(
        {
            "filename": name,
            "stage": NOT_EMBEDDED,
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
    _tell(samples, precomputed, rows, masked, path, on_event or silent)
    usable = rows[(rows >= 0) & ~masked]
    kept = samples.without(left_out).with_columns({PRESELECTED: precomputed.selected[usable]})
    return kept.with_array("embeddings", precomputed.embeddings[usable])


def _rows_of(samples: Samples, precomputed: EmbeddingsTable, path: str, folder: str) -> np.ndarray:
    """Return the row of each sample, -1 for none; names that do not fit are tried as paths of other forms."""
    wanted = pd.Index(samples.filenames, dtype="object")
    rows = np.asarray(pd.Index(precomputed.filenames, dtype="object").get_indexer(wanted))
    if (rows >= 0).all():
        return rows
    exact = set(samples.filenames)
    start = folder.removeprefix("file://").rstrip("/") + "/"
    plain = [
        name if name in exact else posix_name(name).removeprefix(start) for name in precomputed.filenames
    ]
    repeated = [name for name, count in Counter(plain).items() if count > 1 and name in exact]
    if repeated:
        raise InputError(f"worker_config.embeddings: '{path}' has several rows for {repeated[:3]}; keep one")
    index = pd.Index(plain, dtype="object")
    return (
        np.asarray(index.drop_duplicates().get_indexer(wanted)) if index.is_unique else _first(index, wanted)
    )


def _first(index: pd.Index, wanted: pd.Index) -> np.ndarray:
    first = {name: row for row, name in reversed(list(enumerate(index)))}
    return np.array([first.get(name, -1) for name in wanted], dtype=np.intp)


def _tell(
    samples: Samples,
    precomputed: EmbeddingsTable,
    rows: np.ndarray,
    masked: np.ndarray,
    path: str,
    on_event: Listener,
) -> None:
    names = np.array(samples.filenames, dtype=object)
    unused = np.setdiff1d(np.arange(len(precomputed.filenames)), rows[rows >= 0])
    known = set(samples.quarantine["filename"])
    elsewhere = [name for row in unused if (name := posix_name(precomputed.filenames[row])) not in known]
    for found, what in (
        (names[rows < 0].tolist(), f"images have no row in {path}, so they cannot be selected"),
        (names[masked].tolist(), f"images are masked in {path}, so they are not selected"),
        (elsewhere, f"rows of {path} are of no image of the input, so they are not used"),
    ):
        if found:
            say(on_event, STEP, f"{len(found):,} {what}; first: {', '.join(map(repr, found[:3]))}", "warning")


def preselected_names(samples: Samples) -> list[str]:
    """Return the names of the samples that count as selected already."""
    if PRESELECTED not in samples.table:
        return []
    return [str(name) for name in samples.table.index[samples.table[PRESELECTED].to_numpy(dtype=bool)]]
