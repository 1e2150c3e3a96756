"""The style sheet that all panels share: colours come from the notebook's theme, in light and in dark."""

from __future__ import annotations

from functools import cache
from pathlib import Path

ROOM = Path(__file__).parents[1]


@cache
def theme_css() -> str:
    """Return the shared style sheet; everything in it is below the class `lnb-panel`.

    It defines `--lnb-ink`, `--lnb-soft`, `--lnb-line`, `--lnb-paper`, `--lnb-raised`, `--lnb-accent` and
    `--lnb-error` from the variables of JupyterLab, Notebook 7, VS Code and Colab, and falls back on the
    browser's own colours.
    """
    return (ROOM / "shared/theme.css").read_text(encoding="utf-8")


@cache
def panel_css(*names: str) -> str:
    """Return the shared style sheet followed by those of a panel, `FOLDER/NAME.css`."""
    return theme_css() + "".join((ROOM / f"{name}.css").read_text(encoding="utf-8") for name in names)


@cache
def panel_module(*names: str) -> str:
    """Return the text of a panel's ES module, `FOLDER/NAME.js`; several are joined into one."""
    return "".join((ROOM / f"{name}.js").read_text(encoding="utf-8") for name in names)
