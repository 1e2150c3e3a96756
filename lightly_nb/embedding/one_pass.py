"""The pass itself: files in, chunks out. Each file is read once and decoded once.

A thread takes a batch of files and does everything for it, from reading to the model; so reading
overlaps with the model, every CPU is busy, and memory holds two batches a thread however many files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby
from operator import itemgetter

import numpy as np
import torch

from lightly_nb.checks.check import Decode
from lightly_nb.checks.inspection import TOO_LITTLE_MEMORY, Inspection, inspect, is_out_of_memory, read
from lightly_nb.embedding.chunks import Chunk, ChunkFolder
from lightly_nb.embedding.model import Embedder, one_thread, refuse_not_finite, square
from lightly_nb.engines import local
from lightly_nb.events import Stage, say
from lightly_nb.pictures import CorruptImageError, single_threaded_cv2
from lightly_nb.reading.crops import CropSource
from lightly_nb.reading.image_metadata import IMAGE_METADATA
from lightly_nb.samples import Source
from lightly_nb.samples.thumbnails import thumbnail_jpeg

CHUNK_SIZE = 256
"""About this many files make a chunk: always a whole number of batches."""
FORM = 2
"""Part of the key of a chunk; goes up when the pass computes something else from the same settings."""


@dataclass(frozen=True)
class PassSettings:
    """What, besides the content of the files, decides about a chunk.

    Parameters
    ----------
    model : str
        The fingerprint of the weights.
    input_size : int
        Side in pixels of the square that the model sees.
    decode : "full" or "fast"
        Whether JPEGs may be decoded at a reduced scale.
    strict : bool
        Whether damage that leaves a picture counts.
    batch_size : int
        Files a batch.
    thumbnail_size : int or None
        Longer side in pixels; None for no thumbnails.
    precision, device : str
        The number format and the kind of device that the model computes with.
    """

    model: str
    input_size: int
    decode: Decode
    strict: bool
    batch_size: int
    thumbnail_size: int | None
    precision: str
    device: str

    @property
    def min_size(self) -> int | None:
        """The shortest side that a fast decode leaves: twice the model's, and enough for a thumbnail."""
        return max(2 * self.input_size, self.thumbnail_size or 0) if self.decode == "fast" else None

    @property
    def key(self) -> str:
        """32 hex digits that name these settings."""
        facts = {**asdict(self), "metadata": list(IMAGE_METADATA), "form": FORM}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def embed_batch(
    source: Source, filenames: Sequence[str], embedder: Embedder, settings: PassSettings
) -> Chunk:
    """Do everything for a few files; a file that is no picture takes its place in the batch as zeros."""
    side = settings.input_size
    pixels = np.zeros((len(filenames), side, side, 3), np.uint8)
    inspections, thumbnails = [], []
    for row, filename in enumerate(filenames):
        seen = inspect(source, filename, min_size=settings.min_size, strict=settings.strict)
        jpeg = b""
        if seen.rgb is not None:
            try:
                pixels[row] = square(seen.rgb, side)
                if settings.thumbnail_size:
                    jpeg = thumbnail_jpeg(seen.rgb, settings.thumbnail_size)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                pixels[row] = 0
                seen = Inspection(seen.content_hash, *TOO_LITTLE_MEMORY)
        inspections.append(replace(seen, rgb=None))
        thumbnails.append(jpeg)
    return Chunk(list(filenames), inspections, embedder(pixels), thumbnails)


def run_pass(
    source: Source,
    filenames: Sequence[str],
    embedder: Embedder,
    settings: PassSettings,
    folder: ChunkFolder,
    num_workers: int,
    stage: Stage,
) -> int:
    """Make every chunk of `filenames` that is not in `folder` yet; return how many chunks there are.

    Chunks that are there stay if the files still have the same content, which costs reading them.
    """
    per_chunk = settings.batch_size * max(1, CHUNK_SIZE // settings.batch_size)
    chunks, missing = list(enumerate(_cut(filenames, per_chunk))), []
    for number, names in chunks:
        if _still_right(source, names, folder.load(number), num_workers):
            stage.advance(len(names))
        else:
            missing.append((number, names))
    batches = ((n, batch) for n, names in missing for batch in _cut(names, settings.batch_size))

    def work(item: tuple[int, Sequence[str]]) -> tuple[int, Chunk]:
        return item[0], embed_batch(source, item[1], embedder, settings)

    with (
        single_threaded_cv2(),
        one_thread(),
        closing(local.map(work, batches, num_workers, partial(torch.set_num_threads, 1))) as results,
    ):
        for number, group in groupby(results, key=itemgetter(0)):
            parts = []
            for _, part in group:
                refuse_not_finite(part.embeddings)
                parts.append(part)
                stage.advance(len(part.filenames))
                _tell_left_out(part, stage)
            folder.save(number, Chunk.joined(parts))
    return len(chunks)


def _tell_left_out(part: Chunk, stage: Stage) -> None:
    """Send an event for every file that will be in quarantine, as soon as it is known."""
    for filename, seen in zip(part.filenames, part.inspections, strict=True):
        if seen.reason:
            told = f"{filename} is left out: {seen.reason}; {seen.what_to_do}"
            say(stage.on_event, stage.step, told, filename=filename)


def _cut(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))


def _still_right(source: Source, filenames: Sequence[str], chunk: Chunk | None, num_workers: int) -> bool:
    """Whether `chunk` is of these names, and every file could be read then and has the same content now."""
    if chunk is None or chunk.filenames != list(filenames):
        return False

    def content_hash(filename: str) -> str:
        try:
            if isinstance(source, CropSource):
                return source.digest(filename)
            return hashlib.sha256(read(source, filename)).hexdigest()
        except CorruptImageError:
            return "unreadable"

    with closing(local.map(content_hash, filenames, num_workers)) as hashes:
        return all(seen.content_hash == now for seen, now in zip(chunk.inspections, hashes, strict=True))
