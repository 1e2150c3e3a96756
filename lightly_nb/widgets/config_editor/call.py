"""`edit_worker_config`, `edit_lightly_config`, `edit_selection_config`: the three calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lightly_nb.config import LightlyConfig, SelectionConfig, WorkerConfig
from lightly_nb.config.section import Config

if TYPE_CHECKING:
    from lightly_nb.widgets.config_editor.panel import ConfigEditor


def edit_worker_config(
    config: Any = None,
    *,
    source: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    beside: Iterable[Config | ConfigEditor] = (),
) -> ConfigEditor:
    """Edit a worker_config in a form: which steps a run does, on what, and what it leaves behind.

    Parameters
    ----------
    config : None, WorkerConfig, mapping, path or Run
        Where the form starts: the defaults; a configuration; nested or dotted keys; the folder of a past run
        or a YAML file; a run.
    source : folder, URL, list, table, Samples or Run, optional
        What a run would work on. It is listed in the background, and a line says how many samples there are
        and what a run will take: an estimate, timed on a few of these images.
    storage_options : mapping, optional
        What fsspec needs to reach `source`. Never written anywhere.
    beside : iterable of configurations or editors
        The other configurations of the run, for the estimate; it follows editors. Those that are missing
        count as defaults.

    Returns
    -------
    ConfigEditor
        A panel. `.value` is the frozen configuration, can be observed and set; `.errors` says by key what is
        wrong in the form, while `.value` stays the last valid one. `.to_python()` and `.to_yaml()` give code
        that makes it again, `.dry_run()` the estimate.

    Raises
    ------
    ConfigError
        If `config` is not allowed; one line for each problem.

    Examples
    --------
    >>> editor = edit_worker_config({"enable_training": True})
    >>> editor.control("decode").value = "fast"
    >>> editor.value.decode, editor.value.enable_training
    ('fast', True)
    """
    return _editor(WorkerConfig, config, source, storage_options, beside)


def edit_lightly_config(
    config: Any = None,
    *,
    source: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    beside: Iterable[Config | ConfigEditor] = (),
) -> ConfigEditor:
    """Edit a lightly_config in a form: the model, its training and its input.

    The estimate counts the training, unless `beside` has a worker_config without it. Result and errors are
    those of `edit_worker_config`.

    Parameters
    ----------
    config, source, storage_options, beside
        As in `edit_worker_config`.

    Examples
    --------
    >>> editor = edit_lightly_config()
    >>> editor.control("trainer.max_epochs").value = "many"
    >>> editor.errors
    {'trainer.max_epochs': "not allowed (got 'many'). Allowed here: a whole number >= 0"}
    >>> editor.value.trainer.max_epochs
    100
    """
    return _editor(LightlyConfig, config, source, storage_options, beside)


def edit_selection_config(
    config: Any = None,
    *,
    source: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    beside: Iterable[Config | ConfigEditor] = (),
) -> ConfigEditor:
    """Edit a selection_config in a form: how many samples, and the strategies as cards.

    A selection has no default size: without `config` the form starts with a tenth of the samples. Result and
    errors are those of `edit_worker_config`.

    Parameters
    ----------
    config, source, storage_options, beside
        As in `edit_worker_config`.

    Examples
    --------
    >>> editor = edit_selection_config({"n_samples": 50})
    >>> print(editor.to_yaml())
    n_samples: 50
    <BLANKLINE>
    """
    return _editor(SelectionConfig, config, source, storage_options, beside)


def _editor(model: type[Config], config: Any, source: Any, storage_options: Any, beside: Any) -> ConfigEditor:
    from lightly_nb.widgets.config_editor.opening import opened
    from lightly_nb.widgets.config_editor.panel import ConfigEditor

    return ConfigEditor(opened(model, config), source, storage_options, beside)
