"""Interactive figures of the HTML page: maps with pictures under the pointer, and histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from lightly_nb.display.html import Html, tag
from lightly_nb.display.palette import GRID, INPUT, MUTED, PRESELECTED, REMOVED, SELECTED
from lightly_nb.display.text import basis, number

Arrays = dict[str, np.ndarray]
WORDS = {"removed": "not selected", "preselected": "selected before", "selected": "selected"}
COLORS = {"not selected": REMOVED, "selected before": PRESELECTED, "selected": SELECTED}
SPRITE = """
<div style="width:{tile}px;height:{tile}px;background-image:var(--sprites);background-repeat:no-repeat;
background-position:-@x_px{{0}}px -@y_px{{0}}px;zoom:2"></div>"""
"""A tile of the page's one picture of pictures; custom properties reach into Bokeh's shadow trees."""


def interactive(facts: dict[str, Any], arrays: Arrays, name: str) -> Any:
    """Return the Bokeh figure that stands for the plot `name`, None where the plot itself is shown."""
    if name.startswith("scatter_"):
        return None  # the maps come together, see `maps`
    for prefix, part in (("distance_distr_", "pairwise"), ("nearest_neighbor_distr_", "nearest_neighbor")):
        if name.startswith(prefix):
            return _distances(facts["distances"], part, name.removeprefix(prefix))
    if name == "coverage":
        found = facts["coverage"]
        title = f"Distance to the nearest selected image, {basis(found, 'images')}"
        return _counts(found["histogram"], title, found["unit"], "images", INPUT, 860)
    return None


def maps(facts: dict[str, Any], arrays: Arrays) -> list[tuple[str, Any]]:
    """Return the maps as (title, figure); a selection with the lasso shows on all of them."""
    from bokeh.models import CDSView, ColumnDataSource, GroupFilter

    found = facts["maps"]
    source = ColumnDataSource(_columns(found, arrays))
    present = set(source.data["state"])
    views = {
        word: CDSView(filter=GroupFilter(column_name="state", group=word))
        for word in COLORS
        if word in present
    }
    names = {"PCA": "pca"} | {f"UMAP, {k} neighbours": k for k in found["umap"]["coordinates"]}
    return [(title, _map(found, source, views, title, key)) for title, key in names.items()]


def sprite_css(facts: dict[str, Any], arrays: Arrays) -> str:
    """Return the style sheet that holds the picture of pictures; empty without one."""
    import base64

    found = (facts.get("maps") or {}).get("sprites")
    if not found:
        return ""
    data = base64.b64encode(arrays[found["picture"]["array"]].tobytes()).decode("ascii")
    return f":root{{--sprites:url(data:image/webp;base64,{data})}}"


def numbers(entry: dict[str, Any]) -> Any:
    """Return the histogram of one image metadatum, as shares before and after."""
    from bokeh.models import HoverTool, NumeralTickFormatter

    log = entry["before"]["histogram"]["log"]
    figure = _figure(entry["name"], entry["unit"], "share", 285, 210, "log" if log else "linear")
    if log:
        figure.xaxis.ticker.desired_num_ticks = 4
        figure.xaxis.ticker.num_minor_ticks = 0
        figure.xaxis.formatter = NumeralTickFormatter(format="0.[0]a")
    for which, color in (("before", INPUT), ("after", SELECTED)):
        histogram = entry[which]["histogram"]
        counts = np.asarray(histogram["counts"], dtype=float)
        data = {
            "top": counts / max(1.0, counts.sum()),
            "left": histogram["edges"][:-1],
            "right": histogram["edges"][1:],
            "count": histogram["counts"],
        }
        bars = figure.quad(
            source=data, top="top", bottom=0, left="left", right="right", fill_color=color, fill_alpha=0.3,
            line_color=color,
        )  # fmt: skip
        who = "all" if which == "before" else "selected"
        tip = f"{who}: @count{{0,0}} from @left{{0.[000]}} to @right{{0.[000]}}"
        figure.add_tools(HoverTool(renderers=[bars], tooltips=tip))
    return figure


