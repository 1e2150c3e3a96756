"""`Images`: what a format is given. Plain values, and functions for what is looked up only when asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lightly_nb.datasource.sample_files import SampleFiles
from lightly_nb.errors import InputError
from lightly_nb.events import Listener, ProgressBar, say
from lightly_nb.samples.predictions import Predictions

STEP = "EXPORT"


def no_url(filename: str) -> str:
    """Refuse to make a URL."""
    said = "there is no source to make a URL from; give url_for=, a function that makes a URL of a file name"
    raise InputError(f"{filename!r}: {said}")


def no_file(filename: str, end: int | None = None) -> bytes:
    """Refuse to read a file."""
    raise InputError(
        f"{filename!r} cannot be read, as there is no source; list the samples from their folder, or give "
        "them the columns lightly.width and lightly.height"
    )


@dataclass(frozen=True)
class Images:
    """The images of an export, in the order in which they are to stand.

    Parameters
    ----------
    filenames : sequence of str
        Their names.
    numbers : sequence of int
        The number of each in its dataset, from 0: two exports of a dataset agree in it.
    metadata : callable
        Returns what is known of an image, by its number.
    read_url : callable
        Makes the URL that a labelling tool opens, of a file name.
    source_url : callable
        Makes the place of the file in its source, of a file name; without credentials.
    read : callable
        Reads a file: all of it, or with a second argument its first bytes.
    on_event : callable, optional
        Hears how far it is where images are read; None shows a progress bar.
    predictions : Predictions, optional
        What is exported with the images: those of one task, a row an image.
    all_numbers : sequence of int
        Of a part: the numbers of the whole export, so that the columns of tables agree.
    left_out : collections.Counter
        What a format could not take, by the reason, and how often: `tell_left_out` says it at the end. Parts
        share it.
    """

    filenames: Sequence[str]
    numbers: Sequence[int]
    metadata: Callable[[int], Mapping[str, Any]] = lambda number: {}
    read_url: Callable[[str], str] = no_url
    source_url: Callable[[str], str] = no_url
    read: Callable[[str, int | None], bytes] = no_file
    on_event: Listener | None = None
    predictions: Predictions | None = None
    all_numbers: Sequence[int] = ()
    left_out: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.filenames)

    @property
    def listener(self) -> Listener:
        """Who hears of the export: the given listener, or a progress bar that prints warnings."""
        return self.on_event or ProgressBar()

    def needed_predictions(self) -> Predictions:
        """Return the predictions.

        Raises
        ------
        InputError
            If there are none.
        """
        if self.predictions is None:
            raise InputError("this export format is nothing without predictions; say whose by task=")
        return self.predictions

    def with_files(self, files: SampleFiles) -> Images:
        """Return the images with the URLs and the content of `files`."""
        return replace(self, read_url=files.read_url, source_url=files.datasource_url, read=files.read)

    def parts(self, size: int) -> Iterator[Images]:
        """Yield the images in parts of `size`, the last one shorter."""
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            rows = np.arange(len(self))[part]
            predictions = None if self.predictions is None else self.predictions.take(rows)
            yield replace(
                self,
                filenames=self.filenames[part],
                numbers=self.numbers[part],
                predictions=predictions,
                all_numbers=self.all_numbers or self.numbers,
            )


def tell_left_out(images: Images) -> None:
    """Say what was left out of an export, once, and forget it."""
    for reason, count in images.left_out.items():
        if count:
            say(images.listener, STEP, f"{reason}: {count:,}", "warning")
    images.left_out.clear()
