"""What the client returns: frozen, with the attributes of the platform's models, and no secret."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from lightly_nb.api.enums import (
    DockerRunArtifactType,
    DockerRunScheduledPriority,
    DockerRunScheduledState,
    DockerWorkerState,
    DockerWorkerType,
)
from lightly_nb.api.forms import camel_case
from lightly_nb.config.platform_form import snake_case
from lightly_nb.states import DatasetType, DatasourcePurpose, RunState

if TYPE_CHECKING:
    Spelled = type
else:

    class Spelled(type):
        """Models take their fields in camelCase too, and a model in place of all fields."""

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            if len(args) == 1 and not kwargs and isinstance(args[0], Model):
                return args[0]
            wrapped = kwargs.get("actual_instance")
            if wrapped is not None:
                return wrapped
            return super().__call__(*args, **{snake_case(key): value for key, value in kwargs.items()})


class Model(metaclass=Spelled):
    """Base of the models: as a dict they have snake_case keys, or the platform's camelCase ones."""

    @property
    def actual_instance(self) -> Self:
        """The model itself: the platform's generated models wrap some in others, which these do not."""
        return self

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the model that a dict describes, in either spelling."""
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the model that a JSON text describes."""
        return cls.from_dict(json.loads(text))

    def to_json(self, by_alias: bool = False) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(by_alias))

    def to_dict(self, by_alias: bool = False) -> dict[str, Any]:
        """Return the attributes as a dict, models in them too; `by_alias`: with camelCase keys."""
        found = dataclasses.asdict(self)  # type: ignore[call-overload]
        return _camel_case(found) if by_alias else found  # type: ignore[no-any-return]


