"""The scatter without a browser: traits, buttons as methods, background layouts."""

from __future__ import annotations

import threading
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lightly_nb.errors import InputError, LightlyNBError
from lightly_nb.events import silent
from lightly_nb.samples import Samples
from lightly_nb.selection import Selection, select
from lightly_nb.widgets import scatter
from lightly_nb.widgets.scatter_plot.model import ScatterModel
from lightly_nb.widgets.scatter_plot.panel import ScatterPanel
from tests.widgets.drawn import drawn_samples


@pytest.fixture
def samples() -> Samples:
    return drawn_samples(60)


@pytest.fixture
def picks(samples: Samples) -> Selection:
    return select(samples, 8, on_event=silent)


@pytest.fixture
def panel(samples: Samples, picks: Selection) -> ScatterModel:
    return scatter(samples, picks, umap=False)


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ([3, 1, 3], [3, 1]),
        (np.array([True, False, True] + [False] * 57), [0, 2]),
        (["folder 0/image 0002.jpg", "folder 1/image 0001.jpg"], [2, 1]),
        ((), []),
        (7, [7]),
        ("folder 1/image 0003.jpg", [3]),
        (None, []),
    ],
)
def test_selected_takes_rows_a_mask_or_names(panel: ScatterModel, given: object, rows: list[int]):
    panel.selected = given
    assert panel.selected.tolist() == rows
    assert panel.selected.dtype == np.int64


def test_selected_takes_a_selection_and_a_table(panel: ScatterModel, picks: Selection):
    panel.selected = picks
    assert panel.selected.tolist() == picks.rows.tolist()
    panel.selected = panel.samples.table.query("weather == 'snow'")
    assert panel.selected.tolist() == list(range(1, 60, 3))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([60], "selected: row 60 is not there; allowed are 0 to 59"),
        (["x.jpg"], "not among the 60 samples"),
        ([True, False], "a mask needs 60 values"),
        ([0.5], "give row numbers, a mask of 60 truth values or file names"),
    ],
)
def test_what_is_no_row_is_refused_and_changes_nothing(panel: ScatterModel, given: object, said: str):
    panel.selected = [5]
    with pytest.raises(InputError, match=said):
        panel.selected = given
    assert panel.selected.tolist() == [5]


def test_selected_can_be_observed_and_its_rows_are_a_table(panel: ScatterModel, picks: Selection):
    heard: list[list[int]] = []
    panel.observe(lambda change: heard.append(change["new"].tolist()), "selected")
    first = int(picks.rows[0])
    panel.selected = [first, 4]
    assert heard == [[first, 4]]
    table = panel.selection()
    assert table.index.tolist() == [panel.samples.filenames[row] for row in (first, 4)]
    assert table["row"].tolist() == [first, 4]
    assert table["step"].iloc[0] == 1
    assert table["reason"].iloc[0] == "selected at step 1"
    assert {"sharpness", "weather"} <= set(table.columns)


def test_the_lasso_as_images(panel: ScatterModel):
    panel.selected = [2, 5]
    html = panel.images()._repr_html_()
    assert html.count("<img") == 2
    assert "image 0005.jpg" in html


def test_more_like_these_are_the_nearest_by_cosine(panel: ScatterModel):
    vectors = panel.samples.embeddings
    direction = vectors[[0, 3]].mean(axis=0)
    likeness = vectors @ direction / np.linalg.norm(vectors, axis=1)
    expected = [row for row in np.argsort(-likeness, kind="stable") if row not in (0, 3, 6)][:5]
    panel.ban([6])
    panel.selected = [0, 3]
    assert panel.more_like_these(5).tolist() == expected
    assert panel.selected.tolist() == [0, 3, *expected]


def test_more_like_nothing_says_what_to_do(panel: ScatterModel):
    with pytest.raises(InputError, match="draw one or set `selected` first"):
        panel.more_like_these()


def test_locked_are_picked_banned_never_and_the_lasso_counts_as_selected(
    panel: ScatterModel, picks: Selection
):
    panel.lock([1, 2])
    panel.ban([2, *picks.rows[:2]])
    assert panel.locked.tolist() == [1]
    fresh = panel.reselect(around=[10, 11])
    assert fresh is panel.picks
    assert len(fresh) == len(picks)
    assert 1 in fresh.rows
    assert not {2, 10, 11, *picks.rows[:2].tolist()} & set(fresh.rows.tolist())
    assert fresh.preselected == [panel.samples.filenames[row] for row in (10, 11)]
    assert fresh.filenames == select(
        panel.samples, 8, preselected=fresh.preselected, lock=[panel.samples.filenames[1]],
        ban=[panel.samples.filenames[row] for row in panel.banned], on_event=silent,
    ).filenames  # fmt: skip
    panel.release([1, 2])
    assert 1 not in panel.locked
    assert 2 not in panel.banned


