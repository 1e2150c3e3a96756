"""What the command `worker` takes, as `key=value`, and what it checks before it starts."""

from __future__ import annotations

import getpass
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import Field, SecretStr

from lightly_nb import __version__
from lightly_nb.config import parse, yaml_text
from lightly_nb.config.fields import Flag, PathText, Secret
from lightly_nb.config.problems import shown
from lightly_nb.config.section import Config
from lightly_nb.config.worker import WorkerProcessConfig
from lightly_nb.errors import ConfigError, InputError, LightlyNBError, UnauthorizedException, WorkspaceError
from lightly_nb.workspace.store.store import Workspace, open_workspace, reading
from lightly_nb.workspace.users.users import authenticate
from lightly_nb.workspace.work.workers import DEFAULT_NAME, get_worker, get_workers

FLAGS = ("worker.force_start", "sanity_check", "shutdown_when_job_finished")


class WorkerOptions(Config):
    """The options of a worker. What a run does is asked for when it is scheduled, not here."""

    WHERE: ClassVar[str] = "options"

    token: Secret = Field(
        default=SecretStr(""),
        description="Token of the user. '' = LIGHTLY_TOKEN, or asked for. Never shown or written.",
    )
    worker: WorkerProcessConfig = Field(
        default=WorkerProcessConfig(), description="Under whose name the worker waits for runs."
    )
    sanity_check: Flag = Field(default=False, description="Whether to check the installation and end.")
    shutdown_when_job_finished: Flag = Field(default=False, description="Whether to end after one run.")
    output_dir: PathText = Field(default="lightly_outputs", description="Run folders are made below it.")
    shared_dir: PathText = Field(
        default="", description="Folder that checkpoint= and embeddings= are relative to. '' = the current."
    )
    input_mount: PathText = Field(
        default="", description="Folder that stands for / in local datasources. '' = they are where they say."
    )


class Check(NamedTuple):
    """One thing that the sanity check has looked at."""

    name: str
    is_well: bool
    said: str


def parse_worker_options(arguments: Sequence[str]) -> WorkerOptions:
    """Return the options that `key=value` arguments ask for; the token else from LIGHTLY_TOKEN.

    Raises
    ------
    ConfigError
        If a key is unknown, with the one that was probably meant, or a value is not allowed.

    Examples
    --------
    >>> parse_worker_options(["worker.worker_id=Default", "sanity_check=True"]).sanity_check
    True
    """
    given: dict[str, Any] = {"token": os.environ.get("LIGHTLY_TOKEN", "")}
    for argument in arguments:
        key, equals, written = argument.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                f"{shown(argument)}: not an option. Write key=value, as in worker.worker_id=Default"
            )
        where = f"{WorkerOptions.WHERE}.{key}"
        given[key.strip()] = yaml_text.load(written, where) if key.strip() in FLAGS else written
    return parse(WorkerOptions, given)


def with_asked_token(options: WorkerOptions, arguments: Sequence[str]) -> WorkerOptions:
    """Return options with a token that is asked for at a terminal, where one is needed and none was given.

    A token that stands on the command line is used, with a warning: others can read it there.
    """
    if any(argument.partition("=")[0].strip() == "token" for argument in arguments):
        print(
            "lightly-nb: a token on the command line can be read by everybody on this machine, and stays in "
            "the shell's history: set LIGHTLY_TOKEN instead, or leave it out to be asked",
            file=sys.stderr,
        )
        return options
    if options.token.get_secret_value() or not sys.stdin.isatty():
        return options
    try:
        authenticate(open_workspace(), options.token)
    except UnauthorizedException:
        return options.model_copy(update={"token": getpass.getpass("Token: ")})
    except WorkspaceError:  # said later, with what to do
        return options
    return options


def named_worker(options: WorkerOptions) -> str:
    """Return the id or name of the worker; refuse if none was given."""
    if options.worker.worker_id:
        return options.worker.worker_id
    raise InputError(
        f"worker.worker_id: missing. Write worker.worker_id={DEFAULT_NAME}, which registers itself, or the "
        "id or name of another that client.register_compute_worker(name=...) has made"
    )


def sanity_check(options: WorkerOptions) -> Iterator[Check]:
    """Yield what was found of versions, store, token, worker, folders and device; nothing is changed."""
    versions = f"lightly_nb {__version__}, Python {platform.python_version()}, {sys.platform}"
    yield Check("versions", True, versions)
    opened: list[Workspace] = []
    yield _check("store", lambda: opened.append(open_workspace()) or opened[0].url)  # type: ignore[func-returns-value]
    if opened:
        yield _check("token", lambda: f"of {authenticate(opened[0], options.token).email}")
        yield _check("worker", lambda: _worker(opened[0], options))
    yield _check("output_dir", lambda: _written(Path(options.output_dir)))
    for name in ("shared_dir", "input_mount"):
        if folder := getattr(options, name):
            yield _check(name, lambda folder=folder: _folder(Path(folder)))  # type: ignore[misc]
    yield _check("device", _device)


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except (LightlyNBError, OSError, ImportError) as error:
        return Check(name, False, str(error))


def _worker(workspace: Workspace, options: WorkerOptions) -> str:
    user = authenticate(workspace, options.token)
    name = named_worker(options)
    with reading(workspace) as session:
        if name == DEFAULT_NAME and name not in [one.name for one in get_workers(session, user)]:
            return f"{name!r} registers itself when it is started"
        worker = get_worker(session, user, name)
    return f"{worker.name!r} ({worker.id}), labels {worker.labels}, {worker.state}"


def _written(folder: Path) -> str:
    path = folder.expanduser().absolute()
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path) as probe:
        probe.write(b"0" * 4096)
    return f"{path} can be written"


def _folder(folder: Path) -> str:
    if not folder.expanduser().is_dir():
        raise InputError(f"there is no folder {folder}")
    return f"{folder.expanduser().absolute()} is there"


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"torch {torch.__version__} on {torch.cuda.get_device_name()}"
    return f"torch {torch.__version__} on {torch.get_num_threads()} threads of the CPU; no CUDA device"
