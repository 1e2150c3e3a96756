"""docs/predictions.md: its snippet runs and says what it says; its tables have every form, type and score."""

import re
from pathlib import Path

from lightly_nb.reading.annotations import FORMS
from lightly_nb.samples import TASK_TYPES
from lightly_nb.scoring import SCORES

PAGE = (Path(__file__).parents[2] / "docs" / "predictions.md").read_text(encoding="utf-8")


def test_the_snippet_runs_and_says_what_it_says(capsys):
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    exec(snippet, {})
    assert capsys.readouterr().out.strip() == "['street/3.jpg', 'street/1.jpg']"
    assert "# ['street/3.jpg', 'street/1.jpg']" in snippet


def test_the_tables_have_all_that_there_is():
    first = set(re.findall(r"^\| `([a-z_-]+)` \|", PAGE, re.M))
    assert first == {*FORMS, *TASK_TYPES, *SCORES, "task_type", "form"}
