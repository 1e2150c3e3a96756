"""Samples: the types that every step takes or returns, and how they show themselves.

`samples` has `Samples` (a table and the arrays beside it), `selected` what any room needs to know of a
selection, `categories` how samples fall into groups, `thumbnails` the pictures, `grid` and `html` what a
notebook shows.
"""

from lightly_nb.samples.samples import (
    FOR_MACHINES,
    NOT_READ,
    NOTE,
    NOTE_SEPARATOR,
    QUARANTINE_COLUMNS,
    Samples,
    Source,
    Thumbnails,
    quarantine_table,
)

__all__ = [
    "FOR_MACHINES",
    "NOTE",
    "NOTE_SEPARATOR",
    "NOT_READ",
    "QUARANTINE_COLUMNS",
    "Samples",
    "Source",
    "Thumbnails",
    "quarantine_table",
]
