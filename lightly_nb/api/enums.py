"""The platform's words, by the names that scripts import."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from lightly_nb.states import ArtifactType, RunState

DockerRunState = RunState
DockerRunArtifactType = ArtifactType

STATE_SCHEDULED_ID_NOT_FOUND = RunState.CANCELED_OR_NOT_EXISTING
"""The state of a run that nobody asked for, or that was called back."""


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


class SelectionInputType(StrEnum):
    """The type of an input of a selection."""

    EMBEDDINGS = "EMBEDDINGS"
    SCORES = "SCORES"
    METADATA = "METADATA"
    PREDICTIONS = "PREDICTIONS"
    RANDOM = "RANDOM"


class SelectionStrategyType(StrEnum):
    """The type of a strategy of a selection."""

    DIVERSITY = "DIVERSITY"
    WEIGHTS = "WEIGHTS"
    THRESHOLD = "THRESHOLD"
    BALANCE = "BALANCE"
    SIMILARITY = "SIMILARITY"
    TYPICALITY = "TYPICALITY"
    FACILITY_LOCATION = "FACILITY_LOCATION"
    """The one that the platform does not have."""


SelectionStrategyTypeV3 = SelectionStrategyType


class SelectionInputPredictionsName(StrEnum):
    """What PREDICTIONS say of a sample."""

    CLASS_DISTRIBUTION = "CLASS_DISTRIBUTION"
    CATEGORY_COUNT = "CATEGORY_COUNT"


class SelectionStrategyThresholdOperation(StrEnum):
    """How the value of a kept sample compares with a THRESHOLD."""

    SMALLER = "SMALLER"
    SMALLER_EQUAL = "SMALLER_EQUAL"
    BIGGER = "BIGGER"
    BIGGER_EQUAL = "BIGGER_EQUAL"


class ConfigurationValueDataType(StrEnum):
    """What the values of a metadatum are. Metadata of the last three cannot be selected by."""

    NUMERIC_INT = "NUMERIC_INT"
    NUMERIC_FLOAT = "NUMERIC_FLOAT"
    CATEGORICAL_STRING = "CATEGORICAL_STRING"
    CATEGORICAL_INT = "CATEGORICAL_INT"
    CATEGORICAL_BOOLEAN = "CATEGORICAL_BOOLEAN"
    CATEGORICAL_DATETIME = "CATEGORICAL_DATETIME"
    CATEGORICAL_TIMESTAMP = "CATEGORICAL_TIMESTAMP"
    OTHER_STRING = "OTHER_STRING"


class TagArithmeticsOperation(StrEnum):
    """What `combine_tags` does."""

    UNION = "UNION"
    INTERSECTION = "INTERSECTION"
    DIFFERENCE = "DIFFERENCE"


class TagCreator(StrEnum):
    """Who made a tag. Kept for scripts that compare with it."""

    UNKNOWN = "UNKNOWN"
    USER_WEBAPP = "USER_WEBAPP"
    USER_PIP = "USER_PIP"
    USER_PIP_LIGHTLY_MAGIC = "USER_PIP_LIGHTLY_MAGIC"
    USER_WORKER = "USER_WORKER"
    SAMPLER_ACTIVE_LEARNING = "SAMPLER_ACTIVE_LEARNING"
    SAMPLER_CORAL = "SAMPLER_CORAL"
    SAMPLER_CORESET = "SAMPLER_CORESET"
    SAMPLER_RANDOM = "SAMPLER_RANDOM"


class SharedAccessType(StrEnum):
    """What a dataset that is shared with you may be used for."""

    WRITE = "WRITE"


class ImageType(StrEnum):
    """What a dataset keeps of its images; here always all of them."""

    FULL = "full"
    THUMBNAIL = "thumbnail"
    META = "meta"


class LightlyModelV3(StrEnum):
    """The models of `lightly_config.model.name` on the platform."""

    RESNET_MINUS_18 = "resnet-18"
    RESNET_MINUS_34 = "resnet-34"
    RESNET_MINUS_50 = "resnet-50"
    RESNET_MINUS_101 = "resnet-101"
    RESNET_MINUS_152 = "resnet-152"


class LightlyTrainerPrecisionV3(IntEnum):
    """The precisions of `lightly_config.trainer.precision`."""

    NUMBER_16 = 16
    NUMBER_32 = 32


class LightlyDockerSelectionMethod(StrEnum):
    """The methods of the old form of a selection."""

    CORESET = "coreset"
    RANDOM = "random"


class ExpiryHandlingStrategyV3(StrEnum):
    """What the platform did with files that are soon gone. No run here asks for that."""

    SKIP = "SKIP"
    ABORT = "ABORT"


_REGIONS = (
    *("us-east-2", "us-east-1", "us-west-1", "us-west-2", "af-south-1", "ap-east-1", "ap-south-2"),
    *(
        "ap-southeast-3",
        "ap-southeast-4",
        "ap-south-1",
        "ap-northeast-3",
        "ap-northeast-2",
        "ap-southeast-1",
        "ap-southeast-2",
    ),
    *(
        "ap-northeast-1",
        "ca-central-1",
        "cn-northwest-1",
        "eu-central-1",
        "eu-west-1",
        "eu-west-2",
        "eu-south-1",
    ),
    *("eu-west-3", "eu-north-1", "eu-south-2", "eu-central-2", "me-south-1", "me-central-1", "sa-east-1"),
    *("us-gov-east", "us-gov-west"),
)
S3Region = StrEnum(  # type: ignore[misc]
    "S3Region", {region.replace("-", "_MINUS_").upper(): region for region in _REGIONS}
)
"""Regions of S3, by the names of the platform; `set_s3_config` takes any other text as well."""

DatasetCreator = Creator
LightlyModelV2, LightlyTrainerPrecisionV2 = LightlyModelV3, LightlyTrainerPrecisionV3
