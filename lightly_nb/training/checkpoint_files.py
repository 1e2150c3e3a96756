"""The files of a training: `lightly_epoch_X.ckpt` after X epochs, and `last.ckpt` to go on from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from torch import nn

from lightly_nb.errors import DatasourceError, InputError, RunError
from lightly_nb.files import exclusive, sweep
from lightly_nb.models import ModelSettings, save_checkpoint
from lightly_nb.runfolder import DEFAULT_OUTPUT_DIR, RunFolder

LAST = "last.ckpt"


def epoch_path(folder: Path, epochs: int) -> Path:
    """Return the checkpoint after `epochs` epochs."""
    return folder / f"lightly_epoch_{epochs}.ckpt"


def epoch_paths(folder: Path) -> list[Path]:
    """Return the checkpoints of `folder`, the newest epoch first."""
    found = {
        int(match[1]): path
        for path in folder.glob("lightly_epoch_*.ckpt")
        if (match := re.fullmatch(r"lightly_epoch_(\d+)\.ckpt", path.name))
    }
    return [found[epochs] for epochs in sorted(found, reverse=True)]


def save_epoch(
    folder: Path,
    module: nn.Module,
    settings: ModelSettings,
    *,
    epochs: int,
    training: Mapping[str, Any],
    resume: Mapping[str, Any],
    save_top_k: int,
) -> Path:
    """Save the checkpoint of an epoch and `last.ckpt`, then remove those older than the newest `save_top_k`.

    Parameters
    ----------
    save_top_k : int
        How many `lightly_epoch_X.ckpt` stay; -1 all of them. The newest always stays.
    """
    path = epoch_path(folder, epochs)
    # `last.ckpt` first: after a crash between the two, training can go on
    save_checkpoint(folder / LAST, module, settings, epochs=epochs, training=training, resume=resume)
    save_checkpoint(path, module, settings, epochs=epochs, training=training)
    if save_top_k >= 0:
        for old in epoch_paths(folder)[max(1, save_top_k) :]:
            old.unlink()
    return path


def prepare_folder(output_dir: str | os.PathLike[str] | None) -> Path:
    """Return the folder for checkpoints, made if need be; a new one below `lightly_outputs` for None.

    Raises
    ------
    DatasourceError
        If it cannot be made.
    InputError
        If it holds checkpoints that no training can go on from: nothing is overwritten.
    """
    folder = Path(DEFAULT_OUTPUT_DIR if output_dir is None else output_dir).expanduser()
    try:
        if output_dir is None:
            folder = _new_dated(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasourceError(
            f"output_dir '{folder}' cannot be made ({error.strerror or error}); "
            "give a folder that you may write to"
        ) from error
    old = epoch_paths(folder)
    if old and not (folder / LAST).exists():
        raise InputError(
            f"output_dir '{folder}' holds {old[0].name} of an earlier training; nothing was overwritten: "
            "give another output_dir, or pass that file as checkpoint=… together with another output_dir"
        )
    return folder


def _new_dated(below: Path) -> Path:
    """Make a folder named by the time that nobody else has, not even in the same second."""
    stem = below / datetime.now().strftime("%Y-%m-%d/%H-%M-%S")
    stem.parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        path = stem if number == 1 else stem.with_name(f"{stem.name}-{number}")
        with suppress(FileExistsError):
            path.mkdir()
            return path
    raise AssertionError("count does not end")


@contextmanager
def held_for_training(folder: Path) -> Iterator[None]:
    """Hold the folder of a training, and delete what an earlier one was killed at writing.

    A run holds its own folder already.

    Raises
    ------
    RunError
        If another training has it: both would write the same checkpoints.
    """
    if RunFolder(folder).config.is_file():
        yield
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(folder))
        except BlockingIOError as error:
            raise RunError(
                f"output_dir '{folder}': another process or thread is training there; nothing was changed: "
                "wait for it, or give another output_dir"
            ) from error
        sweep(folder)
        yield
