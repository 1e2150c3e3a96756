"""Keys of the platform that this version cannot do yet: refused unless at their default, and shown nowhere.

A key leaves this list when its feature is there; then the documentation and the forms show it by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from lightly_nb.config.worker import WorkerConfig
from lightly_nb.errors import ConfigError, Problem

NOT_YET = ("selected_sequence_length",)
"""Keys and sections of worker_config."""
WITHOUT_EFFECT: Mapping[str, str] = {
    "corruptness_check.corruption_threshold": "it is about videos, which are not read",
    "datasource.use_frame_count_metadata": "it is about videos, which are not read",
    "show_video_sampling_timeline": "it is about videos, which are not read",
    "num_processes": "files are worked on by threads; num_threads says by how many",
    "cache_size": "files are read once and not cached",
}
"""Keys of worker_config that change nothing now, and why: a value that is asked for is told."""


def is_hidden(where: str, key: str) -> bool:
    """Whether a key of the configuration `where` is neither documented nor in a form.

    Examples
    --------
    >>> is_hidden("worker_config", "selected_sequence_length"), is_hidden("worker_config", "checkpoint")
    (True, False)
    """
    return where == WorkerConfig.WHERE and _is_in(key, (*NOT_YET, *WITHOUT_EFFECT))


def refuse_not_yet(worker: WorkerConfig) -> None:
    """Raise `ConfigError` if a value is asked for that would not be done."""
    problems = [
        Problem(
            f"{WorkerConfig.WHERE}.{key}",
            f"got {got!r}, but this version cannot do that yet; leave it at {default!r}",
        )
        for key, got, default in _changed(worker)
        if _is_in(key, NOT_YET)
    ]
    if problems:
        raise ConfigError("\n".join(f"{one.key}: {one.text}" for one in problems), problems)


def without_effect(worker: WorkerConfig) -> list[str]:
    """Return a sentence for each value that is asked for and changes nothing."""
    return [
        f"{WorkerConfig.WHERE}.{key}: {got!r} has no effect: {WITHOUT_EFFECT[key]}"
        for key, got, _ in _changed(worker)
        if key in WITHOUT_EFFECT
    ]


def _is_in(key: str, keys: tuple[str, ...]) -> bool:
    return any(key == one or key.startswith(f"{one}.") for one in keys)


def _changed(
    config: BaseModel, default: BaseModel | None = None, start: str = ""
) -> list[tuple[str, Any, Any]]:
    """Return dotted key, value and default of every value that is not at its default."""
    default = type(config)() if default is None else default
    found: list[tuple[str, Any, Any]] = []
    for name in type(config).model_fields:
        got, wanted = getattr(config, name), getattr(default, name)
        if isinstance(got, BaseModel) and isinstance(wanted, BaseModel):
            found += _changed(got, wanted, f"{start}{name}.")
        elif got != wanted:
            found.append((start + name, got, wanted))
    return found
