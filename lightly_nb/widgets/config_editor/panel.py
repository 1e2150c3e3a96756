"""The panel of the config editors: a form of ipywidgets around one frozen configuration."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

import ipywidgets
from traitlets import Dict, TraitType

from lightly_nb.config import SelectionConfig
from lightly_nb.config.parsing import parse
from lightly_nb.config.python_text import all_values, changed_values, to_python
from lightly_nb.config.section import Config
from lightly_nb.config.yaml_text import dump
from lightly_nb.display.html import Html, join, style_sheet, tag
from lightly_nb.display.text import counted
from lightly_nb.errors import InputError
from lightly_nb.pipeline.estimate.estimate import Estimate
from lightly_nb.widgets.config_editor.checking import checked
from lightly_nb.widgets.config_editor.dry_run import DryRun, estimated, for_timing, joined, status_html
from lightly_nb.widgets.config_editor.form import KeyForm
from lightly_nb.widgets.config_editor.row import add_tooltip
from lightly_nb.widgets.config_editor.selection_form import SelectionForm
from lightly_nb.widgets.config_editor.static import changed_rows, code_html, static_html, static_text
from lightly_nb.widgets.shared.errors import errors_shown
from lightly_nb.widgets.shared.script import panel_script
from lightly_nb.widgets.shared.showing import hiding_rule, live_class, say, show_panel, static_block
from lightly_nb.widgets.shared.theme import panel_css

LANGUAGES = {"Python": "to_python", "YAML": "to_yaml"}


class ConfigTrait(TraitType):  # type: ignore[type-arg]
    """A frozen configuration; a mapping becomes one, and what is refused raises `ConfigError`."""

    def validate(self, obj: ConfigEditor, value: Any) -> Config:
        """Return the configuration that `value` is."""
        return parse(obj.model, value)

    def set(self, obj: Any, value: Any) -> None:
        """Set it, and show it even if it equals the last one: the form may hold something wrong."""
        value = self.validate(obj, value)
        obj.before_set(value)
        try:
            super().set(obj, value)
        finally:  # an observer may have raised
            obj.after_set()


class ConfigEditor(ipywidgets.VBox):  # type: ignore[misc]
    """The panel that `edit_worker_config`, `edit_lightly_config` and `edit_selection_config` return.

    Attributes
    ----------
    value : WorkerConfig, LightlyConfig or SelectionConfig
        The last valid configuration; can be observed, and set to a configuration or a mapping.
    errors : dict of str to str
        What is wrong in the form, by dotted key; '' is the form as a whole. Empty while it is valid.
    """

    value = ConfigTrait()
    errors = Dict(read_only=True)

    def __init__(
        self,
        config: Config,
        source: Any = None,
        storage_options: Any = None,
        beside: Iterable[Config | ConfigEditor] = (),
    ):
        self.model, self._panel_id = type(config), uuid.uuid4().hex[:12]
        self._beside, self._is_reading = list(beside), False
        self._look: DryRun | None = None
        is_selection = self.model is SelectionConfig
        self.form: Any = SelectionForm(self._read) if is_selection else KeyForm(self.model, self._read)
        self._start = config
        self._error, self._status, self._code, self._dry_line = (ipywidgets.HTML() for _ in range(4))
        self._dry_button = _button("Cancel", "Stop listing, or list again", self._cancel_or_repeat)
        self._dismiss = _button("Dismiss", "Hide this error", lambda: self._show_error(""))
        super().__init__()
        self.value = config
        self.children = self._parts(source is not None)
        for name in ("lnb-panel", "lnb-config", live_class(self._panel_id)):
            self.add_class(name)
        self._mark({})
        self._show_error("")
        for other in self._beside:
            if isinstance(other, ConfigEditor):
                other.observe(lambda _change: self._show_dry_run(), "value")
        if source is not None:
            self._source, self._storage_options = source, storage_options
            self._start_look()

    # ---- in Python -----------------------------------------------------------------------------------------

    def to_python(self, *, all_keys: bool = False) -> str:
        """Return Python code that makes `value` again, without its secrets; `all_keys`: defaults too."""
        return to_python(self.value, all_keys=all_keys)

    def to_yaml(self, *, all_keys: bool = False) -> str:
        """Return YAML from which `from_yaml` makes `value` again, without its secrets."""
        return dump(all_values(self.value) if all_keys else changed_values(self.value))

    def control(self, key: str) -> Any:
        """Return the ipywidgets control of a dotted key, for example `trainer.max_epochs`."""
        return self.form.control(key)

    def dry_run(self, timeout: float | None = None) -> Estimate:
        """Return how many samples there are and what a run will take, once they are listed and timed.

        Parameters
        ----------
        timeout : float or None
            Seconds to wait at most for the listing and the timing; None: until they have ended.

        Raises
        ------
        InputError
            If the editor has no source, or it is not listed yet after `timeout` seconds.
        LightlyNBError
            If the source cannot be listed, or listing was canceled.
        """
        if self._look is None:
            raise InputError("dry_run: there is nothing to list; open the editor with source=…")
        found = self._look.wait(timeout)
        result = estimated(found, self._configs())
        if result is None:
            raise found.error or InputError(
                f"dry_run: still listing after {timeout:g} s, {found.n_seen:,} files so far; wait longer"
            )
        return result

    def close(self) -> None:
        """Take the panel off the page and end its background work."""
        if self._look is not None:
            self._look.cancel()
        super().close()

    def __repr__(self) -> str:
        wrong = f", {len(self.errors)} wrong in the form" if self.errors else ""
        return f"ConfigEditor({static_text(self.value)}{wrong})"

    def _ipython_display_(self, **kwargs: Any) -> None:
        show_panel(self, static_block(self._panel_id, static_html(self.value)), static_text(self.value))

    # ---- between the form and the value --------------------------------------------------------------------

    def before_set(self, value: Config) -> None:
        """Show a value that was set from Python, for the trait `value` alone."""
        if not self._is_reading:
            self.form.show(value)
            self._mark({})

    def after_set(self) -> None:
        """Show what follows from the value, for the trait `value` alone."""
        say(self._status, _status_html(self.value, self.errors))
        self._show_code()
        self._show_dry_run()

    def _read(self) -> None:
        """Take what the form holds: the value if it is one, else what is wrong with it."""
        with errors_shown(self._show_error):
            values, unreadable = self.form.values()
            config, wrong = checked(self.model, values)
            wrong = {**wrong, **unreadable}
            self._mark(wrong)
            if wrong or config is None:
                self.after_set()
                return
            self._is_reading = True
            try:
                self.value = config
            finally:
                self._is_reading = False

    def _mark(self, wrong: dict[str, str]) -> None:
        self.form.mark(wrong)
        self.set_trait("errors", wrong)

    # ---- on the page ---------------------------------------------------------------------------------------

    def _parts(self, has_source: bool) -> list[Any]:
        about = (self.model.__doc__ or "").strip().splitlines()[0]
        head = join(
            style_sheet(panel_css("config_editor/panel") + hiding_rule(self._panel_id)),
            tag("div", self.model.WHERE, class_="lnb-title", role="heading", aria_level=3),
            tag("div", about, class_="lnb-about"),
        )
        dry_run = _row([self._dry_line, self._dry_button], "lnb-dry-run") if has_source else None
        parts = [
            ipywidgets.HTML(head),
            *self.form.boxes(),
            self._status,
            dry_run,
            _row(self._buttons(), "lnb-tools"),
            self._code,
            self._error_box(),
            *panel_script("config_editor/panel", ".lnb-config"),
        ]
        return [part for part in parts if part is not None]

    def _buttons(self) -> list[Any]:
        self._copies = {name: ipywidgets.ToggleButton(description=f"Copy as {name}") for name in LANGUAGES}
        self._all_keys = ipywidgets.Checkbox(description="with all defaults", indent=False)
        for name, button in self._copies.items():
            add_tooltip(button, f"Show the {name} that makes this configuration again")
            button.observe(lambda change, name=name: self._choose_language(name, change["new"]), "value")
        self._all_keys.observe(lambda _change: self._show_code(), "value")
        start = _button("Start over", "Go back to the values that the editor was opened with", self._restart)
        return [*self._copies.values(), self._all_keys, start]

    def _error_box(self) -> Any:
        self._error_row = _row([self._error, self._dismiss], "lnb-error")
        return self._error_row

    def _choose_language(self, name: str, is_chosen: bool) -> None:
        if is_chosen:
            for other, button in self._copies.items():
                button.value = other == name
        self._show_code()

    def _show_code(self) -> None:
        chosen = [name for name, button in getattr(self, "_copies", {}).items() if button.value]
        text = getattr(self, LANGUAGES[chosen[0]])(all_keys=self._all_keys.value) if chosen else ""
        say(self._code, code_html(chosen[0], text) if chosen else None)

    def _restart(self) -> None:
        with errors_shown(self._show_error):
            self.value = self._start

    def _show_error(self, text: str) -> None:
        self._error.value = tag("pre", text, role="alert") if text else Html()
        self._error_row.layout.display = None if text else "none"

    # ---- the dry run ---------------------------------------------------------------------------------------

    def _configs(self) -> Any:
        others = [other.value if isinstance(other, ConfigEditor) else other for other in self._beside]
        return joined(self.value, others)

    def _start_look(self) -> None:
        configs = for_timing(self._configs())
        self._look = DryRun(
            self._source, self._storage_options, configs, self._show_dry_run, self._show_error
        )
        self._show_dry_run()

    def _show_dry_run(self) -> None:
        look = self._look
        if look is None:
            return
        is_busy = look.found.state in ("listing", "timing")
        say(self._dry_line, tag("div", status_html(look.found, self._configs()), role="status"))
        self._dry_button.description = "Cancel" if is_busy else "List again"

    def _cancel_or_repeat(self) -> None:
        with errors_shown(self._show_error):
            if self._look is not None and self._look.found.state in ("listing", "timing"):
                self._look.cancel()
            else:
                self._start_look()


def _status_html(value: Config, wrong: dict[str, str]) -> Html:
    if wrong:
        named = ", ".join(key or "the form" for key in wrong)
        count = counted(len(wrong), "value")
        told = f"{count} to correct: {named}. In use: the last valid one."
        return tag("div", told, class_="lnb-status lnb-wrong", role="status")
    n_changed = len(changed_rows(value))
    keys = f"{counted(n_changed, 'key')} set" if n_changed else "all defaults"
    return tag("div", f"Valid: {keys}.", class_="lnb-status", role="status")


def _row(children: list[Any], name: str) -> Any:
    row = ipywidgets.HBox(children)
    row.add_class(name)
    return row


def _button(text: str, hint: str, work: Any) -> Any:
    button = ipywidgets.Button(description=text)
    add_tooltip(button, hint)
    button.on_click(lambda _button: work())
    return button
