"""Batches of views. What a view looks like depends on seed, epoch and sample alone, not on who makes it."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from lightly_nb.training.images import Images, reason_of


class Batch(NamedTuple):
    """Two views of some images, and what could not be read."""

    views: tuple[Tensor, Tensor] | None
    """Each float32 (n, 3, input_size, input_size); None if no image of the batch could be read."""
    broken: list[tuple[str, str]]
    """Name of each image that is missing, and why."""


class Batches(Sampler[list[tuple[int, int]]]):
    """The batches of an epoch as lists of (epoch, sample number).

    Parameters
    ----------
    n : int
        Number of samples, at least 2.
    batch_size : int
        Images a batch; at most `n` are taken.
    shuffle : bool
        Whether each epoch has its own order.
    drop_last : bool
        Whether a last, smaller batch is left out. One of a single image always is.
    seed : int
        Of the order.

    Examples
    --------
    >>> batches = Batches(5, 2, shuffle=False, drop_last=False, seed=1)
    >>> list(batches)
    [[(0, 0), (0, 1)], [(0, 2), (0, 3)]]
    """

    def __init__(self, n: int, batch_size: int, *, shuffle: bool, drop_last: bool, seed: int):
        self.n, self.batch_size = n, max(2, min(batch_size, n))
        self.shuffle, self.drop_last, self.seed = shuffle, drop_last, seed
        self.epoch = 0

    def __len__(self) -> int:
        whole, rest = divmod(self.n, self.batch_size)
        return whole + (rest > 1 and not self.drop_last)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch, order = self.epoch, np.arange(self.n)
        if self.shuffle:
            np.random.default_rng((self.seed, epoch)).shuffle(order)
        for batch in range(len(self)):
            numbers = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            yield [(epoch, int(number)) for number in numbers]


class Views(Dataset[Any]):
    """Pairs of views by (epoch, sample number); name and reason in place of those that cannot be read."""

    def __init__(self, images: Images, transform: Callable[[Image.Image], list[Tensor]], seed: int):
        self.images, self.transform, self.seed = images, transform, seed

    def __getitem__(self, key: tuple[int, int]) -> list[Tensor] | tuple[str, str]:
        epoch, number = key
        try:
            image = self.images[number]
        except Exception as error:  # as in `read_images`
            return (self.images.filenames[number], reason_of(error))
        seed_everything(self.seed, epoch, number)
        return self.transform(Image.fromarray(image))


def seed_everything(*numbers: int) -> None:
    """Seed the global generators that transforms draw from: Python's, numpy's and torch's on the CPU."""
    seed = int(np.random.SeedSequence(numbers).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)


def collate(items: list[list[Tensor] | tuple[str, str]]) -> Batch:
    """Put views together, and broken ones aside."""
    views = [item for item in items if isinstance(item, list)]
    broken = [item for item in items if not isinstance(item, list)]
    if not views:
        return Batch(None, broken)
    first, second = (torch.stack([view[i] for view in views]) for i in (0, 1))
    return Batch((first, second), broken)


class Loader(DataLoader[Any]):
    """A DataLoader whose workers start clean: spawned, never forked, and not running the user's script.

    A fork after torch has used its threads can hang, and a spawned worker would run the main script again,
    which fails in a script without an `if __name__ == "__main__"`.
    """

    def __init__(self, views: Views, batches: Batches, num_workers: int, pin_memory: bool):
        super().__init__(
            views,
            batch_sampler=batches,
            num_workers=num_workers,
            collate_fn=collate,
            pin_memory=pin_memory,
            multiprocessing_context="spawn" if num_workers else None,
            persistent_workers=num_workers > 0,
        )

    def __iter__(self) -> Any:
        with _main_module_hidden():
            return super().__iter__()


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    main = sys.modules["__main__"]
    kept: dict[str, Any] = {
        name: main.__dict__[name] for name in ("__file__", "__spec__") if name in main.__dict__
    }
    main.__dict__.pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(kept)
