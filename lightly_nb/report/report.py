"""`Report`: what a run has shown, as one dict, and its forms: inline, JSON, PDF, HTML, plots."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lightly_nb.errors import RunError
from lightly_nb.events import Listener, ProgressBar, Stage
from lightly_nb.report.content import Content, packed
from lightly_nb.report.facts import STEP, report_facts
from lightly_nb.report.sections import Section
from lightly_nb.report.sections.maps import keep_layouts
from lightly_nb.runfolder import RunFolder, write_aside, write_text
from lightly_nb.samples import Samples
from lightly_nb.samples.selected import Selection


class Report(Content):
    """A report. Everything it shows is in `facts` and in the `arrays` that they name.

    Parameters
    ----------
    facts : dict
        As docs/report.md describes.
    arrays : dict of str to numpy.ndarray
        Coordinates, pictures and what else is too large for JSON.
    """

    def to_json(self) -> str:
        """Return `facts` as JSON text."""
        return json.dumps(self.facts, ensure_ascii=False, indent=1, allow_nan=False)

    def to_v2(self, **names: str) -> dict[str, Any]:
        """Return the numbers in the form that the platform calls `report_v2`, with exactly its keys.

        Parameters
        ----------
        **names : str
            `run_id`, `run_url`, `dataset_id`, `dataset_url` and `dataset_name`, which a report does not know.
        """
        from lightly_nb.report.forms.v2 import Names, report_v2

        return report_v2(self.facts, self.arrays, Names(**names))

    def to_html(self) -> str:
        """Return a page that holds everything it shows, to open without a network."""
        from lightly_nb.report.forms.html import page

        return page(self)

    def to_pdf(self) -> bytes:
        """Return the report as a PDF."""
        from lightly_nb.report.forms.pdf import pdf

        return pdf(self)

    def save(self, folder: RunFolder | str | Path, *, on_event: Listener | None = None) -> None:
        """Write report.json, report.html, report.pdf, plots/*.png and the arrays, each aside and renamed.

        Raises
        ------
        RunError
            If a file cannot be written (a full disk). Files that were there before stay as they were.
        """
        folder = folder if isinstance(folder, RunFolder) else RunFolder(Path(folder).absolute())
        with Stage(on_event or ProgressBar(), STEP, total=len(self.plots) + 4, unit="file") as stage:
            for name in self.plots:
                _write(folder.plots / f"{name}.png", self.png(name))
                stage.advance()
            _write(folder.report_arrays, packed(self.arrays))
            stage.advance()
            write_text(folder.report_html, self.to_html())
            stage.advance()
            _write(folder.report_pdf, self.to_pdf())
            stage.advance()
            write_text(folder.report_json, self.to_json())
            stage.advance()

    def _repr_html_(self) -> str:
        from lightly_nb.report.forms.html import fragment

        return fragment(self)


def build_report(
    samples: Samples,
    selection: Selection,
    job: Mapping[str, Any] | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    sections: Mapping[str, Section] | None = None,
    on_event: Listener | None = None,
) -> Report:
    """Return the report on a selection, without writing anything.

    Parameters
    ----------
    samples, selection, job, sections
        As in `report_facts`.
    options : mapping or None
        Added to `job["options"]`: `prices`, `n_random_draws`, ….
    on_event : callable, optional
        Gets the events; None shows a progress bar.

    Raises
    ------
    InputError
        If the selection is not of these samples, or an option cannot be used.
    """
    known = dict(job or {})
    known["options"] = {**(known.get("options") or {}), **(options or {})}
    facts, arrays = report_facts(
        samples, selection, known, sections=sections, on_event=on_event or ProgressBar()
    )
    return Report(facts, arrays)


def write_report(
    samples: Samples,
    selection: Selection,
    job: Mapping[str, Any] | None,
    folder: RunFolder,
    *,
    sections: Mapping[str, Section] | None = None,
    on_event: Listener | None = None,
) -> Report:
    """Build the report of a run and write all its files into the run folder.

    `report.json` comes last: once it is there, all of them are. Errors are those of `report_facts` and
    `Report.save`.

    Parameters
    ----------
    samples, selection, job, sections, on_event
        As in `build_report`.
    folder : RunFolder
        Where the files are written.
    """
    report = build_report(samples, selection, job, sections=sections, on_event=on_event)
    keep_layouts(samples, job or {}, report.arrays, folder)
    report.save(folder, on_event=on_event)
    return report


def load_report(folder: RunFolder) -> Report:
    """Read the report of a run back.

    Raises
    ------
    RunError
        If there is none.
    """
    if not folder.report_json.is_file():
        raise RunError(
            f"the run in '{folder.path}' has no report (yet); wait for the run, or make one with "
            "lightly_nb.report.build_report(run.samples, run.selection)"
        )
    facts = json.loads(folder.report_json.read_text(encoding="utf-8"))
    with np.load(folder.report_arrays, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return Report(facts, arrays)


def _write(path: Path, content: bytes) -> None:
    write_aside(path, lambda temporary: temporary.write_bytes(content))
