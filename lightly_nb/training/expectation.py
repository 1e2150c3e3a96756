"""Said before a training that begins with random weights: how long it takes here, and what it is worth."""

from __future__ import annotations

import copy
import time

import torch

from lightly_nb.display.text import duration
from lightly_nb.models import Method
from lightly_nb.training.batches import Views

TINY = 2e6
"""Work of a training, in pixels of views, below which nothing is timed: it takes seconds."""
MOST_IMAGES = 8
"""In the batch that is timed."""
MOST_SECONDS = 4.0
"""After which no further batch is timed."""


def seconds_of(method: Method, views: Views, n_seen: int, input_size: int, device: str) -> float | None:
    """Return about how long a training takes here, from a few images of it; None for a tiny one.

    Parameters
    ----------
    method : Method
        Left as it is: a copy of its module is trained.
    views : Views
        The images.
    n_seen : int
        How many images all its batches have together.
    input_size : int
        Side of a view in pixels.
    device : str
        What is trained on.
    """
    if 2 * n_seen * input_size**2 < TINY:
        return None
    module, criterion = (copy.deepcopy(part).to(device).train() for part in (method.module, method.loss))
    best, started = float("inf"), time.monotonic()
    while best == float("inf") or time.monotonic() - started < MOST_SECONDS / 4:  # the first is a warm-up
        begun = time.monotonic()
        pairs = [views[1, number] for number in range(min(MOST_IMAGES, len(views.images)))]
        read = [pair for pair in pairs if isinstance(pair, list)]
        if len(read) < 2:
            return None
        batch = torch.cat([torch.stack([pair[i] for pair in read]) for i in (0, 1)]).to(device)
        criterion(*module(batch)[1].float().chunk(2)).backward()
        best = min(best, (time.monotonic() - begun) / len(read))
        if time.monotonic() - started > MOST_SECONDS:
            break
    return best * n_seen


def what_to_expect(name: str, seconds: float | None) -> str:
    """Say what a training that begins with random weights is worth, and what to do instead."""
    how_long = "" if seconds is None else f", and takes about {duration(seconds)} here"
    return (
        f"this training of a {name} begins with random weights{how_long}. A short one is usually worse than "
        "the embedder that ships with the package: 5-NN accuracy on photographs of clothing 0.33 after 3 "
        "epochs and 0.42 after 12 of a small ResNet, 0.80 with the embedder. To use that, embed without "
        "training and without a checkpoint; to train on from it, set model.name to efficientnet-lite0"
    )
