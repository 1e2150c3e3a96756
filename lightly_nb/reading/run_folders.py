"""What lies in the folder of a run is never input: copies of picks and plots are images, but not samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lightly_nb.datasource import Datasource, Entry
from lightly_nb.events import Listener, say

STEP = "LOADING_DATASET"
WITH_IMAGES = ("data/sampled/", "data/bounding_boxes_examples/", "plots/")
"""Folders of a run that hold images."""
MARKS = ("config/config.yaml", "config/hydra.yaml")
"""What a folder has that is one of a run, ours or the platform's."""


def without_run_folders(
    datasource: Datasource, entries: Iterator[Entry], left_out: Counter[str]
) -> Iterator[Entry]:
    """Yield the entries that are not in the folder of a run; count those that are, by that folder."""
    known: dict[str, bool] = {}
    for entry in entries:
        folder = next((one for one in _may_be_runs(entry.name) if _is_run(datasource, one, known)), None)
        if folder is None:
            yield entry
        else:
            left_out[folder] += 1


def say_left_out(left_out: Counter[str], on_event: Listener) -> None:
    """Say how many images were left out, if any."""
    if left_out:
        first = min(left_out) or "the folder itself"
        said = f"{left_out.total():,} images are left out, as they lie in run folders (such as '{first}')"
        say(on_event, STEP, f"{said}: copies and plots of runs are never input", "warning")


def _may_be_runs(name: str) -> Iterator[str]:
    """Yield the folders that would be those of a run if `name` was one of its images."""
    for part in WITH_IMAGES:
        if name.startswith(part):
            yield ""
        start = name.find(f"/{part}")
        while start >= 0:
            yield name[:start]
            start = name.find(f"/{part}", start + 1)


def _is_run(datasource: Datasource, folder: str, known: dict[str, bool]) -> bool:
    if folder not in known:
        start = f"{folder}/" if folder else ""
        known[folder] = all(not datasource.look(f"{start}{mark}").refused for mark in MARKS)
    return known[folder]
