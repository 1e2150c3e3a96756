"""What the dataset browser shows, read through the client: datasets; of one its sources, runs and tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lightly_nb.api import ApiWorkflowClient
from lightly_nb.api.models import (
    DatasetData,
    DatasourceConfig,
    DockerRunData,
    DockerRunScheduledData,
    TagData,
)
from lightly_nb.api.runs import ComputeWorkerRunInfo
from lightly_nb.errors import NotFoundException
from lightly_nb.states import DatasourcePurpose, RunState

WAITING = "waits for a worker"
CALLED_BACK = "called back before a worker took it"


@dataclass(frozen=True)
class RunLine:
    """A run of a dataset, from when it was asked for."""

    scheduled_id: str
    """What `get_compute_worker_run_info` takes; of a run that nobody scheduled its own id."""
    run_id: str
    """Empty before a worker takes it."""
    state: RunState
    message: str
    began: int
    """Milliseconds since 1970: when a worker took it, or else when it was asked for."""
    ended: int | None

    @property
    def is_live(self) -> bool:
        """Whether it waits or is under way."""
        return not self.state.in_end_state()


@dataclass(frozen=True)
class DatasetFacts:
    """All that is shown of one dataset."""

    dataset: DatasetData
    datasources: tuple[DatasourceConfig, ...]
    """One for each purpose that is set; one alone where it serves both."""
    runs: tuple[RunLine, ...]
    """Those under way first, then the newest."""
    tags: tuple[TagData, ...]
    """The oldest first."""
    shared_with: tuple[str, ...]

    @property
    def is_mine(self) -> bool:
        """Whether the dataset belongs to the client's user, who alone may share it."""
        return self.dataset.access_type is None

    @property
    def live(self) -> tuple[RunLine, ...]:
        """The runs that wait or are under way."""
        return tuple(line for line in self.runs if line.is_live)

    def tag(self, name: str) -> TagData:
        """Return a tag by its name.

        Raises
        ------
        NotFoundException
            If there is none.
        """
        for tag in self.tags:
            if tag.name == name:
                return tag
        known = ", ".join(repr(tag.name) for tag in self.tags[:10]) or "none yet"
        raise NotFoundException(
            f"tag_name: the dataset {self.dataset.name!r} has no tag {name!r}; its tags: {known}"
        )

    def run(self, scheduled_id: str) -> RunLine:
        """Return a run by the id of what asked for it.

        Raises
        ------
        NotFoundException
            If there is none.
        """
        for line in self.runs:
            if line.scheduled_id == scheduled_id:
                return line
        raise NotFoundException(
            f"scheduled_run_id: the dataset {self.dataset.name!r} has no run {scheduled_id!r}; "
            "its runs are in .facts.runs"
        )


def load_datasets(client: ApiWorkflowClient) -> list[DatasetData]:
    """Return all datasets that the client's user sees, that modified last first."""
    return sorted(client.get_datasets(shared=None), key=lambda one: (-one.last_modified_at, one.name))


def load_dataset(client: ApiWorkflowClient) -> DatasetFacts:
    """Return what there is to show of the client's current dataset."""
    dataset = client.get_dataset_by_id(client.dataset_id)
    begun = client.get_compute_worker_runs(dataset.id)
    asked = [*client.get_scheduled_compute_worker_runs("OPEN")]
    called_back = client.get_scheduled_compute_worker_runs("CANCELED")
    return DatasetFacts(
        dataset=dataset,
        datasources=_datasources(client),
        runs=_in_order([*map(_begun, begun), *map(_asked, [*asked, *called_back])]),
        tags=tuple(reversed(client.get_all_tags())),
        shared_with=tuple(client.get_shared_users(dataset.id)),
    )


def look_again(client: ApiWorkflowClient, facts: DatasetFacts) -> DatasetFacts | None:
    """Look how the runs under way stand, at little cost; None if one began, ended or is new."""
    asked = {one.id: one.state for one in client.get_scheduled_compute_worker_runs()}
    known = {line.scheduled_id: "LOCKED" if line.run_id else "OPEN" for line in facts.live}
    if asked != known:
        return None
    infos = {
        key: client.get_compute_worker_run_info(key) for key, state in known.items() if state == "LOCKED"
    }
    if any(info.in_end_state() for info in infos.values()):
        return None
    return replace(facts, runs=tuple(_with_news(line, infos.get(line.scheduled_id)) for line in facts.runs))


def tag_tree(tags: Iterable[TagData]) -> list[tuple[TagData, int]]:
    """Return tags with how deep they stand, each below the tag that it stands on; the oldest first."""
    tags = sorted(tags, key=lambda tag: (tag.created_at, tag.id))
    known = {tag.id for tag in tags}
    above: dict[str | None, list[TagData]] = {}
    for tag in tags:
        above.setdefault(tag.prev_tag_id if tag.prev_tag_id in known else None, []).append(tag)
    found: list[tuple[TagData, int]] = []
    waiting = [(tag, 0) for tag in reversed(above.get(None, []))]
    while waiting:
        tag, depth = waiting.pop()
        found.append((tag, depth))
        waiting += [(one, depth + 1) for one in reversed(above.get(tag.id, []))]
    return found


def _datasources(client: ApiWorkflowClient) -> tuple[DatasourceConfig, ...]:
    found: dict[str, DatasourceConfig] = {}
    for purpose in (DatasourcePurpose.INPUT, DatasourcePurpose.LIGHTLY):
        try:
            config = client.get_datasource(purpose)
        except NotFoundException:
            continue
        found.setdefault(config.id, config)
    return tuple(found.values())


def _begun(run: DockerRunData) -> RunLine:
    ended = run.last_modified_at if run.state.in_end_state() else None
    key = run.scheduled_id or run.id
    return RunLine(key, run.id, run.state, run.message or "", run.created_at, ended)


def _asked(one: DockerRunScheduledData) -> RunLine:
    if one.state == "OPEN":
        return RunLine(one.id, "", RunState.OPEN, WAITING, one.created_at, None)
    state = RunState.CANCELED_OR_NOT_EXISTING
    return RunLine(one.id, "", state, CALLED_BACK, one.created_at, one.last_modified_at)


def _in_order(lines: Sequence[RunLine]) -> tuple[RunLine, ...]:
    return tuple(sorted(lines, key=lambda line: (not line.is_live, -line.began, line.scheduled_id)))


def _with_news(line: RunLine, info: ComputeWorkerRunInfo | None) -> RunLine:
    return line if info is None else replace(line, state=info.state, message=info.message)
