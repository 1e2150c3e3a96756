"""docs/exports.md has every format with its options and limits, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lightly_nb.exports import FORMATS

PAGE = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")


def test_every_format_stands_there_with_its_options() -> None:
    rows = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith("| `")]
    said = {name: row for row in rows for name in re.findall(r"`(\w+)`", row[0])}
    assert set(said) - {"format"} == set(FORMATS)
    for name, one in FORMATS.items():
        assert re.findall(r"`(\w+)`", said[name][2]) == [option.name for option in one.options], name


def test_the_limits_stand_there() -> None:
    for one in FORMATS.values():
        assert one.most_samples is None or f"{one.most_samples:,}" in PAGE
        assert one.most_bytes is None or f"{one.most_bytes // 10**6} MB" in PAGE


def test_the_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    assert eval(capsys.readouterr().out) == {
        "x": 50.0,
        "y": 25.0,
        "width": 10.0,
        "height": 10.0,
        "rotation": 0,
        "rectanglelabels": ["car"],
    }
    assert {path.name for path in tmp_path.iterdir()} == {"traffic.xml", "coco.json", "yolo"}
