"""The predictions of a run's samples in its folder: one `.npz` a task, so that they are read once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lightly_nb.runfolder import RunFolder, write_aside
from lightly_nb.samples import Predictions, Task
from lightly_nb.samples.predictions import Ragged

_FLAT = ("offsets", "category", "score", "bbox", "probabilities", "is_predicted")
_LISTS = ("segmentation", "keypoints")


def save_predictions(folder: RunFolder, predictions: Mapping[str, Predictions]) -> None:
    """Write every task, aside and renamed; the files are numbered, as a task may have any name.

    Raises
    ------
    RunError
        If a file cannot be written.
    """
    for number, one in enumerate(predictions.values()):
        write_aside(folder.predictions / f"{number}.npz", partial(_write, one))


def load_predictions(folder: RunFolder) -> dict[str, Predictions]:
    """Read the predictions of a run's samples back, by task; none where there are none."""
    found = [
        _read(path) for path in sorted(folder.predictions.glob("*.npz"), key=lambda path: int(path.stem))
    ]
    return {one.task.name: one for one in found}


def _write(one: Predictions, path: Path) -> None:
    arrays = {name: getattr(one, name) for name in _FLAT if getattr(one, name) is not None}
    for name in _LISTS:
        if (lists := getattr(one, name)) is not None:
            arrays |= {f"{name}_offsets": lists.offsets, f"{name}_values": lists.values}
    task = json.dumps(vars(one.task), ensure_ascii=False)
    with path.open("wb") as stream:
        np.savez(stream, task=np.frombuffer(task.encode(), np.uint8), **arrays)


def _read(path: Path) -> Predictions:
    with np.load(path, allow_pickle=False) as stored:
        task: dict[str, Any] = json.loads(stored["task"].tobytes().decode())
        arrays = {name: stored[name] for name in _FLAT if name in stored}
        lists = {
            name: Ragged(stored[f"{name}_offsets"], stored[f"{name}_values"])
            for name in _LISTS
            if f"{name}_offsets" in stored
        }
    as_tuples = {key: tuple(value) if isinstance(value, list) else value for key, value in task.items()}
    return Predictions(Task(**as_tuples), **arrays, **lists)
