"""The report of a run inside a panel."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import ipywidgets

from lightly_nb.display.html import frame
from lightly_nb.errors import RunError
from lightly_nb.pipeline.run_handle import Run


def report_page(run: Run) -> Any:
    """Return a widget that shows the report of a run, in a frame that reaches nothing outside.

    Raises
    ------
    RunError
        If there is none (yet).
    """
    path = run.folder.report_html
    if not path.is_file():
        raise RunError(
            f"the run in '{run.path}' has no report (yet); wait for the run, or make one with "
            "lightly_nb.report.build_report(run.samples, run.selection)"
        )
    page = path.read_text(encoding="utf-8")
    if find_spec("anywidget") is None:
        return ipywidgets.HTML(
            frame(page, "Report", class_="lnb-frame", sandbox="allow-scripts allow-popups")
        )
    from lightly_nb.widgets.shared.page_frame import PageFrame

    return PageFrame(page, "Report")
