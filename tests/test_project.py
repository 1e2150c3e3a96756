"""The project around the code: environments, make targets and README agree with it and with each other."""

from __future__ import annotations

import ast
import ensurepip
import inspect
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

import lightly_nb
from tests.photos import write_photographs

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def modules() -> list[str]:
    """Every module of the package by dotted name, those that run something apart."""
    found = pkgutil.walk_packages(lightly_nb.__path__, "lightly_nb.")
    return ["lightly_nb", *(one.name for one in found if not re.search(r"__main__|migrations", one.name))]


@pytest.mark.parametrize("name", [name for name in modules() if hasattr(import_module(name), "__all__")])
def test_what_a_module_offers_is_what_it_defines(name):
    module = import_module(name)
    offered = list(module.__all__)
    assert [one for one in offered if not hasattr(module, one)] == []
    assert len(set(offered)) == len(offered)
    own = {one for one, value in vars(module).items() if getattr(value, "__module__", None) == name}
    assert {one for one in own if not one.startswith("_")} <= set(offered)


def test_a_notebook_is_shown_what_is_public_and_no_more():
    assert dir(lightly_nb) == sorted([*lightly_nb.__all__, "__version__"])
    assert {"run", "select", "scatter"} <= set(lightly_nb.__all__)
    with pytest.raises(AttributeError, match="module 'lightly_nb' has no attribute 'annotatons'"):
        lightly_nb.annotatons  # noqa: B018


