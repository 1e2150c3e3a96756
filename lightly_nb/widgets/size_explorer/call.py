"""`how_many`: the one call."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lightly_nb.display.html import Html, join
from lightly_nb.events import silent
from lightly_nb.samples import Samples, as_samples
from lightly_nb.samples.arguments import POSITIVE, SELECTION, accepts
from lightly_nb.widgets.results_viewer.call import both_of
from lightly_nb.widgets.shared.showing import WITHOUT_ANYWIDGET
from lightly_nb.widgets.size_explorer.model import HowManyModel

if TYPE_CHECKING:
    from lightly_nb.pipeline import Run
    from lightly_nb.selection import Selection

FIRST_LOOK = 100


@accepts(selection=SELECTION, n=POSITIVE, most=POSITIVE)
def how_many(
    samples: Samples | Run | Any,
    selection: Selection | None = None,
    *,
    n: int | None = None,
    most: int | None = None,
    **options: Any,
) -> HowManyModel:
    """Show how many samples are needed: a slider for the number, and how well that many cover all samples.

    The picks are computed once up to `most`; as the first n of them are the selection of n, moving n
    computes nothing. The curve is the number of different categories among the picks (sub-folders, labels),
    or the distance of all samples (of 4,000 evenly spaced ones where there are more) to their nearest
    selected one, beside 20 random selections. The sentence below it compares by a measure that no strategy
    optimises; others are marked. Moving the strength of a strategy selects again in the background.

    Parameters
    ----------
    samples : Samples, Run, array, DataFrame, …
        Embedded samples, embeddings of your own in any form that `Samples.from_embeddings` takes, or a run
        that has them and a selection. A selection that comes from a file is computed again, in the
        background, from the strategies that it names.
    selection : Selection or None
        Whose strategies, size and preselected samples are the start. None: that of the run, or the default's.
    n : int or None
        Size to start with; None is that of the selection.
    most : int or None
        Largest size that is computed; None: twice the selection, at least 100, at most all samples.
    options : Any
        Options of `lightly_nb.select` that the selection was made with and does not remember: `seed`,
        `lock`, `ban`, `query`, `minimum_distance`. Used when it is computed again.

    Returns
    -------
    HowManyModel
        A live panel. `panel.n` and `panel.strengths` can be observed and set; `panel.selection` is the
        selection of n samples, `panel.finding` what the curve says of it, `panel.code` the Python that
        makes it again.

    Raises
    ------
    InputError
        If nothing is selected, or `n` is not among the sizes.
    RunError
        If the run has not selected yet.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    >>> panel = how_many(Samples(pd.DataFrame(index=names), {"embeddings": np.eye(4)}), n=2)
    >>> panel.wait(), panel.n_max
    (True, 4)
    >>> panel.selection.filenames == panel.order.filenames[:2]
    True
    """
    if not isinstance(samples, Samples) and not hasattr(samples, "job"):
        samples = as_samples(samples, "how_many")
    if selection is None and isinstance(samples, Samples):
        from lightly_nb.selection import select

        first = min(FIRST_LOOK, len(samples)) if n is None else min(n, len(samples))
        selection = select(samples, max(1, first), on_event=silent, **options)
    elif selection is None and hasattr(samples, "job"):
        options = {"seed": samples.job.configs.lightly.seed, **options}
    samples, selection = both_of(samples, selection, "how_many")
    panel = _panel(samples, selection, most=most, options=options)
    if n is not None and n != panel.n:
        if n > panel.n_max:
            panel.wait()
        panel.n = n
    return panel


class StaticHowMany(HowManyModel):
    """What `how_many` returns without anywidget: a picture, with all traits and methods."""

    def _repr_html_(self) -> Html:
        self.wait()
        return join(WITHOUT_ANYWIDGET, self.still_html())

    def __repr__(self) -> str:
        return f"StaticHowMany({self.n:,} of {len(self.samples):,} samples, {self.n_max:,} picks computed)"


def _panel(*args: Any, **options: Any) -> HowManyModel:
    if find_spec("anywidget") is None:
        return StaticHowMany(*args, **options)
    from lightly_nb.widgets.size_explorer.panel import HowManyPanel

    return HowManyPanel(*args, **options)
