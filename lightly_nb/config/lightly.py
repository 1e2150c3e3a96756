"""`LightlyConfig`: how the self-supervised model is built, trained and used for embedding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from lightly_nb.config.fields import (
    Allowed,
    Choices,
    ContradictionError,
    Flag,
    Name,
    Number,
    Whole,
    is_list,
    number,
    ordered,
    pair,
    refused,
    whole,
)
from lightly_nb.config.section import Config, Section

MAX_SEED = 2**32 - 1


def _range(value: Any) -> tuple[float, float]:
    return ordered(pair(number)(value))


def _sigmas(value: Any) -> tuple[float, float]:
    low, high = _range(value)
    number_at_least_zero(low)
    return low, high


def _degrees(value: Any) -> float | tuple[float, float] | None:
    if value is None:
        return None
    return _range(value) if is_list(value) else number_at_least_zero(value)


def number_at_least_zero(value: Any) -> float:
    """Accept numbers from 0."""
    return ordered((0.0, number(value)))[1]


Probability = Annotated[Number, Field(ge=0, le=1)]
Sigmas = Annotated[
    tuple[float, float], BeforeValidator(_sigmas), Allowed("a list [min, max] with 0 <= min <= max")
]
Degrees = Annotated[
    float | tuple[float, float] | None,
    BeforeValidator(_degrees),
    Allowed("a number >= 0 or a list [min, max] with min <= max"),
]
Precision = Annotated[Literal[16, 32], BeforeValidator(whole)]
RESNETS = ("resnet-9", "resnet-18", "resnet-34", "resnet-50", "resnet-101", "resnet-152")
SHIPPED = "efficientnet-lite0"
_OTHER_PRETRAINED = re.compile(r"(timm|torchvision)/[\w.-]+")


def _model_name(value: Any) -> str:
    if value in (*RESNETS, SHIPPED) or (isinstance(value, str) and _OTHER_PRETRAINED.fullmatch(value)):
        return str(value)
    raise refused()


ModelName = Annotated[
    str,
    BeforeValidator(_model_name),
    Choices((*RESNETS, SHIPPED)),
    Allowed(f"{' or '.join(map(repr, (*RESNETS, SHIPPED)))} or 'timm/NAME' or 'torchvision/NAME'"),
]

FINE_TUNING: Mapping[str, Any] = MappingProxyType(
    {
        "loader.batch_size": 128,
        "model.num_ftrs": None,
        "trainer.max_epochs": 1,
        "criterion.temperature": 0.1,
        "optimizer.lr": 0.001,
        "optimizer.weight_decay": 0.0001,
        "collate.input_size": 128,
        "collate.min_scale": 0.2,
    }
)
"""What keys that are left out are where `model.name` is a pretrained backbone. All others are as always."""


def is_pretrained(name: str) -> bool:
    """Whether a backbone comes with weights, on which training goes on; the others begin with random ones.

    >>> is_pretrained("efficientnet-lite0"), is_pretrained("resnet-18")
    (True, False)
    """
    return name not in RESNETS


class LoaderConfig(Section):
    """How images are read in batches."""

    batch_size: Whole = Field(
        default=16, ge=1, description="Images in one batch, in training and in embedding."
    )
    shuffle: Flag = Field(
        default=True, description="Whether training sees the images in a new order each epoch."
    )
    num_workers: Whole = Field(
        default=-1,
        ge=-1,
        description="Processes that read images. -1 = number of CPUs, 0 = read in the main process.",
    )
    drop_last: Flag = Field(
        default=True,
        description="Whether training leaves out the last batch of an epoch when it is not full.",
    )


class ModelConfig(Section):
    """The network."""

    method: Name = Field(
        default="simclr",
        description="Self-supervised method that trains the model: 'simclr', 'vicreg', or any other that"
        " lightly_nb.training lists.",
    )
    name: ModelName = Field(
        default="resnet-18",
        description="Backbone of the model: a ResNet, which begins with random weights, or a pretrained one,"
        " 'efficientnet-lite0', 'timm/NAME' or 'torchvision/NAME', on which training goes on and for which"
        " other defaults hold, see below.",
    )
    out_dim: Whole = Field(
        default=128,
        ge=1,
        description="Numbers in the output of the projection head, on which the loss is computed.",
    )
    num_ftrs: Whole | None = Field(
        default=32,
        ge=1,
        description="Numbers in one embedding of a ResNet. null = as many as a pretrained backbone has.",
    )
    width: Number = Field(
        default=1.0, ge=1 / 64, description="Factor on the channels of the backbone. 1/64 leaves one channel."
    )
    frozen_layers: Whole = Field(
        default=0,
        ge=0,
        description="So many of the first layers of a pretrained backbone keep their weights; a stage of it"
        " counts as one. Training then takes less time and changes less.",
    )

    @model_validator(mode="after")
    def _pretrained_as_it_is(self) -> Self:
        if is_pretrained(self.name):
            if self.num_ftrs is not None and "num_ftrs" in self.model_fields_set:
                raise ContradictionError(
                    f"num_ftrs is given (got {self.num_ftrs}), but the length of the embeddings of the"
                    f" pretrained backbone {self.name} is fixed; leave num_ftrs out",
                    "num_ftrs",
                )
            if self.width != 1:
                raise ContradictionError(
                    f"width is given (got {self.width:g}), but a pretrained backbone such as {self.name} has"
                    " the channels that it has; leave width out",
                    "width",
                )
        elif self.num_ftrs is None:
            raise ContradictionError(
                f"num_ftrs is null, but a {self.name} needs a number >= 1; leave it out for 32", "num_ftrs"
            )
        elif self.frozen_layers:
            raise ContradictionError(
                f"frozen_layers is given (got {self.frozen_layers}), but a {self.name} is trained as a whole;"
                " leave it out, or name a pretrained backbone: efficientnet-lite0",
                "frozen_layers",
            )
        return self


class TrainerConfig(Section):
    """How long and on what the model is trained."""

    gpus: Whole = Field(
        default=1,
        ge=0,
        description="GPUs to train on. 0 = CPU; more than there are = those there are, with a warning.",
    )
    max_epochs: Whole = Field(default=100, ge=0, description="Passes over the data. 0 skips training.")
    precision: Precision = Field(
        default=32, description="Bits of a number in training: 32, or 16 for mixed precision (less memory)."
    )


class CriterionConfig(Section):
    """The loss."""

    temperature: Number = Field(
        default=0.5,
        gt=0,
        description="Number by which similarities are divided before the softmax of the loss.",
    )
    memory_bank_size: Whole = Field(
        default=0, ge=0, description="Negatives kept from earlier batches, in samples. 0 = no memory bank."
    )


class OptimizerConfig(Section):
    """Stochastic gradient descent."""

    lr: Number = Field(default=1.0, gt=0, description="Learning rate.")
    weight_decay: Number = Field(
        default=0.00001, ge=0, description="Factor of the L2 penalty on the weights."
    )


class CollateConfig(Section):
    """The random views of an image that training compares, and the size at which images are embedded."""

    input_size: Whole = Field(
        default=64, ge=1, description="Side of the square input of the model, in pixels."
    )
    cj_prob: Probability = Field(default=0.8, description="Probability of colour jitter.")
    cj_bright: Number = Field(
        default=0.7, ge=0, description="Largest relative change of brightness in colour jitter."
    )
    cj_contrast: Number = Field(
        default=0.7, ge=0, description="Largest relative change of contrast in colour jitter."
    )
    cj_sat: Number = Field(
        default=0.7, ge=0, description="Largest relative change of saturation in colour jitter."
    )
    cj_hue: Number = Field(
        default=0.2,
        ge=0,
        le=0.5,
        description="Largest shift of hue in colour jitter, in turns of the colour circle.",
    )
    min_scale: Number = Field(
        default=0.15, gt=0, le=1, description="Smallest random crop, as a share of the area of the image."
    )
    random_gray_scale: Probability = Field(default=0.2, description="Probability of turning a view to gray.")
    gaussian_blur: Probability = Field(default=0.5, description="Probability of Gaussian blur.")
    kernel_size: Number = Field(
        default=0.1,
        ge=0,
        description="Deprecated, without effect: kernel of the blur, relative to input_size. Use sigmas.",
    )
    sigmas: Sigmas = Field(
        default=(0.2, 2.0),
        description="Smallest and largest standard deviation of the Gaussian blur, in pixels.",
    )
    vf_prob: Probability = Field(default=0.0, description="Probability of a vertical flip.")
    hf_prob: Probability = Field(default=0.5, description="Probability of a horizontal flip.")
    rr_prob: Probability = Field(default=0.0, description="Probability of a random rotation.")
    rr_degrees: Degrees = Field(
        default=None,
        description="Angles of the random rotation, in degrees, counter-clockwise: null = always 90;"
        " a number d = from -d to d; [min, max] = from min to max.",
    )


class CheckpointCallbackConfig(Section):
    """Which checkpoints of the training are kept."""

    save_last: Flag = Field(default=True, description="Whether the checkpoint of the last epoch is kept.")
    save_top_k: Whole = Field(
        default=1,
        ge=-1,
        description="Checkpoints kept with the lowest loss. 0 = none, -1 = one for every epoch.",
    )


class LightlyConfig(Config):
    """Training and embedding: loader, model, trainer, loss, optimizer, augmentations, checkpoints, seed.

    Examples
    --------
    >>> config = LightlyConfig(trainer={"max_epochs": 2})
    >>> config.trainer.max_epochs, config.loader.batch_size
    (2, 16)
    >>> LightlyConfig(trainer={"max_epoch": 2})
    Traceback (most recent call last):
        ...
    lightly_nb.errors.ConfigError: lightly_config.trainer.max_epoch: unknown key (got 2). \