def _columns(found: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    shown = arrays[found["shown"]["array"]]
    state = arrays[found["state"]["array"]][shown]
    columns: dict[str, Any] = {
        "filename": list(found["filenames"]),
        "state": [WORDS[found["states"][code]] for code in state],
    }
    for key, reference in {"pca": found["pca"]["coordinates"], **found["umap"]["coordinates"]}.items():
        points = arrays[reference["array"]][shown]
        columns[f"x_{key}"], columns[f"y_{key}"] = points[:, 0], points[:, 1]
    sprites = found["sprites"]
    if sprites:
        number_ = np.arange(len(shown))
        columns["x_px"] = (number_ % sprites["columns"] * sprites["tile"]).astype(np.uint16)
        columns["y_px"] = (number_ // sprites["columns"] * sprites["tile"]).astype(np.uint16)
    return columns


def _map(found: dict[str, Any], source: Any, views: dict[str, Any], title: str, key: str) -> Any:
    from bokeh.models import HoverTool

    names = [f"{'principal component' if key == 'pca' else 'UMAP'} {n}" for n in (1, 2)]
    figure = _figure(title, names[0], names[1], 425, 425, tools="pan,wheel_zoom,lasso_select,reset,save")
    size = 9 if found["n_shown"] < 200 else 6 if found["n_shown"] < 3000 else 4
    drawn = []
    for state, view in views.items():
        chosen = state != "not selected"
        drawn.append(
            figure.scatter(
                f"x_{key}",
                f"y_{key}",
                source=source,
                view=view,
                size=size + 2 * chosen,
                color=COLORS[state],
                alpha=0.9 if chosen else 0.5,
                line_color=None,
                legend_label=state,
                nonselection_alpha=0.08,
            )
        )
    picture = SPRITE.format(tile=found["sprites"]["tile"]) if found["sprites"] else ""
    style = "max-width:240px;overflow-wrap:anywhere"
    tip = tag("div", Html(picture), "@filename", tag("br"), tag("b", "@state"), style=style)
    figure.add_tools(HoverTool(renderers=drawn, tooltips=tip, limit=1))
    figure.legend.click_policy = "hide"
    figure.legend.label_text_font_size = "11px"
    figure.legend.orientation = "horizontal"
    figure.legend.border_line_color = None
    figure.add_layout(figure.legend[0], "below")
    return figure


def _distances(found: dict[str, Any], part: str, which: str) -> Any:
    facts = found[part][which]
    color = INPUT if which == "before" else SELECTED
    what = "pairs" if part == "pairwise" else "images"
    title = f"{which.capitalize()}: mean {number(facts['mean'])}, {basis(facts)}"
    if part == "pairwise":
        title = f"{which.capitalize()}: skewness {number(facts['skewness'], 2)}, {basis(facts)}"
    figure = _counts(facts["histogram"], title, found["unit"], what, color, 425)
    figure.x_range.start, figure.x_range.end = 0, found[part]["before"]["histogram"]["edges"][-1]
    return figure


def _counts(histogram: dict[str, Any], title: str, unit: str, what: str, color: str, width: int) -> Any:
    from bokeh.models import HoverTool

    counts = np.asarray(histogram["counts"], dtype=float)
    data = {"count": counts, "left": histogram["edges"][:-1], "right": histogram["edges"][1:]}
    data["top"] = np.where(counts > 0, counts, 0.5)
    figure = _figure(title, unit, f"{what} (log scale)", width, 260, y_axis_type="log")
    figure.y_range.start, figure.y_range.end = 0.7, float(max(1.0, counts.max()) * 2)
    figure.x_range.start, figure.x_range.end = histogram["edges"][0], histogram["edges"][-1]
    bars = figure.quad(
        source=data, top="top", bottom=0.5, left="left", right="right", fill_color=color, line_color=None
    )
    tip = f"@count{{0,0}} {what} from @left{{0.000}} to @right{{0.000}}"
    figure.add_tools(HoverTool(renderers=[bars], tooltips=tip))
    return figure


def _figure(
    title: str, xlabel: str, ylabel: str, width: int, height: int, x_axis_type: str = "linear",
    y_axis_type: str = "linear", tools: str = "pan,wheel_zoom,reset,save",
) -> Any:  # fmt: skip
    from bokeh.models import Range1d
    from bokeh.plotting import figure

    ranges: dict[str, Any] = {"y_range": Range1d(0.7, 1)} if y_axis_type == "log" else {}
    if y_axis_type == "log":
        ranges["x_range"] = Range1d()
    made = figure(
        width=width, height=height, title=title, x_axis_label=xlabel, y_axis_label=ylabel, tools=tools,
        x_axis_type=x_axis_type, y_axis_type=y_axis_type, output_backend="canvas", **ranges,
    )  # fmt: skip
    made.toolbar.logo = None
    made.toolbar.autohide = True
    made.grid.grid_line_color = GRID
    made.axis.axis_label_text_font_style = "normal"
    made.axis.axis_label_text_font_size = made.axis.major_label_text_font_size = "11px"
    made.axis.axis_label_text_color = MUTED
    made.title.text_font_size = "12px"
    made.outline_line_color = None
    return made
