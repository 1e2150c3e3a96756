"""Chunks on disk: what a pass has finished, one file per chunk, so that an interrupted pass goes on.

A chunk file is written aside and renamed, so it is whole or not there. It counts only for the same names,
the same content and the same key (weights and settings); otherwise it is computed anew.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from lightly_nb.checks.inspection import Inspection
from lightly_nb.errors import RunError
from lightly_nb.files import written_aside


@dataclass(frozen=True)
class Chunk:
    """Everything that the pass found out about some files, in name order.

    Parameters
    ----------
    filenames : list of str
        One per file; so for all that follows.
    inspections : list of Inspection
        Without pictures.
    embeddings : numpy.ndarray
        float32 of shape (n, d), as the model gives them; zeros for a file without a picture.
    thumbnails : list of bytes
        JPEGs; empty for a file without a picture.
    """

    filenames: list[str]
    inspections: list[Inspection]
    embeddings: np.ndarray
    thumbnails: list[bytes]

    @staticmethod
    def joined(parts: Sequence[Chunk]) -> Chunk:
        """Return one chunk of all `parts`, in order."""
        return Chunk(
            [name for part in parts for name in part.filenames],
            [seen for part in parts for seen in part.inspections],
            np.concatenate([part.embeddings for part in parts]),
            [jpeg for part in parts for jpeg in part.thumbnails],
        )


class ChunkFolder:
    """The chunk files below one folder that were made with one `key`."""

    def __init__(self, folder: Path, key: str):
        self.folder = folder / key

    def path(self, number: int) -> Path:
        """Return where chunk `number` lies."""
        return self.folder / f"{number:06d}.npz"

    def save(self, number: int, chunk: Chunk) -> None:
        """Write a chunk.

        Raises
        ------
        RunError
            If it cannot be written (a full disk); the chunks before it are whole.
        """
        facts = {
            "filenames": chunk.filenames,
            "inspections": [
                (seen.content_hash, seen.reason, seen.what_to_do, seen.metadata, seen.note)
                for seen in chunk.inspections
            ],
            "thumbnail_lengths": [len(jpeg) for jpeg in chunk.thumbnails],
        }
        buffer = io.BytesIO()
        np.savez(
            buffer,
            facts=np.frombuffer(json.dumps(facts).encode(), np.uint8),
            embeddings=chunk.embeddings,
            thumbnails=np.frombuffer(b"".join(chunk.thumbnails), np.uint8),
        )
        path = self.path(number)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with written_aside(path) as aside:
                aside.write_bytes(buffer.getbuffer())
        except OSError as error:
            raise RunError(
                f"cannot save chunk {number} of the embedding as {path}: {error.strerror or error}; free "
                "some space or give another chunks_dir, then embed again: the finished chunks are kept"
            ) from error

    def load(self, number: int) -> Chunk | None:
        """Read a chunk; None if there is none, or it is damaged."""
        try:
            with self.path(number).open("rb") as file, np.load(file, allow_pickle=False) as stored:
                facts = json.loads(stored["facts"].tobytes())
                embeddings, packed = stored["embeddings"], stored["thumbnails"].tobytes()
            ends = np.cumsum([0, *facts["thumbnail_lengths"]])
            inspections = [
                Inspection(content_hash, reason, what_to_do, tuple(metadata), note=note)
                for content_hash, reason, what_to_do, metadata, note in facts["inspections"]
            ]
            thumbnails = [packed[start:end] for start, end in pairwise(ends)]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None
        return Chunk(facts["filenames"], inspections, embeddings, thumbnails)