def _camel_case(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel_case(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {camel_case(key): _camel_case(one) for key, one in value.items()}


@dataclass(frozen=True)
class DatasetData(Model):
    """A dataset. Times are milliseconds since 1970."""

    id: str
    name: str
    user_id: str
    type: DatasetType
    n_samples: int
    created_at: int
    last_modified_at: int
    datasources: list[str] = field(default_factory=list)
    img_type: str = "full"
    access_type: str | None = None
    """WRITE if the dataset is shared with you, None if it is yours."""
    parent_dataset_id: str | None = None


@dataclass(frozen=True)
class TagData(Model):
    """A tag."""

    id: str
    dataset_id: str
    prev_tag_id: str | None
    name: str
    bit_mask_data: str = field(repr=False)
    """Bit n of this hex number is sample n of the dataset."""
    tot_size: int
    """Samples of the dataset, as on the platform; the tag itself has `n_samples`."""
    n_samples: int
    created_at: int
    last_modified_at: int
    run_id: str | None = None


@dataclass(frozen=True)
class DockerRunArtifactData(Model):
    """A file that a run offers for download."""

    id: str
    type: DockerRunArtifactType | str
    file_name: str
    created_at: int


@dataclass(frozen=True)
class DockerRunData(Model):
    """A run that a worker has taken."""

    id: str
    user_id: str
    docker_version: str
    """The version of lightly_nb."""
    state: RunState
    dataset_id: str
    config_id: str | None
    scheduled_id: str | None
    created_at: int
    last_modified_at: int
    message: str | None
    artifacts: list[DockerRunArtifactData]
    archived: bool = False


@dataclass(frozen=True)
class DockerRunScheduledData(Model):
    """A run that was asked for."""

    id: str
    dataset_id: str
    user_id: str
    config_id: str
    priority: DockerRunScheduledPriority
    runs_on: list[str]
    state: DockerRunScheduledState
    created_at: int
    last_modified_at: int
    owner: str


@dataclass(frozen=True)
class DockerWorkerRegistryEntryData(Model):
    """A worker."""

    id: str
    user_id: str
    name: str
    worker_type: DockerWorkerType
    state: DockerWorkerState
    created_at: int
    last_modified_at: int
    labels: list[str]
    docker_version: str


@dataclass(frozen=True)
class DatasetEmbeddingData(Model):
    """Embeddings of a dataset."""

    id: str
    name: str
    created_at: int
    is_processed: bool = True
    is2d: bool = False


@dataclass(frozen=True)
class DatasourceConfig(Model):
    """Where a dataset's files are, for one purpose."""

    id: str
    purpose: DatasourcePurpose
    type: str
    full_path: str
    thumb_suffix: str | None
    settings: dict[str, Any] = field(default_factory=dict)
    """What else the kind has, secrets as '**********'. Each is an attribute as well."""

    def __getattr__(self, name: str) -> Any:
        settings = self.__dict__.get("settings", {})
        if name in settings:
            return settings[name]
        raise AttributeError(f"a datasource config of type {self.__dict__.get('type')} has no {name!r}")


@dataclass(frozen=True)
class PredictionTaskSchemaCategory(Model):
    """One category of a prediction task."""

    id: int
    name: str


@dataclass(frozen=True)
class PredictionTaskSchemaCategoryKeypoints(PredictionTaskSchemaCategory):
    """One category of a task of keypoints."""

    keypoint_names: list[str] | None = None
    keypoint_skeleton: list[list[int]] | None = None


@dataclass(frozen=True)
class PredictionTaskSchema(Model):
    """The schema of a prediction task."""

    name: str
    type: str
    """A `TaskType`."""
    categories: list[PredictionTaskSchemaCategory]


PredictionTaskSchemaSimple = PredictionTaskSchemaKeypoint = PredictionTaskSchema


class PredictionSingleton(Model):
    """Any of the singletons below: `PredictionSingleton.from_dict({"type": "CLASSIFICATION", …})`."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Any:
        """Return the singleton of the type that `values` name."""
        found = {snake_case(key): value for key, value in values.items()}
        return SINGLETONS[str(found.get("type"))](**found)


@dataclass(frozen=True)
class PredictionSingletonClassification(Model):
    """One predicted category of an image."""

    task_name: str
    category_id: int
    score: float
    probabilities: list[float] | None = None
    type: str = "CLASSIFICATION"


@dataclass(frozen=True)
class PredictionSingletonObjectDetection(Model):
    """One detected object."""

    task_name: str
    category_id: int
    score: float
    bbox: list[float]
    """x, y, width and height in pixels."""
    probabilities: list[float] | None = None
    type: str = "OBJECT_DETECTION"


@dataclass(frozen=True)
class PredictionSingletonSemanticSegmentation(Model):
    """One segment of a category."""

    task_name: str
    category_id: int
    score: float
    segmentation: list[int]
    """Row-major run lengths that start with the count of zeros."""
    probabilities: list[float] | None = None
    type: str = "SEMANTIC_SEGMENTATION"


@dataclass(frozen=True)
class PredictionSingletonInstanceSegmentation(Model):
    """One segmented object."""

    task_name: str
    category_id: int
    score: float
    segmentation: list[int]
    bbox: list[float]
    probabilities: list[float] | None = None
    type: str = "INSTANCE_SEGMENTATION"


@dataclass(frozen=True)
class PredictionSingletonKeypointDetection(Model):
    """One object's keypoints."""

    task_name: str
    category_id: int
    score: float
    keypoints: list[float]
    bbox: list[float] | None = None
    probabilities: list[float] | None = None
    type: str = "KEYPOINT_DETECTION"


SINGLETONS: Mapping[str, type[Model]] = {
    "CLASSIFICATION": PredictionSingletonClassification,
    "OBJECT_DETECTION": PredictionSingletonObjectDetection,
    "SEMANTIC_SEGMENTATION": PredictionSingletonSemanticSegmentation,
    "INSTANCE_SEGMENTATION": PredictionSingletonInstanceSegmentation,
    "KEYPOINT_DETECTION": PredictionSingletonKeypointDetection,
}


@dataclass(frozen=True)
class ConfigurationEntry(Model):
    """One metadatum that may be selected by."""

    name: str
    path: str
    default_value: Any
    value_data_type: str
