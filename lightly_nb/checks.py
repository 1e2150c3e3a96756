"""The corruptness check and the search for exact duplicates, with the image metadata that come with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
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
from lightly_nb.samples import NOTE, NOTE_SEPARATOR, Samples, Source, quarantine_table
from lightly_nb.samples.arguments import FUNCTION, SAMPLES, TEXT, WHOLE, accepts
from lightly_nb.turns import taking_turns

CORRUPTNESS_CHECK = "corruptness check"
EXACT_DUPLICATES = "exact duplicates"
STEP = "CHECKING_CORRUPTNESS"
FAST_MIN_SIZE = 256
"""Shortest side in pixels that `check(decode="fast")` leaves for the metadata."""

TOO_LITTLE_MEMORY = (
    "too little memory for a picture of this size",
    "close other work, or scale the file down, then run again",
)
"""Reason and advice for a sound file that this machine cannot hold."""
_WORDS_FOR_NO_MEMORY = ("insufficient memory", "outofmemoryerror", "allocate memory", "out of memory")
DARK, FLAT = 10.0, 2.5
"""Of 255 grays: the mean below which a picture is nearly black, the deviation below which it is constant."""
DULL_SHARE, FEWEST_LOOKS, MOST_LOOKS, GLANCE_SIZE = 0.9, 3, 8, 64
"""Share of dull pictures from which on it is said; how many are looked at; their shortest side in pixels."""

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
    note : str
        What a person should know of a file that is kept; empty for nothing.
    """

    content_hash: str = ""
    reason: str = ""
    what_to_do: str = ""
    metadata: tuple[float, ...] = ()
    rgb: np.ndarray | None = None
    note: str = ""


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
        found = decode(content, min_size=min_size, filename=filename, strict=strict)
        picture = Picture(found.rgb, found.width, found.height, len(content), found.n_pages)
        metadata = tuple(float(compute(picture)) for compute in IMAGE_METADATA.values())
    except CorruptImageError as error:
        return Inspection(content_hash, error.reason, error.what_to_do)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return Inspection(content_hash, *TOO_LITTLE_MEMORY)
    return Inspection(content_hash, metadata=metadata, rgb=found.rgb, note=NOTE_SEPARATOR.join(found.notes))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory has run out, in the words of Python, OpenCV or torch.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("can't allocate memory: 9 bytes"))
    (True, True)
    """
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(words in said for words in _WORDS_FOR_NO_MEMORY)


def _inspect_crop(source: CropSource, filename: str, strict: bool) -> Inspection:
    """Look at a crop, whose image is decoded once for all its crops and never at a reduced scale."""
    try:
        rgb, content_hash, size_in_bytes = source.look(filename, strict=strict)
    except CorruptImageError as error:
        return Inspection("", error.reason, error.what_to_do)
    picture = Picture(rgb, rgb.shape[1], rgb.shape[0], size_in_bytes)
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


@accepts(samples=SAMPLES, decode=TEXT, num_workers=WHOLE, on_event=FUNCTION)
@taking_turns
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
        `lightly_nb.reading.image_metadata.IMAGE_METADATA`, and `picture_note`: what was guessed, left out or
        passed over in a picture that is kept (docs/pictures.md).

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
        return replace(seen, rgb=None)

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
    checked = findings.applied(samples, remove_exact_duplicates, on_event, STEP)
    say_if_dull(checked, on_event, STEP)
    return checked


def say_if_dull(samples: Samples, on_event: Listener, step: str, num_workers: int = 1) -> None:
    """Warn if nearly all pictures come out black, white or constant; unchecked ones are decoded, a few."""
    if "lightly.contrast" in samples.table:
        red, green, blue = (samples.table[f"lightly.mean{name}"] for name in ("Red", "Green", "Blue"))
        means = 0.299 * red + 0.587 * green + 0.114 * blue
        looks = [*zip(samples.filenames, means, 255 * samples.table["lightly.contrast"], strict=True)]
    else:
        looks = [*_glances(samples, num_workers)]
    kinds = Counter(_dullness(mean, std) for _, mean, std in looks)
    n_dull = len(looks) - kinds[""]
    if len(looks) < FEWEST_LOOKS or n_dull < DULL_SHARE * len(looks):
        return
    told = ", ".join(f"{count:,} nearly {kind}" for kind, count in kinds.most_common() if kind)
    name, mean, _ = next(look for look in looks if _dullness(*look[1:]))
    say(
        on_event,
        step,
        f"of {len(looks):,} images looked at, {told} "
        f"(first '{name}': mean {mean:.1f} of 255): embeddings of them tell little. If other programs show "
        "more in them, convert them to 8 bits there, over the range that they use; docs/pictures.md says how "
        "numbers become grays",
        "warning",
    )


def _glances(samples: Samples, num_workers: int) -> Iterator[tuple[str, float, float]]:
    """Yield name, mean and standard deviation of some pictures, evenly spread over the names."""
    source, names = samples.source, sorted(samples.filenames)
    if source is None or len(names) < FEWEST_LOOKS:
        return
    places = sorted({round(place) for place in np.linspace(0, len(names) - 1, MOST_LOOKS)})

    def look(name: str) -> Inspection:
        seen = inspect(source, name, min_size=GLANCE_SIZE, strict=False)
        return replace(seen, rgb=None)

    keys = list(IMAGE_METADATA)
    colours = [keys.index(f"lightly.mean{name}") for name in ("Red", "Green", "Blue")]
    with closing(local.map(look, [names[place] for place in places], num_workers)) as results:
        for place, seen in zip(places, results, strict=True):
            if seen.metadata:
                mean = float(np.dot((0.299, 0.587, 0.114), [seen.metadata[at] for at in colours]))
                yield names[place], mean, 255 * seen.metadata[keys.index("lightly.contrast")]


def _dullness(mean: float, std: float) -> str:
    if mean < DARK:
        return "black"
    if mean > 255 - DARK:
        return "white"
    return "constant" if std < FLAT else ""


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
        self.notes = [""] * len(filenames)
        self.metadata = np.zeros((len(filenames), len(IMAGE_METADATA)))

    def put(self, row: int, seen: Inspection) -> None:
        """Keep what `seen` tells about `row`, except the picture."""
        self.content_hash[row] = seen.content_hash
        if seen.reason:
            self.problems[row] = (seen.reason, seen.what_to_do)
        else:
            self.metadata[row] = seen.metadata
            self.notes[row] = seen.note

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
        self._say_notes(set(duplicates["filename"]), on_event, step)
        columns = {"content_hash": self.content_hash, **metadata_columns(self.metadata), NOTE: self.notes}
        return samples.with_columns(columns).without(corrupt).without(duplicates)

    def _say_notes(self, left_out: Collection[str], on_event: Listener, step: str) -> None:
        named = zip(self.filenames, self.notes, strict=True)
        noted = sorted((name, note) for name, note in named if note and name not in left_out)
        if noted:
            kinds = Counter(one.partition(":")[0] for _, note in noted for one in note.split(NOTE_SEPARATOR))
            told = ", ".join(f"{count:,} × {kind}" for kind, count in kinds.most_common(5))
            first = f"first '{noted[0][0]}': {noted[0][1]}"
            files = "file is" if len(noted) == 1 else "files are"
            said = f"{len(noted):,} {files} kept with a note, see samples.table['{NOTE}']: {told}; {first}"
            say(on_event, step, said, "warning")

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
