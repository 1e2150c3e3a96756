"""`SelectionConfig`: how many samples to select, and what for.

A strategy pairs an input (what is known about a sample) with an objective on it. Both are told apart by their
`type`; `ALLOWED_INPUTS` says which pairs make sense.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from lightly_nb.config.fields import (
    Allowed,
    ContradictionError,
    Name,
    Names,
    Number,
    Shares,
    Whole,
    is_list,
    name,
    plain,
    refused,
)
from lightly_nb.config.section import Config, Section

MAX_STRENGTH = 1e9

ALLOWED_INPUTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "FACILITY_LOCATION": ("EMBEDDINGS",),
        "DIVERSITY": ("EMBEDDINGS",),
        "WEIGHTS": ("SCORES", "METADATA", "RANDOM", "PREDICTIONS"),
        "THRESHOLD": ("SCORES", "METADATA", "PREDICTIONS"),
        "BALANCE": ("PREDICTIONS", "METADATA"),
        "SIMILARITY": ("EMBEDDINGS",),
        "TYPICALITY": ("EMBEDDINGS",),
    }
)
"""The inputs that each strategy can work on."""
OF_COUNTS = ("WEIGHTS", "THRESHOLD")
"""Strategies on numbers: of PREDICTIONS they take only CATEGORY_COUNT, the number of objects."""


def _name_or_none(value: Any) -> str | None:
    return None if value in (None, "") else name(value)


NameOrNone = Annotated[str | None, BeforeValidator(_name_or_none), Allowed("text")]
Seed = Annotated[Whole, Allowed("a whole number")]


class InputSection(Section):
    """What all inputs share: the platform's client gives each the keys of all, null where they are none."""

    BESIDE: ClassVar[Mapping[str, str]] = MappingProxyType(
        dict.fromkeys(
            (*("task", "score", "key", "name", "dataset_id", "tag_name", "random_seed", "categories"),),
            "it is a key of another type of input; leave it out",
        )
    )


class EmbeddingsInput(InputSection):
    """The embedding of each sample; with a tag, also those of the samples of that tag as query."""

    type: Literal["EMBEDDINGS"] = Field(description="The embedding of each sample.")
    dataset_id: Name | None = Field(
        default=None, description="Dataset of the query samples, for SIMILARITY. null = the same dataset."
    )
    tag_name: Name | None = Field(default=None, description="Tag of the query samples, for SIMILARITY.")
    task: NameOrNone = Field(
        default=None,
        description="Prediction task of the objects whose crops are embedded: object_level.task_name of the"
        " run, or null, which means the same.",
    )


class ScoresInput(InputSection):
    """A score in [0, 1] of each sample."""

    type: Literal["SCORES"] = Field(description="A score of each sample, computed from predictions.")
    task: Name = Field(description="Prediction task of the score.")
    score: Name = Field(description="Name of the score, for example uncertainty_margin or object_frequency.")


class PredictionsInput(InputSection):
    """How the predicted categories are spread in each sample."""

    type: Literal["PREDICTIONS"] = Field(description="The predicted categories of each sample.")
    task: Name = Field(description="Prediction task.")
    name: Literal["CLASS_DISTRIBUTION", "CATEGORY_COUNT"] = Field(
        description="Probabilities of the categories, or number of objects of each category."
    )
    categories: Names | None = Field(
        default=None, description="Categories that count. null = all of the task."
    )

    @property
    def is_count(self) -> bool:
        """Whether it is a number of objects."""
        return self.name == "CATEGORY_COUNT"


class MetadataInput(InputSection):
    """A number or a category of each sample."""

    type: Literal["METADATA"] = Field(description="A metadatum of each sample.")
    key: Name = Field(
        description="Dotted path of the metadatum; lightly.sharpness, lightly.snr and lightly.sizeInBytes are"
        " computed from the image."
    )


class RandomInput(InputSection):
    """A random number for each sample."""

    type: Literal["RANDOM"] = Field(description="A random number for each sample.")
    random_seed: Seed | None = Field(
        default=None, description="Seed of the numbers. null = lightly_config.seed."
    )


class Strategy(Section):
    """What all strategies share."""

    BESIDE: ClassVar[Mapping[str, str]] = MappingProxyType(
        dict.fromkeys(
            (
                *("stopping_condition_minimum_distance", "threshold", "operation", "target", "distribution"),
                *("num_nearest_neighbors", "stopping_condition_minimum_typicality", "target_range"),
                "stopping_condition_max_sum",
            ),
            "it is a key of another type of strategy; leave it out",
        )
    )

    type: str
    strength: Number = Field(
        default=1.0,
        ge=-MAX_STRENGTH,
        le=MAX_STRENGTH,
        description="Weight against the other strategies, an exponent on the objective; negative = the"
        " opposite.",
    )


class FacilityLocationStrategy(Strategy):
    """Samples that stand for many others: greedy facility location."""

    type: Literal["FACILITY_LOCATION"] = Field(description="Samples that stand for many others.")
    stopping_condition_minimum_distance: Number | None = Field(
        default=None,
        ge=0,
        le=2,
        description="Stop once every remaining sample is nearer than this to a selected one: Euclidean"
        " distance of embeddings of length 1.",
    )


