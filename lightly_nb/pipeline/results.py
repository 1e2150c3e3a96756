"""Writing the results of a run into its folder, and reading them back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from lightly_nb.datasource import open_datasource
from lightly_nb.embeddings_csv import folder_labels, write_embeddings_csv
from lightly_nb.errors import RunError
from lightly_nb.runfolder import RunFolder, write_aside, write_lines
from lightly_nb.samples import QUARANTINE_COLUMNS, Samples
from lightly_nb.selection import Selection


def save_samples(folder: RunFolder, samples: Samples) -> None:
    """Write table, arrays and quarantine; `samples.parquet` last: once it is there, all of them are."""
    for name, array in samples.arrays.items():
        write_aside(folder.arrays / f"{name}.npy", lambda path, array=array: _save_array(path, array))
    save_quarantine(folder, samples.quarantine)
    write_aside(folder.samples, samples.table.reset_index().to_parquet)


def save_quarantine(folder: RunFolder, quarantine: pd.DataFrame) -> None:
    """Write the quarantine table, and the lists of corrupt and of duplicate file names."""
    is_duplicate = quarantine["duplicate_of"].notna()
    write_lines(folder.corrupt_filenames, quarantine["filename"][~is_duplicate])
    write_lines(folder.duplicate_filenames, quarantine["filename"][is_duplicate])
    write_aside(folder.quarantine, lambda path: quarantine.to_csv(path, index=False))


def load_samples(folder: RunFolder, input_url: str) -> Samples:
    """Read the samples of a run back; arrays are memory-mapped.

    Raises
    ------
    RunError
        If the run has not embedded its samples (yet).
    """
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
        source=open_datasource(input_url),
        thumbnails=_thumbnails(folder.thumbnails),
    )


def load_quarantine(folder: RunFolder) -> pd.DataFrame:
    """Read the quarantine table of a run."""
    return pd.read_csv(folder.quarantine, dtype="object", keep_default_na=False, na_values={"duplicate_of": ""})[
        list(QUARANTINE_COLUMNS)
    ]


def save_selection(folder: RunFolder, samples: Samples, selection: Selection) -> None:
    """Write the selection, its file name lists and its embeddings; `selection.json` last."""
    chosen = set(selection.rows.tolist()) | set(samples.rows_of(list(selection.preselected)).tolist())
    removed = np.array([row not in chosen for row in range(len(samples))], dtype=bool)
    write_lines(folder.sampled_filenames, selection.filenames)
    write_lines(folder.removed_filenames, samples.table.index[removed])
    newly = samples.take(selection.rows)
    write_embeddings(folder.selected_embeddings, newly, samples)
    write_embeddings(folder.selected_embeddings_including_datapool, samples.take(~removed), samples)
    write_aside(folder.selection, lambda path: path.write_text(selection.to_json(), encoding="utf-8"))


def write_embeddings(path: Path, samples: Samples, all_samples: Samples) -> None:
    """Write an embeddings CSV whose labels are sub-folder numbers among `all_samples`."""
    labels = pd.Series(folder_labels(all_samples.filenames), index=all_samples.table.index)
    write_aside(
        path,
        lambda temporary: write_embeddings_csv(
            temporary, samples.filenames, samples.embeddings, labels.loc[samples.table.index].to_numpy()
        ),
    )


def _save_array(path: Path, array: np.ndarray) -> None:
    with path.open("wb") as stream:
        np.save(stream, array)


def _thumbnails(path: Path):
    from lightly_nb.reading.thumbnails import ThumbnailPack

    return ThumbnailPack(path) if path.exists() else None


__all__ = [
    "load_quarantine",
    "load_samples",
    "save_quarantine",
    "save_samples",
    "save_selection",
    "write_embeddings",
    "replace",
]
