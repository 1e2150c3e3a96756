"""The client has every method of client 1.5.26, with its parameters, defaults and kinds, and maybe more."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from lightly_nb.api import ApiWorkflowClient
from lightly_nb.api.exports import NAMES
from lightly_nb.api.gone import GONE
from lightly_nb.exports import FORMATS

OLD: dict[str, Any] = json.loads((Path(__file__).parent / "old_signatures.json").read_text())["methods"]
METHODS = sorted(name for name, parameters in OLD.items() if isinstance(parameters, list))
PROPERTIES = sorted(name for name, parameters in OLD.items() if parameters == "property")


def difference(old: list[dict[str, Any]], new: inspect.Signature) -> str:
    """Return what of the old parameters is missing or other in `new`, '' if nothing is."""
    ours = list(new.parameters.values())[1:]
    for place, theirs in enumerate(old):
        if place >= len(ours) or ours[place].name != theirs["name"]:
            return f"parameter {place} is not {theirs['name']!r}"
        mine = ours[place]
        if mine.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            return f"{mine.name!r} is {mine.kind.description}"
        if mine.default != theirs.get("default", inspect.Parameter.empty):
            return f"the default of {mine.name!r} is {mine.default!r}"
    needed = [one.name for one in ours[len(old) :] if one.default is inspect.Parameter.empty]
    return f"{needed} must be given" if needed else ""


def test_the_table_is_the_whole_old_client() -> None:
    assert len(METHODS) == 93
    assert PROPERTIES == ["dataset_id", "dataset_type"]
    assert set(GONE) < set(METHODS)


@pytest.mark.parametrize("name", sorted(set(METHODS) - set(GONE)))
def test_a_method_has_the_old_signature(name: str) -> None:
    assert difference(OLD[name], inspect.signature(getattr(ApiWorkflowClient, name))) == ""


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_property_is_one(name: str) -> None:
    assert isinstance(inspect.getattr_static(ApiWorkflowClient, name), property)


@pytest.mark.parametrize("name", sorted(GONE))
def test_a_method_that_is_gone_says_what_to_do_instead(name: str, tmp_path: Path) -> None:
    client = ApiWorkflowClient(url=tmp_path)
    arguments = {one["name"]: None for one in OLD[name] if "default" not in one}
    with pytest.raises(NotImplementedError, match=rf"{name}\(\) is not part of the local platform: .{{30}}"):
        getattr(client, name)(**arguments)


def method(text: str) -> inspect.Signature:
    scope: dict[str, Any] = {}
    exec(f"def method(self, {text}): ...", scope)
    return inspect.signature(scope["method"])


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        ("a, b=1", ""),
        ("a, b=1, c=None", ""),
        ("a, b=1, *, c=None", ""),
        ("a", "parameter 1 is not 'b'"),
        ("b=1, a=2", "parameter 0 is not 'a'"),
        ("a, b=2", "the default of 'b' is 2"),
        ("a=0, b=1", "the default of 'a' is 0"),
        ("a, *, b=1", "'b' is keyword-only"),
        ("a, b=1, *, c", "['c'] must be given"),
    ],
)
def test_the_comparison_finds_a_difference(ours: str, said: str) -> None:
    assert difference([{"name": "a"}, {"name": "b", "default": 1}], method(ours)) == said


def test_every_public_method_says_what_it_does() -> None:
    public = [name for name in dir(ApiWorkflowClient) if not name.startswith("_")]
    assert [name for name in public if not inspect.getdoc(getattr(ApiWorkflowClient, name))] == []


def test_the_documentation_names_every_public_method() -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`([\w…]+)`", text))
    public = {name for name in dir(ApiWorkflowClient) if not name.startswith("_")}
    of_artifacts = {word.replace("…", "download_compute_worker_run", 1) for word in words if "…" in word}
    exports = {
        f"{name}_by_tag_{kind}" for name in words if name.startswith("export_") for kind in ("id", "name")
    }
    attributes = {"token"}
    assert public - words - of_artifacts - exports == attributes


def test_the_documentation_of_exports_is_the_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    of_client = {name: one for name, one in FORMATS.items() if not one.is_folder}
    rows = [f"| `export_{NAMES.get(name, name)}` | {one.about} |" for name, one in of_client.items()]
    assert re.findall(r"^\| `export_.*", text, flags=re.MULTILINE) == rows
