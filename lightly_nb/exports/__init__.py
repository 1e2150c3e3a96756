"""Exports to what labelling and training tools read.

A format is one file with a function from `Images` (plain values, a function that makes URLs) to what the
tool imports, and one line in `formats.FORMATS`. `export` does it for samples and picks, `save` for `Images`.
"""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lightly_nb.datasource import Datasource
from lightly_nb.datasource.sample_files import SampleFiles
from lightly_nb.errors import DatasourceError, InputError
from lightly_nb.events import Listener
from lightly_nb.exports.datasets import to_fiftyone, to_huggingface, to_torch
from lightly_nb.exports.formats import FORMATS, Format, format_named
from lightly_nb.exports.images import Images
from lightly_nb.files import written_aside
from lightly_nb.samples import Samples
from lightly_nb.samples.arguments import FUNCTION, MAPPING, PATH, SAMPLES, TEXT, accepts
from lightly_nb.samples.rows import names_of
from lightly_nb.samples.selected import Selection

__all__ = ["FORMATS", "Format", "export", "save", "to_fiftyone", "to_huggingface", "to_torch", "write"]


@accepts(samples=SAMPLES, format=TEXT, path=PATH, url_for=FUNCTION, formats=MAPPING, on_event=FUNCTION)
def export(
    samples: Samples,
    picks: Selection | Iterable[str] | None,
    format: str,
    path: str | os.PathLike[str] | None = None,
    *,
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
        `filenames`, `filenames_and_read_urls`, `label_studio`, `label_box_v4`, `coco`, `yolo` or `cvat`.
    path : path, optional
        File to write to, whole or not at all; its folder is made. None returns the content.
    url_for : callable, optional
        Makes the URL that the tool is to open, of a file name. None: signed by the bucket for a week, or
        `file://` for a folder.
    formats : mapping of str to Format, optional
        Formats by name, so that a notebook can pass its own; None is `FORMATS`.
    on_event : callable, optional
        Gets the events while sizes are read from files; None shows a progress bar.
    **options
        Of the format: `root` of `yolo`.

    Returns
    -------
    str, list, dict or Path
        What the tool imports: text, or what is to be written as JSON. With `path`: where it is.

    Raises
    ------
    InputError
        If there is no such format, option or sample, or no source to make URLs from or to read sizes from.
    DatasourceError
        If a file cannot be read or written, or no URL of it made.

    Examples
    --------
    >>> samples = Samples(pd.DataFrame(index=["a.jpg", "b c.jpg"]))
    >>> export(samples, ["b c.jpg"], "yolo", root="/data")
    '/data/b c.jpg\n'
    """
    if instead := format_named(format, formats).replaced_by:
        said = f"the export format {format!r} is deprecated; use {instead!r}"
        warnings.warn(said, DeprecationWarning, stacklevel=2)
    images = _images_of(samples, picks, url_for, on_event)
    content = save(images, format, formats=formats, **options)
    return content if path is None else write(content, path)


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
    allowed = [one.name for one in chosen.options]
    for name in options:
        if name not in allowed:
            there = ", ".join(allowed) or "none"
            raise InputError(f"the export format {format!r} has no option {name!r}; its options: {there}")
    if chunk_size is None:
        return chosen.save(images, **options)
    if isinstance(chunk_size, bool) or not isinstance(chunk_size, int) or chunk_size < 1:
        raise InputError(f"chunk_size is {chunk_size!r}; give a whole number of samples, 1 or more, or None")
    return (chosen.save(part, **options) for part in images.parts(chunk_size))


def write(content: Any, path: str | os.PathLike[str]) -> Path:
    """Write an export to a file, what is no text as JSON; return its path. It is whole or not there.

    Raises
    ------
    DatasourceError
        If it cannot be written; what stood there before is untouched.
    """
    target = Path(path).expanduser().absolute()
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with written_aside(target) as aside:
            aside.write_text(text if text.endswith("\n") or not text else f"{text}\n", encoding="utf-8")
    except OSError as error:
        said = f"'{target}' cannot be written: {error.strerror or error}"
        raise DatasourceError(f"{said}; free some space or choose another folder") from None
    return target


def _images_of(
    samples: Samples,
    picks: Selection | Iterable[str] | None,
    url_for: Callable[[str], str] | None,
    on_event: Listener | None,
) -> Images:
    """Return the picks among samples as `Images`, with the URLs of their source where it has any."""
    if isinstance(picks, str):
        raise InputError(f"picks: got the text {picks!r}; give a Selection, a list of file names, or None")
    if picks is None:
        names, numbers = samples.filenames, np.arange(len(samples))
    else:
        names = names_of(picks, "picks")
        numbers = samples.rows_of(names)
    images = Images(names, numbers.tolist(), _metadata(samples.table), on_event=on_event)
    source = samples.source
    if isinstance(source, Datasource):
        return images.with_files(SampleFiles(source, url_for=url_for))
    if source is not None:
        images = replace(images, read=lambda name, end: source.read(name))
    return images if url_for is None else replace(images, read_url=url_for, source_url=url_for)


def _metadata(table: pd.DataFrame) -> Callable[[int], dict[str, Any]]:
    """Return a function from a row to its values, as JSON can hold them."""

    @cache
    def columns() -> dict[str, list[Any]]:
        names = [name for name in table.columns if name != "thumbnail"]
        return {str(name): table[name].astype(object).tolist() for name in names}

    return lambda row: {name: _plain(values[row]) for name, values in columns().items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
