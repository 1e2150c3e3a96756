"""HTML: whatever a text holds, it stays text; and nothing in the package makes HTML in another way."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightly_nb.display.html import Html, image, join, style_sheet, table, tag
from tests.test_layers import imported_by, sources

texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [
        '"><script>alert(1)</script>',
        "</td>",
        "&lt;b&gt;",
        "<!--",
        "]]>",
        "' onload='x",
        "&#60;i&#62;",
        "\x00<",
    ]
)


class Seen(HTMLParser):
    """What a page consists of: tags with their attributes, and text."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, name: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((name, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data

    def handle_comment(self, data: str) -> None:
        """Refuse a comment."""
        raise AssertionError(f"a comment: {data!r}")

    def unknown_decl(self, data: str) -> None:
        """Refuse a declaration."""
        raise AssertionError(f"a declaration: {data!r}")


@given(texts, texts, texts)
def test_any_text_in_a_child_or_an_attribute_stays_text(child: str, inner: str, value: str) -> None:
    seen = Seen(tag("div", child, [tag("b", inner)], title=value, data_x=value))
    assert seen.tags == [("div", {"title": value, "data-x": value}), ("b", {})]
    assert seen.text == child + inner


@given(st.lists(texts, max_size=4), texts)
def test_what_is_joined_and_what_is_in_a_table_stays_text(cells: list[str], by: str) -> None:
    assert Seen(join(*cells, by=by)).text == by.join(cells)
    assert not Seen(join(cells)).tags
    seen = Seen(table(cells, [cells]))
    assert seen.text == "".join(cells) * 2
    assert [name for name, _ in seen.tags].count("td") == len(cells)


def test_html_is_taken_as_it_is_and_everything_else_as_text() -> None:
    inside = tag("i", "a < b")
    assert tag("p", inside) == "<p><i>a &lt; b</i></p>"
    assert tag("p", str(inside)) == "<p>&lt;i&gt;a &amp;lt; b&lt;/i&gt;</p>"
    assert tag("p", None, 3, "", ["x", (tag("br"),)]) == "<p>3x<br></p>"
    assert isinstance(join("<"), Html)
    assert type(inside + "<b>") is str, "what is put together in another way is escaped again"


def test_attributes_can_be_left_out_stand_alone_and_have_names_of_html() -> None:
    made = tag(
        "input", class_="a", aria_label="b", disabled=True, checked=False, title=None, name="", value=0
    )
    assert made == '<input class="a" aria-label="b" disabled name="" value="0">'
    assert tag("svg", viewBox="0 0 1 1") == '<svg viewBox="0 0 1 1"></svg>'


def test_pictures_and_style_sheets_carry_their_content() -> None:
    assert image(b"\xff", "a'b", "png") == '<img alt="a&#x27;b" src="data:image/png;base64,/w==">'
    assert style_sheet("a > b { content: '<' }") == "<style>a > b { content: '<' }</style>"


def test_only_the_one_helper_escapes() -> None:
    escaping = [
        module
        for module, source in sources().items()
        if any(
            name.split(".")[0] == "html" or "markupsafe" in name
            for name in imported_by(module, source, is_package=False)
        )
    ]
    assert escaping == ["lightly_nb.display.html"]


XML = ("lightly_nb.exports.cvat_xml",)
"""Files for other programs, never shown; what they escape is compared with a parser in their own tests."""


def test_no_text_with_values_in_it_is_html() -> None:
    faults = [
        f"{module}:{node.lineno}"
        for module, source in sources().items()
        if module not in XML
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.JoinedStr) and any(map(is_markup, node.values))
    ]
    assert not faults, "build HTML with lightly_nb.display.html.tag, which escapes"


@pytest.mark.parametrize(
    ("code", "is_found"), [("f'<b>{x}</b>'", True), ("f'{x}</td>'", True), ("f'{x} < {y}'", False)]
)
def test_html_in_a_text_with_values_is_found(code: str, is_found: bool) -> None:
    (node,) = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.JoinedStr)]
    assert any(map(is_markup, node.values)) is is_found


def is_markup(part: ast.expr) -> bool:
    """Whether a constant part of an f-string holds a tag."""
    text = part.value if isinstance(part, ast.Constant) else ""
    return bool(re.search(r"</?[a-z][a-z0-9]*[\s>]", str(text)))
