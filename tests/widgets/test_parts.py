"""The small parts that panels share: rows on the wire, colours, layouts, errors, what the page gets."""

from __future__ import annotations

import nbclient
import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightly_nb.display import palette
from lightly_nb.errors import InputError
from lightly_nb.events import silent
from lightly_nb.samples import Samples
from lightly_nb.selection import select
from lightly_nb.vectors.layouts import fitted, pca_layout
from lightly_nb.widgets.scatter_plot.coloring import MOST_CATEGORIES, color_by, color_choices
from lightly_nb.widgets.scatter_plot.panel import ScatterPanel
from lightly_nb.widgets.scatter_plot.static import scatter_png, static_html
from lightly_nb.widgets.shared.errors import errors_shown
from lightly_nb.widgets.shared.rows import pack_rows, unpack_rows
from tests.widgets.drawn import drawn_samples


@given(st.lists(st.booleans(), min_size=1, max_size=80))
def test_rows_survive_the_wire(mask: list[bool]):
    rows = np.flatnonzero(mask)
    packed = pack_rows(rows, len(mask))
    assert len(packed) == (len(mask) + 7) // 8
    assert unpack_rows(memoryview(packed), len(mask)).tolist() == rows.tolist()


def test_a_mask_of_another_length_is_refused():
    with pytest.raises(InputError, match="a mask of 1 bytes does not belong to 9 samples"):
        unpack_rows(b"\x00", 9)


def table_of(**columns: object) -> Samples:
    table = pd.DataFrame(columns)
    return Samples(table.set_axis([f"{row}.jpg" for row in range(len(table))]))


def test_numbers_get_a_bar_and_what_has_no_value_is_said():
    coloring = color_by(table_of(size=[2.0, np.nan, 4.0, 3.0]), None, "size")
    assert coloring.codes.tolist() == [1, 0, 255, 128]
    assert (coloring.legend["low"], coloring.legend["high"], coloring.legend["rest"]) == (
        "2",
        "4",
        "no value",
    )


def test_a_constant_and_an_empty_number_column_are_fine():
    assert color_by(table_of(size=[5, 5]), None, "size").codes.tolist() == [1, 1]
    assert color_by(table_of(size=[np.nan, np.nan]), None, "size").codes.tolist() == [0, 0]


def test_categories_come_by_size_and_further_ones_share_a_color():
    values = [f"c{number:02d}" for number in range(30) for _ in range(31 - number)] + [None]
    coloring = color_by(table_of(kind=values), None, "kind")
    entries = coloring.legend["entries"]
    assert [entry["label"] for entry in entries[:2]] == ["c00", "c01"]
    assert len(entries) == MOST_CATEGORIES + 1
    assert entries[-1] == {
        "code": 0, "label": "6 other categories or no value", "color": palette.REMOVED, "shape": 0,
        "count": int((coloring.codes == 0).sum()),
    }  # fmt: skip
    assert len({(entry["color"], entry["shape"]) for entry in entries}) == len(entries)
    for entry in entries[:-1]:
        assert (coloring.codes == entry["code"]).sum() == entry["count"] == values.count(entry["label"])


def test_truth_values_and_times_can_color():
    times = pd.to_datetime(["2026-01-01", "2026-01-03", "2026-01-02"])
    samples = table_of(night=[True, False, True], taken=times)
    assert [entry["label"] for entry in color_by(samples, None, "night").legend["entries"]] == [
        "True",
        "False",
    ]
    coloring = color_by(samples, None, "taken")
    assert coloring.codes.tolist() == [1, 255, 128]
    assert coloring.legend["low"].startswith("2026-01-01")


def test_selected_and_order_follow_the_selection_whatever_the_order_of_rows():
    samples = drawn_samples(30)
    picks = select(samples, 5, on_event=silent)
    turned = samples.take(np.arange(30)[::-1])
    coloring = color_by(turned, picks, "selected or not")
    assert {turned.filenames[row] for row in np.flatnonzero(coloring.codes)} == set(picks.filenames)
    order = color_by(samples, picks, "order of picking").codes[picks.rows]
    assert order.tolist() == [1, 64, 128, 192, 255]


