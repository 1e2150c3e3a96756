"""HTML that is escaped by construction: text becomes part of a page through `tag`, and in no other way."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape

VOID = frozenset({"br", "img", "input", "meta"})
"""Elements without content, which have no end tag."""


class Html(str):
    """Text that is HTML already: made by `tag` and `join`; `Html("…")` is for what no one else wrote."""

    __slots__ = ()


Child = object
"""HTML as it is; an iterable of children; None, which is left out; anything else as escaped text."""


def tag(name: str, /, *children: Child, **attributes: object) -> Html:
    """Return an element.

    Parameters
    ----------
    name : str
        Of the element.
    *children : Html, iterable of children, None or object
        What is inside, in order: `Html` as it is, None and '' not at all, anything else as escaped text.
    **attributes : object
        Values are escaped. `class_` is `class` and `aria_label` is `aria-label`; True is an attribute without
        a value, None and False leave it out.

    Examples
    --------
    >>> tag("p", "1 < 2", tag("br"), class_="note", title='"')
    '<p class="note" title="&quot;">1 &lt; 2<br></p>'
    >>> tag("button", "Go", disabled=True, aria_label=None)
    '<button disabled>Go</button>'
    """
    shown = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{shown}>")
    return Html(f"<{name}{shown}>{join(*children)}</{name}>")


def join(*children: Child, by: str = "") -> Html:
    """Return children one after the other, as `tag` puts them inside an element.

    Examples
    --------
    >>> join("a & b", tag("br"), None, ["c", tag("i", "d")])
    'a &amp; b<br>c<i>d</i>'
    >>> join("a", "b", by=tag("br"))
    'a<br>b'
    """
    return Html(_child(by).join(_child(child) for child in children))


def style_sheet(css: str) -> Html:
    """Return a `style` element of rules that no one else wrote; they are not escaped."""
    return tag("style", Html(css))


def image(content: bytes, alt: str, kind: str = "jpeg", **attributes: object) -> Html:
    """Return an `img` that carries its content inside it; `kind` is the end of its MIME type."""
    data = base64.b64encode(content).decode("ascii")
    return tag("img", alt=alt, src=f"data:image/{kind};base64,{data}", **attributes)


def frame(page: str, title: str, **attributes: object) -> Html:
    """Return a frame that holds a whole page, for outputs without a live panel."""
    return tag("iframe", title=title, **attributes, srcdoc=page)


def table(header: Iterable[object], rows: Iterable[Iterable[object]], **attributes: object) -> Html:
    """Return a table with a head; `attributes` are those of every cell."""
    head = tag("tr", (tag("th", cell, **attributes) for cell in header))
    lines = (tag("tr", (tag("td", cell, **attributes) for cell in row)) for row in rows)
    return tag("table", tag("thead", head), tag("tbody", lines))


def _child(child: Child) -> str:
    if isinstance(child, Html):
        return child
    if child is None:
        return ""
    if isinstance(child, Iterable) and not isinstance(child, str | bytes):
        return join(*child)
    return escape(str(child))


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
