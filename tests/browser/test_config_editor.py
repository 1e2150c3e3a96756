"""The config editors as a person sees and uses them: in JupyterLab, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.browser.lab import Lab, Notebook
from tests.browser.seeing import contrast, pixels, rgb, text_contrasts

HOSTILE = '<img src=x onerror="console.error(1)"></textarea><b>'
LIGHTLY = """
import lightly_nb as lnb
from lightly_nb.config import to_dict
lightly = lnb.edit_lightly_config({"trainer.max_epochs": 20})
lightly
"""
SELECTION = """
selection = lnb.edit_selection_config({"n_samples": 50})
selection
"""
RESET = "lightly.value = {'trainer.max_epochs': 20}; selection.value = {'n_samples': 50}"


class Editor:
    """One editor on the page."""

    def __init__(self, book: Notebook, number: int):
        self.book, self.page = book, book.page
        self.root = self.page.locator(".lnb-config").nth(number)
        self.page.wait_for_function(
            "n => document.querySelectorAll('.lnb-config')[n]?.dataset.ready", arg=number
        )

    def field(self, key: str) -> Any:
        return self.root.get_by_label(key, exact=True).first

    def press(self, name: str) -> None:
        self.root.get_by_role("button", name=name).first.click()

    def says(self, text: str) -> None:
        self.root.get_by_text(text).first.wait_for()


@pytest.fixture(scope="module")
def opened(lab_session: Lab) -> Iterator[Notebook]:
    lab_session.theme("JupyterLab Light")
    yield lab_session.open(LIGHTLY, SELECTION)
    lab_session.close_notebook()


@pytest.fixture
def book(opened: Notebook, quiet_page: Lab) -> Notebook:
    quiet_page.theme("JupyterLab Light")
    opened.do(RESET)
    return opened


@pytest.fixture
def lightly(book: Notebook) -> Editor:
    editor = Editor(book, 0)
    editor.says("Valid: 1 key set.")
    return editor


@pytest.fixture
def selection(book: Notebook) -> Editor:
    editor = Editor(book, 1)
    editor.says("Valid: 1 key set.")
    return editor


def test_a_wrong_value_is_marked_where_it_is_and_says_why(lightly: Editor):
    field = lightly.field("loader.batch_size")
    before = field.evaluate("node => getComputedStyle(node).outlineColor")
    field.fill("0")
    alert = lightly.root.get_by_role("alert").filter(has_text="whole number >= 1")
    alert.wait_for()
    assert "not allowed (got 0)" in alert.text_content()
    lightly.says("1 value to correct: loader.batch_size")
    below, box = alert.bounding_box(), field.bounding_box()
    assert abs(below["x"] - box["x"]) < 12
    assert box["y"] + box["height"] - 2 <= below["y"] < box["y"] + box["height"] + 30
    lightly.page.wait_for_function(
        "node => node.ariaInvalid === 'true' && node.getAttribute('aria-describedby').includes(' ')",
        arg=field.element_handle(),
    )
    assert field.evaluate("node => getComputedStyle(node).outlineColor") != before
    assert lightly.book.ask("[lightly.value.loader.batch_size, list(lightly.errors)]") == [
        16,
        ["loader.batch_size"],
    ]
    field.fill("32")
    lightly.says("Valid: 2 keys set.")
    assert not alert.is_visible()
    lightly.book.until("lightly.value.loader.batch_size == 32 and not lightly.errors")


def test_a_folded_group_says_what_is_in_it(lightly: Editor):
    group = lightly.root.get_by_role("button", name="collate")
    assert not lightly.root.get_by_label("collate.min_scale").is_visible()
    group.click()
    lightly.field("collate.min_scale").fill("3")
    lightly.says("collate: views of an image (1 wrong, 1 changed)")
    group.click()
    lightly.root.get_by_label("collate.min_scale").wait_for(state="hidden")
    lightly.page.wait_for_function("node => node.ariaExpanded === 'false'", arg=group.element_handle())
    lightly.says("1 value to correct: collate.min_scale")


def test_a_choice_made_in_python_shows_in_the_form(lightly: Editor):
    lightly.book.do("lightly.value = {'model.name': 'resnet-50', 'trainer.max_epochs': 7}")
    lightly.says("Valid: 2 keys set.")
    assert lightly.field("model.name").input_value() == "resnet-50"
    assert lightly.field("trainer.max_epochs").input_value() == "7"
    lightly.field("model.name").select_option("resnet-9")
    lightly.book.until("lightly.value.model.name == 'resnet-9'")


def test_a_strategy_is_added_filled_and_moved(selection: Editor):
    selection.root.get_by_label("add", exact=True).select_option("WEIGHTS of METADATA")
    selection.press("Add strategy")
    key = selection.field("key")
    key.fill(HOSTILE)
    selection.book.until("len(selection.value.strategies) == 2")
    assert selection.book.ask("selection.value.strategies[1].input.key") == HOSTILE
    cards = selection.root.locator(".lnb-strategy")
    cards.nth(1).get_by_role("button", name="Move this strategy up").press("Enter")
    selection.book.until("selection.value.strategies[0].strategy.type == 'WEIGHTS'")
    selection.page.wait_for_function(
        """root => {
          const card = root.querySelector('.lnb-strategy');
          return card?.querySelector('select')?.value === 'WEIGHTS of METADATA'
            && card.contains(document.activeElement);
        }""",
        arg=selection.root.element_handle(),
    )
    selection.press("Copy as YAML")
    code = selection.root.get_by_label("The configuration as YAML")
    assert code.input_value() == selection.book.ask("selection.to_yaml()")
    cards.nth(0).get_by_role("button", name="Remove this strategy").click()
    selection.book.until("len(selection.value.strategies) == 1")
    selection.press("Copy as YAML")


def test_the_code_is_copied_or_it_says_how(lightly: Editor):
    lightly.press("Copy as Python")
    code = lightly.root.get_by_label("The configuration as Python")
    code.wait_for()
    assert code.input_value() == lightly.book.ask("lightly.to_python()")
    copy, said = (
        lightly.root.get_by_role("button", name="Copy Python"),
        code.locator("xpath=..").get_by_role("status"),
    )
    refused = "{writeText: () => Promise.reject(new Error('no permission'))}"
    lightly.page.evaluate(
        f"Object.defineProperty(navigator, 'clipboard', {{value: {refused}, configurable: true}})"
    )
    copy.click()
    said.get_by_text("copied").wait_for()
    lightly.page.evaluate("document.execCommand = () => false")
    copy.click()
    said.get_by_text("the browser does not allow copying: the text is selected").wait_for()
    assert code.evaluate("node => node.selectionEnd - node.selectionStart === node.value.length")
    lightly.page.evaluate("() => { delete navigator.clipboard; delete document.execCommand; }")
    copy.click()
    said.get_by_text("copied").wait_for()
    lightly.press("Copy as Python")


def test_the_keyboard_reaches_every_field_and_the_notebook_does_not_hear_it(lightly: Editor):
    lightly.field("model.name").focus()
    reached = []
    for _ in range(9):
        reached.append(
            lightly.page.evaluate(
                "() => document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent"
            )
        )
        lightly.page.keyboard.press("Tab")
    keys = ["model.name", "model.num_ftrs", "collate.input_size", "trainer.max_epochs", "loader.batch_size"]
    assert [text.strip() for text in reached[:7]] == [*keys, "optimizer.lr", "seed"]
    assert reached[7].startswith("▸ model")
    cells = lightly.page.evaluate("lnbNotebook.content.widgets.length")
    lightly.field("model.name").focus()
    lightly.page.keyboard.press("b")
    group = lightly.root.get_by_role("button", name="loader")
    group.press("b")
    assert lightly.page.evaluate("lnbNotebook.content.widgets.length") == cells
    group.press("Enter")
    lightly.root.get_by_label("loader.shuffle").wait_for()
    shuffle = lightly.root.get_by_label("loader.shuffle")
    box, other = shuffle.bounding_box(), lightly.field("loader.batch_size").bounding_box()
    assert abs(box["x"] - other["x"]) < 16, "flags stand where fields do"
    assert shuffle.evaluate(
        """node => {
          const {x, y, width, height} = node.getBoundingClientRect();
          return document.elementFromPoint(x + width / 2, y + height / 2) === node && width > 10;
        }"""
    )
    shuffle.press("Space")
    lightly.book.until("lightly.value.loader.shuffle is False")
    group.press("Enter")
    unnamed = lightly.root.evaluate(
        """root => [...root.querySelectorAll('button, select, input, textarea')].filter(node =>
             !(node.ariaLabel || node.labels?.[0]?.textContent.trim() || node.textContent.trim())).length"""
    )
    assert unnamed == 0


def test_an_exception_of_an_observer_is_shown_under_the_panel(lightly: Editor):
    lightly.book.do(
        "def broken(change): raise RuntimeError('my callback broke')\nlightly.observe(broken, 'value')"
    )
    lightly.field("seed").fill("5")
    alert = lightly.root.get_by_role("alert").filter(has_text="my callback broke")
    alert.wait_for()
    assert "in broken" in alert.text_content()
    lightly.book.do("lightly.unobserve(broken, 'value')")
    lightly.press("Dismiss")
    alert.wait_for(state="hidden")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_both_themes_are_readable(lightly: Editor, selection: Editor, quiet_page: Lab, theme: str):
    quiet_page.theme(theme)
    lightly.field("optimizer.lr").fill("fast")
    lightly.says("1 value to correct: optimizer.lr")
    for editor in (lightly, selection):
        ratios = text_contrasts(editor.root)
        assert len(ratios) > 15
        assert min(ratios.values()) >= 4.5, {text: ratio for text, ratio in ratios.items() if ratio < 4.5}
    field = lightly.field("optimizer.lr")
    outline, ink, ground = (
        rgb(field.evaluate(f"node => getComputedStyle(node).{name}"))
        for name in ("outlineColor", "color", "backgroundColor")
    )
    assert contrast(outline, ground) > 3
    assert outline[0] > outline[1] + 60, "the outline is red"
    assert contrast(ink, ground) >= 4.5
    assert len(np.unique(pixels(field).reshape(-1, 3), axis=0)) > 10, "what was typed is drawn"


def test_a_saved_notebook_is_small_and_shows_the_values_without_a_kernel(lightly: Editor, quiet_page: Lab):
    static = "[class^=lnb-static]"
    assert not lightly.page.locator(static).first.is_visible(), "the live panel hides its static table"
    sizes = {state: lightly.book.save(widget_state=state).stat().st_size for state in (False, True)}
    assert sizes[False] < sizes[True] < 2 * 150_000, sizes
    copy = lightly.book.path.with_name("reopened editors.ipynb")
    copy.write_bytes(lightly.book.path.read_bytes())
    quiet_page.view(copy.name)
    table = lightly.page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) {static} table").first
    table.wait_for()
    assert "trainer.max_epochs" in table.text_content()
    quiet_page.close_view()
