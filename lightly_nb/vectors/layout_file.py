"""Layouts that a run keeps, with the hash of the embeddings that they are of."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

ROWS_AT_ONCE = 65_536


def write_layouts(
    path: Path, vectors: np.ndarray, layouts: Mapping[str, np.ndarray], seed: int, most: int
) -> None:
    """Write `layouts` of `vectors` by name, and with what seed and on how many samples they were made."""
    with path.open("wb") as stream:
        made_with = {".of": np.array(hash_of(vectors)), ".with": np.array([seed, most])}
        np.savez(stream, **layouts, **made_with)  # type: ignore[arg-type]


def read_layouts(
    path: Path | None, vectors: np.ndarray, *, seed: int | None = None, most: int | None = None
) -> dict[str, np.ndarray]:
    """Return the layouts of `vectors` by name; nothing if the file is not there, damaged or of others.

    Parameters
    ----------
    seed, most : int or None
        What they must have been made with; None is anything.
    """
    if path is None or not path.is_file():
        return {}
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            made_with = zip((seed, most), stored[".with"].tolist(), strict=True)
            if any(asked not in (None, was) for asked, was in made_with) or stored[".of"] != hash_of(vectors):
                return {}
            return {name: stored[name] for name in stored.files if not name.startswith(".")}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):  # they are computed again
        return {}


def hash_of(vectors: np.ndarray) -> str:
    """Return a hash of shape, type and every number of `vectors`, which may be a memory map."""
    found = hashlib.blake2b(f"{vectors.shape} {vectors.dtype.str}".encode(), digest_size=16)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        found.update(vectors[start : start + ROWS_AT_ONCE].tobytes())
    return found.hexdigest()
