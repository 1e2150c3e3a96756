"""Width and height of images: what a run measured, else what the file says."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

from lightly_nb.engines import local
from lightly_nb.errors import InputError
from lightly_nb.events import Stage
from lightly_nb.exports.images import Images

AT_ONCE = 8
"""Files that are read at a time."""

_FIRST_BYTES = 64 * 1024
_ORIENTATION, _FIRST_SIDEWAYS = 274, 5


def image_sizes(images: Images) -> Iterator[tuple[int, int]]:
    """Yield width and height of each image in pixels, upright.

    Raises
    ------
    DatasourceError, InputError
        If a size is not known and the file cannot be read, or is no image.
    """

    def size(named: tuple[str, tuple[int, int] | None]) -> tuple[int, int]:
        filename, known = named
        found = known or image_size(filename, images.read)
        if found is None:
            said = "is no image that can be opened; leave it out of the tag or the picks"
            raise InputError(f"{images.source_url(filename)} {said}")
        return found

    known = [known_size(images.metadata(number)) for number in images.numbers]
    named = zip(images.filenames, known, strict=True)
    work = local.map(size, named, AT_ONCE) if None in known else (size(one) for one in named)
    with closing(work), Stage(images.listener, "IMAGE SIZES", len(images), "image") as stage:
        for found in work:
            yield found
            stage.advance()


def known_size(metadata: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return width and height that a run measured, None where it did not."""
    of_image = metadata.get("lightly") if isinstance(metadata.get("lightly"), dict) else {}
    width = metadata.get("lightly.width", (of_image or {}).get("width"))
    height = metadata.get("lightly.height", (of_image or {}).get("height"))
    return (int(width), int(height)) if width and height else None


def image_size(filename: str, read: Callable[[str, int | None], bytes]) -> tuple[int, int] | None:
    """Return width and height of an image in pixels, upright, from its first bytes if these will do.

    None: it is no image that can be opened.
    """
    start = read(filename, _FIRST_BYTES)
    return _size(start) or _size_of_whole(start if len(start) < _FIRST_BYTES else read(filename, None))


def _size_of_whole(content: bytes) -> tuple[int, int] | None:
    """Return the size of the picture that everything else sees, None if there is none."""
    from lightly_nb.pictures import CorruptImageError, decode

    if (found := _size(content)) is not None:
        return found
    try:
        decoded = decode(content, min_size=1, strict=False)
    except CorruptImageError:
        return None
    return decoded.width, decoded.height


def _size(content: bytes) -> tuple[int, int] | None:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            has_exif = (
                image.format != "PNG" or "exif" in image.info
            )  # else Pillow decodes a PNG to look for it
            sideways = has_exif and image.getexif().get(_ORIENTATION, 1) >= _FIRST_SIDEWAYS
            if image.format == "TIFF" and getattr(image, "n_frames", 1) > 1:
                return None  # which page is shown, only decoding tells
            width, height = image.size
            if image.format == "TIFF":  # whose size Pillow turns by itself, sooner or later by its version
                width, height = image.tag_v2[256], image.tag_v2[257]  # type: ignore[attr-defined]
            return (height, width) if sideways else (width, height)
    except Exception:  # an image that is cut off fails in many ways
        return None
