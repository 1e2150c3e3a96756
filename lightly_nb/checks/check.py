"""The corruptness check and the search for exact duplicates, with the image metadata that come with them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Literal

from lightly_nb.checks.dullness import say_if_dull
from lightly_nb.checks.findings import Findings
from lightly_nb.checks.inspection import Inspection, inspect
from lightly_nb.engines import local
from lightly_nb.errors import InputError
from lightly_nb.events import Listener, ProgressBar, Stage, say
from lightly_nb.pictures import single_threaded_cv2
from lightly_nb.samples import Samples, Source
from lightly_nb.samples.arguments import FUNCTION, SAMPLES, TEXT, WHOLE, accepts
from lightly_nb.turns import taking_turns

STEP = "CHECKING_CORRUPTNESS"
FAST_MIN_SIZE = 256
"""Shortest side in pixels that `check(decode="fast")` leaves for the metadata."""

Decode = Literal["full", "fast"]


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


def readable(samples: Samples, decode: str) -> Source:
    """Return the source of `samples`; raise if there is nothing to read or no such `decode`."""
    if decode not in ("full", "fast"):
        raise InputError(f"decode: got {decode!r}, allowed are 'full' and 'fast'")
    if samples.source is None:
        raise InputError("samples have no source to read files from; make them with lightly_nb.list_samples")
    if not len(samples):
        raise InputError("there are no samples: every file is in quarantine, or none was listed")
    return samples.source
