"""Panels: live views of what the other rooms computed. Traits and layout; no logic of their own.

A folder a panel; names repeat on purpose: `call` has the public function, `model` what the panel does without
a browser, `panel` its live form (with `panel.js` and `panel.css`), `static` what a saved notebook shows.
`shared` has what every panel needs: `theme` (colours of the notebook's theme, one style sheet), `showing` (a
static picture first, then the live widget), `errors` (an exception in a callback is shown under the panel),
`background` (work beside the cells), `script` (what ipywidgets cannot do on a page) and `rows` (row numbers
as a trait and as a bitmask on the wire).
"""

from __future__ import annotations

from lightly_nb.widgets.config_editor.call import (
    edit_lightly_config,
    edit_selection_config,
    edit_worker_config,
)
from lightly_nb.widgets.dataset_browser.call import browse_datasets
from lightly_nb.widgets.results_viewer.call import show_results
from lightly_nb.widgets.run_monitor.call import monitor
from lightly_nb.widgets.scatter_plot.call import scatter
from lightly_nb.widgets.size_explorer.call import how_many

__all__ = [
    "browse_datasets",
    "edit_lightly_config",
    "edit_selection_config",
    "edit_worker_config",
    "how_many",
    "monitor",
    "scatter",
    "show_results",
]
