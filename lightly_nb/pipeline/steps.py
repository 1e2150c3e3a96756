"""The order of the steps of a run, and its states: the only place that knows them.

`execute` works on a run folder, in whatever process it is called: a run inline, in the background and
on another machine are the same run. A step whose result is already in the folder is not done again,
so to go on with an interrupted run is to execute it once more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lightly_nb.config import SelectionConfig
from lightly_nb.config.not_yet import without_effect
from lightly_nb.datasource import Datasource, open_datasource
from lightly_nb.embeddings_csv import EmbeddingsTable
from lightly_nb.errors import InputError, RunCanceled, RunError
from lightly_nb.events import Event, Listener, combined, say
from lightly_nb.lightly_source.relevant_filenames import RelevantFilenames, parse_relevant_filenames
from lightly_nb.pipeline import results
from lightly_nb.pipeline.annotations import check_data, read_annotations, scored, with_annotations
from lightly_nb.pipeline.circumstances import hash_of_file, note, settle, threads_held
from lightly_nb.pipeline.comparing import compared_with_first
from lightly_nb.pipeline.datapool.pool import held
from lightly_nb.pipeline.datapool.steps import (
    add_to_datapool,
    completion_message,
    files_to_process,
    joined,
    nothing_selected,
    opened_datapool,
    size_among_new,
    with_reason,
)
from lightly_nb.pipeline.detector import checked_inputs
from lightly_nb.pipeline.gate import refuse_impossible
from lightly_nb.pipeline.job import Job, load_job, restore_config
from lightly_nb.pipeline.object_level import (
    crops_of,
    full_images,
    keep_crops,
    renamed,
    save_full_images,
    upload_crops,
)
from lightly_nb.pipeline.options import check_listener
from lightly_nb.pipeline.precomputed_embeddings import preselected_names, with_precomputed_embeddings
from lightly_nb.pipeline.pretagging_step import detector_of, given_detector, pretagged, upload_pretagging
from lightly_nb.pipeline.process.ending import (
    ended_with,
    mark_failed,
    reopen_if_ended,
    stopped_by,
    waiting,
)
from lightly_nb.pipeline.process.lock import locked
from lightly_nb.pipeline.process.log import log_event, run_log
from lightly_nb.pipeline.query_embeddings import check_queries
from lightly_nb.pipeline.selection_inputs import Inputs, read_inputs
from lightly_nb.pipeline.starting_model import (
    newest_checkpoint,
    resolved,
    starting_point,
    trains,
    weights_file,
)
from lightly_nb.runfolder import RunFolder, append_event
from lightly_nb.samples import Samples, quarantine_table
from lightly_nb.signals import ending_signals
from lightly_nb.states import RunState
from lightly_nb.turns import in_turn

if TYPE_CHECKING:
    from lightly_nb.models import EmbeddingModel
    from lightly_nb.pipeline.datapool.pool import Datapool
    from lightly_nb.pretagging import Detector
    from lightly_nb.selection import Selection

SECONDS_BETWEEN_CANCEL_CHECKS = 0.1

REPORT_PACKAGES = ("matplotlib", "umap", "bokeh", "fpdf")


def execute(
    folder: RunFolder,
    *,
    storage_options: Mapping[str, Any] | None = None,
    lightly_storage_options: Mapping[str, Any] | None = None,
    detector: Detector | None = None,
    on_event: Listener | None = None,
) -> None:
    """Do, or go on with, the run of `folder`, from its configuration to its results.

    Every event goes to `events.jsonl` and then to `on_event`. The run's last event is its end state, also
    where the process is told to end: SIGTERM is an exit with 143. Threads of one process take turns.

    Parameters
    ----------
    folder : RunFolder
        Made by `prepare`.
    storage_options, lightly_storage_options : mapping, optional
        What fsspec needs to reach INPUT and LIGHTLY.
    detector : callable, optional
        That of the pretagging, if the run was given one that cannot be imported.
    on_event : callable, optional
        Gets every event.

    Raises
    ------
    RunCanceled
        If the run was canceled; what it had finished is in the folder.
    LightlyNBError
        If the run failed; the same message is in its last event, the traceback in `log.txt`.
    """
    check_listener(on_event)
    job = load_job(folder)
    stop = _stop_when_asked(folder)
    access = _Access(storage_options, lightly_storage_options)
    emit = combined(partial(append_event, folder), log_event, stop, on_event)
    tell = combined(partial(append_event, folder), on_event)  # the log belongs to who has the turn
    with locked(folder), ending_signals(lambda name: stopped_by(folder, name)):
        try:
            reopen_if_ended(folder)
            wait = waiting(tell, stop, RunState.STARTED, "waiting for other work of this process to end")
            with in_turn(wait), run_log(folder):
                _enter(emit, RunState.STARTED, "run started")
                _steps(job, folder, access, detector, emit, stop)
        except RunCanceled as error:
            _end(folder, on_event, RunState.ABORTED, str(error))
            raise
        except Exception as error:
            _end(folder, on_event, RunState.FAILED, f"{type(error).__name__}: {error}")
            mark_failed(error, folder)
            raise
        except BaseException as error:  # an interrupt, a signal, an exit: whoever asked for it
            _end(folder, on_event, RunState.ABORTED, ended_with(folder, error))
            raise


class _Access(NamedTuple):
    """What fsspec needs to reach the datasources of a run."""

    input: Mapping[str, Any] | None
    lightly: Mapping[str, Any] | None


def _steps(
    job: Job,
    folder: RunFolder,
    access: _Access,
    detector: Detector | None,
    emit: Listener,
    stop: Listener,
) -> None:
    from lightly_nb.pipeline import restoring

    _enter(emit, RunState.INITIALIZING, "checking the configuration, the model and the folders")
    selection_config = refuse_impossible(job.configs)  # of an old or a hand-made folder
    check_queries(selection_config, job.queries)
    worker = job.configs.worker
    if not folder.samples.is_file():
        detector = given_detector(job, detector)
    inputs = _inputs(job, _lightly(job, access))
    inputs = checked_inputs(inputs, selection_config, worker, detector, is_named=job.detector is None)
    restoring.sweep_leftovers(folder)
    restore_config(folder, job)
    for said in (*job.told, *without_effect(worker)):
        say(emit, RunState.INITIALIZING, said, "warning")
    with _datapool_held(job, emit, stop):
        samples = restoring.saved_samples(folder, emit)
        has_begun = samples is not None or (trains(job) and newest_checkpoint(folder) is not None)
        known = settle(folder, weights_file(job), emit, still_needed=not has_begun, if_changed=job.if_changed)
        with threads_held(known["threads"]):
            if samples is None:
                _make_samples(job, folder, access, inputs, detector, emit)
            restoring.sweep_chunks(folder)
            samples = results.load_samples(folder, job.input, access.input)
            restoring.restore_samples(folder, samples, worker, emit)
            samples = results.load_samples(folder, job.input, access.input)
            selection = restoring.saved_selection(folder, samples, emit)
            if selection is None:
                _select(job, folder, samples, selection_config, access, emit)
            selection = results.load_selection(folder)
            restoring.restore_selection(folder, samples, selection, worker, emit)
            if worker.crops.enable_upload:
                upload_crops(job, samples, selection, access.lightly, emit)
            if worker.dump_dataset:
                _dump(job, folder, samples, selection, emit)
            if worker.generate_report and not restoring.has_report(folder):
                _report(folder, samples, selection, emit)
        if job.datapool and worker.datasource.enable_datapool_update and not known.get("is_in_datapool"):
            add_to_datapool(job.datapool, folder)
            note(folder, is_in_datapool=True)
    _enter(emit, RunState.COMPLETED, completion_message(selection, samples, job.datapool is not None))


def _datapool_held(job: Job, emit: Listener, stop: Listener) -> AbstractContextManager[None]:
    """Hold the datapool that a run reads at its beginning and replaces at its end."""
    if job.datapool is None or not job.configs.worker.datasource.enable_datapool_update:
        return nullcontext()
    said = f"waiting for the run that works with the datapool '{job.datapool}'"
    return held(job.datapool, waiting(emit, stop, RunState.INITIALIZING, said))


def _make_samples(
    job: Job, folder: RunFolder, access: _Access, inputs: Inputs, detector: Detector | None, emit: Listener
) -> None:
    start = starting_point(job)
    pool = opened_datapool(job, start, emit)
    detector = detector_of(job, detector)
    if job.configs.worker.object_level.task_name:
        samples = _crops_to_select_from(job, folder, start, access, inputs, detector, emit)
    else:
        samples = _samples_to_select_from(job, folder, start, pool, access, inputs, emit)
        samples = with_annotations(samples, folder)
        if detector is not None:
            samples = _pretagged(job, folder, samples, detector, access, emit)
    if samples.predictions:
        tasks = ", ".join(samples.predictions)
        _enter(emit, RunState.COMPUTING_ACTIVE_LEARNING_SCORES, f"scores of {tasks}")
        samples = scored(job, folder, samples, emit)
    results.save_samples(folder, samples, job.configs.worker.normalize_embeddings)


def _select(
    job: Job, folder: RunFolder, samples: Samples, config: SelectionConfig, access: _Access, emit: Listener
) -> None:
    _enter(emit, RunState.SAMPLING, f"selecting from {len(samples):,} samples")
    selection = _selected(job, samples, config, emit)
    if job.configs.worker.object_level.task_name:
        _embed_full_images(job, folder, samples, selection, access, emit)
    _enter(emit, RunState.SAVING_RESULTS, f"saving {len(selection):,} selected samples")
    results.save_selection(folder, samples, selection, job.configs.worker.dump_sampled_embeddings)


def _samples_to_select_from(
    job: Job,
    folder: RunFolder,
    start: Path | EmbeddingModel | EmbeddingsTable | None,
    pool: Datapool | None,
    access: _Access,
    inputs: Inputs,
    emit: Listener,
) -> Samples:
    _enter(emit, RunState.LOADING_DATASET, f"listing {job.input}")
    listed = compared_with_first(job, folder, _listed(job, access, emit), emit)
    if pool is None:
        _refuse_impossible_size(job, len(listed))
    _load_annotations(job, folder, listed, pool, access, inputs, emit)
    if pool is None:
        results.save_listed_files(folder, listed)
        return _embedded_samples(job, folder, listed, start, emit)
    samples, pool, changed = files_to_process(job, listed, pool, emit)
    results.save_listed_files(folder, listed, samples, changed)
    if len(samples):
        samples = _embedded_samples(job, folder, samples, start, emit)
    return joined(job, folder, samples, pool)


def _crops_to_select_from(
    job: Job,
    folder: RunFolder,
    start: Path | EmbeddingModel | EmbeddingsTable | None,
    access: _Access,
    inputs: Inputs,
    detector: Detector | None,
    emit: Listener,
) -> Samples:
    """Return the embedded crops of a run on objects; its images are checked first, for all their crops."""
    level = job.configs.worker.object_level
    _enter(emit, RunState.LOADING_DATASET, f"listing {job.input}")
    images = compared_with_first(job, folder, _listed(job, access, emit), emit)
    _load_annotations(job, folder, images, None, access, inputs, emit)
    results.save_listed_files(folder, images)
    _enter(emit, RunState.CHECKING_CORRUPTNESS, f"checking {len(images):,} images")
    images = with_annotations(_checked(job, images, emit), folder)
    if detector is not None:
        images = _pretagged(job, folder, images, detector, access, emit)
    _enter(emit, RunState.INITIALIZING_OBJECT_CROPS, f"cutting out the objects of '{level.task_name}'")
    found = crops_of(job, images, emit)
    if trains(job):
        _enter(emit, RunState.TRAINING, f"training on {len(found):,} crops")
        assert start is None or isinstance(start, Path)
        start = _trained(job, folder, found, start, emit)
    assert not isinstance(start, EmbeddingsTable)
    _enter(emit, RunState.EMBEDDING_OBJECT_CROPS, f"embedding {len(found):,} crops, decoding each image once")
    return keep_crops(folder, _embedded(job, folder, found, start, renamed(emit, "EMBEDDING_OBJECT_CROPS")))


def _embed_full_images(
    job: Job, folder: RunFolder, crops: Samples, selection: Selection, access: _Access, emit: Listener
) -> None:
    """Embed the whole images that hold a selected crop; they are the tag of the dataset of images."""
    names = full_images(crops, selection)
    _enter(emit, RunState.EMBEDDING_FULL_IMAGES, f"embedding {len(names):,} images with a selected crop")
    model = newest_checkpoint(folder) if trains(job) else starting_point(job)
    assert not isinstance(model, EmbeddingsTable)
    save_full_images(job, folder, names, model, access.input, renamed(emit, "EMBEDDING_FULL_IMAGES"))


def _load_annotations(
    job: Job,
    folder: RunFolder,
    listed: Samples,
    pool: Datapool | None,
    access: _Access,
    inputs: Inputs,
    emit: Listener,
) -> None:
    """Read predictions and metadata of what was listed, and check what the selection wants of them."""
    if inputs.metadata:
        _enter(emit, RunState.LOADING_METADATA, f"metadata: {', '.join(e.path for e in inputs.metadata)}")
    if inputs.tasks_to_read:
        _enter(emit, RunState.LOADING_PREDICTION, f"predictions of {', '.join(inputs.tasks_to_read)}")
    before = [] if pool is None else pool.samples.filenames
    names = sorted({*listed.filenames, *before})
    if inputs.metadata or inputs.tasks_to_read:
        read_annotations(job, folder, _lightly(job, access), names, inputs, emit)
    assert job.configs.selection is not None
    if job.configs.worker.object_level.task_name:  # what it says of images is not what it says of crops
        return
    check_data(job.configs.selection, with_annotations(listed, folder), job.configs.lightly.seed)


def _embedded_samples(
    job: Job,
    folder: RunFolder,
    samples: Samples,
    start: Path | EmbeddingModel | EmbeddingsTable | None,
    emit: Listener,
) -> Samples:
    from lightly_nb.models import EmbeddingModel

    if isinstance(start, EmbeddingsTable):
        _enter(emit, RunState.CHECKING_CORRUPTNESS, f"checking {len(samples):,} images")
        checked = _checked(job, samples, emit)
        path = job.configs.worker.embeddings or "the embeddings of the samples"
        return _judged(with_precomputed_embeddings(checked, start, path, job.input, emit), emit)
    if trains(job):
        _enter(emit, RunState.TRAINING, f"training on {len(samples):,} images")
        assert not isinstance(start, EmbeddingModel)
        start = _trained(job, folder, samples, start, emit)
    by = f" with {start.name} at {start.input_size} px" if isinstance(start, EmbeddingModel) else ""
    _enter(emit, RunState.EMBEDDING, f"one pass: checks, metadata, thumbnails and embeddings{by}")
    return _embedded(job, folder, samples, start, emit)


def _pretagged(
    job: Job, folder: RunFolder, samples: Samples, detector: Detector, access: _Access, emit: Listener
) -> Samples:
    _enter(emit, RunState.PRETAGGING, f"detecting objects in {len(samples):,} images")
    samples = pretagged(job, folder, samples, detector, emit)
    if job.configs.worker.pretagging_upload:
        upload_pretagging(job, samples, access.lightly, emit)
    return samples


def _judged(samples: Samples, emit: Listener) -> Samples:
    """Return samples whose embeddings were brought along with what can be said of those."""
    from lightly_nb.embedding.check import run_check

    why = "the embeddings were brought along, so there is no model to embed changed copies with"
    return replace(samples, embedding_check=run_check(samples, why, on_event=emit))


def _dump(job: Job, folder: RunFolder, samples: Samples, selection: Selection, emit: Listener) -> None:
    from lightly_nb.pipeline.dumping import dump_images

    worker = job.configs.worker
    assert samples.source is not None
    dump_images(
        samples.source,
        selection.filenames,
        folder.sampled,
        image_size=worker.output_image_size,
        image_format=worker.output_image_format,
        on_event=emit,
    )


def _report(folder: RunFolder, samples: Samples, selection: Selection, emit: Listener) -> None:
    missing = [name for name in REPORT_PACKAGES if find_spec(name) is None]
    if missing:
        advice = "install them with: pip install 'lightly_nb[report]', then: lightly-nb resume"
        say(emit, "GENERATING_REPORT", f"no report without {', '.join(missing)}; {advice}", "warning")
        return
    from lightly_nb.pipeline.restoring import note_report
    from lightly_nb.report import run_facts, write_report

    _enter(emit, RunState.GENERATING_REPORT, "drawing the report")
    write_report(samples, selection, run_facts(folder), folder, on_event=emit)
    note_report(folder)


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


def _listed(job: Job, access: _Access, emit: Listener) -> Samples:
    from lightly_nb.reading import list_samples

    source = open_datasource(job.input, storage_options=access.input)
    if job.listing is not None:
        quarantine = quarantine_table() if job.quarantine is None else job.quarantine
        return Samples(job.listing.sort_index(), quarantine=quarantine, source=source)
    relevant = _relevant_filenames(job, source, access)
    return list_samples(source, exclude=[job.output_dir], relevant_filenames=relevant, on_event=emit)


def _lightly(job: Job, access: _Access) -> Datasource:
    """Open the LIGHTLY datasource, which is the input where none is named."""
    if job.lightly_source is None:
        return open_datasource(job.input, storage_options=access.input)
    return open_datasource(job.lightly_source, storage_options=access.lightly)


def _inputs(job: Job, lightly: Datasource) -> Inputs:
    columns = () if job.listing is None else [str(name) for name in job.listing]
    return read_inputs(lightly, {name: one.task for name, one in job.predictions.items()}, columns)


def _relevant_filenames(job: Job, source: Datasource, access: _Access) -> RelevantFilenames | None:
    name = job.configs.worker.relevant_filenames_file
    if not name:
        return None
    lightly = source if job.lightly_source is None else _lightly(job, access)
    where = f"worker_config.relevant_filenames_file '{name}' in {lightly.url}"
    if (entry := lightly.look(name)).refused:
        advice = "" if job.lightly_source else "; name the LIGHTLY datasource if it is not the input itself"
        raise InputError(f"{where}: {entry.refused}; put it there or leave the option out{advice}")
    return parse_relevant_filenames(lightly.read(name), where)


def _refuse_impossible_size(job: Job, n_listed: int) -> None:
    size = job.configs.selection.n_samples if job.configs.selection else None
    if size is not None and size > n_listed:
        raise InputError(
            f"selection_config.n_samples: asked for {size:,} samples, but '{job.input}' has {n_listed:,} "
            "image files; ask for at most that many, or for a share with proportion_samples"
        )


def _trained(job: Job, folder: RunFolder, samples: Samples, checkpoint: Path | None, emit: Listener) -> Path:
    from lightly_nb.pipeline import restoring
    from lightly_nb.training import train

    lightly = job.configs.lightly
    if (trained := restoring.finished_training(folder, job.configs, emit)) is None:
        restoring.begin_training_again_if_damaged(folder, emit)
    else:
        restoring.sweep_checkpoints(folder, job.configs)
        return trained
    path = train(
        samples,
        checkpoint=checkpoint,
        output_dir=folder.path,
        # named, so that a run without a model.name trains the platform's and not the one of `train`
        lightly_config=lightly.model_copy(update={"model.name": lightly.model.name}),
        on_event=emit,
    )
    note(folder, trained={"name": path.name, "sha256": hash_of_file(path)})
    restoring.sweep_checkpoints(folder, job.configs)
    return path


def _embedded(
    job: Job, folder: RunFolder, samples: Samples, model: Path | EmbeddingModel | None, emit: Listener
) -> Samples:
    from lightly_nb.embedding import embed

    worker = job.configs.worker
    model = resolved(job, model)
    note(folder, embedded_with=model.fingerprint)
    return embed(
        samples,
        model,
        input_size=worker.input_size,
        precision="32" if job.datapool else None,  # what a datapool keeps stands beside other machines' runs
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


def _similar(config: SelectionConfig) -> list[Any]:
    return [one for one in config.strategies if one.strategy.type == "SIMILARITY"]


def _selected(job: Job, samples: Samples, config: SelectionConfig, emit: Listener) -> Selection:
    from lightly_nb.embedding.embed import unit_length
    from lightly_nb.selection import select

    preselected = preselected_names(samples)
    n_new = len(samples) - len(preselected)
    n_samples, share = config.n_samples, config.proportion_samples
    if job.datapool is not None:
        if not n_new:
            why = "nothing is new since the last run; to select among all files set datasource.process_all"
            return nothing_selected(samples, n_samples, why)
        n_samples, share = size_among_new(config, n_new), None
    normalized = job.configs.worker.normalize_embeddings
    named = [(one.input.dataset_id, one.input.tag_name) for one in _similar(config)]
    unused = [q.key for q in job.queries if q.key not in named]
    if unused:
        say(emit, RunState.SAMPLING, f"queries: no strategy names {unused}, so they are not used", "warning")
    queries = {
        q.key: unit_length(q.embeddings) if normalized else q.embeddings
        for q in job.queries
        if q.key in named
    }
    selection = select(
        samples,
        n_samples,
        proportion_samples=share,
        strategies=config.strategies,
        preselected=preselected,
        seed=job.configs.lightly.seed,
        query=queries or None,
        on_event=emit,
    )
    return selection if job.datapool is None else with_reason(selection, config.n_samples, n_new)
