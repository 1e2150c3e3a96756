"""A configuration without a front-end: its values that differ from the defaults, as text and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lightly_nb.config import to_dict
from lightly_nb.config.describe import is_secret
from lightly_nb.config.fields import MASK
from lightly_nb.config.python_text import changed_values
from lightly_nb.config.section import Config
from lightly_nb.display.html import Html, join, table, tag
from lightly_nb.widgets.config_editor.checking import fields_of
from lightly_nb.widgets.config_editor.inputs import unset


def changed_rows(config: Config) -> list[tuple[str, str, str]]:
    """Return key, value and default of each key that differs from its default, as text; secrets masked.

    >>> from lightly_nb.config import LightlyConfig
    >>> changed_rows(LightlyConfig(seed=7))
    [('seed', '7', '1')]
    """
    fields = fields_of(type(config))
    rows = [
        (key, _text(value), _text(unset(fields[key])) if key in fields else "")
        for key, value in _flat(changed_values(config))
    ]
    shown = to_dict(config)
    secret = [key for key, field in fields.items() if is_secret(field) and shown.get(key)]
    return [*rows, *((key, MASK, "") for key in secret)]


def static_text(config: Config) -> str:
    """Return the values that differ from the defaults, a line each."""
    rows = changed_rows(config)
    if not rows:
        return f"{config.WHERE}: all defaults"
    width = max(len(key) for key, _, _ in rows)
    lines = [f"  {key:<{width}}  {value}{_default(default)}" for key, value, default in rows]
    return "\n".join([f"{config.WHERE}: what differs from the defaults", *lines])


def static_html(config: Config) -> Html:
    """Return the values that differ from the defaults as a table."""
    rows, name = changed_rows(config), tag("b", config.WHERE)
    if not rows:
        return tag("p", name, ": all defaults")
    shown = table(("key", "value", "default"), rows, style="text-align:left")
    return join(tag("p", name, ": what differs from the defaults"), shown)


def _default(default: str) -> str:
    return f"  (default {default})" if default else ""


def _flat(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and plain values; items of lists of mappings have their number in brackets."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(values, list) and values and isinstance(values[0], Mapping):
        for at, value in enumerate(values):
            yield from _flat(value, f"{prefix}[{at}]")
    else:
        yield prefix, values


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


MOST_LINES = 24


_COPY = """
const box = this.closest('.lnb-code'), text = box.querySelector('textarea');
const said = box.querySelector('[role=status]');
const show = words => { said.textContent = words; };
const byHand = () => {
  text.focus(); text.select();
  let done = false;
  try { done = document.execCommand('copy'); } catch (error) { done = false; }
  show(done ? 'copied' : 'the browser does not allow copying: the text is selected, press Ctrl+C or ⌘C');
};
if (navigator.clipboard && navigator.clipboard.writeText)
  navigator.clipboard.writeText(text.value).then(() => show('copied'), byHand);
else byHand();
"""
"""What the button does. It is a handler in the page, since the clipboard is there and not in the kernel."""


def code_html(name: str, text: str) -> Html:
    """Return `text` in a read-only text area, with a button that copies it.

    Parameters
    ----------
    name : str
        Of the language, for the label.
    text : str
        The code.
    """
    area = tag(
        "textarea",
        f"\n{text}",  # a page leaves out a line break that comes first
        readonly=True,
        rows=min(MOST_LINES, text.count("\n") + 1),
        spellcheck="false",
        data_lm_suppress_shortcuts="true",  # Lumino would take keys for commands of the notebook
        aria_label=f"The configuration as {name}",
    )
    button = tag("button", f"Copy {name}", type="button", onclick=" ".join(_COPY.split()))
    return tag("div", area, tag("div", button, " ", tag("span", role="status")), class_="lnb-code")
