"""The part of an editor that lives in the page: its style, its title, and a small script."""

from __future__ import annotations

from html import escape

from lightly_nb.widgets.theme import panel_css, panel_module

_PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def head_html(name: str, about: str, extra_css: str) -> str:
    """Return the head of a panel: ipywidgets run no script but that of an element's own events."""
    script = escape(f"const image = this; {panel_module('config')}", quote=True)
    run = f'<img src="{_PIXEL}" alt="" hidden onload="{script}">'
    title = f'<div class="lnb-title" role="heading" aria-level="3">{escape(name)}</div>'
    style = f"<style>{panel_css('config')}{extra_css}</style>"
    return f'{style}{title}<div class="lnb-about">{escape(about)}</div>{run}'
