"""The client's methods on workers and runs."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from lightly_nb.api.enums import DockerRunScheduledPriority
from lightly_nb.api.models import (
    DockerRunData,
    DockerRunScheduledData,
    DockerWorkerRegistryEntryData,
    TagData,
)
from lightly_nb.api.rows import config_id, run_data, scheduled_data, tag_data, worker_data
from lightly_nb.api.session import ApiSession
from lightly_nb.config import parse_configs, to_dict
from lightly_nb.config.parsing import Value
from lightly_nb.config.selection import as_on_the_platform
from lightly_nb.errors import ConfigError
from lightly_nb.pipeline.gate import refuse_impossible
from lightly_nb.workspace.store.schema import Dataset, Tag, User
from lightly_nb.workspace.users.users import authenticate
from lightly_nb.workspace.work import following, queue, runs, scheduling, workers

ComputeWorkerRunInfo = following.RunInfo


class InvalidConfigurationError(ConfigError, RuntimeError):
    """A configuration has an unknown key, a wrong type or a value out of range; nothing was scheduled."""


def register_compute_worker(self: ApiSession, name: str = "Default", labels: list[str] | None = None) -> str:
    """Return the id of the worker of this name, made if there is none.

    Parameters
    ----------
    labels : list of str, optional
        It takes only runs whose `runs_on` are among them. For a worker that exists they replace its labels;
        None leaves these.
    """
    return self._write(workers.register_worker, name, labels).id


def get_compute_worker_ids(self: ApiSession) -> list[str]:
    """Return the ids of your workers."""
    return [worker.id for worker in get_compute_workers(self)]


def get_compute_workers(self: ApiSession) -> list[DockerWorkerRegistryEntryData]:
    """Return your workers, the oldest first, with their states."""
    queue.look_after(self._workspace)
    return self._read(lambda session, user: [worker_data(one) for one in workers.get_workers(session, user)])


def delete_compute_worker(self: ApiSession, worker_id: str) -> None:
    """Remove a worker; the runs that it did keep their history."""
    self._write(workers.delete_worker, worker_id)


def create_compute_worker_config(
    self: ApiSession,
    worker_config: Value = None,
    lightly_config: Value = None,
    selection_config: Value = None,
) -> str:
    """Check the three configurations and return the id that runs with them have as `config_id`.

    Nothing is stored: equal configurations have equal ids.

    Raises
    ------
    InvalidConfigurationError
        If one is wrong; says which key, what was given and what is allowed.
    """
    try:
        configs = parse_configs(worker_config, lightly_config, selection_config)
        if configs.selection is not None:
            refuse_impossible(configs)
    except ConfigError as error:
        raise InvalidConfigurationError(str(error), error.problems) from None
    worker = configs.worker.model_copy(update={"token": ""})
    selection = to_dict(as_on_the_platform(configs.selection)) if configs.selection is not None else None
    return config_id(to_dict(worker), to_dict(configs.lightly), selection)


def schedule_compute_worker_run(
    self: ApiSession,
    worker_config: Value = None,
    lightly_config: Value = None,
    selection_config: Value = None,
    priority: str = DockerRunScheduledPriority.MID,
    runs_on: list[str] | None = None,
) -> str:
    """Put a run on the current dataset into the queue; return the id of the scheduled run.

    Parameters
    ----------
    worker_config, lightly_config, selection_config : dict, optional
        The platform's; also models of `lightly_nb.config`, YAML text or the path of a YAML file.
    priority : DockerRunScheduledPriority
        LOW, MID, HIGH or CRITICAL.
    runs_on : list of str, optional
        Labels that a worker must have, all of them, to take the run.

    Raises
    ------
    InvalidConfigurationError
        If a configuration is wrong, or asks for predictions or metadata that LIGHTLY does not have; nothing
        is stored then.
    InputError
        If a schema of LIGHTLY cannot be used.
    ApiException
        If the dataset lacks a datasource, or the priority or the labels are none.
    """
    configs = (worker_config, lightly_config, selection_config)
    try:
        parsed = parse_configs(*configs)
        refuse_impossible(parsed)
        scheduling.check_annotations(self._read(scheduling.lightly_of, self.dataset_id), parsed)
        made = self._write(
            scheduling.schedule_run, self.dataset_id, *configs, priority=priority, runs_on=runs_on
        )
    except ConfigError as error:
        raise InvalidConfigurationError(str(error), error.problems) from None
    return made.id


def cancel_scheduled_run(self: ApiSession, scheduled_run_id: str) -> None:
    """Call back a run that no worker has taken yet; it will never be started."""
    self._write(scheduling.cancel_scheduled_run, scheduled_run_id)


def abort_compute_worker_run(self: ApiSession, run_id: str) -> None:
    """Ask the worker to stop a run; what it had finished is kept."""
    self._write(runs.abort_run, run_id)


def get_scheduled_compute_worker_runs(
    self: ApiSession, state: str | None = None
) -> list[DockerRunScheduledData]:
    """Return the runs asked for on the current dataset, the oldest first.

    `state` is OPEN, LOCKED, DONE or CANCELED; None: OPEN and LOCKED.
    """

    def listed(session: Session, user: User, dataset_id: str) -> list[DockerRunScheduledData]:
        found = scheduling.get_scheduled_runs(session, user, dataset_id, state)
        return [scheduled_data(one) for one in found]

    return self._read(listed, self.dataset_id)


def get_compute_worker_runs(self: ApiSession, dataset_id: str | None = None) -> list[DockerRunData]:
    """Return the runs that workers have taken, the oldest first; on all your datasets, or on one."""
    queue.look_after(self._workspace)
    return self._read(
        lambda session, user: [run_data(session, one) for one in runs.get_runs(session, user, dataset_id)]
    )


def get_compute_worker_runs_iter(self: ApiSession, dataset_id: str | None = None) -> Iterator[DockerRunData]:
    """Return an iterator over what `get_compute_worker_runs` returns."""
    return iter(get_compute_worker_runs(self, dataset_id))


def get_compute_worker_run(self: ApiSession, run_id: str) -> DockerRunData:
    """Return a run.

    Raises
    ------
    ApiException
        With the status 404 if there is none.
    """
    queue.look_after(self._workspace)
    return self._read(lambda session, user: run_data(session, runs.get_run(session, user, run_id)))


def get_compute_worker_run_from_scheduled_run(self: ApiSession, scheduled_run_id: str) -> DockerRunData:
    """Return the run of what was asked for.

    Raises
    ------
    ApiException
        With the status 404 if no worker has taken it yet, or nothing such was asked for.
    """
    queue.look_after(self._workspace)
    return self._read(
        lambda session, user: run_data(session, runs.get_run_of_scheduled(session, user, scheduled_run_id))
    )


def get_compute_worker_run_info(self: ApiSession, scheduled_run_id: str) -> ComputeWorkerRunInfo:
    """Return how a run stands."""
    queue.look_after(self._workspace)
    return self._read(following.get_run_info, scheduled_run_id)


def compute_worker_run_info_generator(
    self: ApiSession, scheduled_run_id: str
) -> Iterator[ComputeWorkerRunInfo]:
    """Yield how a run stands, then every change at once, until the run has ended."""
    user = authenticate(self._workspace, self._token)
    return following.run_info_generator(self._workspace, user, scheduled_run_id)


def get_compute_worker_run_tags(self: ApiSession, run_id: str) -> list[TagData]:
    """Return the tags that a run made in the current dataset, the newest first."""

    def made(session: Session, dataset: Dataset) -> list[TagData]:
        chosen = select(Tag).where(Tag.dataset_id == dataset.id, Tag.run_id == run_id)
        newest_first = chosen.order_by(Tag.created_at.desc(), Tag.id.desc())
        return [tag_data(session, dataset, tag) for tag in session.scalars(newest_first)]

    get_compute_worker_run(self, run_id)
    return self._read_dataset(made)


def run_folder_of(self: ApiSession, run_id: str) -> str | None:
    """Return the folder of a run on its worker's machine, for `open_run`; None before it has one."""
    return self._read(lambda session, user: runs.get_run(session, user, run_id).run_folder)
