"""Label Studio, after https://labelstud.io/guide/tasks.html as of November 2026."""

from __future__ import annotations

from typing import Any

from lightly_nb.exports.images import Images


def save(images: Images) -> list[dict[str, Any]]:
    """Return tasks of Label Studio: `id` and `data` with `image`, a URL, and what is known of the sample.

    `id` is the sample's number in the dataset. Label Studio gives its own ids at the import.
    """
    return [
        {
            "id": number,
            "data": {
                "image": images.read_url(name),
                "lightlyFileName": name,
                "lightlyMetaInfo": {
                    "fileName": name,
                    "index": number,
                    "metaData": dict(images.metadata(number)),
                },
            },
        }
        for name, number in zip(images.filenames, images.numbers, strict=True)
    ]
