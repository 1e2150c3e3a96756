"""How the dataset browser is laid out, and what is shown when. Every button calls a method of the panel."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from lightly_nb.api.models import DatasetData, TagData
from lightly_nb.display.html import join, style_sheet, tag
from lightly_nb.exports import FORMATS
from lightly_nb.widgets.dataset_browser import html
from lightly_nb.widgets.dataset_browser.choice_list import Choice, ChoiceList
from lightly_nb.widgets.dataset_browser.facts import DatasetFacts, tag_tree
from lightly_nb.widgets.dataset_browser.parts import Parts, show
from lightly_nb.widgets.dataset_browser.text import (
    dataset_detail,
    indented,
    one_line,
    run_times,
    run_title,
    tag_detail,
)
from lightly_nb.widgets.shared.script import panel_script
from lightly_nb.widgets.shared.showing import say
from lightly_nb.widgets.shared.theme import panel_css

OPERATIONS = (
    ("∪ with (union)", "UNION"),
    ("∩ with (intersection)", "INTERSECTION"),
    ("− without (difference)", "DIFFERENCE"),
)
NO_RUN = join("No run yet: ", tag("code", "client.schedule_compute_worker_run(selection_config=…)"))
NO_TAG = join("No tag yet: the first run makes ", tag("code", "initial-tag"), ".")
DATASETS, RUNS, TAGS = 10, 5, 8
"""Rows on a page."""


class DatasetsPage:
    """The parts of one panel; `do(method, *arguments)` calls a method of the panel and shows its error."""

    def __init__(self, do: Callable[..., None], css: str):
        self._parts, self._do = Parts(), do
        parts = self._parts
        self._error, self._about, self._progress = (parts.html() for _ in range(3))
        self.status, self.announced = parts.html("lnb-said"), parts.html("lnb-said", "lnb-unseen")
        self._states: dict[str, str] = {}
        self._shared: tuple[str, ...] = ()
        self.folder = parts.field("Save in folder", "exports", "exports")
        self.datasets = ChoiceList(
            parts, "datasets", DATASETS, self._choose("dataset_id"), html.first_steps()
        )
        self.runs = ChoiceList(parts, "runs", RUNS, self._choose("scheduled_run_id"), NO_RUN)
        self.tags = ChoiceList(parts, "tags", TAGS, self._choose("tag_name"), NO_TAG)
        self.buttons: dict[str, Any] = {}
        self.below = parts.column([], "lnb-below")
        self.right = parts.column([*self._dataset(), *self._of_runs(), *self._of_tags()], "lnb-right")
        self.children = self._all(css)
        self.show_error("")
        self.show_progress("", 0, None)
        self.show_below(None)
        self.ask(None)

    # ---- what is where -------------------------------------------------------------------------------------

    def _all(self, css: str) -> list[Any]:
        parts = self._parts
        page, title = parts.html("lnb-page"), parts.html()
        page.value, title.value = (
            style_sheet(panel_css("dataset_browser/panel") + css),
            html.heading("Datasets", 3),
        )
        refresh = self._button("refresh", "Refresh", "Read everything anew")
        left = parts.column([parts.row([title, refresh]), self.datasets], "lnb-left")
        dismiss = parts.button("Dismiss", "Hide this error", lambda: self.show_error(""))
        self._error_row = parts.row([self._error, dismiss], "lnb-error")
        close = self._button("close_below", "Close", "Take away what is shown below")
        self._close_row = parts.row([close])
        main = parts.row([left, self.right], "lnb-main")
        script = panel_script("dataset_browser/panel", ".lnb-datasets")
        under = [self.announced, self.status, self._error_row, self._close_row, self.below]
        return [page, main, *under, *script]

    def _dataset(self) -> list[Any]:
        self.emails = self._parts.field("Share with", "e-mail addresses, with commas between")
        save = self._button("share_as_filled_in", "Save sharing", "Share with exactly these users")
        self._sharing = self._parts.row([self.emails, save], "lnb-sharing")
        return [self._about, self._sharing]

    def _of_runs(self) -> list[Any]:
        title = self._parts.html()
        title.value = html.heading("Runs")
        self._run_buttons = self._parts.row(
            [
                self._button("monitor", "Monitor", "Show how the chosen run goes, below"),
                self._button("cancel", "Cancel", "Call the chosen run back before a worker takes it"),
                self._button("abort", "Abort", "Stop the chosen run; what it had finished is kept"),
                self._button("report", "Report", "Show the report of the chosen run below"),
            ]
        )
        return [title, self.runs, self._run_buttons]

    def _of_tags(self) -> list[Any]:
        parts = self._parts
        title, to, self._first = parts.html(), parts.html("lnb-word"), parts.html("lnb-word")
        title.value, to.value = html.heading("Tags"), "Export for"
        doing = parts.row(
            [
                self._button("show_images", "Show images", "Show the chosen tag's images below"),
                self._button("start_download", "Download images", "Copy the tag's images to the folder"),
                self._button("ask_to_delete_tag", "Delete tag", "Delete the chosen tag; asks once more"),
                self._button("delete_tag", "Yes, delete it", "Delete the tag; samples and images stay"),
                self._button("keep_tag", "Keep it", "Do not delete the tag"),
            ]
        )
        exports = [self._export(form) for form, one in FORMATS.items() if one.of_images]
        self.operation = parts.menu("tag", OPERATIONS)
        self.other = parts.menu("other tag", [])
        self.new_name = parts.field("as new tag", "its name")
        create = self._button("combine_as_filled_in", "Create tag", "Make a tag of these two")
        cancel = self._button("cancel_work", "Stop", "Stop; files that are there stay")
        self._working = parts.row([self._progress, cancel], "lnb-working")
        self._tag_parts = [
            doing,
            parts.row([to, *exports], "lnb-exports"),
            parts.row([self.folder]),
            self._working,
            parts.row([self._first, self.operation, self.other, self.new_name, create], "lnb-combine"),
        ]
        return [title, self.tags, *self._tag_parts]

    def _button(self, method: str, text: str, hint: str) -> Any:
        button = self._parts.button(text, hint, lambda: self._do(method))
        self.buttons[method] = button
        return button

    def _export(self, form: str) -> Any:
        text, about = FORMATS[form].label, FORMATS[form].about
        button = self._parts.button(text, about, lambda: self._do("start_export", form))
        self.buttons[form] = button
        return button

    def _choose(self, trait: str) -> Any:
        return lambda key: self._do("set_trait", trait, key)

    # ---- what is shown -------------------------------------------------------------------------------------

    def show(
        self,
        datasets: Sequence[DatasetData],
        facts: DatasetFacts | None,
        dataset_id: str,
        scheduled_run_id: str,
        tag_name: str,
    ) -> None:
        """Show all that is known, and what of it is chosen."""
        choices = [Choice(one.id, one_line(one.name), dataset_detail(one)) for one in datasets]
        self.datasets.show(choices, dataset_id)
        show(self.right, facts is not None)
        if facts is None:
            return
        say(self._about, html.about(facts))
        show(self._sharing, facts.is_mine)
        shared = (facts.dataset.id, *facts.shared_with)
        if shared != self._shared:  # else what a person is writing stays
            self._shared, self.emails.value = shared, ", ".join(facts.shared_with)
        self.show_runs(facts, scheduled_run_id)
        tags = [
            Choice(tag.name, one_line(tag.name), tag_detail(tag, facts), indented(depth))
            for tag, depth in tag_tree(facts.tags)
        ]
        self.tags.show(tags, tag_name)
        say(self._first, "Combine the ", tag("b", one_line(tag_name)))
        for part in self._tag_parts:
            show(part, bool(tags) and (part is not self._working or self._is_working))
        self._offer_others([tag.name for tag in facts.tags if tag.name != tag_name])

    def show_runs(self, facts: DatasetFacts, scheduled_run_id: str) -> None:
        """Show how the runs stand, and the buttons that the chosen one has."""
        now = time.time()
        lines = [Choice(line.scheduled_id, run_title(line), run_times(line, now)) for line in facts.runs]
        self.runs.show(lines, scheduled_run_id)
        states = {line.scheduled_id: str(line.state) for line in facts.runs}
        moved = [line for line in facts.runs if self._states.get(line.scheduled_id, line.state) != line.state]
        self._states = states
        if moved:
            say(self.announced, f"Run: {run_title(moved[0])}")
        chosen = next((line for line in facts.runs if line.scheduled_id == scheduled_run_id), None)
        is_begun, is_live = bool(chosen and chosen.run_id), bool(chosen and chosen.is_live)
        wanted = {
            "monitor": is_begun,
            "cancel": is_live and not is_begun,
            "abort": is_live and is_begun,
            "report": is_begun and not is_live,
        }
        for name, is_wanted in wanted.items():
            show(self.buttons[name], is_wanted)
        show(self._run_buttons, any(wanted.values()))

    def _offer_others(self, names: list[str]) -> None:
        options = tuple((one_line(name), name) for name in names)
        if tuple(self.other.options) != options:
            chosen = self.other.value
            self.other.options = options
            self.other.value = chosen if chosen in names else next(iter(names), None)
        self.buttons["combine_as_filled_in"].disabled = not names

    def show_progress(self, text: str, done: int, total: int | None) -> None:
        """Show how far a piece of work is; '' for none."""
        self._is_working = bool(text)
        say(self._progress, html.progress(text, done, total) if text else None)
        show(self._working, self._is_working)

    def show_error(self, text: str) -> None:
        """Show an error under the panel; '' for none."""
        say(self._error, html.error(text))
        show(self._error_row, bool(text))

    def show_below(self, widget: Any) -> None:
        """Show a widget below the panel; None takes it away."""
        self.below.children = () if widget is None else (widget,)
        show(self._close_row, widget is not None)

    def ask(self, tag: TagData | None) -> None:
        """Ask whether a tag is to be deleted; None: do not ask any more."""
        if tag is not None:
            self.buttons["delete_tag"].description = f"Yes, delete '{one_line(tag.name)}'"
        asked = {"ask_to_delete_tag": tag is None, "delete_tag": tag is not None, "keep_tag": tag is not None}
        for name in sorted(asked, key=asked.__getitem__, reverse=True):  # to hand on the focus
            show(self.buttons[name], asked[name])
