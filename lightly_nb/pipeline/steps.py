"""The order of the steps of a run, and its states: the only place that knows them.

`execute` works on a run folder, in whatever process it is called: a run inline, in the background and
on another machine are the same run. A step whose result is already in the folder is not done again,
so to go on with an interrupted run is to execute it once more.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightly_nb.config import SelectionConfig, WorkerConfig, to_dict
from lightly_nb.datasource import open_datasource
from lightly_nb.embeddings_csv import EmbeddingsTable, read_embeddings_csv
from lightly_nb.errors import ConfigError, InputError, RunCanceled, RunError
from lightly_nb.events import Event, Listener, combined, say
from lightly_nb.pipeline import results
from lightly_nb.pipeline.given import preselected_names, with_given_embeddings
from lightly_nb.pipeline.job import Job, load_job
from lightly_nb.pipeline.log import log_event, run_log
from lightly_nb.pipeline.owner import owned
from lightly_nb.runfolder import RunFolder, append_event
from lightly_nb.samples import Samples
from lightly_nb.states import RunState

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

SECONDS_BETWEEN_CANCEL_CHECKS = 0.1

REPORT_PACKAGES = ("matplotlib", "umap", "bokeh", "fpdf")

NOT_BUILT_YET = (
    "relevant_filenames_file",
    "checkpoint_run_id",
    "dump_dataset",
    "pretagging",
    "selected_sequence_length",
    "use_datapool",
    "object_level",
)
"""Keys of worker_config whose feature is still to come: refused unless at their default."""


def execute(
    folder: RunFolder,
    *,
    storage_options: Mapping[str, Any] | None = None,
    on_event: Listener | None = None,
) -> None:
    """Do, or go on with, the run of `folder`, from its configuration to its results.

    Every event goes to `events.jsonl` and then to `on_event`. The run's last event is its end state.

    Raises
    ------
    RunCanceled
        If the run was canceled; what it had finished is in the folder.
    LightlyNBError
        If the run failed; the same message is in its last event, the traceback in `log.txt`.
    """
    job = load_job(folder)
    emit = combined(partial(append_event, folder), log_event, _stop_when_asked(folder), on_event)
    with owned(folder), run_log(folder):
        try:
            _enter(emit, RunState.STARTED, "run started")
            _steps(job, folder, storage_options, emit)
        except (RunCanceled, KeyboardInterrupt) as error:
            _end(folder, on_event, RunState.ABORTED, str(error) or "interrupted from the keyboard")
            raise
        except Exception as error:
            _end(folder, on_event, RunState.FAILED, f"{type(error).__name__}: {error}")
            raise


def _steps(job: Job, folder: RunFolder, storage_options: Any, emit: Listener) -> None:
    _enter(emit, RunState.INITIALIZING, "checking the configuration, the model and the folders")
    selection_config = _refuse_what_is_not_built(job)
    start = _starting_point(job)
    if not folder.samples.is_file():
        samples = _embedded_samples(job, folder, start, storage_options, emit)
        results.save_samples(folder, samples, job.configs.worker.normalize_embeddings)
        shutil.rmtree(folder.chunks, ignore_errors=True)
    samples = results.load_samples(folder, job.input, storage_options)
    if not folder.selection.is_file():
        _enter(emit, RunState.SAMPLING, f"selecting from {len(samples):,} samples")
        selection = _selected(samples, selection_config, job.configs.lightly.seed, emit)
        _enter(emit, RunState.SAVING_RESULTS, f"saving {len(selection):,} selected samples")
        results.save_selection(folder, samples, selection, job.configs.worker.dump_sampled_embeddings)
    selection = results.load_selection(folder)
    if job.configs.worker.generate_report and not folder.report_json.is_file():
        _report(folder, samples, selection, emit)
    _enter(emit, RunState.COMPLETED, f"{len(selection):,} of {len(samples):,} samples selected")


def _embedded_samples(
    job: Job, folder: RunFolder, start: Path | EmbeddingsTable | None, storage_options: Any, emit: Listener
) -> Samples:
    _enter(emit, RunState.LOADING_DATASET, f"listing {job.input}")
    samples = _listed(job, folder, storage_options, emit)
    _refuse_impossible_size(job, len(samples))
    if isinstance(start, EmbeddingsTable):
        _enter(emit, RunState.CHECKING_CORRUPTNESS, f"checking {len(samples):,} images")
        return with_given_embeddings(_checked(job, samples, emit), start, job.configs.worker.embeddings)
    if _trains(job):
        _enter(emit, RunState.TRAINING, f"training on {len(samples):,} images")
        start = _trained(job, folder, samples, start, emit)
    _enter(emit, RunState.EMBEDDING, "one pass: checks, metadata, thumbnails and embeddings")
    return _embedded(job, folder, samples, start, emit)


def _report(folder: RunFolder, samples: Samples, selection: Selection, emit: Listener) -> None:
    missing = [name for name in REPORT_PACKAGES if find_spec(name) is None]
    if missing:
        advice = "install them with: pip install 'lightly_nb[report]', then: lightly-nb resume"
        say(emit, "GENERATING_REPORT", f"no report without {', '.join(missing)}; {advice}", "warning")
        return
    from lightly_nb.report import run_facts, write_report

    _enter(emit, RunState.GENERATING_REPORT, "drawing the report")
    write_report(samples, selection, run_facts(folder), folder, on_event=emit)


def _enter(emit: Listener, state: RunState, message: str) -> None:
    emit(Event(time=time.time(), state=state.value, step=state.value, message=message, level="info"))


def _end(folder: RunFolder, on_event: Listener | None, state: RunState, message: str) -> None:
    event = Event(time=time.time(), state=state.value, step=state.value, message=message, level="error")
    with suppress(RunError):  # a full disk: the handle sees a dead process without an end state, CRASHED
        append_event(folder, event)
    if on_event is not None:
        on_event(event)


def _stop_when_asked(folder: RunFolder) -> Listener:
    checked_at = 0.0

    def check(event: Event) -> None:
        nonlocal checked_at
        now = time.monotonic()
        if now - checked_at < SECONDS_BETWEEN_CANCEL_CHECKS or event.get("state") == RunState.COMPLETED:
            return
        checked_at = now
        if folder.cancel.exists():
            raise RunCanceled(
                f"run canceled during {event['step']}; what was finished is kept in '{folder.path}'. "
                "Go on with it with: lightly-nb resume"
            )

    return check


def _refuse_what_is_not_built(job: Job) -> SelectionConfig:
    given, default = to_dict(job.configs.worker), to_dict(WorkerConfig())
    for key in NOT_BUILT_YET:
        if given[key] != default[key]:
            raise ConfigError(
                f"worker_config.{key}: got {given[key]!r}, but this version cannot do that yet; "
                f"leave it at {default[key]!r}"
            )
    if job.configs.selection is None:
        raise ConfigError("selection_config: got none; give exactly one of n_samples and proportion_samples")
    return job.configs.selection


def _trains(job: Job) -> bool:
    return job.configs.worker.enable_training and job.configs.lightly.trainer.max_epochs > 0


def _starting_point(job: Job) -> Path | EmbeddingsTable | None:
    """Return the checkpoint or embeddings to start from, read before any work; None: train from nothing."""
    from lightly_nb.models import load_checkpoint, pretrained

    worker, lightly = job.configs.worker, job.configs.lightly
    if worker.embeddings:
        return read_embeddings_csv(Path(job.shared_dir, worker.embeddings))
    if worker.checkpoint:
        path = Path(job.shared_dir, worker.checkpoint)
        if not _trains(job):
            return load_checkpoint(path).path
        model = lightly.model
        return load_checkpoint(path, name=model.name, width=model.width, num_ftrs=model.num_ftrs).path
    if _trains(job):
        return None
    return pretrained(lightly.model.name, lightly.model.num_ftrs, lightly.model.width)


def _listed(job: Job, folder: RunFolder, storage_options: Any, emit: Listener) -> Samples:
    from lightly_nb.reading import list_samples

    source = open_datasource(job.input, storage_options=storage_options)
    if job.listing is not None:
        return Samples(job.listing.sort_index(), source=source)
    return list_samples(source, exclude=[job.output_dir], on_event=emit)


def _refuse_impossible_size(job: Job, n_listed: int) -> None:
    size = job.configs.selection.n_samples if job.configs.selection else None
    if size is not None and size > n_listed:
        raise InputError(
            f"selection_config.n_samples: asked for {size:,} samples, but '{job.input}' has {n_listed:,} "
            "image files; ask for at most that many, or for a share with proportion_samples"
        )


def _trained(job: Job, folder: RunFolder, samples: Samples, checkpoint: Path | None, emit: Listener) -> Path:
    from lightly_nb.training import train

    return train(
        samples,
        checkpoint=checkpoint,
        output_dir=folder.path,
        lightly_config=job.configs.lightly,
        on_event=emit,
    )


def _embedded(
    job: Job, folder: RunFolder, samples: Samples, checkpoint: Path | None, emit: Listener
) -> Samples:
    from lightly_nb.embedding import embed

    worker = job.configs.worker
    return embed(
        samples,
        checkpoint,
        normalize_embeddings=False,
        decode=worker.decode,
        enable_corruptness_check=worker.enable_corruptness_check,
        remove_exact_duplicates=worker.remove_exact_duplicates,
        num_workers=worker.num_threads,
        thumbnail_size=worker.thumbnail_size,
        thumbnails_path=folder.thumbnails,
        chunks_dir=folder.chunks,
        on_event=emit,
    )


def _checked(job: Job, samples: Samples, emit: Listener) -> Samples:
    from lightly_nb.checks import check

    worker = job.configs.worker
    return check(
        samples,
        decode=worker.decode,
        enable_corruptness_check=worker.enable_corruptness_check,
        remove_exact_duplicates=worker.remove_exact_duplicates,
        num_workers=worker.num_threads,
        on_event=emit,
    )


def _selected(samples: Samples, config: SelectionConfig, seed: int, emit: Listener) -> Selection:
    from lightly_nb.selection import select

    return select(
        samples,
        config.n_samples,
        proportion_samples=config.proportion_samples,
        strategies=config.strategies,
        preselected=preselected_names(samples),
        seed=seed,
        on_event=emit,
    )