def test_folders_color_under_the_name_that_they_have_everywhere_and_what_is_for_machines_does_not():
    table = pd.DataFrame({"content_hash": ["1", "2", "2"]}, index=["a/1.jpg", "a/2.jpg", "3.jpg"])
    samples = Samples(table)
    assert color_choices(samples) == ["one color", "sub-folder"]
    coloring = color_by(samples, None, "sub-folder")
    assert coloring.codes.tolist() == [1, 1, 2]
    assert [entry["label"] for entry in coloring.legend["entries"]] == ["a", "(top)"]


def test_columns_of_lists_are_no_colors_and_an_unknown_one_is_refused():
    samples = table_of(boxes=[[1], [2]], name=["a", "b"])
    assert color_choices(samples) == ["one color", "name"]
    with pytest.raises(
        InputError, match=r"color_by: 'nme' is not there; allowed are \['one color', 'name'\]"
    ):
        color_by(samples, None, "nme")


def test_errors_raised_on_purpose_show_their_message_and_others_their_trace():
    shown: list[str] = []
    with errors_shown(shown.append):
        raise InputError("n: got -1; allowed are 1 and more")
    with errors_shown(shown.append):
        raise KeyError("weather")
    assert shown[0] == "n: got -1; allowed are 1 and more"
    assert "Traceback" in shown[1]
    assert "KeyError: 'weather'" in shown[1]
    with pytest.raises(KeyboardInterrupt), errors_shown(shown.append):
        raise KeyboardInterrupt


def test_a_browser_that_asks_for_what_is_not_there_gets_an_error_and_the_panel_lives():
    panel = ScatterPanel(drawn_samples(10), umap=False)
    sent: list[dict] = []
    panel.send = lambda content, buffers=None: sent.append(content)  # type: ignore[method-assign]
    panel._on_message(panel, {"type": "rows", "view": "v"}, [b"\x00" * 9])
    panel._on_message(panel, {"type": "do", "what": "explode"}, [])
    panel._on_message(panel, {"type": "want", "view": "v", "rows": [3, 99], "ask": "near"}, [])
    assert [message["type"] for message in sent] == ["error", "error", "items"]
    assert "a mask of 9 bytes does not belong to 10 samples" in sent[0]["text"]
    assert "'explode'; allowed are" in sent[1]["text"]
    assert [item["row"] for item in sent[2]["items"]] == [3]


def test_no_points_and_no_pictures_are_in_the_state_that_a_notebook_saves():
    panel = ScatterPanel(drawn_samples(5000), umap=False)
    panel.selected = range(5000)
    assert sum(len(str(value)) for value in panel.get_state().values()) < 60_000


def test_the_static_picture_is_small_escaped_and_drawn():
    names = ["<b>&\"'.jpg", *(f"{row}.jpg" for row in range(1, 3000))]
    samples = drawn_samples(3000, names=names)
    samples = samples.with_array("pca", pca_layout(samples.embeddings)[0])
    html = static_html(samples, None, color_by(samples, None, "weather"), "pca")
    assert len(html) < 100_000
    assert "<b>" not in html
    assert "3,000 samples; PCA of their embeddings" in html
    many = np.random.default_rng(0).normal(size=(300_000, 2)).astype(np.float32)
    crowd = Samples(pd.DataFrame(index=pd.RangeIndex(300_000).astype(str)))
    assert len(scatter_png(fitted(many), color_by(crowd, None, "one color"))) < 60_000


def test_a_notebook_run_without_a_browser_holds_a_picture_and_then_the_widget():
    code = (
        "from tests.widgets.drawn import drawn_samples\nfrom lightly_nb.widgets import scatter\n"
        "scatter(drawn_samples(30), umap=False)"
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    static, live = book.cells[0].outputs
    assert set(static["data"]) == {"text/html", "text/plain"}
    assert "data:image/png;base64," in static["data"]["text/html"]
    assert "ScatterPanel(30 samples" in static["data"]["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in live["data"]
