"""How long a run will take and how much disk, before anything starts. An estimate, not a promise.

`estimate` is arithmetic on the number of images, the configurations and a few costs of single things.
`TYPICAL` holds costs that were measured once on two CPUs (benchmarks/ingest.md, benchmarks/selection.md,
benchmarks/report.py and two runs on the demo photographs); `measure.measured_costs` measures them here, on
the user's own images.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lightly_nb.config import Configs, LightlyConfig, SelectionConfig
from lightly_nb.config.lightly import SHIPPED, is_pretrained
from lightly_nb.display.text import counted, duration, size
from lightly_nb.errors import InputError
from lightly_nb.pipeline.starting_model import model_name

BACKBONES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "resnet-9": (1.015, 4.91e6),
        "resnet-18": (2.223, 11.19e6),
        "resnet-34": (4.639, 21.29e6),
        "resnet-50": (5.195, 23.57e6),
        "resnet-101": (10.044, 42.56e6),
        "resnet-152": (14.893, 58.20e6),
        "efficientnet-lite0": (0.19, 3.37e6),
    }
)
"""Of each backbone at width 1: billions of multiply-adds for an image of 64 × 64 pixels, and weights.

EfficientNet-Lite0 has 0.032, but its depthwise convolutions take as long as six times as many: 101 images a
CPU second at 224 pixels in bf16, and 44 to 60 CPU seconds to train on 1,500 photographs at 96 pixels.
"""

OTHER_BACKBONE = (1.3, 25e6)
"""The same of backbones that are not above, guessed."""

SHIPPED_WORK, OTHER_WORK, OTHER_FEATURES = 10.8, 16.4, 768
"""What one image of 224 pixels takes in the embedder that ships, timed, and in others by name, guessed: as
much as that many billions of multiply-adds of a backbone above (depthwise convolutions are slow for their
number). Then the length of an embedding of the others, guessed."""

VIEWS = 2
"""Views of an image that training compares."""


@dataclass(frozen=True)
class Costs:
    """What single things cost on a machine. Times of one thread are CPU seconds.

    Parameters
    ----------
    listing : float
        Seconds to list one file.
    reading : float
        Seconds of one thread to read, check, decode, shrink one image and make its thumbnail.
    embedding : float
        Seconds of one thread for a billion multiply-adds of the model, on a GPU of the whole machine.
    view : float
        Seconds to make one random view of an image.
    training : float
        Seconds of the whole machine for a billion multiply-adds of one view, forth and back.
    thumbnail : float
        Bytes of one thumbnail of 128 pixels.
    device : str
        `cpu` or `cuda`.
    n_measured : int
        How many of the user's own images were timed; 0: typical figures.
    """

    listing: float = 1.5e-5
    reading: float = 3.0e-3
    embedding: float = 4.0e-3
    view: float = 2.2e-3
    training: float = 2.15e-2
    thumbnail: float = 3_800.0
    device: str = "cpu"
    n_measured: int = 0


TYPICAL = Costs()
START_SECONDS = 2.5
"""Imports of a run, and building the model."""
TRAINING_START_SECONDS = 3.0
REPORT_SECONDS, REPORT_SECONDS_AN_IMAGE = 15.0, 5.5e-4
REPORT_BYTES, REPORT_BYTES_AN_IMAGE = 7e6, 150
DETECTING: Mapping[str, float] = {
    "fasterrcnn_resnet50_fpn": 134.4,
    "fasterrcnn_resnet50_fpn_v2": 280.4,
    "fasterrcnn_mobilenet_v3_large_fpn": 4.5,
    "fasterrcnn_mobilenet_v3_large_320_fpn": 0.7,
    "ssdlite320_mobilenet_v3_large": 0.6,
}
"""Billions of multiply-adds of one image, by detector, as torchvision says."""
DETECTING_SECONDS = {"cpu": 0.1, "cuda": 2e-4}
"""Of a billion: one thread (measured .117 on a shared core), a whole GPU (a guess)."""
TYPICAL_CPUS = 2
BYTES_OF_A_NUMBER, DIGITS_OF_A_NUMBER, BYTES_OF_A_ROW = 4, 12, 60


@dataclass(frozen=True)
class Estimate:
    """What a run will take, roughly.

    Attributes
    ----------
    n_images : int
        Files that will be looked at, broken ones and duplicates among them.
    n_selected : int or None
        Samples that will be selected at most; None without a selection.
    seconds : mapping of str to float
        By step, in the words of `RunState`.
    disk : mapping of str to int
        Bytes by kind: `thumbnails`, `embeddings`, `checkpoints`, `report`.
    n_measured : int
        How many of the user's own images were timed for it; 0: typical figures.
    problem : str
        Why the run would be refused, '' if nothing is known against it.

    Examples
    --------
    >>> from lightly_nb.config import parse_configs
    >>> configs = parse_configs({"generate_report": False}, None, {"proportion_samples": 0.1})
    >>> print(estimate(10_000, configs, cpus=2))
    10,000 images, 1,000 to select · about 3 min 59 s (embedding 3 min 51 s) · about 130 MB of disk
    """

    n_images: int
    n_selected: int | None
    seconds: Mapping[str, float]
    disk: Mapping[str, int]
    n_measured: int = 0
    problem: str = ""

    @property
    def minutes(self) -> float:
        """The whole time, in minutes."""
        return math.fsum(self.seconds.values()) / 60

    @property
    def total_bytes(self) -> int:
        """The whole disk space, in bytes."""
        return sum(self.disk.values())

    def __str__(self) -> str:
        images = counted(self.n_images, "image")
        selected = "" if self.n_selected is None else f", {self.n_selected:,} to select"
        steps = sorted(self.seconds.items(), key=lambda step: -step[1])
        shown = [
            f"{_WORDS[step]} {duration(took)}" for step, took in steps if took >= 0.05 * self.minutes * 60
        ]
        took = f"about {duration(60 * self.minutes)} ({', '.join(shown)})"
        return f"{images}{selected} · {took} · about {size(self.total_bytes)} of disk"


_WORDS = {
    "INITIALIZING": "start",
    "LOADING_DATASET": "listing",
    "CHECKING_CORRUPTNESS": "checks",
    "TRAINING": "training",
    "EMBEDDING": "embedding",
    "PRETAGGING": "pretagging",
    "SAMPLING": "selecting",
    "GENERATING_REPORT": "report",
}


def estimate(n_images: int, configs: Configs, *, costs: Costs = TYPICAL, cpus: int | None = None) -> Estimate:
    """Return what a run on `n_images` images will take.

    Parameters
    ----------
    n_images : int
        0 or more.
    configs : Configs
        The three configurations of the run; without a selection, no selecting and no report are counted.
    costs : Costs
        Of single things on this machine.
    cpus : int or None
        CPUs that share the work. None: those of this machine.

    Raises
    ------
    InputError
        If `n_images` is negative or not a whole number.
    """
    if isinstance(n_images, bool) or not isinstance(n_images, int) or n_images < 0:
        raise InputError(f"n_images: got {n_images!r}, allowed are whole numbers from 0")
    cpus = cpus or os.cpu_count() or TYPICAL_CPUS
    n_selected, problem = _size(n_images, configs.selection)
    seconds = _seconds(n_images, n_selected, configs, costs, cpus)
    disk = _disk(n_images, n_selected, configs, costs)
    return Estimate(n_images, n_selected, seconds, disk, costs.n_measured, problem)


def multiply_adds(config: LightlyConfig) -> float:
    """Return the billions of multiply-adds of the model for one image in training: `collate.input_size`.

    >>> multiply_adds(LightlyConfig(collate={"input_size": 128})) / multiply_adds(LightlyConfig())
    4.0
    """
    model = config.model
    work = BACKBONES.get(model.name, OTHER_BACKBONE)[0]
    return float(work * model.width**2 * (config.collate.input_size / 64) ** 2)


def embedding_work(configs: Configs) -> float:
    """Return what embedding one image takes, as billions of multiply-adds of a backbone.

    >>> from lightly_nb.config import parse_configs
    >>> embedding_work(parse_configs({"input_size": 112})) / embedding_work(parse_configs())
    0.25
    """
    if is_by_name(configs):
        work = SHIPPED_WORK if _is_shipped(configs) else OTHER_WORK
        return work * ((configs.worker.input_size or 224) / 224) ** 2
    lightly, side = configs.lightly, configs.worker.input_size
    if is_pretrained(lightly.model.name):  # fine-tuned: at its own size, if that is larger than in training
        work = SHIPPED_WORK if lightly.model.name == SHIPPED else OTHER_WORK
        return work * ((side or max(224, lightly.collate.input_size)) / 224) ** 2
    return multiply_adds(lightly)


def _n_features(configs: Configs) -> int:
    if is_by_name(configs):
        return (configs.worker.dimensions or 256) if _is_shipped(configs) else OTHER_FEATURES
    model = configs.lightly.model
    return model.num_ftrs or (256 if model.name == SHIPPED else OTHER_FEATURES)


def is_by_name(configs: Configs) -> bool:
    """Whether the run embeds with the shipped model or another one by name, not with a ResNet of lightly."""
    worker = configs.worker
    if trains(configs) or worker.checkpoint or worker.checkpoint_run_id:
        return False
    name = model_name(configs)
    return bool(worker.model) or name is None or is_pretrained(configs.lightly.model.name)


def _is_shipped(configs: Configs) -> bool:
    return model_name(configs) in (None, SHIPPED)


def trains(configs: Configs) -> bool:
    """Whether a run with these configurations trains a model."""
    worker = configs.worker
    return worker.enable_training and configs.lightly.trainer.max_epochs > 0 and not worker.embeddings


def _size(n_images: int, selection: SelectionConfig | None) -> tuple[int | None, str]:
    if selection is None:
        return None, ""
    if selection.n_samples is None:
        share = selection.proportion_samples or 0.0
        return min(n_images, max(1, math.floor(share * n_images + 1e-9))), ""  # as `select` counts
    if selection.n_samples > n_images:
        asked = f"selection_config.n_samples: asked for {selection.n_samples:,} samples, but there are"
        return n_images, f"{asked} {n_images:,} images; ask for at most that many"
    return selection.n_samples, ""


def _seconds(n: int, n_selected: int | None, configs: Configs, costs: Costs, cpus: int) -> dict[str, float]:
    work = embedding_work(configs)
    seconds = {"INITIALIZING": START_SECONDS, "LOADING_DATASET": n * costs.listing}
    if configs.worker.embeddings:
        seconds["CHECKING_CORRUPTNESS"] = n * costs.reading / _threads(configs, cpus)
    else:
        if trains(configs):
            seconds["TRAINING"] = _training_seconds(n, configs, costs, cpus)
        share = 1 if costs.device == "cuda" else _threads(configs, cpus)
        seconds["EMBEDDING"] = n * (costs.reading / _threads(configs, cpus) + costs.embedding * work / share)
    if configs.worker.pretagging:
        share = 1 if costs.device == "cuda" else _threads(configs, cpus)
        work = DETECTING[configs.worker.pretagging_detector]
        seconds["PRETAGGING"] = n * work * DETECTING_SECONDS[costs.device] / share
    if n_selected is not None:
        seconds["SAMPLING"] = _selecting_seconds(n, n_selected, configs)
        if configs.worker.generate_report:
            seconds["GENERATING_REPORT"] = REPORT_SECONDS + n * REPORT_SECONDS_AN_IMAGE
    return seconds


def _threads(configs: Configs, cpus: int) -> int:
    asked = configs.worker.num_threads
    return cpus if asked == -1 else min(asked, cpus)


def _training_seconds(n: int, configs: Configs, costs: Costs, cpus: int) -> float:
    scale = 1.0 if costs.n_measured else TYPICAL_CPUS / cpus
    workers = configs.lightly.loader.num_workers
    in_parallel = max(1, min(cpus, cpus if workers == -1 and costs.device == "cuda" else workers))
    an_image = VIEWS * (costs.view / in_parallel + costs.training * scale * multiply_adds(configs.lightly))
    once = TRAINING_START_SECONDS + n * costs.reading / cpus
    return once + configs.lightly.trainer.max_epochs * n * an_image


def _selecting_seconds(n: int, n_selected: int, configs: Configs) -> float:
    """From benchmarks/selection.md: a pass over the data, cheap steps, and all pairs for TYPICALITY.

    From benchmarks/facility_location.md: five times all pairs, above 30,000 samples fewer.
    """
    d = _n_features(configs) / 128
    kinds = [] if configs.selection is None else [each.strategy.type for each in configs.selection.strategies]
    pairs = 3e-9 * n**2 * d if "TYPICALITY" in kinds else 0.0
    if "FACILITY_LOCATION" in kinds:
        pairs += 2.6e-8 * n * (n if n <= 30_000 else 2_000) * d
    return 0.05 + len(kinds) * (2.5e-6 * n * d + 2e-10 * n * n_selected) + pairs


def _disk(n: int, n_selected: int | None, configs: Configs, costs: Costs) -> dict[str, int]:
    worker, lightly = configs.worker, configs.lightly
    d = _n_features(configs)
    disk = {}
    if not worker.embeddings:
        disk["thumbnails"] = n * (costs.thumbnail * (worker.thumbnail_size / 128) ** 1.7 + 8)
    a_row = DIGITS_OF_A_NUMBER * d + BYTES_OF_A_ROW
    n_copied = 2 * (n_selected or 0) if worker.dump_sampled_embeddings else 0
    arrays = (2 if worker.normalize_embeddings else 1) * n * BYTES_OF_A_NUMBER * d
    disk["embeddings"] = (2 * n + n_copied) * a_row + arrays + 4 * n * BYTES_OF_A_ROW
    if trains(configs):
        disk["checkpoints"] = _checkpoint_bytes(lightly)
    if n_selected is not None and worker.generate_report:
        disk["report"] = REPORT_BYTES + n * REPORT_BYTES_AN_IMAGE
    return {kind: round(size) for kind, size in disk.items()}


def _checkpoint_bytes(lightly: LightlyConfig) -> float:
    kept, epochs = lightly.checkpoint_callback, lightly.trainer.max_epochs
    n_files = (epochs if kept.save_top_k == -1 else min(epochs, max(1, kept.save_top_k))) + kept.save_last
    weights = BACKBONES.get(lightly.model.name, OTHER_BACKBONE)[1] * lightly.model.width**2
    return n_files * (weights * BYTES_OF_A_NUMBER + 1e5)