def test_type_checkers_see_every_public_name_where_it_is():
    tree = ast.parse(Path(lightly_nb.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.asname: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        for alias in node.names
        if alias.asname == alias.name
    }
    assert seen == lightly_nb._HOMES


def offered_by(module: str) -> list[str]:
    return getattr(import_module(module), "__all__", [])


def defaults_of(function: object) -> dict[str, str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {one.name: repr(one.default) for one in parameters if one.default is not one.empty}


def test_no_signature_shows_an_address_or_a_table():
    """What Shift-Tab shows: a default is a word or a number. Tables of functions are None."""
    rooms = [name for name in modules() if name.count(".") < 2]
    public = [getattr(import_module(name), one) for name in rooms for one in offered_by(name)]
    classes = [one for one in public if isinstance(one, type)]
    public += [method for one in classes for _, method in inspect.getmembers(one, callable)]
    ugly = {
        f"{getattr(one, '__qualname__', one)}({name}={default})"
        for one in public
        for name, default in defaults_of(one).items()
        if " at 0x" in default or "mappingproxy" in default
    }
    assert ugly == set()
    assert defaults_of(lightly_nb.select)["strategy_table"] == "None"


def requirements(*extras: str) -> set[str]:
    """The project's dependencies with those of `extras`, references among extras resolved."""
    found = set(PROJECT["dependencies"])
    for extra in extras:
        for requirement in PROJECT["optional-dependencies"][extra]:
            own = re.fullmatch(r"lightly_nb\[(.*)\]", requirement)
            found |= requirements(*own[1].split(",")) if own else {requirement}
    return found


def test_the_version_is_one():
    assert PROJECT["version"] == lightly_nb.__version__
    assert f"## [{lightly_nb.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_conda_environment_holds_the_same_packages_as_all():
    parts = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    from_pip = next(part["pip"] for part in parts if isinstance(part, dict))
    assert sorted(from_pip) == sorted({*requirements("all"), "-e ."})
    assert [part for part in parts if isinstance(part, str)] == [f"python{PROJECT['requires-python']}", "pip"]


def test_every_dependency_has_a_lower_bound():
    everything = requirements(*PROJECT["optional-dependencies"])
    assert [one for one in everything if ">=" not in one] == []


def imported_packages(folder: str) -> set[str]:
    """Top-level names of everything that the Python files below `folder` import, not of Python itself."""
    found: set[str] = set()
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"lightly_nb", "tests"}


BROUGHT_BY_OTHERS = {"traitlets", "ipython", "pydantic-core", "huggingface-hub", "safetensors"}
"""Parts of ipywidgets, pydantic and timm, which pin them."""
OF_WHO_HAS_THEM = {"datasets", "fiftyone"}
"""What `to_huggingface` and `to_fiftyone` hand samples on to: who calls them has it, nobody else needs it."""


@pytest.mark.parametrize(("folder", "extras"), [("lightly_nb", ["all"]), ("tests", ["all", "test"])])
def test_everything_imported_is_declared(folder, extras):
    declared = {one.split(">=")[0].lower() for one in requirements(*extras)} | BROUGHT_BY_OTHERS
    distributions = packages_distributions()
    undeclared = {
        name
        for name in imported_packages(folder)
        if not {one.lower().replace("_", "-") for one in distributions.get(name, [name])} & declared
    }
    assert undeclared - OF_WHO_HAS_THEM == set()


def test_the_changelog_says_why_each_dependency_is_there():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    names = [one.split(">=")[0] for one in requirements("all")]
    assert [name for name in names if f"`{name}`" not in changelog] == []


def test_continuous_integration_runs_what_the_readme_says():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").rstrip().endswith("exec make test")
    assert "make test" in README


def dry_run(target: str) -> str:
    done = subprocess.run(
        ["make", "--always-make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_the_demo_selects_and_says_what_to_open(tmp_path):
    line = next(line for line in dry_run("demo").splitlines() if "tools/demo.py" in line)
    script = shlex.split(line)[1]
    write_photographs(tmp_path / "photographs", 60)
    done = subprocess.run(
        [sys.executable, script, str(tmp_path / "photographs"), str(tmp_path / "out put")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len((tmp_path / "out put" / "demo.txt").read_text(encoding="utf-8").split("\n")) >= 50
    assert "embedding check: " in done.stdout + done.stderr
    assert re.search(r"50 of \d+ photographs selected in .*\nleft out: .*\n.*stands for", done.stdout)
    page = (tmp_path / "out put" / "demo.html").read_text(encoding="utf-8")
    assert "<html" in page
    assert "data:image/jpeg;base64" in page


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_one_pip_command_installs_everything_and_the_result_is_checked():
    lines = dry_run("install").splitlines()
    assert [line for line in lines if " pip install" in line] == [
        ".venv/bin/python -m pip install -e '.[all,test,lint]'"
    ]
    assert any("tools/check_install.py" in line for line in lines)


def run_check(tmp_path: Path, nms: str) -> subprocess.CompletedProcess[str]:
    """Run tools/check_install.py where `torchvision.ops.nms` is `nms` of a stand-in package."""
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").touch()
    (tmp_path / "torchvision" / "ops.py").write_text(nms)
    script = [sys.executable, str(ROOT / "tools" / "check_install.py")]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    return subprocess.run(script, env=environment, capture_output=True, text=True, check=False)


def test_a_torchvision_of_another_build_is_named_with_what_to_do(tmp_path):
    broken = 'def nms(*a, **k):\n    raise RuntimeError("operator torchvision::nms does not exist")\n'
    done = run_check(tmp_path, broken)
    assert done.returncode == 1
    assert re.search(
        r"torch \S+ and torchvision \S+ do not fit together \(operator torchvision::nms does not exist\).*"
        r"rm -rf \.venv && PIP_FIND_LINKS= ",
        done.stderr,
    )


def test_the_installed_torch_and_torchvision_fit_together():
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "check_install.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "fit together" in done.stdout


@pytest.fixture
def python_without_ensurepip(tmp_path):
    """A Python as Debian ships it without python3-venv."""
    python = tmp_path / "python-without-ensurepip"
    python.write_text(
        '#!/bin/sh\ncase "$*" in "-m venv --without-pip"*) ;; "-m venv"*) exit 1;; esac\n'
        f'exec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    return python


def test_without_ensurepip_the_outer_pip_makes_the_environment(tmp_path, python_without_ensurepip):
    bundled = Path(ensurepip.__file__).parent / "_bundled"
    if not list(bundled.glob("pip-*.whl")):
        pytest.skip("this Python has no bundled pip to install from without a network")
    done = make_venv(tmp_path / "new", python_without_ensurepip, bundled)
    assert done.returncode == 0, done.stderr
    subprocess.run([str(tmp_path / "new/bin/python"), "-m", "pip", "--version"], check=True)


def test_with_no_way_to_get_pip_the_error_says_what_to_install(tmp_path, python_without_ensurepip):
    done = make_venv(tmp_path / "new", python_without_ensurepip, tmp_path)
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr
    assert not (tmp_path / "new").exists()


def test_without_a_new_python_the_error_says_how_to_name_one(tmp_path):
    done = make_venv(tmp_path / "new", tmp_path / "nowhere", tmp_path)
    assert done.returncode == 1
    assert "no Python 3.11 or newer found" in done.stderr
    assert "make PYTHON=" in done.stderr


def make_venv(folder: Path, python: Path, wheels: Path) -> subprocess.CompletedProcess[str]:
    """Run tools/make_venv.sh with `python`, where pip finds only `wheels`."""
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}
    environment = {**os.environ, "PYTHON": str(python), **offline}
    return subprocess.run(
        [str(ROOT / "tools" / "make_venv.sh"), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def python_blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_the_readme_names_only_files_that_exist():
    table = README.partition("## What is where")[2]
    named = re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(
        r"^\| \[?`([^`]+)`", table, flags=re.MULTILINE
    )
    made_later = ("demo/photographs", "lightly_outputs")
    missing = [name for name in named if not name.startswith(made_later) and not (ROOT / name).exists()]
    assert named
    assert missing == []


def test_the_readme_s_python_runs(tmp_path, monkeypatch):
    """Every block, in order, in one session; on few photographs and with one epoch, to be quick."""
    write_photographs(tmp_path / "demo" / "photographs", 32)
    monkeypatch.chdir(tmp_path)
    blocks = [re.sub(r"max_epochs(\"?[=:] ?)3", r"max_epochs\g<1>1", block) for block in python_blocks()]
    assert len(blocks) >= 2
    names: dict[str, object] = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"<block {number} of the README>", "exec"), names)
