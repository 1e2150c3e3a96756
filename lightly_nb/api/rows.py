"""From rows of the store to the models of the client. Each needs the open session that its row is of."""

from __future__ import annotations

import hashlib
import json

from sqlalchemy import select
from sqlalchemy.orm import Session

from lightly_nb import __version__
from lightly_nb.api.enums import (
    DockerRunArtifactType,
    DockerRunScheduledPriority,
    DockerRunScheduledState,
    DockerWorkerState,
    DockerWorkerType,
)
from lightly_nb.api.models import (
    DatasetData,
    DatasetEmbeddingData,
    DockerRunArtifactData,
    DockerRunData,
    DockerRunScheduledData,
    DockerWorkerRegistryEntryData,
    TagData,
)
from lightly_nb.states import DatasetType, RunState
from lightly_nb.workspace.data.embeddings import Embedding
from lightly_nb.workspace.data.samples import count_samples
from lightly_nb.workspace.data.tags import bit_mask_of, numbers_in_tag
from lightly_nb.workspace.store.schema import (
    Artifact,
    ComputeRun,
    Dataset,
    DatasourceConfig,
    ScheduledRun,
    Tag,
    User,
    Worker,
)
from lightly_nb.workspace.work.scheduling import priority_name


def dataset_data(session: Session, user: User, dataset: Dataset) -> DatasetData:
    """Return a dataset as `user` sees it."""
    sources = select(DatasourceConfig.id).where(DatasourceConfig.dataset_id == dataset.id)
    return DatasetData(
        id=dataset.id,
        name=dataset.name,
        user_id=dataset.owner_id,
        type=DatasetType(dataset.type),
        n_samples=count_samples(session, dataset),
        created_at=dataset.created_at,
        last_modified_at=dataset.last_modified_at,
        datasources=list(session.scalars(sources.order_by(DatasourceConfig.purpose))),
        access_type=None if dataset.owner_id == user.id else "WRITE",
        parent_dataset_id=dataset.parent_id,
    )


def tag_data(session: Session, dataset: Dataset, tag: Tag) -> TagData:
    """Return a tag of `dataset`."""
    return TagData(
        id=tag.id,
        dataset_id=tag.dataset_id,
        prev_tag_id=tag.prev_tag_id,
        name=tag.name,
        bit_mask_data=bit_mask_of(session, dataset, tag),
        tot_size=count_samples(session, dataset),
        n_samples=len(numbers_in_tag(session, tag)),
        created_at=tag.created_at,
        last_modified_at=tag.created_at,
        run_id=tag.run_id,
    )


def run_data(session: Session, run: ComputeRun) -> DockerRunData:
    """Return a run with its artifacts."""
    artifacts = select(Artifact).where(Artifact.run_id == run.id).order_by(Artifact.created_at, Artifact.id)
    scheduled = session.get(ScheduledRun, run.scheduled_run_id) if run.scheduled_run_id else None
    return DockerRunData(
        id=run.id,
        user_id=run.owner_id,
        docker_version=__version__,
        state=RunState(run.state),
        dataset_id=run.dataset_id,
        config_id=config_id_of(scheduled) if scheduled else None,
        scheduled_id=run.scheduled_run_id,
        created_at=run.created_at,
        last_modified_at=run.last_modified_at,
        message=run.message,
        artifacts=[artifact_data(one) for one in session.scalars(artifacts)],
    )


def artifact_data(artifact: Artifact) -> DockerRunArtifactData:
    """Return an artifact, its type as text where the platform has no such type."""
    known = artifact.type in DockerRunArtifactType.__members__
    return DockerRunArtifactData(
        id=artifact.id,
        type=DockerRunArtifactType(artifact.type) if known else artifact.type,
        file_name=artifact.file_name,
        created_at=artifact.created_at,
    )


def scheduled_data(scheduled: ScheduledRun) -> DockerRunScheduledData:
    """Return a run that was asked for."""
    return DockerRunScheduledData(
        id=scheduled.id,
        dataset_id=scheduled.dataset_id,
        user_id=scheduled.owner_id,
        config_id=config_id_of(scheduled),
        priority=DockerRunScheduledPriority(priority_name(scheduled)),
        runs_on=list(scheduled.runs_on),
        state=DockerRunScheduledState(scheduled.state),
        created_at=scheduled.created_at,
        last_modified_at=scheduled.last_modified_at,
        owner=scheduled.owner_id,
    )


def worker_data(worker: Worker) -> DockerWorkerRegistryEntryData:
    """Return a worker."""
    return DockerWorkerRegistryEntryData(
        id=worker.id,
        user_id=worker.owner_id,
        name=worker.name,
        worker_type=DockerWorkerType.FULL,
        state=DockerWorkerState(worker.state),
        created_at=worker.created_at,
        last_modified_at=worker.last_modified_at,
        labels=list(worker.labels),
        docker_version=__version__,
    )


def embedding_data(embedding: Embedding) -> DatasetEmbeddingData:
    """Return embeddings, without where they lie."""
    return DatasetEmbeddingData(id=embedding.id, name=embedding.name, created_at=embedding.created_at)


def config_id_of(scheduled: ScheduledRun) -> str:
    """Return the id of a run's configuration: equal configurations have equal ids."""
    return config_id(scheduled.worker_config, scheduled.lightly_config, scheduled.selection_config)


def config_id(*configs: object) -> str:
    """Return 24 hex digits that tell one configuration from another."""
    text = json.dumps(configs, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
