"""The platform's words, by the names that scripts import."""

from __future__ import annotations

from enum import StrEnum

from lightly_nb.states import ArtifactType, RunState

DockerRunState = RunState
DockerRunArtifactType = ArtifactType

SelectionConfigV4 = SelectionConfigV4Entry = dict
SelectionConfigV4EntryInput = SelectionConfigV4EntryStrategy = dict
"""A selection is a dict: `SelectionConfigV4(n_samples=50, strategies=[…])` takes the platform's keywords."""


class Creator(StrEnum):
    """Who asks. Kept for scripts that give it; nothing depends on it."""

    UNKNOWN = "UNKNOWN"
    USER_WEBAPP = "USER_WEBAPP"
    USER_PIP = "USER_PIP"
    USER_PIP_LIGHTLY_MAGIC = "USER_PIP_LIGHTLY_MAGIC"
    USER_WORKER = "USER_WORKER"


class DockerRunScheduledPriority(StrEnum):
    """How soon a scheduled run is taken."""

    LOW = "LOW"
    MID = "MID"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class DockerRunScheduledState(StrEnum):
    """The state of a scheduled run."""

    OPEN = "OPEN"
    LOCKED = "LOCKED"
    DONE = "DONE"
    CANCELED = "CANCELED"


class DockerWorkerState(StrEnum):
    """The state of a worker."""

    OFFLINE = "OFFLINE"
    CRASHED = "CRASHED"
    IDLE = "IDLE"
    BUSY = "BUSY"


class DockerWorkerType(StrEnum):
    """The type of a worker."""

    FULL = "FULL"


class TaskType(StrEnum):
    """The type of a prediction task."""

    CLASSIFICATION = "CLASSIFICATION"
    OBJECT_DETECTION = "OBJECT_DETECTION"
    SEMANTIC_SEGMENTATION = "SEMANTIC_SEGMENTATION"
    INSTANCE_SEGMENTATION = "INSTANCE_SEGMENTATION"
    KEYPOINT_DETECTION = "KEYPOINT_DETECTION"
