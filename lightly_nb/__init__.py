"""Decide which images are worth labelling: train, embed and select, inline in Jupyter.

Each step is a function on `Samples` that a notebook cell can call alone; `run` is all of them in order.
Names load on first use, so that `import lightly_nb` is quick and does not import torch.

>>> import lightly_nb as lnb
>>> lnb.select.__module__.split(".")[:2]
['lightly_nb', 'selection']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightly_nb.checks import check
    from lightly_nb.demo import demo_images
    from lightly_nb.embedding import embed
    from lightly_nb.exports import export
    from lightly_nb.pipeline import Run, open_run, rerun, run, start
    from lightly_nb.reading import list_samples
    from lightly_nb.samples import Samples
    from lightly_nb.samples.grid import show_images
    from lightly_nb.selection import Selection, select
    from lightly_nb.training import train
    from lightly_nb.widgets import (
        browse_datasets,
        edit_lightly_config,
        edit_selection_config,
        edit_worker_config,
        how_many,
        monitor,
        scatter,
        show_results,
    )
    from lightly_nb.workspace import Worker

__version__ = "0.1.0"

_HOMES = {
    "check": "lightly_nb.checks",
    "demo_images": "lightly_nb.demo",
    "embed": "lightly_nb.embedding",
    "export": "lightly_nb.exports",
    "show_images": "lightly_nb.samples.grid",
    "Run": "lightly_nb.pipeline",
    "open_run": "lightly_nb.pipeline",
    "rerun": "lightly_nb.pipeline",
    "run": "lightly_nb.pipeline",
    "start": "lightly_nb.pipeline",
    "list_samples": "lightly_nb.reading",
    "Samples": "lightly_nb.samples",
    "Selection": "lightly_nb.selection",
    "select": "lightly_nb.selection",
    "browse_datasets": "lightly_nb.widgets",
    "edit_lightly_config": "lightly_nb.widgets",
    "edit_selection_config": "lightly_nb.widgets",
    "edit_worker_config": "lightly_nb.widgets",
    "how_many": "lightly_nb.widgets",
    "monitor": "lightly_nb.widgets",
    "scatter": "lightly_nb.widgets",
    "show_results": "lightly_nb.widgets",
    "train": "lightly_nb.training",
    "Worker": "lightly_nb.workspace",
}

__all__ = [
    "Run",
    "Samples",
    "Selection",
    "Worker",
    "browse_datasets",
    "check",
    "demo_images",
    "edit_lightly_config",
    "edit_selection_config",
    "edit_worker_config",
    "embed",
    "export",
    "how_many",
    "list_samples",
    "monitor",
    "open_run",
    "rerun",
    "run",
    "scatter",
    "select",
    "show_images",
    "show_results",
    "start",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lightly_nb' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