class DiversityStrategy(Strategy):
    """Samples that differ from each other: greedy farthest-first."""

    type: Literal["DIVERSITY"] = Field(description="Samples that differ from each other.")
    stopping_condition_minimum_distance: Number | None = Field(
        default=None,
        ge=0,
        le=2,
        description="Stop once every remaining sample is nearer than this to a selected one: Euclidean"
        " distance of embeddings of length 1.",
    )


class TargetRange(Section):
    """Range in which the sum over the selected samples shall lie."""

    min_sum: Number | None = Field(default=None, description="Lowest sum aimed at, in units of the input.")
    max_sum: Number | None = Field(default=None, description="Highest sum aimed at, in units of the input.")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.min_sum is None and self.max_sum is None:
            raise ContradictionError("give min_sum, max_sum or both", "min_sum", "max_sum")
        if self.min_sum is not None and self.max_sum is not None and self.min_sum > self.max_sum:
            raise ContradictionError(
                f"min_sum {self.min_sum:g} is above max_sum {self.max_sum:g}", "min_sum", "max_sum"
            )
        return self


class WeightsStrategy(Strategy):
    """Samples with high values."""

    type: Literal["WEIGHTS"] = Field(description="Samples with high values.")
    stopping_condition_max_sum: Number | None = Field(
        default=None,
        gt=0,
        description="Stop before the values of the selected samples sum to more than this.",
    )
    target_range: TargetRange | None = Field(
        default=None, description="Range in which the sum of the values of the selected samples shall lie."
    )


class ThresholdStrategy(Strategy):
    """Only samples on one side of a threshold; applied before all other strategies."""

    type: Literal["THRESHOLD"] = Field(description="Only samples on one side of a threshold.")
    threshold: Number = Field(description="Value to compare with, in units of the input.")
    operation: Literal["SMALLER", "SMALLER_EQUAL", "BIGGER", "BIGGER_EQUAL"] = Field(
        description="How the value of a kept sample compares with the threshold."
    )


class BalanceStrategy(Strategy):
    """Samples whose categories are spread as wished."""

    type: Literal["BALANCE"] = Field(description="Samples whose categories are spread as wished.")
    distribution: Literal["TARGET", "UNIFORM", "INPUT"] = Field(
        default="TARGET",
        description="The wished spread: that of target, all categories alike, or that of the input.",
    )
    target: Shares | None = Field(
        default=None,
        description="Share of each category in the selection; the rest is left to all other categories.",
    )

    @model_validator(mode="after")
    def _has_one_target(self) -> Self:
        if self.distribution == "TARGET" and self.target is None:
            raise ContradictionError(
                "give target {category: share}, or distribution 'UNIFORM' or 'INPUT'",
                "distribution",
                "target",
            )
        if self.distribution != "TARGET" and self.target is not None:
            raise ContradictionError(
                f"distribution '{self.distribution}' and a target are both given; give one of them",
                "distribution",
                "target",
            )
        return self


class SimilarityStrategy(Strategy):
    """Samples that are most similar to those of the input's tag."""

    type: Literal["SIMILARITY"] = Field(description="Samples most similar to the query samples.")


class TypicalityStrategy(Strategy):
    """Samples in dense regions (Hacohen, Dekel, Weinshall 2022)."""

    type: Literal["TYPICALITY"] = Field(description="Samples in dense regions.")
    num_nearest_neighbors: Whole = Field(
        default=20, ge=2, description="Neighbours over which the distance is averaged."
    )
    stopping_condition_minimum_typicality: Number | None = Field(
        default=None, gt=0, le=1, description="Stop once every remaining sample is less typical than this."
    )


Input = EmbeddingsInput | ScoresInput | PredictionsInput | MetadataInput | RandomInput
Objective = (
    FacilityLocationStrategy
    | DiversityStrategy
    | WeightsStrategy
    | ThresholdStrategy
    | BalanceStrategy
    | SimilarityStrategy
    | TypicalityStrategy
)


class StrategyConfig(Section):
    """An input and what to do with it."""

    input: Input = Field(discriminator="type", description="What is known about each sample.")
    strategy: Objective = Field(discriminator="type", description="What is wanted of it.")

    @model_validator(mode="after")
    def _is_a_pair(self) -> Self:
        kind, got = self.strategy.type, self.input.type
        is_uncountable = isinstance(self.input, PredictionsInput) and not self.input.is_count
        if got not in ALLOWED_INPUTS[kind] or (kind in OF_COUNTS and is_uncountable):
            allowed = " or ".join(ALLOWED_INPUTS[kind])
            counts = " with name CATEGORY_COUNT" if kind in OF_COUNTS else ""
            raise ValueError(f"{kind} cannot work on {got}. Allowed inputs of {kind}: {allowed}{counts}")
        if isinstance(self.input, EmbeddingsInput):
            _check_query(self.input, kind)
        return self


