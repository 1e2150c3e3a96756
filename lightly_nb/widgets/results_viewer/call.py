"""`show_results`: the one call."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lightly_nb.display.html import Html, join
from lightly_nb.errors import InputError
from lightly_nb.samples import Samples, as_samples
from lightly_nb.samples.arguments import SELECTION, TEXT, WHOLE, accepts
from lightly_nb.widgets.results_viewer.model import ResultsModel
from lightly_nb.widgets.shared.showing import WITHOUT_ANYWIDGET

if TYPE_CHECKING:
    from lightly_nb.pipeline import Run
    from lightly_nb.selection import Selection


@accepts(selection=SELECTION, view=TEXT, page_size=WHOLE, order=TEXT)
def show_results(
    samples: Samples | Run,
    selection: Selection | None = None,
    *,
    view: str = "selected",
    page_size: int = 24,
    order: str = "nearest first",
) -> ResultsModel:
    """Show what a selection took and what it left: grids of pictures, page by page.

    Four views: 'selected' in the order picked; 'removed', each beside its nearest selected neighbour and
    sorted by the distance to it; 'duplicates', every kept file with its exact copies; 'quarantine', every
    file that was left out, why, and what to do. Pictures are the thumbnails that `embed` made, fetched for
    one page at a time; those in quarantine are decoded from their files as far as that goes.

    Keys: the arrows move from picture to picture, PageUp, PageDown, Home and End turn pages, Space or Enter
    marks a sample.

    Parameters
    ----------
    samples : Samples or Run
        The samples that were selected from, or a run that has both.
    selection : Selection or None
        What was selected; None for a run.
    view : str
        The view to start with.
    page_size : int
        Figures on a page: 12, 24, 48 or 96.
    order : str
        'nearest first' or 'farthest first', of the removed.

    Returns
    -------
    ResultsModel
        A live panel. `panel.view`, `.page`, `.filter` and `.rows` (only these samples) can be observed and
        set; `panel.selected` holds the rows that are marked, `panel.selection()` is their table. Without
        anywidget it shows the page as a picture.

    Raises
    ------
    InputError
        If there is no selection, or it is of other samples, or an option is unknown.
    RunError
        If the run has not selected yet.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from lightly_nb.events import silent
    >>> from lightly_nb.selection import select
    >>> samples = Samples(pd.DataFrame(index=["a.jpg", "b.jpg", "c.jpg"]), {"embeddings": np.eye(3)})
    >>> panel = show_results(samples, select(samples, 2, on_event=silent))
    >>> panel.view = "removed"
    >>> panel.shown
    ['c.jpg']
    """
    samples, selection = both_of(samples, selection, "show_results")
    if find_spec("anywidget") is None:
        return StaticResults(samples, selection, view=view, page_size=page_size, order=order)
    from lightly_nb.widgets.results_viewer.panel import ResultsPanel

    return ResultsPanel(samples, selection, view=view, page_size=page_size, order=order)


class StaticResults(ResultsModel):
    """What `show_results` returns without anywidget: a picture, with all traits and methods."""

    def _repr_html_(self) -> Html:
        return join(WITHOUT_ANYWIDGET, self.still_html())

    def __repr__(self) -> str:
        return f"StaticResults({len(self.picks):,} of {len(self.samples):,} samples selected)"


def both_of(samples: Any, selection: Selection | None, what: str) -> tuple[Samples, Selection]:
    """Return samples and selection, from a run where one is given."""
    is_run = (
        not isinstance(samples, Samples) and hasattr(samples, "selection") and hasattr(samples, "samples")
    )
    if is_run and selection is None:
        return samples.samples, samples.selection
    if not is_run and selection is not None:
        samples = as_samples(samples, what)
    if is_run or selection is None:
        raise InputError(
            f"{what}: give a run, or samples and a selection of them; got {type(samples).__name__} "
            f"and {type(selection).__name__}"
        )
    return samples, selection
