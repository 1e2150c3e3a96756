"""Thumbnails below `.lightly/` of a LIGHTLY datasource, by the pattern that its settings name."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import NamedTuple

from lightly_nb.datasource import WritableDatasource
from lightly_nb.datasource.names import name_problem, suffix_of
from lightly_nb.engines import local
from lightly_nb.errors import DatasourceError
from lightly_nb.events import Listener, Stage, say

STEP = "UPLOADING_DATASET"
AT_ONCE = 8
"""Files that are written at a time."""
GIVE_UP = 100
"""Failures in a row after which no more is tried: a bucket that may not be written, a full disk."""
NAMED = 3
"""Failures that are named one by one."""

_FOLDER = ".lightly/"
_OF_OTHERS = (".lightly/predictions/", ".lightly/metadata/")
_FILENAME, _EXTENSION = "[filename]", "[extension]"
_AS_JPEG = ("jpg", "jpeg")


class Written(NamedTuple):
    """What became of files that were to be written."""

    n_written: int
    n_there: int
    """Those that were there already, of the same size."""
    problems: list[str]
    """Of those that could not be written."""

    @property
    def warning(self) -> str:
        """What to tell of those that could not be written; '' if there are none."""
        if not self.problems:
            return ""
        n = self.n_written + self.n_there + len(self.problems)
        shown = "; ".join(self.problems[:NAMED]) + ("; …" if len(self.problems) > NAMED else "")
        return f"{len(self.problems):,} of {n:,} thumbnails could not be written to LIGHTLY ({shown})"


def thumbnail_pattern_problem(pattern: str) -> str | None:
    """Return why thumbnails cannot go by a pattern, None if they can.

    Examples
    --------
    >>> thumbnail_pattern_problem(".lightly/thumbnails/[filename]_thumb.[extension]")
    >>> thumbnail_pattern_problem("[filename]_thumb.jpg")
    'it leads out of .lightly/, and nothing is written beside the input'
    """
    if _FILENAME not in pattern:
        return f"it has no {_FILENAME}, so that all thumbnails would have one name"
    name = thumbnail_name(pattern, "a/b.jpg")
    if not name.startswith(_FOLDER):
        return f"it leads out of {_FOLDER}, and nothing is written beside the input"
    if name.startswith(_OF_OTHERS):
        return f"it leads into {' or '.join(_OF_OTHERS)}, where other files of yours lie"
    return name_problem(name)


def thumbnail_name(pattern: str, filename: str) -> str:
    """Return where the thumbnail of a sample goes.

    Examples
    --------
    >>> thumbnail_name(".lightly/thumbnails/[filename]_thumb.[extension]", "a b/c.d.png")
    '.lightly/thumbnails/a b/c.d_thumb.png'
    """
    stem, ending = posixpath.splitext(filename)
    parts = [part.replace(_EXTENSION, ending[1:]) for part in pattern.split(_FILENAME)]
    return stem.join(parts)


def write_thumbnails(
    datasource: WritableDatasource,
    pattern: str,
    filenames: Sequence[str],
    thumbnail: Callable[[int], bytes],
    on_event: Listener,
) -> Written:
    """Write thumbnails of samples; those that are there with the same size are left alone.

    A file that cannot be written is a warning: it is counted, and the others are written. A listener that
    raises stops the work; what was written stays, and the next call goes on from there.

    Parameters
    ----------
    datasource : WritableDatasource
        LIGHTLY.
    pattern : str
        The `thumbnail_suffix` of its settings: `[filename]` and `[extension]` stand for those of the sample.
    filenames : sequence of str
        The samples.
    thumbnail : callable
        Returns the thumbnail of a sample, by its number, as JPEG; b"" if it has none.
    on_event : callable
        Gets progress and the warning.
    """
    if problem := thumbnail_pattern_problem(pattern):
        written = Written(0, 0, [f"thumbnail_suffix {pattern!r}: {problem}"] * bool(len(filenames)))
        return _told(written, on_event)
    failed_in_a_row = 0
    there = _sizes(datasource, pattern.partition(_FILENAME)[0].rpartition("/")[0])

    def write(number: int) -> str | None:
        """Return None for a file that was there, '' for one that was written, or why it was not."""
        nonlocal failed_in_a_row
        if failed_in_a_row >= GIVE_UP:
            return f"the last {GIVE_UP} failed, the others were not tried"
        jpeg = thumbnail(number)
        if not jpeg:
            return None
        name = thumbnail_name(pattern, filenames[number])
        try:
            content = _of_type(jpeg, suffix_of(name))
            if there.get(name) == len(content):
                return None
            datasource.write(name, content)
        except (DatasourceError, OSError, ValueError) as error:
            failed_in_a_row += 1
            return str(error)
        failed_in_a_row = 0
        return ""

    found: list[str | None] = []
    work = local.map(write, range(len(filenames)), AT_ONCE)
    with closing(work), Stage(on_event, STEP, len(filenames), "thumbnail") as stage:
        for one in work:
            found.append(one)
            stage.advance()
    written = Written(found.count(""), found.count(None), [one for one in found if one])
    return _told(written, on_event)


def _told(written: Written, on_event: Listener) -> Written:
    if written.warning:
        say(on_event, STEP, written.warning, "warning")
    return written


def _sizes(datasource: WritableDatasource, folder: str) -> dict[str, int]:
    """Return the sizes of the files below a folder; none if it cannot be listed."""
    try:
        listed = datasource.list(lambda name: True, below=folder, lightly=True)
        return {entry.name: entry.size for entry in listed if not entry.refused}
    except DatasourceError:
        return {}


def _of_type(jpeg: bytes, ending: str) -> bytes:
    """Return a thumbnail as a file of the type that its name says, or as it is for an unknown type."""
    from PIL import Image

    Image.init()
    kind = Image.EXTENSION.get(f".{ending}")
    if ending in _AS_JPEG or kind not in Image.SAVE:
        return jpeg
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(jpeg)) as image:
        image.save(buffer, kind)
    return buffer.getvalue()
