"""CVAT, after https://docs.cvat.ai/docs/dataset_management/dataset_manifest/ (version 1.1), November 2026."""

from __future__ import annotations

import json
import posixpath
from typing import Any

from lightly_nb.exports.images import Images
from lightly_nb.exports.sizes import image_sizes


def save(images: Images) -> str:
    """Return a `manifest.jsonl` of CVAT, to be put at the root of the images: version, type, one line each.

    In CVAT: connect the bucket or shared folder with this manifest, then make a task of its files. Sizes are
    of the upright image.
    """
    lines: list[dict[str, Any]] = [{"version": "1.1"}, {"type": "images"}]
    for filename, (width, height) in zip(images.filenames, image_sizes(images), strict=True):
        name, extension = posixpath.splitext(filename)
        meta: dict[str, list[str]] = {"related_images": []}
        lines.append({"name": name, "extension": extension, "width": width, "height": height, "meta": meta})
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
