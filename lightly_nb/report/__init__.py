"""The report: what a selection is worth, as numbers, plots, a PDF and a page.

`build_report(samples, selection)` computes it, `Report.save(folder)` writes its files, `load_report(folder)`
reads it back. See README.md in this folder for how the parts fit.
"""

from lightly_nb.report.facts import report_facts
from lightly_nb.report.report import Report, build_report, load_report, write_report
from lightly_nb.report.run_facts import run_facts
from lightly_nb.report.sections import SECTIONS, Section
from lightly_nb.report.sections.savings import PRICES

__all__ = [
    "PRICES",
    "SECTIONS",
    "Report",
    "Section",
    "build_report",
    "load_report",
    "report_facts",
    "run_facts",
    "write_report",
]
