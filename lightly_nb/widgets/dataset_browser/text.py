"""What the dataset browser says, as lines of text; rows of its tables, as text and as static HTML.

Names, messages and paths come from people and files: `plain` takes control characters out here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from lightly_nb.api.models import DatasetData, DatasourceConfig, TagData
from lightly_nb.display.text import counted, duration
from lightly_nb.states import RunState
from lightly_nb.widgets.dataset_browser.facts import DatasetFacts, RunLine, tag_tree
from lightly_nb.widgets.run_monitor.files import plain
from lightly_nb.widgets.run_monitor.html import SIGNS, TONES, state_words

FIRST_STEPS = """\
client = lightly_nb.api.ApiWorkflowClient()
client.create_dataset("photos")
client.set_local_config("path/to/photos")"""
MOST_ROWS = 20
DEEPEST = 8
Row = tuple[str, ...]


def one_line(text: str) -> str:
    r"""Return text on one line, without control characters.

    >>> one_line("a\n\x1b[31m b")
    'a b'
    """
    return " ".join(plain(text).split())


def clock(ms: int) -> str:
    """Return a time of the store as this machine's clock shows it, to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(ms / 1000))


def dataset_detail(dataset: DatasetData) -> str:
    """Return what is said of a dataset beside its name."""
    shared = "" if dataset.access_type is None else " · shared with you"
    samples = counted(dataset.n_samples, "sample")
    return f"{dataset.type} · {samples} · {clock(dataset.last_modified_at)}{shared}"


def source_text(config: DatasourceConfig) -> str:
    """Return the kind, the path and the purpose of a datasource; no secret is in them."""
    both = config.purpose == "INPUT_OUTPUT"
    purpose = "INPUT and LIGHTLY" if both else str(config.purpose)
    return f"{purpose}: {config.type}, {one_line(config.full_path)}"


def run_title(line: RunLine) -> str:
    """Return the state of a run, and what was said last."""
    sign = SIGNS[TONES.get(line.state, "busy")]
    state = "Canceled" if line.state is RunState.CANCELED_OR_NOT_EXISTING else state_words(line.state)
    return f"{sign} {state}: {one_line(line.message)}" if line.message else f"{sign} {state}"


def run_times(line: RunLine, now: float) -> str:
    """Return when a run began, or was asked for, and how long it took or takes."""
    seconds = max(0.0, (line.ended / 1000 if line.ended else now) - line.began / 1000)
    if not line.run_id:
        return f"asked for {clock(line.began)}" + (f", {duration(seconds)} ago" if line.is_live else "")
    return f"began {clock(line.began)} · {'for' if line.is_live else 'took'} {duration(seconds)}"


def tag_detail(tag: TagData, facts: DatasetFacts) -> str:
    """Return what is said of a tag beside its name."""
    return " · ".join(part for part in _tag_row(tag, facts)[1:] if part)


def indented(depth: int) -> str:
    """Return what stands before a tag so many steps above the first one; browsers keep these blanks."""
    return "\u2003" * min(depth, DEEPEST)


def _tag_row(tag: TagData, facts: DatasetFacts) -> Row:
    names = {one.id: one.name for one in facts.tags}
    runs = {line.run_id: line for line in facts.runs}
    parent = f"on {one_line(names[tag.prev_tag_id])}" if tag.prev_tag_id in names else ""
    run = "made by hand"
    if tag.run_id:
        line = runs.get(tag.run_id)
        run = f"of the run of {clock(line.began)}" if line else "of a run"
    return one_line(tag.name), counted(tag.n_samples, "sample"), parent, run, clock(tag.created_at)


def tables(
    datasets: Sequence[DatasetData], facts: DatasetFacts | None, now: float
) -> list[tuple[str, Row, list[Row]]]:
    """Return title, header and rows of each table of the static output."""
    listed = [(one_line(one.name), *dataset_detail(one).split(" · ", 3)) for one in datasets]
    found: list[tuple[str, Row, list[Row]]] = [
        ("Datasets", ("name", "type", "samples", "modified", ""), [(*row, "")[:5] for row in listed])
    ]
    if facts is None:
        return found
    name = one_line(facts.dataset.name)
    runs: list[Row] = [(run_title(line), run_times(line, now)) for line in facts.runs]
    tags: list[Row] = [(indented(depth) + row[0], *row[1:]) for row, depth in _tag_rows(facts)]
    return [
        *found,
        (f"Runs of {name}", ("state", "when"), runs),
        (f"Tags of {name}", ("name", "size", "parent", "run", "created"), tags),
    ]


def _tag_rows(facts: DatasetFacts) -> Iterable[tuple[Row, int]]:
    return ((_tag_row(tag, facts), depth) for tag, depth in tag_tree(facts.tags))


def about_lines(facts: DatasetFacts) -> list[str]:
    """Return the datasources of a dataset and with whom it is shared, a line each."""
    sources = [source_text(config) for config in facts.datasources]
    shared = f"Shared with {', '.join(facts.shared_with)}" if facts.shared_with else "Shared with nobody"
    return [*(sources or ["no datasource yet: client.set_local_config(...)"]), shared]


def whole_text(datasets: Sequence[DatasetData], facts: DatasetFacts | None, now: float) -> str:
    """Return all that is known, as plain text."""
    if not datasets:
        return f"No dataset yet. To make one:\n{FIRST_STEPS}"
    lines: list[str] = []
    for number, (title, _, rows) in enumerate(tables(datasets, facts, now)):
        if facts is not None and number == 1:
            lines += [f"{one_line(facts.dataset.name)}", *(f"  {line}" for line in about_lines(facts))]
        lines.append(f"{title} ({len(rows):,})")
        lines += [f"  {'  '.join(cell for cell in row if cell)}" for row in rows[:MOST_ROWS]]
        lines += [f"  … {len(rows) - MOST_ROWS:,} more"] if len(rows) > MOST_ROWS else []
    return "\n".join(lines)
