"""`WorkerConfig`: which steps a run does, on what, and what it leaves behind."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from lightly_nb.config.fields import (
    Allowed,
    BelowRoot,
    ContradictionError,
    Count,
    Flag,
    Name,
    Number,
    PathText,
    Secret,
    Text,
    Whole,
    below_root,
    is_list,
    number,
    pair,
    plain,
    refused,
    whole,
)
from lightly_nb.config.section import Config, Section


def _positive(value: Any) -> int:
    size = whole(value)
    if size < 1:
        raise refused()
    return size


def _image_size(value: Any) -> int | tuple[int, int]:
    if is_list(value):
        height, width = pair(_positive)(value)
        return height, width
    return -1 if value == -1 and whole(value) else _positive(value)


def _count_or_share(value: Any) -> int | float:
    value = plain(value)
    if isinstance(value, float | str):
        share = number(value)
        if share == -1:
            return -1
        if not 0 < share <= 1:
            raise refused()
        return share
    return -1 if value == -1 and whole(value) else _positive(value)


def _old_distance(value: Any) -> float:
    distance = number(value)
    if distance != -1 and not 0 <= distance <= 2:
        raise refused()
    return distance


def _below_lightly(value: Any) -> str:
    path = below_root(value)
    if path and not path.startswith(".lightly/"):
        raise refused()
    return path


ImageSize = Annotated[
    int | tuple[int, int],
    BeforeValidator(_image_size),
    Allowed("-1, a whole number >= 1 or a list [height, width]"),
]
CountOrShare = Annotated[
    int | float,
    BeforeValidator(_count_or_share),
    Allowed("-1, a whole number >= 1, or a share in (0, 1] written with a point (1.0 = all)"),
]
OldDistance = Annotated[float, BeforeValidator(_old_distance), Allowed("-1 or a number in [0, 2]")]
RelevantFilenames = Annotated[
    str, BeforeValidator(_below_lightly), Allowed("text, a path that starts with '.lightly/', or ''")
]
ImageFormat = Literal["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "ppm", "pgm"]
PretaggingDetector = Literal[
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "ssdlite320_mobilenet_v3_large",
]
"""The names in `lightly_nb.pretagging.DETECTORS`."""
PRETAGGING_CATEGORIES = ("bicycle", "bus", "car", "motorcycle", "person", "train", "truck")
"""What they find: the platform's categories, in its order."""
Scorer = Literal[
    "object-frequency",
    "objectness-least-confidence",
    "uncertainty-least-confidence",
    "uncertainty-margin",
    "uncertainty-entropy",
]


class CorruptnessCheckConfig(Section):
    """How corrupt a video may be."""

    corruption_threshold: Number = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of corrupt frames from which a video is left out as a whole.",
    )


class DatapoolConfig(Section):
    """The old way to name a datapool."""

    name: Text = Field(default="", description="Name of the datapool. '' = that of the dataset.")
    keep_history: Flag = Field(default=True, description="Whether earlier states of the datapool are kept.")


class DatasourceConfig(Section):
    """Which files of the datasource a run looks at."""

    process_all: Flag = Field(
        default=False, description="Whether files that an earlier run has processed are processed again."
    )
    enable_datapool_update: Flag = Field(
        default=True, description="Whether the selected samples are added to the datapool of the dataset."
    )
    bypass_verify: Flag = Field(
        default=False,
        description="Whether the permissions of the datasource are left unchecked before the run.",
    )
    use_frame_count_metadata: Flag = Field(
        default=False,
        description="Whether the frame count in a video's header is believed instead of counted.",
    )


class ObjectLevelConfig(Section):
    """Selection of objects instead of whole images."""

    task_name: Text = Field(
        default="",
        description="Prediction task whose boxes are cut out and selected from. '' = whole images.",
    )
    crop_dataset_name: Text = Field(
        default="", description="Name of the dataset of crops. '' = the name of the dataset with '-crops'."
    )
    padding: Number = Field(
        default=0.0,
        ge=0,
        description="By how much a box is grown on each side, as a share of its width and height.",
    )


