"""The report as one page that opens without a network, and as a fragment for a notebook."""

from __future__ import annotations

import base64
from html import escape
from importlib import resources
from typing import Any

from lightly_nb.report.blocks import Block, Chapter, Picture, Pictures, Plots, Table, Text, Tiles
from lightly_nb.report.content import Content
from lightly_nb.report.views import chapters

SMALL_DPI_WIDTH = 900
"""Pixels to which plots are shrunk that a page shows as pictures."""


def page(report: Content) -> str:
    """Return the whole report as an HTML document with interactive plots; nothing is loaded from
    elsewhere.
    """
    parts = chapters(report.facts, list(report.plots))
    figures = _Figures(report)
    body = "".join(_chapter(report, part, figures) for part in parts)
    title = escape(parts[0].finding if parts else "Report")
    links = "".join(f'<a href="#{escape(part.key)}">{escape(part.name)}</a>' for part in parts if part.blocks)
    script, divisions = figures.embedded()
    for mark, division in divisions.items():
        body = body.replace(mark, division)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style_sheet()}{figures.css}</style>{figures.library()}</head>"
        f"<body><main class='lightly-report'><nav>{links}</nav>{body}</main>{script}</body></html>\n"
    )


def fragment(report: Content) -> str:
    """Return the report for a notebook: no scripts, so that it also shows in a notebook that is not
    trusted.
    """
    parts = chapters(report.facts, list(report.plots))
    body = "".join(_chapter(report, part, None, open_=part.key == "job") for part in parts)
    return f"<style>{style_sheet()}</style><div class='lightly-report'>{body}</div>"


def style_sheet() -> str:
    """Return the style of both."""
    return resources.files("lightly_nb.report.forms").joinpath("report.css").read_text(encoding="utf-8")


class _Figures:
    """The Bokeh figures of a page: collected while the page is put together, embedded at its end."""

    def __init__(self, report: Content):
        from lightly_nb.report.forms.bokeh import sprite_css

        self.report = report
        self.models: dict[str, Any] = {}
        self.css = sprite_css(report.facts, report.arrays)

    def mark(self, name: str, model: Any) -> str:
        """Keep a figure and return the text that stands in its place until it is embedded."""
        self.models[name] = model
        return f"<!--figure:{len(self.models) - 1}-->"

    def embedded(self) -> tuple[str, dict[str, str]]:
        """Return the script of all figures, and per mark what stands in its place."""
        from bokeh.embed import components

        if not self.models:
            return "", {}
        script, divisions = components(tuple(self.models.values()))
        return script, {f"<!--figure:{number}-->": division for number, division in enumerate(divisions)}

    def library(self) -> str:
        """Return Bokeh's core as an inline script: neither widgets nor WebGL are needed."""
        from bokeh.resources import Resources

        return str(Resources(mode="inline", components=["bokeh"]).render()) if self.models else ""


def _chapter(report: Content, part: Chapter, figures: _Figures | None, open_: bool = True) -> str:
    head = f"<p class='name'>{escape(part.name)}</p><h2>{escape(part.finding)}</h2>"
    if not part.blocks:
        return f"<section class='left-out'>{head}</section>"
    blocks = "".join(_block(report, part, block, figures) for block in part.blocks)
    if figures is None:
        shown = " open" if open_ else ""
        return f"<details{shown}><summary>{head}</summary>{blocks}</details>"
    return f"<section id='{escape(part.key)}'>{head}{blocks}</section>"


def _block(report: Content, part: Chapter, block: Block, figures: _Figures | None) -> str:
    if isinstance(block, Text):
        return f"<p{' class=note' if block.note else ''}>{escape(block.text)}</p>"
    if isinstance(block, Tiles):
        tiles = "".join(f"<div><b>{escape(v)}</b><span>{escape(w)}</span></div>" for v, w in block.tiles)
        return f"<div class='tiles'>{tiles}</div>"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Pictures):
        return _pictures(report, block)
    return _plots(report, block, figures)


def _table(block: Table) -> str:
    if not block.rows:
        return ""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in block.header)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in row) + "</tr>" for row in block.rows
    )
    title = f"<h3>{escape(block.title)}</h3>" if block.title else ""
    return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _pictures(report: Content, block: Pictures) -> str:
    small = block.columns > 6
    cells = "".join(_picture(report, item, small) for item in block.pictures)
    title = f"<h3>{escape(block.title)}</h3>" if block.title else ""
    return f"{title}<div class='pictures {'small' if small else 'large'}'>{cells}</div>"


def _picture(report: Content, item: Picture, small: bool) -> str:
    caption = escape(item.caption).replace("\n", "<br>")
    frame = f" style='border:3px solid {item.color}'" if item.color else ""
    if item.array is None:
        image = f"<div class='missing'{frame}>no picture</div>"
    else:
        data = base64.b64encode(report.arrays[item.array].tobytes()).decode("ascii")
        image = f"<img alt='{escape(item.caption)}' src='data:image/jpeg;base64,{data}'{frame}>"
    shown = "" if small else f"<figcaption>{caption}</figcaption>"
    return f"<figure title='{escape(item.caption)}'>{image}{shown}</figure>"


def _plots(report: Content, block: Plots, figures: _Figures | None) -> str:
    if figures is None:
        return f"<div class='plots'>{''.join(_image(report, name) for name in block.names)}</div>"
    return f"<div class='plots'>{''.join(_live(report, name, figures) for name in block.names)}</div>"


def _live(report: Content, name: str, figures: _Figures) -> str:
    """Return the interactive form of a plot, or its picture where it has none."""
    from lightly_nb.report.forms import bokeh as bokeh_figures

    facts, arrays = report.facts, report.arrays
    if name.startswith("scatter_"):
        if name != "scatter_pca":
            return ""  # all maps came with the first one
        return "".join(figures.mark(title, made) for title, made in bokeh_figures.maps(facts, arrays))
    if name == "metadata":
        entries = facts["dataset"]["metadata"]
        return "".join(figures.mark(entry["name"], bokeh_figures.numbers(entry)) for entry in entries)
    made = bokeh_figures.interactive(facts, arrays, name)
    return _image(report, name) if made is None else figures.mark(name, made)


def _image(report: Content, name: str) -> str:
    data = base64.b64encode(_smaller(report.png(name))).decode("ascii")
    alt = escape(name.replace("_", " "))
    return f"<img class='plot' alt='{alt}' src='data:image/png;base64,{data}'>"


def _smaller(png: bytes) -> bytes:
    """Return a plot with fewer pixels and 64 colours: a tenth of the bytes, and as readable on a screen."""
    import io

    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        small = image.convert("RGB")
        small.thumbnail((SMALL_DPI_WIDTH, 10_000), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.quantize(64, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
