"""What a person reads of the public functions: every parameter has its line, in numpydoc's form."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lightly_nb
from lightly_nb.pipeline.options import RunOptions

ROOMS = ("api", "checks", "config", "embedding", "exports", "models", "pipeline", "pretagging", "reading")
ROOMS += ("report", "samples", "scoring", "selection", "training", "widgets", "workspace")
FEW = 4
"""Functions with fewer parameters may say what they take in a sentence."""


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every public function, class included, by its dotted name."""
    for module in (lightly_nb, *(importlib.import_module(f"lightly_nb.{room}") for room in ROOMS)):
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.isfunction(thing):
                yield f"{module.__name__}.{name}", thing


@pytest.mark.parametrize(("name", "function"), [pytest.param(*one, id=one[0]) for one in public()])
def test_a_public_function_says_what_it_takes(name: str, function: Callable[..., Any]) -> None:
    text = inspect.getdoc(function)
    assert text, f"{name} has no docstring"
    parameters = list(inspect.signature(function).parameters)
    if len(parameters) < FEW:
        return
    section = re.search(r"^Parameters\n-{10}\n(.*?)(?=^\w[\w ]*\n-{3,}\n|\Z)", text, re.M | re.S)
    assert section, f"{name} has {len(parameters)} parameters and no section on them"
    described = {
        word.strip().lstrip("*")
        for line in re.findall(r"^(\S[^:\n]*?)(?: : .*)?$", section[1], re.M)
        for word in line.split(",")
    }
    written_elsewhere = {one for one in parameters if one in RunOptions.__annotations__}
    if "options" in described:  # "as in `run`"
        described = described - {"options"} | written_elsewhere
    assert set(parameters) - described - {"options"} == set()
    assert described - set(parameters) == set(), f"{name} describes what it does not take"
