"""The command line as a person and as a program would use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lightly_nb.cli import main

TINY = [
    "enable_training=true",
    "generate_report=false",
    "lightly.model.name=resnet-9",
    "lightly.model.width=0.125",
    "lightly.model.num_ftrs=16",
    "lightly.collate.input_size=32",
    "lightly.loader.batch_size=8",
    "lightly.trainer.max_epochs=1",
]


def command_line(
    *arguments: str | Path, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lightly_nb.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=env,
        check=False,
    )


def test_run_then_rerun_and_status(photo_folder, tmp_path):
    done = command_line("run", photo_folder, "--output", "out", "n_samples=4", *TINY, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "COMPLETED: 4 of 24 samples selected" in done.stdout
    assert "2 corrupt files and 1 exact duplicates" in done.stdout
    (folder,) = [path.parent for path in tmp_path.rglob("events.jsonl")]
    assert str(folder) in done.stdout
    again = command_line("rerun", folder, "--output", "again", "--json", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert events[-1]["state"] == "COMPLETED"
    (second,) = [path.parent for path in (tmp_path / "again").rglob("events.jsonl")]
    picks = "filenames/sampled_filenames_excluding_datapool.txt"
    assert (second / picks).read_bytes() == (folder / picks).read_bytes()
    assert main(["status", str(second)]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["run", "nowhere", "n_samples=1", "enable_training=true"], 2, "nowhere"),
        (["run", ".", "n_samples=1", "lightly.trainer.max_epoch=1"], 2, "Did you mean 'max_epochs'"),
        (["run", ".", "n_samples"], 2, "key=value"),
        (["status", "."], 2, "not a run folder"),
        (["resume", "."], 2, "not a run folder"),
        (["rerun", "nowhere"], 2, "not a run folder"),
        (["run", ".", "n_samples=1", "checkpoint=nowhere.ckpt"], 2, "nowhere.ckpt' does not exist"),
    ],
)
def test_errors_are_one_line_for_people_and_json_for_programs(
    arguments, code, text, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == code
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert told.err.startswith("lightly-nb: ")
    assert text in told.err
    assert main([*arguments, "--json"]) == code
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["level"] == "error"
    assert text in last["message"]


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(name in text for name in ("run", "rerun", "resume", "status", "cancel", "demo"))


def test_a_terminal_without_unicode_gets_escapes(photo_folder, tmp_path, tiny_checkpoint):
    """A container with LANG=C, or a log in latin-1."""
    options = [f"checkpoint={tiny_checkpoint}", "generate_report=false", "n_samples=2"]
    (photo_folder / "名.jpg").write_bytes(b"no picture")
    done = command_line(
        *("run", photo_folder, "--output", "aus \u00fc", *options),
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 0, done.stderr
    assert "COMPLETED: 2 of 24 samples selected" in done.stdout
    assert "aus \\xfc" in done.stdout


def test_a_run_that_fails_at_its_work_is_1_and_says_where(photo_folder, tmp_path, tiny_checkpoint, capsys):
    options = [f"checkpoint={tiny_checkpoint}", "generate_report=false", "n_samples=26"]
    assert main(["run", str(photo_folder), "--output", str(tmp_path / "out"), *options, "--json"]) == 1
    (folder,) = [path.parent for path in tmp_path.rglob("events.jsonl")]
    assert f"the run failed in '{folder}' (go on with it: lightly-nb resume)" in capsys.readouterr().err
    assert main(["run", str(photo_folder), "--output", str(tmp_path / "out"), *options, "n_samples=0"]) == 2


def test_a_rerun_of_the_command_line_can_refuse(photo_folder, tmp_path, tiny_checkpoint, capsys):
    options = [f"checkpoint={tiny_checkpoint}", "generate_report=false", "n_samples=2"]
    assert main(["run", str(photo_folder), "--output", str(tmp_path / "out"), *options, "--json"]) == 0
    (folder,) = [path.parent for path in tmp_path.rglob("events.jsonl")]
    (photo_folder / "cut.jpg").unlink()
    assert main(["rerun", str(folder), "--if-changed", "refuse", "--json"]) in (1, 2)
    assert "1 removed (cut.jpg)" in capsys.readouterr().err
