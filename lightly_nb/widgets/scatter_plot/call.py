"""`scatter`: the one call."""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lightly_nb.display.html import Html, join
from lightly_nb.errors import RunError
from lightly_nb.samples import as_samples
from lightly_nb.samples.arguments import FLAG, SELECTION, TEXT, WHOLE, accepts
from lightly_nb.widgets.shared.showing import WITHOUT_ANYWIDGET

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

from lightly_nb.widgets.scatter_plot.model import ScatterModel
from lightly_nb.widgets.scatter_plot.page import framed


@accepts(selection=SELECTION, color_by=TEXT, projection=TEXT, umap=FLAG, seed=WHOLE)
def scatter(
    samples: Any,
    selection: Selection | None = None,
    *,
    color_by: str | None = None,
    projection: str = "pca",
    umap: bool | None = None,
    seed: int = 0,
) -> ScatterModel:
    """Show all samples as points: hover for the picture, draw a lasso for the rows.

    PCA is there at once; UMAP with 15, 5 and 50 neighbours is computed by another process meanwhile and the
    menu offers each as it becomes ready. The samples of a run that has a report are shown as there. The
    layouts are kept as arrays `pca`, `umap_15`, … of `panel.samples`, new `Samples` that have them beside the
    embeddings; hand those to `scatter` and nothing is computed again.

    Parameters
    ----------
    samples : Samples, Run, array, DataFrame, …
        With `embeddings`, or with an array of two columns to show. Pictures are the thumbnails that `embed`
        made. Embeddings of your own may come in any form that `Samples.from_embeddings` takes.
    selection : Selection or None
        Shown in colour and size, and what `panel.reselect` starts from.
    color_by : str or None
        'selected', 'order' (of picking), 'sub-folder', 'one color' or a column of `samples.table`: numbers
        get a colour bar, anything else a legend of the 24 largest categories. None is 'selected' if there
        is a selection.
    projection : str
        'pca' or the name of an array of `samples` with two columns.
    umap : bool or None
        Whether to compute UMAP unasked; None: up to 100,000 samples, if umap-learn is installed. A layout
        that is not there is computed when it is chosen from the menu. Above 4,000 samples it is fitted to as
        many, drawn, and the others are placed between their nearest neighbours among these.
    seed : int
        Seed of UMAP where it is computed; the same seed gives the same layout.

    Returns
    -------
    ScatterModel
        A live panel. `panel.selected` holds the rows in the lasso, can be observed and set;
        `panel.selection()` is their table; `lock`, `ban`, `release`, `more_like_these`, `reselect`, `images`
        and `to_html` are its buttons. Without anywidget it is shown by Bokeh and sends nothing back.

    Raises
    ------
    InputError
        If there are no samples or embeddings, or a name is unknown.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from lightly_nb.samples import Samples
    >>> names = ["a.jpg", "b.jpg", "c.jpg"]
    >>> panel = scatter(Samples(pd.DataFrame(index=names), {"embeddings": np.eye(3)}), umap=False)
    >>> panel.selected = ["b.jpg"]
    >>> panel.selection().index.tolist()
    ['b.jpg']
    """
    if selection is None and hasattr(samples, "job"):  # a Run, which may not have selected yet
        with suppress(RunError):
            selection = samples.selection
    samples = as_samples(samples, "scatter")
    if find_spec("anywidget") is None:
        return BokehScatter(
            samples, selection, color_by=color_by, projection=projection, umap=umap, seed=seed
        )
    from lightly_nb.widgets.scatter_plot.panel import ScatterPanel

    return ScatterPanel(samples, selection, color_by=color_by, projection=projection, umap=umap, seed=seed)


class BokehScatter(ScatterModel):
    """What `scatter` returns without anywidget; its traits and methods are those of `ScatterModel`."""

    def _repr_html_(self) -> Html:
        return join(WITHOUT_ANYWIDGET, framed(self.to_html()))

    def __repr__(self) -> str:
        return f"BokehScatter({len(self.samples):,} samples, {len(self.selected):,} in the lasso)"
