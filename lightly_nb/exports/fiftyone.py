"""FiftyOne: a dataset folder, after https://docs.voxel51.com/user_guide/import_datasets as of November 2026.

Classifications as `FiftyOneImageClassificationDataset`, all else as `COCODetectionDataset`.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator

from lightly_nb.errors import InputError
from lightly_nb.exports import coco
from lightly_nb.exports.folders import File, Folder, image_files, json_file
from lightly_nb.exports.images import Images
from lightly_nb.exports.labels import labels_of


def save(images: Images, *, copy_images: bool = True) -> Folder:
    """Return `labels.json` with scores as confidences, and the images in `data/`.

    It is loaded by `fiftyone.Dataset.from_dir(folder, dataset_type)`, the type being
    `fiftyone.types.COCODetectionDataset`, or `fiftyone.types.FiftyOneImageClassificationDataset` for a
    classification; with `data_path=` where the images are, if they are not copied, and for masks with
    `label_types=["segmentations"]`.

    Parameters
    ----------
    copy_images : bool
        Whether the images are written, too.
    """
    if images.needed_predictions().task.is_classification:
        _check_stems(images)

    def files() -> Iterator[File]:
        yield json_file("labels.json", _labels(images))
        if copy_images:
            yield from image_files(images, (f"data/{name}" for name in images.filenames))

    return Folder(files)


def _labels(images: Images) -> object:
    predictions = images.needed_predictions()
    if not predictions.task.is_classification:
        return coco.save(images, scores=True)
    found: dict[str, dict[str, object] | None] = {}
    for row, name in enumerate(images.filenames):
        best = next(iter(labels_of(predictions, row)), None)
        label = None if best is None else {"label": best.name, "confidence": best.score, "attributes": {}}
        found[posixpath.splitext(name)[0]] = label
    return {"classes": None, "labels": found}


def _check_stems(images: Images) -> None:
    stems = Counter(posixpath.splitext(name)[0] for name in images.filenames)
    if repeated := [name for name in images.filenames if stems[posixpath.splitext(name)[0]] > 1][:2]:
        raise InputError(
            f"{repeated[0]!r} and {repeated[1]!r} differ only in their endings, which classifications of "
            "FiftyOne leave out; rename one, or export to csv"
        )
