"""`check_embeddings`: whether embeddings are worth selecting from, in seconds and without labels.

An image and a strongly changed copy of it show the same thing. Embeddings that are worth anything find the
image by its copy, and find it better than 8 × 8 pixel thumbnails do. docs/embedding_check.md says where the
limits come from.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from lightly_nb.checks.inspection import read
from lightly_nb.embedding.changed_copies import changed_copy, generator_of
from lightly_nb.embedding.label_check import accuracies, verdict_on
from lightly_nb.embedding.model import (
    BATCH_SIZES,
    Embedder,
    one_thread,
    resolve_device,
    square,
)
from lightly_nb.embedding.precision import fitted
from lightly_nb.embedding.small_pictures import small_pictures, tiny
from lightly_nb.engines import local
from lightly_nb.errors import CheckpointError, InputError
from lightly_nb.events import Listener, ProgressBar, Stage
from lightly_nb.models import EmbeddingModel, resolve_model
from lightly_nb.pictures import CorruptImageError, decode_rgb, single_threaded_cv2
from lightly_nb.samples import Samples
from lightly_nb.samples.arguments import FUNCTION, LABELS, POSITIVE, SAMPLES, WHOLE, accepts
from lightly_nb.samples.embedding_check import (
    NOT_CHECKED,
    NOT_WORTH,
    EmbeddingCheck,
    against_limits,
    check_event,
    limits_among,
    ratio_in_words,
)
from lightly_nb.turns import taking_turns
from lightly_nb.vectors.directions import unit_length
from lightly_nb.vectors.retrieval import COLLAPSED_BELOW, reciprocal_ranks, spread

if TYPE_CHECKING:
    from lightly_nb.models import Checkpoint

STEP = "EMBEDDING"
ALIKE = 0.5
"""Share of samples with one and the same embedding from which on embeddings are refused."""
N_CANDIDATES = 200
"""An image is looked for among so many; with fewer samples, among all of them."""
N_IMAGES = (64, 200)
"""Fewest and most images that are changed and looked for; between them, an eighth of the samples."""
MOST_SEARCHED, MOST_THUMBNAILS = 2000, 300
"""Samples whose embeddings, or thumbnails, the mean over all draws of candidates is taken over, at most."""
FEWEST = 20
"""With fewer samples there is no check without labels."""
SMALLEST_PICTURE = 160
"""Copies are changed at the model's input size, at least at this side in pixels."""
SAME_COSINE = 0.8
"""Between an embedding and that of the same image by the model that it should come from, both centred."""
N_SAME = 8


@accepts(samples=SAMPLES, labels=LABELS, n_images=POSITIVE, seed=WHOLE, num_workers=WHOLE, on_event=FUNCTION)
@taking_turns
def check_embeddings(
    samples: Samples,
    model: str | os.PathLike[str] | Checkpoint | EmbeddingModel | None = None,
    *,
    labels: str | Mapping[str, Any] | Sequence[Any] | pd.Series | np.ndarray | None = None,
    input_size: int | None = None,
    dimensions: int | None = None,
    accept_licence: bool = False,
    n_images: int | None = None,
    seed: int = 0,
    num_workers: int = -1,
    device: str | torch.device | None = None,
    precision: str | None = None,
    on_event: Listener | None = None,
) -> EmbeddingCheck:
    """Say whether the embeddings of samples are worth selecting from.

    Without labels: some images are strongly changed (crop, mirror, colours, blur), embedded, and looked for
    among 200 samples by their embeddings. The mean reciprocal rank of the image itself is compared with that
    of 8 × 8 pixel thumbnails. With labels, the 5-NN accuracy on them decides instead.

    Parameters
    ----------
    samples : Samples
        Embedded.
    model : str, path, Checkpoint, EmbeddingModel or None
        The model that the embeddings come from, by name or as `embed` takes it, which the changed copies are
        embedded with. None: that of `embed` without a model.
    labels : str, mapping, sequence or None
        Labels of some or all samples, None or NaN for those without: the name of a column of the sample table
        (or 'sub-folder'), a mapping from file name to label, or one value a sample.
    input_size, dimensions, accept_licence
        As they were given to `embed`.
    n_images : int or None
        Images that are changed. None: an eighth of the samples, at least 64 and at most 200.
    seed : int
        Of the choice of images and of their changes.
    num_workers : int
        Threads; -1 for one per CPU.
    device : str, torch.device or None
        As in `embed`.
    precision : str or None
        As in `embed`.
    on_event : callable, optional
        Gets the events of step EMBEDDING, the last with the verdict. None: a progress bar, and the verdict
        as a line.

    Returns
    -------
    EmbeddingCheck
        `verdict`, `text`, and the figures. `replace(samples, embedding_check=check)` keeps it with samples.

    Raises
    ------
    InputError
        If there are no embeddings, they are not those that `model` gives, or labels do not fit the samples.
    CheckpointError
        If `model` cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> names = [f"{number}.jpg" for number in range(40)]
    >>> same = Samples(pd.DataFrame(index=names), {"embeddings": np.ones((40, 8))})
    >>> check_embeddings(same, on_event=lambda event: None).verdict
    'not worth selecting from'
    """
    embeddings, on_event = samples.embeddings, on_event or ProgressBar()
    if n_images is not None and n_images < 2:
        raise InputError(f"n_images: got {n_images}, must be at least 2")
    embedder: Embedder | str | None = None
    needs_model = broken(embeddings) is None and labels is None and len(samples) >= FEWEST
    if needs_model and samples.source is None:
        embedder = "the samples have no source to read images from"
    elif needs_model:
        options = {"input_size": input_size, "dimensions": dimensions, "accept_licence": accept_licence}
        embedder = _embedder(samples, model, options, device, precision, on_event)
    if isinstance(embedder, Embedder) and (other := _of_another_model(samples, embedder, seed)):
        if model is not None:
            raise InputError(f"check_embeddings: {other}; give the model that they were made with")
        embedder = f"{other}, the one without a name; give model= to have them checked"
    return run_check(
        samples,
        embedder,
        labels=labels,
        n_images=n_images,
        seed=seed,
        num_workers=num_workers,
        on_event=on_event,
    )


