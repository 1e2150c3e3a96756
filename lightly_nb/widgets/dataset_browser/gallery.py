"""The images of a tag, from the thumbnails that a run of the dataset made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ipywidgets

from lightly_nb.api import ApiWorkflowClient
from lightly_nb.api.models import TagData
from lightly_nb.api.runs import run_folder_of
from lightly_nb.display.html import tag
from lightly_nb.errors import LightlyNBError, RunError
from lightly_nb.pipeline.run_handle import Run
from lightly_nb.samples import Samples
from lightly_nb.samples.grid import show_images
from lightly_nb.widgets.dataset_browser.facts import DatasetFacts, RunLine

PICTURES = 18
"""On a page: few enough that a saved notebook stays small."""
MOST_RUNS = 5


def folder_of(client: ApiWorkflowClient, line: RunLine) -> Run:
    """Return the handle on the folder of a run.

    Raises
    ------
    RunError
        If the run has none yet, or none on this machine.
    """
    if not line.run_id:
        raise RunError("no worker has taken this run yet; start one with lightly_nb.Worker().start()")
    folder = run_folder_of(client, line.run_id)
    if folder is None:
        raise RunError("this run has no folder yet; wait until it has begun, or look at its message")
    if not Path(folder).is_dir():
        raise RunError(
            f"the folder of this run, '{folder}', is not on this machine; open it where the worker runs"
        )
    return Run(folder)


def pictures_of(client: ApiWorkflowClient, facts: DatasetFacts, tag: TagData) -> tuple[Samples, list[str]]:
    """Return samples with thumbnails, and which of the tag's files are among them, in the tag's order.

    Raises
    ------
    RunError
        If no run on this machine has thumbnails of them.
    """
    names = client.get_filenames_in_tag(tag)
    best: tuple[Samples, list[str]] | None = None
    for line in _likely_runs(facts, tag):
        try:
            samples = folder_of(client, line).samples
        except (LightlyNBError, OSError):  # of another machine, cleaned up, or not embedded: try the next
            continue
        there = set(samples.filenames) if samples.has_thumbnails else set()
        found = [name for name in names if name in there]
        if found and (best is None or len(found) > len(best[1])):
            best = samples, found
        if len(found) == len(names):
            break
    if best is None:
        raise RunError(
            f"the images of the tag {tag.name!r} cannot be shown: no run folder on this machine has "
            "thumbnails of them; press Download images, or run on the dataset here"
        )
    return best


def _likely_runs(facts: DatasetFacts, tag: TagData) -> list[RunLine]:
    """Return the runs that may have the tag's thumbnails: its own, those that it stands on, the newest."""
    of_runs = {line.run_id: line for line in facts.runs if line.run_id}
    own = [of_runs[one.run_id] for one in _with_parents(facts, tag) if one.run_id in of_runs]
    return list(dict.fromkeys([*own, *of_runs.values()]))[:MOST_RUNS]


def _with_parents(facts: DatasetFacts, tag: TagData) -> Iterator[TagData]:
    tags, seen = {one.id: one for one in facts.tags}, set()
    at: TagData | None = tag
    while at is not None and at.id not in seen:
        seen.add(at.id)
        yield at
        at = tags.get(at.prev_tag_id or "")


class Gallery(ipywidgets.VBox):  # type: ignore[misc]
    """Pages of pictures.

    Parameters
    ----------
    samples : Samples
        With thumbnails.
    names : sequence of str
        Which of them, in this order.
    n_missing : int
        How many more belong to them that have no thumbnail here.
    """

    def __init__(self, samples: Samples, names: Sequence[str], n_missing: int = 0):
        self._samples, self._names, self._n_missing = samples, list(names), n_missing
        self.page = 1
        self._grid, self._said = ipywidgets.HTML(), ipywidgets.HTML()
        self._previous = ipywidgets.Button(description="‹ Previous", tooltip="Images before these")
        self._next = ipywidgets.Button(description="Next ›", tooltip="Images after these")
        self._previous.on_click(lambda _: self.turn(self.page - 1))
        self._next.on_click(lambda _: self.turn(self.page + 1))
        bar = ipywidgets.HBox([self._previous, self._next, self._said])
        bar.add_class("lnb-bar")
        super().__init__([self._grid, bar])
        self.turn(1)

    @property
    def n_pages(self) -> int:
        """How many pages there are, 1 or more."""
        return max(1, -(-len(self._names) // PICTURES))

    def turn(self, page: int) -> None:
        """Show a page, the first being 1; one that is out of range counts as the nearest."""
        self.page = min(max(1, page), self.n_pages)
        first = (self.page - 1) * PICTURES
        shown = self._names[first : first + PICTURES]
        grid: Any = show_images(self._samples, shown)
        self._grid.value = grid.html
        missing = f", {self._n_missing:,} more without a thumbnail here" if self._n_missing else ""
        of = f"{first + 1:,} to {first + len(shown):,} of {len(self._names):,} images{missing}"
        self._said.value = tag("div", of, role="status")
        self._previous.disabled, self._next.disabled = self.page == 1, self.page == self.n_pages
