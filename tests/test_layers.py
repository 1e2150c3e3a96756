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
    {"errors", "states", "events", "files", "processes", "signals", "turns", "display"},
    {"pictures"},
    {"samples", "vectors", "config", "datasource", "engines"},
    {"runfolder", "embeddings_csv", "models", "lightly_source", "demo"},
    {"reading", "scoring"},
    {"checks", "selection", "pretagging", "exports"},
    {"training", "embedding", "report"},
    {"pipeline"},
    {"workspace"},
    {"api", "cli"},
    {"widgets", "openapi_generated"},
)
"""A module imports only from rooms of the lines above its own; rooms of one line never import each other."""

TOPICS = {
    *("datasets", "datasources", "listing", "tags", "runs", "artifacts", "exports", "downloads", "uploads")
}

INSIDE: dict[str, tuple[set[str], ...]] = {
    "widgets": (
        {"shared"},
        {"scatter_plot", "config_editor"},
        {"results_viewer", "run_monitor"},
        {"size_explorer", "dataset_browser"},
    ),
    "workspace": ({"store"}, {"users"}, {"data"}, {"work"}),
    "api": (
        {"enums", "gone", "forms", "bitmask", "modules"},
        {"models"},
        {"rows", "session"},
        TOPICS,
        {"client"},
    ),
}
"""The same within a room, by folder or module; topics of the client import each other in one direction."""

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


def level_of(floors: tuple[set[str], ...], part: str) -> int | None:
    """Return the number of the floor that `part` is on, None if it is on none."""
    return next((number for number, floor in enumerate(floors) if part in floor), None)


def faults_of(modules: Mapping[str, str]) -> list[str]:
    """Return a sentence for every import that the order of the rooms, or within one, does not allow."""
    faults = []
    for module, source in modules.items():
        room = room_of(module)
        if room in ("", "__main__"):  # the front door opens on every room
            continue
        if level_of(FLOORS, room) is None:
            faults.append(f"{module}: {room!r} is not a room of the house; give it a line in FLOORS")
            continue
        is_package = any(other.startswith(module + ".") for other in modules)
        names = [name for name in imported_by(module, source, is_package) if name.startswith("lightly_nb.")]
        faults += [f"{module} may not import {name}" for name in names if not is_allowed(module, name)]
    return faults


def is_allowed(module: str, name: str) -> bool:
    """Return whether `module` may import `name` of the package."""
    room, other = room_of(module), room_of(name)
    if other == "__version__":
        return True
    if other != room:
        here, there = level_of(FLOORS, room), level_of(FLOORS, other)
        return there is not None and here is not None and there < here
    part, other_part = part_of(module), part_of(name)
    floors = INSIDE.get(room, ())
    here, there = level_of(floors, part), level_of(floors, other_part)
    if part == other_part or here is None:  # the door of a room opens on all of it
        return True
    return there is not None and (there < here or (there == here and floors[here] is TOPICS))


def part_of(module: str) -> str:
    """Return the folder or module of a room that a module is in or a name is of, '' of the room itself."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 else ""


def circles_of(modules: Mapping[str, str]) -> list[list[str]]:
    """Return the circles among the modules, lazy imports and those for types counted, each sorted."""
    edges = {}
    for module, source in modules.items():
        is_package = any(other.startswith(module + ".") for other in modules)
        names = imported_by(module, source, is_package)
        targets = {name if name in modules else name.rpartition(".")[0] for name in names}
        edges[module] = targets & (modules.keys() - {module, "lightly_nb"})  # the front door loads lazily
    reached = {module: _reached(module, edges) for module in modules}
    circles = {
        frozenset(other for other in reached[module] if module in reached[other])
        for module in modules
        if module in reached[module]
    }
    return sorted(sorted(circle) for circle in circles)


def _reached(module: str, edges: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [module]
    while waiting:
        for other in edges[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found


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
        (
            "lightly_nb.widgets.shared.rows",
            "from lightly_nb.widgets.results_viewer.items import Item",
            "may not import lightly_nb.widgets.results_viewer.items.Item",
        ),
        (
            "lightly_nb.widgets.run_monitor.panel",
            "def f():\n    from lightly_nb.widgets.results_viewer import items",
            "may not import lightly_nb.widgets.results_viewer.items",
        ),
        (
            "lightly_nb.workspace.store.store",
            "if TYPE_CHECKING:\n    from lightly_nb.workspace.data.tags import Tag",
            "may not import lightly_nb.workspace.data.tags.Tag",
        ),
        (
            "lightly_nb.api.runs",
            "if TYPE_CHECKING:\n    from lightly_nb.api.client import ApiWorkflowClient",
            "may not import lightly_nb.api.client.ApiWorkflowClient",
        ),
        ("lightly_nb.api.session", "from lightly_nb.api import tags", "may not import lightly_nb.api.tags"),
        (
            "lightly_nb.pipeline.run_handle",
            "def f():\n    from lightly_nb.widgets import monitor",
            "may not import lightly_nb.widgets.monitor",
        ),
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
        ("lightly_nb.widgets", "from lightly_nb.widgets.results_viewer.call import show_results"),
        ("lightly_nb.widgets.size_explorer.model", "from lightly_nb.widgets.results_viewer import items"),
        ("lightly_nb.workspace.work.runs", "from lightly_nb.workspace.data.datasets import get_dataset"),
        ("lightly_nb.api.exports", "from lightly_nb.api.tags import get_tag_by_name"),
    ],
)
def test_an_allowed_import_is_no_fault(module: str, source: str) -> None:
    assert faults_of({module: source}) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles_of(sources()) == []


@pytest.mark.parametrize(
    "back", ["from a.b import x", "def f():\n    from a import b", "if TYPE_CHECKING:\n    import a.b"]
)
def test_a_circle_is_found_however_the_import_is_hidden(back: str) -> None:
    modules = {"a": "", "a.b": "from a.c import x", "a.c": "from a.d import x", "a.d": back, "a.e": back}
    assert circles_of(modules) == [["a.b", "a.c", "a.d"]]
    assert circles_of({**modules, "a.d": "import os"}) == []


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
