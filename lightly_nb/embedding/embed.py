"""`embed`: samples in; the sound ones out, with embeddings, metadata and thumbnails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lightly_nb.checks.check import Decode, readable
from lightly_nb.checks.dullness import say_if_dull
from lightly_nb.checks.findings import Findings
from lightly_nb.embedding.check import run_check
from lightly_nb.embedding.chunks import Chunk, ChunkFolder
from lightly_nb.embedding.model import (
    BATCH_SIZES,
    one_thread,
    resolve_device,
)
from lightly_nb.embedding.one_pass import PassSettings, run_pass
from lightly_nb.embedding.precision import fitted
from lightly_nb.errors import InputError, RunError
from lightly_nb.events import Listener, ProgressBar, Stage, say
from lightly_nb.models import EmbeddingModel, resolve_model
from lightly_nb.processes import own_temporary_folder, temporary_folder
from lightly_nb.samples import Samples
from lightly_nb.samples.arguments import FUNCTION, PATH, POSITIVE, SAMPLES, TEXT, WHOLE, accepts, or_none
from lightly_nb.samples.thumbnails import THUMBNAIL_SIZE, ThumbnailPack, write_thumbnails
from lightly_nb.turns import taking_turns
from lightly_nb.vectors.directions import unit_length

if TYPE_CHECKING:
    import torch

    from lightly_nb.models import Checkpoint

STEP = "EMBEDDING"


@accepts(
    samples=SAMPLES,
    num_workers=WHOLE,
    chunks_dir=PATH,
    thumbnails_path=PATH,
    thumbnail_size=or_none(POSITIVE),
    batch_size=POSITIVE,
    decode=TEXT,
    precision=TEXT,
    on_event=FUNCTION,
)
@taking_turns
def embed(
    samples: Samples,
    checkpoint: str | os.PathLike[str] | Checkpoint | EmbeddingModel | None = None,
    *,
    model: str | os.PathLike[str] | EmbeddingModel | None = None,
    input_size: int | None = None,
    dimensions: int | None = None,
    accept_licence: bool = False,
    normalize_embeddings: bool = True,
    decode: Decode = "full",
    enable_corruptness_check: bool = True,
    remove_exact_duplicates: bool = True,
    batch_size: int | None = None,
    num_workers: int = -1,
    device: str | torch.device | None = None,
    precision: str | None = None,
    thumbnail_size: int | None = THUMBNAIL_SIZE,
    thumbnails_path: str | os.PathLike[str] | None = None,
    chunks_dir: str | os.PathLike[str] | None = None,
    check_embeddings: bool = True,
    on_event: Listener | None = None,
) -> Samples:
    """Embed samples, and check, describe and make thumbnails of them in the same pass.

    Files are worked on in name order whatever the order of the samples, so the results are the same.
    Calls of several threads of one process take turns.
    Images are resized to the square that the model was trained on (bilinear, antialiased) and
    normalised with the mean and deviation of the model; those of a checkpoint are ImageNet's, as in
    `lightly-embed`.

    Parameters
    ----------
    samples : Samples
        With a source to read from.
    checkpoint : path, Checkpoint, EmbeddingModel or None
        A model that was trained with this package or `lightly`; the same as `model`.
    model : str, path, EmbeddingModel or None
        A model by its name: "efficientnet-lite0", "timm/NAME", "torchvision/NAME", "hf/OWNER/NAME", a key of
        lightly's zoo, or the path of a checkpoint; or any torch module with its size, mean and deviation.
        None: efficientnet-lite0, which ships with the package and needs no download.
    input_size : int or None
        Side in pixels of the square that images are resized to. None: the model's own, 224 for
        efficientnet-lite0; half of it takes a quarter of the time and costs accuracy.
    dimensions : int or None
        Length of an embedding of efficientnet-lite0: 1 to 256 (None), or 1280.
    accept_licence : bool
        Whether weights may be used whose licence is not an open-source one.
    normalize_embeddings : bool
        Whether embeddings get unit length.
    decode : "full" or "fast"
        "fast" decodes large JPEGs at a reduced scale. It takes less time and is not neutral: of the 10
        nearest neighbours of an image 0.90 to 0.94 stay the same with pretrained weights, and metadata that
        depend on pixels are those of the reduced picture.
    enable_corruptness_check : bool
        False lets damage pass that still leaves a picture. Files without any picture are left out always.
    remove_exact_duplicates : bool
        Whether files with the content of one earlier in name order go to quarantine.
    batch_size : int or None
        Images a batch. None: 16 on CPUs (larger ones fall out of their cache), 64 on GPUs.
    num_workers : int
        Threads, each of which reads, decodes and embeds whole batches; -1 for one per CPU.
    device : str, torch.device or None
        None: the first GPU if there is one, else the CPU.
    precision : "32", "bf16", "16", "int8" or None
        None: the fastest that the machine has instructions for and that keeps the neighbours of real
        photographs. efficientnet-lite0: bf16 on CPUs with AVX512_BF16 or AMX.
        Others: bf16 there and 16 on GPUs, from 1,000 samples on, if .95 of the 10 nearest neighbours of 128
        of them stay the same. Else "32". "int8" is for
        efficientnet-lite0 on CPUs with VNNI, several times faster and less exact (docs/models.md).
    thumbnail_size : int or None
        Longer side of a thumbnail in pixels; None makes none.
    thumbnails_path : path or None
        The packed file for them. None: a temporary one that lives as long as the samples do.
    chunks_dir : path or None
        Where finished chunks of about 256 files are kept, so that the same call goes on after an
        interruption and gives the same numbers, bit for bit. Files that changed meanwhile are found by
        their content. It may be deleted afterwards. None: nothing is kept.
    check_embeddings : bool
        Whether to look, at the end, if the embeddings are worth selecting from: `check_embeddings` of 64 to
        200 images, an eighth of the work where there are 500 and more.
    on_event : callable, optional
        Gets the events of step EMBEDDING. None: a progress bar.

    Returns
    -------
    Samples
        The sound ones in the order they came in, with the array `embeddings` (float32, n × d), the columns
        `content_hash` (SHA-256), `thumbnail` and those of
        `lightly_nb.reading.image_metadata.IMAGE_METADATA` and `picture_note` (as of `check`); the others are
        on the quarantine table. The verdict on the embeddings is their `embedding_check`.

    Raises
    ------
    InputError
        If there is no sample, none that can be used, no such model, or an argument is out of range.
    CheckpointError
        If the checkpoint or model cannot be used or downloaded; before any work.
    RunError
        If a chunk or the thumbnails cannot be written.
    """
    on_event = on_event or ProgressBar()
    source = readable(samples, decode)
    place = resolve_device(device)
    batch_size = BATCH_SIZES.get(place.type, 16) if batch_size is None else batch_size
    if checkpoint is not None and model is not None:
        raise InputError("checkpoint and model are both given; give one of them")
    found = resolve_model(
        checkpoint if model is None else model,
        input_size=input_size,
        dimensions=dimensions,
        accept_licence=accept_licence,
    )
    if found.note:
        say(on_event, STEP, found.note, "warning")
    names = samples.filenames
    say_if_dull(samples, on_event, STEP, num_workers)
    with one_thread():
        embedder = fitted(found, place, precision, source, sorted(names), on_event, STEP)
    settings = PassSettings(
        model=found.fingerprint,
        input_size=found.input_size,
        decode=decode,
        strict=enable_corruptness_check,
        batch_size=batch_size,
        thumbnail_size=thumbnail_size,
        precision=embedder.precision,
        device=place.type,
    )
    in_name_order = sorted(range(len(names)), key=names.__getitem__)
    with nullcontext(Path(chunks_dir)) if chunks_dir else temporary_folder("chunks") as chunks:
        folder = ChunkFolder(chunks, settings.key)
        with Stage(on_event, STEP, len(names), "image") as stage:
            ordered = [names[row] for row in in_name_order]
            n_chunks = run_pass(source, ordered, embedder, settings, folder, num_workers, stage)
        findings, embeddings = _collected(names, in_name_order, _chunks(folder, n_chunks))
        embeddings = unit_length(embeddings, np.float32) if normalize_embeddings else embeddings
        embedded = findings.applied(
            samples.with_array("embeddings", embeddings), remove_exact_duplicates, on_event, STEP
        )
        if thumbnail_size is not None:
            jpegs = (jpeg for part in _chunks(folder, n_chunks) for jpeg in part.thumbnails)
            embedded = _with_thumbnails(embedded, samples, in_name_order, _pack(thumbnails_path, jpegs))
    if not check_embeddings:
        return embedded
    check = run_check(embedded, embedder, num_workers=num_workers, on_event=on_event)
    return replace(embedded, embedding_check=check)


def _with_thumbnails(
    embedded: Samples, samples: Samples, in_name_order: Sequence[int], pack: ThumbnailPack
) -> Samples:
    """Return the sound ones of `samples` with the thumbnails of all, which are in name order."""
    place_in_pack = np.empty(len(samples), dtype=np.int64)
    place_in_pack[in_name_order] = np.arange(len(samples))
    numbers = place_in_pack[samples.rows_of(embedded.filenames)]
    return replace(embedded.with_columns({"thumbnail": numbers}), thumbnails=pack)


def _chunks(folder: ChunkFolder, n_chunks: int) -> Iterator[Chunk]:
    for number in range(n_chunks):
        chunk = folder.load(number)
        if chunk is None:
            raise RunError(
                f"{folder.path(number)} was written by this embedding and is gone or damaged; embed again, "
                "and let no other run use the same chunks_dir meanwhile"
            )
        yield chunk


def _collected(
    filenames: Sequence[str], in_name_order: Sequence[int], chunks: Iterator[Chunk]
) -> tuple[Findings, np.ndarray]:
    """Return what the chunks, which are in name order, tell about each row."""
    findings, rows = Findings(filenames), iter(in_name_order)
    embeddings = np.zeros((len(filenames), 0), np.float32)
    for chunk in chunks:
        if not embeddings.size:
            embeddings = np.zeros((len(filenames), chunk.embeddings.shape[1]), np.float32)
        for seen, embedding in zip(chunk.inspections, chunk.embeddings, strict=True):
            row = next(rows)
            findings.put(row, seen)
            embeddings[row] = embedding
    return findings, embeddings


def _pack(path: str | os.PathLike[str] | None, jpegs: Iterator[bytes]) -> ThumbnailPack:
    """Write the thumbnails, and return them; without a path, in a folder that goes when they do."""
    if path is not None:
        write_thumbnails(Path(path), jpegs)
        return ThumbnailPack(path)
    temporary = own_temporary_folder("thumbnails") / "thumbnails.arrow"
    try:
        write_thumbnails(temporary, jpegs)
    except BaseException:
        shutil.rmtree(temporary.parent, ignore_errors=True)
        raise
    return ThumbnailPack(temporary, is_temporary=True)
