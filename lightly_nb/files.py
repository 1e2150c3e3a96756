"""Files that are whole or not there: written aside, then renamed to their name."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a new name beside `path` to write to, and rename it to `path` when the body ends well.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written. What stood at `path` before is untouched, as it
        is when the body raises anything; no half file is left.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with written_aside(folder / "names.txt") as aside:
    ...     _ = aside.write_text("a.jpg")
    >>> [file.name for file in folder.iterdir()]
    ['names.txt']
    """
    target = Path(path)
    aside = target.with_name(f".writing-{secrets.token_hex(8)}")
    try:
        yield aside
        os.replace(aside, target)
    except BaseException:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
