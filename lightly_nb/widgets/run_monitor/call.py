"""`monitor`: the one call."""

from __future__ import annotations

from importlib.util import find_spec
from os import PathLike
from typing import TYPE_CHECKING

from lightly_nb.errors import InputError
from lightly_nb.pipeline import Run, open_run

if TYPE_CHECKING:
    from lightly_nb.widgets.run_monitor.panel import MonitorPanel
    from lightly_nb.workspace import Worker

WITHOUT_WIDGETS = "for the live panel: pip install ipywidgets, then restart the kernel"


def monitor(run: Run | Worker | str | PathLike[str]) -> MonitorPanel | None:
    """Show how a run goes: stages, speed, time left, loss, load of the machine, files left out, log.

    In a notebook this returns at once, and the panel follows the run from a thread, whatever process the run
    is in and whether or not cells are computed meanwhile. Interrupting a cell, closing the panel or
    restarting the kernel leaves the run alone; `lightly_nb.monitor(path)` finds it again. On a run that has
    ended everything is shown at once.

    Anywhere else, as in a script, text is printed, a line for a change of state or a finished stage, until
    the run has ended.

    Parameters
    ----------
    run : Run, Worker, str or path
        What `lightly_nb.start` or `lightly_nb.open_run` returned, or the run folder. Of a worker: its run
        under way, or else its last one.

    Returns
    -------
    MonitorPanel or None
        The live panel; its buttons are also methods: `cancel`, `resume`, `open_report`, `open_scatter`,
        `show_files`, `show_log`, `show_traceback`, and `close`. None where text was printed.

    Raises
    ------
    InputError
        If `run` is none of these.
    RunError
        If the folder is not one of a run, or the worker has begun none yet.
    """
    run = _run_of(run)
    if not _in_notebook():
        from lightly_nb.widgets.run_monitor.static import print_run

        print_run(run)
        return None
    if find_spec("ipywidgets") is None:
        print(f"{run.state}: {run.message}\n{WITHOUT_WIDGETS}")
        return None
    from lightly_nb.widgets.run_monitor.panel import MonitorPanel

    return MonitorPanel(run)


def _run_of(run: object) -> Run:
    if isinstance(run, Run):
        return run
    if isinstance(run, str | PathLike):
        return open_run(run)
    from lightly_nb.workspace import Worker

    if isinstance(run, Worker):
        return run.run()
    raise InputError(f"monitor: give a Run, the path of a run folder or a Worker, got {type(run).__name__}")


def _in_notebook() -> bool:
    """Whether this is a kernel, which shows outputs, and not a terminal or a script."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
