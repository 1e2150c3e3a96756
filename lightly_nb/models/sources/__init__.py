"""Where models with a name come from: one file a source, one line in `SOURCES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lightly_nb.models.model import EmbeddingModel
from lightly_nb.models.sources.licences import Consent
from lightly_nb.models.sources.timm_library import from_hub, from_timm
from lightly_nb.models.sources.torchvision_library import from_torchvision

Source = Callable[[str, int | None, Consent], EmbeddingModel]
"""Takes what stands after `SOURCE/`, the input size asked for (None: the model's own), and a function to be
called with the name and licence of the weights before they are fetched; it raises where consent lacks."""

SOURCES: Mapping[str, Source] = {
    "timm": from_timm,
    "torchvision": from_torchvision,
    "hf": from_hub,
}

__all__ = ["SOURCES", "Consent", "Source"]
