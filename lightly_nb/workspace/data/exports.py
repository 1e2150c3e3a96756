"""Exports of a tag to what labelling and training tools read.

A format is one function from samples and their files to what the tool imports, and one line in `FORMATS`.
Formats as of November 2026, each after the documentation or the importer of its tool:
Label Studio, https://labelstud.io/guide/tasks.html; Labelbox, the row keys that labelbox-python accepts in
`create_data_rows`; COCO, https://cocodataset.org/#format-data; YOLO, the image lists of Ultralytics; CVAT,
https://docs.cvat.ai/docs/dataset_management/dataset_manifest/ (version 1.1).
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from types import MappingProxyType
from typing import Any

from lightly_nb.errors import InputError
from lightly_nb.events import Listener, Stage, silent
from lightly_nb.workspace.data.sample_files import SampleFiles, image_size
from lightly_nb.workspace.data.samples import SampleRow

Format = Callable[..., Any]
"""Called as `(samples, files, **options)`; returns text, a list of dicts or a dict."""


def export(
    form: str,
    samples: Sequence[SampleRow],
    files: SampleFiles | None,
    *,
    chunk_size: int | None = None,
    formats: Mapping[str, Format] | None = None,
    **options: Any,
) -> Any:
    """Return samples in a format.

    Parameters
    ----------
    form : str
        A name in `FORMATS`.
    samples : sequence of SampleRow
        In the order in which they are to stand.
    files : SampleFiles
        Their files, for read URLs and image sizes; None will do for formats of `WITHOUT_FILES`.
    chunk_size : int, optional
        Samples in a part; None is all of them in one. A part is made, and its URLs are signed, when it is
        asked for.
    formats : mapping, optional
        Other formats. None: `FORMATS`.
    **options
        Of the format: `root` of `yolo_image_list`.

    Returns
    -------
    object
        What the format's function says; with `chunk_size`, an iterator of such.

    Raises
    ------
    InputError
        If there is no such format, or `chunk_size` is no positive whole number.
    DatasourceError
        If a file cannot be read or no URL of it made.

    Examples
    --------
    >>> samples = [SampleRow(n, f"{n}.jpg", None) for n in range(3)]
    >>> list(export("filenames", samples, None, chunk_size=2))
    ['0.jpg\\n1.jpg', '2.jpg']
    """
    known = FORMATS if formats is None else formats
    if form not in known:
        raise InputError(f"there is no export format {form!r}; there are {', '.join(sorted(known))}")
    if chunk_size is None:
        return known[form](samples, files, **options)
    if isinstance(chunk_size, bool) or not isinstance(chunk_size, int) or chunk_size < 1:
        raise InputError(f"chunk_size is {chunk_size!r}; give a whole number of samples, 1 or more, or None")
    return (known[form](part, files, **options) for part in _parts(samples, chunk_size))


def _parts(samples: Sequence[SampleRow], size: int) -> Iterator[Sequence[SampleRow]]:
    return (samples[start : start + size] for start in range(0, len(samples), size))


def filenames(samples: Iterable[SampleRow], files: SampleFiles | None) -> str:
    """Return the file names, one a line."""
    return "\n".join(sample.filename for sample in samples)


def filenames_and_read_urls(samples: Iterable[SampleRow], files: SampleFiles) -> list[dict[str, str]]:
    """Return dicts with `fileName`, `readUrl` and `datasourceUrl`."""
    return [
        {
            "fileName": sample.filename,
            "readUrl": files.read_url(sample.filename),
            "datasourceUrl": files.datasource_url(sample.filename),
        }
        for sample in samples
    ]


def label_studio_tasks(samples: Iterable[SampleRow], files: SampleFiles) -> list[dict[str, Any]]:
    """Return tasks of Label Studio: `id` and `data` with `image`, a URL, and what is known of the sample.

    `id` is the sample's number in the dataset. Label Studio gives its own ids at the import.
    """
    return [
        {
            "id": sample.number,
            "data": {
                "image": files.read_url(sample.filename),
                "lightlyFileName": sample.filename,
                "lightlyMetaInfo": {
                    "fileName": sample.filename,
                    "index": sample.number,
                    "metaData": sample.meta or {},
                },
            },
        }
        for sample in samples
    ]


def label_box_data_rows(samples: Iterable[SampleRow], files: SampleFiles) -> list[dict[str, str]]:
    """Return rows of Labelbox version 3: `externalId` and `imageUrl`."""
    return [
        {"externalId": sample.filename, "imageUrl": files.read_url(sample.filename)} for sample in samples
    ]


def label_box_v4_data_rows(samples: Iterable[SampleRow], files: SampleFiles) -> list[dict[str, str]]:
    """Return rows of Labelbox version 4: `row_data`, `global_key` and `media_type`.

    Labelbox refuses a `global_key` that it has seen already: delete the old rows, or rename the key.
    """
    return [
        {
            "row_data": files.read_url(sample.filename),
            "global_key": sample.filename,
            "media_type": "IMAGE",
        }
        for sample in samples
    ]


def coco_image_list(
    samples: Sequence[SampleRow],
    files: SampleFiles,
    *,
    on_event: Listener | None = None,
    max_workers: int = 8,
) -> dict[str, list[Any]]:
    """Return a COCO file without annotations: `images` with `id`, `file_name`, `width` and `height`.

    `id` is the sample's number in the dataset plus one, so two tags of a dataset agree and their annotations
    can be merged. Sizes are of the upright image, as labelling tools show it.
    """
    sizes = _sizes(samples, files, on_event, max_workers)
    images = [
        {"id": sample.number + 1, "file_name": sample.filename, "width": width, "height": height}
        for sample, (width, height) in zip(samples, sizes, strict=True)
    ]
    return {"images": images, "annotations": [], "categories": []}


def yolo_image_list(
    samples: Iterable[SampleRow], files: SampleFiles | None, *, root: str | None = None
) -> str:
    r"""Return a `train.txt` of YOLO: one path a line, with an end to the last line.

    Parameters
    ----------
    root : str, optional
        The folder of the images, written in front of each name. None: './', which Ultralytics takes as
        relative to the text file.

    Examples
    --------
    >>> yolo_image_list([SampleRow(0, "a b/1.jpg", None)], None, root="/data/images")
    '/data/images/a b/1.jpg\n'
    """
    before = "./" if root is None else f"{str(root).rstrip('/')}/"
    return "".join(f"{before}{sample.filename}\n" for sample in samples)


def cvat_manifest(
    samples: Sequence[SampleRow],
    files: SampleFiles,
    *,
    on_event: Listener | None = None,
    max_workers: int = 8,
) -> str:
    """Return a `manifest.jsonl` of CVAT, to be put at the root of the images: version, type, one line each.

    In CVAT: connect the bucket or shared folder with this manifest, then make a task of its files. Sizes are
    of the upright image.
    """
    lines: list[dict[str, Any]] = [{"version": "1.1"}, {"type": "images"}]
    for sample, (width, height) in zip(samples, _sizes(samples, files, on_event, max_workers), strict=True):
        name, extension = posixpath.splitext(sample.filename)
        meta: dict[str, list[str]] = {"related_images": []}
        lines.append({"name": name, "extension": extension, "width": width, "height": height, "meta": meta})
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def _sizes(
    samples: Sequence[SampleRow], files: SampleFiles, on_event: Listener | None, max_workers: int
) -> Iterator[tuple[int, int]]:
    """Yield the size of each image: what the run measured, else what the file says."""
    from lightly_nb.engines.local import ordered_map

    def size(sample: SampleRow) -> tuple[int, int]:
        return known_size(sample) or image_size(sample.filename, files)

    work = ordered_map(size, samples, max(1, max_workers))
    with closing(work), Stage(on_event or silent, "IMAGE SIZES", len(samples), "image") as stage:
        for found in work:
            yield found
            stage.advance()


def known_size(sample: SampleRow) -> tuple[int, int] | None:
    """Return width and height that a run measured and stored with the sample, None where it did not."""
    meta = sample.meta or {}
    of_image = meta.get("lightly") if isinstance(meta.get("lightly"), dict) else {}
    width = meta.get("lightly.width", (of_image or {}).get("width"))
    height = meta.get("lightly.height", (of_image or {}).get("height"))
    return (int(width), int(height)) if width and height else None


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "filenames": filenames,
        "filenames_and_read_urls": filenames_and_read_urls,
        "label_studio_tasks": label_studio_tasks,
        "label_box_data_rows": label_box_data_rows,
        "label_box_v4_data_rows": label_box_v4_data_rows,
        "coco_image_list": coco_image_list,
        "yolo_image_list": yolo_image_list,
        "cvat_manifest": cvat_manifest,
    }
)
"""All formats by name; the client has `export_NAME_by_tag_name` and `export_NAME_by_tag_id` of each."""

WITHOUT_FILES = frozenset({"filenames", "yolo_image_list"})
"""Formats that need no datasource."""

READ_SIZES = frozenset({"coco_image_list", "cvat_manifest"})
"""Formats that may have to look into the files, and say so to `on_event`."""
