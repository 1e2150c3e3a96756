"""YOLO: a folder that Ultralytics trains on, after https://docs.ultralytics.com/datasets (November 2026)."""

from __future__ import annotations

import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from lightly_nb.errors import InputError
from lightly_nb.exports.folders import File, Folder, image_files, text_file
from lightly_nb.exports.images import Images
from lightly_nb.exports.labels import OUTSIDE, Label, Labelled, labelled
from lightly_nb.exports.masks import joined, polygons_of
from lightly_nb.exports.splits import SPLITS, splits_of
from lightly_nb.samples.predictions import Predictions, Task


def save(
    images: Images,
    *,
    splits: Mapping[str, float] | str | None = None,
    copy_images: bool = True,
    scores: bool = False,
    flat: bool = False,
) -> Folder:
    """Return a folder of YOLO: `data.yaml`, `images/SPLIT/…`, and `labels/SPLIT/….txt` beside them.

    Classes have the numbers 0, 1, … in the order of the schema. Boxes are cut at the edge of the image.
    Segments are one polygon each: holes hang on it by a cut of no width, parts by a line of one
    pixel. A classification is a
    folder for each class in each split, which Ultralytics numbers by the alphabet; `classes.txt` has them in
    the order of the schema.

    Parameters
    ----------
    splits : mapping of str to float, or str, optional
        The share of each split, or the column of the samples that names the split of each. None: 0.8 `train`
        and 0.2 `val`. By shares the split hangs on the file name alone; frames of a video stay together.
    copy_images : bool
        Whether the images are written, too. Without them a folder has labels and lists only.
    scores : bool
        Whether a line ends with the score, as predictions of YOLO do; to train on, leave it out.
    flat : bool
        Whether sub-folders become part of the names (`a/b.jpg` is `a__b.jpg`), for readers that do not look
        into them, as those of Datumaro and supervision. Ultralytics does.
    """
    predictions = images.needed_predictions()
    if predictions.task.is_classification:
        if not copy_images:
            said = "a classification of YOLO is folders of images; leave copy_images True, or export to csv"
            raise InputError(said)
        images = _classified(images, predictions)
    split_of, names = splits_of(images, splits), _names(images.filenames, flat)
    if predictions.task.is_classification:
        return Folder(lambda: _classification(images, split_of, names))
    return Folder(lambda: _objects(images, split_of, names, copy_images, scores))


def _objects(
    images: Images, split_of: Sequence[str], names: Sequence[str], copy_images: bool, scores: bool
) -> Iterator[File]:
    task = images.needed_predictions().task
    yield text_file("data.yaml", _data_yaml(images.needed_predictions(), split_of))
    for row, image in enumerate(labelled(images)):
        lines = [_line(image, label, task, scores) for label in image.labels]
        images.left_out[OUTSIDE] += lines.count("")
        if image.is_predicted:
            name = f"labels/{split_of[row]}/{posixpath.splitext(names[row])[0]}.txt"
            yield text_file(name, "".join(f"{line}\n" for line in lines if line))
    if copy_images:
        yield from image_files(
            images, (f"images/{split}/{name}" for split, name in zip(split_of, names, strict=True))
        )


def _classified(images: Images, predictions: Predictions) -> Images:
    """Return the images that have a class."""
    rows = np.flatnonzero(predictions.counts > 0).tolist()
    reason = f"samples without a prediction of task '{predictions.task.name}', left out for want of a class"
    images.left_out[reason] += len(images) - len(rows)
    return replace(
        images,
        filenames=[images.filenames[row] for row in rows],
        numbers=[images.numbers[row] for row in rows],
        predictions=predictions.take(np.array(rows, int)),
    )


