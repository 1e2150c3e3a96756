"""The scatter without a browser: its traits, and every button as a method."""

from __future__ import annotations

import threading
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import traitlets

from lightly_nb.errors import InputError
from lightly_nb.samples import Samples
from lightly_nb.vectors.layout_file import read_layouts
from lightly_nb.vectors.layouts import UMAP_NEIGHBORS, pca_layout, umap_name
from lightly_nb.widgets.scatter_plot.actions import described, more_like, select_around
from lightly_nb.widgets.scatter_plot.coloring import ORDER, PLAIN, SELECTED, Coloring, color_by, color_choices
from lightly_nb.widgets.scatter_plot.umap_process import UmapProcess
from lightly_nb.widgets.shared.rows import Rows, as_rows

if TYPE_CHECKING:
    from lightly_nb.samples.grid import ImageGrid
    from lightly_nb.selection import Selection

UMAP_UNASKED_UP_TO = 100_000
"""Above so many samples UMAP and its copy of the embeddings take minutes, so it waits to be chosen."""
FEWEST_FOR_UMAP = 4
MORE_LIKE_THESE = 12
FIRST_UMAPS = tuple(sorted(UMAP_NEIGHBORS, key=lambda k: k != 15))
ALIASES = {"selected": SELECTED, "order": ORDER}


