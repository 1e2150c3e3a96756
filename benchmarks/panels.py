"""The scatter in a browser beside a Bokeh widget and jupyter-scatter: paint, lasso, hover, saved size.

    python -m benchmarks.panels            # 10⁵ and 10⁶ points, medians of 3; --write for panels.md

The two others are installed into `.cache/peers`, away from this environment. All three are drawn by the same
headless Chromium without a GPU, in turn, so the ratios say more than the seconds.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".cache" / "peers"
HOVERS = 30
SECONDS_AT_MOST = 150
SETTINGS = {
    "lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings":
        '{"fetchNews": "false", "checkForUpdates": false}',
    "lab/user-settings/@jupyterlab/docmanager-extension/plugin.jupyterlab-settings": '{"autosave": false}',
}  # fmt: skip

COMMON = """
import time
import numpy as np, pandas as pd
n = {n}
rng = np.random.default_rng(0)
centers = rng.normal(size=(10, 32)) * 2
vectors = (rng.normal(size=(n, 32)) + centers[np.arange(n) % 10]).astype(np.float32)
group = np.array([f"group {{i}}" for i in range(10)])[np.arange(n) % 10]
heard = []
hear = lambda rows: heard.append((time.time() * 1000, len(rows)))
"""
PREPARE = {
    "lightly_nb": COMMON + """
from lightly_nb.samples import Samples
from lightly_nb.widgets import scatter
from tests.widgets.drawn import drawn_jpeg
class Pictures:
    made = [drawn_jpeg(row, 128) for row in range(125)]
    def read(self, number):
        return self.made[number % 125]
names = "photos/" + pd.Series(np.arange(n)).astype(str)
table = pd.DataFrame({{"group": group, "thumbnail": np.arange(n)}}, index=names)
samples = Samples(table, {{"embeddings": vectors}}, thumbnails=Pictures())
""",
    "Bokeh": COMMON + """
from bokeh.io import output_notebook
from bokeh.models import ColumnDataSource, LassoSelectTool
from bokeh.plotting import figure
from jupyter_bokeh import BokehModel
from bokeh.resources import INLINE
output_notebook(INLINE, hide_banner=True)
xy = vectors[:, :2]
""",
    "jupyter-scatter": COMMON + """
import jscatter
xy = vectors[:, :2]
""",
}  # fmt: skip
SHOW = {
    "lightly_nb": """
panel = scatter(samples, color_by="group", umap=False)
panel.observe(lambda change: hear(change["new"]), "selected")
panel
""",
    "Bokeh": """
source = ColumnDataSource({"x": xy[:, 0], "y": xy[:, 1]})
lasso = LassoSelectTool(continuous=False)
plot = figure(width=800, height=440, tools=[lasso], active_drag=lasso, output_backend="webgl")
plot.scatter("x", "y", source=source, size=3, color="#0072B2")
source.selected.on_change("indices", lambda name, old, new: hear(new))
BokehModel(plot)
""",
    "jupyter-scatter": """
data = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1]})
plot = jscatter.Scatter(data=data, x="x", y="y", height=440, color="#0072B2")
plot.widget.mouse_mode = "lasso"
plot.widget.observe(lambda change: hear(change["new"]), "selection")
plot.show()
""",
}
CANVAS = {"lightly_nb": ".lnb-plot canvas", "Bokeh": ".bk-Canvas", "jupyter-scatter": ".jp-OutputArea canvas"}


def install_peers() -> None:
    """Install the two others into a folder of their own."""
    if not (PEERS / "jscatter").exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(PEERS)]
        subprocess.run([*command, "jupyter_bokeh", "jupyter-scatter"], check=True)


def start_lab(stack: ExitStack) -> Any:
    """Return JupyterLab in a browser, with the two others within reach."""
    from playwright.sync_api import sync_playwright

    from tests.browser.lab import Lab, chromium, jupyter_server, this_python

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    for name, text in SETTINGS.items():
        path = folder / "jupyter-config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    os.environ["PYTHONPATH"] = str(PEERS)
    os.environ["JUPYTER_PATH"] = str(PEERS / "share" / "jupyter")
    options = ("--LabApp.expose_app_in_browser=True",)
    address = stack.enter_context(jupyter_server(this_python(), "jupyterlab", folder, *options))
    browser = stack.enter_context(chromium(stack.enter_context(sync_playwright())))
    lab = Lab(browser.new_context(viewport={"width": 1240, "height": 900}).new_page(), folder / "notebooks")
    lab.start(address)
    lab.page.set_default_timeout(SECONDS_AT_MOST * 1000)
    return lab


def measure(lab: Any, tool: str, n: int) -> dict[str, float]:
    """Return seconds to paint and to the rows in Python, hover in ms and KB saved, of a fresh notebook."""
    book = lab.open(PREPARE[tool].format(n=n), SHOW[tool], run=1)
    result = {"paint s": painted(lab.page, tool)}
    result["lasso s"] = lassoed(lab.page, book, tool)
    if tool == "lightly_nb":
        result |= hovered(lab.page, book)
    for state in (False, True):
        result[f"saved KB, {'with' if state else 'without'} widget state"] = (
            book.save(widget_state=state).stat().st_size / 1000
        )
    lab.close_notebook()
    return result


def painted(page: Any, tool: str) -> float:
    """Run the second cell; return the seconds until points are on the screen."""
    page.evaluate(
        """() => { window.started = performance.now();
             lnbNotebook.content.activeCellIndex = 1; jupyterapp.commands.execute('notebook:run-cell'); }"""
    )
    canvas = page.locator(CANVAS[tool]).first
    canvas.wait_for(state="attached")
    canvas.scroll_into_view_if_needed()
    while not has_points(canvas):
        if page.evaluate("performance.now() - started") > SECONDS_AT_MOST * 1000:
            return float("nan")
    return float(page.evaluate("(performance.now() - started) / 1000"))


def has_points(canvas: Any) -> bool:
    """Whether the middle of the plot shows more than white paper and grid lines."""
    from tests.browser.seeing import pixels

    seen = pixels(canvas)[60:-60, 120:-120].astype(int)
    return bool(((255 - seen).max(axis=2) > 40).mean() > 0.02)


def lassoed(page: Any, book: Any, tool: str) -> float:
    """Draw a lasso around most points; return the seconds from its end to the rows in Python."""
    canvas = page.locator(CANVAS[tool]).first
    canvas.evaluate("node => node.scrollIntoView({block: 'center'})")
    box = canvas.bounding_box()
    if tool == "lightly_nb":
        page.get_by_role("button", name="Lasso (L), or Shift and drag").click()
    left, top, right, bottom = (
        box["x"] + 70,
        box["y"] + 30,
        box["x"] + box["width"] - 70,
        box["y"] + box["height"] - 50,
    )
    page.evaluate(
        "addEventListener('pointerup', () => { window.released = Date.now(); }, {capture: true, once: true})"
    )
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 4)):
        page.mouse.move(x, y, steps=8)
    page.mouse.up()
    try:
        book.until("heard and heard[-1][1] > 0.5 * n")
    except AssertionError:
        return float("nan")
    at, _ = book.ask("heard[-1]")
    return float(at - page.evaluate("released")) / 1000


def hovered(page: Any, book: Any) -> dict[str, float]:
    """Move over points in many places; return median and 90th percentile of ms from pointer to picture."""
    from tests.browser.scatter_page import Shown

    shown = Shown(book, 0)
    shown.press("Clear")
    shown.wait("root.dataset.selected === '0'")
    box = shown.root.locator("canvas").bounding_box()
    rng, took = np.random.default_rng(1), []
    while len(took) < HOVERS:
        page.mouse.move(box["x"] + 3, box["y"] + 3)
        x, y = (
            box["x"] + box["width"] * rng.uniform(0.3, 0.7),
            box["y"] + box["height"] * rng.uniform(0.3, 0.7),
        )
        page.mouse.move(x, y)
        if page.locator(".lnb-card").is_hidden():
            continue
        shown.wait("root.dataset.shown")
        took.append(float(shown.root.get_attribute("data-hover-ms")))
    return {"hover ms, median": float(np.median(took)), "hover ms, p90": float(np.percentile(took, 90))}


def table(results: dict[tuple[str, int], list[dict[str, float]]]) -> str:
    """Return the medians as a Markdown table."""
    names = list(next(iter(results.values()))[0])
    head = "| tool | points | " + " | ".join(names) + " |\n|---|---|" + "---|" * len(names)
    lines = [head]
    for (tool, n), runs in results.items():
        values = [statistics.median(run[name] for run in runs) if name in runs[0] else None for name in names]
        cells = ["–" if value is None else f"{value:,.3g}" for value in values]
        lines.append(f"| {tool} | {n:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--tools", nargs="+", choices=list(SHOW), default=list(SHOW))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write benchmarks/panels.md")
    args = parser.parse_args()
    install_peers()
    results: dict[tuple[str, int], list[dict[str, float]]] = {}
    with ExitStack() as stack:
        lab = start_lab(stack)
        for repeat in range(args.repeats):
            for n in args.points:
                for tool in args.tools:
                    found = measure(lab, tool, n)
                    print(repeat + 1, tool, n, found, flush=True)
                    results.setdefault((tool, n), []).append(found)
    text = table({key: results[key] for key in sorted(results, key=lambda key: key[1])})
    print(text)
    if args.write:
        about = f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, no GPU"
        head = (
            f"# The scatter in a browser\n\nMedians of {args.repeats}; {about}; `benchmarks/panels.py`.\n\n"
        )
        (ROOT / "benchmarks" / "panels.md").write_text(f"{head}{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
