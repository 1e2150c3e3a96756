"""docs/pictures.md: its example runs, and its figures are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lightly_nb.checks import dullness
from lightly_nb.pictures import EXTENSIONS, MAX_PIXELS, depth, others

PAGE = (Path(__file__).parents[2] / "docs" / "pictures.md").read_text(encoding="utf-8")


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    exec(compile(example, "docs/pictures.md", "exec"), {})
    said = "range guessed: whole numbers from 0 to 4,095 taken as 12 bits"
    assert capsys.readouterr().out == f"255 1 ('{said}',)\n"


def test_its_figures_and_endings_are_those_of_the_code() -> None:
    for endings in EXTENSIONS.values():
        for ending in endings:
            assert f"`.{ending}`" in PAGE
    for words in (
        f"{MAX_PIXELS:,} pixels",
        f"below {dullness.DARK:g} of 255",
        f"deviation below {dullness.FLAT:g}",
        f"from {dullness.MOST_LOOKS} pictures",
        f"at most {depth.FEW:.0%}".replace("%", " %"),
        f"more than {depth.MOST_OUTSIDE:.0%}".replace("%", " %"),
        f"by more than {depth.FAR:g} times",
        f"fewer than {depth.FEWEST_VALUES} different values",
        f"by more than {others.BLANK} in a channel",
        f"of the first {others.MOST_BLANK + 1}",
    ):
        assert words in re.sub(r"\s+", " ", PAGE), words
