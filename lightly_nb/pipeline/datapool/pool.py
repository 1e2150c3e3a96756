"""The datapool: what earlier runs have selected, and which files they have looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lightly_nb.errors import InputError
from lightly_nb.pipeline.precomputed_embeddings import PRESELECTED
from lightly_nb.samples import Samples, quarantine_table
from lightly_nb.samples.quarantine import is_not_embedded, is_unusable

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

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
        One row per file looked at so far, index the name: `content_hash` (text, '' where unknown),
        `unusable_version` (text: the version of a file that could not be decoded, '' for all others) and
        `version` (text: that of the file when it was listed, '' where unknown).
    model : str
        Fingerprint of the model; '' where unknown.
    input : str
        Folder or URL that the names are relative to; '' for a new pool.
    n_written : int or None
        How many samples the last run wrote: more than there are, if rows were taken out since. None: unknown.
    """

    samples: Samples
    processed: pd.DataFrame
    model: str = ""
    input: str = ""
    n_written: int | None = None

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def n_features(self) -> int | None:
        """Features of an embedding; None for a pool without samples."""
        return self.samples.embeddings.shape[1] if len(self) else None


def processed_table(rows: Iterable[tuple[str, ...]] = ()) -> pd.DataFrame:
    """Return the table `Datapool.processed` of (name, content hash, version if it was unusable, version)."""
    columns = ["filename", "content_hash", "unusable_version", "version"]
    padded = [(*row, "")[: len(columns)] for row in rows]
    return pd.DataFrame(padded, columns=columns, dtype="object").set_index("filename")


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


def new_files(
    samples: Samples, pool: Datapool, *, process_all: bool = False, changed: Collection[str] = ()
) -> Samples:
    """Return the listed samples that a run has to look at: those that no earlier run has.

    A file that could not be decoded is looked at again once it has changed, and so is one of `changed`.

    Parameters
    ----------
    samples : Samples
        All that are listed.
    pool : Datapool
        What earlier runs left.
    process_all : bool
        Whether all are returned that are not in the pool itself.
    changed : collection of str
        Names that are looked at again whether they are in the pool or not.
    """
    names = samples.table.index
    again = names.isin(list(changed))
    wanted = ~names.isin(pool.samples.table.index)
    if not process_all:
        seen = pool.processed.reindex(names)
        unusable = seen["unusable_version"].fillna("").astype(str).to_numpy()
        version = samples.table.get("version", pd.Series("", index=names)).astype(str).to_numpy()
        was_seen = names.isin(pool.processed.index)
        wanted &= ~was_seen | ((unusable != "") & (unusable != version))
    return samples.take(wanted | again)


def without_changed(pool: Datapool, changed: Collection[str]) -> Datapool:
    """Return the pool without what it knows of files whose content is another one now."""
    if not len(changed):
        return pool
    names = list(changed)
    kept = pool.samples.take(~pool.samples.table.index.isin(names)) if len(pool) else pool.samples
    return replace(pool, samples=kept, processed=pool.processed[~pool.processed.index.isin(names)])


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
    if "looked_at" in listed:
        listed = listed[listed["looked_at"].astype(bool)]
    version = dict(zip(listed["filename"], listed["version"], strict=True))
    left_out = samples.quarantine.set_index("filename")
    not_processed = set(left_out.index[is_not_embedded(left_out)])
    unusable = set(left_out.index[is_unusable(left_out)])
    no_hash = pd.Series("", index=samples.table.index)
    hashes = samples.table.get("content_hash", no_hash).fillna("").to_dict()
    return processed_table(
        (
            name,
            hashes.get(name, ""),
            (version[name] or "unknown") if name in unusable else "",
            str(version[name] or ""),
        )
        for name in version
        if name not in not_processed
    )


def with_versions(pool: Datapool, listed: pd.DataFrame) -> Datapool:
    """Return the pool with the versions that the files have in a listing whose content is as it was."""
    if "looked_at" not in listed or pool.processed.empty:
        return pool
    seen = listed[~listed["looked_at"].astype(bool)].set_index("filename")["version"].astype(str)
    seen = seen[seen != ""]
    both = pool.processed.index.intersection(seen.index)
    processed = pool.processed.copy()
    processed.loc[both, "version"] = seen.loc[both]
    return replace(pool, processed=processed)


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
    pool = without_changed(pool, _changed(pool.processed, processed))
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


def _changed(before: pd.DataFrame, now: pd.DataFrame) -> list[str]:
    """Return the names of the files that were looked at again and have another content."""
    both = before.index.intersection(now.index)
    then, hashes = before.loc[both, "content_hash"], now.loc[both, "content_hash"]
    return [str(name) for name in both[(then != "") & (hashes != "") & (then != hashes)]]
