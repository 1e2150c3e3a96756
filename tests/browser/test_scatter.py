"""The scatter as a person sees it: in JupyterLab, in a real browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.browser.lab import Lab, Notebook
from tests.browser.scatter_page import Shown, alone, inside_polygon, near_polygon, square_around
from tests.browser.seeing import contrast, pixels, pixels_around, rgb, text_contrasts
from tests.widgets.drawn import row_color

N = 120
HOSTILE = '<img src=x onerror="console.error(1)"></script><b>.jpg'
MAKE = f"""
from tests.widgets.drawn import drawn_samples
from lightly_nb.widgets import scatter
from lightly_nb.selection import select
names = [f"folder {{row % 2}}/image {{row:04d}}.jpg" for row in range({N})]
names[7] = {HOSTILE!r}
samples = drawn_samples({N}, names=names)
samples = samples.with_array("umap_15", samples.embeddings[:, 2:4])
from lightly_nb.events import silent
picks = select(samples, 10, on_event=silent)
heard = []
panel = scatter(samples, picks, umap=False)
panel.observe(lambda change: heard.append(change["new"].tolist()), "selected")
"""
RESET = (
    "panel.picks, panel.selected, panel.locked, panel.banned = picks, [], [], []; panel.color_by = 'selected'"
)


@pytest.fixture
def shown(opened: Notebook, quiet_page: Lab) -> Shown:
    opened.do(RESET)
    quiet_page.theme("JupyterLab Light")
    shown = Shown(opened, N)
    shown.wait("root.dataset.selected === '0' && root.dataset.color === 'selected or not'")
    shown.page.mouse.move(0, 0)
    return shown


def test_hover_shows_the_right_picture_its_name_and_why(shown: Shown):
    places = shown.places()
    picks = shown.book.ask("picks.rows.tolist()")
    others = [row for row in range(N) if row not in picks]
    for row in (alone(places, picks), alone(places, others), alone(places, others[::-1])):
        shown.hover(row)
        card = shown.root.locator(".lnb-card")
        seen = pixels(card.locator("img"))[20:-20, 20:-20].reshape(-1, 3).mean(axis=0)
        assert np.abs(seen - row_color(row)).max() < 8, f"row {row} shows another picture"
        assert card.locator("b").text_content() == shown.book.ask(f"samples.filenames[{row}]")
        shown.wait("root.querySelector('.lnb-card div').textContent")
        why = card.locator("div").first.text_content()
        assert shown.book.ask(f"picks.table()['reason'].iloc[{row}]") in why
        assert float(shown.root.get_attribute("data-hover-ms")) >= 0


def test_a_hostile_file_name_is_only_text(shown: Shown):
    shown.hover(7)
    assert shown.root.locator(".lnb-card b").text_content() == HOSTILE
    assert shown.root.locator(".lnb-card img").count() == 1


def test_a_lasso_gives_python_exactly_the_rows_inside_it(shown: Shown):
    places = shown.places()
    center = places[places[:, 0].argmax()]
    corners = center + np.array([[-70, -150], [60, -60], [50, 90], [-30, 110], [-90, 20]])
    corners = shown.in_canvas(corners)
    inside, near_the_line = inside_polygon(places, corners), near_polygon(places, corners, 1.5)
    shown.drag(corners, "Shift")
    shown.wait("root.dataset.selected > 0")
    rows = shown.selected()
    assert set(rows) - set(near_the_line) == set(inside) - set(near_the_line)
    assert 5 < len(rows) < N
    assert shown.book.ask("heard[-1]") == rows
    assert shown.book.ask("panel.selection()['row'].tolist()") == rows


def test_a_box_and_a_click_change_the_lasso(shown: Shown):
    places = shown.places()
    rows = np.flatnonzero(places[:, 0] > np.median(places[:, 0]) + 60)
    shown.press("Box (B)")
    shown.drag(shown.in_canvas(square_around(places[rows])[[0, 2]]))
    shown.wait("root.dataset.selected > 0")
    boxed = shown.selected()
    assert set(rows) <= set(boxed)
    shown.press("Pan (H)")
    other = alone(places, [row for row in range(N) if row not in boxed])
    shown.page.mouse.click(*places[other])
    shown.wait("root.dataset.selected === String(value)", len(boxed) + 1)
    assert shown.selected() == sorted([*boxed, other])
    shown.press("Clear")
    shown.wait("root.dataset.selected === '0'")
    assert shown.selected() == []


def test_a_choice_made_in_python_shows_in_the_plot(shown: Shown):
    places = shown.places()
    chosen, other = alone(places, range(N)), alone(places, range(N - 1, 0, -1))
    before = [pixels_around(shown.page, *places[row]) for row in (chosen, other)]
    shown.book.do(f"panel.selected = [samples.filenames[{chosen}]]")
    shown.wait("root.dataset.selected === '1'")
    shown.page.wait_for_function(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
    )
    after = [pixels_around(shown.page, *places[row]) for row in (chosen, other)]
    assert contrast(after[0], (255, 255, 255)) > 0.9 * contrast(before[0], (255, 255, 255))
    assert contrast(after[1], (255, 255, 255)) < 0.8 * contrast(before[1], (255, 255, 255))
    shown.root.get_by_text("1 of 120 samples in the lasso").wait_for()


def test_buttons_lock_ban_find_more_and_select_again(shown: Shown):
    shown.book.do("panel.selected = [1, 2]")
    shown.wait("root.dataset.selected === '2'")
    shown.press("Lock")
    shown.says("2 locked")
    shown.book.do("panel.selected = [4]")
    shown.wait("root.dataset.selected === '1'")
    shown.press("Ban")
    shown.says("1 banned")
    shown.press("More like these")
    shown.says("13 samples in the lasso")
    assert len(shown.selected()) == 13
    shown.book.do("panel.selected = [30]")
    shown.wait("root.dataset.selected === '1'")
    shown.root.get_by_label("How many samples to select again").fill("8")
    shown.press("Re-select")
    shown.says("8 samples selected around 1")
    assert shown.book.ask("sorted(panel.picks.rows[:2].tolist())") == [1, 2]
    assert len(shown.book.ask("panel.picks.filenames")) == 8
    assert not {4, 30} & set(shown.book.ask("panel.picks.rows.tolist()"))
    shown.wait("root.querySelector('.lnb-legend').textContent.includes('selected8')")


def test_the_lasso_as_a_grid_of_its_pictures(shown: Shown):
    shown.book.do("panel.selected = [9, 33, 57]")
    shown.wait("root.dataset.selected === '3'")
    shown.press("Show images")
    pictures = shown.root.locator(".lnb-gallery figure")
    assert pictures.count() == 3
    for at, row in enumerate((9, 33, 57)):
        image = pictures.nth(at).locator("img")
        shown.wait(
            "[...root.querySelectorAll('.lnb-gallery img')].every(img => img.complete && img.naturalWidth)"
        )
        image.scroll_into_view_if_needed()
        seen = pixels(image)[30:-30, 40:-40].reshape(-1, 3).mean(axis=0)
        assert np.abs(seen - row_color(row)).max() < 8
        assert pictures.nth(at).text_content() == shown.book.ask(f"samples.filenames[{row}]")


def test_colors_and_layouts_change_from_the_menus(shown: Shown):
    shown.root.get_by_label("Color by").select_option("weather")
    shown.wait("root.dataset.color === 'weather'")
    assert shown.book.ask("panel.color_by") == "weather"
    legend = shown.root.locator(".lnb-legend").text_content()
    assert all(word in legend for word in ("rain", "snow", "sun"))
    shown.root.get_by_role("button", name="snow").click()
    shown.wait("root.dataset.selected > 0")
    assert shown.selected() == shown.book.ask(
        "[row for row in range(120) if samples.table['weather'].iloc[row] == 'snow']"
    )
    shown.root.get_by_label("Color by").select_option("sharpness")
    shown.wait("root.dataset.color === 'sharpness'")
    assert shown.root.locator(".lnb-ramp").is_visible()
    before = shown.places()
    shown.root.get_by_label("Layout").select_option("umap_15")
    shown.wait("root.dataset.projection === 'umap_15'")
    assert np.abs(shown.places() - before).max() > 50
    shown.book.do("panel.projection = 'pca'")
    shown.wait("root.dataset.projection === 'pca'")
    assert np.abs(shown.places() - before).max() < 1


def test_the_keyboard_alone_reaches_a_point_and_the_live_region_speaks(shown: Shown):
    canvas = shown.root.locator("canvas")
    assert "120 samples" in canvas.get_attribute("aria-label")
    shown.root.get_by_role("button", name="Fit all (0)").focus()
    shown.page.keyboard.press("Tab")
    assert canvas.evaluate("node => node === document.activeElement")
    shown.page.keyboard.press("n")
    first = min(shown.book.ask("picks.rows.tolist()"))
    shown.wait("root.dataset.shown === String(value)", first)
    shown.says(shown.book.ask(f"samples.filenames[{first}]"))
    shown.page.keyboard.press("Space")
    shown.wait("root.dataset.selected === '1'")
    assert shown.selected() == [first]
    shown.page.keyboard.press("Escape")
    shown.wait("root.dataset.selected === '0'")
    before = shown.places()
    shown.page.keyboard.press("+")
    assert np.ptp(shown.places(), axis=0).max() > 1.4 * np.ptp(before, axis=0).max()
    shown.page.keyboard.press("0")
    cells = shown.page.evaluate("lnbNotebook.content.widgets.length")
    shown.page.keyboard.press("b")
    assert shown.page.evaluate("lnbNotebook.content.widgets.length") == cells, (
        "the notebook heard the key too"
    )
    unnamed = shown.root.evaluate(
        """root => [...root.querySelectorAll('button, select, input, canvas')]
             .filter(node => !(node.getAttribute('aria-label') || node.textContent.trim())).length"""
    )
    assert unnamed == 0
    shown.press("Pan (H)")


def test_an_exception_in_a_callback_is_shown_under_the_panel(shown: Shown):
    shown.book.do(
        "def broken(change): raise RuntimeError('my callback broke')\npanel.observe(broken, 'selected')"
    )
    shown.page.mouse.click(*shown.places()[alone(shown.places(), range(N))])
    alert = shown.root.get_by_role("alert")
    alert.get_by_text("my callback broke").wait_for()
    assert "def broken" in alert.text_content() or "in broken" in alert.text_content()
    shown.book.do("panel.unobserve(broken, 'selected')")
    shown.press("Dismiss")
    assert not alert.is_visible()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_both_themes_are_readable(shown: Shown, quiet_page: Lab, theme: str):
    quiet_page.theme(theme)
    shown.book.do(
        "panel.selected = list(range(12)); panel.lock([3]); panel.ban([5]); panel.color_by = 'weather'"
    )
    shown.wait("root.dataset.selected === '12' && root.dataset.color === 'weather'")
    ratios = text_contrasts(shown.root)
    assert len(ratios) > 10
    assert min(ratios.values()) >= 4.5, {text: ratio for text, ratio in ratios.items() if ratio < 4.5}
    shown.book.do("panel.selected = []; panel.color_by = 'selected'")
    shown.wait("root.dataset.selected === '0' && root.dataset.color === 'selected or not'")
    places = shown.places()
    ground = rgb(shown.root.locator(".lnb-plot").evaluate("node => getComputedStyle(node).backgroundColor"))
    picks = shown.book.ask("panel.picks.rows.tolist()")
    others = [row for row in range(N) if row not in picks and row not in (3, 5)]
    assert contrast(pixels_around(shown.page, *places[alone(places, picks)]), ground) > 3
    assert contrast(pixels_around(shown.page, *places[alone(places, others)]), ground) > 1.8


def test_a_saved_notebook_is_small_and_shows_the_picture_without_a_kernel(shown: Shown, quiet_page: Lab):
    static = "[class^=lnb-static]"
    assert not shown.page.locator(static).is_visible(), "the live panel hides its static picture"
    sizes = {state: shown.book.save(widget_state=state).stat().st_size for state in (False, True)}
    assert max(sizes.values()) < 150_000, sizes
    assert sizes[True] > sizes[False], "the state of the widgets was not saved"
    for state in (False, True):
        shown.book.save(widget_state=state)
        copy = shown.book.path.with_name(f"reopened {state}.ipynb")
        copy.write_bytes(shown.book.path.read_bytes())
        quiet_page.view(copy.name)
        picture = shown.page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) {static} img").first
        picture.wait_for()
        assert len(np.unique(pixels(picture).reshape(-1, 3), axis=0)) > 20
        quiet_page.close_view()


def test_the_html_page_opens_offline_and_runs_no_name(shown: Shown, tmp_path: Path):
    page = shown.page.context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
    path = tmp_path / "scatter.html"
    shown.book.do(f"panel.to_html({str(path)!r})")
    page.goto(path.as_uri())
    page.wait_for_function("() => window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
    seen = pixels(page)
    page.close()
    assert not wrong
    orange = np.abs(seen.astype(int) - (0xD5, 0x5E, 0x00)).max(axis=2) < 40
    assert orange.sum() > 100, "the picks are drawn"
