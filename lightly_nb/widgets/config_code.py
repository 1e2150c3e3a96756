"""A text to copy: shown whole, with a button that says whether the browser let it copy."""

from __future__ import annotations

from html import escape

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


def code_html(name: str, text: str) -> str:
    """Return `text` in a read-only text area, with a button that copies it.

    Parameters
    ----------
    name : str
        Of the language, for the label.
    text : str
        Is escaped.
    """
    lines = min(MOST_LINES, text.count("\n") + 1)
    handler = escape(" ".join(_COPY.split()), quote=True)
    # Lumino would take keys pressed in a read-only field for commands of the notebook
    area = (
        f'<textarea readonly rows="{lines}" spellcheck="false" data-lm-suppress-shortcuts="true"'
        f' aria-label="The configuration as {escape(name)}">\n{escape(text)}</textarea>'
    )
    button = f'<button type="button" onclick="{handler}">Copy {escape(name)}</button>'
    return f'<div class="lnb-code">{area}<div>{button} <span role="status"></span></div></div>'
