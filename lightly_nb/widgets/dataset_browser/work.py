"""What the dataset browser does with a tag: files for other tools, images; one piece of work at a time."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightly_nb.api import ApiWorkflowClient
from lightly_nb.api.downloads import download_tag
from lightly_nb.api.exports import exported
from lightly_nb.api.models import DatasetData, TagData
from lightly_nb.errors import DatasourceError, InputError, RunCanceled
from lightly_nb.events import Event, Listener
from lightly_nb.exports import write
from lightly_nb.exports.formats import format_named
from lightly_nb.widgets.shared.background import Background, stopping
from lightly_nb.workspace.data.download import problems_text


def file_stem(dataset: DatasetData, tag: TagData) -> str:
    """Return how the files of a tag begin: its names, and its id where characters were replaced."""
    named = f"{dataset.name}_{tag.name}"
    stem = re.sub(r"[^\w.-]+", "_", named).strip("._")[:120]
    return stem if stem == named else f"{stem}_{tag.id[-6:]}"


def save_export(
    client: ApiWorkflowClient,
    dataset: DatasetData,
    tag: TagData,
    form: str,
    folder: str | Path,
    on_event: Listener | None = None,
) -> Path:
    """Write a tag in a format of `lightly_nb.exports` to a file of `folder`, whole or not at all.

    Returns its path.

    Raises
    ------
    InputError
        If there is no such format.
    DatasourceError
        If the file cannot be written.
    """
    path = _made(folder) / f"{file_stem(dataset, tag)}_{format_named(form).file_name}"
    return write(exported(client, form, tag.id, on_event=on_event), path)


def download_images(
    client: ApiWorkflowClient,
    dataset: DatasetData,
    tag: TagData,
    folder: str | Path,
    on_event: Listener | None = None,
) -> Path:
    """Copy the images of a tag below `folder`; return the folder that they are in.

    Raises
    ------
    DatasourceError
        If some are missing afterwards; says which and why. The others are there.
    """
    place = _made(folder) / f"{file_stem(dataset, tag)}_images"
    done = download_tag(client, place, tag.name, on_event=on_event)
    if said := problems_text(done):
        raise DatasourceError(said)
    return place


def _made(folder: str | Path) -> Path:
    path = Path(folder).expanduser().absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasourceError(
            f"the folder '{path}' cannot be made: {error.strerror or error}; choose another folder"
        ) from None
    return path


def start_work(
    background: Background,
    name: str,
    work: Callable[[Listener], str],
    on_progress: Callable[[str, int, int | None], Any],
    on_end: Callable[[str], Any],
) -> None:
    """Start `work(on_event)`, which returns what is to be said at its end.

    Parameters
    ----------
    background : Background
        Whose thread does it. An error is told to it after `on_end("")`.
    on_progress : callable
        Called from the thread with a text, how much is done, and the total or None.
    on_end : callable
        Called from the thread with what the work returned or, after a cancel, said.

    Raises
    ------
    InputError
        If another piece of work is under way.
    """
    if background.is_alive:
        raise InputError(f"{name}: {background.name} is still under way; wait for it, or cancel it")
    canceled = f"{name} was canceled; files that are there are whole and stay"

    def listen(event: Event) -> None:
        if "done" in event:
            total = event.get("total")
            of = f" of {total:,}" if total else ""
            on_progress(f"{name}: {event['done']:,}{of} {event['unit']}s", event["done"], total)

    def job(stop: threading.Event) -> None:
        said = ""
        try:
            on_progress(f"{name} …", 0, None)
            said = work(stopping(stop, listen, canceled))
        except RunCanceled as error:
            said = str(error)
        finally:
            on_end(said)

    background.name = name
    background.start(job)
