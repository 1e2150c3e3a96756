"""Panels: live views of what the other rooms computed. Traits and layout; no logic of their own.

`scatter_panel` is the embedding scatter. What every panel shares: `theme` (colours of the notebook's theme, one
style sheet), `showing` (a static picture first, then the live widget), `callback_errors` (an exception in a
callback is shown under the panel) and `rows` (row numbers as a trait and as a bitmask on the wire).
"""

from __future__ import annotations

from lightly_nb.widgets.scatter_panel import scatter

__all__ = ["scatter"]
