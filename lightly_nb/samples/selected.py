"""What the report needs to know of a selection. `lightly_nb.selection.Selection` is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np


class Selection(Protocol):
    """The chosen samples in the order chosen, and per strategy what was asked and what was got."""

    @property
    def filenames(self) -> Sequence[str]:
        """Newly selected samples, first pick first."""

    @property
    def rows(self) -> np.ndarray:
        """int64: their rows in the samples."""

    @property
    def preselected(self) -> Sequence[str]:
        """Samples that counted as selected before."""

    @property
    def strategies(self) -> Sequence[dict[str, Any]]:
        """Per strategy `label`, `input`, `strategy`, `strength`, `asked`, `got`, `note`."""

    @property
    def stopped(self) -> str:
        """Why there are fewer than asked for; empty if there are not."""

    @property
    def n_asked(self) -> int | None:
        """Number asked for; None for a stopping condition alone."""
