"""`run` and `start`, and what makes, opens and repeats a run folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Unpack

from lightly_nb.config import parse_configs
from lightly_nb.events import Listener, ProgressBar
from lightly_nb.pipeline.detector import importable_name, imported_detector
from lightly_nb.pipeline.gate import refuse_impossible_job
from lightly_nb.pipeline.job_file import load_job, save_job
from lightly_nb.pipeline.making_job import as_job
from lightly_nb.pipeline.options import (
    IF_CHANGED,
    KINDS,
    STORAGE,
    IfChanged,
    RunOptions,
    StorageOptions,
    as_path,
    configs_asked_for,
    storage_of,
    with_options,
)
from lightly_nb.pipeline.run_handle import Run, start_process
from lightly_nb.pipeline.steps import execute
from lightly_nb.runfolder import DEFAULT_OUTPUT_DIR, RunFolder
from lightly_nb.samples.arguments import FUNCTION, PATH, accepts


@accepts(**KINDS, on_event=FUNCTION)
@with_options(RunOptions)
def run(
    source: Any,
    output_dir: str | os.PathLike[str] = DEFAULT_OUTPUT_DIR,
    *,
    on_event: Listener | None = None,
    **options: Unpack[RunOptions],
) -> Run:
    """Train, embed and select, here and now, with progress bars; return the finished run.

    Parameters
    ----------
    source : str, path, sequence of paths, pandas.DataFrame or Samples
        Where the images are: a folder or URL, a list of files, or a table with a path column.
    output_dir : str or path
        The run folder is made below it: `{output_dir}/{DATE}/{TIME}`.
    n_samples, proportion_samples : int or float, optional
        How many samples to select, or which share in (0, 1] of the usable ones. Exactly one of the two,
        here or in `selection_config`.
    strategies : sequence, optional
        Selection strategies; None is FACILITY_LOCATION of the embeddings.
    worker_config, lightly_config, selection_config : mapping or model, optional
        The platform's configurations, nested or with dotted keys; see docs/configuration.md.
    shared_dir : str or path, optional
        Folder that `worker_config.checkpoint` and `.embeddings` are relative to; None is the current one.
    storage_options : mapping, optional
        What fsspec needs to reach `source`. Never written anywhere.
    lightly_source : str or path, optional
        The LIGHTLY datasource: folder or URL that holds `.lightly/` with relevant filenames, predictions
        and metadata. None: `source` is both.
    lightly_storage_options : mapping, optional
        What fsspec needs to reach `lightly_source`. Never written anywhere.
    datapool : str or path, optional
        Folder of the datapool, made if it is not there. What earlier runs with it have selected counts as
        selected already, only files that are new since then are processed (unless
        `worker_config.datasource.process_all`), and what this run selects is added once all else is done.
        None: the folder `datapools/NAME` in `shared_dir` for `worker_config.datapool.name`, else no datapool.
    checkpoint : str or path, optional
        The checkpoint file to start from, in place of `worker_config.checkpoint`; what
        `worker_config.checkpoint_run_id` stands for.
    detector : callable, optional
        The detector of the pretagging, in place of `worker_config.pretagging_detector`: `(list of uint8 RGB
        arrays) -> boxes, scores, labels`, as in `lightly_nb.pretag`. A run in the background needs a function
        at the top of a module that can be imported.
    queries : mapping, optional
        Of each tag that a SIMILARITY strategy names the query samples: `{tag_name: samples}` or
        `{(dataset_id, tag_name): samples}`, as `Samples`, an array of embeddings, or the path of an
        embeddings CSV.
    on_event : callable, optional
        Gets every event; None shows progress bars.

    Returns
    -------
    Run
        The handle: `.samples`, `.selection`, `.path`, ….

    Raises
    ------
    ConfigError, InputError, DatasourceError, CheckpointError, SelectionError
        Before any work where that can be known; nothing that was there before is touched.
    RunCanceled
        If the run was canceled from elsewhere; what it had finished is kept.
    """
    folder, storage = prepare(source, output_dir, **options), storage_of(options)
    execute(folder, **storage, detector=options.get("detector"), on_event=on_event or ProgressBar())
    return Run(folder.path, **storage)


@accepts(**KINDS)
@with_options(RunOptions)
def start(
    source: Any,
    output_dir: str | os.PathLike[str] = DEFAULT_OUTPUT_DIR,
    **options: Unpack[RunOptions],
) -> Run:
    """Do the same as `run` in a background process and return its handle at once.

    The run goes on when the cell is interrupted and when the kernel dies; `open_run` finds it again.
    Errors of the configuration are those of `run`; those of the work itself are told by `Run.state`,
    `Run.message` and `Run.wait`.

    Parameters
    ----------
    source, output_dir, **options
        As in `run`.
    """
    if (detector := options.get("detector")) is not None:
        imported_detector(importable_name(detector))
    folder, storage = prepare(source, output_dir, **options), storage_of(options)
    start_process(folder, **storage, imports_like_here=detector is not None)
    return Run(folder.path, **storage)


@accepts(**KINDS)
@with_options(RunOptions)
def prepare(
    source: Any,
    output_dir: str | os.PathLike[str] = DEFAULT_OUTPUT_DIR,
    **options: Unpack[RunOptions],
) -> RunFolder:
    """Make the run folder of `run` or `start`, all parameters checked, and do nothing else yet.

    `execute` does the run, here or in another process.

    Parameters
    ----------
    source, output_dir, **options
        As in `run`.
    """
    asked = configs_asked_for(options)
    job = as_job(source, parse_configs(**asked), output_dir, options)
    refuse_impossible_job(job)
    return save_job(job, asked)


@accepts(path=PATH, **STORAGE)
@with_options(StorageOptions)
def open_run(path: str | os.PathLike[str], **options: Unpack[StorageOptions]) -> Run:
    """Return the handle of the run in folder `path`, alive or ended, whoever started it.

    Raises
    ------
    RunError
        If the folder is not one of a run.
    """
    return Run(path, **options)


@accepts(path=PATH, output_dir=PATH, if_changed=IF_CHANGED, on_event=FUNCTION, **STORAGE)
@with_options(StorageOptions)
def rerun(
    path: str | os.PathLike[str],
    output_dir: str | os.PathLike[str] | None = None,
    *,
    if_changed: IfChanged = "go_on",
    on_event: Listener | None = None,
    **options: Unpack[StorageOptions],
) -> Run:
    """Repeat the run of folder `path` in a new run folder, from its configuration alone.

    On the same machine and the same files the selection is the same, bit for bit, whatever the number of
    threads that torch has now; but with a datapool, which has grown since, the run goes on from there. What
    differs is said: files, weights, versions.

    Parameters
    ----------
    path : str or path
        Of the first run.
    output_dir : str or path, optional
        The new run folder is made below it; None is where the first one was made.
    if_changed : "go_on", "refuse" or "same_files"
        If files of the input were added, removed or changed since, or the weights replaced: to go on with
        what is there now and say so, to refuse, or to leave out what was added and refuse the rest.
    **options
        `storage_options` and `lightly_storage_options`, as in `run`.
    on_event : callable, optional
        Gets every event; None shows progress bars.

    Raises
    ------
    RunError
        If the folder is not one of a run.
    InputError, CheckpointError
        If something has changed and `if_changed` does not allow it.
    """
    first = RunFolder(Path(as_path(path, "path")))
    job = load_job(first).again(output_dir, if_changed)
    refuse_impossible_job(job)
    folder = save_job(job, {"rerun": {"of": str(first.path)}}, first)
    execute(folder, **options, on_event=on_event or ProgressBar())
    return Run(folder.path, **options)
