"""The costs of single things on this machine, timed on a handful of the user's own images.

A process of its own does it, with the real model settings: torch's settings are those of a whole process, and
a kernel stays free for its cells meanwhile.
"""

from __future__ import annotations

import dataclasses
import json
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lightly_nb.config import Configs
from lightly_nb.errors import InputError, RunCanceled, RunError
from lightly_nb.pipeline.estimate.estimate import Costs, multiply_adds, trains
from lightly_nb.processes import send_input, spawn
from lightly_nb.samples import Samples, Source

N_IMAGES = 12
MOST_WORK = 40.0
"""Billions of multiply-adds of a timed training step, forth only, so that timing takes seconds."""
SECONDS_BETWEEN_LOOKS = 0.05


def measured_costs(
    samples: Samples,
    configs: Configs,
    *,
    n_images: int = N_IMAGES,
    is_canceled: Callable[[], bool] = lambda: False,
) -> Costs:
    """Time reading, embedding and, if the run trains, a training step; takes some seconds.

    Parameters
    ----------
    samples : Samples
        With a source. `n_images` of them, evenly spread over the names, are read.
    configs : Configs
        Of the run to come.
    n_images : int
        At least 1.
    is_canceled : callable
        Looked at often; once it returns True the timing ends.

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
    filenames = [str(name) for name in samples.table.index[::step][:n_images]]
    task = pickle.dumps((samples.source, filenames, configs))
    command = [sys.executable, "-m", "lightly_nb.pipeline.estimate.measure"]
    with tempfile.TemporaryDirectory(prefix="lightly_nb-timing-") as folder:
        output = Path(folder) / "output.txt"
        process = spawn(command, output, with_input=True)
        try:
            send_input(process, task)
            while process.poll() is None:
                if is_canceled():
                    raise RunCanceled("timing a few images was canceled; nothing was changed")
                time.sleep(SECONDS_BETWEEN_LOOKS)
        finally:
            process.kill()
        lines = output.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if process.returncode:
        raise RunError(f"timing a few images failed: {lines[-1] if lines else 'without a word'}")
    return Costs(**json.loads(next(line for line in reversed(lines) if line.startswith("{"))))


def timed(source: Source, filenames: Sequence[str], configs: Configs) -> Costs:
    """Return the costs of single things on these files, timed in this process.

    Raises
    ------
    RunError
        If none of the files is a sound image.
    """
    import torch

    torch.set_num_threads(1)
    pictures, reading, thumbnail = _time_reading(source, filenames, configs)
    costs = Costs(reading=reading, thumbnail=thumbnail, n_measured=len(pictures))
    if configs.worker.embeddings:
        return costs
    embedding, device = _time_embedding(pictures, configs)
    costs = dataclasses.replace(costs, embedding=embedding, device=device)
    if not trains(configs):
        return costs
    view, training = _time_training(pictures, configs)
    return dataclasses.replace(costs, view=view, training=training)


def _time_reading(
    source: Source, filenames: Sequence[str], configs: Configs
) -> tuple[list[Any], float, float]:
    """Return the pictures, shrunk as for training, the seconds for one, and the bytes of a thumbnail."""
    from lightly_nb.checks import inspect
    from lightly_nb.embedding.model import square
    from lightly_nb.samples.thumbnails import thumbnail_jpeg
    from lightly_nb.training.images import pixels_needed, shrink

    worker, collate = configs.worker, configs.lightly.collate
    fast = max(2 * collate.input_size, worker.thumbnail_size) if worker.decode == "fast" else None
    pixels = pixels_needed(collate.input_size, collate.min_scale)
    pictures: list[Any] = []
    seconds, n_bytes, reason = 0.0, 0, "there are none"
    for number, filename in enumerate([filenames[0], *filenames]):  # the first one twice: to warm up
        started = time.perf_counter()
        seen = inspect(source, filename, min_size=fast, strict=worker.enable_corruptness_check)
        if seen.rgb is None:
            reason = seen.reason
            continue
        square(seen.rgb, collate.input_size)
        jpeg = thumbnail_jpeg(seen.rgb, worker.thumbnail_size)
        if number:
            seconds, n_bytes = seconds + time.perf_counter() - started, n_bytes + len(jpeg)
            pictures.append(shrink(seen.rgb, pixels))
    if not pictures:
        raise RunError(f"none of {len(filenames)} images could be read; the last: {reason}")
    at_128 = n_bytes / len(pictures) / (worker.thumbnail_size / 128) ** 1.7
    return pictures, seconds / len(pictures), at_128


def _time_embedding(pictures: Sequence[Any], configs: Configs) -> tuple[float, str]:
    """Return the seconds for a billion multiply-adds, and the kind of device."""
    import numpy as np

    from lightly_nb.embedding.model import BATCH_SIZES, Embedder, EmbeddingModel, resolve_device, square
    from lightly_nb.models import build_backbone

    model, side = configs.lightly.model, configs.lightly.collate.input_size
    device = resolve_device(None)
    backbone = build_backbone(model.name, model.width, model.num_ftrs)
    embedder = Embedder(EmbeddingModel(backbone, side), device, None)
    work = multiply_adds(configs.lightly)
    n = BATCH_SIZES.get(device.type, 16) if device.type == "cuda" else _affordable(16, 4 * work)
    batch = np.stack([square(pictures[at % len(pictures)], side) for at in range(n)])
    embedder(batch[:1])
    return _seconds(lambda: embedder(batch)) / (n * work), device.type


def _time_training(pictures: Sequence[Any], configs: Configs) -> tuple[float, float]:
    """Return the seconds for one view, and for a billion multiply-adds of a view forth and back."""
    import os

    import torch
    from PIL import Image

    from lightly_nb.training.device import choose_device, choose_precision
    from lightly_nb.training.fitting import build_method

    torch.set_num_threads(os.cpu_count() or 1)
    lightly = configs.lightly
    method = build_method(lightly, None)
    images = [Image.fromarray(picture) for picture in pictures]
    views: list[Any] = []
    method.transform(images[0])
    a_view = _seconds(lambda: views.extend(map(method.transform, images))) / (2 * len(images))
    work = multiply_adds(lightly)
    n = _affordable(lightly.loader.batch_size, 2 * work)
    device = choose_device(lightly.trainer.gpus, _quiet)
    is_half = "mixed" in choose_precision(lightly.trainer.precision, device, _quiet)
    reduced = torch.float16 if device == "cuda" else torch.bfloat16
    chosen = [views[at % len(views)] for at in range(n)]
    batch = torch.cat([torch.stack([view[side] for view in chosen]) for side in (0, 1)]).to(device)
    module, loss = method.module.to(device).train(), method.loss.to(device)

    def step() -> None:
        with torch.autocast(device, reduced, enabled=is_half):
            _, projections = module(batch)
        loss(*projections.float().chunk(2)).backward()
        if device == "cuda":
            torch.cuda.synchronize()

    step()
    return a_view, _seconds(step) / (2 * n * work)


def _quiet(_event: Any) -> None:
    """Hear nothing: the run itself warns."""


def _affordable(n: int, work_of_one: float) -> int:
    return max(2, min(n, int(MOST_WORK / work_of_one)))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _main() -> None:
    """Read a task of `measured_costs` from standard input, and print what it costs."""
    source, filenames, configs = pickle.load(sys.stdin.buffer)
    try:
        costs = timed(source, filenames, configs)
    except Exception as error:
        with suppress(BrokenPipeError):
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    print(json.dumps(dataclasses.asdict(costs)))


if __name__ == "__main__":
    _main()
