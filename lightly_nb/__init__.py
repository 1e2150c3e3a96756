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

if TYPE_CHECKING:  # what type checkers see of the table below
    from lightly_nb.checks import check as check
    from lightly_nb.demo import demo_images as demo_images
    from lightly_nb.embedding import check_embeddings as check_embeddings
    from lightly_nb.embedding import embed as embed
    from lightly_nb.exports import export as export
    from lightly_nb.models import EmbeddingModel as EmbeddingModel
    from lightly_nb.pipeline import Run as Run
    from lightly_nb.pipeline import open_run as open_run
    from lightly_nb.pipeline import rerun as rerun
    from lightly_nb.pipeline import run as run
    from lightly_nb.pipeline import start as start
    from lightly_nb.pretagging import pretag as pretag
    from lightly_nb.reading import list_samples as list_samples
    from lightly_nb.reading.annotations import add_metadata as add_metadata
    from lightly_nb.reading.annotations import add_predictions as add_predictions
    from lightly_nb.reading.annotations import save_predictions as save_predictions
    from lightly_nb.reading.crops import crops as crops
    from lightly_nb.samples import Samples as Samples
    from lightly_nb.samples.grid import show_images as show_images
    from lightly_nb.scoring import score as score
    from lightly_nb.selection import Selection as Selection
    from lightly_nb.selection import select as select
    from lightly_nb.training import train as train
    from lightly_nb.widgets import browse_datasets as browse_datasets
    from lightly_nb.widgets import edit_lightly_config as edit_lightly_config
    from lightly_nb.widgets import edit_selection_config as edit_selection_config
    from lightly_nb.widgets import edit_worker_config as edit_worker_config
    from lightly_nb.widgets import how_many as how_many
    from lightly_nb.widgets import monitor as monitor
    from lightly_nb.widgets import scatter as scatter
    from lightly_nb.widgets import show_results as show_results
    from lightly_nb.workspace import Worker as Worker

__version__ = "0.1.0"

_OFFERED = {
    "checks": ["check"],
    "demo": ["demo_images"],
    "embedding": ["check_embeddings", "embed"],
    "exports": ["export"],
    "models": ["EmbeddingModel"],
    "pipeline": ["Run", "open_run", "rerun", "run", "start"],
    "pretagging": ["pretag"],
    "reading": ["list_samples"],
    "reading.annotations": ["add_metadata", "add_predictions", "save_predictions"],
    "reading.crops": ["crops"],
    "samples": ["Samples"],
    "samples.grid": ["show_images"],
    "scoring": ["score"],
    "selection": ["Selection", "select"],
    "training": ["train"],
    "widgets": [
        *["browse_datasets", "edit_lightly_config", "edit_selection_config", "edit_worker_config"],
        *["how_many", "monitor", "scatter", "show_results"],
    ],
    "workspace": ["Worker"],
}
"""The public names by room."""

_HOMES = {name: f"{__name__}.{room}" for room, names in _OFFERED.items() for name in names}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lightly_nb' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
