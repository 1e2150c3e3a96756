"""The results viewer without a browser: what every view lists, pages, marks, cards, and what is saved."""

from __future__ import annotations

import importlib.util
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import lightly_nb as lnb
from lightly_nb.datasource import open_datasource
from lightly_nb.errors import InputError
from lightly_nb.events import silent
from lightly_nb.samples import Samples, quarantine_table
from lightly_nb.selection import Selection, select
from lightly_nb.widgets.results_viewer.model import ResultsModel
from lightly_nb.widgets.results_viewer.panel import ResultsPanel
from lightly_nb.widgets.results_viewer.views import Entries, matching
from tests.photos import write_photographs
from tests.widgets.drawn import drawn_jpeg, drawn_samples

HOSTILE = "<script>alert(1)</script>/été 天坛 \"'&.jpg"
N, PICKED = 120, 10


def left_out(name: str, of: str | None = None) -> dict[str, Any]:
    reason = f"same content as '{of}'" if of else "the file is empty (0 bytes)"
    stage = "exact duplicates" if of else "corruptness check"
    return {"filename": name, "stage": stage, "reason": reason, "what_to_do": "nothing", "duplicate_of": of}


def quarantined(samples: Samples) -> Samples:
    """The samples, with two copies of row 3, one of row 1 and a broken file in quarantine."""
    names = samples.filenames
    rows = [
        ("z copy.jpg", names[3]),
        ("a copy.jpg", names[3]),
        ("b copy.jpg", names[1]),
        ("broken.jpg", None),
    ]
    return replace(samples, quarantine=quarantine_table(left_out(name, of) for name, of in rows))


@pytest.fixture
def samples() -> Samples:
    names = [f"folder {row % 2}/image {row:04d}.jpg" for row in range(N)]
    names[7] = HOSTILE
    return quarantined(drawn_samples(N, names=names))


@pytest.fixture
def picks(samples: Samples) -> Selection:
    return select(samples, PICKED, on_event=silent)


@pytest.fixture
def panel(samples: Samples, picks: Selection) -> ResultsPanel:
    panel = lnb.show_results(samples, picks)
    assert isinstance(panel, ResultsPanel)
    assert panel.wait(60)
    return panel


