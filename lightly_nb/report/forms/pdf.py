"""The report as a PDF: A4 pages with a text layer, drawn by fpdf2 from the same blocks as the page."""

from __future__ import annotations

import io
from typing import Any

from lightly_nb.display.palette import GRID, INPUT, MUTED, SELECTED, TEXT
from lightly_nb.report.blocks import Chapter, Pictures, Plots, Table, Text, Tiles
from lightly_nb.report.content import Content
from lightly_nb.report.forms.fonts import NO_GLYPH, base_fonts, characters, drawable, fallback_fonts
from lightly_nb.report.views import chapters

UNDRAWN = "stands for a character that no font of this machine can draw; report.json has every name in full."
MARGIN = 15.0
"""Millimetres; so is every other length here."""
GAP = 3.0
BOTTOM = 16.0
"""What stays free at the foot of a page."""
HEAD = 26.0
"""Height of a chapter's name and finding."""
ROOM_FOR_A_START = 34.0
"""What a chapter that does not start with a plot shows on its first page at least."""
ROOM_FOR_ROWS = 18.0


def pdf(report: Content) -> bytes:
    """Return the report as the bytes of a PDF."""
    parts = chapters(report.facts, list(report.plots))
    document = _document(report, parts)
    _cover(document, report, parts)
    for part in parts:
        _chapter(document, report, part)
    if NO_GLYPH in drawable(repr(parts)):
        _line(document, f"{NO_GLYPH} {UNDRAWN}", 7.5, MUTED, height=4.0)
    return bytes(document.output())


def _document(report: Content, parts: list[Chapter]) -> Any:
    from fpdf import FPDF

    class Document(FPDF):
        """A4 with a footer on every page."""

        def footer(self) -> None:
            self.set_y(-11)
            _font(self, 7, MUTED)
            created = str(report.facts.get("created", ""))
            self.cell(0, 5, f"lightly_nb report, made {created}", align="L")
            self.set_x(MARGIN)
            self.cell(0, 5, f"page {self.page_no()}", align="R")

    document = Document(format="A4")
    document.set_margin(MARGIN)
    document.set_auto_page_break(True, margin=BOTTOM)
    regular, bold = base_fonts()
    document.add_font("main", "", str(regular))
    document.add_font("main", "B", str(bold))
    names = []
    for number, font in enumerate(fallback_fonts(_foreign(parts))):
        try:
            document.add_font(f"fallback{number}", "", str(font))
        except Exception:  # a font that fpdf2 cannot embed: its characters are shown as boxes
            continue
        names.append(f"fallback{number}")
    document.set_fallback_fonts(names, exact_match=False)
    document.set_title(str(parts[0].finding) if parts else "Report")
    document.set_creator("lightly_nb")
    document.set_lang("en")
    return document


def _foreign(parts: list[Chapter]) -> frozenset[str]:
    """Return the characters of the report that DejaVu Sans lacks."""
    return frozenset(drawable(repr(parts)) if parts else "") - characters(base_fonts()[0])


def _cover(document: Any, report: Content, parts: list[Chapter]) -> None:
    document.add_page()
    document.set_fill_color(SELECTED)
    document.rect(0, 0, document.w, 4, style="F")
    document.set_y(14)
    _line(document, "Selection report", 9, MUTED)
    _line(document, parts[0].finding if parts else "Report", 20, TEXT, bold=True)
    document.ln(GAP)
    for part in parts[1:]:
        if part.blocks:
            _font(document, 9, INPUT, bold=True)
            document.cell(4, 5, "•")
            document.set_text_color(TEXT)
            _font(document, 9, TEXT)
            document.multi_cell(
                0, 5, drawable(f"{part.name}: {part.finding}"), align="L", new_x="LMARGIN", new_y="NEXT"
            )
    document.ln(GAP)


def _chapter(document: Any, report: Content, part: Chapter) -> None:
    first = part.key == "job"
    if not first and document.get_y() + _start_height(document, report, part) > document.h - BOTTOM:
        document.add_page()
    if not first:
        document.ln(GAP)
        document.set_draw_color(GRID)
        document.set_line_width(0.2)
        document.line(MARGIN, document.get_y(), document.w - MARGIN, document.get_y())
        document.ln(GAP)
        document.start_section(drawable(part.name))
        _line(document, part.name, 9, MUTED)
        _line(document, part.finding, 13, TEXT, bold=True)
        document.ln(1)
    for block in part.blocks:
        _BLOCKS[type(block)](document, report, block)


def _start_height(document: Any, report: Content, part: Chapter) -> float:
    """Return the height of a chapter's head together with what must not be parted from it."""
    if not part.blocks:
        return ROOM_FOR_ROWS
    block = part.blocks[0]
    if isinstance(block, Plots) and block.names:
        return HEAD + _plots_size(document, report, block)[1]
    return HEAD + ROOM_FOR_A_START


def _text(document: Any, report: Content, block: Text) -> None:
    _line(document, block.text, 7.5 if block.note else 9, MUTED if block.note else TEXT, height=4.0)
    document.ln(GAP)


def _tiles(document: Any, report: Content, block: Tiles) -> None:
    width = document.epw / len(block.tiles)
    top = document.get_y()
    for number, (value, word) in enumerate(block.tiles):
        document.set_xy(MARGIN + number * width, top)
        _font(document, 16, TEXT, bold=True)
        document.cell(width, 8, value)
        document.set_xy(MARGIN + number * width, top + 8)
        _font(document, 8, MUTED)
        document.cell(width, 4, word)
    document.set_y(top + 13 + GAP)


