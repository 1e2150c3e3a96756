"""What an interrupted pretagging had found: a line of JSON for each sample, added batch by batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from lightly_nb.errors import RunError
from lightly_nb.pretagging.detection import Found, Seen
from lightly_nb.samples import Samples


class Progress:
    """What is known already, by sample, its version and the settings of the detector.

    Parameters
    ----------
    path : pathlib.Path or None
        The file; None keeps nothing.
    settings : str
        What, beside the picture, decides about the detections.
    samples : Samples
        Whose column `version`, from the listing, tells a file that has changed.
    """

    def __init__(self, path: Path | None, settings: str, samples: Samples):
        self.path, self.settings = path, settings
        versions = samples.table["version"] if "version" in samples.table else [""] * len(samples)
        self._versions = dict(zip(samples.filenames, map(str, versions), strict=True))
        self.found = {} if path is None else _read(path)

    def key(self, filename: str) -> str:
        """Return what the detections of a sample are kept under."""
        return json.dumps([filename, self._versions[filename], self.settings])

    def add(self, answers: Mapping[str, Seen]) -> None:
        """Append a line for each.

        Raises
        ------
        RunError
            If they cannot be written (a full disk).
        """
        if self.path is None or not answers:
            return
        lines = [
            json.dumps({"key": self.key(filename), **_as_dict(one)}) for filename, one in answers.items()
        ]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write("".join(f"\n{line}" for line in lines))
        except OSError as error:
            raise RunError(
                f"'{self.path}' could not be written ({error.strerror or error}); free some space, then go "
                "on with: lightly-nb resume"
            ) from error


def _as_dict(seen: Seen) -> dict[str, object]:
    assert seen.found is not None
    found = seen.found._asdict() | {"boxes": seen.found.boxes.tolist(), "scores": seen.found.scores.tolist()}
    return {"found": found, "width": seen.width, "height": seen.height}


def _read(path: Path) -> dict[str, Seen]:
    known: dict[str, Seen] = {}
    with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):  # a line cut by the end of its process
                one = json.loads(line)
                boxes = np.array(one["found"]["boxes"], np.float32).reshape(-1, 4)
                scores = np.array(one["found"]["scores"], np.float32)
                found = Found(boxes, scores, one["found"]["labels"], one["found"]["n_outside"])
                known[one["key"]] = Seen(found, one["width"], one["height"])
    return known
