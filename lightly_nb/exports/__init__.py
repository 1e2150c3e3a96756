"""Exports to what labelling and training tools read.

A format is one file with a function from `Images` (plain values, a function that makes URLs, predictions) to
what the tool imports, and one line in `formats.FORMATS`. `export` does it for samples and picks, `save` for
`Images`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lightly_nb.errors import InputError
from lightly_nb.events import Listener
from lightly_nb.exports.datasets import to_fiftyone, to_huggingface, to_torch
from lightly_nb.exports.formats import FORMATS, Format, check_options, format_named
from lightly_nb.exports.images import Images, tell_left_out
from lightly_nb.exports.of_samples import images_of, task_to_export
from lightly_nb.exports.writing import write, write_parts
from lightly_nb.samples import Samples
from lightly_nb.samples.arguments import FUNCTION, MAPPING, PATH, SAMPLES, TEXT, accepts
from lightly_nb.samples.selected import Selection

__all__ = ["FORMATS", "Format", "export", "save", "to_fiftyone", "to_huggingface", "to_torch", "write"]


@accepts(samples=SAMPLES, format=TEXT, path=PATH, url_for=FUNCTION, formats=MAPPING, on_event=FUNCTION)
def export(
    samples: Samples,
    picks: Selection | Iterable[str] | None,
    format: str,
    path: str | os.PathLike[str] | None = None,
    *,
    task: str | None = None,
    chunk_size: int | None = None,
    url_for: Callable[[str], str] | None = None,
    formats: Mapping[str, Format] | None = None,
    on_event: Listener | None = None,
    **options: Any,
) -> Any:
    r"""Return samples in the format of a labelling or training tool, or write them to a file.

    Parameters
    ----------
    samples : Samples
        Of any folder, bucket or table.
    picks : Selection, iterable of str or None
        Which samples, in this order: a selection, or file names. None: all.
    format : str
        A name in `FORMATS`: `filenames`, `label_studio`, `coco`, `yolo_folder`, `csv`, … docs/exports.md has
        all of them, and how each is imported.
    path : path, optional
        File or folder to write to, whole or not at all; its parents are made. None returns the content. Some
        folders are useful as a zip file: end the name in `.zip`.
    task : str, optional
        The task whose predictions are exported, too. None: the samples alone; a format that is nothing
        without predictions takes the only task that there is.
    chunk_size : int, optional
        Samples in a file. None: all, or as many as the tool documents that it takes; more are written to
        `name-001.json`, `name-002.json`, … Without `path` an iterator over parts is returned.
    url_for : callable, optional
        Makes the URL that the tool is to open, of a file name. None: signed by the bucket for a week, or
        `file://` for a folder.
    formats : mapping of str to Format, optional
        Formats by name, so that a notebook can pass its own; None is `FORMATS`.
    on_event : callable, optional
        Gets progress, and a warning for each reason why something was left out; None shows a progress bar.
    **options
        Of the format: `root` of `yolo`, `splits` of `yolo_folder`, `scores` of `coco`, …

    Returns
    -------
    str, bytes, list, dict, Path or list of Path
        What the tool imports: text, or what is to be written as JSON. With `path`: where it is; a list if it
        took several files.

    Raises
    ------
    InputError
        If there is no such format, option, task or sample, the format does not hold such predictions, or
        there is no source to make URLs from or to read sizes from.
    DatasourceError
        If a file cannot be read or written, or no URL of it made.

    Examples
    --------
    >>> import pandas as pd
    >>> samples = Samples(pd.DataFrame(index=["a.jpg", "b c.jpg"]))
    >>> export(samples, ["b c.jpg"], "yolo", root="/data")
    '/data/b c.jpg\n'
    """
    chosen = format_named(format, formats)
    if instead := chosen.replaced_by:
        said = f"the export format {format!r} is deprecated; use {instead!r}"
        warnings.warn(said, DeprecationWarning, stacklevel=2)
    check_options(format, chosen, options, chunk_size)
    task = task_to_export(format, chosen, samples.predictions, task, formats, on_event)
    images = images_of(samples, picks, task, url_for, on_event)
    if path is None:
        if chosen.is_folder:
            raise InputError(
                f"the export format {format!r} is a folder of files; give path=, where it is to be"
            )
        content = save(images, format, chunk_size=chunk_size, formats=formats, **options)
        tell_left_out(images)
        return content
    if chosen.is_folder:
        paths = [write(chosen.save(images, **options), path)]
    else:
        paths = write_parts(images, chosen, path, chunk_size, **options)
    tell_left_out(images)
    return paths[0] if len(paths) == 1 else paths


def save(
    images: Images,
    format: str,
    *,
    chunk_size: int | None = None,
    formats: Mapping[str, Format] | None = None,
    **options: Any,
) -> Any:
    """Return images in a format.

    Parameters
    ----------
    images : Images
        In the order in which they are to stand.
    format : str
        A name in `formats`.
    chunk_size : int, optional
        Images in a part; None is all of them in one. A part is made, and its URLs are signed, when it is
        asked for.
    formats : mapping of str to Format, optional
        Formats by name; None is `FORMATS`.
    **options
        Of the format: `root` of `yolo`.

    Returns
    -------
    object
        What the format's function says; with `chunk_size`, an iterator of such.
    """
    chosen = format_named(format, formats)
    check_options(format, chosen, options, chunk_size)
    if chunk_size is None:
        return chosen.save(images, **options)
    return (chosen.save(part, **options) for part in images.parts(chunk_size))
