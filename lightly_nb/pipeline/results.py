"""Writing the results of a run into its folder, and reading them back."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lightly_nb.datasource import open_datasource
from lightly_nb.embeddings_csv import folder_labels, write_embeddings_csv
from lightly_nb.errors import RunError
from lightly_nb.reading.crops import crop_source
from lightly_nb.runfolder import RunFolder, write_aside, write_lines, write_text
from lightly_nb.samples import QUARANTINE_COLUMNS, Predictions, Samples
from lightly_nb.samples.embedding_check import EmbeddingCheck
from lightly_nb.samples.predictions_file import read_predictions_file
from lightly_nb.selection import Selection

if TYPE_CHECKING:
    from lightly_nb.samples.thumbnails import ThumbnailPack

COMPUTED = "computed_embeddings"
_SELECTION_FIELDS = ("filenames", "rows", "preselected", "strategies", "stopped", "n_asked")


def save_samples(folder: RunFolder, samples: Samples, normalize_embeddings: bool) -> None:
    """Write table, arrays, quarantine and CSVs; `samples.parquet` last: once it is there, all of them are.

    With `normalize_embeddings` the array `embeddings` is at unit length, and the embeddings as the model
    computed them are kept as `computed_embeddings`.
    """
    from lightly_nb.embedding.embed import unit_length

    check = samples.embedding_check
    normalized = samples.with_array("embeddings", unit_length(samples.embeddings))
    write_embeddings(folder.embeddings, samples, samples)
    write_embeddings(folder.normalized_embeddings, normalized, samples)
    if normalize_embeddings:
        samples = normalized.with_array(COMPUTED, samples.embeddings)
    for name, array in samples.arrays.items():
        write_aside(folder.arrays / f"{name}.npy", partial(_save_array, array))
    save_quarantine(folder, samples.quarantine)
    if check is not None:
        write_text(folder.embedding_check, json.dumps(check.to_dict(), ensure_ascii=False))
    write_aside(folder.samples, samples.table.reset_index().to_parquet)


def save_listed_files(folder: RunFolder, samples: Samples) -> None:
    """Write name and version of every file that the run looks at, right after listing."""
    names = samples.table.index.to_series()
    table = pd.DataFrame({"filename": names, "version": samples.table.get("version", "")})
    write_aside(folder.listed_files, partial(table.to_parquet, index=False))


def save_quarantine(folder: RunFolder, quarantine: pd.DataFrame) -> None:
    """Write the quarantine table, and the lists of corrupt and of duplicate file names."""
    is_duplicate = quarantine["duplicate_of"].notna()
    write_lines(folder.corrupt_filenames, quarantine["filename"][~is_duplicate])
    write_lines(folder.duplicate_filenames, quarantine["filename"][is_duplicate])
    write_aside(folder.quarantine, lambda path: quarantine.to_csv(path, index=False))


def load_samples(folder: RunFolder, input_url: str, storage_options: Any = None) -> Samples:
    """Read the samples of a run back, with their source; arrays are memory-mapped.

    Raises
    ------
    RunError
        If the run has not embedded its samples (yet).
    """
    samples = load_samples_without_source(folder)
    source = open_datasource(input_url, storage_options=storage_options)
    return replace(samples, source=crop_source(source, samples.table))


def load_samples_without_source(folder: RunFolder) -> Samples:
    """Read the samples of a run back as `load_samples` does, for those who read no images."""
    if not folder.samples.is_file():
        raise RunError(
            f"the run in '{folder.path}' has no embedded samples; wait for it, or see its state and log.txt"
        )
    table = pd.read_parquet(folder.samples).set_index("filename")
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.arrays.glob("*.npy"))}
    return Samples(
        table,
        arrays,
        load_quarantine(folder),
        thumbnails=_thumbnails(folder),
        layouts=folder.layouts,
        embedding_check=load_embedding_check(folder),
        predictions=load_predictions(folder, table),
    )


def load_predictions(folder: RunFolder, table: pd.DataFrame) -> dict[str, Predictions]:
    """Read the predictions of the samples of `table`, by task: what was read and what the run made."""
    made = [read_predictions_file(path) for path in folder.made_predictions_files()]
    return {**_read_predictions(folder, table), **{one.task.name: one for one in made}}


def _read_predictions(folder: RunFolder, table: pd.DataFrame) -> dict[str, Predictions]:
    files = folder.predictions_files()
    if not files:
        return {}
    names = pd.read_parquet(folder.annotations_table, columns=["filename"])["filename"]
    rows = pd.Index(names).get_indexer(pd.Index(table.index))
    if len(rows) and (rows < 0).all():  # the samples are crops, whose predictions the run has made
        return {}
    kept = (read_predictions_file(path) for path in files)
    return {one.task.name: one.take(rows) for one in kept}


def load_embedding_check(folder: RunFolder) -> EmbeddingCheck | None:
    """Read what the embedding check of a run has found, None where it was not made."""
    if not folder.embedding_check.is_file():
        return None
    return EmbeddingCheck.from_dict(json.loads(folder.embedding_check.read_text(encoding="utf-8")))


def load_quarantine(folder: RunFolder) -> pd.DataFrame:
    """Read the quarantine table of a run."""
    read = pd.read_csv(
        folder.quarantine, dtype="object", keep_default_na=False, na_values={"duplicate_of": ""}
    )
    return read[list(QUARANTINE_COLUMNS)]


def save_selection(
    folder: RunFolder, samples: Samples, selection: Selection, dump_sampled_embeddings: bool
) -> None:
    """Write the selection, its file name lists and its embeddings; `selection.json` last."""
    preselected = samples.rows_of(selection.preselected)
    removed = np.ones(len(samples), dtype=bool)
    removed[selection.rows] = removed[preselected] = False
    write_lines(folder.sampled_filenames, selection.filenames)
    write_lines(folder.removed_filenames, samples.table.index[removed])
    if dump_sampled_embeddings:
        computed = samples.with_array("embeddings", samples.arrays.get(COMPUTED, samples.embeddings))
        both = computed.take(np.concatenate([preselected, selection.rows]))
        write_embeddings(folder.selected_embeddings, computed.take(selection.rows), samples)
        write_embeddings(folder.selected_embeddings_including_datapool, both, samples)
    write_aside(folder.selection_table, selection.table().reset_index().to_parquet)
    content = {name: getattr(selection, name) for name in _SELECTION_FIELDS}
    write_text(folder.selection, json.dumps({**content, "rows": selection.rows.tolist()}, ensure_ascii=False))


def load_selection(folder: RunFolder) -> Selection:
    """Read the selection of a run back.

    Raises
    ------
    RunError
        If the run has not selected (yet).
    """
    if not folder.selection.is_file():
        raise RunError(f"the run in '{folder.path}' has no selection; wait for it, or see its log.txt")
    content = json.loads(folder.selection.read_text(encoding="utf-8"))
    return Selection.from_dict({**content, "table": pd.read_parquet(folder.selection_table)})


def write_embeddings(path: Path, samples: Samples, all_samples: Samples) -> None:
    """Write an embeddings CSV whose labels are sub-folder numbers among `all_samples`."""
    labels = pd.Series(folder_labels(all_samples.filenames), index=all_samples.table.index)
    write_aside(
        path,
        lambda temporary: write_embeddings_csv(
            temporary, samples.filenames, samples.embeddings, labels.loc[samples.table.index].to_numpy()
        ),
    )


def _save_array(array: np.ndarray, path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, array)


def _thumbnails(folder: RunFolder) -> ThumbnailPack | None:
    from lightly_nb.samples.thumbnails import ThumbnailPack

    if folder.thumbnails.exists():
        return ThumbnailPack(folder.thumbnails)
    if folder.old_thumbnails.exists():
        warnings.warn(
            f"'{folder.old_thumbnails}' holds thumbnails in the form of version 0.1, which is no longer "
            "read: the samples of this run have none. To see pictures, run on the images again, or call "
            "lightly_nb.embed on them; the file can be deleted",
            UserWarning,
            stacklevel=4,
        )
    return None
