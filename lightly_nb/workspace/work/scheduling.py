"""Asking for runs: what is put into the queue, looked up there and called back."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lightly_nb.config import Configs, SelectionConfig, WorkerConfig, parse_configs, to_dict
from lightly_nb.config.parsing import Value
from lightly_nb.config.selection import as_on_the_platform
from lightly_nb.errors import (
    BadRequestException,
    ConflictException,
    DatasourceError,
    ForbiddenException,
    NotFoundException,
)
from lightly_nb.pipeline.detector import checked_inputs
from lightly_nb.pipeline.gate import refuse_impossible
from lightly_nb.pipeline.selection_inputs import Inputs, asks_for_annotations, read_inputs
from lightly_nb.states import DatasetType, DatasourcePurpose
from lightly_nb.workspace.data.datasets import get_dataset
from lightly_nb.workspace.data.datasource_kinds import DatasourceSettings, LocalDatasource
from lightly_nb.workspace.data.datasources import get_datasource, open_lightly
from lightly_nb.workspace.store.clock import later_than_all
from lightly_nb.workspace.store.schema import ComputeRun, Dataset, DatasourceConfig, ScheduledRun, Tag, User
from lightly_nb.workspace.work.runs import get_run
from lightly_nb.workspace.work.workers import checked_labels

PRIORITIES: Mapping[str, int] = {"LOW": 0, "MID": 10, "HIGH": 20, "CRITICAL": 30}
SECONDS_TO_LOOK = 20.0
"""For a bucket to say which predictions and metadata it has; one that does not answer can take minutes."""
SCHEDULED_STATES = ("OPEN", "LOCKED", "DONE", "CANCELED")


def schedule_run(
    session: Session,
    user: User,
    dataset_id: str,
    worker_config: Value = None,
    lightly_config: Value = None,
    selection_config: Value = None,
    *,
    priority: str = "MID",
    runs_on: Iterable[str] | None = None,
) -> ScheduledRun:
    """Put a run into the queue.

    Parameters
    ----------
    worker_config, lightly_config, selection_config : mapping, model, YAML text or path, optional
        Checked here, all three. A token in them is not kept.
    priority : str
        LOW, MID, HIGH or CRITICAL.
    runs_on : iterable of str, optional
        Labels that a worker must have, all of them, to take the run.

    Raises
    ------
    ConfigError
        With one line for each problem of the configurations.
    BadRequestException
        If the dataset has no INPUT or no LIGHTLY datasource, or LIGHTLY is a folder of this machine that
        cannot be written, or the priority or labels are none. (Of a bucket the run itself finds that out.)
    NotFoundException
        If this user sees no such dataset, or none of a query tag or checkpoint that the configurations name.
    ForbiddenException
        If the dataset is only shared with this user, and the run would change its datapool.
    """
    dataset = get_dataset(session, user, dataset_id)
    configs = parse_configs(worker_config, lightly_config, selection_config)
    selection = as_on_the_platform(refuse_impossible(configs))
    configs = replace(configs, selection=selection)
    _check_datasources(session, dataset)
    _check_datapool(user, dataset, configs.worker)
    for query_dataset_id, tag_name in query_tags(selection):
        find_query_tag(session, user, query_dataset_id or dataset.id, tag_name)
    if configs.worker.checkpoint_run_id:
        get_run(session, user, configs.worker.checkpoint_run_id)
    scheduled = ScheduledRun(
        dataset_id=dataset.id,
        owner_id=user.id,
        priority=PRIORITIES[_checked_priority(priority)],
        runs_on=checked_labels(runs_on or [], "runs_on"),
        created_at=later_than_all(session, ScheduledRun.created_at),
        **_stored(configs),
    )
    session.add(scheduled)
    session.flush()
    return scheduled


def lightly_of(session: Session, user: User, dataset_id: str) -> DatasourceSettings | None:
    """Return the LIGHTLY datasource of a dataset, None if it has none."""
    with suppress(NotFoundException):
        return get_datasource(session, get_dataset(session, user, dataset_id), DatasourcePurpose.LIGHTLY)
    return None


def check_annotations(lightly: DatasourceSettings | None, configs: Configs) -> None:
    """Refuse strategies on predictions and metadata, and objects, that LIGHTLY does not have.

    The run finds that out where LIGHTLY cannot be reached from here: a folder of the worker's machine, or a
    bucket that does not answer in time. Not to be called while the store is held, since it waits for others.

    Raises
    ------
    ConfigError
        Names each key, what is there, and the nearest name.
    InputError
        If a schema of LIGHTLY cannot be used.
    """
    if lightly is None or configs.selection is None:
        return
    if not asks_for_annotations(configs.selection, configs.worker):
        return
    inputs = _read_in_time(lightly, SECONDS_TO_LOOK)
    if inputs is not None:
        checked_inputs(inputs, configs.selection, configs.worker, None, is_named=True)


def _read_in_time(lightly: DatasourceSettings, seconds: float) -> Inputs | None:
    """Return what LIGHTLY has, None if it cannot be reached or does not answer."""
    found: list[Inputs | Exception] = []

    def read() -> None:
        try:
            found.append(read_inputs(open_lightly(lightly)))
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=read, name="lightly_nb-schemas", daemon=True)
    thread.start()
    thread.join(seconds)
    if not found or isinstance(found[0], DatasourceError):
        return None
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def priority_name(scheduled: ScheduledRun) -> str:
    """Return LOW, MID, HIGH or CRITICAL."""
    return next(name for name, number in PRIORITIES.items() if number == scheduled.priority)


def get_scheduled_runs(
    session: Session, user: User, dataset_id: str, state: str | None = None
) -> Sequence[ScheduledRun]:
    """Return the runs asked for on a dataset, the oldest first.

    `state` is OPEN, LOCKED, DONE or CANCELED; None is OPEN and LOCKED: those that have not ended.
    """
    dataset = get_dataset(session, user, dataset_id)
    if state is not None and state not in SCHEDULED_STATES:
        allowed = ", ".join(SCHEDULED_STATES)
        raise BadRequestException(f"{state!r} is not a state of a scheduled run; there are {allowed}")
    states = ("OPEN", "LOCKED") if state is None else (str(state),)
    chosen = select(ScheduledRun).where(ScheduledRun.dataset_id == dataset.id, ScheduledRun.state.in_(states))
    return session.scalars(chosen.order_by(ScheduledRun.created_at, ScheduledRun.id)).all()


def get_scheduled_run(session: Session, user: User, scheduled_run_id: str) -> ScheduledRun:
    """Return a run that was asked for on a dataset that this user sees.

    Raises
    ------
    NotFoundException
        If there is none, or this user may not see it.
    """
    scheduled = session.get(ScheduledRun, scheduled_run_id)
    try:
        if scheduled is not None:
            get_dataset(session, user, scheduled.dataset_id)
            return scheduled
    except NotFoundException:
        pass
    raise NotFoundException(f"No scheduled run found for run with scheduled_run_id='{scheduled_run_id}'.")


def cancel_scheduled_run(session: Session, user: User, scheduled_run_id: str) -> None:
    """Call back a run that no worker has taken yet; it will never be started.

    Raises
    ------
    ConflictException
        If a worker has taken it already, or it has ended.
    ForbiddenException
        If neither the run nor the dataset is this user's.
    """
    scheduled = get_scheduled_run(session, user, scheduled_run_id)
    if user.id not in (scheduled.owner_id, session.get_one(Dataset, scheduled.dataset_id).owner_id):
        raise ForbiddenException(
            f"another user has asked for the scheduled run {scheduled.id}, on a dataset that is shared with "
            "you: ask that user, or the owner of the dataset, to cancel it"
        )
    if scheduled.state == "LOCKED":
        run_id = session.scalar(select(ComputeRun.id).where(ComputeRun.scheduled_run_id == scheduled.id))
        raise ConflictException(
            f"a worker has taken the scheduled run {scheduled.id} already; abort its run {run_id} instead"
        )
    if scheduled.state == "DONE":
        raise ConflictException(f"the scheduled run {scheduled.id} has ended; there is nothing to cancel")
    scheduled.state = "CANCELED"
    session.flush()


def query_tags(selection: SelectionConfig | None) -> list[tuple[str | None, str]]:
    """Return the (dataset id or None for the run's own, tag name) that SIMILARITY strategies ask for."""
    if selection is None:
        return []
    inputs = [to_dict(selection)["strategies"][i]["input"] for i in range(len(selection.strategies))]
    return [(one.get("dataset_id"), one["tag_name"]) for one in inputs if one.get("tag_name")]


def find_query_tag(session: Session, user: User, dataset_id: str, tag_name: str) -> Tag:
    """Return the tag whose samples a SIMILARITY strategy compares with.

    Raises
    ------
    NotFoundException
        If this user sees no such dataset, or it has no such tag.
    """
    dataset = get_dataset(session, user, dataset_id)
    tag = session.scalar(select(Tag).where(Tag.dataset_id == dataset.id, Tag.name == tag_name))
    if tag is None:
        raise NotFoundException(
            f"selection_config.strategies: the dataset {dataset.name!r} has no tag {tag_name!r}, whose "
            "samples a SIMILARITY strategy compares with; get_all_tags() lists its tags"
        )
    return tag


def _stored(configs: Configs) -> dict[str, dict[str, Any]]:
    """Return the configurations for the store. The token is the worker's own affair and is not kept."""
    worker = configs.worker.model_copy(update={"token": ""})
    assert configs.selection is not None
    return {
        "worker_config": to_dict(worker),
        "lightly_config": to_dict(configs.lightly),
        "selection_config": to_dict(configs.selection),
    }


def _checked_priority(priority: str) -> str:
    name = str(getattr(priority, "value", priority))
    if name not in PRIORITIES:
        raise BadRequestException(f"priority: got {priority!r}; there are {', '.join(PRIORITIES)}")
    return name


def _check_datasources(session: Session, dataset: Dataset) -> None:
    if dataset.type == DatasetType.CROPS:
        raise BadRequestException(
            f"{dataset.name!r} is a dataset of crops, which a run on its images makes; schedule that one"
        )
    configs = select(DatasourceConfig).where(DatasourceConfig.dataset_id == dataset.id)
    found = {row.purpose: row for row in session.scalars(configs)}
    for purpose in (DatasourcePurpose.INPUT, DatasourcePurpose.LIGHTLY):
        row = found.get(purpose) or found.get(DatasourcePurpose.INPUT_OUTPUT)
        if row is None:
            raise BadRequestException(
                f"the dataset {dataset.name!r} has no {purpose} datasource, so nothing was scheduled; set "
                f"one with set_local_config(..., purpose=DatasourcePurpose.{purpose}), set_s3_config(...), …"
            )
        if purpose is DatasourcePurpose.LIGHTLY:
            _check_writable(row, dataset)


def _check_datapool(user: User, dataset: Dataset, worker: WorkerConfig) -> None:
    """Refuse a guest's run that would change what the datapool of the owner's runs holds."""
    updates = worker.use_datapool and worker.datasource.enable_datapool_update
    if updates and not worker.datapool.name and user.id != dataset.owner_id:
        raise ForbiddenException(
            f"worker_config.use_datapool: the dataset {dataset.name!r} is shared with you, and its datapool "
            "is what its owner's runs read; set worker_config.datasource.enable_datapool_update to false to "
            "use it without adding to it, or use a dataset of your own"
        )


def _check_writable(row: DatasourceConfig, dataset: Dataset) -> None:
    folder = row.settings.get("relative_path") if row.kind == LocalDatasource.kind else None
    if folder and os.path.isdir(folder) and not os.access(folder, os.W_OK):
        raise BadRequestException(
            f"the LIGHTLY datasource '{folder}' of the dataset {dataset.name!r} cannot be written, so "
            "nothing was scheduled; allow yourself to write there, or set another one with purpose=LIGHTLY"
        )
