"""The figures of a report, drawn by matplotlib from the report's facts and arrays and nothing else."""

from lightly_nb.report.figures.plots import Plot, plots_of, png

__all__ = ["Plot", "plots_of", "png"]
