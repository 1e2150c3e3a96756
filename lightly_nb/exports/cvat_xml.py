"""CVAT for images 1.1, after https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/ (11/2026)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from lightly_nb.errors import InputError
from lightly_nb.exports.folders import File, Folder, image_files, text_file
from lightly_nb.exports.images import Images
from lightly_nb.exports.labels import OUTSIDE, Label, Labelled, labelled
from lightly_nb.exports.masks import box_of, polygons_of, runs_of
from lightly_nb.samples.predictions import Task

_SHAPES = {
    "object-detection": "rectangle",
    "keypoint-detection": "points",
    "classification": "tag",
}


def save(images: Images, *, scores: bool = False, polygons: bool = False) -> str:
    """Return an `annotations.xml`: upload it to a task that has these images, as "CVAT 1.1".

    Parameters
    ----------
    scores : bool
        Whether labels and shapes have an attribute `score`.
    polygons : bool
        Segments as polygons instead of masks, one for each part.
    """
    task = images.needed_predictions().task
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "  <version>1.1</version>"]
    lines += _meta(len(images), task, scores, polygons)
    for number, image in enumerate(labelled(images)):
        shapes = [list(_shapes(image, label, scores, polygons)) for label in image.labels]
        images.left_out[OUTSIDE] += sum(not found for found in shapes)
        size = f'width="{image.width}" height="{image.height}"'
        name = quoteattr(_checked(image.filename))
        lines.append(f'  <image id="{number}" name={name} {size}>')
        lines += [line for found in shapes for line in found]
        lines.append("  </image>")
    return "\n".join([*lines, "</annotations>"])


def save_folder(
    images: Images, *, scores: bool = False, polygons: bool = False, copy_images: bool = True
) -> Folder:
    """Return a dataset of CVAT, to be zipped: `annotations.xml` and `images/…`. A path with .zip is zipped.

    Parameters
    ----------
    scores, polygons : bool
        As in `save`.
    copy_images : bool
        Whether the images are written, too.
    """

    def files() -> Iterator[File]:
        yield text_file("annotations.xml", save(images, scores=scores, polygons=polygons) + "\n")
        if copy_images:
            yield from image_files(images, (f"images/{name}" for name in images.filenames))

    return Folder(files)


def _meta(n_images: int, task: Task, scores: bool, polygons: bool) -> list[str]:
    kind = _SHAPES.get(task.type, "polygon" if polygons else "mask")
    attributes = "        <attributes></attributes>"
    if scores:
        attributes = (
            "        <attributes><attribute><name>score</name><mutable>False</mutable>"
            "<input_type>text</input_type><default_value></default_value><values></values></attribute>"
            "</attributes>"
        )
    labels = [
        line
        for name in task.categories
        for line in (
            "      <label>",
            f"        <name>{_text(name)}</name>",
            f"        <type>{kind}</type>",
            attributes,
            "      </label>",
        )
    ]
    head = [f"    <name>{_text(task.name)}</name>", f"    <size>{n_images}</size>"]
    head += ["    <mode>annotation</mode>", "    <overlap>0</overlap>"]
    return ["  <meta><task>", *head, "    <labels>", *labels, "    </labels>", "  </task></meta>"]


def _shapes(image: Labelled, label: Label, scores: bool, polygons: bool) -> Iterator[str]:
    common = {"label": label.name, "source": "auto"}
    inner = f'<attribute name="score">{label.score:.9g}</attribute>' if scores else ""
    shape = {**common, "occluded": 0}
    if label.keypoints is not None:
        seen = label.keypoints[label.keypoints[:, 2] > 0, :2]
        if len(seen):
            yield _tag("points", inner, **shape, points=_points(seen), z_order=0)
    elif label.runs is not None and polygons:
        for outline in polygons_of(image.mask(label)):
            yield _tag("polygon", inner, **shape, points=_points(outline + 0.5), z_order=0)
    elif label.runs is not None:
        mask = image.mask(label)
        if (box := box_of(mask)) is not None:
            left, top, width, height = map(int, box)
            runs = runs_of(mask[top : top + height, left : left + width].ravel())
            place = {"left": left, "top": top, "width": width, "height": height, "z_order": 0}
            yield _tag("mask", inner, **shape, rle=", ".join(map(str, runs)), **place)
    elif label.bbox is not None:
        if (box := image.box(label)) is not None:
            x, y, w, h = box
            corners = {"xtl": x, "ytl": y, "xbr": x + w, "ybr": y + h}
            yield _tag("box", inner, **shape, **{key: f"{at:.2f}" for key, at in corners.items()}, z_order=0)
    else:
        yield _tag("tag", inner, **common)


def _points(points: np.ndarray) -> str:
    return ";".join(f"{x:.2f},{y:.2f}" for x, y in points.tolist())


def _tag(element: str, inner: str = "", **attributes: Any) -> str:
    said = "".join(f" {key}={quoteattr(_checked(str(value)))}" for key, value in attributes.items())
    return f"    <{element}{said}>{inner}</{element}>"


def _text(text: str) -> str:
    return escape(_checked(text))


def _checked(text: str) -> str:
    """Return a text that XML can hold."""
    if all(char >= " " or char in "\t\n\r" for char in text):
        return text
    raise InputError(f"{text!r} has a control character, which XML cannot hold; rename it, or export to coco")
