"""The scatter where anywidget is not installed: Bokeh's page in the output, and the same methods."""

from __future__ import annotations

from lightly_nb.widgets.scatter_bokeh import framed
from lightly_nb.widgets.scatter_model import ScatterModel

WHY = (
    "anywidget is not installed, so this plot sends nothing back to Python: for the live panel run "
    "<code>pip install anywidget ipywidgets</code> and restart the kernel."
)


class BokehScatter(ScatterModel):
    """What `scatter` returns without anywidget; its traits and methods are those of `ScatterModel`."""

    def _repr_html_(self) -> str:
        return f"<p>{WHY}</p>{framed(self.to_html())}"

    def __repr__(self) -> str:
        return f"BokehScatter({len(self.samples):,} samples, {len(self.selected):,} in the lasso)"
