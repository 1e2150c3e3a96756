"""Where models with a name come from: one file a source, one line in `SOURCES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lightly_nb.models.model import EmbeddingModel
from lightly_nb.models.sources.licences import Consent
from lightly_nb.models.sources.timm_library import check_hub_name, check_timm_name, from_hub, from_timm
from lightly_nb.models.sources.torchvision_library import check_torchvision_name, from_torchvision

Source = Callable[[str, int | None, Consent], EmbeddingModel]
"""Takes what stands after `SOURCE/`, the input size asked for (None: the model's own), and a function to be
called with the name and licence of the weights before they are fetched; it raises where consent lacks."""

SOURCES: Mapping[str, Source] = {
    "timm": from_timm,
    "torchvision": from_torchvision,
    "hf": from_hub,
}

NAMES: Mapping[str, Callable[[str, Consent], object]] = {
    "timm": check_timm_name,
    "torchvision": check_torchvision_name,
    "hf": check_hub_name,
}
"""What a source can say of a name and its licence without loading anything; it raises as the source does."""

__all__ = ["NAMES", "SOURCES", "Consent", "Source"]
