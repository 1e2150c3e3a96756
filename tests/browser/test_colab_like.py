"""The panel notebook with the versions that Colab's kernel has, in the classic notebook of a browser."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser.lab import jupyter_server, python_with
from tests.browser.scatter_page import Shown, alone, square_around

ROOT = Path(__file__).parents[2]
PINS = (
    "ipywidgets==7.7.1",
    "ipykernel==6.17.1",
    "ipython==7.34.0",
    "traitlets==5.7.1",
    "anywidget==0.9.21",
    "notebook==6.5.7",
    "setuptools<81",
)
"""Colab's list of August 2026; the last one has the pkg_resources that the others import."""
MINUTES_FOR_A_CELL = 3


@pytest.fixture(scope="module")
def colab_python() -> Path:
    """A Python with these versions, and behind them everything that the tests' own Python has."""
    return python_with("colab-like", PINS)


@dataclass
class ClassicNotebook:
    """The notebook that is open in the classic front-end."""

    page: Any

    def run_all(self) -> None:
        """Run the cells one by one; all at once, this front-end drops widgets until its manager is ready."""
        codes = "Jupyter.notebook.get_cells().filter(cell => cell.cell_type === 'code')"
        for number in range(self.page.evaluate(f"{codes}.length")):
            self.page.evaluate(f"{codes}[{number}].execute()")
            done = f"{codes}[{number}].input_prompt_number > 0"
            self.page.wait_for_function(done, timeout=MINUTES_FOR_A_CELL * 60_000)
        errors = self.page.evaluate(
            f"""{codes}.flatMap(cell => cell.output_area.outputs)
                  .filter(output => output.output_type === 'error')
                  .map(output => output.ename + ': ' + output.evalue)"""
        )
        assert errors == []

    def ask(self, expression: str) -> Any:
        """Return the plain value of a Python expression in the kernel."""
        answer = self.page.evaluate(
            """code => new Promise(done => Jupyter.notebook.kernel.execute('',
                 {shell: {reply: message => done(message.content.user_expressions.answer)}},
                 {silent: true, store_history: false, user_expressions: {answer: code}}))""",
            f"__import__('json').dumps({expression})",
        )
        assert answer["status"] == "ok", answer
        return json.loads(ast.literal_eval(answer["data"]["text/plain"]))


@pytest.fixture(scope="module")
def classic(
    browser: Any, colab_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClassicNotebook]:
    folder = tmp_path_factory.mktemp("colab-like")
    (folder / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "11_panels.ipynb", folder / "notebooks")
    (folder / "demo").symlink_to(ROOT / "demo", target_is_directory=True)
    with jupyter_server(colab_python, "notebook", folder) as address:
        page = browser.new_context(viewport={"width": 1240, "height": 900}).new_page()
        page.goto(address.replace("/?token", "/notebooks/11_panels.ipynb?token"))
        page.wait_for_function("window.Jupyter && Jupyter.notebook?.kernel?.is_connected()", timeout=60_000)
        notebook = ClassicNotebook(page)
        notebook.run_all()
        yield notebook


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_panel_notebook_runs_and_the_scatter_lives(classic: ClassicNotebook):
    names = ["ipywidgets", "ipykernel", "traitlets", "anywidget"]
    versions = classic.ask(f"[__import__(name).__version__ for name in {names}]")
    assert versions == ["7.7.1", "6.17.1", "5.7.1", "0.9.21"]
    shown = Shown(classic, classic.ask("len(samples)"))
    places = shown.places()
    row = alone(places, classic.ask("panel.picks.rows.tolist()"), distance=8)
    shown.hover(row)
    assert shown.root.locator(".lnb-card b").text_content() == classic.ask(f"samples.filenames[{row}]")
    assert shown.root.locator(".lnb-card img").evaluate("image => image.naturalWidth") > 60
    shown.press("Clear")
    shown.wait("root.dataset.selected === '0'")
    places = shown.places()  # the page may have scrolled
    corners = shown.in_canvas(square_around(places[[row]], margin=30))
    shown.drag(corners, "Shift")
    shown.wait("root.dataset.selected > 0")
    low, high = corners.min(axis=0) + 1, corners.max(axis=0) - 1
    inside = np.flatnonzero(((places > low) & (places < high)).all(axis=1))
    assert set(inside) <= set(shown.selected())
    assert row in shown.selected()
