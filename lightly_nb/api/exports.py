"""The client's export methods: each format by the name and by the id of a tag.

All take `chunk_size`: None (the default) returns everything in one piece, as the platform's client does; a
number returns an iterator over pieces of so many samples, whose URLs are signed when their turn comes. Those
with URLs take `url_for`, a function from a file name to the URL that the labelling tool is to open: without
it URLs are signed by the bucket, or `file://` for a folder.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lightly_nb.api.session import ApiSession
from lightly_nb.api.tags import get_tag_by_name
from lightly_nb.events import Listener, ProgressBar
from lightly_nb.workspace.data import exports
from lightly_nb.workspace.data.sample_files import open_sample_files, sample_files_settings
from lightly_nb.workspace.data.tags import get_samples_in_tag, get_tag

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from lightly_nb.workspace.data.datasource_kinds import DatasourceSettings
    from lightly_nb.workspace.data.samples import SampleRow
    from lightly_nb.workspace.store.schema import Dataset

UrlFor = Callable[[str], str] | None


def export_filenames_by_tag_id(self: ApiSession, tag_id: str, chunk_size: int | None = None) -> Any:
    """Return the file names of a tag, one a line."""
    return exported(self, "filenames", tag_id, chunk_size)


def export_filenames_by_tag_name(self: ApiSession, tag_name: str, chunk_size: int | None = None) -> Any:
    """Return the file names of a tag, one a line."""
    return exported(self, "filenames", get_tag_by_name(self, tag_name).id, chunk_size)


def export_filenames_and_read_urls_by_tag_id(
    self: ApiSession, tag_id: str, chunk_size: int | None = None, url_for: UrlFor = None
) -> Any:
    """Return dicts with `fileName`, `readUrl` and `datasourceUrl` of a tag's files."""
    return exported(self, "filenames_and_read_urls", tag_id, chunk_size, url_for=url_for)


def export_filenames_and_read_urls_by_tag_name(
    self: ApiSession, tag_name: str, chunk_size: int | None = None, url_for: UrlFor = None
) -> Any:
    """Return dicts with `fileName`, `readUrl` and `datasourceUrl` of a tag's files."""
    return exported(
        self, "filenames_and_read_urls", get_tag_by_name(self, tag_name).id, chunk_size, url_for=url_for
    )


def export_label_studio_tasks_by_tag_id(
    self: ApiSession, tag_id: str, chunk_size: int | None = None, url_for: UrlFor = None
) -> Any:
    """Return a tag as tasks of Label Studio, to be written as JSON and imported."""
    return exported(self, "label_studio_tasks", tag_id, chunk_size, url_for=url_for)


def export_label_studio_tasks_by_tag_name(
    self: ApiSession, tag_name: str, chunk_size: int | None = None, url_for: UrlFor = None
) -> Any:
    """Return a tag as tasks of Label Studio, to be written as JSON and imported."""
    return exported(
        self, "label_studio_tasks", get_tag_by_name(self, tag_name).id, chunk_size, url_for=url_for
    )


def export_label_box_data_rows_by_tag_id(
    self: ApiSession, tag_id: str, chunk_size: int | None = None, url_for: UrlFor = None
) -> Any:
    """Return a tag as data rows of Labelbox version 3. Deprecated: use version 4."""
    _warn_of_version_3("export_label_box_v4_data_rows_by_tag_id")
    return exported(self, "label_box_data_rows", tag_id, chunk_size, url_for=url_for)


def export_label_box_data_rows_by_tag_name(
    self: ApiSession, tag_name: str, chunk_size: int | None = None, url_for: UrlFor = None
) -> Any:
    """Return a tag as data rows of Labelbox version 3. Deprecated: use version 4."""
    _warn_of_version_3("export_label_box_v4_data_rows_by_tag_name")
    return exported(
        self, "label_box_data_rows", get_tag_by_name(self, tag_name).id, chunk_size, url_for=url_for
    )


def export_label_box_v4_data_rows_by_tag_id(
    self: ApiSession, tag_id: str, chunk_size: int | None = None, url_for: UrlFor = None
) -> Any:
    """Return a tag as data rows of Labelbox version 4."""
    return exported(self, "label_box_v4_data_rows", tag_id, chunk_size, url_for=url_for)


def export_label_box_v4_data_rows_by_tag_name(
    self: ApiSession, tag_name: str, chunk_size: int | None = None, url_for: UrlFor = None
) -> Any:
    """Return a tag as data rows of Labelbox version 4."""
    return exported(
        self, "label_box_v4_data_rows", get_tag_by_name(self, tag_name).id, chunk_size, url_for=url_for
    )


def export_coco_image_list_by_tag_id(self: ApiSession, tag_id: str, chunk_size: int | None = None) -> Any:
    """Return a tag as a COCO file without annotations."""
    return exported(self, "coco_image_list", tag_id, chunk_size)


def export_coco_image_list_by_tag_name(self: ApiSession, tag_name: str, chunk_size: int | None = None) -> Any:
    """Return a tag as a COCO file without annotations."""
    return exported(self, "coco_image_list", get_tag_by_name(self, tag_name).id, chunk_size)


def export_yolo_image_list_by_tag_id(
    self: ApiSession, tag_id: str, chunk_size: int | None = None, root: str | None = None
) -> Any:
    """Return a tag as a `train.txt` of YOLO; `root` is written before each name, './' without."""
    return exported(self, "yolo_image_list", tag_id, chunk_size, root=root)


def export_yolo_image_list_by_tag_name(
    self: ApiSession, tag_name: str, chunk_size: int | None = None, root: str | None = None
) -> Any:
    """Return a tag as a `train.txt` of YOLO; `root` is written before each name, './' without."""
    return exported(self, "yolo_image_list", get_tag_by_name(self, tag_name).id, chunk_size, root=root)


def export_cvat_manifest_by_tag_id(self: ApiSession, tag_id: str, chunk_size: int | None = None) -> Any:
    """Return a tag as a `manifest.jsonl` of CVAT."""
    return exported(self, "cvat_manifest", tag_id, chunk_size)


def export_cvat_manifest_by_tag_name(self: ApiSession, tag_name: str, chunk_size: int | None = None) -> Any:
    """Return a tag as a `manifest.jsonl` of CVAT."""
    return exported(self, "cvat_manifest", get_tag_by_name(self, tag_name).id, chunk_size)


def exported(
    self: ApiSession,
    form: str,
    tag_id: str,
    chunk_size: int | None = None,
    url_for: UrlFor = None,
    on_event: Listener | None = None,
    **options: Any,
) -> Any:
    """Return a tag in a format of `workspace.exports.FORMATS`.

    `on_event` hears how far it is where images have to be read, and may raise to stop; None: a progress bar.
    """

    def found(session: Session, dataset: Dataset) -> tuple[list[SampleRow], DatasourceSettings | None]:
        samples = get_samples_in_tag(session, dataset, get_tag(session, dataset, tag_id=tag_id))
        no_files = form in exports.WITHOUT_FILES
        return samples, None if no_files else sample_files_settings(session, dataset)

    samples, settings = self._read_dataset(found)
    files = None if settings is None else open_sample_files(settings, self.dataset_type, url_for)
    if form in exports.READ_SIZES:
        options["on_event"] = on_event or ProgressBar()
    return exports.export(form, samples, files, chunk_size=chunk_size, **options)


def _warn_of_version_3(instead: str) -> None:
    said = f"the Labelbox v3 format is deprecated; use {instead} for version 4"
    warnings.warn(said, DeprecationWarning, stacklevel=3)
