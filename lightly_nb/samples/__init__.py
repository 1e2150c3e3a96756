"""Samples: the types that every step takes or returns, and how they show themselves.

`samples` has `Samples` (a table and the arrays beside it), `selected` what any room needs to know of a
selection, `predictions` what models have said of samples, `categories` how samples fall into groups,
`thumbnails` the pictures, `grid` and `html` what a notebook shows.
"""

from lightly_nb.samples.predictions import TASK_TYPES, Predictions, Task
from lightly_nb.samples.samples import (
    FOR_MACHINES,
    NOT_READ,
    NOTE,
    NOTE_SEPARATOR,
    QUARANTINE_COLUMNS,
    Samples,
    Source,
    Thumbnails,
    as_samples,
    quarantine_table,
)

__all__ = [
    "FOR_MACHINES",
    "NOTE",
    "NOTE_SEPARATOR",
    "NOT_READ",
    "QUARANTINE_COLUMNS",
    "TASK_TYPES",
    "Predictions",
    "Samples",
    "Source",
    "Task",
    "Thumbnails",
    "as_samples",
    "quarantine_table",
]