def run_check(
    samples: Samples,
    embedder: Embedder | str | None,
    *,
    labels: Any = None,
    n_images: int | None = None,
    seed: int = 0,
    num_workers: int = -1,
    on_event: Listener,
) -> EmbeddingCheck:
    """Do what `check_embeddings` does with an embedder at hand, or with why there is none.

    Parameters
    ----------
    samples : Samples
        Embedded.
    embedder : Embedder, str or None
        What made the embeddings, or why that cannot be called.
    labels, n_images, seed, num_workers
        As in `check_embeddings`.
    on_event : callable
        Gets the events.
    """
    check = _checked(samples, embedder, labels, n_images, seed, num_workers, on_event)
    on_event(check_event(check, STEP))
    return check


def _checked(
    samples: Samples,
    embedder: Embedder | str | None,
    labels: Any,
    n_images: int | None,
    seed: int,
    num_workers: int,
    on_event: Listener,
) -> EmbeddingCheck:
    found = spread(samples.embeddings)
    fault = broken(samples.embeddings)
    if fault is not None:
        return EmbeddingCheck(NOT_WORTH, fault, spread=found if np.isfinite(found) else None)
    known = accuracies(samples, labels, seed)
    if labels is not None:
        verdict, reason = verdict_on(known[0])
        return EmbeddingCheck(verdict, reason, spread=found, labels=known)
    if len(samples) < FEWEST:
        embedder = f"there are {len(samples)} samples, too few to tell (at least {FEWEST})"
    if isinstance(embedder, Embedder):
        measured = _measured(samples, embedder, n_images, seed, num_workers, on_event)
        if measured is not None:
            return _by_ratio(measured, found, known)
        embedder = "too few of the images can be read"
    why = f"It cannot be made without labels: {embedder or 'no model is given'}"
    if known:
        verdict, reason = verdict_on(known[0])
        return EmbeddingCheck(verdict, f"{reason}. {why}", spread=found, labels=known)
    return EmbeddingCheck(NOT_CHECKED, why, spread=found)


def broken(embeddings: np.ndarray) -> str | None:
    """Return what makes embeddings useless whatever they were made of; None if nothing does."""
    rows = np.ascontiguousarray(embeddings.reshape(len(embeddings), -1))
    n_bad = int((~np.isfinite(rows)).any(axis=1).sum())
    if n_bad:
        return f"{n_bad:,} of {len(rows):,} embeddings hold NaN or infinity"
    if len(rows) < 2:
        return None
    most = int(pd.Series([row.tobytes() for row in rows]).value_counts().iloc[0])
    if most >= ALIKE * len(rows) and most > 1:
        what = "are all zeros" if not rows.any() else "are one and the same"
        return f"{most:,} of {len(rows):,} embeddings {what}: the model has collapsed"
    found = spread(rows)
    if found < COLLAPSED_BELOW:
        alike = f"spread {found:.2g}, below {COLLAPSED_BELOW:g}"
        return f"All embeddings are alike ({alike}): the model has collapsed"
    return None


class _Measured(NamedTuple):
    """How well images were found by their changed copies."""

    found: float
    by_thumbnails: float
    n_images: int
    n_candidates: int


def _by_ratio(measured: _Measured, found: float, known: tuple[Any, ...]) -> EmbeddingCheck:
    ratio = measured.found / measured.by_thumbnails
    limits = limits_among(measured.n_candidates)
    return EmbeddingCheck(
        against_limits(ratio, limits),
        ratio_in_words(ratio, limits, measured.n_candidates),
        ratio=ratio,
        limits=limits,
        found=measured.found,
        found_by_thumbnails=measured.by_thumbnails,
        n_images=measured.n_images,
        n_candidates=measured.n_candidates,
        spread=found,
        labels=known,
    )


