"""A run that repeats another one: whether its files are those that the first one looked at."""

from __future__ import annotations

from contextlib import closing

import pandas as pd

from lightly_nb.engines import local
from lightly_nb.errors import InputError
from lightly_nb.events import Listener, Stage, say
from lightly_nb.pipeline.circumstances import changed_files, named
from lightly_nb.pipeline.job import Job
from lightly_nb.runfolder import RunFolder
from lightly_nb.samples import Samples

STEP = "LOADING_DATASET"


def compared_with_first(job: Job, folder: RunFolder, listed: Samples, emit: Listener) -> Samples:
    """Return the listed samples of a run, for one that repeats another run as far as `job.if_changed` allows.

    What was added, removed or changed since the first run is said.

    Raises
    ------
    InputError
        If something was, and is not allowed.
    """
    if not folder.first_files.is_file():
        return listed
    first = pd.read_parquet(folder.first_files).set_index("filename")
    now = _versions_now(job, listed, emit)
    added = [str(name) for name in now.index[~now.index.isin(first.index)]]
    removed = [str(name) for name in first.index[~first.index.isin(now.index)]]
    assert listed.source is not None
    changed = changed_files(listed.source, first, now, emit, STEP)
    found = {"added": added, "removed": removed, "changed": changed}
    parts = [f"{len(names):,} {what} {named(names)}" for what, names in found.items() if names]
    if not parts:
        return listed
    said = f"since the run that this one repeats, files of {job.input} were {', '.join(parts)}"
    if job.if_changed == "refuse" or (job.if_changed == "same_files" and (removed or changed)):
        raise InputError(
            f"{said}: nothing was computed. Put the files back, or rerun with if_changed='go_on' to repeat "
            "the run on the files of now"
        )
    if job.if_changed == "same_files":
        say(emit, STEP, f"{said}; those are left out", "warning")
        return listed.take(listed.table.index.isin(first.index))
    say(emit, STEP, f"{said}; the selection is among the files of now", "warning")
    return listed


def _versions_now(job: Job, listed: Samples, emit: Listener) -> pd.Series:
    """Return the version of each file; a list of files, which was kept, is looked up again."""
    names = listed.table.index
    if job.listing is None:
        versions = listed.table["version"].astype(str) if "version" in listed.table else ""
        return pd.Series(versions, index=names, dtype="object")
    look = getattr(listed.source, "look", None)
    if look is None:
        return pd.Series("", index=names, dtype="object")
    found = {}
    with Stage(emit, STEP, len(names), "file") as stage, closing(local.map(look, map(str, names))) as entries:
        for entry in entries:
            stage.advance()
            if not entry.refused:
                found[entry.name] = entry.version
    return pd.Series(found, dtype="object")
