"""A new run folder: filled aside, then named, so that one that exists is whole."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from lightly_nb.errors import DatasourceError, LightlyNBError
from lightly_nb.files import ASIDE, exclusive, sweep
from lightly_nb.runfolder import RunFolder


def new_run_folder(
    output_dir: str | Path,
    run_directory: str | None = None,
    fill: Callable[[RunFolder, Path], object] = lambda aside, path: None,
) -> RunFolder:
    """Make a new run folder: `{output_dir}/{DATE}/{TIME}`, or `{output_dir}/{run_directory}`.

    It is filled under another name, with all that makes it a run, and then renamed: so a run folder that
    exists is whole, and of two runs that want one name one gets it.

    Parameters
    ----------
    output_dir : str or path
        Made if need be.
    run_directory : str or None
        Where it is below `output_dir`.
    fill : callable
        Called with the folder to write into, and the path that it will have.

    Raises
    ------
    DatasourceError
        If the folder cannot be written, or `run_directory` already holds something.
    RunError
        If `fill` cannot write.
    """
    output = Path(output_dir).expanduser().absolute()
    parent = _named(output, run_directory).parent if run_directory else output / f"{datetime.now():%Y-%m-%d}"
    try:
        with exclusive(parent, wait=lambda: None):
            sweep(parent)  # what runs that were killed here have left
            path = _named(output, run_directory) if run_directory else _dated(parent)
            aside = parent / f"{ASIDE}{secrets.token_hex(8)}"
            try:
                aside.mkdir()
                with tempfile.TemporaryFile(dir=aside) as probe:
                    probe.write(b"0" * 4096)
                fill(RunFolder(aside), path)
                _rename(aside, path)
            except BaseException:
                shutil.rmtree(aside, ignore_errors=True)
                raise
    except LightlyNBError:
        raise
    except OSError as error:
        raise DatasourceError(
            f"output folder '{output}' cannot be written ({error.strerror or error}); "
            "give an output folder that you may write to and that has free space"
        ) from error
    return RunFolder(path)


def _rename(aside: Path, path: Path) -> None:
    if path.is_dir():
        if _was_being_made(path):  # by version 0.2, which was killed at it
            shutil.rmtree(path)
        else:
            path.rmdir()  # empty, as `_named` has seen
    os.rename(aside, path)


def _named(output: Path, run_directory: str) -> Path:
    path = (output / run_directory).resolve()
    if not path.is_relative_to(output.resolve()) or path == output.resolve():
        raise DatasourceError(
            f"run_directory '{run_directory}' leads out of '{output}'; give a name below it"
        )
    if path.is_dir() and any(path.iterdir()) and not _was_being_made(path):
        is_run = RunFolder(path).config.is_file()
        advice = (
            f"or go on with that run: lightly-nb resume '{path}'" if is_run else "it is not that of a run"
        )
        raise DatasourceError(
            f"run_directory '{path}' is not empty; nothing in it was touched. Give another name, {advice}"
            if is_run
            else f"run_directory '{path}' is not empty, and {advice}; nothing in it was touched. "
            "Give another name"
        )
    return path


def _was_being_made(path: Path) -> bool:
    """Whether a folder holds nothing but parts of a configuration, without the one that makes it a run's."""
    folder = RunFolder(path)
    parts = {folder.overrides, folder.hydra, folder.input_table, folder.query(0).parent}
    found = list(path.iterdir())
    if found != [folder.config.parent]:
        return False
    inside = list(folder.config.parent.iterdir())
    return all(one in parts or one.name.startswith(ASIDE) for one in inside)


def _dated(parent: Path) -> Path:
    stem = parent / f"{datetime.now():%H-%M-%S}"
    number = 1
    while True:
        path = stem if number == 1 else stem.with_name(f"{stem.name}-{number}")
        if not path.exists():
            return path
        number += 1
