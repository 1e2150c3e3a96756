"""YOLO: a folder that Ultralytics trains on, after https://docs.ultralytics.com/datasets (November 2026)."""

from __future__ import annotations

import hashlib
import json
import math
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lightly_nb.errors import InputError
from lightly_nb.exports.folders import File, Folder, image_files, text_file
from lightly_nb.exports.images import Images
from lightly_nb.exports.labels import OUTSIDE, Label, Labelled, labelled, labels_of
from lightly_nb.exports.masks import joined, polygons_of
from lightly_nb.samples.predictions import Predictions, Task

SPLITS: Mapping[str, float] = {"train": 0.8, "val": 0.2}
"""Shares of the images; `train` and `val` are what Ultralytics asks for."""

_FRAME = re.compile(r"(?P<video>.+)-\d+-\w+\.png", re.IGNORECASE)


def save(
    images: Images,
    *,
    splits: Mapping[str, float] | str | None = None,
    copy_images: bool = True,
    scores: bool = False,
) -> Folder:
    """Return a folder of YOLO: `data.yaml`, `images/SPLIT/…`, and `labels/SPLIT/….txt` beside them.

    Classes have the numbers 0, 1, … in the order of the schema. Boxes are cut at the edge of the image.
    Segments are one polygon each: parts and holes hang together by cuts of no width. A classification is a
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
    """
    predictions = images.needed_predictions()
    split_of = _splits(images, SPLITS if splits is None else splits)
    names = _names(images.filenames)
    if predictions.task.is_classification:
        if not copy_images:
            said = "a classification of YOLO is folders of images; leave copy_images True, or export to csv"
            raise InputError(said)
        return Folder(lambda: _classification(images, predictions, split_of, names))
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


def _classification(
    images: Images, predictions: Predictions, split_of: Sequence[str], names: Sequence[str]
) -> Iterator[File]:
    task = predictions.task
    folders = _class_folders(task)
    yield text_file("classes.txt", "".join(f"{name}\n" for name in task.categories))
    for split in dict.fromkeys(split_of):
        for folder in folders:
            yield f"{split}/{folder}/", b""  # a class without images keeps its number in every split
    found = [labels_of(predictions, row) for row in range(len(images))]
    rows = [row for row, labels in enumerate(found) if labels]
    images.left_out[
        f"samples have no prediction of task '{task.name}' and were left out: there is no class for them"
    ] += len(images) - len(rows)
    chosen = Images(
        [images.filenames[row] for row in rows],
        [images.numbers[row] for row in rows],
        read=images.read,
        on_event=images.on_event,
    )
    yield from image_files(
        chosen, (f"{split_of[row]}/{folders[found[row][0].category]}/{names[row]}" for row in rows)
    )


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
    lines += [f"  {number}: {json.dumps(name)}\n" for number, name in enumerate(task.categories)]
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


def _names(filenames: Sequence[str]) -> list[str]:
    """Return where each image goes below its split.

    A folder `images` is renamed, since YOLO looks for labels where the last one stands; images that differ
    only in their endings, and so would share their labels, get the ending into their names.
    """
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


def _splits(images: Images, splits: Mapping[str, float] | str) -> list[str]:
    """Return the split of each image."""
    if isinstance(splits, str):
        return _named_splits(images, splits)
    shares = list(splits.values()) if isinstance(splits, Mapping) else []
    are_numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in shares)
    if not shares or not are_numbers or min(shares) < 0 or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise InputError(
            f"splits is {splits!r}; give shares of sum 1, such as {{'train': 0.8, 'val': 0.2}}, or the name "
            "of a column of the samples"
        )
    for name in splits:
        _check_split(name)
    return split_by_shares(images.filenames, splits)


def split_by_shares(filenames: Sequence[str], shares: Mapping[str, float]) -> list[str]:
    """Return a split for each file: always the same one for the same names, whatever their order.

    Frames of a video go together. With as many videos and images as splits, none with a share is empty.

    Examples
    --------
    >>> names = [f"{number}.jpg" for number in range(10)]
    >>> split_by_shares(names, {"train": 0.8, "val": 0.2}).count("val")
    2
    """
    groups = [frame["video"] if (frame := _FRAME.fullmatch(name)) else name for name in filenames]
    sizes = Counter(groups)
    order = sorted(sizes, key=lambda group: hashlib.sha256(group.encode()).digest())
    wanted = {split: share * len(filenames) for split, share in shares.items() if share > 0}
    counts = dict.fromkeys(wanted, 0)
    split_of = {}
    for number, group in enumerate(order):
        empty = [split for split, count in counts.items() if count == 0]
        free = empty if len(order) - number <= len(empty) else list(wanted)
        split = max(free, key=lambda one: (wanted[one] - counts[one]) / wanted[one])
        counts[split] += sizes[group]
        split_of[group] = split
    return [split_of[group] for group in groups]


def _named_splits(images: Images, column: str) -> list[str]:
    result = []
    for name, number in zip(images.filenames, images.numbers, strict=True):
        values = images.metadata(number)
        if column not in values:
            there = ", ".join(map(str, values)) or "none"
            raise InputError(f"splits is {column!r}, but the samples have no such column; theirs: {there}")
        _check_split(values[column], f"{name!r}: ")
        result.append(str(values[column]))
    return result


def _check_split(name: Any, where: str = "") -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[\w-]+", name):
        raise InputError(f"{where}a split cannot be called {name!r}; use letters, digits, _ and -")
