"""A run whose embeddings are worth nothing says so wherever it shows itself, and praises nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import lightly_nb as lnb
from lightly_nb.embeddings_csv import write_embeddings_csv
from lightly_nb.events import Event
from lightly_nb.report import SECTIONS, report_facts
from lightly_nb.samples.embedding_check import NOT_WORTH
from lightly_nb.widgets.run_monitor import html
from lightly_nb.widgets.run_monitor.static import print_run, summary
from lightly_nb.widgets.run_monitor.story import RunStory
from tests.photos import write_photographs

SAID = "embedding check: NOT WORTH SELECTING FROM"
PRAISE = ("saves", "Better than", "as well as", "better than")


def test_a_run_on_collapsed_embeddings(tmp_path: Path) -> None:
    names = write_photographs(tmp_path / "photos", 24)
    alike = 1 + 1e-4 * np.random.default_rng(0).normal(size=(24, 8))
    write_embeddings_csv(tmp_path / "embeddings.csv", names, alike.astype(np.float32), [0] * 24)
    heard: list[Event] = []
    run = lnb.run(
        tmp_path / "photos",
        tmp_path / "out",
        n_samples=6,
        worker_config={"embeddings": str(tmp_path / "embeddings.csv"), "generate_report": False},
        on_event=heard.append,
    )
    check = run.samples.embedding_check
    assert check is not None
    assert check.verdict == NOT_WORTH
    assert lnb.open_run(run.path).samples.embedding_check == check
    assert run.message.endswith(f"6 of 24 samples selected; {SAID}")
    warned = [event["message"] for event in heard if event.get("level") == "warning"]
    assert any(message.startswith(SAID) and "have collapsed" not in message for message in warned)

    story = RunStory()
    for event in run.events():
        story.add(event)
    assert SAID in html.notes(story)
    assert 'role="alert"' in html.notes(story)
    assert SAID in summary(story, run.state, run.message, 0.0)
    lines: list[str] = []
    print_run(run, lines.append)
    assert sum(SAID in line and "collapsed" in line for line in lines) == 1

    sections = {name: section for name, section in SECTIONS.items() if name not in ("maps", "job")}
    facts, _ = report_facts(run.samples, run.selection, sections=sections)
    assert next(iter(SECTIONS)) == "embedding_check"
    assert facts["embedding_check"]["finding"].startswith("WARNING: these embeddings are not worth")
    assert facts["embedding_check"]["what_to_do"].startswith("Picks made from these embeddings are no better")
    for name in ("baseline", "savings"):
        assert facts[name]["skipped"].endswith("the embeddings are not worth selecting from")
    for name in sections:
        finding = facts[name].get("finding", "")
        assert not any(word in finding for word in PRAISE), f"{name}: {finding}"
