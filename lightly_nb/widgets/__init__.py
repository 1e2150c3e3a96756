"""Panels: live views of what the other rooms computed. Traits and layout; no logic of their own.

`embedding_scatter` has the one call of the scatter, `scatter_model` what it does, `scatter_panel` its live
form. `run_monitor` has that of the run monitor: `monitor_story` puts events together, `monitor_follow` reads
them from a thread, `monitor_html` and `monitor_curve` draw, `monitor_panel` is its live form and
`monitor_text` its plain one. `config_editors` has the calls of the config editors: `config_inputs` and
`config_checking` turn what a form holds into values, `config_form` and `config_selection_form` lay it out,
`config_panel` is the panel, `config_dry_run` its line before a run.

`results` has the call of the results viewer, `how_many_samples` that of "how many do I need?"; of both,
`*_model` is what they do, `*_panel` the live form, `*_fallback` the one without anywidget, and `*_static`
what a saved notebook shows.
`dataset_browser` has that of the dataset browser: `datasets_facts` reads through the client, `datasets_text`
and `datasets_html` say it, `datasets_work` exports and downloads, `datasets_panel` is the live form.
What every panel shares: `theme` (colours of the notebook's theme, one style sheet), `showing` (a static
picture first, then the live widget), `callback_errors` (an exception in a callback is shown under the panel)
and `rows` (row numbers as a trait and as a bitmask on the wire).
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
