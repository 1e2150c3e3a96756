"""A JupyterLab on loopback and a headless Chromium: what every browser test of a panel stands on.

Nothing here sleeps: every wait is for a line, a message or something on the page.
"""

from __future__ import annotations

import ast
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-dev-shm-usage",
)
SERVER_SECONDS = 60
PAGE_MS = 20_000
MOST_QUESTIONS = 1000
LAB_ENDS_A_KERNEL = "Canceled future for "
"""JupyterLab's own complaint when a kernel is shut down before it has answered: nothing a panel did."""
LAB_HAS_NO_KERNEL = "widget model not found"
"""And, at times, when a notebook is opened without its kernel: tests look at what is shown in its place."""


def chromium_path() -> str:
    """Return the browser to use; fail with how to install one."""
    named = os.environ.get("LIGHTLY_NB_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if not found:
        pytest.fail(
            "no Chromium for the browser tests; on Debian: apt-get install --no-install-recommends chromium "
            "(or set LIGHTLY_NB_CHROMIUM to the path of one)",
            pytrace=False,
        )
    return found


@contextmanager
def jupyter_server(python: Path, app: str, folder: Path, *options: str) -> Iterator[str]:
    """Run `python -m APP` on loopback with folders of its own; yield its address with the token."""
    environment = dict(os.environ)
    for name in ("CONFIG", "DATA", "RUNTIME"):
        environment[f"JUPYTER_{name}_DIR"] = str(folder / f"jupyter-{name.lower()}")
    environment |= {
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "OMP_NUM_THREADS": "2",
    }
    paths = [str(Path.cwd()), os.environ.get("PYTHONPATH")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    root = folder / "notebooks"
    root.mkdir(parents=True, exist_ok=True)
    options = ("--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={_free_port()}", *options)
    process = subprocess.Popen(
        [str(python), "-m", app, *options],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield _address(process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _address(process: subprocess.Popen[str]) -> str:
    """Return the address that the server prints, and go on reading so that it never blocks."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    said = ""
    while line := lines.get(timeout=SERVER_SECONDS):
        said += line
        found = re.search(r"http://127\.0\.0\.1:\d+/\S*\?token=\w+", line)
        if found:
            return found.group()
    raise AssertionError(f"the Jupyter server ended:\n{said}")


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """Write a notebook of code cells."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, path)


@dataclass
class Lab:
    """One page with JupyterLab on it, shared by all browser tests of a session."""

    page: Any
    folder: Path
    errors: list[str] = field(default_factory=list)
    opened: int = 0

    def start(self, address: str) -> None:
        """Load JupyterLab and collect everything that goes wrong on the page from now on."""
        self.page.set_default_timeout(PAGE_MS)
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self._hear("error", f"{error} {error.stack}"))
        self.page.goto(address)
        self.page.wait_for_function("() => window.jupyterapp && jupyterapp.restored.then(() => true)")

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and LAB_ENDS_A_KERNEL not in text and LAB_HAS_NO_KERNEL not in text:
            self.errors.append(text)

    def theme(self, name: str) -> None:
        """Switch to `JupyterLab Light` or `JupyterLab Dark`."""
        is_light = "true" if name.endswith("Light") else "false"
        self.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
        self.page.wait_for_selector(f"body[data-jp-theme-light='{is_light}']", state="attached")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")  # two at once are an error of Lab

    def open(self, *cells: str, run: int | None = None) -> Notebook:
        """Open a new notebook of these cells and run them, or the first `run`, to their end."""
        self.opened += 1
        name = f"notebook{self.opened}.ipynb"
        write_notebook(self.folder / name, cells)
        return self.open_file(name, run)

    def open_file(self, name: str, run: int | None = None) -> Notebook:
        """Open a notebook file of the server's folder and run its cells, or the first `run` of them."""
        self.page.evaluate(
            """async name => {
              const what = {path: name, factory: 'Notebook'};
              const widget = await jupyterapp.commands.execute('docmanager:open', what);
              await widget.context.ready;
              await widget.context.sessionContext.ready;
              window.lnbNotebook = widget;
            }""",
            name,
        )
        notebook = Notebook(self.page, self.folder / name)
        notebook.run(run)
        return notebook

    def view(self, name: str) -> None:
        """Open a notebook file and run nothing, as someone does who reads it."""
        self.page.evaluate(
            """async path => {
              const what = {path, factory: 'Notebook'};
              const widget = await jupyterapp.commands.execute('docmanager:open', what);
              await widget.context.ready;
              await widget.context.sessionContext.ready;
              window.lnbViewed = widget;
            }""",
            name,
        )

    def close_view(self) -> None:
        """Close what `view` opened and end its kernel."""
        self.page.evaluate(
            """async () => {
              await lnbViewed.context.sessionContext.shutdown();
              lnbViewed.dispose();
              window.lnbViewed = undefined;
            }"""
        )

    def close_notebook(self) -> None:
        """Close the notebook that is open, if any, and end its kernel."""
        self.page.evaluate(
            """async () => {
              const widget = window.lnbNotebook;
              window.lnbNotebook = undefined;
              if (!widget) return;
              await widget.context.sessionContext.shutdown();
              widget.dispose();
            }"""
        )


@dataclass
class Notebook:
    """The notebook that is open in the Lab."""

    page: Any
    path: Path

    def run(self, cells: int | None = None) -> None:
        """Run all cells, or the first so many, and wait for their end; a cell that raises fails the test."""
        self.page.evaluate(
            """async cells => {
              if (cells === null) return jupyterapp.commands.execute('notebook:run-all-cells');
              for (let at = 0; at < cells; at++) {
                lnbNotebook.content.activeCellIndex = at;
                await jupyterapp.commands.execute('notebook:run-cell');
              }
            }""",
            cells,
        )
        failed = self.page.evaluate(
            """() => [...lnbNotebook.content.model.cells].filter(cell => cell.type === 'code')
                 .flatMap(cell => cell.sharedModel.outputs).filter(output => output.output_type === 'error')
                 .map(output => output.traceback.join(' | '))"""
        )
        assert not failed, re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(failed))

    def ask(self, expression: str) -> Any:
        """Return the plain value of a Python expression in the kernel, beside the cells."""
        found = self.page.evaluate(
            """async code => {
              const kernel = lnbNotebook.context.sessionContext.session.kernel;
              const reply = await kernel.requestExecute({code: '', silent: true, store_history: false,
                user_expressions: {answer: code}}).done;
              return reply.content.user_expressions.answer;
            }""",
            f"__import__('json').dumps({expression})",
        )
        assert found["status"] == "ok", found
        return json.loads(ast.literal_eval(found["data"]["text/plain"]))

    def do(self, code: str) -> None:
        """Run statements in the kernel beside the cells; an exception fails the test."""
        reply = self.page.evaluate(
            """async code => (await lnbNotebook.context.sessionContext.session.kernel
              .requestExecute({code, store_history: false}).done).content""",
            code,
        )
        assert reply["status"] == "ok", "\n".join(reply.get("traceback", [str(reply)]))

    def save(self, *, widget_state: bool) -> Path:
        """Save the notebook, with the state of its widgets or without, and return its file."""
        self.page.evaluate(
            """async wanted => {
              const toggle = '@jupyter-widgets/jupyterlab-manager:saveWidgetState';
              const isWanted = () => jupyterapp.commands.isToggled(toggle) === wanted;
              if (!isWanted()) await jupyterapp.commands.execute(toggle);
              while (!isWanted()) await new Promise(requestAnimationFrame);
              await lnbNotebook.context.save();
            }""",
            widget_state,
        )
        return self.path

    def until(self, expression: str) -> None:
        """Ask the kernel until an expression is true: what the page sends may come after a question."""
        for _ in range(MOST_QUESTIONS):
            if self.ask(f"bool({expression})"):
                return
        raise AssertionError(f"never true in the kernel: {expression}")


@contextmanager
def chromium(playwright: Any) -> Iterator[Any]:
    """Yield a headless browser that draws WebGL in software."""
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_FLAGS))
    try:
        yield browser
    finally:
        browser.close()


def this_python() -> Path:
    """Return the Python that runs the tests."""
    return Path(sys.executable)


def python_with(name: str, pins: Sequence[str]) -> Path:
    """Return a Python that has these packages, and behind them all that the Python of the tests has.

    It is made below `.cache/NAME` once and used again while the pins are the same.
    """
    venv = Path(__file__).parents[2] / ".cache" / name
    python, said = venv / "bin" / "python", venv / "pins.json"
    if not said.exists() or json.loads(said.read_text()) != list(pins):
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *pins], check=True)
        said.write_text(json.dumps(list(pins)))
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]
    own = subprocess.check_output(ask, text=True).strip()
    behind = sysconfig.get_paths()["purelib"]
    (Path(own) / "behind.pth").write_text(f"import site; site.addsitedir({behind!r})\n")
    return python
