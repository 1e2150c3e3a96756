"""The order of the steps of a run, and its states.

`execute` works on a run folder, in whatever process it is called: a run inline, in the background and
on another machine are the same run. A step whose result is already in the folder is not done again,
so to go on with an interrupted run is to execute it once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lightly_nb.config.not_yet import without_effect
from lightly_nb.errors import RunCanceled
from lightly_nb.events import Listener, combined, say
from lightly_nb.pipeline import results
from lightly_nb.pipeline.circumstances import note, settle, threads_held
from lightly_nb.pipeline.datapool.files import held
from lightly_nb.pipeline.datapool.steps import add_to_datapool, completion_message
from lightly_nb.pipeline.datasources import Access, inputs_of, opened_lightly
from lightly_nb.pipeline.detector import checked_inputs
from lightly_nb.pipeline.gate import refuse_impossible
from lightly_nb.pipeline.job import Job
from lightly_nb.pipeline.job_file import load_job, restore_config
from lightly_nb.pipeline.making_samples import make_samples
from lightly_nb.pipeline.object_level import upload_crops
from lightly_nb.pipeline.options import STORAGE
from lightly_nb.pipeline.pretagging_step import given_detector
from lightly_nb.pipeline.process.ending import (
    end,
    ended_with,
    mark_failed,
    reopen_if_ended,
    stop_when_asked,
    stopped_by,
    waiting,
)
from lightly_nb.pipeline.process.lock import locked
from lightly_nb.pipeline.process.log import log_event, run_log
from lightly_nb.pipeline.process.telling import enter
from lightly_nb.pipeline.query_embeddings import check_queries
from lightly_nb.pipeline.selecting import select_samples
from lightly_nb.pipeline.starting_model import newest_checkpoint, trains, weights_file
from lightly_nb.runfolder import RunFolder, append_event
from lightly_nb.samples import Samples
from lightly_nb.samples.arguments import FUNCTION, accepts
from lightly_nb.signals import ending_signals
from lightly_nb.states import RunState
from lightly_nb.turns import in_turn

if TYPE_CHECKING:
    from lightly_nb.pretagging import Detector
    from lightly_nb.selection import Selection

REPORT_PACKAGES = ("matplotlib", "umap", "bokeh", "fpdf")


@accepts(on_event=FUNCTION, **STORAGE)
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
    job = load_job(folder)
    stop = stop_when_asked(folder)
    access = Access(storage_options, lightly_storage_options)
    emit = combined(partial(append_event, folder), log_event, stop, on_event)
    tell = combined(partial(append_event, folder), on_event)  # the log belongs to who has the turn
    with locked(folder), ending_signals(lambda name: stopped_by(folder, name)):
        try:
            reopen_if_ended(folder)
            wait = waiting(tell, stop, RunState.STARTED, "waiting for other work of this process to end")
            with in_turn(wait), run_log(folder):
                enter(emit, RunState.STARTED, "run started")
                _steps(job, folder, access, detector, emit, stop)
        except RunCanceled as error:
            end(folder, on_event, RunState.ABORTED, str(error))
            raise
        except Exception as error:
            end(folder, on_event, RunState.FAILED, f"{type(error).__name__}: {error}", error)
            mark_failed(error, folder)
            raise
        except BaseException as error:  # an interrupt, a signal, an exit: whoever asked for it
            end(folder, on_event, RunState.ABORTED, ended_with(folder, error))
            raise


def _steps(
    job: Job,
    folder: RunFolder,
    access: Access,
    detector: Detector | None,
    emit: Listener,
    stop: Listener,
) -> None:
    from lightly_nb.pipeline import restoring

    enter(emit, RunState.INITIALIZING, "checking the configuration, the model and the folders")
    selection_config = refuse_impossible(job.configs)  # of an old or a hand-made folder
    check_queries(selection_config, job.queries)
    worker = job.configs.worker
    if not folder.samples.is_file():
        detector = given_detector(job, detector)
    inputs = inputs_of(job, opened_lightly(job, access))
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
                make_samples(job, folder, access, inputs, detector, emit)
            restoring.sweep_chunks(folder)
            samples = results.load_samples(folder, job.input, access.input)
            if restoring.restore_samples(folder, samples, worker, emit):
                samples = results.load_samples(folder, job.input, access.input)
            selection = restoring.saved_selection(folder, samples, emit)
            if selection is None:
                select_samples(job, folder, samples, selection_config, access, emit)
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
    enter(emit, RunState.COMPLETED, completion_message(selection, samples, job.datapool is not None))


def _datapool_held(job: Job, emit: Listener, stop: Listener) -> AbstractContextManager[None]:
    """Hold the datapool that a run reads at its beginning and replaces at its end."""
    if job.datapool is None or not job.configs.worker.datasource.enable_datapool_update:
        return nullcontext()
    said = f"waiting for the run that works with the datapool '{job.datapool}'"
    return held(job.datapool, waiting(emit, stop, RunState.INITIALIZING, said))


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

    enter(emit, RunState.GENERATING_REPORT, "drawing the report")
    write_report(samples, selection, run_facts(folder), folder, on_event=emit)
    note_report(folder)
