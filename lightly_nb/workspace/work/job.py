"""What a worker does for a run: the pipeline, in a process of its own, from the dataset's datasources."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from lightly_nb import pipeline
from lightly_nb.config import Configs, parse_configs
from lightly_nb.errors import DatasourceError
from lightly_nb.events import Event
from lightly_nb.files import DISK_IS_FULL
from lightly_nb.pipeline import Run
from lightly_nb.pipeline.process import lock
from lightly_nb.pipeline.process.starter import ending_with_this_process
from lightly_nb.processes import tree
from lightly_nb.runfolder import read_events
from lightly_nb.states import DatasourcePurpose, RunState
from lightly_nb.workspace.data.datasource_kinds import DatasourceSettings, LocalDatasource
from lightly_nb.workspace.data.datasources import get_datasource
from lightly_nb.workspace.data.permissions import PERMISSIONS, datasource_permissions
from lightly_nb.workspace.data.pools import copy_pool, current_pool
from lightly_nb.workspace.store.store import reading
from lightly_nb.workspace.work.active_run import SECONDS_BETWEEN_TRIES, ActiveRun, Ended, patiently
from lightly_nb.workspace.work.finishing import completed, ended_early
from lightly_nb.workspace.work.resolving import checkpoint_of_run, query_vectors
from lightly_nb.workspace.work.thumbnails import upload_thumbnails

SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_BETWEEN_MEMORY_LOOKS = 5.0
SECONDS_TO_CANCEL = 30.0
ENOUGH_BYTES, MOST_RESUMED = 16_000_000, 20
"""Free space with which a run that a full disk has stopped goes on, and how often it does."""


def do_run(active: ActiveRun) -> Ended:
    """Do the run that a worker has taken; return how it ended and what of it is to be stored.

    Raises
    ------
    LightlyNBError
        If it could not be started: a datasource that lacks a permission, a checkpoint that is gone, …
    """
    scheduled = active.taken.scheduled
    configs = parse_configs(scheduled.worker_config, scheduled.lightly_config, scheduled.selection_config)
    pool = patiently(active, _datapool, active, configs)
    run = _start(active, configs, pool)
    try:
        active.note_run_folder(run.path)
        position = _follow(active, run)
        for _ in range(MOST_RESUMED):
            if active.stop.is_set() or not _was_stopped_by_a_full_disk(run):
                break
            _wait_for_space(active, run)
            with ending_with_this_process():
                patiently(active, run.resume)
            position = _follow(active, run, position)
    except BaseException:  # the run is not this worker's any more, or the worker ends at once
        run.cancel(SECONDS_TO_CANCEL)
        raise
    if run.state is not RunState.COMPLETED:
        return ended_early(run)
    return completed(active, run, pool, upload_thumbnails(active, run, _lightly))


def _lightly(active: ActiveRun) -> DatasourceSettings:
    """Return LIGHTLY of the dataset, as this machine sees it."""
    with reading(active.workspace) as session:
        settings = get_datasource(session, active.taken.dataset, DatasourcePurpose.LIGHTLY)
    return _here(settings, active.input_mount)


def _start(active: ActiveRun, configs: Configs, pool: Path | None) -> Run:
    scheduled, worker_config = active.taken.scheduled, configs.worker
    sources, checkpoint = patiently(active, _named, active, configs)
    if not worker_config.datasource.bypass_verify:
        check_permissions(*sources)
    queries = patiently(
        active, query_vectors, active.workspace, active.user, scheduled.dataset_id, configs.selection
    )
    input_, lightly = sources

    def start() -> Run:
        return pipeline.start(
            input_.location,
            active.output_dir,
            worker_config=worker_config,
            lightly_config=configs.lightly,
            selection_config=configs.selection,
            shared_dir=active.shared_dir,
            storage_options=input_.storage_options(writable=False),
            lightly_source=lightly.location,
            lightly_storage_options=lightly.storage_options(writable=True),
            datapool=pool,
            checkpoint=checkpoint,
            queries=queries,
        )

    with ending_with_this_process():  # a folder of a fixed name that was begun cannot be begun again
        return start() if worker_config.run_directory else patiently(active, start)


def _named(active: ActiveRun, configs: Configs) -> tuple[list[DatasourceSettings], Path | None]:
    """Return the datasources of a run, INPUT and LIGHTLY, and the checkpoint that it names, if any."""
    with reading(active.workspace) as session:
        sources = [
            _here(get_datasource(session, active.taken.dataset, purpose), active.input_mount)
            for purpose in (DatasourcePurpose.INPUT, DatasourcePurpose.LIGHTLY)
        ]
        run_id = configs.worker.checkpoint_run_id
        return sources, checkpoint_of_run(session, active.user, run_id) if run_id else None


def check_permissions(input_: DatasourceSettings, lightly: DatasourceSettings) -> None:
    """Raise `DatasourceError` if a permission lacks that a run needs; it names each one."""
    found: dict[str, Any] = datasource_permissions(input_, lightly)
    missing = [permission for permission in PERMISSIONS if not found[permission]]
    if missing:
        reasons = "; ".join(f"{name}: {found['errors'][name]}" for name in missing)
        raise DatasourceError(
            f"the datasources lack {', '.join(missing)}, so nothing was started ({reasons}). INPUT needs to "
            "be listed and read, LIGHTLY to be written and overwritten as well"
        )


def _here(settings: DatasourceSettings, input_mount: Path | None) -> DatasourceSettings:
    """Return a local datasource as this machine sees it, where `input_mount` is what stands for `/`."""
    if input_mount is None or not isinstance(settings, LocalDatasource):
        return settings
    path = Path(settings.relative_path)
    return settings.model_copy(update={"relative_path": str(input_mount / path.relative_to(path.anchor))})


def _datapool(active: ActiveRun, configs: Configs) -> Path | None:
    """Return the folder of the datapool for this run: a copy, which counts once the run has ended well."""
    if not configs.worker.use_datapool or configs.worker.datapool.name:
        return None
    with reading(active.workspace) as session:
        before = current_pool(session, active.taken.dataset)
    return copy_pool(before, active.output_dir, active.taken.dataset.id, active.taken.run.id)


def _was_stopped_by_a_full_disk(run: Run) -> bool:
    """Whether a run has ended because its disk, or what its user may take of it, is full.

    Its last event says so, or, where not even that could be written, the disk itself does.
    """
    if run.state is RunState.CRASHED:
        return _free_bytes(run) < ENOUGH_BYTES
    last = next((event for event in reversed(read_events(run.folder)[0]) if "state" in event), Event())
    return run.state is RunState.FAILED and last.get("errno") in DISK_IS_FULL


def _wait_for_space(active: ActiveRun, run: Run) -> None:
    """Wait until there is some space for a run again, or it shall stop."""
    active.say(f"run {active.taken.run.id}: the disk of '{run.path}' is full; going on when there is space")
    active.stop.wait(SECONDS_BETWEEN_TRIES)
    while (_free_bytes(run) < ENOUGH_BYTES or lock.is_alive(run.folder)) and not active.stop.is_set():
        active.stop.wait(SECONDS_BETWEEN_TRIES)


def _free_bytes(run: Run) -> int:
    return shutil.disk_usage(run.path).free


def _follow(active: ActiveRun, run: Run, position: int = 0) -> int:
    """Store the run's states as they come, until it has ended; stop it when it shall stop.

    Events before `position` are left out; where those that were read end is returned.
    """
    looked_at, is_canceled = float("-inf"), False
    while True:
        has_ended = run.state.in_end_state()
        events, position = read_events(run.folder, position)
        for event in events:
            _mirror(active, event)
        if has_ended:
            return position
        if active.stop.is_set() and not is_canceled:
            active.say(f"run {active.taken.run.id}: stopping it")
            run.cancel(SECONDS_TO_CANCEL)
            is_canceled = True
        if time.monotonic() - looked_at >= SECONDS_BETWEEN_MEMORY_LOOKS:
            looked_at = time.monotonic()
            _log_memory(run)
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _mirror(active: ActiveRun, event: Event) -> None:
    if "state" not in event:
        return
    state = RunState(event["state"])
    if state in (RunState.GENERATING_REPORT, RunState.COMPLETED):
        active.report(RunState.UPLOADING_DATASET, "the samples and their tag are stored with the run's end")
    if not state.in_end_state() and state is not RunState.OPEN:  # which is said when one goes on
        active.report(state, event.get("message", ""))


def _log_memory(run: Run) -> None:
    """Add a line to the run's memlog.txt: the time and the memory of its processes, in MB."""
    processes = tree(lock.holder(run.folder))
    if not processes:
        return
    with suppress(psutil.Error, OSError):
        used = sum(process.memory_info().rss for process in processes)
        with (run.path / "memlog.txt").open("a", encoding="utf-8") as stream:
            stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {used / 1e6:.0f} MB\n")
