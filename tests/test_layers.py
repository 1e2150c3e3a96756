"""The house rules that no reader can keep by eye: who imports whom, and that the import stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import lightly_nb

PACKAGE = Path(lightly_nb.__file__).parent

FLOORS = (
    {"errors", "states", "events", "files", "processes", "display"},
    {"samples", "vectors", "config", "datasource", "engines"},
    {"runfolder", "embeddings_csv", "models", "lightly_source", "demo"},
    {"reading", "scoring"},
    {"checks", "selection", "pretagging", "exports"},
    {"training", "embedding", "report"},
    {"pipeline"},
    {"workspace"},
    {"api", "cli"},
    {"widgets"},
)
"""A module imports only from rooms of the lines above its own; rooms of one line never import each other."""

EXCEPTIONS = {
    (
        "lightly_nb.pipeline.run_handle",
        "lightly_nb.widgets.monitor",
    ): "people look for the monitor on the run",
    (
        "lightly_nb.pipeline.run_handle",
        "lightly_nb.widgets.run_monitor.panel.MonitorPanel",
    ): "the type of the same",
}
"""Imports down the house that are there on purpose, each with its reason; they load on first use."""

HEAVY = (
    *("torch", "torchvision", "lightly", "pytorch_lightning", "pandas", "numpy", "pyarrow", "cv2", "faiss"),
    *("matplotlib", "bokeh", "umap", "sklearn", "skimage", "anywidget", "ipywidgets", "PIL", "fsspec"),
)


def sources() -> dict[str, str]:
    """Return the source of each module by dotted name, `lightly_nb` itself included."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path.read_text(encoding="utf-8")
    return found


def imported_by(module: str, source: str, is_package: bool) -> Iterator[str]:
    """Yield the dotted name of every import in `source`, inside functions and TYPE_CHECKING too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: len(module.split(".")) + is_package - node.level] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def room_of(module: str) -> str:
    """Return the room of `lightly_nb.room.rest`, '' of `lightly_nb` itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def faults_of(modules: Mapping[str, str]) -> list[str]:
    """Return a sentence for every import that the order of the rooms does not allow."""
    floors = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    faults = []
    for module, source in modules.items():
        room = room_of(module)
        if room in ("", "__main__"):  # the front door opens on every room
            continue
        if room not in floors:
            faults.append(f"{module}: {room!r} is not a room of the house; give it a line in FLOORS")
            continue
        is_package = any(other.startswith(module + ".") for other in modules)
        for name in imported_by(module, source, is_package):
            other = room_of(name) if name.split(".")[0] == "lightly_nb" else room
            if other in (room, "__version__") or (module, name) in EXCEPTIONS:
                continue
            if floors.get(other, floors[room]) >= floors[room]:
                faults.append(f"{module} may not import {name}")
    return faults


def test_rooms_import_only_from_rooms_above() -> None:
    modules = sources()
    assert "lightly_nb.datasource.local" in modules
    assert faults_of(modules) == []


def test_only_the_engines_know_where_work_is_done() -> None:
    pools = ("concurrent", "multiprocessing", "joblib")
    at_work = {
        module
        for module, source in sources().items()
        for name in imported_by(module, source, is_package=False)
        if name.split(".")[0] in pools
    }
    assert at_work == {"lightly_nb.engines.local"}


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("lightly_nb.samples", "from lightly_nb.reading import x", "may not import lightly_nb.reading.x"),
        ("lightly_nb.samples", "def f():\n    import lightly_nb.cli", "may not import lightly_nb.cli"),
        ("lightly_nb.samples.html", "from .. import config", "may not import lightly_nb.config"),
        ("lightly_nb.training.loop", "from ..report import select", "may not import lightly_nb.report"),
        ("lightly_nb.checks", "from lightly_nb.selection import x", "may not import lightly_nb.selection.x"),
        ("lightly_nb.events", "from lightly_nb.errors import x", "may not import lightly_nb.errors.x"),
        (
            "lightly_nb.selection",
            "from lightly_nb import list_samples",
            "may not import lightly_nb.list_samples",
        ),
        ("lightly_nb.cli", "from lightly_nb.api import x", "may not import lightly_nb.api.x"),
        ("lightly_nb.attic", "", "'attic' is not a room of the house"),
    ],
)
def test_a_forbidden_import_is_found(module: str, source: str, fault: str) -> None:
    faults = faults_of({module: source})
    assert len(faults) == 1
    assert fault in faults[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("lightly_nb.reading.listing", "from lightly_nb.datasource import Datasource\nimport torch"),
        (
            "lightly_nb.training.loop",
            "from . import views\nfrom .views import x\nfrom ..samples import Samples",
        ),
        ("lightly_nb.samples", "from lightly_nb.samples.html import samples_html"),
        ("lightly_nb.runfolder", "from lightly_nb import __version__"),
        ("lightly_nb", "from lightly_nb.widgets import x"),
        ("lightly_nb.widgets", "from lightly_nb.pipeline import run"),
    ],
)
def test_an_allowed_import_is_no_fault(module: str, source: str) -> None:
    assert faults_of({module: source}) == []


def test_every_exception_is_in_use() -> None:
    modules = sources()
    for module, name in EXCEPTIONS:
        assert name in imported_by(module, modules[module], is_package=False)


def test_import_takes_under_half_a_second_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import lightly_nb; "
        f"print(time.perf_counter() - start, *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    runs = []
    for _ in range(4):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds, *heavy = done.stdout.split()
        assert heavy == []
        runs.append(float(seconds))
    assert min(runs) < 0.5


@pytest.mark.parametrize("room", ["samples", "datasource", "reading", "config", "cli"])
def test_rooms_before_the_model_do_not_load_torch(room: str) -> None:
    code = f"import sys, lightly_nb.{room}; print('torch' in sys.modules, 'matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
