"""Before a run: how many samples there are and what the run will take. Listed and timed in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from lightly_nb.config import Configs, LightlyConfig, SelectionConfig, WorkerConfig
from lightly_nb.config.section import Config
from lightly_nb.datasource import open_datasource
from lightly_nb.display.html import Html, join, tag
from lightly_nb.display.text import counted
from lightly_nb.errors import LightlyNBError, RunCanceled
from lightly_nb.events import Event
from lightly_nb.pipeline import Run
from lightly_nb.pipeline.estimate.estimate import TYPICAL, Costs, Estimate, estimate
from lightly_nb.pipeline.estimate.measure import measured_costs
from lightly_nb.runfolder import DEFAULT_OUTPUT_DIR
from lightly_nb.samples import Samples
from lightly_nb.widgets.shared.background import Background, stopping

State = Literal["listing", "timing", "ready", "canceled", "failed"]


@dataclass(frozen=True)
class SourceProgress:
    """What a look at the source has found so far."""

    state: State = "listing"
    n_seen: int = 0
    samples: Samples | None = None
    costs: Costs = TYPICAL
    error: Exception | None = None
    note: str = ""


class DryRun:
    """Lists a source and times a few of its images, in a thread that can be canceled.

    Parameters
    ----------
    source : object
        What `run` takes, or a `Run`, whose input is listed.
    storage_options : mapping or None
        As in `run`.
    configs : Configs
        What the timing is for.
    on_change : callable
        Called from the thread whenever `found` has changed.
    on_error : callable
        Called from the thread with the text of what `on_change` raised.
    """

    def __init__(
        self,
        source: Any,
        storage_options: Any,
        configs: Configs,
        on_change: Callable[[], None],
        on_error: Callable[[str], None],
    ):
        self.found = SourceProgress()
        self._source, self._storage_options = source, storage_options
        self._configs, self._on_change = configs, on_change
        self._background = Background("dry run", on_error)
        self._background.start(self._run)

    def cancel(self) -> None:
        """Ask the thread to stop."""
        self._background.cancel()

    def wait(self, timeout: float | None = None) -> SourceProgress:
        """Wait until the look has ended, and return what it has found."""
        self._background.wait(timeout)
        return self.found

    def _run(self, stop: threading.Event) -> None:
        hear = stopping(stop, self._hear, "listing was canceled; nothing was changed")
        try:
            self._tell(samples=listed(self._source, self._storage_options, hear))
            self._tell(state="timing")
            self._time(stop)
            self._tell(state="ready")
        except RunCanceled as error:
            self._tell(state="canceled", error=error)
        except Exception as error:  # told in the panel and by `dry_run`
            self._tell(state="failed", error=error)

    def _time(self, stop: threading.Event) -> None:
        samples = self.found.samples
        if samples is None or samples.source is None:
            return
        try:
            costs = measured_costs(samples, self._configs, is_canceled=stop.is_set)
            self._tell(costs=costs)
        except RunCanceled:
            self._tell(note="timing was canceled")
        except LightlyNBError as error:
            self._tell(note=str(error))

    def _hear(self, event: Event) -> None:
        if event.get("done"):
            self._tell(n_seen=event["done"])

    def _tell(self, **found: Any) -> None:
        self.found = replace(self.found, **found)
        self._on_change()


def listed(source: Any, storage_options: Any, on_event: Callable[[Event], None]) -> Samples:
    """Return the samples of a source, as a run would list them."""
    from lightly_nb.reading import list_samples

    if isinstance(source, Run):
        if source.job.listing is not None:
            source_files = open_datasource(source.job.input, storage_options=storage_options)
            return Samples(source.job.listing, source=source_files)
        source = source.job.input
    if isinstance(source, Samples):
        return source
    exclude = [Path(DEFAULT_OUTPUT_DIR).absolute()]
    return list_samples(source, storage_options=storage_options, exclude=exclude, on_event=on_event)


def joined(config: Config, others: list[Config]) -> Configs:
    """Return the three configurations of a run: `config`, those of `others`, else the defaults.

    With a lightly_config and no worker_config, training counts: there is nothing else in it to wait for.
    """
    parts: dict[type, Any] = {type(other): other for other in others}
    parts[type(config)] = config
    trains = type(config) is LightlyConfig
    worker = parts.get(WorkerConfig) or WorkerConfig(enable_training=trains)
    return Configs(worker, parts.get(LightlyConfig) or LightlyConfig(), parts.get(SelectionConfig))


def for_timing(configs: Configs) -> Configs:
    """Return configurations that train, where they can: ticking `enable_training` needs no new timing."""
    worker = configs.worker
    if worker.embeddings or worker.use_datapool:
        return configs
    return replace(configs, worker=worker.model_copy(update={"enable_training": True}))


def estimated(found: SourceProgress, configs: Configs) -> Estimate | None:
    """Return the estimate for what was found; None before the source is listed."""
    if found.samples is None:
        return None
    return estimate(len(found.samples), configs, costs=found.costs)


def status_html(found: SourceProgress, configs: Configs) -> Html:
    """Return the dry-run line, as HTML."""
    result = estimated(found, configs)
    if found.state == "listing":
        return join(f"Dry run: listing, {counted(found.n_seen, 'file')} so far …")
    if result is None:
        return tag("span", f"Dry run: {found.error}", class_="lnb-message")
    problem = tag("div", result.problem, class_="lnb-message") if result.problem else None
    basis = _basis(found, result)
    if configs.worker.relevant_filenames_file:
        basis = f"{basis} All files are counted; relevant_filenames_file is looked at by the run."
    return join(tag("b", "Dry run"), f" {result}", tag("br"), tag("i", basis), problem)


def _basis(found: SourceProgress, result: Estimate) -> str:
    if found.state == "timing":
        return "An estimate from typical figures; timing a few of your images …"
    if result.n_measured:
        return f"An estimate, timed on {result.n_measured} of your images on this machine."
    return f"An estimate from typical figures{f' ({found.note})' if found.note else ''}."