def test_reselect_without_a_selection_asks_for_a_number(samples: Samples):
    panel = scatter(samples, umap=False)
    with pytest.raises(InputError, match="n_samples is needed"):
        panel.reselect()
    assert len(panel.reselect(3, on_event=silent)) == 3
    assert panel.color_by == "selected or not"


def test_umap_is_computed_beside_the_kernel_and_kept_on_new_samples(samples: Samples):
    panel = scatter(samples, umap=False)
    arrived = threading.Event()
    panel.observe(lambda change: arrived.set(), "samples")
    panel.show_projection("umap_5")
    assert panel.projection == "pca"
    assert panel.in_work == ["umap_5"]
    assert panel.wait(120)
    assert arrived.is_set()
    assert panel.projection == "umap_5", "it is shown as soon as it is ready"
    assert panel.samples.arrays["umap_5"].shape == (60, 2)
    assert "umap_5" not in samples.arrays
    again = scatter(panel.samples, umap=True, projection="umap_5")
    assert "umap_5" not in again.in_work
    again.stop_umap()


def test_a_failure_of_umap_is_raised_by_wait(samples: Samples, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    panel = scatter(samples, umap=False)
    panel.compute_umap(5)
    with pytest.raises(LightlyNBError, match="UMAP ended early"):
        panel.wait(60)
    assert panel.in_work == []


def test_a_projection_that_is_not_there_is_refused_with_those_that_are(panel: ScatterModel):
    with pytest.raises(InputError, match=r"'umap_15' is not there; ready are \['pca'\]"):
        panel.projection = "umap_15"


def test_samples_stay_the_same_samples(panel: ScatterModel):
    with pytest.raises(InputError, match="the same samples with further arrays"):
        panel.samples = panel.samples.take([0, 1])


def test_the_page_is_self_contained_and_no_name_becomes_markup(picks: Selection, tmp_path: Path):
    hostile = "</script><img src=x onerror=alert(1)>&\"'.jpg"
    names = [hostile, *(f"{row}.jpg" for row in range(1, 60))]
    panel = scatter(drawn_samples(60, names=names), umap=False, color_by="weather")
    html = panel.to_html(tmp_path / "page.html", most_pictures=5)
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == html
    parser = Tags()
    parser.feed(html)
    assert "img" not in parser.seen
    assert not parser.fetched
    assert html.count("data:image/jpeg;base64,") == 5
    panel.color_by = "sharpness"
    assert "sharpness" in panel.to_html()


class Tags(HTMLParser):
    """Collects the tags of a page and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.fetched += [
            value for name, value in attrs if name in ("src", "href") and value and value[:4] == "http"
        ]


def test_without_anywidget_bokeh_shows_it_and_the_methods_stay(samples, picks, monkeypatch):
    monkeypatch.setattr("lightly_nb.widgets.scatter_plot.call.find_spec", lambda name: None)
    panel = scatter(samples, picks, umap=False)
    assert not isinstance(panel, ScatterPanel)
    html = panel._repr_html_()
    assert "pip install anywidget" in html
    assert "<iframe" in html
    panel.selected = [1]
    assert panel.selection().index.tolist() == [samples.filenames[1]]


def test_samples_without_embeddings_say_what_to_do():
    with pytest.raises(InputError, match=r"call lightly_nb.embed\(samples, checkpoint\) first"):
        scatter(Samples(pd.DataFrame(index=["a.jpg"])))


def test_one_sample_and_rows_that_are_not_finite_are_shown():
    assert len(scatter(drawn_samples(1), umap=False).samples) == 1
    vectors = np.array(drawn_samples(20).embeddings)
    vectors[3] = np.nan
    samples = drawn_samples(20).with_array("embeddings", vectors)
    panel = scatter(samples)
    assert not panel.in_work, "UMAP cannot place what is not finite"
    assert np.flatnonzero(np.isnan(panel.samples.arrays["pca"]).any(axis=1)).tolist() == [3]
