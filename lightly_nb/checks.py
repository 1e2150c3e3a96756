"""The corruptness check and the search for exact duplicates, with the image metadata that come with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import numpy as np
import pandas as pd

from lightly_nb.engines import local
from lightly_nb.errors import InputError
from lightly_nb.events import Listener, ProgressBar, Stage, say
from lightly_nb.reading.crops import CropSource
from lightly_nb.reading.image_metadata import IMAGE_METADATA, Picture, metadata_columns
from lightly_nb.reading.images import CorruptImageError, decode, single_threaded_cv2
from lightly_nb.samples import Samples, Source, quarantine_table

CORRUPTNESS_CHECK = "corruptness check"
EXACT_DUPLICATES = "exact duplicates"
STEP = "CHECKING_CORRUPTNESS"
FAST_MIN_SIZE = 256
"""Shortest side in pixels that `check(decode="fast")` leaves for the metadata."""

Decode = Literal["full", "fast"]


@dataclass(frozen=True)
class Inspection:
    """What one look at one file tells.

    Parameters
    ----------
    content_hash : str
        SHA-256 of the bytes as 64 hex digits; empty if they could not be read.
    reason, what_to_do : str
        What is wrong with the file and what helps; empty for a sound one.
    metadata : tuple of float
        A value per key of `IMAGE_METADATA`; empty if there is no picture.
    rgb : numpy.ndarray or None
        The picture, uint8 of shape (height, width, 3).
    """

    content_hash: str = ""
    reason: str = ""
    what_to_do: str = ""
    metadata: tuple[float, ...] = ()
    rgb: np.ndarray | None = None


def inspect(source: Source, filename: str, *, min_size: int | None = None, strict: bool = True) -> Inspection:
    """Read and decode one file, once; nothing that is wrong with the file raises.

    Parameters
    ----------
    source : Source
        Where it is read from.
    filename : str
        Its name there.
    min_size : int or None
        As in `decode_rgb`.
    strict : bool
        False lets damage pass that still leaves a picture.
    """
    if isinstance(source, CropSource):
        return _inspect_crop(source, filename, strict)
    content_hash = ""
    try:
        content = read(source, filename)
        content_hash = sha256(content).hexdigest()
        rgb, width, height = decode(content, min_size=min_size, filename=filename, strict=strict)
    except CorruptImageError as error:
        return Inspection(content_hash, error.reason, error.what_to_do)
    picture = Picture(rgb, width, height, len(content))
    metadata = tuple(float(compute(picture)) for compute in IMAGE_METADATA.values())
    return Inspection(content_hash, metadata=metadata, rgb=rgb)


def _inspect_crop(source: CropSource, filename: str, strict: bool) -> Inspection:
    """Look at a crop, whose image is decoded once for all its crops and never at a reduced scale."""
    try:
        rgb, content_hash, size_in_bytes = source.look(filename, strict=strict)
    except CorruptImageError as error:
        return Inspection("", error.reason, error.what_to_do)
    picture = Picture(rgb, rgb.shape[1], rgb.shape[0], size_in_bytes)
    metadata = tuple(float(compute(picture)) for compute in IMAGE_METADATA.values())
    return Inspection(content_hash, metadata=metadata, rgb=rgb)


def read(source: Source, filename: str) -> bytes:
    """Return the bytes of a file; whatever its source raises becomes a `CorruptImageError`."""
    try:
        return source.read(filename)
    except Exception as error:  # a source may be anything; one file that cannot be read must not stop a run
        said = str(error) or type(error).__name__
        raise CorruptImageError(
            f"cannot be read: {said}", "check that it is there and may be read, then run again"
        ) from error


def check(
    samples: Samples,
    *,
    decode: Decode = "full",
    enable_corruptness_check: bool = True,
    remove_exact_duplicates: bool = True,
    num_workers: int = -1,
    on_event: Listener | None = None,
) -> Samples:
    """Find corrupt files and exact duplicates, move them to the quarantine table, and compute image metadata.

    Of files with the same content the first in name order is kept, in whatever order they come.

    Parameters
    ----------
    samples : Samples
        With a source to read from.
    decode : "full" or "fast"
        "fast" decodes large JPEGs at a reduced scale: it finds the same damage, but the metadata that depend
        on pixels are then those of the reduced picture.
    enable_corruptness_check : bool
        False lets damage pass that still leaves a picture. Files without any picture are left out always.
    remove_exact_duplicates : bool
        Whether copies go to quarantine.
    num_workers : int
        Threads; -1 for one per CPU.
    on_event : callable, optional
        Gets the events of step CHECKING_CORRUPTNESS. None: a progress bar.

    Returns
    -------
    Samples
        The sound ones in the same order, with the columns `content_hash` (SHA-256) and those of
        `lightly_nb.reading.image_metadata.IMAGE_METADATA`.

    Raises
    ------
    InputError
        If there is no sample, or none that can be used.
    """
    on_event = on_event or ProgressBar()
    source, names = readable(samples, decode), samples.filenames
    min_size = FAST_MIN_SIZE if decode == "fast" else None

    def look(filename: str) -> Inspection:
        seen = inspect(source, filename, min_size=min_size, strict=enable_corruptness_check)
        return Inspection(seen.content_hash, seen.reason, seen.what_to_do, seen.metadata)

    findings = Findings(names)
    with (
        single_threaded_cv2(),
        Stage(on_event, STEP, len(names), "image") as stage,
        closing(local.map(look, names, num_workers)) as results,
    ):
        for row, seen in enumerate(results):
            findings.put(row, seen)
            stage.advance()
            if seen.reason:
                told = f"{names[row]} is left out: {seen.reason}; {seen.what_to_do}"
                say(on_event, STEP, told, filename=names[row])
    return findings.applied(samples, remove_exact_duplicates, on_event, STEP)


def readable(samples: Samples, decode: str) -> Source:
    """Return the source of `samples`; raise if there is nothing to read or no such `decode`."""
    if decode not in ("full", "fast"):
        raise InputError(f"decode: got {decode!r}, allowed are 'full' and 'fast'")
    if samples.source is None:
        raise InputError("samples have no source to read files from; make them with lightly_nb.list_samples")
    if not len(samples):
        raise InputError("there are no samples: every file is in quarantine, or none was listed")
    return samples.source


class Findings:
    """What was found out about each row of some samples, filled row by row."""

    def __init__(self, filenames: Sequence[str]):
        self.filenames = filenames
        self.content_hash = [""] * len(filenames)
        self.problems: dict[int, tuple[str, str]] = {}
        self.metadata = np.zeros((len(filenames), len(IMAGE_METADATA)))

    def put(self, row: int, seen: Inspection) -> None:
        """Keep what `seen` tells about `row`, except the picture."""
        self.content_hash[row] = seen.content_hash
        if seen.reason:
            self.problems[row] = (seen.reason, seen.what_to_do)
        else:
            self.metadata[row] = seen.metadata

    def applied(
        self, samples: Samples, remove_exact_duplicates: bool, on_event: Listener, step: str
    ) -> Samples:
        """Return `samples` (of these rows) with the new columns, without what is corrupt or a duplicate."""
        if len(self.problems) == len(self.filenames):
            raise InputError(self._nothing_left())
        corrupt = self._corrupt()
        duplicates = quarantine_table()
        if remove_exact_duplicates:
            sound = [row for row in range(len(self.filenames)) if row not in self.problems]
            duplicates = exact_duplicates(
                [self.filenames[row] for row in sound], [self.content_hash[row] for row in sound]
            )
        for count, what in ((len(corrupt), "corrupt files"), (len(duplicates), "exact duplicates")):
            if count:
                say(on_event, step, f"{count:,} {what} left out; see samples.quarantine", "warning")
        columns = {"content_hash": self.content_hash, **metadata_columns(self.metadata)}
        return samples.with_columns(columns).without(corrupt).without(duplicates)

    def _corrupt(self) -> pd.DataFrame:
        by_name = sorted(self.problems, key=lambda row: self.filenames[row])
        return quarantine_table(
            {
                "filename": self.filenames[row],
                "stage": CORRUPTNESS_CHECK,
                "reason": self.problems[row][0],
                "what_to_do": self.problems[row][1],
            }
            for row in by_name
        )

    def _nothing_left(self) -> str:
        reasons = Counter(reason for reason, _ in self.problems.values())
        told = "; ".join(f"{count:,} × {reason}" for reason, count in reasons.most_common(3))
        row = min(self.problems, key=lambda row: self.filenames[row])
        return (
            f"none of the {len(self.filenames):,} files can be used: {told}. First: "
            f"'{self.filenames[row]}': {self.problems[row][1]}"
        )


def exact_duplicates(filenames: Sequence[str], hashes: Sequence[str]) -> pd.DataFrame:
    """Return the quarantine table of all files that have the content of one earlier in name order.

    Examples
    --------
    >>> exact_duplicates(["b.jpg", "a.jpg", "c.jpg"], ["x", "x", "y"])["duplicate_of"].tolist()
    ['a.jpg']
    """
    return quarantine_table(_duplicate_rows(filenames, hashes))


def _duplicate_rows(filenames: Sequence[str], hashes: Sequence[str]) -> Iterator[dict[str, str]]:
    kept: dict[str, str] = {}
    for row in sorted(range(len(filenames)), key=filenames.__getitem__):
        name, first = filenames[row], kept.setdefault(hashes[row], filenames[row])
        if first != name:
            yield {
                "filename": name,
                "stage": EXACT_DUPLICATES,
                "reason": f"same content as '{first}'",
                "what_to_do": "nothing, or delete one of them",
                "duplicate_of": first,
            }
