"""Labelbox: the row keys that labelbox-python accepts in `create_data_rows`, as of November 2026."""

from __future__ import annotations

from lightly_nb.exports.images import Images


def save_v3(images: Images) -> list[dict[str, str]]:
    """Return rows of Labelbox version 3: `externalId` and `imageUrl`."""
    return [{"externalId": name, "imageUrl": images.read_url(name)} for name in images.filenames]


def save_v4(images: Images) -> list[dict[str, str]]:
    """Return rows of Labelbox version 4: `row_data`, `global_key` and `media_type`.

    Labelbox refuses a `global_key` that it has seen already: delete the old rows, or rename the key.
    """
    return [
        {"row_data": images.read_url(name), "global_key": name, "media_type": "IMAGE"}
        for name in images.filenames
    ]
