"""docs/strategies.md: its snippets run, say what they say, and its table has every strategy."""

import re
from pathlib import Path

from lightly_nb.selection import STRATEGIES
from lightly_nb.selection.levels import CELL, PER_PICK, SAMPLED
from lightly_nb.selection.strategies.facility_location import BOUND_JUDGES, EXACT_ROWS, JUDGES

PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")


def test_the_snippets_run_and_say_what_they_say(capsys):
    exec("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.S)), {})
    said = capsys.readouterr().out
    assert "[0 1 2]" in said
    assert "It stands for 164 samples: itself and 163" in said
    assert "proven_share_of_optimum" in said


def test_every_strategy_is_in_the_table():
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.M)) == set(STRATEGIES)


def test_its_numbers_are_those_of_the_code():
    for number in (SAMPLED, SAMPLED // PER_PICK, CELL, EXACT_ROWS, JUDGES, BOUND_JUDGES):
        assert f"{number:,}" in PAGE
