"""Which number format the model computes in: the fastest that keeps the neighbours of real photographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from lightly_nb.checks.inspection import inspect
from lightly_nb.embedding.model import Embedder, square
from lightly_nb.events import Listener, Stage, say
from lightly_nb.models import EmbeddingModel
from lightly_nb.samples import Source
from lightly_nb.vectors.directions import unit_length
from lightly_nb.vectors.neighbors import neighbors

LEAST_KEPT, N_NEIGHBORS = 0.95, 10
"""Which share of the nearest neighbours in fp32 a reduced precision must keep on average, and of how many."""
N_PHOTOGRAPHS = 128
WORTH_JUDGING = 1_000
"""Samples from which a faster precision makes up for the seconds that judging it takes."""


def fitted(
    model: EmbeddingModel,
    device: torch.device,
    precision: str | None,
    source: Source,
    filenames: Sequence[str],
    on_event: Listener,
    step: str,
) -> Embedder:
    """Return the model with `precision`, or, of None, with the fastest that keeps its neighbours.

    What `model.precisions` names was judged before; others are judged on `N_PHOTOGRAPHS` of the files, if
    there are `WORTH_JUDGING` of them.

    Parameters
    ----------
    model : EmbeddingModel
        The model.
    device : torch.device
        Where it computes.
    precision : str or None
        As in `embed`.
    source : Source
        Where the files are read from.
    filenames : sequence of str
        All files of the pass, in name order.
    on_event : callable
        Gets what was judged.
    step : str
        The step of those events.
    """
    if precision is not None:
        return Embedder(model, device, precision)
    candidates = fast_precisions(device)
    known = [name for name in candidates if name in model.precisions]
    if known:
        return Embedder(model, device, known[0])
    full = Embedder(model, device, "32")
    if not candidates or len(filenames) < WORTH_JUDGING:
        return full
    with Stage(on_event, step, 1 + len(candidates), "number format") as stage:
        photographs = some_photographs(source, filenames, model.input_size)
        stage.advance(1)
        if len(photographs) <= 2 * N_NEIGHBORS:
            return full
        expected = full(photographs)
        for name in candidates:
            reduced = Embedder(model, device, name)
            kept = neighbors_kept(expected, reduced(photographs))
            stage.advance(1)
            verdict = "used" if kept >= LEAST_KEPT else f"not used, {LEAST_KEPT:.2f} is the least"
            said = f"precision {name} keeps {kept:.3f} of the {N_NEIGHBORS} nearest neighbours: {verdict}"
            say(on_event, step, f"{said} ({len(photographs)} of the images)")
            if kept >= LEAST_KEPT:
                return reduced
    return full


def neighbors_kept(expected: np.ndarray, got: np.ndarray) -> float:
    """Return the mean share of the nearest neighbours (by cosine) in `expected` that `got` has too.

    0 where a value is not finite.

    >>> vectors = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    >>> neighbors_kept(vectors, 3 * vectors)
    1.0
    """
    if not np.isfinite(got).all():
        return 0.0
    rows = np.arange(len(expected))
    found = []
    for vectors in (expected, got):
        found.append(neighbors(unit_length(vectors, np.float32), rows, rows, N_NEIGHBORS)[0])
    shared = [len(set(one) & set(other)) for one, other in zip(*map(np.ndarray.tolist, found), strict=True)]
    return float(np.mean(shared) / N_NEIGHBORS)


def some_photographs(source: Source, filenames: Sequence[str], side: int) -> np.ndarray:
    """Return the pixels of some sound files, evenly spread over the names: uint8 (n, side, side, 3)."""
    rows = np.linspace(0, len(filenames) - 1, min(N_PHOTOGRAPHS, len(filenames))).astype(int)
    seen = (inspect(source, filenames[row]).rgb for row in np.unique(rows))
    pixels = [square(rgb, side) for rgb in seen if rgb is not None]
    return np.stack(pixels) if pixels else np.zeros((0, side, side, 3), np.uint8)


def fast_precisions(device: torch.device) -> list[str]:
    """Return the reduced precisions that `device` has instructions for, fastest first; never int8 unasked."""
    if device.type == "cuda":
        return ["16", "bf16"] if torch.cuda.is_bf16_supported() else ["16"]
    if device.type != "cpu":
        return []
    asks = [getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile")]
    return ["bf16"] if any(ask() for ask in asks if ask) else []