def _table(document: Any, report: Content, block: Table) -> None:
    from fpdf.enums import TableBordersLayout
    from fpdf.fonts import FontFace

    if not block.rows:
        return
    if document.get_y() > document.h - BOTTOM - ROOM_FOR_ROWS:
        document.add_page()
    if block.title:
        _line(document, block.title, 9, TEXT, bold=True)
    _font(document, 7.5, TEXT)
    document.set_draw_color(GRID)
    document.set_fill_color(255)
    document.set_line_width(0.2)
    align = tuple(
        "RIGHT" if _is_number_column(block, column) else "LEFT" for column in range(len(block.header))
    )
    with document.table(
        col_widths=tuple(block.widths) or None,
        text_align=align,
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="BOLD", color=MUTED),
        first_row_as_headings=True,
        line_height=4.0,
        padding=0.8,
        width=document.epw,
    ) as table:
        for cells in [list(block.header), *block.rows]:
            row = table.row()
            for cell in cells:
                row.cell(drawable(str(cell)))
    document.ln(GAP)


def _plots(document: Any, report: Content, block: Plots) -> None:
    if not block.names:
        return
    width, height = _plots_size(document, report, block)
    if document.get_y() + height > document.h - BOTTOM:
        document.add_page()
    top, column = document.get_y(), (document.epw + GAP) / len(block.names)
    for number, name in enumerate(block.names):
        left = MARGIN + number * column
        content = io.BytesIO(report.png(name))
        document.image(content, x=left, y=top, w=width, alt_text=name.replace("_", " "))
    document.set_y(top + height + GAP)


def _plots_size(document: Any, report: Content, block: Plots) -> tuple[float, float]:
    """Return the width of each plot, and the height of the highest; they fit on a page."""
    width = (document.epw - GAP * (len(block.names) - 1)) / len(block.names)
    height = max(width * _ratio(report.png(name)) for name in block.names)
    shrink = min(1.0, (document.h - BOTTOM - MARGIN - HEAD) / height)
    return width * shrink, height * shrink


def _pictures(document: Any, report: Content, block: Pictures) -> None:
    if not block.pictures:
        return
    small = block.columns > 6
    width = (document.epw - GAP / 2 * (block.columns - 1)) / block.columns
    height = width * (1.0 if small else 0.75)
    caption = 0.0 if small else 10.5
    if document.get_y() + 6 + height + caption > document.h - BOTTOM:
        document.add_page()
    if block.title:
        _line(document, block.title, 9, TEXT, bold=True)
        document.ln(0.5)
    for start in range(0, len(block.pictures), block.columns):
        if document.get_y() + height + caption > document.h - BOTTOM:
            document.add_page()
        top = document.get_y()
        for number, item in enumerate(block.pictures[start : start + block.columns]):
            left = MARGIN + number * (width + GAP / 2)
            _picture(document, report, item, left, top, width, height)
            if caption:
                _caption(document, item.caption, left, top + height + 0.8, width)
        document.set_y(top + height + caption + GAP / 2)
    document.ln(GAP)


def _picture(
    document: Any, report: Content, item: Any, left: float, top: float, width: float, height: float
) -> None:
    document.set_draw_color(item.color or GRID)
    document.set_line_width(0.8 if item.color else 0.2)
    document.rect(left, top, width, height)
    if item.array is None:
        _font(document, 7, MUTED)
        document.set_xy(left, top + height / 2 - 2)
        document.cell(width, 4, "no picture", align="C")
        return
    inset = 0.5 if item.color else 0.1
    document.image(
        io.BytesIO(report.arrays[item.array].tobytes()),
        x=left + inset,
        y=top + inset,
        w=width - 2 * inset,
        h=height - 2 * inset,
        keep_aspect_ratio=True,
        alt_text=drawable(item.caption),
    )


def _caption(document: Any, text: str, left: float, top: float, width: float) -> None:
    """Write at most three lines of a caption."""
    _font(document, 6.5, MUTED)
    parts = [drawable(part) for part in text.split("\n")]
    lines = [
        line
        for part in parts
        for line in document.multi_cell(width, 3, part, align="L", dry_run=True, output="LINES")
    ]
    for number, line in enumerate(lines[:3]):
        is_cut = number == 2 and len(lines) > 3
        document.set_xy(left, top + 3 * number)
        document.cell(width, 3, f"{line[:-1]}…" if is_cut else line)


def _line(
    document: Any, text: str, size: float, color: str, bold: bool = False, height: float | None = None
) -> None:
    _font(document, size, color, bold)
    document.multi_cell(0, height or size * 0.47, drawable(text), align="L", new_x="LMARGIN", new_y="NEXT")


def _font(document: Any, size: float, color: str, bold: bool = False) -> None:
    document.set_font("main", "B" if bold else "", size)
    document.set_text_color(color)


def _is_number_column(block: Table, column: int) -> bool:
    cells = [str(row[column]) for row in block.rows]
    return all(cell[:1].isdigit() or cell[:1] in "-–−" for cell in cells if cell) and any(cells)


def _ratio(png: bytes) -> float:
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    return height / width


_BLOCKS: dict[type, Any] = {Text: _text, Tiles: _tiles, Table: _table, Plots: _plots, Pictures: _pictures}
