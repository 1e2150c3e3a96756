"""LightlyStudio, after https://docs.lightly.ai/studio/dataset_setup/image_dataset as of November 2026."""

from __future__ import annotations

from typing import Any

from lightly_nb.exports import coco
from lightly_nb.exports.images import Images


def save(images: Images) -> dict[str, list[Any]]:
    """Return the COCO file that LightlyStudio reads, with scores, which it keeps as confidences.

    It is loaded by `lightly_studio.ImageDataset.create().add_samples_from_coco(annotations_json=path,
    images_path=folder)`, for masks with `annotation_type=lightly_studio.AnnotationType.SEGMENTATION_MASK`, or
    beside images that are there by `add_annotations_from_coco`. It reads run lengths of crowds only, so masks
    are marked as such.
    """
    whole = coco.save(images, scores=True)
    for one in whole["annotations"]:
        one["iscrowd"] = int("segmentation" in one)
    return whole
