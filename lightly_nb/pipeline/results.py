"""Writing the results of a run into its folder, and reading them back."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lightly_nb.datasource import open_datasource
from lightly_nb.display.spreadsheet import as_it_was, defused
from lightly_nb.embeddings_csv import folder_labels, write_embeddings_csv
from lightly_nb.errors import RunError
from lightly_nb.reading.crops import crop_source
from lightly_nb.runfolder import RunFolder, write_aside, write_lines, write_text
from lightly_nb.samples import QUARANTINE_COLUMNS, Predictions, Samples
from lightly_nb.samples.embedding_check import EmbeddingCheck
from lightly_nb.samples.predictions_file import read_predictions_file
from lightly_nb.samples.quarantine import is_duplicate, is_unusable
from lightly_nb.samples.table_file import read_table, write_table
from lightly_nb.selection import Selection
from lightly_nb.vectors.directions import unit_length

if TYPE_CHECKING:
    from lightly_nb.samples.thumbnails import ThumbnailPack

COMPUTED = "computed_embeddings"
_SELECTION_FIELDS = ("filenames", "rows", "preselected", "strategies", "stopped", "n_asked")


def save_samples(folder: RunFolder, samples: Samples, normalize_embeddings: bool) -> None:
    """Write table, arrays, quarantine and CSVs; `samples.parquet` last: once it is there, all of them are.

    With `normalize_embeddings` the array `embeddings` is at unit length, and the embeddings as the model
    computed them are kept as `computed_embeddings`.
    """
    check = samples.embedding_check
    if normalize_embeddings:
        normalized = samples.with_array("embeddings", unit_length(samples.embeddings, np.float32))
        samples = normalized.with_array(COMPUTED, samples.embeddings)
    write_embeddings_csvs(folder, samples)
    for name, array in samples.arrays.items():
        write_aside(folder.arrays / f"{name}.npy", partial(_save_array, array))
    save_quarantine(folder, samples.quarantine)
    if check is not None:
        write_text(folder.embedding_check, json.dumps(check.to_dict(), ensure_ascii=False))
    arrays = [folder.arrays / f"{name}.npy" for name in samples.arrays]
    note_sizes(folder, [*arrays, *of_samples(folder), folder.quarantine, folder.embedding_check])
    write_aside(folder.samples, partial(write_table, samples.table))


def write_embeddings_csvs(folder: RunFolder, samples: Samples) -> None:
    """Write the embeddings as computed, and at unit length."""
    computed = samples.with_array("embeddings", samples.arrays.get(COMPUTED, samples.embeddings))
    write_embeddings(folder.embeddings, computed, samples)
    normalized = samples.with_array("embeddings", unit_length(computed.embeddings, np.float32))
    write_embeddings(folder.normalized_embeddings, normalized, samples)


def of_samples(folder: RunFolder) -> list[Path]:
    """Return the files that tell of the samples what `samples.parquet`, arrays and quarantine do."""
    lists = [folder.corrupt_filenames, folder.duplicate_filenames]
    return [folder.embeddings, folder.normalized_embeddings, folder.thumbnails, *lists]


def of_selection(folder: RunFolder) -> list[Path]:
    """Return the files that tell of the selection what `selection.json` and `selection.parquet` do."""
    lists = [folder.sampled_filenames, folder.removed_filenames]
    return [*lists, folder.selected_embeddings, folder.selected_embeddings_including_datapool]


def of_report(folder: RunFolder) -> list[Path]:
    """Return the files of a report, without its plots."""
    return [folder.report_json, folder.report_html, folder.report_pdf, folder.report_arrays]


def note_sizes(folder: RunFolder, paths: Iterable[Path]) -> None:
    """Note how large files are, so that one that is cut or deleted is noticed; absent ones are left out."""
    noted = _sizes(folder)
    for path in paths:
        if path.is_file():
            noted[path.relative_to(folder.path).as_posix()] = path.stat().st_size
    write_text(folder.sizes, json.dumps(noted))


def damaged(folder: RunFolder, paths: Iterable[Path]) -> list[Path]:
    """Return those of `paths` that the run has written and that are gone or shorter now."""
    noted, found = _sizes(folder), []
    for path in paths:
        size = noted.get(path.relative_to(folder.path).as_posix())
        if size is not None and (not path.is_file() or path.stat().st_size < size):
            found.append(path)
    return found


def noted_below(folder: RunFolder, below: Path) -> list[Path]:
    """Return the files below a folder of the run that it has written."""
    start = f"{below.relative_to(folder.path).as_posix()}/"
    return [folder.path / name for name in _sizes(folder) if name.startswith(start)]


def _sizes(folder: RunFolder) -> dict[str, int]:
    try:
        content = json.loads(folder.sizes.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def save_listed_files(
    folder: RunFolder, listed: Samples, looked_at: Samples | None = None, changed: Collection[str] = ()
) -> None:
    """Write name and version of every file of the listing, right after it, and which the run looks at.

    Parameters
    ----------
    folder : RunFolder
        Of the run.
    listed : Samples
        All files.
    looked_at : Samples or None
        Those that are new to the datapool of the run; None: all of them.
    changed : collection of str
        Those that are not looked at though they have changed: no version of theirs is known.
    """
    names = listed.table.index
    version = listed.table["version"].astype(str) if "version" in listed.table else pd.Series("", index=names)
    is_new = True if looked_at is None else names.isin(looked_at.table.index)
    version = version.where(~names.isin(list(changed)), "")
    table = pd.DataFrame({"filename": names.to_numpy(), "version": version.to_numpy(), "looked_at": is_new})
    write_aside(folder.listed_files, partial(table.to_parquet, index=False))


def save_quarantine(folder: RunFolder, quarantine: pd.DataFrame) -> None:
    """Write the quarantine table, and the lists of corrupt and of duplicate file names.

    Files without a row in given embeddings are in the table alone: nothing is wrong with them.
    """
    write_lines(folder.corrupt_filenames, quarantine["filename"][is_unusable(quarantine)])
    write_lines(folder.duplicate_filenames, quarantine["filename"][is_duplicate(quarantine)])
    safe = quarantine.map(lambda value: defused(value) if isinstance(value, str) else value)
    write_aside(folder.quarantine, lambda path: safe.to_csv(path, index=False))


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
    table = read_table(folder.samples)
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
    return read[list(QUARANTINE_COLUMNS)].map(
        lambda value: as_it_was(value) if isinstance(value, str) else value
    )


def save_selection(
    folder: RunFolder, samples: Samples, selection: Selection, dump_sampled_embeddings: bool
) -> None:
    """Write the selection, its file name lists and its embeddings; `selection.json` last."""
    write_selection_lists(folder, samples, selection, dump_sampled_embeddings)
    write_aside(folder.selection_table, selection.table().reset_index().to_parquet)
    note_sizes(folder, [*of_selection(folder), folder.selection_table])
    content = {name: getattr(selection, name) for name in _SELECTION_FIELDS}
    write_text(folder.selection, json.dumps({**content, "rows": selection.rows.tolist()}, ensure_ascii=False))


def write_selection_lists(
    folder: RunFolder, samples: Samples, selection: Selection, dump_sampled_embeddings: bool
) -> None:
    """Write the file name lists of a selection, and with `dump_sampled_embeddings` its embeddings."""
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
