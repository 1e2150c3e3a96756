"""Names that a spreadsheet would run: an apostrophe in our own table, untouched in what programs read."""

from __future__ import annotations

import csv

from hypothesis import given
from hypothesis import strategies as st

from lightly_nb.display.spreadsheet import STARTS, as_it_was, defused
from lightly_nb.pipeline.new_folder import new_run_folder
from lightly_nb.pipeline.results import load_quarantine, save_quarantine
from lightly_nb.samples import quarantine_table

NAMES = ["=cmd|' /C calc'!A0.jpg", "+1.jpg", "-2.jpg", "@SUM(A1).jpg", "'=x.jpg", "a/=b.jpg", "plain.jpg"]


@given(st.text())
def test_nothing_that_is_run_and_nothing_lost(text: str) -> None:
    assert as_it_was(defused(text)) == text
    assert not defused(text).startswith(tuple(set(STARTS) - {"'"}))


def test_the_table_of_what_was_left_out(tmp_path) -> None:
    folder = new_run_folder(tmp_path)
    entries = [
        {"filename": name, "stage": "check", "reason": "=cut", "what_to_do": "copy it", "duplicate_of": other}
        for name, other in zip(NAMES, [None, "=first.jpg", *[None] * 5], strict=True)
    ]
    table = quarantine_table(entries)
    save_quarantine(folder, table)
    with folder.quarantine.open(encoding="utf-8", newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    again = load_quarantine(folder)
    assert again["filename"].tolist() == table["filename"].tolist()
    assert again["duplicate_of"].dropna().tolist() == ["=first.jpg"]
    assert set(again["reason"]) == {"=cut"}
    assert folder.corrupt_filenames.read_text(encoding="utf-8").startswith("=cmd|")