class CropsConfig(Section):
    """Files of the crops of a selection of objects."""

    enable_upload: Flag = Field(
        default=False,
        description="Whether the selected crops are written as files to the LIGHTLY datasource, below"
        " .lightly/crops/.",
    )


class ActiveLearningConfig(Section):
    """Old form of a SCORES strategy."""

    task_name: Text = Field(
        default="", description="Old form: prediction task of the scores. '' = no scores."
    )
    score_name: Name = Field(default="uncertainty_margin", description="Old form: which score of the task.")


class ScorerConfig(Section):
    """Parameters of the object frequency score."""

    frequency_penalty: Number = Field(
        default=0.25,
        ge=0,
        le=1,
        description="What a further object of a category counts, where the first counts 1.",
    )
    min_score: Number = Field(
        default=0.9, ge=0, le=1, description="Lowest score; scores are scaled to the range from it to 1."
    )


class StoppingConditionConfig(Section):
    """Old form of the size and the minimum distance of a selection."""

    n_samples: CountOrShare = Field(
        default=-1, description="Old form: samples to select, or their share with a point. -1 = not given."
    )
    min_distance: OldDistance = Field(
        default=-1.0,
        description="Old form: minimum distance between two selected embeddings. -1 = not given.",
    )


class WorkerProcessConfig(Section):
    """A worker that waits for runs."""

    worker_id: Text = Field(default="", description="Id with which the worker is registered.")
    force_start: Flag = Field(
        default=True,
        description="Whether the worker starts although another one with its id seems to be alive.",
    )


