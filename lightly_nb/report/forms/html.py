"""The report as one page that opens without a network, and as a fragment for a notebook."""

from __future__ import annotations

from importlib import resources
from typing import Any

from lightly_nb.display.html import Html, image, join, style_sheet, table, tag
from lightly_nb.report.blocks import Block, Chapter, Picture, Pictures, Table, Text, Tiles
from lightly_nb.report.content import Content
from lightly_nb.report.views import chapters

SMALL_DPI_WIDTH = 900
"""Pixels to which plots are shrunk that a page shows as pictures."""


def page(report: Content) -> str:
    """Return the whole report as an HTML document with interactive plots; it loads nothing."""
    parts = chapters(report.facts, list(report.plots))
    figures = _Figures(report)
    body = join(_chapter(report, part, figures) for part in parts)
    links = (tag("a", part.name, href=f"#{part.key}") for part in parts if part.blocks)
    script, divisions = figures.embedded()
    for mark, division in divisions.items():
        body = Html(body.replace(mark, division))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", next((part.finding for part in parts if part.key == "job"), "Report")),
        style_sheet(css() + figures.css),
        figures.library(),
    )
    main = tag("main", tag("nav", links), body, class_="lightly-report")
    return f"<!doctype html>\n{tag('html', head, tag('body', main, script), lang='en')}\n"


def fragment(report: Content) -> Html:
    """Return the report for a notebook: no scripts, so that an untrusted notebook shows it too."""
    parts = chapters(report.facts, list(report.plots))
    body = (_chapter(report, part, None, open_=part.key == "job") for part in parts)
    return join(style_sheet(css()), tag("div", body, class_="lightly-report"))


def css() -> str:
    """Return the style of both."""
    return resources.files("lightly_nb.report.forms").joinpath("report.css").read_text(encoding="utf-8")


class _Figures:
    """The Bokeh figures of a page: collected while the page is put together, embedded at its end."""

    def __init__(self, report: Content):
        from lightly_nb.report.forms.bokeh import sprite_css

        self.report = report
        self.models: dict[str, Any] = {}
        self.css = sprite_css(report.facts, report.arrays)

    def mark(self, name: str, model: Any) -> Html:
        """Keep a figure and return the text that stands in its place until it is embedded."""
        self.models[name] = model
        return Html(f"<!--figure:{len(self.models) - 1}-->")

    def embedded(self) -> tuple[Html, dict[str, str]]:
        """Return the script of all figures, and per mark what stands in its place."""
        from bokeh.embed import components

        if not self.models:
            return Html(), {}
        script, divisions = components(tuple(self.models.values()))
        return Html(script), {
            f"<!--figure:{number}-->": division for number, division in enumerate(divisions)
        }

    def library(self) -> Html:
        """Return Bokeh's core as an inline script: neither widgets nor WebGL are needed."""
        from bokeh.resources import Resources

        return Html(Resources(mode="inline", components=["bokeh"]).render() if self.models else "")


def _chapter(report: Content, part: Chapter, figures: _Figures | None, open_: bool = True) -> Html:
    head = join(tag("p", part.name, class_="name"), tag("h2", part.finding))
    if not part.blocks:
        return tag("section", head, class_="left-out")
    blocks = [_block(report, block, figures) for block in part.blocks]
    if figures is None:
        return tag("details", tag("summary", head), blocks, open=open_)
    return tag("section", head, blocks, id=part.key)


def _block(report: Content, block: Block, figures: _Figures | None) -> Html:
    if isinstance(block, Text):
        return tag("p", block.text, class_="note" if block.note else None)
    if isinstance(block, Tiles):
        tiles = (tag("div", tag("b", value), tag("span", words)) for value, words in block.tiles)
        return tag("div", tiles, class_="tiles")
    if isinstance(block, Table):
        return join(_title(block), table(block.header, block.rows)) if block.rows else Html()
    if isinstance(block, Pictures):
        return _pictures(report, block)
    plots = (
        _image(report, name) if figures is None else _live(report, name, figures) for name in block.names
    )
    return tag("div", plots, class_="plots")


def _title(block: Table | Pictures) -> Html | None:
    return tag("h3", block.title) if block.title else None


def _pictures(report: Content, block: Pictures) -> Html:
    small = block.columns > 6
    cells = (_picture(report, item, small) for item in block.pictures)
    return join(_title(block), tag("div", cells, class_=f"pictures {'small' if small else 'large'}"))


def _picture(report: Content, item: Picture, small: bool) -> Html:
    frame = f"border:3px solid {item.color}" if item.color else None
    if item.array is None:
        shown = tag("div", "no picture", class_="missing", style=frame)
    else:
        shown = image(report.arrays[item.array].tobytes(), item.caption, style=frame)
    caption = tag("figcaption", join(*item.caption.split("\n"), by=tag("br")))
    return tag("figure", shown, None if small else caption, title=item.caption)


def _live(report: Content, name: str, figures: _Figures) -> Html:
    """Return the interactive form of a plot, or its picture where it has none."""
    from lightly_nb.report.forms import bokeh as bokeh_figures

    facts, arrays = report.facts, report.arrays
    if name.startswith("scatter_"):
        if name != "scatter_pca":
            return Html()  # all maps came with the first one
        return join(figures.mark(title, made) for title, made in bokeh_figures.maps(facts, arrays))
    if name == "metadata":
        entries = facts["dataset"]["metadata"]
        return join(figures.mark(entry["name"], bokeh_figures.numbers(entry)) for entry in entries)
    made = bokeh_figures.interactive(facts, arrays, name)
    return _image(report, name) if made is None else figures.mark(name, made)


def _image(report: Content, name: str) -> Html:
    return image(_smaller(report.png(name)), name.replace("_", " "), "png", class_="plot")


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
