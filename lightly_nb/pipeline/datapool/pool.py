"""The datapool: what earlier runs have selected, and which files they have looked at.

Its folder holds

- `datapool_latest.csv`: the embeddings of all selected samples, as the model computed them (embeddings CSV);
  a sample whose row is taken out is no longer in the pool
- `datapool_samples.parquet`: what else is known of them, with their thumbnails
- `datapool_processed.parquet`: every file that a run has looked at
- `datapool.json`: the model and the input folder
- `history/`: earlier states of `datapool_latest.csv`

A run reads it before any work and replaces it when all else is done: all files are written aside first and
then renamed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lightly_nb.embeddings_csv import folder_labels, read_embeddings_csv, write_embeddings_csv
from lightly_nb.errors import InputError, RunError
from lightly_nb.files import written_aside
from lightly_nb.pipeline.precomputed_embeddings import PRESELECTED
from lightly_nb.samples import Samples, quarantine_table

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

LATEST = "datapool_latest.csv"
JPEG = "thumbnail_jpeg"
OF_A_RUN = (PRESELECTED, "thumbnail", JPEG)
"""Columns of a sample table that mean something in one run only."""
STAGE = "datapool"


@dataclass(frozen=True, eq=False)
class Datapool:
    """What earlier runs leave to the next one.

    Parameters
    ----------
    samples : Samples
        Everything selected so far, with the array `embeddings` as the model computed it.
    processed : pandas.DataFrame
        One row per file looked at so far, index the name: `content_hash` (text, '' where unknown) and
        `unusable_version` (text: the version of a file that could not be decoded, '' for all others).
    model : str
        Fingerprint of the model; '' where unknown.
    input : str
        Folder or URL that the names are relative to; '' for a new pool.
    """

    samples: Samples
    processed: pd.DataFrame
    model: str = ""
    input: str = ""

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def n_features(self) -> int | None:
        """Features of an embedding; None for a pool without samples."""
        return self.samples.embeddings.shape[1] if len(self) else None


def processed_table(rows: Iterable[tuple[str, str, str]] = ()) -> pd.DataFrame:
    """Return the table `Datapool.processed` of (name, content hash, version if it was unusable)."""
    columns = ["filename", "content_hash", "unusable_version"]
    return pd.DataFrame(list(rows), columns=columns, dtype="object").set_index("filename")


def read_datapool(folder: str | Path) -> Datapool:
    """Read the datapool of a folder; a folder without one is an empty datapool.

    Raises
    ------
    InputError
        If its files are damaged.
    """
    folder = Path(folder)
    if not (folder / "datapool.json").is_file():
        return Datapool(Samples(pd.DataFrame()), processed_table())
    try:
        facts = json.loads((folder / "datapool.json").read_text(encoding="utf-8"))
        processed = pd.read_parquet(folder / "datapool_processed.parquet").set_index("filename")
        table = pd.read_parquet(folder / "datapool_samples.parquet").set_index("filename")
        samples = Samples(pd.DataFrame())
        if _has_rows(folder / LATEST):
            selected = read_embeddings_csv(folder / LATEST)
            known = table.reindex(pd.Index(selected.filenames, dtype="object"))
            samples = Samples(known, {"embeddings": selected.embeddings})
        return Datapool(samples, processed, facts["model"], facts["input"])
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"datapool '{folder}': cannot be read ({error}); put its files back from a copy, or give another "
            "folder to begin a new datapool"
        ) from error


def _has_rows(path: Path) -> bool:
    with path.open(encoding="utf-8") as lines:
        next(lines, None)
        return bool(next(lines, "").strip())


def write_datapool(folder: str | Path, pool: Datapool, *, keep_history: bool = True) -> None:
    """Replace the datapool of a folder; with `keep_history` its last state joins `history/`.

    Raises
    ------
    RunError
        If a file cannot be written (a full disk); the datapool is then as it was.
    """
    folder = Path(folder)
    table = pool.samples.table.reset_index()
    facts = {"model": pool.model, "input": pool.input}
    write: dict[str, Any] = {
        "datapool_processed.parquet": pool.processed.reset_index().to_parquet,
        "datapool_samples.parquet": table.to_parquet,
        LATEST: partial(_write_csv, pool.samples),
        "datapool.json": lambda path: path.write_text(json.dumps(facts), encoding="utf-8"),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if keep_history:
            _keep(folder)
        with ExitStack() as whole:  # renamed in reverse order, once all of them are written
            for name, write_to in write.items():
                write_to(whole.enter_context(written_aside(folder / name)))
    except OSError as error:
        raise RunError(
            f"datapool '{folder}': could not be written ({error.strerror or error}); it is as it was. Free "
            "some space or mend the folder's permissions, then go on with: lightly-nb resume"
        ) from error


def _keep(folder: Path) -> None:
    latest = folder / LATEST
    if not latest.is_file():
        return
    stamp = datetime.fromtimestamp(latest.stat().st_mtime).strftime("%Y-%m-%d_%H-%M-%S-%f")
    (folder / "history").mkdir(exist_ok=True)
    with written_aside(folder / "history" / f"datapool_{stamp}.csv") as aside:
        shutil.copyfile(latest, aside)


def _write_csv(samples: Samples, path: Path) -> None:
    if not len(samples):
        path.write_text("filenames,labels\n", encoding="utf-8")
        return
    write_embeddings_csv(path, samples.filenames, samples.embeddings, folder_labels(samples.filenames))


def check_model(pool: Datapool, model: str, n_features: int | None, where: str) -> None:
    """Raise `InputError` if embeddings of this model cannot stand beside those of the datapool.

    `model` is its fingerprint, '' where unknown; `n_features` None where unknown.
    """
    if not len(pool):
        return
    if n_features is not None and n_features != pool.n_features:
        raise InputError(
            f"datapool '{where}': its embeddings have {pool.n_features} features, those of this run have "
            f"{n_features}; use the model that it was made with, or begin a new datapool in another folder"
        )
    if model and pool.model and model != pool.model:
        raise InputError(
            f"datapool '{where}': its embeddings are of another model than those of this run, so distances "
            "between them mean nothing; use the model or checkpoint that it was made with (the earlier "
            "default is worker_config.model 'resnet-18/simclr/d32/w1.0'), or begin a new datapool in another "
            "folder"
        )


def new_files(samples: Samples, pool: Datapool, *, process_all: bool = False) -> Samples:
    """Return the listed samples that a run has to look at: those that no earlier run has.

    A file that could not be decoded is looked at again once it has changed. With `process_all`, all are
    returned that are not in the pool itself.
    """
    names = samples.table.index
    wanted = ~names.isin(pool.samples.table.index)
    if not process_all:
        seen = pool.processed.reindex(names)
        unusable = seen["unusable_version"].fillna("").astype(str).to_numpy()
        version = samples.table.get("version", pd.Series("", index=names)).astype(str).to_numpy()
        was_seen = names.isin(pool.processed.index)
        wanted &= ~was_seen | ((unusable != "") & (unusable != version))
    return samples.take(wanted)


def without_known_content(samples: Samples, pool: Datapool) -> Samples:
    """Return samples without those that have the content of a file of another name seen before."""
    if "content_hash" not in samples.table or pool.processed.empty:
        return samples
    known = pool.processed[pool.processed["content_hash"] != ""]
    in_pool = known.index.isin(pool.samples.table.index)
    first = {text: str(name) for name, text in known["content_hash"][~in_pool].items()}
    first |= {text: str(name) for name, text in known["content_hash"][in_pool].items()}
    pairs = zip(samples.filenames, samples.table["content_hash"], strict=True)
    return samples.without(
        quarantine_table(
            {
                "filename": name,
                "stage": STAGE,
                "reason": f"same content as '{first[text]}', which an earlier run has processed",
                "what_to_do": "nothing, or delete one of them",
                "duplicate_of": first[text],
            }
            for name, text in pairs
            if first.get(text, name) != name
        )
    )


def with_datapool(samples: Samples, pool: Datapool) -> Samples:
    """Return the samples of a run and those of the pool, which count as selected already.

    The rows of the pool come last, in name order, and have `preselected` true. Of the arrays only
    `embeddings` is kept: read predictions afterwards, for all of them. Thumbnails are left to
    `joined_thumbnails`.
    """
    earlier = pool.samples.take(np.argsort(np.array(pool.samples.filenames, dtype=object), kind="stable"))
    earlier = earlier.with_columns({PRESELECTED: True})
    if not len(samples):
        return replace(earlier, quarantine=samples.quarantine, source=samples.source)
    if PRESELECTED not in samples.table:
        samples = samples.with_columns({PRESELECTED: False})
    if not len(earlier):
        return samples
    table = pd.concat([samples.table, earlier.table])
    table[PRESELECTED] = table[PRESELECTED].astype(bool)
    embeddings = np.concatenate([samples.embeddings, earlier.embeddings])
    return replace(samples, table=table, arrays={"embeddings": embeddings}, predictions={})


def joined_thumbnails(samples: Samples, path: Path) -> Samples:
    """Return samples of `with_datapool` with the pool's thumbnails in one pack with their own, at `path`."""
    from lightly_nb.samples.thumbnails import ThumbnailPack, write_thumbnails

    if JPEG not in samples.table:
        return samples
    kept = [jpeg if isinstance(jpeg, bytes) else b"" for jpeg in samples.table[JPEG]]
    table = samples.table.drop(columns=JPEG)
    if not any(kept) and not samples.has_thumbnails:
        return replace(samples, table=table)
    write_thumbnails(path, (jpeg or samples.thumbnail(row) for row, jpeg in enumerate(kept)))
    return replace(
        samples, table=table.assign(thumbnail=np.arange(len(table))), thumbnails=ThumbnailPack(path)
    )


