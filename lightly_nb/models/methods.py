"""The table of self-supervised methods. A new one is a file beside this and one line below.

Such a file gives a function `create(settings, criterion, collate) -> Method`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lightly_nb.models import simclr, vicreg
from lightly_nb.models.backbone import ModelSettings
from lightly_nb.models.joint_embedding import Method

CreateMethod = Callable[[ModelSettings, Mapping[str, Any], Mapping[str, Any]], Method]
"""Takes the model settings and the `criterion` and `collate` parts of a lightly_config."""

METHODS: Mapping[str, CreateMethod] = {
    "simclr": simclr.create,
    "vicreg": vicreg.create,
}

__all__ = ["METHODS", "CreateMethod", "Method"]
