"""What a report is made of on any medium: the PDF and the HTML page draw the same list of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Text:
    """A paragraph; a `note` is smaller and muted."""

    text: str
    note: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text under a header; numbers stand to the right. `title` says what the rows are."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    widths: Sequence[float] = ()
    """Relative widths of the columns; none: all the same."""


@dataclass(frozen=True)
class Tiles:
    """Large numbers side by side, each with a word below."""

    tiles: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Plots:
    """Plots side by side, by name."""

    names: Sequence[str]


@dataclass(frozen=True)
class Picture:
    """A picture by the name of its array (None: there is none) with lines below."""

    array: str | None
    caption: str = ""
    color: str = ""
    """Colour of the frame; none: no frame."""


@dataclass(frozen=True)
class Pictures:
    """Pictures in rows of `columns`."""

    pictures: Sequence[Picture]
    columns: int
    title: str = ""


Block = Text | Tiles | Table | Plots | Pictures


@dataclass(frozen=True)
class Chapter:
    """One section as shown: a short name, the finding, and blocks."""

    key: str
    name: str
    finding: str
    blocks: Sequence[Block] = field(default_factory=tuple)


def array_name(reference: Any) -> str | None:
    """Return the name of the array that a fact refers to, None for no array."""
    return None if not isinstance(reference, dict) else reference.get("array")