class ScatterModel(traitlets.HasTraits):
    """Samples as points, a selection, a lasso, and what can be done with them; see `lightly_nb.scatter`.

    Attributes
    ----------
    samples : Samples
        Replaced by samples that also have the arrays `pca`, `umap_5`, `umap_15` and `umap_50` (float32 of
        shape (n_samples, 2)) as they become ready: `Samples` is frozen, so take them from here.
    picks : Selection or None
        The selection shown; replaced by `reselect`.
    selected : numpy.ndarray
        int64 rows in the lasso. Observable; accepts rows, a mask, file names, a `Selection` or a DataFrame.
    locked, banned : numpy.ndarray
        int64 rows that `reselect` must and must not pick.
    projection : str
        Name of the array whose two columns are shown.
    color_by : str
        One of `color_choices`.
    """

    samples = traitlets.Any()
    picks = traitlets.Any(None, allow_none=True)
    selected = Rows()
    locked = Rows()
    banned = Rows()
    projection = traitlets.Unicode("pca")
    color_by = traitlets.Unicode(PLAIN)
    _umaps: tuple[UmapProcess, ...] = ()

    def __init__(
        self,
        samples: Samples,
        selection: Selection | None = None,
        *,
        color_by: str | None = None,
        projection: str = "pca",
        umap: bool | None = None,
        seed: int = 0,
        **kwargs: Any,
    ):
        if not isinstance(samples, Samples) or not len(samples):
            raise InputError(f"scatter: give Samples with at least one sample, got {samples!r}")
        if "pca" not in samples.arrays:
            for name, layout in read_layouts(samples.layouts, samples.embeddings).items():
                samples = samples.with_array(name, layout)
        if "pca" not in samples.arrays:
            samples = samples.with_array("pca", pca_layout(samples.embeddings)[0])
        self._n_samples, self._seed = len(samples), seed
        self._wanted_projection = ""
        self._lock = threading.Lock()
        super().__init__(samples=samples, selected=None, locked=None, banned=None, **kwargs)
        self.picks = selection
        self.color_by = color_by or (SELECTED if selection is not None else PLAIN)
        self.projection = projection
        if umap or (umap is None and len(samples) <= UMAP_UNASKED_UP_TO and self.can_umap):
            self.compute_umap(*FIRST_UMAPS)

    # ---- what is shown -------------------------------------------------------------------------------------

    @property
    def color_choices(self) -> list[str]:
        """What points can be coloured by."""
        return color_choices(self.samples, self.picks)

    @property
    def projections(self) -> list[str]:
        """Names of the layouts that are ready."""
        return [
            name for name, array in self.samples.arrays.items() if array.ndim == 2 and array.shape[1] == 2
        ]

    def coloring(self) -> Coloring:
        """Return colour codes and legend of the current choice."""
        return color_by(self.samples, self.picks, self.color_by)

    @traitlets.validate("samples")
    def _same_samples(self, proposal: Any) -> Samples:
        samples = proposal["value"]
        if not isinstance(samples, Samples) or len(samples) != self._n_samples:
            raise InputError(
                "scatter: `samples` can only become the same samples with further arrays or columns"
            )
        return samples

    @traitlets.validate("picks")
    def _known_picks(self, proposal: Any) -> Any:
        if proposal["value"] is not None:
            self.samples.rows_of(proposal["value"].filenames)
        return proposal["value"]

    @traitlets.validate("projection")
    def _known_projection(self, proposal: Any) -> str:
        if proposal["value"] not in self.projections:
            raise InputError(
                f"projection: '{proposal['value']}' is not there; ready are {self.projections}"
                f"{', in work ' + str(self.in_work) if self.in_work else ''}; `wait()` waits for UMAP"
            )
        return str(proposal["value"])

    @traitlets.validate("color_by")
    def _known_color(self, proposal: Any) -> str:
        name = proposal["value"]
        name = name if name in self.color_choices else ALIASES.get(name, name)
        if name not in self.color_choices:
            raise InputError(f"color_by: '{name}' is not there; allowed are {self.color_choices}")
        return str(name)

    # ---- the lasso -----------------------------------------------------------------------------------------

    def selection(self) -> pd.DataFrame:
        """Return the table of the lasso, with `row` and, given picks, `selected`, `step` and `reason`."""
        return described(self.samples, self.selected, self.picks)

    def images(self, rows: Any = None) -> ImageGrid:
        """Return an image grid of `rows`; None is the lasso."""
        from lightly_nb.samples.grid import show_images

        return show_images(self.samples.take(self._rows(rows)))

    def lock(self, rows: Any = None) -> None:
        """Have `reselect` pick these samples; None is the lasso."""
        rows = self._rows(rows)
        self.banned = np.setdiff1d(self.banned, rows)
        self.locked = np.union1d(self.locked, rows)

    def ban(self, rows: Any = None) -> None:
        """Have `reselect` never pick these samples; None is the lasso."""
        rows = self._rows(rows)
        self.locked = np.setdiff1d(self.locked, rows)
        self.banned = np.union1d(self.banned, rows)

    def release(self, rows: Any = None) -> None:
        """Neither lock nor ban these samples; None is the lasso."""
        rows = self._rows(rows)
        self.locked = np.setdiff1d(self.locked, rows)
        self.banned = np.setdiff1d(self.banned, rows)

    def more_like_these(self, n: int = MORE_LIKE_THESE, rows: Any = None) -> np.ndarray:
        """Add the `n` samples most like `rows` to the lasso and return their rows, most alike first."""
        rows = self._rows(rows)
        found = more_like(self.samples, rows, n, leave_out=self.banned)
        self.selected = np.concatenate([rows, found])
        return found

    def reselect(self, n_samples: int | None = None, *, around: Any = None, **options: Any) -> Selection:
        """Select again and show it; return the new selection, which is `picks` from then on.

        The samples of `around` (None: the lasso) count as selected already, so that the picks go around them;
        locked samples are picked, banned ones never. `n_samples` is as many as before unless given. Further
        options go to `lightly_nb.select`.
        """
        around = self._rows(around)
        args = (self.samples, self.picks, around, self.locked, self.banned, n_samples)
        self.picks = select_around(*args, on_event=options.pop("on_event", self._on_event), **options)
        if self.color_by == PLAIN:
            self.color_by = SELECTED
        return self.picks

    def to_html(self, path: str | Path | None = None, *, most_pictures: int = 500) -> str:
        """Return, and write to `path` if given, one HTML file that opens without a kernel or a network.

        All points, with zoom and file names on hover; pictures for the first `most_pictures` samples (picks
        first).
        """
        from lightly_nb.widgets.scatter_plot.page import scatter_html

        html: str = scatter_html(self.samples, self.picks, self.coloring(), self.projection, most_pictures)
        if path is not None:
            Path(path).write_text(html, encoding="utf-8")
        return html

    def _rows(self, rows: Any) -> np.ndarray:
        return self.selected if rows is None else as_rows(rows, self.samples)

    def _on_event(self, event: Any) -> None:
        """Hear the progress of a selection; the panel shows it."""

    # ---- UMAP ----------------------------------------------------------------------------------------------

    @property
    def in_work(self) -> list[str]:
        """Names of the layouts that are being computed."""
        return [name for process in self._umaps for name in process.waiting_for]

    @cached_property
    def can_umap(self) -> bool:
        """Whether UMAP is installed and makes sense for these samples."""
        if "embeddings" not in self.samples.arrays or len(self.samples) < FEWEST_FOR_UMAP:
            return False
        return find_spec("umap") is not None and bool(np.isfinite(self.samples.embeddings).all())

    def compute_umap(self, *n_neighbors: int) -> None:
        """Start to compute UMAP layouts in the background; those that are there or in work are left out."""
        wanted = [
            k
            for k in n_neighbors
            if umap_name(k) not in self.samples.arrays and umap_name(k) not in self.in_work
        ]
        if wanted:
            process = UmapProcess(
                self.samples.embeddings, wanted, self._umap_ready, self._umap_failed, self._seed
            )
            self._umaps = (*self._umaps, process)

    def show_projection(self, name: str) -> None:
        """Show a layout now or, if UMAP has to compute it first, as soon as it is ready."""
        if name in self.projections:
            self._wanted_projection, self.projection = "", name
            return
        if name in {umap_name(k) for k in UMAP_NEIGHBORS}:
            self._wanted_projection = name
            self.compute_umap(int(name.removeprefix("umap_")))
            return
        self.projection = name  # refused with the names that are there

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the layouts in work; return whether all have come. A failure of UMAP is raised here."""
        for process in self._umaps:
            process.wait(timeout)
            if process.error is not None:
                raise process.error
        return not self.in_work

    def stop_umap(self) -> None:
        """End the computation of layouts; those that are ready stay."""
        for process in self._umaps:
            process.stop()
        self._umaps = ()

    def _umap_ready(self, name: str, layout: np.ndarray) -> None:
        with self._lock:
            self.samples = self.samples.with_array(name, layout)
        if self._wanted_projection == name:
            self.show_projection(name)

    def _umap_failed(self, text: str) -> None:
        """Show what went wrong; the panel does."""
