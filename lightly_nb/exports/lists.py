"""Plain lists: of file names, and of names with URLs."""

from __future__ import annotations

from lightly_nb.exports.images import Images


def save_filenames(images: Images) -> str:
    """Return the file names, one a line."""
    return "\n".join(images.filenames)


def save_filenames_and_read_urls(images: Images) -> list[dict[str, str]]:
    """Return dicts with `fileName`, `readUrl` and `datasourceUrl`."""
    return [
        {"fileName": name, "readUrl": images.read_url(name), "datasourceUrl": images.source_url(name)}
        for name in images.filenames
    ]
