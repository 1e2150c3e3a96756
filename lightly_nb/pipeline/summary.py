"""What a finished run tells a person, in a few lines."""

from __future__ import annotations

from lightly_nb.pipeline.handle import Run


def next_to_open(run: Run) -> str:
    """Return what a person should look at first, as a path inside the run folder."""
    if run.folder.report_html.is_file():
        return "report.html (or report.pdf): what was selected, and how much better than at random"
    return f"{run.folder.sampled_filenames.relative_to(run.path)}: the picks, in order"


def summary_text(run: Run) -> str:
    """Return a few lines: what was selected and left out, and what to open next."""
    quarantine = run.quarantine
    n_duplicates = int(quarantine["duplicate_of"].notna().sum())
    n_corrupt = len(quarantine) - n_duplicates
    return "\n".join(
        [
            f"{run.state}: {run.message}",
            f"left out: {n_corrupt} corrupt files and {n_duplicates} exact duplicates (data/quarantine.csv)",
            f"run folder: {run.path}",
            f"open next: {next_to_open(run)}",
            f'or in a notebook: run = lightly_nb.open_run("{run.path}"); run.selection',
        ]
    )