def brute_force(samples: Samples, picks: Selection) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest selected row of every sample and the distance."""
    vectors = samples.embeddings.astype(np.float64)
    distances = np.sqrt(((vectors[:, None] - vectors[None, picks.rows]) ** 2).sum(axis=2))
    return picks.rows[distances.argmin(axis=1)], distances.min(axis=1)


def test_selected_come_in_the_order_picked_and_say_their_step(panel: ResultsPanel, picks: Selection):
    assert panel.shown == picks.filenames
    assert [item["lines"] for item in panel.items()] == [[f"step {n}"] for n in range(1, PICKED + 1)]
    assert [item["row"] for item in panel.items()] == picks.rows.tolist()
    assert panel.counts == {"selected": PICKED, "removed": N - PICKED, "duplicates": 5, "quarantine": 4}


def test_removed_stand_beside_their_nearest_selected_one_in_either_order(panel, samples, picks):
    nearest, distances = brute_force(samples, picks)
    removed = np.setdiff1d(np.arange(N), picks.rows)
    expected = removed[np.argsort(distances[removed], kind="stable")]
    panel.view, panel.page_size = "removed", 96
    for order, rows in (("nearest first", expected), ("farthest first", expected[::-1])):
        panel.order = order
        items = [*panel.items(1), *panel.items(2)]
        assert [item["row"] for item in items] == rows.tolist()
        assert [item["mate"]["row"] for item in items] == nearest[rows].tolist()
        assert [item["lines"][0] for item in items] == [f"{distances[row]:.3g} apart" for row in rows]


def test_duplicates_come_by_group_the_kept_one_first(panel: ResultsPanel, samples: Samples):
    names = samples.filenames
    panel.view = "duplicates"
    assert panel.shown == [names[1], "b copy.jpg", names[3], "a copy.jpg", "z copy.jpg"]
    assert [item["role"] for item in panel.items()] == ["kept", "left out", "kept", "left out", "left out"]
    assert panel.items()[2]["lines"] == ["kept; 2 exact copies"]
    assert panel.picture("file:a copy.jpg") == samples.thumbnails.read(3), (
        "a copy has the picture of the kept"
    )
    panel.filter = "Z COPY"
    assert panel.shown == [names[3], "a copy.jpg", "z copy.jpg"], "a group stays whole"


def test_quarantine_says_why_and_what_to_do(panel: ResultsPanel, samples: Samples):
    panel.view = "quarantine"
    assert panel.shown == ["z copy.jpg", "a copy.jpg", "b copy.jpg", "broken.jpg"]
    assert panel.items()[3]["lines"] == ["the file is empty (0 bytes)", "nothing"]
    assert panel.items()[0]["lines"] == [f"copy of {samples.filenames[3]}"]
    panel.current = "broken.jpg"
    assert panel.card() == [
        ("left out by", "corruptness check"),
        ("reason", "the file is empty (0 bytes)"),
        ("what to do", "nothing"),
    ]
    assert panel.picture("file:broken.jpg") == b""


def test_a_file_in_quarantine_shows_what_can_still_be_decoded(tmp_path: Path):
    names = write_photographs(tmp_path, 3)
    content = (tmp_path / names[0]).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.jpg").write_text("not a picture")
    samples = drawn_samples(4, thumbnails=False)
    broken = quarantine_table(left_out(name) for name in ("cut.jpg", "text.jpg", "gone.jpg", "../out.jpg"))
    samples = replace(samples, quarantine=broken, source=open_datasource(str(tmp_path)))
    panel = ResultsModel(samples, select(samples, 2, on_event=silent))
    with Image.open(io.BytesIO(panel.picture("file:cut.jpg"))) as image:
        assert max(image.size) <= 128
        assert image.convert("L").getextrema()[1] > 0
    for name in ("text.jpg", "gone.jpg", "../out.jpg"):
        assert panel.picture(f"file:{name}") == b"", name
    with pytest.raises(InputError, match=r"'secret.txt' is neither a sample nor in quarantine"):
        panel.picture("file:secret.txt")


def test_pages_filter_and_rows(panel: ResultsPanel, samples: Samples, picks: Selection):
    panel.view, panel.page_size = "removed", 12
    assert panel.n_pages == 10
    everything = [name for page in range(1, 11) for name in [item["name"] for item in panel.items(page)]]
    assert sorted(everything) == sorted(set(samples.filenames) - set(picks.filenames))
    panel.page = 10
    assert len(panel.shown) == 2
    panel.next_page()
    assert panel.page == 10
    with pytest.raises(InputError, match="page: got 11; allowed are 1 to 10"):
        panel.page = 11
    panel.filter = "IMAGE 001"
    assert panel.page == 1
    assert panel.shown == [name for name in everything if "image 001" in name]
    panel.filter = ""
    panel.rows = [int(picks.rows[0]), 7]
    assert panel.shown == [HOSTILE]
    panel.view = "selected"
    assert panel.shown == [picks.filenames[0]]
    panel.rows = None
    panel.filter = "nothing has this name"
    assert (panel.shown, panel.n_pages, panel.page) == ([], 1, 1)


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 3)), max_size=12), st.text(max_size=2))
def test_a_filter_keeps_whole_groups_and_nothing_else(files: list[tuple[str, int]], text: str):
    names = np.array([name for name, _ in files], dtype=object)
    groups = np.array([group for _, group in files], dtype=np.int64)
    entries = Entries(np.arange(len(files)), names, groups)
    wanted = {group for name, group in files if text.casefold() in name.casefold()}
    expected = [at for at, (_, group) in enumerate(files) if group in wanted]
    assert matching(entries, text).rows.tolist() == expected


def test_marks_are_rows_that_python_sees_and_sets(panel: ResultsPanel, samples: Samples, picks: Selection):
    heard: list[list[int]] = []
    panel.observe(lambda change: heard.append(change["new"].tolist()), "selected")
    panel.mark(5)
    panel.mark(HOSTILE)
    panel.mark(5)
    assert heard == [[5], [5, 7], [7]]
    panel.selected = picks
    table = panel.selection()
    assert table["row"].tolist() == picks.rows.tolist()
    assert table["step"].tolist() == list(range(1, PICKED + 1))


def test_a_card_says_why_in_full_and_what_the_table_knows(panel: ResultsPanel, picks: Selection):
    panel.current = picks.filenames[2]
    card = dict(panel.card())
    assert f"{picks.filenames[2]}: {card['why']}" == picks.explain(picks.filenames[2])
    assert set(card) == {"why", "sharpness", "weather"}
    panel.view = "removed"
    assert panel.current == "", "another view closes the card"
    with pytest.raises(InputError, match=r"current: 'no.jpg' is neither a sample nor in quarantine"):
        panel.current = "no.jpg"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "view",
            "all",
            r"view: got 'all'; allowed are \['selected', 'removed', 'duplicates', 'quarantine'\]",
        ),
        ("order", "random", r"order: got 'random'; allowed are \['nearest first', 'farthest first'\]"),
        ("page_size", 7, r"page_size: got 7; allowed are \[12, 24, 48, 96\]"),
    ],
)
def test_an_unknown_choice_is_refused(panel: ResultsPanel, name: str, value: Any, said: str):
    with pytest.raises(InputError, match=said):
        setattr(panel, name, value)


def test_without_a_selection_the_error_says_what_to_give(samples: Samples):
    with pytest.raises(InputError, match="show_results: give a run, or samples and a selection of them"):
        lnb.show_results(samples)
    other = select(drawn_samples(10, names=[f"{n}.jpg" for n in range(10)]), 2, on_event=silent)
    with pytest.raises(InputError, match=r"2 file name\(s\) are not among the 120 samples"):
        lnb.show_results(samples, other)


def test_one_sample_all_selected_none_removed_no_pictures():
    samples = drawn_samples(1, thumbnails=False)
    panel = lnb.show_results(samples, select(samples, 1, on_event=silent))
    assert panel.wait(60)
    assert panel.counts == {"selected": 1, "removed": 0, "duplicates": 0, "quarantine": 0}
    for view in ("removed", "duplicates", "quarantine"):
        panel.view = view
        assert (panel.shown, panel.n_pages) == ([], 1)
        assert "<figure" not in panel.still_html()
    panel.view = "selected"
    assert panel.picture(panel.items()[0]["id"]) == b""
    assert "no picture" in panel.still_html()


def test_samples_without_embeddings_are_listed_without_neighbours():
    full = drawn_samples(20)
    samples = Samples(full.table)
    weights = [{"input": {"type": "METADATA", "key": "sharpness"}, "strategy": {"type": "WEIGHTS"}}]
    panel = lnb.show_results(samples, select(samples, 4, strategies=weights, on_event=silent), view="removed")
    assert panel.wait(60)
    assert len(panel.shown) == 16
    assert panel.items()[0]["lines"] == ["no selected neighbour"]


def test_what_was_selected_before_is_kept_too(samples: Samples):
    before = samples.filenames[20:22]
    picks = select(samples, 3, preselected=before, on_event=silent)
    panel = lnb.show_results(samples, picks)
    assert panel.wait(60)
    assert panel.shown == [*picks.filenames, *before]
    assert panel.items()[-1]["lines"] == ["selected before"]
    panel.view, panel.page_size = "removed", 96
    rows = np.concatenate([picks.rows, [20, 21]])
    assert {item["mate"]["row"] for item in panel.items()} <= set(rows.tolist())


def test_a_failure_in_the_background_is_said_and_raised(samples: Samples, picks: Selection):
    def broken() -> None:
        raise RuntimeError("no table today")

    said: list[str] = []

    class Heard(ResultsModel):
        def _show_error(self, text: str) -> None:
            said.append(text)

    panel = Heard(samples, replace(picks, _tables={}, _compute={"table": broken}))
    with pytest.raises(RuntimeError, match="no table today"):
        panel.wait(60)
    assert "no table today" in said[0]
    assert panel.shown == picks.filenames, "what is known is shown still"


def test_the_static_output_is_small_escaped_and_of_the_first_page(panel: ResultsPanel, picks: Selection):
    panel.view, panel.order = "removed", "nearest first"
    panel.filter = "script"
    html = panel.still_html()
    assert "<script" not in html
    assert html.count("<img") == 2
    assert f"{PICKED:,} selected" in html
    panel.filter = ""
    assert len(panel.still_html()) < 100_000


def test_the_page_for_people_without_a_kernel_has_every_view(panel: ResultsPanel, tmp_path: Path):
    html = panel.to_html(tmp_path / "results.html", most_pictures=20)
    assert (tmp_path / "results.html").read_text(encoding="utf-8") == html
    assert html.count("<figure") == PICKED + 20 + 5 + 4
    assert "Removed: 110, the first 20 of them" in html
    assert "<script" not in html
    assert "http" not in html


def test_messages_of_the_browser_and_their_answers(panel: ResultsPanel, samples: Samples):
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    panel.send = lambda content, buffers=None: sent.append((content, buffers or []))  # type: ignore[method-assign]
    panel._on_message(panel, {"type": "ready", "client": "one"}, [])
    assert [content["type"] for content, _ in sent] == ["menu", "page", "card"]
    assert all(content["client"] == "one" for content, _ in sent)
    sent.clear()
    panel._on_message(panel, {"type": "want", "client": "one", "keys": ["row:3", "row:7"]}, [])
    assert sent == [
        ({"type": "pictures", "client": "one", "keys": ["row:3", "row:7"]}, [drawn_jpeg(3), drawn_jpeg(7)])
    ]
    sent.clear()
    panel._on_message(panel, {"type": "mark", "row": 3}, [])
    assert (sent[0][0]["type"], sent[0][0]["n_marked"]) == ("marked", 1)
    for message, said in (
        ({"type": "set", "name": "samples", "value": 1}, "the browser asked for 'samples'; allowed are"),
        ({"type": "want", "keys": ["row:500"]}, "row 500 is not there"),
    ):
        sent.clear()
        panel._on_message(panel, message, [])
        assert sent[0][0]["type"] == "error"
        assert said in sent[0][0]["text"]


def test_without_anywidget_a_picture_says_what_to_install(samples, picks, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "lightly_nb.widgets.results_viewer.call.find_spec",
        lambda name: None if name == "anywidget" else find(name),
    )
    panel: Any = lnb.show_results(samples, picks, view="removed")
    assert panel.wait(60)
    assert not isinstance(panel, ResultsPanel)
    first, html = panel.shown, panel._repr_html_()
    assert "pip install anywidget" in html
    assert html.count("<img") == 2 * 12
    panel.page = 2
    assert panel.shown != first
    assert f'alt="{panel.shown[0]}"' in panel._repr_html_()


def test_a_notebook_has_the_static_picture_and_then_the_widget():
    code = """
from tests.widgets.drawn import drawn_samples
from lightly_nb import select, show_results
from lightly_nb.events import silent
samples = drawn_samples(40)
show_results(samples, select(samples, 5, on_event=silent))
"""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    static, live = (output["data"] for output in book.cells[0]["outputs"])
    assert static["text/html"].count("<img") == 5
    assert "application/vnd.jupyter.widget-view+json" in live
    assert len(nbformat.writes(book)) < 150_000
