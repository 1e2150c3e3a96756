"""The client's export methods: each format of `lightly_nb.exports`, by the name and by the id of a tag.

All take `chunk_size`: None (the default) returns everything in one piece, as the platform's client does; a
number returns an iterator over pieces of so many samples, whose URLs are signed when their turn comes. Those
with URLs take `url_for`, a function from a file name to the URL that the labelling tool is to open: without
it URLs are signed by the bucket, or `file://` for a folder.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import Parameter, Signature
from typing import Any

from sqlalchemy.orm import Session

from lightly_nb.api.session import ApiSession
from lightly_nb.api.tags import get_tag_by_name
from lightly_nb.events import Listener
from lightly_nb.exports import FORMATS, Format, save
from lightly_nb.exports.formats import format_named
from lightly_nb.exports.images import Images, tell_left_out
from lightly_nb.exports.of_samples import task_to_export
from lightly_nb.lightly_source.predictions import read_predictions, read_tasks
from lightly_nb.samples.predictions import Predictions, packed
from lightly_nb.states import DatasourcePurpose
from lightly_nb.workspace.data.datasource_kinds import DatasourceSettings
from lightly_nb.workspace.data.datasources import get_datasource, open_lightly
from lightly_nb.workspace.data.sample_files import open_sample_files, sample_files_settings
from lightly_nb.workspace.data.samples import SampleRow
from lightly_nb.workspace.data.tags import get_samples_in_tag, get_tag
from lightly_nb.workspace.store.schema import Dataset

UrlFor = Callable[[str], str] | None
_Settings = DatasourceSettings | None

NAMES = {
    "label_studio": "label_studio_tasks",
    "label_box": "label_box_data_rows",
    "label_box_v4": "label_box_v4_data_rows",
    "coco": "coco_image_list",
    "yolo": "yolo_image_list",
    "cvat": "cvat_manifest",
}
"""What the platform's client calls a format, where that is not the name in `FORMATS`."""


def exported(
    self: ApiSession,
    form: str,
    tag_id: str,
    chunk_size: int | None = None,
    url_for: UrlFor = None,
    task: str | None = None,
    on_event: Listener | None = None,
    **options: Any,
) -> Any:
    """Return a tag in a format of `lightly_nb.exports.FORMATS`.

    Parameters
    ----------
    form : str
        Name of the format.
    tag_id : str
        Id of the tag.
    chunk_size : int, optional
        Samples in a part; None: all in one.
    url_for : callable, optional
        Makes the URL of a file name.
    task : str, optional
        The prediction task in LIGHTLY whose predictions are exported, too.
    on_event : callable, optional
        Hears how far it is where images have to be read, and may raise to stop; None: a progress bar.
    **options
        Of the format.
    """
    chosen = format_named(form)

    def found(session: Session, dataset: Dataset) -> tuple[list[SampleRow], _Settings, _Settings]:
        samples = get_samples_in_tag(session, dataset, get_tag(session, dataset, tag_id=tag_id))
        with_files = chosen.has_urls or chosen.has_sizes
        settings = sample_files_settings(session, dataset) if with_files else None
        lightly = get_datasource(session, dataset, DatasourcePurpose.LIGHTLY) if task is not None else None
        return samples, settings, lightly

    rows, settings, lightly = self._read_dataset(found)
    metadata = {row.number: row.meta or {} for row in rows}
    images = Images([row.filename for row in rows], list(metadata), metadata.__getitem__, on_event=on_event)
    if settings is not None:
        images = images.with_files(open_sample_files(settings, self.dataset_type, url_for))
    if lightly is not None and task is not None:
        images = replace(images, predictions=_predictions(form, images, lightly, task))
    content = save(images, form, chunk_size=chunk_size, **options)
    if chunk_size is None:
        tell_left_out(images)
    return content


def _predictions(form: str, images: Images, settings: DatasourceSettings, task: str) -> Predictions:
    """Read what is predicted for images in a task of LIGHTLY."""
    datasource = open_lightly(settings)
    tasks = {name: packed(one, ()) for name, one in read_tasks(datasource).items()}
    task_to_export(form, format_named(form), tasks, task)
    return read_predictions(datasource, images.filenames, tasks[task].task, images.listener)[0]


def method_name(form: str, kind: str) -> str:
    """Return the name of the method that exports a format by `kind`, 'id' or 'name', of a tag."""
    return f"export_{NAMES.get(form, form)}_by_tag_{kind}"


def export_methods(formats: Mapping[str, Format] = FORMATS) -> dict[str, Callable[..., Any]]:
    """Return the client's export methods by name: of all formats but folders."""
    return {
        method_name(form, kind): _method(form, one, kind)
        for form, one in formats.items()
        for kind in ("id", "name")
        if not one.is_folder
    }


def _method(form: str, chosen: Format, kind: str) -> Callable[..., Any]:
    signature = _signature(chosen, f"tag_{kind}")
    name, instead = method_name(form, kind), method_name(chosen.replaced_by, kind)
    deprecated = f"the {chosen.label} format is deprecated; use {instead}" if chosen.replaced_by else ""

    def method(*args: Any, **kwargs: Any) -> Any:
        arguments = signature.bind(*args, **kwargs).arguments
        session, tag = arguments.pop("self"), arguments.pop(f"tag_{kind}")
        if deprecated:
            warnings.warn(deprecated, DeprecationWarning, stacklevel=2)
        return exported(session, form, tag if kind == "id" else get_tag_by_name(session, tag).id, **arguments)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Return a tag, by its {kind}, as: {chosen.about}." + f" Deprecated: {instead}." * bool(
        deprecated
    )
    method.__signature__ = signature  # type: ignore[attr-defined]
    return method


def _signature(chosen: Format, tag: str) -> Signature:
    kind = Parameter.POSITIONAL_OR_KEYWORD
    urls = [Parameter("url_for", kind, default=None, annotation=UrlFor)] if chosen.has_urls else []
    default = Parameter.empty if chosen.needs_task else None
    tasks = [Parameter("task", kind, default=default, annotation=str)] if chosen.task_types else []
    needed, wished = (tasks, []) if chosen.needs_task else ([], tasks)
    return Signature(
        [
            Parameter("self", kind),
            Parameter(tag, kind, annotation=str),
            *needed,
            Parameter("chunk_size", kind, default=None, annotation=int | None),
            *urls,
            *wished,
            *(option.replace(kind=kind) for option in chosen.options),
        ],
        return_annotation=Any,
    )
