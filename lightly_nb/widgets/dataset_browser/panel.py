"""The dataset browser: datasets on the left; of the chosen one its sources, sharing, runs and tags."""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets
from traitlets import Unicode, observe, validate

from lightly_nb.api import ApiWorkflowClient
from lightly_nb.api.models import DatasetData, TagData
from lightly_nb.errors import ForbiddenException, InputError, NotFoundException
from lightly_nb.events import Listener
from lightly_nb.exports import FORMATS
from lightly_nb.widgets.dataset_browser import html
from lightly_nb.widgets.dataset_browser.facts import (
    DatasetFacts,
    RunLine,
    load_dataset,
    load_datasets,
    look_again,
)
from lightly_nb.widgets.dataset_browser.gallery import Gallery, folder_of, pictures_of
from lightly_nb.widgets.dataset_browser.layout import DatasetsPage
from lightly_nb.widgets.dataset_browser.text import whole_text
from lightly_nb.widgets.dataset_browser.work import download_images, save_export, start_work
from lightly_nb.widgets.run_monitor.files import plain
from lightly_nb.widgets.run_monitor.panel import MonitorPanel
from lightly_nb.widgets.shared.background import Background
from lightly_nb.widgets.shared.errors import errors_shown
from lightly_nb.widgets.shared.report_page import report_page
from lightly_nb.widgets.shared.showing import (
    hiding_rule,
    live_class,
    say,
    show_panel,
    static_block,
    update_static,
)

SECONDS_BETWEEN_LOOKS = 0.5
SHARE_OF_TIME = 0.1
"""A look that takes long makes the next one later: no more than this share of the time is spent looking."""
MOST_SECONDS = 10.0


