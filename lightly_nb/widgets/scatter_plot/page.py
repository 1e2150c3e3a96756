"""The scatter as one HTML file that needs no kernel and no network, drawn by Bokeh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lightly_nb.display import palette
from lightly_nb.display.html import Html, frame, image, join, tag
from lightly_nb.samples import Samples
from lightly_nb.vectors.layouts import fitted, projection_label
from lightly_nb.widgets.scatter_plot.coloring import SHAPES, Coloring
from lightly_nb.widgets.scatter_plot.static import color_table

if TYPE_CHECKING:
    from lightly_nb.selection import Selection

TOOLTIP = """<div style="max-width:220px;overflow-wrap:anywhere">@picture{safe}<b>@name</b><br>@value</div>"""
TOOLS = "pan,wheel_zoom,box_zoom,lasso_select,box_select,reset,save"


def scatter_html(
    samples: Samples, selection: Selection | None, coloring: Coloring, projection: str, most_pictures: int
) -> str:
    """Return the HTML text. Pictures are inside it, those of the picks first.

    Parameters
    ----------
    most_pictures : int
        Number of samples that carry their thumbnail (about 4 KB each); all carry their name.
    """
    from bokeh.embed import file_html
    from bokeh.plotting import figure
    from bokeh.resources import INLINE

    plot = figure(
        tools=TOOLS,
        active_drag="pan",
        active_scroll="wheel_zoom",
        sizing_mode="stretch_both",
        match_aspect=True,
        output_backend="webgl",
        min_height=460,
        title=f"{len(samples):,} samples: {projection_label(projection)} of their embeddings",
    )
    plot.axis.visible = False
    plot.grid.grid_line_color = palette.GRID
    columns = _columns(samples, selection, coloring, projection, most_pictures)
    groups = _groups(coloring)
    drawn = [_draw(plot, columns, *group, n_samples=len(samples)) for group in groups]
    _add_hover(plot, [renderer for renderer in drawn if renderer is not None])
    _add_legend(plot, coloring.legend)
    return str(file_html(plot, INLINE, title="lightly_nb scatter"))


def _columns(
    samples: Samples, selection: Selection | None, coloring: Coloring, projection: str, most_pictures: int
) -> dict[str, np.ndarray]:
    places = fitted(samples.arrays[projection])
    with_picture = samples.rows_of(selection.filenames) if selection is not None else np.zeros(0, np.int64)
    others = np.setdiff1d(np.arange(len(samples)), with_picture)
    pictures = np.full(len(samples), "", dtype=object)
    for row in [*with_picture, *others][:most_pictures]:
        pictures[row] = _picture(samples, int(row))
    why = np.full(len(samples), "", dtype=object)
    if selection is not None:
        why = selection.table()["reason"].reindex(samples.table.index).to_numpy(dtype=object)
    names = np.array(samples.filenames, dtype=object)
    table = color_table(coloring.legend)
    colors = np.array([f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in table], dtype=object)
    return {
        "x": places[:, 0],
        "y": places[:, 1],
        "name": names,
        "value": why,
        "picture": pictures,
        "color": colors[coloring.codes],
    }


def _picture(samples: Samples, row: int) -> str:
    jpeg = samples.thumbnail(row)
    if not jpeg:
        return ""
    return join(image(jpeg, "", style="height:128px"), tag("br"))


def _groups(coloring: Coloring) -> list[tuple[str, str, np.ndarray]]:
    """Return label, marker and rows of what is drawn together, what is left over first."""
    entries = sorted(coloring.legend["entries"], key=lambda entry: entry["code"] != 0)
    groups = [
        (entry["label"], SHAPES[entry["shape"]], np.flatnonzero(coloring.codes == entry["code"]))
        for entry in entries
    ]
    if coloring.legend["kind"] == "numbers":
        groups.append(("", SHAPES[0], np.flatnonzero(coloring.codes != 0)))
    return groups


def _draw(
    plot: Any, columns: dict[str, np.ndarray], label: str, marker: str, rows: np.ndarray, n_samples: int
) -> Any:
    from bokeh.models import ColumnDataSource

    if not len(rows):
        return None
    source = ColumnDataSource({name: values[rows] for name, values in columns.items()})
    size = float(np.clip(190 / np.sqrt(n_samples), 2, 9))
    named = {"legend_label": label} if label else {}
    return plot.scatter(
        "x",
        "y",
        source=source,
        marker=marker,
        size=size,
        color="color",
        line_color="#00000066",
        alpha=0.85,
        **named,
    )


def _add_hover(plot: Any, renderers: list[Any]) -> None:
    from bokeh.models import HoverTool

    plot.add_tools(HoverTool(renderers=renderers, tooltips=TOOLTIP, point_policy="snap_to_data", limit=1))


def _add_legend(plot: Any, legend: dict[str, Any]) -> None:
    from bokeh.models import BasicTicker, ColorBar, LinearColorMapper

    if plot.legend:
        plot.add_layout(plot.legend[0], "right")
        plot.legend.title = legend["title"]
        plot.legend.click_policy = "hide"
    if legend["kind"] == "numbers":
        colors = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in color_table(legend)[1:]]
        bar = ColorBar(
            color_mapper=LinearColorMapper(palette=colors, low=0, high=1),
            ticker=BasicTicker(desired_num_ticks=1, num_minor_ticks=0),
            major_label_overrides={0: legend["low"], 1: legend["high"]},
            title=legend["title"],
        )
        plot.add_layout(bar, "right")


def framed(html: str, height: int = 500) -> Html:
    """Return an iframe that carries a whole page inside it, for outputs without a live panel."""
    return frame(html, "Scatter of samples", style=f"width:100%;height:{height}px;border:0")
