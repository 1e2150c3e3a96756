"""The sections of a report: one function `(samples, selection, job) -> dict` each, in the order shown.

`job` is a mapping with what is known about the run (`lightly_nb.report.run_facts` reads it from a run
folder), its `options`, and `tick`, which a long loop calls so that progress shows and a cancel arrives.
A section may return numpy arrays: they are kept beside the JSON, which then names them. A section that has
nothing to say returns `{"skipped": why}`. For a section of your own add a line:
`sections={**SECTIONS, "mine": my_function}`.
"""

from __future__ import annotations

from collections.abc import Mapping

from lightly_nb.report.sections.baseline import baseline_section
from lightly_nb.report.sections.common import Section
from lightly_nb.report.sections.coverage import coverage_section
from lightly_nb.report.sections.dataset import dataset_section
from lightly_nb.report.sections.distances import distances_section
from lightly_nb.report.sections.embedding_check import embedding_check_section
from lightly_nb.report.sections.maps import maps_section
from lightly_nb.report.sections.overview import checks_section, job_section, strategies_section
from lightly_nb.report.sections.savings import savings_section
from lightly_nb.report.sections.training import training_section

SECTIONS: Mapping[str, Section] = {
    "embedding_check": embedding_check_section,
    "job": job_section,
    "baseline": baseline_section,
    "strategies": strategies_section,
    "coverage": coverage_section,
    "distances": distances_section,
    "maps": maps_section,
    "dataset": dataset_section,
    "data_checks": checks_section,
    "savings": savings_section,
    "training": training_section,
}

__all__ = ["SECTIONS", "Section"]
