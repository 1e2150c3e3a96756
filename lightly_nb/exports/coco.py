"""COCO, after https://cocodataset.org/#format-data as of November 2026."""

from __future__ import annotations

from typing import Any

from lightly_nb.exports.images import Images
from lightly_nb.exports.sizes import image_sizes


def save(images: Images) -> dict[str, list[Any]]:
    """Return a COCO file without annotations: `images` with `id`, `file_name`, `width` and `height`.

    `id` is the sample's number in the dataset plus one, so two exports of a dataset agree and their
    annotations can be merged. Sizes are of the upright image, as labelling tools show it.
    """
    entries = [
        {"id": number + 1, "file_name": name, "width": width, "height": height}
        for name, number, (width, height) in zip(
            images.filenames, images.numbers, image_sizes(images), strict=True
        )
    ]
    return {"images": entries, "annotations": [], "categories": []}
