"""What the dataset browser does with a tag: files for other tools, images; one piece of work at a time."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from lightly_nb.api import ApiWorkflowClient
from lightly_nb.api.downloads import download_tag
from lightly_nb.api.exports import exported
from lightly_nb.api.models import DatasetData, TagData
from lightly_nb.errors import DatasourceError, InputError, RunCanceled
from lightly_nb.events import Event, Listener
from lightly_nb.files import written_aside
from lightly_nb.widgets.shared.background import Background, stopping
from lightly_nb.workspace.data.download import problems_text


class Form(NamedTuple):
    """An export format: its button, and the end of its file's name."""

    label: str
    file_name: str
    about: str


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "filenames": Form("Filenames", "filenames.txt", "File names, one a line"),
        "filenames_and_read_urls": Form(
            "Filenames + URLs", "read_urls.json", "File names with URLs that can be read"
        ),
        "label_studio_tasks": Form("Label Studio", "label_studio.json", "Tasks to import in Label Studio"),
        "label_box_data_rows": Form("Labelbox v3", "labelbox_v3.json", "Data rows of Labelbox version 3"),
        "label_box_v4_data_rows": Form("Labelbox v4", "labelbox_v4.json", "Data rows of Labelbox version 4"),
        "coco_image_list": Form("COCO", "coco.json", "A COCO file of the images, without annotations"),
        "yolo_image_list": Form("YOLO", "yolo_train.txt", "The train.txt of YOLO: one path a line"),
        "cvat_manifest": Form("CVAT", "cvat_manifest.jsonl", "A manifest of CVAT"),
    }
)
"""By the name of the format, as `workspace.exports.FORMATS` has it."""


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
    """Write a tag in a format of `FORMS` to a file of `folder`; return its path. It is whole or not there.

    Raises
    ------
    InputError
        If there is no such format.
    DatasourceError
        If the file cannot be written.
    """
    if form not in FORMS:
        raise InputError(f"export: there is no format {form!r}; there are {', '.join(FORMS)}")
    path = _made(folder) / f"{file_stem(dataset, tag)}_{FORMS[form].file_name}"
    content = exported(client, form, tag.id, on_event=on_event)
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
    try:
        with written_aside(path) as aside:
            aside.write_text(text if text.endswith("\n") or not text else f"{text}\n", encoding="utf-8")
    except OSError as error:
        said = (
            f"'{path}' cannot be written: {error.strerror or error}; free some space or choose another folder"
        )
        raise DatasourceError(said) from None
    return path


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