def _check_query(embeddings: EmbeddingsInput, kind: str) -> None:
    if kind == "SIMILARITY" and embeddings.tag_name is None:
        raise ContradictionError(
            "SIMILARITY needs the tag of the query samples: give input.tag_name", "input.tag_name"
        )
    if kind != "SIMILARITY" and (embeddings.tag_name or embeddings.dataset_id):
        raise ContradictionError(
            f"{kind} takes no query samples; leave out input.dataset_id and input.tag_name",
            "input.dataset_id",
            "input.tag_name",
        )


def _not_empty(value: Any) -> Any:
    if not is_list(value) or not value:
        raise refused()
    return tuple(value)


Strategies = Annotated[
    tuple[StrategyConfig, ...],
    BeforeValidator(_not_empty),
    Allowed("a list of {input, strategy}, at least one"),
]
CountOfSamples = Annotated[
    Whole,
    Allowed(
        "a whole number >= 1, or -1 for as many as the stopping conditions let pass; for a share use"
        " proportion_samples"
    ),
]

DEFAULT_STRATEGY = StrategyConfig.model_validate(
    {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "FACILITY_LOCATION"}}
)
"""What a selection does that names no strategy."""
DIVERSITY_ON_EMBEDDINGS = StrategyConfig.model_validate(
    {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
)
"""The same on the platform, whose client and queue keep to it."""


SIZES = ("n_samples", "proportion_samples")
"""Exactly one of them is given."""


class SelectionConfig(Config):
    """How many samples to select, and the strategies that say which.

    Examples
    --------
    >>> config = SelectionConfig(n_samples=50)
    >>> config.strategies[0].strategy.type, config.strategies[0].input.type
    ('FACILITY_LOCATION', 'EMBEDDINGS')
    """

    WHERE: ClassVar[str] = "selection_config"
    BESIDE: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "auto_tasks": "no run here cuts images into tiles: cut them before, or leave it out",
            "lightly_path_regex": "no run here makes metadata of file names: write them with"
            " upload_custom_metadata and name their key in a METADATA input, or leave it out",
        }
    )

    n_samples: CountOfSamples | None = Field(
        default=None, ge=1, description="Samples to select, beside those that were selected before."
    )
    proportion_samples: Number | None = Field(
        default=None, gt=0, le=1, description="Samples to select, as a share of the input after the checks."
    )
    strategies: Strategies = Field(
        default=(DEFAULT_STRATEGY,),
        description="What is wanted of the selection; the order is without effect. Left out ="
        " FACILITY_LOCATION on EMBEDDINGS; in a run that ApiWorkflowClient schedules DIVERSITY on EMBEDDINGS,"
        " as on the platform.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_limit(cls, values: Any) -> Any:
        """Read n_samples -1, the platform's "no limit", as a share of 1, unless a share is given."""
        if not isinstance(values, Mapping) or plain(values.get("n_samples")) != -1:
            return values
        share = values.get("proportion_samples")
        return {**values, "n_samples": None, "proportion_samples": 1.0 if share is None else share}

    @model_validator(mode="after")
    def _has_one_size(self) -> Self:
        if self.n_samples is None and self.proportion_samples is None:
            raise ContradictionError(
                "no size is given; give n_samples (a count) or proportion_samples (a share in (0, 1])",
                *SIZES,
            )
        if self.n_samples is not None and self.proportion_samples is not None:
            raise ContradictionError(
                "n_samples and proportion_samples are both given; give one of them", *SIZES
            )
        return self


def default_selection(
    n_samples: int | None = None,
    proportion_samples: float | None = None,
    minimum_distance: float | None = None,
) -> SelectionConfig:
    """Return the selection of FACILITY_LOCATION on EMBEDDINGS.

    Parameters
    ----------
    n_samples : int, optional
        Samples to select, 1 or more. Give this or `proportion_samples`.
    proportion_samples : float, optional
        Samples to select as a share in (0, 1].
    minimum_distance : float, optional
        Stop once every remaining sample is nearer than this to a selected one, in [0, 2].

    Raises
    ------
    ConfigError
        If both sizes or none are given, or a value is out of range.

    Examples
    --------
    >>> default_selection(50, minimum_distance=0.1).strategies[0].strategy.stopping_condition_minimum_distance
    0.1
    """
    facility: dict[str, Any] = {
        "type": "FACILITY_LOCATION",
        "stopping_condition_minimum_distance": minimum_distance,
    }
    strategies: Any = [{"input": {"type": "EMBEDDINGS"}, "strategy": facility}]
    return SelectionConfig(n_samples=n_samples, proportion_samples=proportion_samples, strategies=strategies)


def as_on_the_platform(selection: SelectionConfig) -> SelectionConfig:
    """Return `selection`, with the platform's default where it names no strategy.

    Examples
    --------
    >>> as_on_the_platform(SelectionConfig(n_samples=5)).strategies[0].strategy.type
    'DIVERSITY'
    """
    if "strategies" in selection.model_fields_set:
        return selection
    return selection.model_copy(update={"strategies": (DIVERSITY_ON_EMBEDDINGS,)})
