"""Samples: the types that every step takes or returns, and how they show themselves.

`samples` has `Samples` (a table and the arrays beside it), `selected` what any room needs to know of a
selection, `thumbnails` the pictures, `grid` and `html` what a notebook shows.
"""

from lightly_nb.samples.samples import QUARANTINE_COLUMNS, Samples, Source, Thumbnails, quarantine_table

__all__ = ["QUARANTINE_COLUMNS", "Samples", "Source", "Thumbnails", "quarantine_table"]
