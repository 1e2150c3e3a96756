"""The table of formats: client methods, the dataset browser's buttons and docs/api.md are made from it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from lightly_nb.errors import InputError
from lightly_nb.exports import (
    coco,
    cvat,
    cvat_xml,
    fiftyone,
    label_studio,
    labelbox,
    lightly_studio,
    lists,
    tables,
    yolo,
    yolo_folder,
)
from lightly_nb.samples.predictions import TASK_TYPES


@dataclass(frozen=True)
class Format:
    """One export format.

    Parameters
    ----------
    save : callable
        Called as `save(images, **options)` with `Images`; returns text, bytes, a list or dict for JSON, or a
        `Folder`.
    label : str
        What its button says.
    file_name : str
        How the name of its file ends.
    about : str
        What it is, as the documentation says it.
    has_urls, has_sizes : bool
        Whether it asks for read URLs, and for sizes, which may have to be read from the files.
    replaced_by : str
        The format to be used instead, if this one is deprecated.
    task_types : tuple of str
        Types of task whose predictions it holds; none for a format of images alone.
    needs_task : bool
        Whether it is nothing without predictions.
    is_folder : bool
        Whether it is a folder of files.
    most_samples, most_bytes : int or None
        What the tool imports at a time; more is written to several files.
    """

    save: Callable[..., Any]
    label: str = ""
    file_name: str = ""
    about: str = ""
    has_urls: bool = False
    has_sizes: bool = False
    replaced_by: str = ""
    task_types: tuple[str, ...] = ()
    needs_task: bool = False
    is_folder: bool = False
    most_samples: int | None = None
    most_bytes: int | None = None

    @property
    def of_images(self) -> bool:
        """Whether it is one file that needs no predictions."""
        return not self.needs_task and not self.is_folder

    @property
    def options(self) -> list[inspect.Parameter]:
        """The options of `save`."""
        found = inspect.signature(self.save).parameters.values()
        return [one for one in found if one.kind is inspect.Parameter.KEYWORD_ONLY]


OF_OBJECTS = tuple(kind for kind in TASK_TYPES if kind != "classification")
"""Types of task that have objects or segments."""

_LABELS: dict[str, Any] = {"has_sizes": True, "task_types": TASK_TYPES, "needs_task": True}

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "filenames": Format(lists.save_filenames, "Filenames", "filenames.txt", "File names, one a line"),
        "filenames_and_read_urls": Format(
            *(lists.save_filenames_and_read_urls, "Filenames + URLs", "read_urls.json"),
            "File names with URLs that can be read",
            has_urls=True,
        ),
        "label_studio": Format(
            *(label_studio.save, "Label Studio", "label_studio.json", "Tasks of Label Studio"),
            has_urls=True,
            task_types=TASK_TYPES,
            most_samples=250_000,  # and 200 MB: what one import takes, by the documentation of its API
            most_bytes=200 * 10**6,
        ),
        "label_studio_config": Format(
            *(label_studio.save_config, "Label Studio configuration", "label_studio_config.xml"),
            "The labelling configuration of a Label Studio project for these predictions",
            task_types=TASK_TYPES,
            needs_task=True,
        ),
        "label_box": Format(
            *(labelbox.save_v3, "Labelbox v3", "labelbox_v3.json", "Data rows of Labelbox version 3"),
            has_urls=True,
            replaced_by="label_box_v4",
            most_samples=150_000,
        ),
        "label_box_v4": Format(
            *(labelbox.save_v4, "Labelbox v4", "labelbox_v4.json", "Data rows of Labelbox version 4"),
            has_urls=True,
            most_samples=150_000,  # https://docs.labelbox.com/docs/limits: of one upload
        ),
        "label_box_annotations": Format(
            *(labelbox.save_annotations, "Labelbox annotations", "labelbox_annotations.ndjson"),
            "Annotations of Labelbox, one JSON a line, for its data rows",
            **_LABELS,
            most_samples=150_000,
        ),
        "coco": Format(
            *(coco.save, "COCO", "coco.json", "A COCO file, with annotations where a task is given"),
            has_sizes=True,
            task_types=TASK_TYPES,
        ),
        "coco_results": Format(
            *(coco.save_results, "COCO results", "coco_results.json", "Results of COCO, with scores"),
            **{**_LABELS, "task_types": OF_OBJECTS},
        ),
        "yolo": Format(yolo.save, "YOLO", "yolo_train.txt", "The train.txt of YOLO: one path a line"),
        "yolo_folder": Format(
            *(
                yolo_folder.save,
                "YOLO folder",
                "yolo",
                "A folder that YOLO trains on, with splits",
            ),
            **_LABELS,
            is_folder=True,
        ),
        "cvat": Format(cvat.save, "CVAT", "cvat_manifest.jsonl", "A manifest of CVAT 1.1", has_sizes=True),
        "cvat_xml": Format(
            *(cvat_xml.save, "CVAT annotations", "cvat_annotations.xml"),
            "Annotations of CVAT for images 1.1, for a task that has the images",
            **_LABELS,
        ),
        "cvat_folder": Format(
            *(cvat_xml.save_folder, "CVAT dataset", "cvat", "Annotations and images of CVAT for images 1.1"),
            **_LABELS,
            is_folder=True,
        ),
        "fiftyone": Format(
            *(fiftyone.save, "FiftyOne", "fiftyone", "A dataset folder of FiftyOne"),
            **_LABELS,
            is_folder=True,
        ),
        "lightly_studio": Format(
            *(lightly_studio.save, "LightlyStudio", "lightly_studio.json"),
            "The COCO file with scores that LightlyStudio reads",
            **{**_LABELS, "task_types": OF_OBJECTS[:3]},
        ),
        "csv": Format(
            *(
                tables.save_csv,
                "CSV",
                "samples.csv",
                "A CSV table of samples, or of a task's predictions",
            ),
            task_types=TASK_TYPES,
        ),
        "parquet": Format(
            *(tables.save_parquet, "Parquet", "samples.parquet"),
            "A Parquet table of samples, or of a task's predictions",
            task_types=TASK_TYPES,
        ),
    }
)
"""All formats by name."""


def format_named(name: str, formats: Mapping[str, Format] | None = None) -> Format:
    """Return a format.

    Raises
    ------
    InputError
        If there is none of that name; says which one was probably meant, and all there are.
    """
    formats = FORMATS if formats is None else formats
    if name in formats:
        return formats[name]
    near = get_close_matches(str(name), formats, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    raise InputError(f"there is no export format {name!r}; {guess}there are {', '.join(sorted(formats))}")


def check_options(name: str, chosen: Format, options: Mapping[str, Any], chunk_size: int | None) -> None:
    """Raise `InputError` if a format has no such option, or cannot be cut so."""
    allowed = [one.name for one in chosen.options]
    for option in options:
        if option not in allowed:
            there = ", ".join(allowed) or "none"
            raise InputError(f"the export format {name!r} has no option {option!r}; its options: {there}")
    if chunk_size is None:
        return
    if isinstance(chunk_size, bool) or not isinstance(chunk_size, int) or chunk_size < 1:
        raise InputError(f"chunk_size is {chunk_size!r}; give a whole number of samples, 1 or more, or None")
    if chosen.is_folder:
        raise InputError(f"the export format {name!r} is a folder, which is not cut; leave chunk_size out")
