"""From samples and picks to `Images`, and to the task whose predictions go with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from lightly_nb.datasource import Datasource
from lightly_nb.datasource.sample_files import SampleFiles
from lightly_nb.errors import InputError
from lightly_nb.events import Listener, ProgressBar, say
from lightly_nb.exports.formats import FORMATS, Format
from lightly_nb.exports.images import STEP, Images
from lightly_nb.samples import Samples
from lightly_nb.samples.predictions import ADD_PREDICTIONS, Predictions, predictions_of
from lightly_nb.samples.rows import names_of
from lightly_nb.samples.selected import Selection


def task_to_export(
    name: str,
    chosen: Format,
    predictions: Mapping[str, Predictions],
    task: str | None,
    formats: Mapping[str, Format] | None = None,
    on_event: Listener | None = None,
) -> str | None:
    """Return the task whose predictions are exported, None for none.

    Parameters
    ----------
    name : str
        Of the format.
    chosen : Format
        The format.
    predictions : mapping of str to Predictions
        What there is, by task.
    task : str or None
        What was asked for.
    formats : mapping of str to Format, optional
        All formats, to name those that could; None is `FORMATS`.
    on_event : callable, optional
        Hears which predictions are not exported; None prints it.

    Raises
    ------
    InputError
        If the format holds no such predictions, or there are none of that task.
    """
    there = sorted(predictions)
    if task is None and not chosen.needs_task:
        if there and chosen.task_types:
            said = f"the predictions of {there} are not exported; task={there[0]!r} would export them, too"
            say(on_event or ProgressBar(), STEP, said, "warning")
        return None
    if task is None and len(there) != 1:
        which = f"they are of {there}: say which by task=" if there else ADD_PREDICTIONS
        raise InputError(f"the export format {name!r} needs predictions of one task; {which}")
    task = there[0] if task is None else task
    all_formats = FORMATS if formats is None else formats
    if not chosen.task_types:
        able = ", ".join(one for one, other in all_formats.items() if other.task_types)
        raise InputError(f"the export format {name!r} holds no predictions; leave task out, or use {able}")
    kind = predictions_of(predictions, task).task.type
    if kind not in chosen.task_types:
        able = ", ".join(one for one, other in all_formats.items() if kind in other.task_types)
        raise InputError(f"the export format {name!r} does not hold {kind}, as of task {task!r}; use {able}")
    return task


def images_of(
    samples: Samples,
    picks: Selection | Iterable[str] | None,
    task: str | None = None,
    url_for: Callable[[str], str] | None = None,
    on_event: Listener | None = None,
) -> Images:
    """Return the picks among samples as `Images`, with the URLs of their source where it has any.

    Parameters
    ----------
    samples : Samples
        All of them: an image has the number of its row.
    picks : Selection, iterable of str or None
        Which, in this order; None: all.
    task : str or None
        Whose predictions go with them.
    url_for : callable, optional
        Makes the URLs.
    on_event : callable, optional
        Gets the progress.
    """
    if picks is None:
        names, numbers = samples.filenames, np.arange(len(samples))
    else:
        names = names_of(picks, "picks")
        numbers = samples.rows_of(names)
    predictions = None if task is None else samples.predictions[task].take(numbers)
    metadata = _metadata(samples.table)
    images = Images(names, numbers.tolist(), metadata, on_event=on_event, predictions=predictions)
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
    if (isinstance(value, float) and not math.isfinite(value)) or value is pd.NA or value is pd.NaT:
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
