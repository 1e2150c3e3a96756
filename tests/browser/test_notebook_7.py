"""The panel notebook in Notebook 7, the front-end beside JupyterLab that most people have."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.browser.lab import Lab, jupyter_server, python_with

ROOT = Path(__file__).parents[2]
PINS = ("notebook>=7.4,<8", "ipywidgets>=8", "anywidget>=0.9.13")
OPTIONS = ("--JupyterNotebookApp.expose_app_in_browser=True",)
SECONDS_FOR_A_PANEL = 180
PANELS = (".lnb-config", ".lnb-monitor", ".lnb-scatter", ".lnb-results", ".lnb-how-many")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_panel_of_the_panel_notebook_lives(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "11_panels.ipynb", tmp_path / "notebooks")
    (tmp_path / "demo").symlink_to(ROOT / "demo", target_is_directory=True)
    python = python_with("notebook-7", PINS)
    with jupyter_server(python, "notebook", tmp_path, *OPTIONS) as address:
        page = browser.new_context(viewport={"width": 1240, "height": 900}).new_page()
        lab = Lab(page, tmp_path / "notebooks")
        lab.start(address.replace("/tree?token", "/notebooks/11_panels.ipynb?token"))
        page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell")
        lab.errors.clear()  # what the front-end itself says while it loads, before there is any panel
        page.set_default_timeout(SECONDS_FOR_A_PANEL * 1000)
        page.evaluate(
            """async () => {
              const panel = jupyterapp.shell.currentWidget;
              await panel.context.sessionContext.ready;
              await panel.context.sessionContext.session.kernel.info;
              await jupyterapp.commands.execute('notebook:run-all-cells');
            }"""
        )
        failed = page.evaluate(
            """() => [...jupyterapp.shell.currentWidget.content.model.cells]
                 .filter(cell => cell.type === 'code').flatMap(cell => cell.sharedModel.outputs)
                 .filter(output => output.output_type === 'error')
                 .map(output => output.traceback.join(' | '))"""
        )
        assert failed == []
        for panel in PANELS:
            page.wait_for_selector(f".lnb-panel{panel}", state="attached")
        page.wait_for_selector(".lnb-scatter[data-ready]", state="attached")
        page.wait_for_selector(".lnb-results[data-ready]", state="attached")
        page.wait_for_selector(".lnb-how-many[data-ready]", state="attached")
        assert lab.errors == []
