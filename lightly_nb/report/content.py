"""What a report shows: facts, arrays and the plots drawn of them. Its forms are made from this alone."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from lightly_nb.report.facts import Arrays
from lightly_nb.report.figures import Plot, plots_of, png


class Content:
    """The facts of a report, the arrays that they name, and the plots of both."""

    def __init__(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]):
        self.facts, self.arrays = dict(facts), dict(arrays)
        self._drawn: dict[str, bytes] = {}

    def __getitem__(self, section: str) -> Any:
        return self.facts[section]

    @property
    def findings(self) -> dict[str, str]:
        """What every section found, in a sentence."""
        sections = {name: value for name, value in self.facts.items() if isinstance(value, dict)}
        return {name: value["finding"] for name, value in sections.items() if value.get("finding")}

    @cached_property
    def plots(self) -> dict[str, Plot]:
        """The plots by name; `lightly_nb.report.figures.png(plot)` draws one."""
        return {plot.name: plot for plot in plots_of(self.facts, self.arrays)}

    def png(self, name: str) -> bytes:
        """Return the plot `name` as a PNG; it is drawn once."""
        if name not in self._drawn:
            self._drawn[name] = png(self.plots[name])
        return self._drawn[name]

    def __repr__(self) -> str:
        return "Report\n" + "\n".join(f"  {name}: {finding}" for name, finding in self.findings.items())


def packed(arrays: Arrays) -> bytes:
    """Return arrays as the bytes of an `.npz` file, uncompressed: pictures are compressed already."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
