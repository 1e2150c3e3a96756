"""The panel "how many do I need?" as a person sees it: in JupyterLab, in a real browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.browser.lab import Lab, Notebook
from tests.browser.seeing import pixels, text_contrasts
from tests.widgets.drawn import row_color

N = 120
HOSTILE = '<img src=x onerror="console.error(1)"></script><b>.jpg'
LABEL = "WEIGHTS METADATA sharpness"
MAKE = f"""
from tests.widgets.drawn import drawn_samples
from lightly_nb.selection import select
from lightly_nb.selection.lazy import LazySearch
from lightly_nb.selection.greedy import PlainSearch
from lightly_nb.widgets import how_many
names = [f"folder {{row % 2}}/image {{row:04d}}.jpg" for row in range({N})]
names[7] = {HOSTILE!r}
samples = drawn_samples({N}, names=names)
samples = samples.with_columns(dict(weather=samples.table["weather"].replace("rain", "<b>rain</b>")))
from lightly_nb.events import silent
def strategies(strength):
    return [dict(input=dict(type="EMBEDDINGS"), strategy=dict(type="DIVERSITY")),
            dict(input=dict(type="METADATA", key="sharpness"),
                 strategy=dict(type="WEIGHTS", strength=strength))]
picks = select(samples, 20, strategies=strategies(0.5), on_event=silent)
searches = []
def counted(kind):
    run = kind.run
    def counting(self, *args, **kwargs):
        searches.append(args[0])
        return run(self, *args, **kwargs)
    kind.run = counting
