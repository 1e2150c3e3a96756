"""Samples and selections made for tests of the report: seeded, with pictures, of any size."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
from PIL import Image

from lightly_nb.samples import Samples, quarantine_table
from lightly_nb.samples.embedding_check import BETTER, EmbeddingCheck, LabelAccuracy
from lightly_nb.selection import Selection

STRATEGY = {
    "label": "DIVERSITY on EMBEDDINGS",
    "input": {"type": "EMBEDDINGS"},
    "strategy": {"type": "DIVERSITY"},
    "strength": 1.0,
    "asked": {"minimum_distance": None},
    "got": {"smallest distance": 0.25},
    "note": "",
}


class Pictures:
    """Thumbnails by number: plain coloured pictures."""

    def read(self, number: int) -> bytes:
        """Return a JPEG whose colour says its number."""
        buffer = io.BytesIO()
        color = (number * 37 % 256, number * 91 % 256, number * 151 % 256)
        Image.new("RGB", (48, 32), color).save(buffer, "JPEG")
        return buffer.getvalue()


def made_up_samples(
    n: int, d: int = 8, *, seed: int = 0, names: Sequence[str] | None = None, pictures: bool = True
) -> Samples:
    """Return `n` samples in clusters, with unit-length embeddings, metadata, classes and quarantined
    files.
    """
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(5, d))
    group = rng.choice(5, size=n, p=[0.5, 0.2, 0.15, 0.1, 0.05])
    vectors = centers[group] + 0.4 * rng.normal(size=(n, d))
    vectors /= np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
    if names is None:
        names = [f"{'abcde'[g]}/photo {number:05d}.jpg" for number, g in enumerate(group)]
    table = pd.DataFrame(
        {
            "lightly.sharpness": rng.gamma(3, 50, n),
            "lightly.width": rng.integers(100, 4000, n),
            "weather": np.where(group > 2, "rain", "sun"),
            "thumbnail": np.arange(n),
        },
        index=list(names),
    )
    table.attrs["categories"] = {"animals": ["cat", "dog", "Pferd"]}
    left_out = quarantine_table(
        [
            {"filename": "broken/cut.jpg", "stage": "CHECK", "reason": "cut: 12 bytes are missing",
             "what_to_do": "replace it", "duplicate_of": None},
            {"filename": "copy.jpg", "stage": "CHECK", "reason": "exact duplicate",
             "what_to_do": "nothing", "duplicate_of": names[0]},
        ]
    )  # fmt: skip
    classes = rng.dirichlet([0.3, 0.2, 0.1], n)
    arrays = {"embeddings": vectors, "class_distribution.animals": classes}
    check = EmbeddingCheck(
        BETTER, "Found 2.5 times as well", 2.5, (1.6, 2.0), 0.8, 0.32, 100, 200, 0.7,
        (LabelAccuracy("'weather'", n, 2, 0.9, 0.6, 0.65),),
    )  # fmt: skip
    pack = Pictures() if pictures else None
    return Samples(table, arrays, left_out, thumbnails=pack, embedding_check=check)


def farthest(samples: Samples, n: int, preselected: Sequence[int] = ()) -> Selection:
    """Return the selection that picks the farthest sample `n` times: plain numpy, for tests."""
    vectors = samples.embeddings.astype(np.float64)
    distances = np.full(len(vectors), np.inf)
    for row in preselected:
        distances = np.minimum(distances, np.square(vectors - vectors[row]).sum(axis=1))
    picks: list[int] = []
    for _ in range(n):
        left = distances.copy()
        left[[*picks, *preselected]] = -1
        row = int(left.argmax())
        picks.append(row)
        distances = np.minimum(distances, np.square(vectors - vectors[row]).sum(axis=1))
    return selection_of(samples, picks, preselected)


def selection_of(samples: Samples, picks: Sequence[int], preselected: Sequence[int] = ()) -> Selection:
    """Return the selection of these rows."""
    names = samples.filenames
    return Selection(
        filenames=[names[row] for row in picks],
        rows=np.asarray(picks, dtype=np.int64),
        preselected=[names[row] for row in preselected],
        strategies=[STRATEGY],
        n_asked=len(picks),
    )


def trained_job(n_epochs: int = 3) -> dict[str, object]:
    """Return the `job` of a run that has trained `n_epochs` epochs."""
    events: list[dict[str, object]] = [{"time": 10.0, "state": "TRAINING", "step": "TRAINING"}]
    for epoch in range(1, n_epochs + 1):
        loss = 3.0 / epoch
        events += [
            {"time": 10.0 + epoch, "step": "TRAINING", "metrics": {"epoch": epoch, "loss": loss + 0.1}},
            {"time": 10.5 + epoch, "step": "TRAINING", "metrics": {
                "epoch": epoch, "loss": loss, "epoch_loss": loss, "representation_std": 0.5,
                "images_per_second": 100.0}},
        ]  # fmt: skip
    return {
        "name": "2026-01-31/12-00-00",
        "input": "/photos",
        "started": "2026-01-31T12:00:00+00:00",
        "steps": [{"step": "TRAINING", "seconds": 3.5}, {"step": "EMBEDDING", "seconds": 75.0}],
        "versions": {"python": "3.11.2", "lightly_nb": "0.1.0"},
        "hardware": {"processor": "a processor", "cores": 2, "memory_gb": 24.0, "gpus": []},
        "asked": ["worker_config.enable_training=true"],
        "config": {"worker_config": {"enable_training": True}},
        "events": events,
    }