def _measured(
    samples: Samples,
    embedder: Embedder,
    n_images: int | None,
    seed: int,
    num_workers: int,
    on_event: Listener,
) -> _Measured | None:
    """Return the figures, None if too few images can be read. The same on every call."""
    order = drawn_rows(samples.filenames, seed)
    searched = order[:MOST_SEARCHED]
    fewest, most = N_IMAGES
    wanted = min(len(order), n_images or max(fewest, min(most, len(order) // 8)))
    with Stage(on_event, STEP, wanted, "changed copy") as stage:
        copies, at = embedded_copies(samples, order[:wanted], embedder, seed, num_workers, stage)
    small, places = small_pictures(samples, order[:MOST_THUMBNAILS])
    if len(at) < FEWEST / 2 or len(small) < FEWEST:
        return None
    n_candidates = min(N_CANDIDATES, len(searched), len(small))
    ours = reciprocal_ranks(unit_length(copies), unit_length(samples.embeddings[searched]), at, n_candidates)
    names = [samples.filenames[row] for row in order[places]]
    changed = [changed_copy(p, generator_of(name, seed, 0)) for p, name in zip(small, names, strict=True)]
    theirs = reciprocal_ranks(tiny(changed), tiny(small), np.arange(len(small)), n_candidates)
    return _Measured(float(ours.mean()), float(theirs.mean()), len(at), n_candidates)


def drawn_rows(filenames: Sequence[str], seed: int) -> np.ndarray:
    """Return all rows in an order that is random but hangs on the names alone, int64."""
    keys = [sha256(f"{seed} {name}".encode("utf-8", "surrogateescape")).digest() for name in filenames]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def embedded_copies(
    samples: Samples, rows: np.ndarray, embedder: Embedder, seed: int, num_workers: int, stage: Stage
) -> tuple[np.ndarray, np.ndarray]:
    """Return the embedding of a changed copy of each row that can be read, and its place in `rows`."""
    names = [samples.filenames[row] for row in rows]
    size = BATCH_SIZES.get(embedder.device.type, 16)
    batches: Iterator[range] = (
        range(start, min(start + size, len(names))) for start in range(0, len(names), size)
    )

    def work(places: range) -> tuple[list[int], np.ndarray]:
        side = max(SMALLEST_PICTURE, embedder.input_size)
        pictures = [(place, picture_of(samples, names[place], side)) for place in places]
        changed = [
            (place, changed_copy(rgb, generator_of(names[place], seed, 0)))
            for place, rgb in pictures
            if rgb is not None
        ]
        if not changed:
            return [], np.empty((0, 0), np.float32)
        pixels = np.stack([square(rgb, embedder.input_size) for _, rgb in changed])
        return [place for place, _ in changed], embedder(pixels)

    places: list[int] = []
    parts: list[np.ndarray] = []
    with (
        single_threaded_cv2(),
        one_thread(),
        closing(local.map(work, batches, num_workers, partial(torch.set_num_threads, 1))) as results,
    ):
        for found, part in results:
            places += found
            parts += [part] if found else []
            stage.advance(len(found))
    return np.concatenate(parts) if parts else np.empty((0, 0)), np.array(places, dtype=np.int64)


def picture_of(samples: Samples, filename: str, side: int, *, full: bool = False) -> np.ndarray | None:
    """Return a file as a square of `side` pixels, None if it cannot be read; decoded in `full` or fast."""
    assert samples.source is not None
    min_size = None if full else 2 * side
    try:
        return square(decode_rgb(read(samples.source, filename), min_size=min_size, strict=False), side)
    except CorruptImageError:
        return None


def _embedder(
    samples: Samples,
    model: Any,
    options: Mapping[str, Any],
    device: Any,
    precision: str | None,
    on_event: Listener,
) -> Embedder | str:
    assert samples.source is not None
    try:
        found = resolve_model(model, **options)
    except CheckpointError as error:
        if model is not None:
            raise
        return f"no model is given, and the default one cannot be had ({error})"
    names, place = sorted(samples.filenames), resolve_device(device)
    with one_thread():
        return fitted(found, place, precision, samples.source, names, on_event, STEP)


def _of_another_model(samples: Samples, embedder: Embedder, seed: int) -> str | None:
    """Return what shows that the embeddings are not those of `embedder`, None if they are."""
    order = drawn_rows(samples.filenames, seed)
    first = order[:N_SAME]
    names = samples.filenames
    read_ones = [picture_of(samples, names[row], embedder.input_size, full=True) for row in first]
    is_there = np.array([rgb is not None for rgb in read_ones])
    if not is_there.any():
        return None
    with one_thread():
        again = embedder(np.stack([rgb for rgb in read_ones if rgb is not None]))
    n_own, n_again = samples.embeddings.shape[1], again.shape[1]
    if n_own != n_again:
        return f"the embeddings have {n_own} features, the model gives {n_again}"
    own = unit_length(samples.embeddings[order[:MOST_SEARCHED]])
    middle = own.mean(axis=0)
    here, there = unit_length(own[: len(first)][is_there] - middle), unit_length(unit_length(again) - middle)
    cosine = float(np.median((here * there).sum(axis=1)))
    if cosine < SAME_COSINE:
        return f"the embeddings are not those that the model gives (cosine {cosine:.2f} on the same images)"
    return None