def _classification(images: Images, split_of: Sequence[str], names: Sequence[str]) -> Iterator[File]:
    predictions = images.needed_predictions()
    folders = _class_folders(predictions.task)
    yield text_file("classes.txt", "".join(f"{name}\n" for name in predictions.task.categories))
    for split in dict.fromkeys(split_of):
        for folder in folders:
            yield f"{split}/{folder}/", b""  # a class without images keeps its number in every split
    rows = predictions.classifications().argmax(axis=1).tolist()
    places = zip(split_of, rows, names, strict=True)
    yield from image_files(images, (f"{split}/{folders[row]}/{name}" for split, row, name in places))


def _class_folders(task: Task) -> list[str]:
    """Return a folder name for each category: its own name, less what cannot be in one."""
    folders = [re.sub(r'[\\/:*?"<>|\x00-\x1f]|^\.+|[. ]+$', "_", name) for name in task.categories]
    if len({folder.casefold() for folder in folders}) < len(folders):
        folders = [f"{number:03d}_{folder}" for number, folder in enumerate(folders)]
    return folders


def _line(image: Labelled, label: Label, task: Task, scores: bool) -> str:
    """Return a line of a label file, '' if nothing of the object is in the image."""
    box = image.box(label)
    if box is None:
        return ""
    across, down = 1 / image.width, 1 / image.height
    x, y, width, height = box
    if task.type.endswith("segmentation"):
        outline = joined(polygons_of(image.mask(label)))
        while len(outline) < 3:  # a point or a line is no polygon
            outline = joined([outline, outline[-1:]])
        values = [part for x, y in (outline + 0.5).tolist() for part in (x * across, y * down)]
    else:
        values = [(x + width / 2) * across, (y + height / 2) * down, width * across, height * down]
        if label.keypoints is not None:
            for px, py, score in label.keypoints.tolist():
                is_in = score > 0 and 0 <= px <= image.width and 0 <= py <= image.height
                values += [px * across, py * down, 2] if is_in else [0, 0, 0]
    numbers = [label.category, *values, *([label.score] if scores else [])]
    return " ".join(f"{number:.9g}" for number in numbers)


def _data_yaml(predictions: Predictions, split_of: Sequence[str]) -> str:
    """Return data.yaml; without `path` Ultralytics takes the folder that the file lies in."""
    task = predictions.task
    there = dict.fromkeys([*SPLITS, *split_of])
    lines = [f"{split}: images/{split}\n" for split in there if split in set(split_of)]
    lines += ["names:\n"]
    names = (json.dumps(name, ensure_ascii=False) for name in task.categories)
    lines += [f"  {number}: {name}\n" for number, name in enumerate(names)]
    if task.type == "keypoint-detection":
        shapes = set() if predictions.keypoints is None else {*_n_keypoints(predictions)}
        if len(shapes) > 1:
            raise InputError(
                f"task '{task.name}': objects have {sorted(shapes)} keypoints, but YOLO needs as many of "
                "each; export to coco instead"
            )
        lines += [f"kpt_shape: [{next(iter(shapes), len(task.keypoint_names))}, 3]\n"]
    return "".join(lines)


def _n_keypoints(predictions: Predictions) -> Iterator[int]:
    assert predictions.keypoints is not None
    offsets = predictions.keypoints.offsets
    yield from ((offsets[1:] - offsets[:-1]) // 3).tolist()


def _names(filenames: Sequence[str], flat: bool) -> list[str]:
    """Return where each image goes below its split.

    A folder `images` is renamed, since YOLO looks for labels where the last one stands; images that differ
    only in their endings, and so would share their labels, get the ending into their names.
    """
    if flat:
        cleaned = [name.replace("/", "__") for name in filenames]
    else:
        cleaned = [re.sub(r"(^|/)images(?=/)", r"\1images_", name) for name in filenames]
    stems = Counter(posixpath.splitext(name)[0] for name in cleaned)
    taken = set(stems)
    result = []
    for name in cleaned:
        stem, ending = posixpath.splitext(name)
        if stems[stem] > 1:
            stem = f"{stem}_{ending[1:]}"
            while stem in taken:
                stem += "_"
            taken.add(stem)
        result.append(stem + ending)
    return result
