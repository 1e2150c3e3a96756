"""The scatter as a person sees it: in JupyterLab, in a real browser."""

from __future__ import annotations

from tests.browser.lab import Lab

MAKE = """
from tests.widgets.drawn import drawn_samples
from lightly_nb.widgets import scatter
from lightly_nb.selection import select
samples = drawn_samples(120)
picks = select(samples, 10, on_event=lambda event: None)
panel = scatter(samples, picks, umap=False)
"""


def test_first(lab: Lab):
    book = lab.open(MAKE, "panel")
    lab.page.wait_for_selector(".lnb-scatter[data-ready]")
    lab.page.screenshot(path="/tmp/shot.png")
    print(book.ask("panel"))