counted(LazySearch), counted(PlainSearch)
panel = how_many(samples, picks)
panel.wait()
heard = []
panel.observe(lambda change: heard.append(change["new"]), "n")
"""
RESET = f"""
panel.strengths = {{{LABEL!r}: 0.5}}
panel.wait()
panel.n, panel.measure, panel.group_by = 20, 'largest distance', 'sub-folder'
"""
BY_CONSTRUCTION = "optimises: better than random draws by construction"


class Shown:
    """The panel on the page of a notebook."""

    def __init__(self, book: Notebook):
        self.book, self.page = book, book.page
        self.root = self.page.locator(".lnb-how-many").first
        self.figures = self.root.locator(".lnb-figure")
        self.size = self.root.get_by_label("Number of samples", exact=True)

    def wait(self, condition: str, value: Any = None) -> None:
        """Wait until a JavaScript expression of `root` and `value` is true."""
        self.page.wait_for_function(
            f"""value => {{
              const root = document.querySelector('.lnb-how-many');
              return root && ({condition});
            }}""",
            arg=value,
        )

    def painted(self, n: int, page: int = 1) -> None:
        """Wait until the pictures of a size are there."""
        self.wait("root.hasAttribute('data-curve') && root.dataset.painted === value", f"{n} {page}")

    def marker(self) -> tuple[float, float]:
        """Return where the dot is, in the units of the picture."""
        dot = self.root.locator(".lnb-dot-at")
        return float(dot.get_attribute("cx")), float(dot.get_attribute("cy"))

    def color(self, figure: int) -> np.ndarray:
        """Return the mean colour in the middle of a picture, as a person sees it."""
        image = self.figures.nth(figure).locator("img")
        image.scroll_into_view_if_needed()
        seen = pixels(image)
        height, width = seen.shape[:2]
        middle = seen[height // 4 : -(height // 4), width // 4 : -(width // 4)]
        mean: np.ndarray = middle.reshape(-1, 3).mean(axis=0)
        return mean


@pytest.fixture
def shown(opened: Notebook, quiet_page: Lab) -> Shown:
    opened.do(RESET)
    quiet_page.theme("JupyterLab Light")
    shown = Shown(opened)
    shown.painted(20)
    return shown


def test_moving_n_moves_marker_sentence_bars_and_pictures_and_computes_nothing(shown: Shown):
    rows, before = shown.book.ask("[panel.order.rows.tolist(), len(searches)]")
    x, y = shown.marker()
    bars = shown.root.locator(".lnb-bars").text_content()
    shown.size.focus()
    shown.page.keyboard.press("PageUp")
    shown.wait("+root.dataset.n > 20")
    n = int(shown.size.input_value())
    shown.painted(n)
    assert n > 20
    assert shown.book.ask("panel.n") == n
    assert shown.book.ask("heard[-1]") == n
    assert shown.marker()[0] > x + 10
    assert shown.marker()[1] >= y, "coverage only improves"
    assert shown.root.locator(".lnb-finding").text_content() == shown.book.ask("panel.finding")
    assert BY_CONSTRUCTION in shown.book.ask("panel.finding"), "DIVERSITY optimises distances"
    assert shown.root.locator(".lnb-bars").text_content() != bars
    for at in (0, 3):
        assert np.abs(shown.color(at) - row_color(rows[n - 1 - at])).max() < 8, "newest picks first"
        assert shown.figures.nth(at).locator("img").get_attribute("alt") == shown.book.ask(
            f"panel.order.filenames[{n - 1 - at}]"
        )
    box = shown.root.get_by_label("Number of samples, typed")
    box.fill("7")
    shown.painted(7)
    assert shown.figures.count() == 7
    assert shown.size.input_value() == "7"
    assert shown.book.ask("[panel.selection.filenames == panel.order.filenames[:7], len(searches)]") == [
        True, before,
    ]  # fmt: skip


def test_python_sets_n_and_pages_turn_by_button_and_keyboard(shown: Shown):
    shown.book.do("panel.n = 30")
    shown.painted(30)
    names = shown.book.ask("panel.order.filenames[:30][::-1]")
    shown.root.get_by_role("button", name="Next ›").click()
    shown.painted(30, 2)
    assert shown.figures.first.locator(".lnb-name").text_content() == names[12]
    shown.root.locator("[role=option][tabindex='0']").focus()
    shown.page.keyboard.press("PageDown")
    shown.painted(30, 3)
    assert shown.page.evaluate("document.activeElement.querySelector('.lnb-name').textContent") == names[24]


def test_a_strength_gives_the_selection_that_select_gives(shown: Shown):
    slider = shown.root.get_by_label(f"Strength of {LABEL}", exact=True)
    slider.focus()
    shown.page.keyboard.press("End")
    shown.wait("root.dataset.strengths === '[1,3]' && !root.hasAttribute('data-busy')")
    shown.book.until("not panel.is_working")
    shown.painted(20)
    again = "select(samples, 20, strategies=strategies(3.0), on_event=silent).filenames"
    assert shown.book.ask(f"[panel.selection.filenames == {again}, panel.strengths[{LABEL!r}]]") == [
        True,
        3.0,
    ]
    newest = shown.book.ask(f"{again}[-1]")
    assert shown.figures.first.locator(".lnb-name").text_content() == newest
    shown.root.get_by_role("button", name="Copy as Python").click()
    code = shown.root.get_by_label("Python that makes this selection")
    shown.wait("root.querySelector('textarea').value")
    assert code.input_value() == shown.book.ask("panel.code")
    assert "'strength': 3.0" in code.input_value()
    shown.book.do("panel.n = 11")
    shown.wait("root.querySelector('textarea').value.includes('n_samples=11,')")


def test_while_it_computes_the_old_picture_is_gray_and_cancel_keeps_it(shown: Shown):
    shown.book.do(
        "import threading; go_on = threading.Event()\n"
        "from lightly_nb.widgets.size_explorer import model as m\n"
        "longest = m.longest_order\n"
        "m.longest_order = lambda *args: go_on.wait(30) and longest(*args)"
    )
    before = shown.book.ask("panel.selection.filenames")
    shown.root.get_by_label(f"Strength of {LABEL}, typed").fill("2.5")
    shown.page.keyboard.press("Tab")
    shown.wait("root.hasAttribute('data-busy')")
    assert "selecting again" in shown.root.text_content()
    shown.wait("getComputedStyle(root.querySelector('.lnb-row')).opacity < .6")
    shown.root.get_by_role("button", name="Cancel").click()
    shown.wait("!root.hasAttribute('data-busy') && root.dataset.strengths === '[1,0.5]'")
    shown.book.do("go_on.set(); m.longest_order = longest; panel.wait()")
    assert shown.book.ask("panel.selection.filenames") == before


def test_measure_and_group_change_from_the_menus_and_names_are_text(shown: Shown):
    drawn = shown.root.locator(".lnb-curve path").nth(2).get_attribute("d")
    shown.root.get_by_label("Curve of the").select_option("mean distance")
    shown.wait("root.dataset.measure === 'mean distance'")
    assert shown.root.locator(".lnb-curve path").nth(2).get_attribute("d") != drawn
    assert "by the mean distance" in shown.root.locator(".lnb-finding").text_content()
    shown.root.get_by_label("Balance of").select_option("weather")
    shown.wait(
        "root.dataset.group === 'weather' && root.querySelector('.lnb-bars').textContent.includes('rain')"
    )
    assert "<b>rain</b>" in shown.root.locator(".lnb-bars").text_content()
    shown.book.do(f"panel.n = panel.order.filenames.index({HOSTILE!r}) + 1")
    shown.wait("root.querySelector('.lnb-name bdi')?.textContent.startsWith('<img')")


def test_an_exception_in_a_callback_is_shown_under_the_panel(shown: Shown):
    shown.book.do("def broken(change): raise RuntimeError('my callback broke')\npanel.observe(broken, 'n')")
    shown.root.get_by_label("Number of samples, typed").fill("9")
    alert = shown.root.get_by_role("alert")
    alert.get_by_text("my callback broke").wait_for()
    shown.book.do("panel.unobserve(broken, 'n')")
    alert.get_by_role("button", name="Dismiss").click()
    assert not alert.is_visible()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_both_themes_are_readable(shown: Shown, quiet_page: Lab, theme: str):
    quiet_page.theme(theme)
    shown.wait("root.querySelector('.lnb-finding').checkVisibility()")
    ratios = text_contrasts(shown.root)
    texts = shown.root.locator(".lnb-curve text").all()
    assert len(ratios) > 20
    assert len(texts) > 10
    faint = {text: ratio for text, ratio in ratios.items() if ratio < 4.5 and text != "‹ Previous"}
    assert not faint
    paint = shown.root.evaluate(
        """root => [...root.querySelectorAll('.lnb-curve text')].map(node => getComputedStyle(node).fill)"""
    )
    ink = shown.root.evaluate("root => getComputedStyle(root).color")
    assert ink in paint, "the words of the curve take the colour of the theme"


def test_a_saved_notebook_is_small_and_shows_the_curve_without_a_kernel(shown: Shown, quiet_page: Lab):
    static = "[class^=lnb-static]"
    assert not shown.page.locator(static).is_visible(), "the live panel hides its static picture"
    sizes = {state: shown.book.save(widget_state=state).stat().st_size for state in (False, True)}
    assert max(sizes.values()) < 150_000, sizes
    copy = shown.book.path.with_name("reopened how many.ipynb")
    copy.write_bytes(shown.book.path.read_bytes())
    quiet_page.view(copy.name)
    picture = shown.page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) {static} img").first
    picture.wait_for()
    seen = pixels(picture).astype(int)
    orange = np.abs(seen - (0xD5, 0x5E, 0x00)).max(axis=2) < 40
    assert orange.sum() > 200, "the curve is drawn"
    quiet_page.close_view()