class DatasetBrowser(ipywidgets.VBox):  # type: ignore[misc]
    """The panel that `browse_datasets` returns.

    Parameters
    ----------
    client : ApiWorkflowClient
        It is copied: what is chosen in the panel changes nothing for the client's owner.

    Attributes
    ----------
    dataset_id : str
        The dataset that is shown; '' for none. Can be observed and set.
    tag_name : str
        The tag that the buttons below the tags are about; '' for none. Can be observed and set.
    scheduled_run_id : str
        The run that the buttons below the runs are about, by the id of what asked for it; '' for none.
    datasets : list of DatasetData
        All that are listed, that modified last first.
    facts : DatasetFacts or None
        What is known of the dataset that is shown.
    """

    dataset_id = Unicode()
    tag_name = Unicode()
    scheduled_run_id = Unicode()

    def __init__(self, client: ApiWorkflowClient):
        self._client = copy.copy(client)
        self._panel_id, self._displayed = uuid.uuid4().hex[:12], False
        self._using = threading.RLock()
        self.datasets: list[DatasetData] = []
        self.facts: DatasetFacts | None = None
        self.page = DatasetsPage(self._do, hiding_rule(self._panel_id))
        self._open: Any = None
        self._watcher = Background("lightly_nb datasets", self._show_error)
        self._work = Background("", self._show_error)
        super().__init__(self.page.children)
        for name in ("lnb-panel", "lnb-datasets", live_class(self._panel_id)):
            self.add_class(name)
        self.datasets = load_datasets(self._client)
        chosen = client._dataset_id  # not `dataset_id`, which warns where none is set
        known = [one.id for one in self.datasets]
        self.dataset_id = chosen if chosen in known else next(iter(known), "")
        self._show_page()

    # ---- what is shown -------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read everything anew, and follow what is under way."""
        with self._using:
            self.datasets = load_datasets(self._client)
            if self.dataset_id not in [one.id for one in self.datasets]:
                self.dataset_id = self.datasets[0].id if self.datasets else ""
            elif self.dataset_id:
                self._load()
            self._show()

    def close(self) -> None:
        """Take the panel off the page and end its threads; runs go on."""
        self._watcher.close()
        self._work.close()
        self.close_below()
        super().close()

    def __repr__(self) -> str:
        return whole_text(self.datasets, self.facts, time.time())

    # ---- runs ----------------------------------------------------------------------------------------------

    def monitor(self) -> MonitorPanel:
        """Show the monitor of the chosen run below, and return it.

        Raises
        ------
        RunError
            If the run has no folder yet, or none on this machine.
        """
        panel = MonitorPanel(folder_of(self._client, self._chosen_run()))
        self._show_below(panel)
        return panel

    def report(self) -> Any:
        """Show the report of the chosen run below, as its monitor does, and return the widget.

        Raises
        ------
        RunError
            If there is none (yet), or none on this machine.
        """
        shown = report_page(folder_of(self._client, self._chosen_run()))
        self._show_below(shown)
        return shown

    def cancel(self) -> None:
        """Call the chosen run back; no worker must have taken it."""
        self._client.cancel_scheduled_run(self._chosen_run().scheduled_id)
        self._done("The run was called back; no worker will start it.")

    def abort(self) -> None:
        """Ask the worker to stop the chosen run; what it had finished is kept."""
        line = self._chosen_run()
        if not line.run_id:
            raise InputError("abort: no worker has taken this run yet; press Cancel, or call .cancel()")
        self._client.abort_compute_worker_run(line.run_id)
        self._done("The worker was asked to stop the run.")

    # ---- tags ----------------------------------------------------------------------------------------------

    def show_images(self) -> Gallery:
        """Show the images of the chosen tag below, from the thumbnails of a run; return the gallery.

        Raises
        ------
        RunError
            If no run on this machine has thumbnails of them.
        """
        tag = self._chosen_tag()
        samples, names = pictures_of(self._client, self._chosen_dataset(), tag)
        gallery = Gallery(samples, names, tag.n_samples - len(names))
        self._show_below(gallery)
        return gallery

    def export(self, form: str, folder: str | Path | None = None) -> Path:
        """Write the chosen tag to a file for another tool; return its path.

        Parameters
        ----------
        form : str
            A name in `lightly_nb.exports.FORMATS`, as `label_studio`, `coco` or `yolo`.
        folder : path or None
            Made if need be; None: what the field of the panel says, `exports` at first.

        Raises
        ------
        InputError
            If there is no such format, or no tag is chosen.
        DatasourceError
            If an image cannot be read or the file not written.
        """
        return self._exporting(form, folder)(_silent)

    def download_images(self, folder: str | Path | None = None) -> Path:
        """Copy the images of the chosen tag below `folder`; return the folder that they are in.

        Raises
        ------
        DatasourceError
            If some are missing afterwards; says which and why.
        """
        return self._downloading(folder)(_silent)

    def combine(self, operation: str, other_tag_name: str, new_tag_name: str) -> TagData:
        """Make a tag of the chosen one and another one, and choose it.

        Parameters
        ----------
        operation : str
            `UNION`, `INTERSECTION`, or `DIFFERENCE`: the chosen tag without the other one.
        """
        other = self._chosen_dataset().tag(other_tag_name)
        made = self._client.combine_tags(operation, [self._chosen_tag().id, other.id], new_tag_name)
        self.refresh()
        self.tag_name = made.name
        self._done(f"Made the tag '{made.name}' of {made.n_samples:,} samples.", read=False)
        return made

    def ask_to_delete_tag(self) -> None:
        """Show the button that deletes the chosen tag."""
        self.page.ask(self._chosen_tag())

    def keep_tag(self) -> None:
        """Take that button away again."""
        self.page.ask(None)

    def delete_tag(self) -> None:
        """Delete the chosen tag; no sample and no image goes with it."""
        tag = self._chosen_tag()
        self._client.delete_tag_by_id(tag.id)
        self._done(f"Deleted the tag '{tag.name}'; its samples and images stay.")

    # ---- sharing, and what is below ------------------------------------------------------------------------

    def share_only_with(self, user_emails: list[str]) -> None:
        """Share the dataset with exactly these users; `[]` with nobody."""
        facts = self._chosen_dataset()
        if not facts.is_mine:
            raise ForbiddenException(
                f"{facts.dataset.name!r} is shared with you: its owner alone may share it"
            )
        self._client.share_dataset_only_with(facts.dataset.id, user_emails)
        self._done("Saved with whom the dataset is shared.")

    def cancel_work(self) -> None:
        """Stop the export or download that is under way; files that are there stay."""
        self._work.cancel()

    def close_below(self) -> None:
        """Take the monitor, the report or the images away."""
        with self._using:
            shown, self._open = self._open, None
            self.page.show_below(None)
        if shown is not None:
            shown.close()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until no export, no download and no run is under way; return whether that is so."""
        return self._work.wait(timeout) and self._watcher.wait(timeout)

    # ---- what the buttons do -------------------------------------------------------------------------------

    def press(self, action: Callable[[], Any]) -> None:
        """Do what a button says; an error is shown under the panel."""
        self._show_error("")
        with errors_shown(self._show_error):
            action()

    def _do(self, method: str, *arguments: Any) -> None:
        self.press(lambda: getattr(self, method)(*arguments))

    def start_export(self, form: str) -> None:
        """Export in the background."""
        job = self._exporting(form, None)
        self._start_work(f"Export to {FORMATS[form].label}", lambda on_event: f"Saved {job(on_event)}")

    def start_download(self) -> None:
        """Download in the background."""
        job = self._downloading(None)
        self._start_work("Download", lambda on_event: f"The images are in {job(on_event)}")

    def _start_work(self, name: str, work: Callable[[Listener], str]) -> None:
        start_work(self._work, name, work, self.page.show_progress, self._show_end)

    def combine_as_filled_in(self) -> None:
        """Make the tag that the fields describe."""
        page = self.page
        self.combine(page.operation.value, page.other.value or "", page.new_name.value.strip())
        page.new_name.value = ""

    def share_as_filled_in(self) -> None:
        """Share with the addresses of the field."""
        text = self.page.emails.value.replace(";", ",").replace("\n", ",")
        self.share_only_with([one.strip() for one in text.split(",") if one.strip()])

    # ---- between the traits and the page -------------------------------------------------------------------

    @validate("dataset_id")
    def _known_dataset(self, proposal: Any) -> str:
        if proposal["value"]:
            self._client.get_dataset_by_id(proposal["value"])
        return str(proposal["value"])

    @validate("tag_name")
    def _known_tag(self, proposal: Any) -> str:
        if proposal["value"]:
            self._chosen_dataset().tag(proposal["value"])
        return str(proposal["value"])

    @validate("scheduled_run_id")
    def _known_run(self, proposal: Any) -> str:
        if proposal["value"]:
            self._chosen_dataset().run(proposal["value"])
        return str(proposal["value"])

    @observe("dataset_id")
    def _dataset_chosen(self, _change: Any) -> None:
        with self._using:
            self.close_below()
            self.facts = None
            self.tag_name = self.scheduled_run_id = ""
            try:
                if self.dataset_id:
                    self._load()
            finally:
                self._show()

    @observe("tag_name", "scheduled_run_id")
    def _line_chosen(self, _change: Any) -> None:
        self.page.ask(None)
        self._show_page()

    def _load(self) -> None:
        """Read the chosen dataset, and choose the newest tag and run where those chosen are gone."""
        self._client.dataset_id = self.dataset_id
        self.facts = facts = load_dataset(self._client)
        if self.tag_name not in [tag.name for tag in facts.tags]:
            self.tag_name = facts.tags[-1].name if facts.tags else ""
        if self.scheduled_run_id not in [line.scheduled_id for line in facts.runs]:
            self.scheduled_run_id = facts.runs[0].scheduled_id if facts.runs else ""
        if facts.live:
            self._watcher.repeat(self._look, after=SECONDS_BETWEEN_LOOKS)

    def _look(self) -> float | None:
        """Look how the runs stand; return the seconds until the next look, None if none is under way."""
        began = time.monotonic()
        with self._using:
            if self.facts is None:
                return None
            try:
                news = look_again(self._client, self.facts)
            except NotFoundException:  # the dataset was deleted, or is not shared any more
                news = None
            if news is None:
                self.refresh()
            else:
                self.facts = news
                self.page.show_runs(news, self.scheduled_run_id)
            is_live = bool(self.facts and self.facts.live)
        seconds = (time.monotonic() - began) / SHARE_OF_TIME
        return min(MOST_SECONDS, max(SECONDS_BETWEEN_LOOKS, seconds)) if is_live else None

    def _show_page(self) -> None:
        self.page.show(self.datasets, self.facts, self.dataset_id, self.scheduled_run_id, self.tag_name)

    def _show(self) -> None:
        self._show_page()
        if self._displayed:
            update_static(f"lnb-{self._panel_id}", *self._static())

    def _static(self) -> tuple[str, str]:
        content = html.whole(self.datasets, self.facts, time.time())
        return static_block(self._panel_id, content), repr(self)

    def _ipython_display_(self, **kwargs: Any) -> None:
        with self._using:
            self._displayed = True
            show_panel(self, *self._static(), display_id=f"lnb-{self._panel_id}")

    def _chosen_dataset(self) -> DatasetFacts:
        if self.facts is None:
            raise InputError("no dataset is chosen; set .dataset_id to the id of one of .datasets")
        return self.facts

    def _chosen_tag(self) -> TagData:
        facts = self._chosen_dataset()
        if not self.tag_name:
            raise InputError("no tag is chosen; set .tag_name, or run on the dataset to make the first tag")
        return facts.tag(self.tag_name)

    def _chosen_run(self) -> RunLine:
        facts = self._chosen_dataset()
        if not self.scheduled_run_id:
            raise InputError("no run is chosen; set .scheduled_run_id, or schedule a run first")
        return facts.run(self.scheduled_run_id)

    def _exporting(self, form: str, folder: str | Path | None) -> Callable[[Listener], Path]:
        place, tag, dataset = folder or self.page.folder.value, self._chosen_tag(), self._chosen_dataset()
        client = copy.copy(self._client)
        return lambda on_event: save_export(client, dataset.dataset, tag, form, place, on_event)

    def _downloading(self, folder: str | Path | None) -> Callable[[Listener], Path]:
        place, tag, dataset = folder or self.page.folder.value, self._chosen_tag(), self._chosen_dataset()
        client = copy.copy(self._client)
        return lambda on_event: download_images(client, dataset.dataset, tag, place, on_event)

    def _done(self, text: str, *, read: bool = True) -> None:
        if read:
            self.refresh()
        say(self.page.status, plain(text))

    def _show_end(self, text: str) -> None:
        self.page.show_progress("", 0, None)
        say(self.page.status, plain(text))

    def _show_error(self, text: str) -> None:
        self.page.show_error(text)

    def _show_below(self, widget: Any) -> None:
        self.close_below()
        with self._using:
            self._open = widget
            self.page.show_below(widget)


def _silent(_event: Any) -> None:
    """Say nothing: a call from Python returns when it is done."""