def processed_by(listed: pd.DataFrame, samples: Samples) -> pd.DataFrame:
    """Return the table `Datapool.processed` of one run.

    Parameters
    ----------
    listed : pandas.DataFrame
        Columns `filename` and `version` of every file of the run.
    samples : Samples
        Its usable samples, with its quarantine. What it left out because the user's embeddings have no row
        for it, or mask it, does not count as processed.
    """
    from lightly_nb.pipeline.precomputed_embeddings import STAGE as GIVEN

    version = dict(zip(listed["filename"], listed["version"], strict=True))
    left_out = samples.quarantine.set_index("filename")
    not_processed = set(left_out.index[left_out["stage"] == GIVEN])
    unusable = set(left_out.index[left_out["duplicate_of"].isna()]) - not_processed
    no_hash = pd.Series("", index=samples.table.index)
    hashes = samples.table.get("content_hash", no_hash).fillna("").to_dict()
    return processed_table(
        (name, hashes.get(name, ""), (version[name] or "unknown") if name in unusable else "")
        for name in version
        if name not in not_processed
    )


def updated(
    pool: Datapool,
    samples: Samples,
    selection: Selection,
    processed: pd.DataFrame,
    *,
    model: str = "",
    input_url: str = "",
) -> Datapool:
    """Return the pool after a run: with what it has selected, and the files that it has looked at.

    Parameters
    ----------
    pool : Datapool
        As it was before the run.
    samples : Samples
        Those of the run, with embeddings as the model computed them. The vectors of samples that are in the
        pool already are left as they were.
    selection : Selection
        Of these samples.
    processed : pandas.DataFrame
        What `processed_by` returns of the run.
    model, input_url : str
        Of the run; kept unless the pool has its own.
    """
    chosen = np.concatenate([samples.rows_of(selection.preselected), selection.rows]).astype(np.int64)
    taken = samples.take(chosen)
    added = taken.take(~taken.table.index.isin(pool.samples.table.index))
    added = replace(
        added.with_columns({JPEG: [added.thumbnail(row) or None for row in range(len(added))]}),
        arrays={"embeddings": added.embeddings},
        thumbnails=None,
        predictions={},
    )
    table = added.table.drop(columns=[name for name in OF_A_RUN if name != JPEG and name in added.table])
    parts = [part for part in (pool.samples.table, table) if len(part)]
    vectors = [part.embeddings for part in (pool.samples, added) if len(part)]
    joined = Samples(pd.concat(parts), {"embeddings": np.concatenate(vectors)}) if parts else pool.samples
    older = pool.processed[~pool.processed.index.isin(processed.index)]
    return Datapool(
        joined,
        pd.concat([part for part in (older, processed) if len(part)] or [processed]),
        pool.model if len(pool) else model,
        pool.input or input_url,
    )
