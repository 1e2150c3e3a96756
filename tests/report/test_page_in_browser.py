"""The page in a headless Chromium without a network: no error, and maps and histograms that answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lightly_nb.events import silent
from lightly_nb.report import build_report
from tests.report.made_up import farthest, made_up_samples, trained_job

EVIL = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1> 日本.jpg"
READY = "window.Bokeh && Bokeh.documents.length > 0 && Bokeh.documents.every(d => d.is_idle)"
PLACE_OF_FIRST = """() => {
    const view = [...Bokeh.index].find(v => v.model.title && v.model.title.text === 'PCA');
    view.el.scrollIntoView({block: 'center'});
    const data = view.model.renderers[0].data_source.data;
    const box = view.el.getBoundingClientRect();
    return {
        x: box.left + view.frame.x_scale.compute(data.x_pca[0]),
        y: box.top + view.frame.y_scale.compute(data.y_pca[0]),
        name: data.filename[0],
    };
}"""
"""Where on the window the first sample is drawn."""


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The page of a report with hostile names, opened from disk with the network off."""
    names = [f"{number:03d} {EVIL}" for number in range(60)]
    samples = made_up_samples(60, names=names)
    options = {"umap": False}
    report = build_report(samples, farthest(samples, 6), trained_job(3), options=options, on_event=silent)
    path: Path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report.to_html(), encoding="utf-8")
    context = browser.new_context(offline=True, viewport={"width": 1000, "height": 900})
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda r: said.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
    opened.goto(path.as_uri())
    opened.wait_for_function(READY)
    opened.said = said
    yield opened
    context.close()


def test_it_opens_without_a_network_and_without_an_error(page: Any) -> None:
    assert page.said == []
    assert page.evaluate("window.hacked") is None
    assert page.title() == "6 images of 60 selected (10 %)"
    assert page.locator("section").count() == 11
    broken = "[...document.images].filter(i => !i.naturalWidth).length"
    assert page.evaluate(broken) == 0


def test_nothing_is_wider_than_the_window(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 1000


def test_the_pointer_over_a_map_shows_the_picture_and_the_name(page: Any) -> None:
    place = page.evaluate(PLACE_OF_FIRST)
    page.mouse.move(place["x"] - 40, place["y"] - 40)
    page.mouse.move(place["x"], place["y"], steps=4)
    tip = page.locator(".bk-tooltip-content:visible", has_text=place["name"][:3])
    tip.first.wait_for(timeout=5000)
    assert EVIL in tip.first.inner_text()
    assert tip.first.locator("[style*=sprites]").bounding_box()["width"] > 40
    image = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--sprites').length")
    assert image > 1000
    assert page.evaluate("window.hacked") is None
    assert page.said == []