Did you mean 'max_epochs'? Allowed here: gpus, max_epochs, precision
    """

    WHERE: ClassVar[str] = "lightly_config"

    loader: LoaderConfig = Field(default=LoaderConfig(), description="How images are read in batches.")
    model: ModelConfig = Field(default=ModelConfig(), description="The network.")
    trainer: TrainerConfig = Field(default=TrainerConfig(), description="How long and on what it is trained.")
    criterion: CriterionConfig = Field(default=CriterionConfig(), description="The loss.")
    optimizer: OptimizerConfig = Field(default=OptimizerConfig(), description="Stochastic gradient descent.")
    collate: CollateConfig = Field(default=CollateConfig(), description="Input size and augmentations.")
    checkpoint_callback: CheckpointCallbackConfig = Field(
        default=CheckpointCallbackConfig(), description="Which checkpoints are kept."
    )
    seed: Whole = Field(
        default=1, ge=0, le=MAX_SEED, description="Seed of everything random in training and selection."
    )

    @model_validator(mode="after")
    def _fill_what_is_left_out(self) -> Self:
        """Give keys that nobody has set the defaults of the kind of backbone; they still count as not set."""
        for name in type(self).model_fields:
            section = getattr(self, name)
            if isinstance(section, Section):
                self.__dict__[name] = _with_defaults(section, f"{name}.", is_pretrained(self.model.name))
        return self


def _with_defaults(section: Section, start: str, fine_tunes: bool) -> Section:
    def default(key: str) -> Any:
        named = f"{start}{key}"
        if fine_tunes and named in FINE_TUNING:
            return FINE_TUNING[named]
        return type(section).model_fields[key].default

    given = section.model_fields_set
    values = {key: getattr(section, key) if key in given else default(key) for key in dict(section)}
    return section if values == dict(section) else section.model_construct(given, **values)
