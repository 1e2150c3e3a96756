"""The table of formats: client methods, the dataset browser's buttons and docs/api.md are made from it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from lightly_nb.errors import InputError
from lightly_nb.exports import coco, cvat, label_studio, labelbox, lists, yolo


@dataclass(frozen=True)
class Format:
    """One export format.

    Parameters
    ----------
    save : callable
        Called as `save(images, **options)` with `Images`; returns text, or a list or dict for JSON.
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
    """

    save: Callable[..., Any]
    label: str = ""
    file_name: str = ""
    about: str = ""
    has_urls: bool = False
    has_sizes: bool = False
    replaced_by: str = ""

    @property
    def options(self) -> list[inspect.Parameter]:
        """The options of `save`."""
        found = inspect.signature(self.save).parameters.values()
        return [one for one in found if one.kind is inspect.Parameter.KEYWORD_ONLY]


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "filenames": Format(lists.save_filenames, "Filenames", "filenames.txt", "File names, one a line"),
        "filenames_and_read_urls": Format(
            *(lists.save_filenames_and_read_urls, "Filenames + URLs", "read_urls.json"),
            "File names with URLs that can be read",
            has_urls=True,
        ),
        "label_studio": Format(
            label_studio.save, "Label Studio", "label_studio.json", "Tasks of Label Studio", has_urls=True
        ),
        "label_box": Format(
            *(labelbox.save_v3, "Labelbox v3", "labelbox_v3.json", "Data rows of Labelbox version 3"),
            has_urls=True,
            replaced_by="label_box_v4",
        ),
        "label_box_v4": Format(
            *(labelbox.save_v4, "Labelbox v4", "labelbox_v4.json", "Data rows of Labelbox version 4"),
            has_urls=True,
        ),
        "coco": Format(coco.save, "COCO", "coco.json", "A COCO file without annotations", has_sizes=True),
        "yolo": Format(yolo.save, "YOLO", "yolo_train.txt", "The train.txt of YOLO: one path a line"),
        "cvat": Format(cvat.save, "CVAT", "cvat_manifest.jsonl", "A manifest of CVAT 1.1", has_sizes=True),
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
