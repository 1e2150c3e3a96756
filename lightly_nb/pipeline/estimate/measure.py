"""The costs of single things on this machine, timed on a handful of the user's own images.

A process of its own does it, with the real model settings: torch's settings are those of a whole process, and
a kernel stays free for its cells meanwhile.
"""

from __future__ import annotations

import dataclasses
import json
import pickle
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightly_nb.config import Configs, LightlyConfig
from lightly_nb.errors import InputError, RunCanceled, RunError
from lightly_nb.events import Event
from lightly_nb.pipeline.estimate.estimate import (
    VIEWS,
    Costs,
    embedding_work,
    is_by_name,
    multiply_adds,
    trains,
)
from lightly_nb.processes import send_input, spawn, temporary_folder
from lightly_nb.samples import Samples

if TYPE_CHECKING:
    from lightly_nb.models import EmbeddingModel

N_IMAGES = 12
MOST_WORK = 40.0
"""Billions of multiply-adds of a timed training step, forth only, so that timing takes seconds."""
LEAST_SECONDS = 1e-6
SECONDS_BETWEEN_LOOKS = 0.05


def measured_costs(
    samples: Samples,
    configs: Configs,
    *,
    n_images: int = N_IMAGES,
    is_canceled: Callable[[], bool] | None = None,
) -> Costs:
    """Time `embed` and, if the run trains, `train`, on a few images; takes some seconds.

    Parameters
    ----------
    samples : Samples
        With a source. `n_images` of them, evenly spread over the names, are read.
    configs : Configs
        Of the run to come.
    n_images : int
        At least 1.
    is_canceled : callable, optional
        Asked often; once it returns True the timing ends.

    Returns
    -------
    Costs
        For `estimate`.

    Raises
    ------
    InputError
        If there are no samples or no source.
    RunCanceled
        If it was canceled.
    RunError
        If no image could be timed; the message says why.
    """
    if not len(samples) or samples.source is None:
        raise InputError("timing: these samples have no files to read; list them from a folder")
    step = max(1, len(samples) // n_images)
    few = Samples(samples.table[[]], source=samples.source).take(range(0, len(samples), step)[:n_images])
    task = pickle.dumps((few, configs))
    command = [sys.executable, "-m", "lightly_nb.pipeline.estimate.measure"]
    with temporary_folder("timing") as folder:
        output = folder / "output.txt"
        process = spawn(command, output, with_input=True)
        try:
            send_input(process, task)
            while process.poll() is None:
                if is_canceled is not None and is_canceled():
                    raise RunCanceled("timing a few images was canceled; nothing was changed")
                time.sleep(SECONDS_BETWEEN_LOOKS)
        finally:
            process.kill()
        lines = output.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if process.returncode:
        raise RunError(f"timing a few images failed: {lines[-1] if lines else 'without a word'}")
    return Costs(**json.loads(next(line for line in reversed(lines) if line.startswith("{"))))


def timed(samples: Samples, configs: Configs) -> Costs:
    """Return the costs of single things on these samples, timed in this process by doing them.

    Raises
    ------
    InputError
        If none of the files is a sound image.
    """
    from lightly_nb.embedding.model import resolve_device
    from lightly_nb.models import EmbeddingModel

    lightly = configs.lightly.model_copy(update={"model.name": configs.lightly.model.name})  # for `train`
    side = lightly.collate.input_size
    with temporary_folder("timing") as folder:
        none = EmbeddingModel(_no_model(), side, "none")
        _embedded(samples, none, configs, folder)  # to warm up
        sound, reading, thumbnail = _embedded(samples, none, configs, folder)
        costs = Costs(reading=reading, thumbnail=thumbnail, n_measured=len(sound))
        if configs.worker.embeddings:
            return costs
        both = _embedded(samples, _real_model(configs), configs, folder)[1]
        embedding = max(both - reading, LEAST_SECONDS) / embedding_work(configs)
        costs = dataclasses.replace(costs, embedding=embedding, device=resolve_device(None).type)
        if not trains(configs) or len(sound) < 2:
            return costs
        work = multiply_adds(lightly)
        sound = sound.take(range(max(2, min(len(sound), int(MOST_WORK / (2 * work))))))
        view = _view_seconds(sound, lightly)
        step = max(_trained_seconds(sound, lightly, folder) / VIEWS - view, LEAST_SECONDS)
        return dataclasses.replace(costs, view=view, training=step / work)


def _real_model(configs: Configs) -> EmbeddingModel:
    """Return the model of the run; of one that is trained or read, one of the same size."""
    from lightly_nb.models import EmbeddingModel, resolve_model
    from lightly_nb.models.pretrained import untrained_backbone
    from lightly_nb.training.start import model_settings

    worker, settings = configs.worker, model_settings(configs.lightly)
    if is_by_name(configs):
        return resolve_model(
            worker.model or None,
            input_size=worker.input_size,
            dimensions=worker.dimensions,
            accept_licence=worker.accept_licence,
        )
    side = worker.input_size or max(settings.input_size, settings.embedding_size)
    return EmbeddingModel(untrained_backbone(settings), side, "real")


def _no_model() -> Any:
    from torch import nn

    return nn.AdaptiveAvgPool2d(1)


def _embedded(
    samples: Samples, model: EmbeddingModel, configs: Configs, folder: Path
) -> tuple[Samples, float, float]:
    """Embed in one thread; return the sound samples, the seconds for one, and the bytes of a thumbnail."""
    from lightly_nb.embedding import embed

    events: list[Event] = []
    worker = configs.worker
    embedded = embed(
        samples,
        model,
        decode=worker.decode,
        enable_corruptness_check=worker.enable_corruptness_check,
        remove_exact_duplicates=False,
        num_workers=1,
        thumbnail_size=worker.thumbnail_size,
        thumbnails_path=folder / "thumbnails",
        check_embeddings=False,
        on_event=events.append,
    )
    times = [event["time"] for event in events if "done" in event]
    n_bytes = (folder / "thumbnails").stat().st_size / len(embedded)
    at_128 = n_bytes / (worker.thumbnail_size / 128) ** 1.7
    return embedded, max(times[-1] - times[0], LEAST_SECONDS) / len(samples), at_128


def _view_seconds(samples: Samples, lightly: LightlyConfig) -> float:
    """Return the seconds for one random view."""
    from lightly_nb.training.batches import Views
    from lightly_nb.training.fitting import build_method
    from lightly_nb.training.trainer import read_images_for

    events: list[Event] = []
    images = read_images_for(samples, lightly, lambda _name, _why: None, events.append)
    views = Views(images, build_method(lightly, None).transform, lightly.seed)
    _ = views[0, 0]  # to warm up
    started = time.perf_counter()
    for number in range(len(images)):
        _ = views[1, number]
    return (time.perf_counter() - started) / (VIEWS * len(images))


def _trained_seconds(samples: Samples, lightly: LightlyConfig, folder: Path) -> float:
    """Return the seconds for one image in the second epoch of a training."""
    from lightly_nb.training import train

    events: list[Event] = []
    few = {"trainer.max_epochs": 2, "loader.num_workers": 0, "loader.batch_size": len(samples)}
    train(samples, lightly_config=lightly.model_copy(update=few), output_dir=folder, on_event=events.append)
    epochs = [event["metrics"] for event in events if "epoch_loss" in event.get("metrics", {})]
    return 1 / epochs[-1]["images_per_second"]


def _main() -> None:
    """Read a task of `measured_costs` from standard input, and print what it costs."""
    samples, configs = pickle.load(sys.stdin.buffer)
    try:
        costs = timed(samples, configs)
    except Exception as error:
        with suppress(BrokenPipeError):
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    print(json.dumps(dataclasses.asdict(costs)))


if __name__ == "__main__":
    _main()
