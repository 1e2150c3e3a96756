"""The options of a run, written once: mypy checks every call against them, and `help` shows each by name."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar, cast, get_args

from lightly_nb.config import LightlyConfig, SelectionConfig, WorkerConfig
from lightly_nb.datasource.names import is_unicode, printable
from lightly_nb.errors import ConfigError, did_you_mean
from lightly_nb.samples.arguments import CONFIG, MAPPING, PATH, Kind

Function = TypeVar("Function", bound=Callable[..., Any])
IfChanged = Literal["go_on", "refuse", "same_files"]
"""What a run that repeats another one does about files that are not as they were."""
STORAGE = dict.fromkeys(("storage_options", "lightly_storage_options"), MAPPING)
KINDS = {
    **dict.fromkeys(("output_dir", "shared_dir", "lightly_source", "datapool", "checkpoint"), PATH),
    **dict.fromkeys(("worker_config", "lightly_config", "selection_config"), CONFIG),
    **STORAGE,
    "queries": MAPPING,
}
"""What options of a run may be, beside those that a configuration checks."""
IF_CHANGED = Kind(
    lambda value: isinstance(value, str) and value in get_args(IfChanged), " or ".join(get_args(IfChanged))
)


class ConfigOptions(TypedDict, total=False):
    """What the run does."""

    n_samples: int | None
    proportion_samples: float | None
    strategies: Sequence[Any] | None
    worker_config: Mapping[str, Any] | WorkerConfig | None
    lightly_config: Mapping[str, Any] | LightlyConfig | None
    selection_config: Mapping[str, Any] | SelectionConfig | None
    shared_dir: str | os.PathLike[str] | None


class StorageOptions(TypedDict, total=False):
    """What fsspec needs to reach the datasources."""

    storage_options: Mapping[str, Any] | None
    lightly_storage_options: Mapping[str, Any] | None


class RunOptions(ConfigOptions, StorageOptions, total=False):
    """All options of `run`, `start` and `prepare`; `run` explains them. None is the default of each."""

    lightly_source: str | os.PathLike[str] | None
    datapool: str | os.PathLike[str] | None
    checkpoint: str | os.PathLike[str] | None
    detector: Callable[[list[Any]], Any] | None
    queries: Mapping[str | tuple[str | None, str], Any] | None


def with_options(options: type) -> Callable[[Function], Function]:
    """Decorate a function with `**options: Unpack[...]`: its signature names each, and it refuses others.

    >>> @with_options(StorageOptions)
    ... def reach(url: str, **options: object) -> None: ...
    >>> list(inspect.signature(reach).parameters)
    ['url', 'storage_options', 'lightly_storage_options']
    """

    def decorated(function: Function) -> Function:
        signature = _spelled_out(inspect.signature(function), options)

        @functools.wraps(function)
        def checked(*arguments: Any, **named: Any) -> Any:
            for name in named:
                if name not in signature.parameters:
                    raise TypeError(_unknown(function.__name__, name, list(signature.parameters)))
            return function(*arguments, **named)

        checked.__signature__ = signature  # type: ignore[attr-defined]
        return cast(Function, checked)

    return decorated


def _spelled_out(signature: inspect.Signature, options: type) -> inspect.Signature:
    """Put the options where keyword-only parameters begin, in place of `**options`."""
    own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_written(kind))
        for name, kind in options.__annotations__.items()
    ]
    n_positional = sum(one.kind is not one.KEYWORD_ONLY for one in own)
    return signature.replace(parameters=[*own[:n_positional], *named, *own[n_positional:]])


def _unknown(function: str, name: str, known: Sequence[str]) -> str:
    guess = did_you_mean(name, known)
    return f"{function}() got an unexpected keyword argument '{name}'.{guess} Allowed: {', '.join(known)}"


def _written(annotation: Any) -> Any:
    return getattr(annotation, "__forward_arg__", annotation)


def with_defaults(options: RunOptions) -> RunOptions:
    """Return the options with None for each that is left out."""
    return cast(RunOptions, {**dict.fromkeys(RunOptions.__annotations__), **options})


def storage_of(options: RunOptions) -> StorageOptions:
    """Return those of `options` that reach the datasources."""
    options = with_defaults(options)
    return StorageOptions(
        storage_options=options["storage_options"],
        lightly_storage_options=options["lightly_storage_options"],
    )


def configs_asked_for(options: RunOptions) -> dict[str, Any]:
    """Return what is asked for of each of the three configurations, before defaults, by its name.

    Raises
    ------
    ConfigError
        If a selection is given both as a config and by the short options.
    """
    options = with_defaults(options)
    short = {
        "n_samples": options["n_samples"],
        "proportion_samples": options["proportion_samples"],
        "strategies": options["strategies"],
    }
    short = {name: value for name, value in short.items() if value is not None}
    selection: Any = options["selection_config"]
    if selection is not None and short:
        raise ConfigError.at(
            "selection_config",
            f"given together with {', '.join(short)}; put them into selection_config, or "
            "leave selection_config out",
        )
    return {
        "worker_config": options["worker_config"],
        "lightly_config": options["lightly_config"],
        "selection_config": short if selection is None else selection,
    }


def as_path(path: str | os.PathLike[str], name: str) -> str:
    """Return a path that a user gave under `name`, absolute, as text.

    Raises
    ------
    ConfigError
        If it is empty, or no UTF-8 text, which the run's files could not hold.
    """
    check_path(path, name)
    return str(Path(path).expanduser().absolute())


def check_path(path: str | os.PathLike[str], name: str) -> None:
    """Raise as `as_path` does; for a URL too."""
    text = os.fspath(path)
    if not text.strip() or "\0" in text:
        raise ConfigError.at(name, f"got {text!r}, allowed is a path as text or Path")
    if not is_unicode(text):
        raise ConfigError.at(
            name,
            f"'{printable(text)}' is not valid UTF-8, and the files of a run are; rename that folder, "
            "or give another one",
        )
