"""The results viewer as a person sees it: in JupyterLab, in a real browser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.browser.lab import Lab, Notebook
from tests.browser.seeing import pixels, text_contrasts
from tests.widgets.drawn import row_color

N = 120
HOSTILE = '<img src=x onerror="console.error(1)"></script><b>.jpg'
MAKE = f"""
from dataclasses import replace
from lightly_nb.events import silent
from tests.widgets.drawn import drawn_samples
from lightly_nb.samples import quarantine_table
from lightly_nb.selection import select
from lightly_nb.widgets import show_results
names = [f"folder {{row % 2}}/image {{row:04d}}.jpg" for row in range({N})]
names[7] = {HOSTILE!r}
def left_out(name, of=None):
    why = dict(stage="check", reason="the file is empty", what_to_do="replace it")
    return dict(filename=name, duplicate_of=of, **why)
samples = replace(drawn_samples({N}, names=names), quarantine=quarantine_table(
    [left_out("copy one.jpg", names[7]), left_out("copy two.jpg", names[7]), left_out({HOSTILE!r} + "x")]))
picks = select(samples, 30, on_event=silent)
panel = show_results(samples, picks)
heard = []
panel.observe(lambda change: heard.append(change["new"].tolist()), "selected")
"""
RESET = """
panel.filter, panel.rows, panel.selected, panel.view, panel.page_size = '', [], [], 'selected', 12
panel.page = 1
"""


class Shown:
    """The viewer on the page of a notebook."""

    def __init__(self, book: Notebook):
        self.book, self.page = book, book.page
        self.root = self.page.locator(".lnb-results").first
        self.figures = self.root.locator(".lnb-figure")
        self.wait("root.dataset.ready && root.dataset.near === 'true'")

    def wait(self, condition: str, value: Any = None) -> None:
        """Wait until a JavaScript expression of `root` and `value` is true."""
        self.page.wait_for_function(
            f"""value => {{
              const root = document.querySelector('.lnb-results');
              return root && ({condition});
            }}""",
            arg=value,
        )

    def painted(self, view: str, page: int) -> None:
        """Wait until a page of a view is there with all its pictures."""
        self.wait("root.dataset.painted === value", f"{view} {page}")

    def press(self, label: str) -> None:
        """Press the button of that name."""
        self.root.get_by_role("button", name=label, exact=True).click()

    def color(self, figure: int, picture: int = 0) -> np.ndarray:
        """Return the mean colour in the middle of a picture, as a person sees it."""
        image = self.figures.nth(figure).locator("img").nth(picture)
        image.scroll_into_view_if_needed()
        seen = pixels(image)
        height, width = seen.shape[:2]
        middle = seen[height // 4 : -(height // 4), width // 4 : -(width // 4)]
        mean: np.ndarray = middle.reshape(-1, 3).mean(axis=0)
        return mean

    def focused(self) -> str:
        """Return the file name of the figure that has the focus."""
        return str(self.page.evaluate("document.activeElement.querySelector('.lnb-name')?.textContent ?? ''"))


@pytest.fixture
def shown(opened: Notebook, quiet_page: Lab) -> Shown:
    opened.do(RESET)
    quiet_page.theme("JupyterLab Light")
    shown = Shown(opened)
    shown.painted("selected", 1)
    return shown


def test_the_right_pictures_come_in_the_order_picked(shown: Shown):
    rows, names = shown.book.ask("[panel.picks.rows.tolist(), panel.picks.filenames]")
    assert shown.figures.count() == 12
    for at in (0, 5, 11):
        assert np.abs(shown.color(at) - row_color(rows[at])).max() < 8, f"figure {at} shows another picture"
        figure = shown.figures.nth(at)
        assert figure.locator("img").get_attribute("alt") == names[at]
        assert figure.locator(".lnb-name").text_content() == names[at]
        assert f"step {at + 1}" in figure.text_content()


def test_buttons_turn_pages_and_only_pages_near_are_fetched(shown: Shown):
    rows = shown.book.ask("panel.picks.rows.tolist()")
    previous, following = (shown.root.get_by_role("button", name=name) for name in ("‹ Previous", "Next ›"))
    assert previous.is_disabled()
    following.click()
    shown.painted("selected", 2)
    assert np.abs(shown.color(0) - row_color(rows[12])).max() < 8
    following.click()
    shown.painted("selected", 3)
    assert shown.figures.count() == 6
    assert following.is_disabled()
    assert "Page 3 of 3" in shown.root.text_content()
    assert shown.root.get_by_role("status").text_content() == "Selected: 25 to 30 of 30"
    assert shown.book.ask("panel.page") == 3
    previous.click()
    shown.painted("selected", 2)


def test_the_keyboard_alone_walks_turns_and_marks(shown: Shown):
    names = shown.book.ask("panel.picks.filenames")
    stops = shown.root.locator("[role=option][tabindex='0']")
    assert stops.count() == 1, "one stop of the Tab key for all pictures"
    stops.focus()
    columns = shown.root.locator(".lnb-gallery").evaluate(
        "node => getComputedStyle(node).gridTemplateColumns.split(' ').length"
    )
    for key, at in (("ArrowRight", 1), ("ArrowDown", 1 + columns), ("ArrowLeft", columns), ("ArrowUp", 0)):
        shown.page.keyboard.press(key)
        assert shown.focused() == names[at], key
    outline = shown.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is visible"
    shown.wait("root.dataset.card === value", names[0])
    shown.page.keyboard.press("Space")
    shown.wait("root.dataset.marked === '1'")
    row = shown.book.ask("int(picks.rows[0])")
    assert shown.book.ask("panel.selected.tolist()") == [row]
    assert shown.figures.first.get_attribute("aria-selected") == "true"
    cells = shown.page.evaluate("lnbNotebook.content.widgets.length")
    for key, page, at in (
        ("PageDown", 2, 12),
        ("End", 3, 29),
        ("Home", 1, 0),
        ("End", 3, 29),
        ("PageUp", 2, 12),
    ):
        shown.page.keyboard.press(key)
        shown.painted("selected", page)
        assert shown.focused() == names[at], key
    shown.page.keyboard.press("ArrowLeft")
    shown.painted("selected", 1)
    assert shown.focused() == names[11], "left of the first is the last of the page before"
    shown.page.keyboard.press("Enter")
    shown.wait("root.dataset.marked === '2'")
    shown.page.keyboard.press("Enter")
    shown.wait("root.dataset.marked === '1'")
    assert shown.book.ask("heard[-1]") == [row]
    assert shown.page.evaluate("lnbNotebook.content.widgets.length") == cells, "the notebook heard no key"


def test_a_removed_picture_stands_beside_its_nearest_selected_one(shown: Shown):
    shown.press("Removed 90")
    shown.painted("removed", 1)
    assert shown.figures.first.locator("img").count() == 2
    table = "panel.picks.table().query('not selected').sort_values(['distance'], kind='stable')"
    for order in ("nearest first", "farthest first"):
        shown.root.get_by_label("Order of the removed").select_option(order)
        shown.wait("root.dataset.order === value", order)
        shown.painted("removed", 1)
        ordered = table if order == "nearest first" else f"{table}[::-1]"
        name, nearest, distance = shown.book.ask(
            f"[(t := {ordered}).index[0], t['nearest'].iloc[0], float(t['distance'].iloc[0])]"
        )
        for at, one in enumerate((name, nearest)):
            row = shown.book.ask(f"samples.filenames.index({one!r})")
            for _ in range(50):  # the pictures of the other order stay until these are there
                if np.abs(shown.color(0, at) - row_color(row)).max() < 8:
                    break
                shown.page.wait_for_timeout(100)
            assert np.abs(shown.color(0, at) - row_color(row)).max() < 8
        figure = shown.figures.first.text_content()
        assert name in figure
        assert nearest in figure
        assert f"{distance:.3g} apart" in figure


def test_duplicates_and_quarantine_show_hostile_names_as_text(shown: Shown):
    shown.press("Duplicates 3")
    shown.painted("duplicates", 1)
    assert [one.text_content() for one in shown.root.locator(".lnb-name").all()] == [
        HOSTILE, "copy one.jpg", "copy two.jpg",
    ]  # fmt: skip
    for at in range(3):
        assert np.abs(shown.color(at) - row_color(7)).max() < 8
    shown.press("Quarantine 3")
    shown.painted("quarantine", 1)
    assert shown.figures.nth(2).get_by_role("img").text_content() == "no picture"
    shown.figures.nth(2).click()
    shown.wait("root.dataset.card === value", HOSTILE + "x")
    card = shown.root.locator(".lnb-card")
    assert card.locator("b").text_content() == HOSTILE + "x"
    assert "the file is empty" in card.text_content()
    assert "replace it" in card.text_content()
    shown.page.keyboard.press("Space")
    shown.wait("root.querySelector('[role=status]').textContent.includes('cannot be marked')")
    assert shown.book.ask("panel.selected.tolist()") == []


def test_typing_filters_and_python_turns_what_is_shown(shown: Shown):
    shown.root.get_by_label("File name contains").fill("IMAGE 00")
    wanted = shown.book.ask("[name for name in picks.filenames if 'image 00' in name]")
    shown.wait("root.dataset.total === value", str(len(wanted)))
    assert shown.figures.first.locator(".lnb-name").text_content() == wanted[0]
    shown.book.do("panel.filter = ''; panel.rows = [3, 7, 40]; panel.view = 'removed'")
    total = shown.book.ask("len(set([3, 7, 40]) - set(picks.rows.tolist()))")
    shown.wait("root.dataset.view === 'removed' && root.dataset.total === value", str(total))


def test_an_exception_in_a_callback_is_shown_under_the_panel(shown: Shown):
    shown.book.do(
        "def broken(change): raise RuntimeError('my callback broke')\npanel.observe(broken, 'selected')"
    )
    shown.figures.first.dblclick()
    alert = shown.root.get_by_role("alert")
    alert.get_by_text("my callback broke").wait_for()
    shown.book.do("panel.unobserve(broken, 'selected')")
    shown.press("Dismiss")
    assert not alert.is_visible()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_both_themes_are_readable(shown: Shown, quiet_page: Lab, theme: str):
    quiet_page.theme(theme)
    shown.book.do("panel.view = 'removed'; panel.selected = [1, 2]; panel.current = samples.filenames[2]")
    shown.painted("removed", 1)
    shown.wait("root.querySelector('.lnb-gallery').checkVisibility()")
    shown.wait("root.dataset.card === value", shown.book.ask("samples.filenames[2]"))
    ratios = text_contrasts(shown.root)
    assert len(ratios) > 20
    faint = {text: ratio for text, ratio in ratios.items() if ratio < 4.5 and text != "‹ Previous"}
    assert not faint, "only the button that is disabled may be faint"


def test_a_saved_notebook_is_small_and_shows_pictures_without_a_kernel(shown: Shown, quiet_page: Lab):
    static = "[class^=lnb-static]"
    assert not shown.page.locator(static).is_visible(), "the live panel hides its static picture"
    sizes = {state: shown.book.save(widget_state=state).stat().st_size for state in (False, True)}
    assert max(sizes.values()) < 150_000, sizes
    copy = shown.book.path.with_name("reopened results.ipynb")
    copy.write_bytes(shown.book.path.read_bytes())
    quiet_page.view(copy.name)
    picture = shown.page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) {static} img").first
    picture.wait_for()
    row = shown.book.ask("int(picks.rows[0])")
    assert np.abs(pixels(picture)[20:-20, 20:-20].reshape(-1, 3).mean(axis=0) - row_color(row)).max() < 10
    quiet_page.close_view()
