"""The options of a run are written once: what shows them shows all, and mypy catches one that is renamed."""

from __future__ import annotations

import inspect
import os
import pydoc
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lightly_nb as lnb
from lightly_nb import pipeline
from lightly_nb.errors import ConfigError, InputError
from lightly_nb.pipeline.options import RunOptions, StorageOptions

PACKAGE = Path(lnb.__file__).parent


@pytest.mark.parametrize("function", [pipeline.run, pipeline.start, pipeline.prepare])
def test_every_option_is_shown_by_name_type_and_default(function):
    parameters = inspect.signature(function).parameters
    assert list(parameters)[:5] == ["source", "output_dir", "n_samples", "proportion_samples", "strategies"]
    options = [parameters[name] for name in RunOptions.__annotations__]
    assert {(one.kind, one.default) for one in options} == {(inspect.Parameter.KEYWORD_ONLY, None)}
    assert parameters["n_samples"].annotation == "int | None"
    assert "n_samples: 'int | None' = None" in pydoc.render_doc(function)
    assert "options" not in parameters
    assert list(parameters)[-1] == ("on_event" if function is pipeline.run else "queries")


@pytest.mark.parametrize("function", [pipeline.open_run, pipeline.rerun])
def test_a_run_is_opened_with_the_options_that_reach_its_datasources(function):
    assert set(StorageOptions.__annotations__) < set(inspect.signature(function).parameters)


def test_every_option_is_explained():
    explained = inspect.getdoc(lnb.run).partition("Parameters")[2].partition("Returns")[0]
    assert [name for name in RunOptions.__annotations__ if name not in explained] == []


@pytest.mark.parametrize("use_jedi", [True, False])
def test_a_notebook_completes_the_options(use_jedi):
    from IPython.core.completer import provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.user_ns["lnb"] = lnb
    shell.Completer.use_jedi = use_jedi
    text = "lnb.start('photos', data"
    with provisionalcompleter():
        found = [one.text for one in shell.Completer.completions(text, len(text))]
    assert "datapool=" in found


def test_an_option_that_is_none_is_refused(tmp_path):
    with pytest.raises(
        TypeError, match=r"run\(\) got .* 'n_sample'. Did you mean 'n_samples'\? Allowed: source"
    ):
        lnb.run(tmp_path, tmp_path / "out", n_sample=5)
    with pytest.raises(TypeError, match=r"rerun\(\) got an unexpected keyword argument 'n_samples'"):
        lnb.rerun(tmp_path, tmp_path / "out", n_samples=5)
    assert list(tmp_path.iterdir()) == []


def test_a_size_given_in_two_places_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="selection_config: given together with n_samples; put them into"):
        lnb.run(tmp_path, tmp_path / "out", n_samples=5, selection_config={"n_samples": 5})


CHECKED = (
    "pipeline/__init__.py",
    "samples/arguments.py",
    "pipeline/options.py",
    "pipeline/runs.py",
    "pipeline/making_job.py",
    "pipeline/job.py",
    "workspace/work/job.py",
)


def type_errors(folder: Path) -> str:
    """Return what mypy says of the modules that write, read and pass options; all else counts as `Any`."""
    files = [f"lightly_nb/{name}" for name in CHECKED]
    quick = ["--follow-imports=skip", "--ignore-missing-imports", "--config-file=", "--python-version=3.11"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *quick, *files],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the package, which mypy finds well."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(PACKAGE, folder / "lightly_nb", ignore=shutil.ignore_patterns("__pycache__"))
    assert "no issues found" in type_errors(folder)
    return folder


@pytest.mark.parametrize(
    ("module", "old", "new", "complaint"),
    [
        pytest.param(
            *("pipeline/options.py", "    datapool: ", "    data_pool: ", 'has no key "datapool"'),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "pipeline/making_job.py",
            'options["checkpoint"]',
            'options["check_point"]',
            'has no key "check_point"',
            marks=pytest.mark.slow,
        ),
        ("workspace/work/job.py", "            queries=", "            query=", '"query" for "start"'),
    ],
)
def test_mypy_sees_an_option_that_is_renamed_in_one_place(copied, module, old, new, complaint):
    path = copied / "lightly_nb" / module
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    try:
        assert complaint in type_errors(copied)
    finally:
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, 2) for name in ("shared_dir", "checkpoint", "datapool", "lightly_source", "output_dir")),
        ("shared_dir", b"folder"),
        ("checkpoint", ["a.ckpt"]),
        ("storage_options", 5),
        ("queries", ["tag"]),
        ("worker_config", 5),
        ("on_event", "loud"),
    ],
)
@pytest.mark.parametrize("call", [lnb.run, lnb.start, pipeline.prepare])
def test_an_option_of_an_odd_type_is_named(photo_folder, tmp_path, call, name, value):
    options = {"output_dir": tmp_path / "out", "n_samples": 1, name: value}
    if name == "on_event" and call is not lnb.run:
        return
    with pytest.raises(InputError, match=rf"^{call.__name__}: {name}: got .*; allowed is"):
        call(photo_folder, **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("name", "value"), [("datapool", ""), ("output_dir", "a\0b"), ("checkpoint", " ")])
def test_a_path_without_a_name_is_refused(photo_folder, tmp_path, name, value):
    options = {"output_dir": tmp_path / "out", "n_samples": 1, name: value}
    with pytest.raises(ConfigError, match=rf"^{name}: got .*, allowed is a path") as refused:
        lnb.run(photo_folder, **options)
    assert refused.value.problems[0].key == name
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("call", [lnb.open_run, lnb.rerun, pipeline.Run])
@pytest.mark.parametrize("value", [5, None, b"folder"])
def test_a_run_folder_of_an_odd_type_is_named(call, value):
    with pytest.raises(InputError, match=rf"^{call.__name__}: path: got .*; allowed is a path"):
        call(value)


def test_storage_options_of_an_odd_type_are_refused_before_a_run_is_repeated(tmp_path):
    for call in (lnb.open_run, lnb.rerun, pipeline.Run):
        with pytest.raises(InputError, match=rf"^{call.__name__}: storage_options: got 5; allowed is a dict"):
            call(tmp_path, storage_options=5)


def test_a_folder_whose_name_is_no_text_is_refused_with_words(photo_folder, tmp_path):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    try:
        os.mkdir(odd)
    except OSError:
        pytest.skip("this file system has only names in UTF-8")
    for options in (
        {"source": odd, "output_dir": tmp_path / "o"},
        {"source": photo_folder, "output_dir": odd},
    ):
        with pytest.raises(ConfigError, match=r"caf\\udce9' is not valid UTF-8.*rename that folder"):
            lnb.run(**options, n_samples=1)
