"""What several sections need: who is selected, the options of the job, pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from lightly_nb.errors import InputError, LightlyNBError
from lightly_nb.pictures import decode_rgb
from lightly_nb.samples import Samples
from lightly_nb.samples.selected import Selection
from lightly_nb.vectors.neighbors import Rows, Tick, no_tick

Job = Mapping[str, Any]
Facts = dict[str, Any]
Section = Callable[[Samples, Selection, Job], Facts]

PICTURE_SIDE = 320
"""Longer side in pixels of the pictures that are shown large."""
LARGEST_FILE = 64 * 2**20
"""Bytes of a file above which its thumbnail is shown instead."""


@dataclass(frozen=True)
class Chosen:
    """Row numbers, int64, of what is selected: `picks` in the order picked, the others ascending."""

    picks: Rows
    preselected: Rows
    after: Rows
    removed: Rows


def chosen(samples: Samples, selection: Selection) -> Chosen:
    """Return who was selected before, now, and not at all. `after` is all selected, preselected ones too.

    Raises
    ------
    InputError
        If the selection is of other samples.
    """
    picks = np.asarray(selection.rows, dtype=np.int64)
    if len(picks) and (picks.min() < 0 or picks.max() >= len(samples)):
        raise InputError(
            f"report: the selection has rows up to {picks.max():,}, but there are {len(samples):,} samples; "
            "give the samples that were selected from"
        )
    names = samples.table.index[picks]
    wrong = [(a, b) for a, b in zip(names, selection.filenames, strict=True) if a != b][:1]
    if wrong:
        raise InputError(
            f"report: the selection names '{wrong[0][1]}' where the samples have '{wrong[0][0]}'; give the "
            "samples that were selected from, in the same order"
        )
    preselected = np.sort(samples.rows_of(list(selection.preselected)))
    mask = np.zeros(len(samples), dtype=bool)
    mask[picks] = mask[preselected] = True
    return Chosen(picks, preselected, np.flatnonzero(mask), np.flatnonzero(~mask))


def option(job: Job, name: str, default: Any) -> Any:
    """Return `job["options"][name]`, or `default`."""
    value = (job.get("options") or {}).get(name)
    return default if value is None else value


def tick_of(job: Job) -> Tick:
    """Return what to call in long loops; it may raise to stop the work."""
    return job.get("tick") or no_tick


def memory_of(job: Job) -> float:
    """Return the bytes that a section may take for copies of embeddings: a quarter of the allowance."""
    return float(option(job, "memory_requirement_in_GB", 2.0)) * 1e9 / 4


def generator(job: Job, purpose: int) -> np.random.Generator:
    """Return the seeded generator of one purpose, independent of all others."""
    return np.random.default_rng([int(option(job, "seed", 0)), purpose])


def sampled_rows(rows: Rows, most: int, rng: np.random.Generator) -> tuple[Rows, bool]:
    """Return `rows`, or `most` of them drawn without replacement, ascending; and whether they are all."""
    if len(rows) <= most:
        return rows, True
    return np.sort(rng.choice(rows, size=max(most, 1), replace=False)), False


def refused(samples: Samples) -> str | None:
    """Return why nothing may be said for a selection from these embeddings; None if something may."""
    check = samples.embedding_check
    return "the embeddings are not worth selecting from" if check is not None and check.is_refused else None


def no_embeddings(samples: Samples) -> Facts | None:
    """Return the facts of a section that cannot be without embeddings, None if they are there.

    Raises
    ------
    InputError
        If embeddings are not finite.
    """
    if "embeddings" not in samples.arrays:
        return {"skipped": "the samples have no embeddings"}
    vectors = samples.embeddings
    for start in range(0, len(vectors), 100_000):
        bad = np.flatnonzero(~np.isfinite(vectors[start : start + 100_000]).all(axis=1))
        if len(bad):
            names = [samples.table.index[start + row] for row in bad[:3]]
            raise InputError(
                f"report: embeddings of {names} hold NaN or infinity; embed the samples again, or leave "
                "them out"
            )
    return None


def distance_unit(samples: Samples) -> str:
    """Return what a distance is, in words for an axis."""
    some = samples.embeddings[:1000].astype(np.float64)
    unit_length = len(some) and np.allclose(np.sqrt(np.square(some).sum(axis=1)), 1.0, atol=1e-3)
    return (
        "Euclidean distance of unit-length embeddings" if unit_length else "Euclidean distance of embeddings"
    )


def picture(samples: Samples, filename: str, row: int | None = None, side: int = PICTURE_SIDE) -> Any:
    """Return a JPEG of one sample as a uint8 array: from its file, else its thumbnail; None without both."""
    try:
        content = _from_file(samples, filename, side)
    except (LightlyNBError, OSError, ValueError, cv2.error):
        content = b""
    if not content and row is not None:
        content = samples.thumbnail(row)
    return np.frombuffer(content, dtype=np.uint8) if content else None


def _from_file(samples: Samples, filename: str, side: int) -> bytes:
    content = b"" if samples.source is None else samples.source.read(filename)
    if not content or len(content) > LARGEST_FILE:
        return b""
    rgb = decode_rgb(content, min_size=side, strict=False)
    scale = min(1.0, side / max(rgb.shape[:2]))
    if scale < 1:
        size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return encoded.tobytes() if done else b""
