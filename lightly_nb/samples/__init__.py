"""Samples: the types that every step takes or returns, and how they show themselves.

`samples` has `Samples` (a table and the arrays beside it), `selected` what any room needs to know of a
selection, `predictions` what models have said of samples, `categories` how samples fall into groups,
`thumbnails` the pictures, `grid` and `html` what a notebook shows.
"""

from lightly_nb.samples.predictions import TASK_TYPES, Predictions, Task
from lightly_nb.samples.samples import (
    FOR_MACHINES,
    QUARANTINE_COLUMNS,
    Samples,
    Source,
    Thumbnails,
    quarantine_table,
)

__all__ = [
    "FOR_MACHINES",
    "QUARANTINE_COLUMNS",
    "TASK_TYPES",
    "Predictions",
    "Samples",
    "Source",
    "Task",
    "Thumbnails",
    "quarantine_table",
]
