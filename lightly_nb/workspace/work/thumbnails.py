"""The thumbnails of the selected samples, which a worker writes to LIGHTLY when a run has ended well."""

from __future__ import annotations

from collections.abc import Callable

from lightly_nb.errors import LightlyNBError, RunCanceled
from lightly_nb.events import Event
from lightly_nb.lightly_source.written import write_thumbnails
from lightly_nb.pipeline import Run
from lightly_nb.workspace.data.datasource_kinds import DatasourceSettings
from lightly_nb.workspace.data.datasources import open_lightly
from lightly_nb.workspace.work.active_run import ActiveRun


def upload_thumbnails(active: ActiveRun, run: Run, lightly: Callable[[ActiveRun], DatasourceSettings]) -> str:
    """Write thumbnails under the `thumbnail_suffix` of LIGHTLY; return a warning, '' if all are there.

    Without a suffix none are written, nor of samples that have none, as those with embeddings of one's own.
    The run completes whatever happens here, and the warning is said with its end.
    """
    try:
        warning = _upload(active, run, lightly(active))
    except RunCanceled as error:
        warning = f"not all thumbnails were written to LIGHTLY ({error})"
    except LightlyNBError as error:
        warning = f"thumbnails were not written to LIGHTLY ({error})"
    if warning:
        active.say(f"run {active.taken.run.id}: {warning}")
    return warning


def _upload(active: ActiveRun, run: Run, lightly: DatasourceSettings) -> str:
    samples, pattern = run.samples, lightly.thumbnail_suffix
    if pattern is None or not samples.has_thumbnails:
        return ""
    names = run.selection.filenames
    rows = samples.rows_of(names).tolist()

    def listen(event: Event) -> None:
        if active.stop.is_set():
            raise RunCanceled("the worker was told to stop")

    def thumbnail(number: int) -> bytes:
        return samples.thumbnail(rows[number])

    return write_thumbnails(open_lightly(lightly), pattern, names, thumbnail, listen).warning