class WorkerConfig(Config):
    """The steps of a run, their input and what they leave behind.

    Examples
    --------
    >>> config = WorkerConfig(**{"enable_training": True, "object_level.task_name": "cars"})
    >>> config.object_level.task_name, config.remove_exact_duplicates
    ('cars', True)
    >>> WorkerConfig(token="my-token").token
    SecretStr('**********')
    """

    WHERE: ClassVar[str] = "worker_config"

    enable_corruptness_check: Flag = Field(
        default=True, description="Whether files that cannot be decoded whole are left out, and listed."
    )
    corruptness_check: CorruptnessCheckConfig = Field(
        default=CorruptnessCheckConfig(), description="How corrupt a video may be."
    )
    remove_exact_duplicates: Flag = Field(
        default=True, description="Whether only the first by name is kept of files with the same content."
    )
    enable_training: Flag = Field(
        default=False,
        description="Whether a self-supervised model is trained on the images before embedding.",
    )
    checkpoint: PathText = Field(
        default="", description="Checkpoint to start from, relative to the shared directory. '' = none."
    )
    model: Text = Field(
        default="",
        description="Model that embeds, if nothing is trained: 'efficientnet-lite0', 'timm/NAME',"
        " 'torchvision/NAME', 'hf/OWNER/NAME' or a key of lightly's zoo. '' = the checkpoint if one is given,"
        " else efficientnet-lite0, which ships with the package, or the zoo's where lightly_config.model"
        " is not the default.",
    )
    input_size: Whole | None = Field(
        default=None,
        ge=1,
        description="Side of the square that images are resized to for embedding, in pixels. null = the"
        " model's own, 224 for efficientnet-lite0.",
    )
    dimensions: Whole | None = Field(
        default=None,
        ge=1,
        description="Numbers in one embedding of efficientnet-lite0: 1 to 256, or 1280. null = 256.",
    )
    accept_licence: Flag = Field(
        default=False,
        description="Whether weights may be used whose licence is not an open-source one.",
    )
    checkpoint_run_id: Text = Field(default="", description="Run whose checkpoint is used. '' = none.")
    embeddings: PathText = Field(
        default="",
        description="CSV of embeddings, relative to the shared directory; then nothing is trained or"
        " embedded. '' = none.",
    )
    relevant_filenames_file: RelevantFilenames = Field(
        default="", description="List of the files to look at, in the LIGHTLY datasource. '' = all files."
    )
    normalize_embeddings: Flag = Field(
        default=True, description="Whether each embedding is scaled to length 1 before selection."
    )
    decode: Literal["full", "fast"] = Field(
        default="full",
        description="How JPEGs are decoded: 'full' at full scale; 'fast' at a reduced scale above the input"
        " size, several times faster on large photographs, but it changes the embeddings of pretrained"
        " models: the 10 nearest neighbours overlap 0.90-0.94 with those of 'full'.",
    )
    thumbnail_size: Whole = Field(
        default=128,
        ge=16,
        le=1024,
        description="Longest side of the thumbnails made while embedding, in pixels.",
    )
    dump_dataset: Flag = Field(
        default=False, description="Whether the selected images are copied to the output."
    )
    output_image_size: ImageSize = Field(
        default=-1,
        description="Size of the copied images, in pixels: -1 = unchanged, a number = shortest edge,"
        " [height, width] = exactly that.",
    )
    output_image_format: ImageFormat = Field(default="png", description="File type of the copied images.")
    dump_sampled_embeddings: Flag = Field(
        default=True, description="Whether the embeddings of the selected samples are written to the output."
    )
    pretagging: Flag = Field(
        default=False,
        description="Whether objects are detected with a pretrained model, as the task 'lightly_pretagging'.",
    )
    pretagging_detector: PretaggingDetector = Field(
        default="fasterrcnn_resnet50_fpn",
        description="Detector of the pretagging, one of torchvision; its weights are downloaded once.",
    )
    pretagging_debug: Flag = Field(
        default=False, description="Whether example images with the detected boxes are written to the output."
    )
    pretagging_upload: Flag = Field(
        default=False,
        description="Whether the detections are written to the LIGHTLY datasource as predictions.",
    )
    selected_sequence_length: Whole = Field(
        default=1, ge=1, description="Frames that are selected together as one sequence. 1 = single images."
    )
    datapool: DatapoolConfig = Field(default=DatapoolConfig(), description="The old way to name a datapool.")
    use_datapool: Flag = Field(
        default=False, description="Whether what earlier runs selected counts as selected already."
    )
    datasource: DatasourceConfig = Field(
        default=DatasourceConfig(), description="Which files a run looks at."
    )
    object_level: ObjectLevelConfig = Field(default=ObjectLevelConfig(), description="Selection of objects.")
    crops: CropsConfig = Field(
        default=CropsConfig(), description="Files of the crops of a selection of objects."
    )
    active_learning: ActiveLearningConfig = Field(
        default=ActiveLearningConfig(), description="Old form of a SCORES strategy."
    )
    scorer: Scorer = Field(
        default="object-frequency",
        description="Old form: score of the pretagging detections, used with method 'coral'.",
    )
    scorer_config: ScorerConfig = Field(
        default=ScorerConfig(), description="Parameters of the object frequency score."
    )
    method: Literal["coreset", "random", "coral"] | None = Field(
        default=None,
        description="Old form of selection_config: 'coreset' = DIVERSITY, 'random' = RANDOM, 'coral' ="
        " DIVERSITY and a score. null = coreset where another key of the old form is given.",
    )
    stopping_condition: StoppingConditionConfig = Field(
        default=StoppingConditionConfig(), description="Old form of the size of a selection."
    )
    generate_report: Flag = Field(
        default=True, description="Whether a run ends with report.pdf, report.html, report.json and plots."
    )
    upload_report: Flag = Field(
        default=True, description="Whether the report is kept with the run in the workspace."
    )
    n_example_images: Whole = Field(
        default=6, ge=0, description="Pairs of a removed image and its nearest selected one in the report."
    )
    memory_requirement_in_GB: Number = Field(  # noqa: N815 - the platform's spelling
        default=2.0, gt=0, description="Most memory for the distance statistics of the report, in GB."
    )
    show_video_sampling_timeline: Flag = Field(
        default=True, description="Whether the report shows where in each video the selected frames lie."
    )
    num_processes: Count = Field(default=-1, description="Processes that work on files. -1 = number of CPUs.")
    num_threads: Count = Field(
        default=-1, description="Threads that read from the datasource. -1 = number of CPUs."
    )
    cache_size: Whole | None = Field(
        default=None,
        ge=0,
        description="Most disk space for cached files of the datasource, in bytes. null = no limit.",
    )
    shutdown_when_job_finished: Flag = Field(
        default=False, description="Whether the worker ends after one run instead of waiting for the next."
    )
    run_directory: BelowRoot = Field(
        default="", description="Sub-folder of the output directory for this run. '' = {DATE}/{TIME}."
    )
    worker: WorkerProcessConfig = Field(
        default=WorkerProcessConfig(), description="A worker that waits for runs."
    )
    token: Secret = Field(
        default=SecretStr(""),
        description="Token of the user. '' = the environment variable LIGHTLY_TOKEN. Never shown or written.",
    )
    sanity_check: Flag = Field(
        default=False, description="Whether the worker only checks its installation and then ends."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for is_wrong, message, *keys in _contradictions(self):
            if is_wrong:
                raise ContradictionError(message, *keys)
        return self


def _contradictions(config: WorkerConfig) -> list[tuple[bool, str, *tuple[str, ...]]]:
    """Return whether something does not fit together, what, and the keys that it is about."""
    filters = config.enable_corruptness_check or config.remove_exact_duplicates
    return [
        (
            bool(config.checkpoint and config.checkpoint_run_id),
            "checkpoint and checkpoint_run_id are both given; give one of them",
            "checkpoint",
            "checkpoint_run_id",
        ),
        (
            bool(config.model and (config.checkpoint or config.checkpoint_run_id)),
            "model and a checkpoint are both given; give one of them",
            "model",
            "checkpoint" if config.checkpoint else "checkpoint_run_id",
        ),
        (
            bool(config.model and config.enable_training),
            f"model '{config.model}' embeds as it is; set enable_training to false, or leave model out and"
            " name what is trained in lightly_config.model",
            "model",
            "enable_training",
        ),
        (
            bool(config.model and config.embeddings),
            "embeddings are given, so no model is used; leave one of them out",
            "model",
            "embeddings",
        ),
        (
            bool(config.embeddings and config.enable_training),
            "embeddings are given, so nothing is trained; set enable_training to false or leave them out",
            "embeddings",
            "enable_training",
        ),
        (
            config.pretagging_debug and not config.pretagging,
            "pretagging_debug writes pictures of what pretagging detects, and pretagging is false; set that"
            " to true",
            "pretagging_debug",
            "pretagging",
        ),
        (
            config.pretagging_upload and not config.pretagging,
            "pretagging_upload writes what pretagging detects, and pretagging is false; set that to true",
            "pretagging_upload",
            "pretagging",
        ),
        (
            config.crops.enable_upload and not config.object_level.task_name,
            "crops.enable_upload writes the crops of a selection of objects; name their task in"
            " object_level.task_name",
            "crops",
            "object_level",
        ),
        (
            bool(config.object_level.task_name and config.embeddings),
            "object_level embeds the crops, and embeddings are those of whole images; leave one of them out",
            "object_level",
            "embeddings",
        ),
        (
            bool(config.object_level.task_name and (config.use_datapool or config.datapool.name)),
            "a datapool keeps whole images, and object_level selects crops; leave one of them out",
            "object_level",
            "use_datapool",
        ),
        (
            config.use_datapool and config.enable_training,
            "use_datapool needs the same model in every run; set enable_training to false",
            "use_datapool",
            "enable_training",
        ),
        (
            config.selected_sequence_length > 1 and filters,
            f"selected_sequence_length {config.selected_sequence_length} needs whole sequences; set"
            " enable_corruptness_check and remove_exact_duplicates to false",
            "selected_sequence_length",
            "enable_corruptness_check",
            "remove_exact_duplicates",
        ),
    ]
